//! The activity API: each breakdown is a complete view of the same day, so exactly one is read, that of models by key.
//!
//! ```text
//! {"results": [{"date": "2026-05-14", "metrics": {"spend": 0.07, …}, "breakdown": {"models": {"openai/gpt-5": {…}}}}]}
//! ```

use serde_json::{Map, Value};

use super::{Ledger, Name, Total, add};
use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::money::Money;
use crate::read::source::Source;
use crate::read::{UsageFormat, UsageOptions, UsageRead};

pub static JSON: UsageFormat = UsageFormat {
    id: "litellm-activity-json",
    family: "litellm",
    about: "LiteLLM daily activity API",
    sniff: |sample| sample.has_json_keys(&["results", "breakdown", "metrics", "api_requests"]),
    read,
};

fn read(source: &Source, options: &UsageOptions) -> Result<UsageRead> {
    let unusable = |message: String| {
        Diagnostic::error("bad-activity", source.origin(), message)
            .help("save the whole answer of the API again")
    };
    let document: Value =
        serde_json::from_str(&source.text()?).map_err(|error| unusable(error.to_string()))?;
    let days = document["results"].as_array().ok_or_else(|| unusable("no `results`".to_owned()))?;
    let mut read = UsageRead::default();
    let mut ledger = Ledger::new(JSON.id, options);
    let metadata = &document["metadata"];
    read.page = metadata["page"].as_u64().zip(metadata["total_pages"].as_u64());
    // Whether the other pages are there is known once all files are read.
    if read.page.is_none() && metadata["has_more"] == true {
        let message = "the answer says that more pages follow";
        read.diagnostics.push(
            Diagnostic::warning("more-pages", source.origin(), message)
                .help("save every page and give all of them"),
        );
    }
    for day in days {
        let date = text(&day["date"]);
        let mut sum = Money::ZERO;
        for (model, entry) in members(&day["breakdown"]["models"]) {
            let mut keys = 0;
            for (hash, part) in members(&entry["api_key_breakdown"]) {
                keys += 1;
                let alias = text(&part["metadata"]["key_alias"]);
                let key = if alias.is_empty() { hash } else { &alias };
                let team = text(&part["metadata"]["team_id"]);
                // A page may end inside a day, and the next one has the rest of its sums.
                let name = Name { parts: vec![&date, model, hash, &team], unique: false };
                let place = Total { name, date: &date, model, key, team: &team, ..Total::default() };
                sum += one(&mut read, &mut ledger, source, place, part);
            }
            if keys == 0 {
                let name = Name { parts: vec![&date, model], unique: false };
                let place = Total { name, date: &date, model, ..Total::default() };
                sum += one(&mut read, &mut ledger, source, place, entry);
            }
        }
        let stated = Money::read(&text(&day["metrics"]["spend"])).map_or(Money::ZERO, |read| read.amount);
        if stated != sum {
            let message = format!("{date}: the models add up to {sum} where the day says {stated}");
            read.diagnostics.push(Diagnostic::warning("breakdown-differs", source.origin(), message));
        }
    }
    ledger.close(&mut read, source.origin())?;
    Ok(read)
}

/// Adds one key's sum of one model and returns its spend.
fn one(
    read: &mut UsageRead,
    ledger: &mut Ledger<'_>,
    source: &Source,
    place: Total<'_>,
    entry: &Value,
) -> Money {
    let metric = |name: &str| text(&entry["metrics"][name]);
    let spend = metric("spend");
    let total = Total {
        spend: &spend,
        prompt: &metric("prompt_tokens"),
        completion: &metric("completion_tokens"),
        cache_read: &metric("cache_read_input_tokens"),
        cache_write: &metric("cache_creation_input_tokens"),
        successful: &metric("successful_requests"),
        failed: &metric("failed_requests"),
        ..place
    };
    add(read, ledger, &total, &source.origin());
    Money::read(&spend).map_or(Money::ZERO, |read| read.amount)
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// The text of a string or of a number as written.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}
