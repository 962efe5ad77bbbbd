//! LiteLLM's price map: one entry per model, dollars for one token as floats, everything else in the key.
//!
//! ```json
//! {"gpt-5.6-luna": {"litellm_provider": "openai", "input_cost_per_token": 2e-07,
//!                   "cache_creation_input_token_cost_above_12hr_above_272k_tokens_batches": 5e-07}}
//! ```

use serde_json::{Map, Value};

use super::number::{self, Amount};
use super::place::{above, place, provider};
use super::{Context, Format, Listing, Quote};
use crate::vocabulary::{Meter, Seller, Tier};

pub const FORMAT: Format = Format {
    id: "litellm",
    lacks: &[
        "A LiteLLM map has no dates: a proposed row starts on the day of the list; the true start is earlier.",
        "It does not say whether a prompt of exactly the boundary is above it, or whether a zero means free.",
    ],
    url: "https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json",
    recognise,
    read,
};

const TOKENS: u64 = 1_000_000;
/// A second is often a fraction that only the hour states in full: 0.0002833… is 1.02 an hour.
const HOUR: u64 = 3600;

/// A key before its suffixes: what it counts, for how many units LiteLLM states it, and for how many the book does.
pub type Base = (&'static str, Meter, u64, u64);

/// Bases in the order export looks for them.
pub const BASES: [Base; 24] = [
    ("input_cost_per_token", Meter::Input, 1, TOKENS),
    ("output_cost_per_token", Meter::Output, 1, TOKENS),
    ("cache_read_input_token_cost", Meter::CacheRead, 1, TOKENS),
    ("input_cost_per_token_cache_hit", Meter::CacheRead, 1, TOKENS),
    ("cache_creation_input_token_cost", Meter::CacheWriteOther, 1, TOKENS),
    ("cache_creation_input_token_cost_above_1hr", Meter::CacheWrite1h, 1, TOKENS),
    ("cache_creation_input_token_cost_above_12hr", Meter::CacheWrite12h, 1, TOKENS),
    ("output_cost_per_reasoning_token", Meter::OutputReasoning, 1, TOKENS),
    ("input_cost_per_audio_token", Meter::InputAudio, 1, TOKENS),
    ("output_cost_per_audio_token", Meter::OutputAudio, 1, TOKENS),
    ("cache_read_input_audio_token_cost", Meter::CacheReadAudio, 1, TOKENS),
    ("input_cost_per_image_token", Meter::InputImage, 1, TOKENS),
    ("output_cost_per_image_token", Meter::OutputImage, 1, TOKENS),
    ("input_cost_per_video_token", Meter::InputVideo, 1, TOKENS),
    ("input_cost_per_character", Meter::Character, 1, TOKENS),
    ("ocr_cost_per_page", Meter::Page, 1, 1),
    ("input_cost_per_request", Meter::Request, 1, 1),
    ("input_cost_per_audio_per_second", Meter::SecondAudio, 1, HOUR),
    ("output_cost_per_video_per_second", Meter::SecondVideo, 1, HOUR),
    ("search_context_cost_per_query", Meter::WebSearch, 1, 1),
    ("file_search_cost_per_1k_calls", Meter::FileSearch, 1000, 1000),
    ("file_search_cost_per_gb_per_day", Meter::StorageGbDay, 1, 1),
    ("vector_store_cost_per_gb_per_day", Meter::StorageGbDay, 1, 1),
    ("code_interpreter_cost_per_session", Meter::CodeExecSession, 1, 1),
];
/// Keys whose meaning the entry's `mode` decides.
const BY_MODE: [(&str, Base); 3] = [
    ("audio_transcription", ("input_cost_per_second", Meter::SecondAudio, 1, HOUR)),
    ("video_generation", ("output_cost_per_second", Meter::SecondVideo, 1, HOUR)),
    ("image_generation", ("output_cost_per_image", Meter::Image, 1, 1)),
];
pub const TIERS: [(&str, Tier); 4] = [
    ("_batches", Tier::Batch),
    ("_flex", Tier::Flex),
    ("_priority", Tier::Priority),
    ("_ultrafast", Tier::Ultrafast),
];

fn recognise(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|models| models.values().any(|entry| entry.get("litellm_provider").is_some()))
}

fn read(value: &Value, context: &Context, listing: &mut Listing) {
    for (name, entry) in value.as_object().into_iter().flatten() {
        let Some(entry) = entry.as_object() else { continue };
        for (key, value) in entry.iter().filter(|(key, value)| is_price(key) && !value.is_null()) {
            listing.prices += 1;
            let named = entry.get("litellm_provider").and_then(Value::as_str).unwrap_or("");
            let seller =
                provider(named).filter(|id| context.sellers.is_empty() || context.sellers.contains(id));
            match seller {
                None => listing.out_of_scope(named),
                Some(seller) => match quote(context, seller, name, entry, key, value) {
                    Ok(quote) => listing.quotes.push(quote),
                    Err(why) => listing.inexpressible(key, why, name),
                },
            }
        }
    }
}

fn is_price(key: &str) -> bool {
    const OTHERS: [&str; 5] = [
        "tiered_pricing",
        "off_peak_pricing",
        "provider_specific_entry",
        "search_free_requests",
        "web_search_billing_unit",
    ];
    key.contains("cost") || key.contains("uplift_multiplier") || OTHERS.contains(&key)
}

