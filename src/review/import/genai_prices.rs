//! genai-prices: curated prices by provider, some of them dated, per million tokens.
//!
//! ```json
//! [{"id": "openai", "pricing_urls": ["https://…"], "models": [{"id": "o3", "match": {"equals": "o3"}, "prices": [
//!   {"prices": {"input_mtok": 10}}, {"constraint": {"start_date": "2025-06-10"}, "prices": {"input_mtok": 2}}]}]}]
//! ```

use serde_json::{Map, Value};

use super::number::{self, Amount};
use super::place::{Place, above, place, provider};
use super::{Context, Format, Listing, Quote};
use crate::period::{Day, read_instant};
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, Seller, Tier};

pub const FORMAT: Format = Format {
    id: "genai-prices",
    lacks: &[
        "genai-prices dates some prices: a row without a date starts on the day of the list.",
        "It has no regions but those in an id, no cache lifetime above an hour, no weekdays and no holidays.",
        "It matches names in part: the proposal holds the id alone.",
    ],
    url: "https://github.com/pydantic/genai-prices/tree/main/prices",
    recognise,
    read,
};

const TOKENS: u64 = 1_000_000;
/// Keys: what is counted, for how many units the list states it, and for how many the book does.
const KEYS: [(&str, Meter, u64); 18] = [
    ("input_mtok", Meter::Input, TOKENS),
    ("output_mtok", Meter::Output, TOKENS),
    ("cache_read_mtok", Meter::CacheRead, TOKENS),
    ("cache_write_mtok", Meter::CacheWriteOther, TOKENS),
    ("cache_write_1h_mtok", Meter::CacheWrite1h, TOKENS),
    ("output_reasoning_mtok", Meter::OutputReasoning, TOKENS),
    ("input_audio_mtok", Meter::InputAudio, TOKENS),
    ("output_audio_mtok", Meter::OutputAudio, TOKENS),
    ("cache_audio_read_mtok", Meter::CacheReadAudio, TOKENS),
    ("input_image_mtok", Meter::InputImage, TOKENS),
    ("output_image_mtok", Meter::OutputImage, TOKENS),
    ("input_video_mtok", Meter::InputVideo, TOKENS),
    ("input_mchars", Meter::Character, TOKENS),
    ("web_searches_kcount", Meter::WebSearch, 1000),
    ("storage_searches_kcount", Meter::FileSearch, 1000),
    ("requests_kcount", Meter::Request, 1000),
    ("input_document_kpages", Meter::Page, 1000),
    ("input_audio_hours", Meter::SecondAudio, 3600),
];

fn recognise(value: &Value) -> bool {
    let first = value.as_array().and_then(|providers| providers.first());
    first.is_some_and(|provider| provider.get("models").is_some_and(Value::is_array))
}

fn read(value: &Value, context: &Context, listing: &mut Listing) {
    for entry in value.as_array().into_iter().flatten() {
        let named = text(entry, "id");
        let cited = entry.get("pricing_urls").and_then(Value::as_array).is_some_and(|urls| !urls.is_empty());
        let seller = provider(named).filter(|id| context.sellers.is_empty() || context.sellers.contains(id));
        for model in entry.get("models").and_then(Value::as_array).into_iter().flatten() {
            for block in blocks(model, context.retrieved) {
                for (key, value, start) in block.leaves() {
                    listing.prices += 1;
                    let Some(seller) = seller else {
                        listing.out_of_scope(named);
                        continue;
                    };
                    match quote(context, seller, model, &block, (key, value, start)) {
                        Ok(quote) => listing.quotes.push(Quote { cited, ..quote }),
                        Err(why) => {
                            listing.inexpressible(key, why, &format!("{named}/{}", text(model, "id")))
                        }
                    }
                }
            }
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or("")
}

/// The prices that hold together: since when, and for which requests.
struct Block<'v> {
    prices: Option<&'v Map<String, Value>>,
    start: Option<Day>,
    /// An instant at which they hold.
    at: Day,
    past: bool,
    when: Option<&'v Map<String, Value>>,
    /// Why no row can hold any of them.
    refused: Option<&'static str>,
}

impl<'v> Block<'v> {
    /// Every amount with its key and the prompt size above which it holds.
    fn leaves(&self) -> Vec<(&'v str, &'v Value, Option<&'v Value>)> {
        let mut leaves = Vec::new();
        for (key, value) in self.prices.into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            let Some(tiers) = value.get("tiers").and_then(Value::as_array) else {
                leaves.push((key.as_str(), value, None));
                continue;
            };
            leaves.extend(value.get("base").map(|base| (key.as_str(), base, None)));
            for tier in tiers {
                // A tier without a price or a boundary is still an entry: it is reported as no plain amount.
                leaves.push((
                    key,
                    tier.get("price").unwrap_or(tier),
                    Some(tier.get("start").unwrap_or(tier)),
                ));
            }
        }
        leaves
    }
}

/// The blocks of a model, those of its variants included.
fn blocks(model: &Value, retrieved: Day) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = match model.get("prices") {
        Some(Value::Array(list)) => list.iter().map(|entry| block(entry, retrieved)).collect(),
        Some(prices) => vec![Block {
            prices: prices.as_object(),
            start: None,
            at: retrieved,
            past: false,
            when: None,
            refused: None,
        }],
        None => Vec::new(),
    };
    // What has no start held until the first that has one.
    let first = blocks.iter().filter_map(|block| block.start).min().filter(|start| *start <= retrieved);
    if let Some(first) = first {
        for block in blocks.iter_mut().filter(|block| block.start.is_none()) {
            (block.at, block.past) = (first.previous(), true);
        }
    }
    let variants = model.get("price_variants").and_then(Value::as_array).into_iter().flatten();
    blocks.extend(variants.map(|entry| Block {
        when: entry.get("when").and_then(Value::as_object),
        ..block(entry, retrieved)
    }));
    blocks
}

