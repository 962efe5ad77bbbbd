//! models.dev: prices by provider and model, per million tokens, without a date.
//!
//! ```json
//! {"openai": {"models": {"gpt-5.4": {"cost": {"input": 2.5, "tiers": [{"input": 5, "tier": {"size": 272000}}]}}}}}
//! ```

use serde_json::{Map, Value};

use super::number::{self, Amount};
use super::place::{Place, above, place, provider};
use super::{Context, Format, Listing, Quote};
use crate::vocabulary::{Meter, Seller, Tier};

pub const FORMAT: Format = Format {
    id: "models.dev",
    lacks: &[
        "models.dev has no dates of prices: a proposed row starts on the day of the list.",
        "It has one cache write, and neither batch nor flex.",
        "It names no page of the seller, so its rows are proposed as `estimated`.",
    ],
    url: "https://models.dev/api.json",
    recognise,
    read,
};

const TOKENS: u64 = 1_000_000;
const KEYS: [(&str, Meter); 10] = [
    ("input", Meter::Input),
    ("output", Meter::Output),
    ("cache_read", Meter::CacheRead),
    ("cached_input", Meter::CacheRead),
    ("cache_input", Meter::CacheRead),
    ("cache_write", Meter::CacheWriteOther),
    ("cached_write", Meter::CacheWriteOther),
    ("reasoning", Meter::OutputReasoning),
    ("input_audio", Meter::InputAudio),
    ("output_audio", Meter::OutputAudio),
];

fn recognise(value: &Value) -> bool {
    let mut models =
        value.as_object().into_iter().flat_map(Map::values).filter_map(|entry| entry.get("models"));
    models.any(|models| {
        models.as_object().is_some_and(|models| models.values().any(|model| model.get("cost").is_some()))
    })
}

fn read(value: &Value, context: &Context, listing: &mut Listing) {
    for (named, entry) in value.as_object().into_iter().flatten() {
        let seller = provider(named).filter(|id| context.sellers.is_empty() || context.sellers.contains(id));
        for (name, model) in entry.get("models").and_then(Value::as_object).into_iter().flatten() {
            for leaf in leaves(model) {
                listing.prices += 1;
                let Some(seller) = seller else {
                    listing.out_of_scope(named);
                    continue;
                };
                match quote(context, seller, name, &leaf) {
                    Ok(quote) => listing.quotes.push(quote),
                    Err(why) => listing.inexpressible(leaf.key, why, &format!("{named}/{name}")),
                }
            }
        }
    }
}

/// An amount, the prompt size above which it holds, and the mode of the request.
struct Leaf<'v> {
    key: &'v str,
    value: &'v Value,
    size: Option<u64>,
    mode: Option<&'v str>,
}

fn leaves(model: &Value) -> Vec<Leaf<'_>> {
    let mut leaves = Vec::new();
    costs(model.get("cost"), None, &mut leaves);
    let modes = model.get("experimental").and_then(|experimental| experimental.get("modes"));
    for (mode, entry) in modes.and_then(Value::as_object).into_iter().flatten() {
        costs(entry.get("cost"), Some(mode), &mut leaves);
    }
    leaves
}

fn costs<'v>(cost: Option<&'v Value>, mode: Option<&'v str>, leaves: &mut Vec<Leaf<'v>>) {
    for (key, value) in
        cost.and_then(Value::as_object).into_iter().flatten().filter(|(_, value)| !value.is_null())
    {
        let Some(tiers) = value.as_array().filter(|_| key == "tiers") else {
            leaves.push(Leaf { key, value, size: None, mode });
            continue;
        };
        for tier in tiers.iter().filter_map(Value::as_object) {
            let size = tier.get("tier").and_then(|tier| tier.get("size")).and_then(Value::as_u64);
            for (key, value) in tier.iter().filter(|(key, value)| *key != "tier" && !value.is_null()) {
                leaves.push(Leaf { key, value, size: Some(size.unwrap_or(0)), mode });
            }
        }
    }
}

fn quote(context: &Context, seller: &'static str, name: &str, leaf: &Leaf) -> Result<Quote, &'static str> {
    let at = context.retrieved.start();
    let Place { model, known, region } = place(context, seller, &[name], at)?;
    let (_, meter) =
        KEYS.iter().find(|(key, _)| *key == leaf.key).ok_or("a unit that the book has no word for")?;
    let tier = leaf.mode.map_or(Some(Tier::Standard), |mode| Tier::read(seller, mode));
    let tier = tier.ok_or("a tier that the book has no word for")?;
    let ctx = match leaf.size {
        None => None,
        Some(0) => return Err("a boundary that is no number"),
        Some(tokens) => Some(above(context, seller, tokens)),
    };
    let Amount { price, per, unit, rounded } =
        number::read(leaf.value, TOKENS, TOKENS).ok_or("no plain amount")?;
    let meter = Seller::with_lifetime(seller, *meter);
    Ok(Quote {
        name: name.to_owned(),
        key: leaf.key.to_owned(),
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
        from: None,
        at,
        past: false,
        cited: false,
    })
}
