//! Mistakes with a choice: another version, seller, model, tier or region of the book. One row proves none of them, for
//! there is always some price that fits; days do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::figure::Figure;
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::Day;
use crate::pricebook::Pricebook;
use crate::rate::{Account, DayUsage, Leaf, Rater};
use crate::vocabulary::{Meter, Tier};

/// What the book offers for one model of a seller.
#[derive(Debug, Default)]
struct Options {
    /// Instants from which another price holds.
    versions: Vec<i64>,
    /// The same model at other sellers.
    twins: Vec<(&'static str, Arc<str>)>,
    /// Models of the same family.
    siblings: Vec<Arc<str>>,
}

/// What is known beside the row: the book's offers, and which models answered which names.
#[derive(Default)]
pub(super) struct Known {
    options: BTreeMap<(Arc<str>, Arc<str>), Options>,
    answered: BTreeSet<(Account, Arc<str>, Arc<str>)>,
}

impl Known {
    pub fn new(usage: &[DayUsage]) -> Known {
        let rows = usage.iter().filter(|row| row.outcome.is_billable());
        let answered =
            rows.map(|row| (row.account.clone(), row.requested.clone(), row.model.clone())).collect();
        Known { options: BTreeMap::new(), answered }
    }

    /// True where the model answered other calls that asked for the same name.
    pub fn answers(&self, row: &DayUsage, model: &str) -> bool {
        self.answered.contains(&(row.account.clone(), row.requested.clone(), model.into()))
    }

