//! How LiteLLM names a model and where it is sold: `azure/eu/gpt-4o`, `us.anthropic.claude-opus-5`, `gemini/…`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{PriceRow, Shop, keys};
use crate::money::Ratio;
use crate::review::import::place::{AZURE, BEDROCK, BEDROCK_HOME};
use crate::vocabulary::{Meter, Tier};

/// What LiteLLM puts before the ids of a seller.
const PREFIXES: [(&str, &str); 11] = [
    ("azure-openai", "azure/"),
    ("deepseek", "deepseek/"),
    ("fireworks", "fireworks_ai/"),
    ("google-gemini-api", "gemini/"),
    ("google-vertex", "vertex_ai/"),
    ("groq", "groq/"),
    ("mistral", "mistral/"),
    ("openrouter", "openrouter/"),
    ("perplexity", "perplexity/"),
    ("together", "together_ai/"),
    ("xai", "xai/"),
];

/// Every region that has entries of its own, with the names of the model there.
pub fn regions(shop: &Shop, own: &[&PriceRow]) -> Vec<(String, Vec<String>)> {
    let prefix = PREFIXES.iter().find(|(seller, _)| *seller == shop.seller).map_or("", |(_, prefix)| *prefix);
    let rows: BTreeSet<&str> = own.iter().map(|row| &*row.region).collect();
    match shop.seller {
        "azure-openai" => {
            let places = AZURE.iter().filter(|(_, region)| *region != "global" && rows.contains(region));
            let global = std::iter::once(("", "global")).chain(places.copied());
            let names = |start: &str| names(shop, &format!("{prefix}{start}"));
            global.map(|(start, region)| (region.to_owned(), names(start))).collect()
        }
        "aws-bedrock" => {
            let id = &shop.model.id;
            let home = (BEDROCK_HOME.to_owned(), vec![id.to_string()]);
            let profiles = BEDROCK.iter().filter(|(_, region)| sold(shop, region, &rows));
            let profiles =
                profiles.map(|(start, region)| ((*region).to_owned(), vec![format!("{start}{id}")]));
            let clouds = rows.iter().filter(|region| !matches!(**region, "global" | "*" | BEDROCK_HOME));
            let clouds = clouds.filter(|region| !region.starts_with("geo:"));
            let clouds = clouds.map(|region| ((*region).to_owned(), vec![format!("bedrock/{region}/{id}")]));
            std::iter::once(home).chain(profiles).chain(clouds).collect()
        }
        _ => vec![("global".to_owned(), names(shop, prefix))],
    }
}

/// The id as it is written, then the other whole names that a program would send, all behind the prefix.
fn names(shop: &Shop, prefix: &str) -> Vec<String> {
    let id = &*shop.model.id;
    let machine = |name: &&str| {
        name.bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b':' | b'@' | b'_' | b'/'))
    };
    // Behind `azure/` a slash would be read as a region.
    let whole = |name: &&str| shop.seller != "azure-openai" || !name.contains('/');
    let others = shop.book.spellings(shop.seller, id, shop.at).filter(|name| !name.eq_ignore_ascii_case(id));
    let others = others.filter(machine).filter(whole);
    // The book may know a model by LiteLLM's own name of it.
    let others = others.map(|name| match name.starts_with(prefix) {
        true => name.to_owned(),
        false => format!("{prefix}{name}"),
    });
    std::iter::once(id).filter(whole).map(|id| format!("{prefix}{id}")).chain(others).collect()
}

/// True where a price of the region is the region's own, by a row or a declared factor.
fn sold(shop: &Shop, region: &str, rows: &BTreeSet<&str>) -> bool {
    let derived =
        || shop.price(Meter::Input, Tier::Standard, region, None).is_some_and(|found| found.derived);
    rows.contains(region) || (region != "global" && derived())
}

/// Factors that LiteLLM applies on top, each where it is the same for every price of the entry. Gives back the regions
/// and tiers they speak for.
pub fn factors(
    shop: &Shop,
    own: &[&PriceRow],
    entry: &mut BTreeMap<String, Value>,
) -> Vec<(&'static str, Tier)> {
    let of = |region: &str, tier: Tier| uniform(shop, own, region, tier);
    let mut spoken = Vec::new();
    match shop.seller {
        "openai" => {
            for (region, key) in [
                ("geo:us", "regional_processing_uplift_multiplier_us"),
                ("geo:eu", "regional_processing_uplift_multiplier_eu"),
            ] {
                if let Some(factor) = of(region, Tier::Standard) {
                    entry.insert(key.to_owned(), keys::number(factor));
                    spoken.push((region, Tier::Standard));
                }
            }
        }
        "google-vertex" => {
            let places = ["us-central1", "europe-west1", "asia-southeast1"];
            let found: BTreeSet<Option<Ratio>> =
                places.iter().map(|region| of(region, Tier::Standard)).collect();
            if let (Some(Some(factor)), 1) = (found.first(), found.len()) {
                entry.insert("regional_endpoint_uplift_multiplier".to_owned(), keys::number(*factor));
                spoken.extend(places.map(|region| (region, Tier::Standard)));
            }
        }
        "anthropic" => {
            let mut found = serde_json::Map::new();
            for (name, region, tier) in [("fast", "global", Tier::Fast), ("us", "geo:us", Tier::Standard)] {
                if let Some(factor) = of(region, tier) {
                    found.insert(name.to_owned(), keys::number(factor));
                    spoken.push((region, tier));
                }
            }
            if !found.is_empty() {
                entry.insert("provider_specific_entry".to_owned(), Value::Object(found));
            }
        }
        _ => {}
    }
    spoken
}

/// The one factor, other than 1, by which every token price of the region and tier differs from the global standard.
fn uniform(shop: &Shop, own: &[&PriceRow], region: &str, tier: Tier) -> Option<Ratio> {
    let mut factors = BTreeSet::new();
    for row in
        own.iter().filter(|row| row.meter.is_token() && row.tier.is_none_or(|tier| tier == Tier::Standard))
    {
        let Some(plain) = shop.price(row.meter, Tier::Standard, "global", row.ctx) else { continue };
        let special = shop.price(row.meter, tier, region, row.ctx)?;
        if let Some(inverse) = Ratio::new(plain.unit.denominator(), plain.unit.numerator()) {
            factors.insert(special.unit.checked_mul(inverse)?);
        }
    }
    let factor = factors.pop_first()?;
    (factors.is_empty() && factor != Ratio::ONE).then_some(factor)
}
