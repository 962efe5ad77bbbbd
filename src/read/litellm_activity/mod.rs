//! LiteLLM's daily sums: the activity API, its usage export and its daily table. A day, a key, a model and four counts.
//!
//! ```text
//! date,entity_id,entity_alias,…,model,spend,flat_cost,prompt_tokens,completion_tokens,api_requests,…
//! 2026-05-14,7d1f…,support-platform,…,openai/gpt-5,0.024272,0.0,24960,3808,3,…
//! ```

mod csv;
mod json;
mod ledger;
#[cfg(test)]
mod tests;

use self::ledger::{Ledger, Name};
use super::UsageRead;
use crate::diagnostic::Origin;
use crate::invoice::Reject;
use crate::money::{Money, read_count};
use crate::period::{Day, SECONDS_PER_SLOT};
use crate::read::gather::shown;
use crate::read::onlooker::CountedRow;
use crate::usage::cube::{AttributionKey, RatingKey, Sums};
use crate::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Seller, Tier};

pub use csv::{DAILY_TABLE, EXPORT, UI_EXPORT};
pub use json::JSON;

/// One sum as the files write it; counts and spend are their text.
#[derive(Debug, Clone, Default)]
struct Total<'a> {
    name: Name<'a>,
    date: &'a str,
    provider: &'a str,
    key: &'a str,
    model: &'a str,
    group: &'a str,
    team: &'a str,
    spend: &'a str,
    prompt: &'a str,
    completion: &'a str,
    cache_read: &'a str,
    cache_write: &'a str,
    successful: &'a str,
    failed: &'a str,
}

/// Adds a sum to the cubes, or to the rejects with its place.
fn add(read: &mut UsageRead, ledger: &mut Ledger<'_>, total: &Total<'_>, origin: &Origin) {
    let amount = Money::read(total.spend).ok();
    if let Err((code, reason)) = try_add(read, ledger, total, origin) {
        read.rows += 1;
        read.rejected += 1;
        if read.rejects.len() < 1000 {
            let amount = amount.map(|read| read.amount);
            read.rejects.push(Reject { origin: origin.clone(), code, reason, amount });
        }
    }
}

fn try_add(
    read: &mut UsageRead,
    ledger: &mut Ledger<'_>,
    total: &Total<'_>,
    origin: &Origin,
) -> Result<(), (&'static str, String)> {
    let day: Day = total.date.parse().map_err(|reason| ("bad-date", reason))?;
    let slot = u32::try_from(day.start() / SECONDS_PER_SLOT)
        .map_err(|_| ("bad-date", format!("`{day}` is before 1970")))?;
    let count = |name: &str, text: &str| {
        if text.is_empty() {
            return Ok(0);
        }
        read_count(text)
            .ok_or_else(|| ("bad-count", format!("`{name}`: `{}` is not a whole count", shown(text))))
    };
    let prompt = count("prompt_tokens", total.prompt)?;
    let completion = count("completion_tokens", total.completion)?;
    let cache_read = count("cache_read_input_tokens", total.cache_read)?;
    let cache_write = count("cache_creation_input_tokens", total.cache_write)?;
    let successful = count("successful_requests", total.successful)?;
    let failed = count("failed_requests", total.failed)?;
    let logged = match total.spend {
        "" => None,
        text => Some(Money::read(text).map_err(|error| ("bad-amount", error.to_string()))?.amount),
    };
    // Prompt tokens include the cache; the lifetime of what was written is not kept.
    let uncached = prompt.checked_sub(cache_read.saturating_add(cache_write));
    let mut sums = Sums { requests: successful, ..Sums::default() };
    sums.meters.set(Meter::Input, uncached.unwrap_or(prompt));
    sums.meters.set(Meter::CacheRead, cache_read);
    sums.meters.set(Meter::CacheWriteOther, cache_write);
    sums.meters.set(Meter::Output, completion);
    if let Some(logged) = logged {
        sums.logged = logged;
        sums.logged_rows = successful;
    }
    let names = &mut read.cubes.names;
    let provider = match total.provider {
        "" => total.model.split_once('/').map_or("", |(prefix, _)| prefix),
        provider => provider,
    };
    let provider = if total.provider.is_empty() && Seller::find(provider).is_none() { "" } else { provider };
    let rating = RatingKey {
        slot,
        provider: names.intern(provider),
        key: names.intern(total.key),
        requested: names.intern(total.group),
        routed: names.intern(total.group),
        served: names.intern(total.model),
        region: 0,
        tier: Tier::Standard,
        band: 0,
        outcome: Outcome::Success,
        call_type: CallType::Generation,
        source: CountSource::TotalsOnly,
        reading: if uncached.is_some() { Reading::InclusiveInferred } else { Reading::IdentityFailed },
        stream: false,
        whole_day: true,
    };
    let attribution = AttributionKey {
        day: day.days(),
        team: names.intern(total.team),
        feature: 0,
        environment: 0,
        customer: 0,
        deploy: 0,
        provider: rating.provider,
        key: rating.key,
        routed: rating.routed,
        served: rating.served,
        region: 0,
        tier: rating.tier,
        band: 0,
        outcome: rating.outcome,
    };
    let repeated = ledger.repeats(&total.name, failed, &sums, origin);
    let mut put = |outcome: Outcome, sums: &Sums| {
        let outcome = if repeated { Outcome::Duplicate } else { outcome };
        read.rows += sums.requests;
        let key = RatingKey { outcome, ..rating };
        if let Some(onlooker) = ledger.onlooker() {
            let (names, at) = (&read.cubes.names, key.at());
            let (requests, origin) = (sums.requests, origin.clone());
            onlooker.see(&CountedRow { id: "", key: &key, names, at, requests, origin });
        }
        read.cubes.rating.entry(key).or_default().add(sums);
        read.cubes.attribution.entry(AttributionKey { outcome, ..attribution }).or_default().add(sums);
    };
    // Tokens of failed attempts that were billed are in the sum and cannot be told apart.
    if successful > 0 || !sums.meters.is_zero() || !sums.logged.is_zero() {
        put(Outcome::Success, &sums);
    }
    if failed > 0 {
        put(Outcome::Failed, &Sums { requests: failed, ..Sums::default() });
    }
    Ok(())
}
