//! Usage in FOCUS columns, for tools that read FOCUS: a row per day, provider, account, model and meter.
//!
//! ```text
//! ChargePeriodStart,…,SkuMeter,ConsumedQuantity,ConsumedUnit
//! 2026-10-01T00:00:00Z,…,cache_read,96000,Tokens
//! ```
//! Usage has no price yet, so every cost is null: no money is invented.

use std::collections::BTreeMap;
use std::path::Path;

use super::guard::guard;
use super::write::{CsvFile, instant};
use crate::error::Result;
use crate::period::Day;
use crate::usage::cube::Cubes;
use crate::vocabulary::{Meter, Seller};

pub const HEADER: &[&str] = &[
    "BillingAccountId",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ServiceProviderName",
    "ServiceCategory",
    "ServiceSubcategory",
    "ServiceName",
    "SkuMeter",
    "ConsumedQuantity",
    "ConsumedUnit",
    "BilledCost",
    "EffectiveCost",
    "ListCost",
    "ContractedCost",
    "BillingCurrency",
    "x_Model",
    "x_ServiceTier",
    "x_Region",
    "x_LoggedProvider",
];

/// Day, provider, account, model, tier, region, meter.
type Row<'a> = (Day, &'a str, String, &'a str, &'a str, &'a str, Meter);

/// Writes what is expected on a bill (calls that no provider charges for are left out). `account` names the account
/// for a provider and key. Returns the rows written.
pub fn write_focus(cubes: &Cubes, account: &dyn Fn(&str, &str) -> String, target: &Path) -> Result<u64> {
    let mut sums: BTreeMap<Row<'_>, u128> = BTreeMap::new();
    for (key, sum) in cubes.rating.iter().filter(|(key, _)| key.outcome.is_billable()) {
        let name = |name| cubes.names.text(name);
        for (meter, count) in sum.meters.iter() {
            let row = (
                key.day(),
                name(key.provider),
                account(name(key.provider), name(key.key)),
                name(key.served),
                key.tier.id(),
                name(key.region),
                meter,
            );
            *sums.entry(row).or_default() += u128::from(count);
        }
    }
    let mut file = CsvFile::create(target)?;
    file.record(HEADER)?;
    for ((day, provider, account, model, tier, region, meter), count) in &sums {
        let seller = Seller::find(provider).map_or(*provider, |seller| seller.name);
        let month = day.month();
        let (first, next) = (month.first().start(), month.next().first().start());
        let count = count.to_string();
        file.record([
            guard(account).as_ref(),
            &instant(first),
            &instant(next),
            "Usage",
            "",
            &guard(&format!("{model} {meter}")),
            "Usage-Based",
            &instant(day.start()),
            &instant(day.next().start()),
            &guard(seller),
            "AI and Machine Learning",
            "Generative AI",
            &guard(seller),
            meter.id(),
            &count,
            meter.unit(),
            "",
            "",
            "",
            "",
            "",
            &guard(model),
            tier,
            &guard(region),
            &guard(provider),
        ])?;
    }
    file.finish()?;
    Ok(sums.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::cube::{RatingKey, Sums};
    use crate::vocabulary::{CallType, CountSource, Outcome, Reading, Tier};

    #[test]
    fn one_row_for_each_day_model_and_meter_and_no_money() {
        let mut cubes = Cubes::default();
        let (provider, served) = (cubes.names.intern("vertex_ai"), cubes.names.intern("=gemini"));
        let key = RatingKey {
            slot: 20_587 * 96, // 2026-05-14
            provider,
            key: 0,
            requested: 0,
            routed: 0,
            served,
            region: 0,
            tier: Tier::Standard,
            band: 0,
            outcome: Outcome::Success,
            call_type: CallType::Generation,
            source: CountSource::Provider,
            reading: Reading::Inclusive,
            stream: false,
            whole_day: false,
        };
        let mut sums = Sums { requests: 1, ..Sums::default() };
        sums.meters.set(Meter::Input, 1104);
        cubes.rating.insert(key, sums);
        cubes.rating.insert(RatingKey { slot: key.slot + 95, ..key }, sums);
        cubes.rating.insert(RatingKey { outcome: Outcome::CacheHit, ..key }, sums);
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("focus.csv");
        assert_eq!(write_focus(&cubes, &|_, _| "acct-1".into(), &target).unwrap(), 1);
        let text = std::fs::read_to_string(target).unwrap();
        let row = text.lines().nth(1).unwrap();
        assert_eq!(
            row,
            "acct-1,2026-05-01T00:00:00Z,2026-06-01T00:00:00Z,Usage,,'=gemini input,Usage-Based,\
             2026-05-14T00:00:00Z,2026-05-15T00:00:00Z,Google Vertex AI,AI and Machine Learning,Generative AI,\
             Google Vertex AI,input,2208,Tokens,,,,,,'=gemini,standard,,vertex_ai"
        );
    }
}