fn block(entry: &Value, retrieved: Day) -> Block<'_> {
    let constraint = entry.get("constraint").and_then(Value::as_object);
    let start = constraint.and_then(|constraint| constraint.get("start_date")?.as_str()?.parse::<Day>().ok());
    let refused = match constraint {
        Some(constraint) if constraint.contains_key("start_time") => {
            Some("hours of the day without a date: a schedule, to be written by hand")
        }
        Some(_) if start.is_none() => Some("a condition that is no date"),
        _ => None,
    };
    let prices = entry.get("prices").and_then(Value::as_object);
    Block { prices, start, at: start.unwrap_or(retrieved), past: false, when: None, refused }
}

fn quote(
    context: &Context,
    seller: &'static str,
    model: &Value,
    block: &Block,
    (key, value, boundary): (&str, &Value, Option<&Value>),
) -> Result<Quote, &'static str> {
    let at = block.at.start();
    let names = names(model);
    let Place { model, known, region } = place(context, seller, &names, at)?;
    if let Some(why) = block.refused {
        return Err(why);
    }
    let tier = tier(seller, block.when)?;
    let (_, meter, per) =
        KEYS.iter().find(|(other, ..)| *other == key).ok_or("a unit that the book has no word for")?;
    let ctx = match boundary {
        None => None,
        Some(start) => Some(band(context, seller, start.as_u64().ok_or("a boundary that is no number")?)),
    };
    let Amount { price, per, unit, rounded } = number::read(value, *per, *per).ok_or("no plain amount")?;
    let meter = Seller::with_lifetime(seller, *meter);
    Ok(Quote {
        name: names.first().map_or_else(String::new, |name| (*name).to_owned()),
        key: key.to_owned(),
        seller,
        model,
        known,
        meter,
        tier,
        ctx,
        region,
        price,
        per,
        unit,
        rounded,
        from: block.start.and_then(|start| read_instant(&start.to_string())).map(|(instant, _)| instant),
        at,
        past: block.past,
        cited: false,
    })
}

/// The id, then every name the entry matches as a whole or by its start.
fn names(model: &Value) -> Vec<&str> {
    fn collect<'v>(rule: &'v Value, names: &mut Vec<&'v str>) {
        for (kind, value) in rule.as_object().into_iter().flatten() {
            match value {
                Value::String(name) if kind != "regex" => names.push(name),
                Value::Array(rules) => rules.iter().for_each(|rule| collect(rule, names)),
                _ => {}
            }
        }
    }
    let mut names = vec![text(model, "id")];
    if let Some(rule) = model.get("match") {
        collect(rule, &mut names);
    }
    names.retain(|name| !name.is_empty());
    names
}

fn tier(seller: &str, when: Option<&Map<String, Value>>) -> Result<Tier, &'static str> {
    let Some(when) = when else { return Ok(Tier::Standard) };
    let mut words = when.iter().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or("")));
    match (words.next(), words.next()) {
        (Some(("processing" | "service_tier" | "speed", word)), None) => {
            Tier::read(seller, word).ok_or("a tier that the book has no word for")
        }
        _ => Err("a condition on the request"),
    }
}

/// Prices here hold above a boundary; an inclusive one is written one token lower.
fn band(context: &Context, seller: &str, start: u64) -> Band {
    let from = above(context, seller, start.saturating_add(1));
    if from.inclusive { from } else { Band { tokens: start, inclusive: false } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn undated_prices_end_where_dated_ones_begin() {
        let model = parsed(
            r#"{"id": "o3", "prices": [{"prices": {"input_mtok": 10}},
                {"constraint": {"start_date": "2025-06-10"}, "prices": {"input_mtok": {"base": 2, "tiers": [{"start": 200000, "price": 4}]}}},
                {"constraint": {"start_time": "00:30:00+00:00", "end_time": "16:30:00+00:00"}, "prices": {"input_mtok": 1}}],
                "price_variants": [{"when": {"processing": "batch"}, "constraint": null, "prices": {"input_mtok": 1}}]}"#,
        );
        let found = blocks(&model, "2026-08-21".parse().unwrap());
        let seen: Vec<_> = found
            .iter()
            .map(|block| (block.at.to_string(), block.past, block.leaves().len(), block.refused.is_some()))
            .collect();
        let day = |text: &str, past, leaves, refused| (text.to_owned(), past, leaves, refused);
        assert_eq!(
            seen,
            [
                day("2025-06-09", true, 1, false),
                day("2025-06-10", false, 2, false),
                day("2025-06-09", true, 1, true),
                day("2026-08-21", false, 1, false),
            ]
        );
    }

    #[test]
    fn a_tier_is_the_word_of_the_seller() {
        let when = |json: &str| parsed(json).as_object().cloned();
        assert_eq!(tier("anthropic", when(r#"{"speed": "fast"}"#).as_ref()), Ok(Tier::Fast));
        assert_eq!(tier("openai", when(r#"{"service_tier": "fast"}"#).as_ref()), Ok(Tier::Priority));
        assert_eq!(tier("openai", None), Ok(Tier::Standard));
        assert!(tier("openai", when(r#"{"search_type": "web"}"#).as_ref()).is_err());
        assert!(tier("openai", when(r#"{"speed": "warp"}"#).as_ref()).is_err());
    }
}