fn quote(
    context: &Context,
    seller: &'static str,
    name: &str,
    entry: &Map<String, Value>,
    key: &str,
    value: &Value,
) -> Result<Quote, &'static str> {
    let at = context.retrieved.start();
    let found = place(context, seller, &[name], at)?;
    let parsed = parse(seller, key, entry.get("mode").and_then(Value::as_str).unwrap_or(""))?;
    let Amount { price, per, unit, rounded } = amount(value, parsed.of, parsed.per)?;
    Ok(Quote {
        name: name.to_owned(),
        key: key.to_owned(),
        seller,
        model: found.model,
        known: found.known,
        meter: parsed.meter,
        tier: parsed.tier,
        ctx: parsed.above.map(|tokens| above(context, seller, tokens)),
        region: found.region,
        price,
        per,
        unit,
        rounded,
        from: None,
        at,
        past: false,
        cited: entry
            .get("source")
            .and_then(Value::as_str)
            .is_some_and(|source| source.starts_with("https://")),
    })
}

/// A number, or one number for every size of search context.
fn amount(value: &Value, of: u64, per: u64) -> Result<Amount, &'static str> {
    let value = match value.as_object() {
        None => value,
        Some(sizes) => {
            let mut sizes = sizes.values();
            let first = sizes.next().ok_or("no plain amount")?;
            if sizes.any(|other| other != first) {
                return Err("another price for each size of search context");
            }
            first
        }
    };
    number::read(value, of, per).ok_or("no plain amount")
}

/// What a key means.
#[derive(Debug, PartialEq, Eq)]
struct Parsed {
    meter: Meter,
    tier: Tier,
    above: Option<u64>,
    of: u64,
    per: u64,
}

/// `BASE[_above_Nk_tokens][_TIER]`, where a cache write may carry its lifetime.
fn parse(seller: &'static str, key: &str, mode: &str) -> Result<Parsed, &'static str> {
    match key {
        "off_peak_pricing" => return Err("hours of the day: a schedule, to be written by hand"),
        "search_free_requests" => return Err("an allowance"),
        "provider_specific_entry" => return Err("factors, which belong into modifiers.toml"),
        "tiered_pricing" => return Err("a list of prompt sizes"),
        _ if key.contains("uplift_multiplier") => return Err("a factor, which belongs into modifiers.toml"),
        _ => {}
    }
    let tier = TIERS.iter().find_map(|(ending, tier)| key.strip_suffix(ending).map(|rest| (rest, *tier)));
    let (rest, tier) = tier.unwrap_or((key, Tier::Standard));
    let boundary = rest.strip_suffix("k_tokens").and_then(|rest| rest.rsplit_once("_above_"));
    let (base, above) = match boundary {
        None => (rest, None),
        Some((base, thousands)) => {
            let thousands: u64 = thousands.parse().map_err(|_| "a boundary that is no number")?;
            let tokens = thousands.checked_mul(1000).ok_or("a boundary that is no number")?;
            (base, Some(tokens))
        }
    };
    let by_mode = BY_MODE.iter().filter(|(wanted, _)| *wanted == mode).map(|(_, base)| base);
    let (_, meter, of, per) = *BASES
        .iter()
        .chain(by_mode)
        .find(|(other, ..)| *other == base)
        .ok_or("a unit or a tier that the book has no word for")?;
    let meter = Seller::with_lifetime(seller, meter);
    Ok(Parsed { meter, tier, above, of, per })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_base_a_boundary_and_a_tier() {
        for (seller, key, meter, tier, above) in [
            ("openai", "input_cost_per_token", Meter::Input, Tier::Standard, None),
            (
                "openai",
                "output_cost_per_token_above_272k_tokens_flex",
                Meter::Output,
                Tier::Flex,
                Some(272_000),
            ),
            ("openai", "cache_creation_input_token_cost", Meter::CacheWrite30m, Tier::Standard, None),
            ("anthropic", "cache_creation_input_token_cost_batches", Meter::CacheWrite5m, Tier::Batch, None),
            (
                "anthropic",
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                Meter::CacheWrite1h,
                Tier::Standard,
                Some(200_000),
            ),
            (
                "openai",
                "cache_creation_input_token_cost_above_12hr_above_272k_tokens_ultrafast",
                Meter::CacheWrite12h,
                Tier::Ultrafast,
                Some(272_000),
            ),
            ("mistral", "cache_creation_input_token_cost", Meter::CacheWriteOther, Tier::Standard, None),
        ] {
            assert_eq!(
                parse(seller, key, "chat"),
                Ok(Parsed { meter, tier, above, of: 1, per: TOKENS }),
                "{key}"
            );
        }
        let video = parse("openai", "output_cost_per_second", "video_generation").unwrap();
        assert_eq!((video.meter, video.per), (Meter::SecondVideo, HOUR));
    }

    #[test]
    fn what_the_book_has_no_word_for_says_so() {
        for key in [
            "input_cost_per_token_balanced",
            "output_cost_per_second_720p",
            "input_dbu_cost_per_token",
            "input_cost_per_token_above_manyk_tokens",
            "input_cost_per_token_above_99999999999999999999k_tokens",
            "input_cost_per_token_above_1hr",
            "regional_processing_uplift_multiplier_eu",
            "off_peak_pricing",
        ] {
            assert!(parse("openai", key, "chat").is_err(), "{key}");
        }
    }
}