    fn options(&mut self, rater: &Rater, row: &DayUsage) -> &Options {
        let (seller, model) = (&row.account.provider, &row.model);
        self.options
            .entry((seller.clone(), model.clone()))
            .or_insert_with(|| offers(rater.book, seller, model, row.at))
    }
}

fn offers(book: &Pricebook, seller: &str, model: &Arc<str>, at: i64) -> Options {
    let versions = book.row_changes(seller, model, i64::MIN, i64::MAX);
    let bare = bare(model);
    let others = book.sellers().filter(|other| *other != seller);
    let twins = others
        .flat_map(|other| book.models(other).map(move |twin| (other, twin)))
        .filter(|(_, twin)| self::bare(&twin.id) == bare)
        .map(|(other, twin)| (other, (*twin.id).into()))
        .collect();
    let known = book.resolve(seller, model, at).is_some();
    let siblings = book
        .models(seller)
        .filter(|other| known && *other.id != **model && family(&other.id) == family(model))
        .map(|other| (*other.id).into())
        .collect();
    Options { versions, twins, siblings }
}

/// `claude-sonnet-4-5` of `anthropic.claude-sonnet-4-5-20250929-v1:0`: what sellers call the same model by.
fn bare(id: &str) -> &str {
    let id = id.rsplit('/').next().unwrap_or(id);
    let id = match id.split_once('.') {
        Some((vendor, rest)) if vendor.chars().all(|char| char.is_ascii_alphabetic()) => rest,
        _ => id,
    };
    let id = id.split(['@', ':']).next().unwrap_or(id);
    let id = ["-v1", "-v2"].iter().find_map(|version| id.strip_suffix(version)).unwrap_or(id);
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    match id.rsplit_once('-') {
        Some((name, date)) if digits(date, 8) => name,
        _ => id.get(..id.len().saturating_sub(11)).filter(|_| is_dashed_date(id)).unwrap_or(id),
    }
}

/// Ends in `-2025-04-14`.
fn is_dashed_date(id: &str) -> bool {
    let tail = id.len().checked_sub(11).and_then(|start| id.as_bytes().get(start..));
    tail.is_some_and(|tail| {
        tail.iter().enumerate().all(|(index, byte)| match index {
            0 | 5 | 8 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    })
}

/// The leading word: `gpt`, `claude`, `gemini`.
fn family(id: &str) -> &str {
    let id = bare(id);
    id.split(|char: char| !char.is_ascii_alphabetic()).next().unwrap_or(id)
}

/// Factors by which a unit is mistaken: prices per thousand, per million, per token, in cents.
const SCALES: [u32; 5] = [2, 3, 4, 5, 6];

/// A story that reproduces the row's cost: its cause, and in words that are the same on every row it explains.
pub(super) type Story = (&'static str, String);

/// Every choice that makes the cost the gateway logged.
pub(super) fn fitting(
    rater: &Rater,
    row: &DayUsage,
    known: &mut Known,
    fits: &dyn Fn(&Figure) -> Result<bool>,
) -> Result<Vec<Story>> {
    let plain = Figure::of(row);
    let mut found = Vec::new();
    let book = rater.book;
    let mapped = book.resolve(&row.account.provider, &row.served, row.at).is_none();
    let options = known.options(rater, row);
    for version in &options.versions {
        let then = |leaf: &mut Leaf| (leaf.at, leaf.whole_day) = (*version, false);
        if fits(&plain.clone().at(then))? {
            // Where only prompts of this size had another price, it is the surcharge that came or went.
            let short = plain.clone().at(|leaf| leaf.prompt = 0);
            let same = short.cost(rater, true)? == short.clone().at(then).cost(rater, true)?;
            let cause = if row.prompt > 0 && same { "rate.context_band" } else { "rate.stale" };
            let day = Day::of_instant(*version);
            found.push((cause, format!("the gateway priced by the book's prices as of {day}")));
        }
    }
    for (seller, model) in &options.twins {
        let there = |leaf: &mut Leaf| {
            leaf.account.provider = (*seller).into();
            leaf.model = model.clone();
        };
        let anywhere = |leaf: &mut Leaf| {
            there(leaf);
            leaf.region = "".into();
        };
        if fits(&plain.clone().at(there))? || fits(&plain.clone().at(anywhere))? {
            found.push((
                "rate.platform_twin",
                format!("the gateway priced the same model as sold by {seller}"),
            ));
        }
    }
    for model in &options.siblings {
        if fits(&plain.clone().at(|leaf| leaf.model = model.clone()))? {
            let cause = if mapped { "map.deployment_name" } else { "map.fuzzy_match" };
            found.push((cause, format!("the gateway priced {} as {model}", row.model)));
        }
    }
    for name in [&row.requested, &row.routed, &row.served] {
        for (_, model) in book.meanings(&row.account.provider, name) {
            if let Some(model) = model.filter(|model| **model != *row.model)
                && fits(&plain.clone().at(|leaf| leaf.model = model.into()))?
            {
                let what = format!("the gateway priced {name} as {model}, which it meant at another time");
                found.push(("map.alias_repointed", what));
            }
        }
    }
    for tier in Tier::ALL.iter().filter(|tier| **tier != row.tier && **tier != Tier::Standard) {
        if fits(&plain.clone().at(|leaf| leaf.tier = *tier))? {
            let cause = match tier {
                Tier::Batch => "rate.batch",
                Tier::Fast | Tier::Ultrafast => "rate.speed_premium",
                _ => "rate.service_tier",
            };
            found.push((cause, format!("the gateway priced tier {tier}, which the record does not name")));
        }
    }
    for region in book.regions(&row.account.provider) {
        let region: Arc<str> = region.trim_end_matches('*').into();
        if *region != *row.region && fits(&plain.clone().at(|leaf| leaf.region = region.clone()))? {
            let what = format!("the gateway priced region {region}, which the record does not name");
            found.push(("rate.region_uplift", what));
        }
    }
    for power in SCALES {
        let ten = 10i128.pow(power);
        for (scale, words) in [(Ratio::new(ten, 1), "too high"), (Ratio::new(1, ten), "too low")] {
            if let Some(scale) = scale
                && fits(&plain.clone().times(scale))?
            {
                let what = format!("the gateway's price is 10^{power} times {words}");
                found.push(("rate.unit_scale", what));
            }
        }
    }
    found.extend(declared(rater, row, &plain, fits)?);
    Ok(found)
}

/// Fees that belong to a call of a tool, charged though no call was counted: a whole number of them, one a request at
/// most.
fn declared(
    rater: &Rater,
    row: &DayUsage,
    plain: &Figure,
    fits: &dyn Fn(&Figure) -> Result<bool>,
) -> Result<Option<Story>> {
    let Some(ours) = plain.cost(rater, true)? else { return Ok(None) };
    let over = row.sums.logged - ours;
    for meter in [Meter::WebSearch, Meter::FileSearch, Meter::CodeExecSession] {
        if row.sums.meters.get(meter) > 0 || over <= Money::ZERO {
            continue;
        }
        let Some(fee) = rater.ratio(&row.leaf(meter)).filter(|fee| !fee.is_zero()) else { continue };
        let calls = crate::money::div_half_even(
            over.pico().saturating_mul(fee.denominator()),
            fee.numerator().saturating_mul(crate::money::ONE).max(1),
        );
        if (1..=i128::from(row.sums.requests)).contains(&calls)
            && let Ok((more, _)) = fee.amount(calls)
            && fits(&plain.clone().plus(more))?
        {
            let what = format!("the gateway charged for {meter} calls that the record does not count");
            return Ok(Some(("cls.tool_fee", what)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sellers_write_one_model_in_many_ways() {
        for id in [
            "claude-sonnet-4-5",
            "claude-sonnet-4-5-20250929",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "claude-sonnet-4-5@20250929",
            "anthropic/claude-sonnet-4-5",
        ] {
            assert_eq!(bare(id), "claude-sonnet-4-5", "{id}");
        }
        assert_eq!(bare("gpt-4.1-mini-2025-04-14"), "gpt-4.1-mini");
        assert_eq!(
            (family("gpt-4.1-mini"), family("anthropic.claude-opus-4-1-20250805-v1:0")),
            ("gpt", "claude")
        );
    }
}
