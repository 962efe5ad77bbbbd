//! Keys and numbers of an entry: `cache_creation_input_token_cost_above_1hr_above_200k_tokens_batches`.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

use super::{PriceRow, Shop};
use crate::money::Ratio;
use crate::review::import::litellm::{BASES, TIERS};
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, Seller, Tier};

/// Decimals of a price that does not end: enough for the nearest double.
const PLACES: u32 = 22;

/// The key of a price; none where LiteLLM's grammar has none.
pub fn key(seller: &str, meter: Meter, tier: Tier, band: Option<Band>) -> Option<String> {
    let default = Seller::with_lifetime(seller, Meter::CacheWriteOther);
    let meter = if meter == default { Meter::CacheWriteOther } else { meter };
    let (base, ..) = BASES.iter().find(|(_, other, ..)| *other == meter)?;
    let suffix = match tier {
        Tier::Standard => "",
        tier => TIERS.iter().find(|(_, other)| *other == tier)?.0,
    };
    let above = match band {
        None => String::new(),
        Some(band) if band.tokens % 1000 == 0 => format!("_above_{}k_tokens", band.tokens / 1000),
        Some(_) => return None,
    };
    // A search has one price whatever the tier and the prompt.
    (meter != Meter::WebSearch || (suffix.is_empty() && above.is_empty()))
        .then(|| format!("{base}{above}{suffix}"))
}

/// The price of as many units as LiteLLM states it for.
pub fn value(meter: Meter, unit: Ratio) -> Value {
    let of = BASES.iter().find(|(_, other, ..)| *other == meter).map_or(1, |(_, _, of, _)| *of);
    let unit = Ratio::new(of.into(), 1).and_then(|of| unit.checked_mul(of)).unwrap_or(unit);
    let number = number(unit);
    match meter {
        Meter::WebSearch => {
            let sizes = ["high", "low", "medium"];
            Value::Object(
                sizes
                    .map(|size| (format!("search_context_size_{size}"), number.clone()))
                    .into_iter()
                    .collect(),
            )
        }
        _ => number,
    }
}

/// The plain decimal: LiteLLM parses it to the nearest double.
pub fn number(unit: Ratio) -> Value {
    let text = unit.decimal_text(PLACES);
    let number: Result<Number, _> = serde_json::from_str(&text);
    number.map_or(Value::String(text), Value::Number)
}

pub fn above(left: Ratio, right: Ratio) -> bool {
    let a = left.numerator().checked_mul(right.denominator());
    let b = right.numerator().checked_mul(left.denominator());
    a.zip(b).is_some_and(|(a, b)| a > b)
}

/// Provider, mode and source of an entry.
pub fn describe(shop: &Shop, entry: &mut BTreeMap<String, Value>) {
    let has = |key: &str| entry.contains_key(key);
    let embeds = shop.model.id.to_ascii_lowercase().contains("embed");
    let mode = match () {
        () if has("output_cost_per_image_token") => Some("image_generation"),
        () if has("output_cost_per_token") => Some("chat"),
        () if embeds => Some("embedding"),
        () if has("ocr_cost_per_page") => Some("ocr"),
        () if has("input_cost_per_audio_per_second") => Some("audio_transcription"),
        () => None,
    };
    let provider = match shop.seller {
        "aws-bedrock" => "bedrock_converse",
        "azure-openai" => "azure",
        "cohere" if mode == Some("chat") => "cohere_chat",
        "fireworks" => "fireworks_ai",
        "google-gemini-api" => "gemini",
        "google-vertex" => "vertex_ai",
        "together" => "together_ai",
        same => same,
    };
    let rows = shop.book.rows(shop.seller, &shop.model.id, Meter::Input).into_iter();
    let newest = rows.filter(|row: &&PriceRow| row.from <= shop.at).max_by_key(|row| row.from);
    let source = newest.and_then(|row| shop.book.evidence(&row.source)).map(|evidence| &*evidence.url);
    let words = [("litellm_provider", Some(provider)), ("mode", mode), ("source", source)];
    entry.extend(words.into_iter().filter_map(|(key, word)| Some((key.to_owned(), word?.into()))));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_all_that_the_price_depends_on() {
        let band = |tokens| Some(Band { tokens, inclusive: false });
        for (seller, meter, tier, ctx, wanted) in [
            ("openai", Meter::Input, Tier::Standard, None, Some("input_cost_per_token")),
            ("openai", Meter::CacheWrite30m, Tier::Flex, None, Some("cache_creation_input_token_cost_flex")),
            (
                "anthropic",
                Meter::CacheWrite5m,
                Tier::Batch,
                None,
                Some("cache_creation_input_token_cost_batches"),
            ),
            (
                "anthropic",
                Meter::CacheWrite1h,
                Tier::Batch,
                band(200_000),
                Some("cache_creation_input_token_cost_above_1hr_above_200k_tokens_batches"),
            ),
            ("openai", Meter::CacheWrite5m, Tier::Standard, None, None),
            ("openai", Meter::Input, Tier::Standard, band(199_999), None),
            ("anthropic", Meter::Input, Tier::Fast, None, None),
            ("openai", Meter::WebSearch, Tier::Batch, None, None),
            ("openai", Meter::CapacityHour, Tier::Standard, None, None),
        ] {
            assert_eq!(key(seller, meter, tier, ctx).as_deref(), wanted);
        }
    }

    #[test]
    fn a_number_is_a_plain_decimal_and_a_third_ends_past_a_double() {
        let text = |numerator, denominator| number(Ratio::new(numerator, denominator).unwrap()).to_string();
        assert_eq!(text(2, 10_000_000), "0.0000002");
        assert_eq!(text(111, 3_600_000), "0.0000308333333333333333");
        assert_eq!(text(3, 1), "3");
    }
}
