//! Price rows: quantities agree, the unit price does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::missing_price::draft_row;
use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::{Money, ONE, Ratio};
use crate::period::Day;
use crate::pricebook::PriceQuery;
use crate::rate::{Account, Leaf};
use crate::reconcile::{BillKey, Edit, State, quantity};
use crate::vocabulary::{Meter, Tier};

/// A price found in the book must hold on this many days; a fitted one on one more (its own day is spent).
const DAYS_LISTED: usize = 3;
const DAYS_FITTED: usize = 4;
/// Scopes that sellers price apart, tried when the bill does not show regions.
const REGIONS: &[&str] = &["geo:us", "geo:eu"];

/// One price key of one model over the days.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Series {
    account: Account,
    model: Arc<str>,
    meter: Meter,
    tier: Option<Tier>,
    region: Option<Arc<str>>,
    long_context: Option<bool>,
}

/// One day of a series: what one unit cost on the bill, as an interval of exact rationals.
#[derive(Debug, Clone)]
struct Point {
    key: BillKey,
    leaf: Leaf,
    unit: Ratio,
    low: Ratio,
    high: Ratio,
    ties: bool,
    proven: bool,
}

impl Point {
    fn holds(&self, unit: Ratio) -> bool {
        less_or_equal(self.low, unit) && less_or_equal(unit, self.high)
    }
}

/// One finding: an account's model, why, and from when.
type Change = (Account, Arc<str>, Vec<Reason>, Day);

/// Why a unit price would be what the bill shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// Another row of the book for the same model, meter and tier.
    Row(String),
    Region(String),
    Tier(Tier),
    /// No row says so: the simplest price inside the interval.
    Fitted,
}

struct Run {
    series: Series,
    days: Vec<Point>,
    unit: Ratio,
    reasons: Vec<Reason>,
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let all = series(state);
    let mut runs: Vec<Run> = Vec::new();
    for (series, points) in &all {
        for days in runs_of(points) {
            if let Some((unit, reasons)) = reasons(state, series, &days) {
                runs.push(Run { series: series.clone(), days, unit, reasons });
            }
        }
    }
    // A tier or region multiplies every meter of a call: it is a reason only where all meters of its days show it.
    let coherent: Vec<Vec<Reason>> = runs
        .iter()
        .map(|run| run.reasons.iter().filter(|reason| coherent(run, reason, &runs, &all)).cloned().collect())
        .collect();
    let mut grouped: BTreeMap<Change, Vec<Run>> = BTreeMap::new();
    for (mut run, reasons) in runs.into_iter().zip(coherent) {
        let fitted = reasons.is_empty() || reasons == [Reason::Fitted];
        let enough = if fitted { DAYS_FITTED } else { DAYS_LISTED };
        if run.days.len() < enough {
            continue;
        }
        run.reasons = if reasons.is_empty() { vec![Reason::Fitted] } else { reasons };
        // Rows of different meters belong to one price change.
        let class = run
            .reasons
            .iter()
            .map(
                |reason| {
                    if let Reason::Row(_) = reason { Reason::Row(String::new()) } else { reason.clone() }
                },
            )
            .collect();
        let from = run.days[0].key.cell.first;
        grouped
            .entry((run.series.account.clone(), run.series.model.clone(), class, from))
            .or_default()
            .push(run);
    }
    Ok(grouped
        .into_iter()
        .map(|((account, model, _, from), runs)| price_patch(state, &account, &model, from, &runs))
        .collect())
}

fn series(state: &State) -> BTreeMap<Series, Vec<Point>> {
    let mut all: BTreeMap<Series, Vec<Point>> = BTreeMap::new();
    for key in state.billed.keys() {
        let bill = state.bill(key);
        let (Some(model), Some(meter)) = (&key.cell.model, key.meter) else { continue };
        if bill.lines == 0 || key.cell.first != key.cell.last {
            continue;
        }
        let (Some(leaf), proof) = (state.model_leaf(key), quantity::billed(state, key)) else { continue };
        let Some(unit) = state.unit(key, &leaf) else { continue };
        let logged = state.logged_quantity(key);
        // A quantity implied by the price cannot test the price.
        let proven =
            proof.filter(|(_, known)| matches!(known, quantity::Known::Stated | quantity::Known::Witnessed));
        let count = proven.map_or(logged, |(count, _)| count);
        // A price is judged only where the quantities agree; otherwise it would be blamed for missing rows.
        if count <= 0 || proven.is_some_and(|(count, _)| count != logged) {
            continue;
        }
        let bound = bill.bound + Money::STEP;
        let side = |amount: Money| {
            Ratio::quotient(amount.pico(), count).and_then(|ratio| ratio.checked_mul(Ratio::new(1, ONE)?))
        };
        let (Some(low), Some(high)) = (side(bill.amount - bound), side(bill.amount + bound)) else {
            continue;
        };
        let mut point =
            Point { key: key.clone(), leaf, unit, low, high, ties: false, proven: proven.is_some() };
        point.ties = point.holds(unit);
        let series = Series {
            account: key.cell.account.clone(),
            model: model.clone(),
            meter,
            tier: key.tier,
            region: key.region.clone(),
            long_context: key.long_context,
        };
        all.entry(series).or_default().push(point);
    }
    all
}

/// Maximal runs of days off the book's price that one price could explain.
fn runs_of(points: &[Point]) -> Vec<Vec<Point>> {
    let mut runs: Vec<Vec<Point>> = Vec::new();
    let mut interval: Option<(Ratio, Ratio)> = None;
    for point in points {
        if point.ties {
            interval = None;
            continue;
        }
        let narrowed = interval
            .map(|(low, high)| (later(low, point.low), earlier(high, point.high)))
            .filter(|(low, high)| less_or_equal(*low, *high));
        match (narrowed, runs.last_mut()) {
            (Some(narrowed), Some(run)) => {
                run.push(point.clone());
                interval = Some(narrowed);
            }
            _ => {
                runs.push(vec![point.clone()]);
                interval = Some((point.low, point.high));
            }
        }
    }
    runs
}

fn reasons(state: &State, series: &Series, days: &[Point]) -> Option<(Ratio, Vec<Reason>)> {
    let first = days.first()?;
    let holds = |unit: Ratio| days.iter().all(|day| day.holds(unit));
    let book = state.rater.book;
    let mut found: BTreeMap<Reason, Ratio> = BTreeMap::new();
    let own_tier = series.tier.unwrap_or(first.leaf.tier);
    for row in book.rows(&series.account.provider, &series.model, first.leaf.meter) {
        if let Some(unit) = row.unit
            && unit != first.unit
            && row.tier.is_none_or(|tier| tier == own_tier)
            && holds(unit)
        {
            found.insert(Reason::Row(row.origin.to_string()), unit);
        }
    }
    let query = PriceQuery {
        seller: &series.account.provider,
        model: &series.model,
        meter: first.leaf.meter,
        tier: own_tier,
        region: &first.leaf.region,
        prompt: first.leaf.prompt,
        at: first.leaf.at,
    };
    if series.region.is_none() {
        for region in REGIONS {
            if let Ok(priced) = book.price(&PriceQuery { region, ..query })
                && priced.unit != first.unit
                && holds(priced.unit)
            {
                found.insert(Reason::Region((*region).to_owned()), priced.unit);
            }
        }
    }
    if series.tier.is_none() {
        for tier in Tier::ALL {
            if let Ok(priced) = book.price(&PriceQuery { tier: *tier, ..query })
                && *tier != own_tier
                && priced.unit != first.unit
                && holds(priced.unit)
            {
                found.insert(Reason::Tier(*tier), priced.unit);
            }
        }
    }
    if let Some(unit) = found.values().next().copied() {
        return Some((unit, found.into_keys().collect()));
    }
    let low = days.iter().map(|day| day.low).fold(first.low, later);
    let high = days.iter().map(|day| day.high).fold(first.high, earlier);
    Some((simplest(low, high)?, vec![Reason::Fitted]))
}

fn coherent(run: &Run, reason: &Reason, runs: &[Run], all: &BTreeMap<Series, Vec<Point>>) -> bool {
    if matches!(reason, Reason::Row(_) | Reason::Fitted) {
        return true;
    }
    let days: BTreeSet<Day> = run.days.iter().map(|point| point.key.cell.first).collect();
    all.iter()
        .filter(|(series, _)| series.account == run.series.account && series.model == run.series.model)
        .flat_map(|(series, points)| points.iter().map(move |point| (series, point)))
        .filter(|(_, point)| days.contains(&point.key.cell.first))
        .all(|(series, point)| {
            runs.iter().any(|other| {
                other.series == *series
                    && other.reasons.contains(reason)
                    && other.days.iter().any(|day| day.key == point.key)
            })
        })
}

fn price_patch(state: &State, account: &Account, model: &Arc<str>, from: Day, runs: &[Run]) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let (mut edits, mut facts, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let mut proven = true;
    for run in runs {
        scope.meters.insert(run.series.meter);
        scope.tiers.extend(run.series.tier);
        for point in &run.days {
            scope.cover(&point.key.cell);
            edits.push(Edit::Price { key: point.key.clone(), unit: run.unit });
            proven &= point.proven;
        }
        let first = &run.days[0];
        let origin = state.bill(&first.key).origin;
        let meter = run.series.meter;
        facts.push(Fact::new(format!("{meter}: price in the book, per million"), first.unit.per_million()));
        facts.push(
            Fact::new(format!("{meter}: price on the bill, per million"), run.unit.per_million()).at(origin),
        );
        if let Some(ratio) = ratio_of(run.unit, first.unit) {
            facts.push(Fact::new(format!("{meter}: rate ratio"), ratio));
        }
        facts.push(Fact::new(format!("{meter}: days at this price without exception"), run.days.len()));
        for reason in &run.reasons {
            if let Reason::Row(origin) = reason {
                facts
                    .push(Fact::new(format!("{meter}: a row of the book has this price"), origin).at(origin));
            }
        }
        rows.push(draft_row(&first.leaf, run.unit, from));
    }
    let reasons = &runs[0].reasons;
    let causes: BTreeSet<&'static str> = reasons.iter().map(cause_of).collect();
    let fitted = *reasons == [Reason::Fitted];
    let cause = causes.iter().next().copied().unwrap_or("rate.stale");
    let rivals: Vec<String> = causes.iter().skip(1).map(|cause| (*cause).to_owned()).collect();
    let (status, decides) = match () {
        () if !rivals.is_empty() => (
            Status::Ambiguous,
            Some("the served tier, batch id or region of these calls in the log".to_owned()),
        ),
        () if fitted || !proven => (
            Status::Probable,
            (!proven).then(|| "the provider's usage report for these days (quantities)".to_owned()),
        ),
        () => (Status::Exact, None),
    };
    let text = if cause == "rate.stale" {
        format!(
            "confirm the price of {model} from {from} with the seller's price page or contract, then add the row"
        )
    } else {
        "record the served tier and region of these calls in the gateway log".to_owned()
    };
    Patch {
        cause,
        status,
        scope,
        edits,
        facts,
        rivals,
        decides,
        fix: Some(Fix {
            kind: "pricebook-row",
            text,
            patch: if cause == "rate.stale" { rows.concat() } else { String::new() },
        }),
    }
}

fn cause_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::Row(_) | Reason::Fitted => "rate.stale",
        Reason::Region(_) => "rate.region_uplift",
        Reason::Tier(Tier::Batch) => "rate.batch",
        Reason::Tier(_) => "rate.service_tier",
    }
}

fn ratio_of(a: Ratio, b: Ratio) -> Option<String> {
    let inverse = Ratio::new(b.denominator(), b.numerator())?;
    Some(a.checked_mul(inverse)?.decimal_text(6))
}

fn less_or_equal(a: Ratio, b: Ratio) -> bool {
    // On overflow nothing is claimed.
    a.numerator()
        .checked_mul(b.denominator())
        .zip(b.numerator().checked_mul(a.denominator()))
        .is_some_and(|(left, right)| left <= right)
}

fn later(a: Ratio, b: Ratio) -> Ratio {
    if less_or_equal(a, b) { b } else { a }
}

fn earlier(a: Ratio, b: Ratio) -> Ratio {
    if less_or_equal(a, b) { a } else { b }
}

/// The price per million with the fewest decimals inside `[low, high]`.
fn simplest(low: Ratio, high: Ratio) -> Option<Ratio> {
    for decimals in 0..=9u32 {
        let scale = 1_000_000i128.checked_mul(10i128.checked_pow(decimals)?)?;
        let scaled = low.checked_mul(Ratio::new(scale, 1)?)?;
        let up = scaled.numerator().div_euclid(scaled.denominator())
            + i128::from(scaled.numerator().rem_euclid(scaled.denominator()) != 0);
        let candidate = Ratio::new(up, scale)?;
        if up > 0 && less_or_equal(candidate, high) {
            return Some(candidate);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(numerator: i128, denominator: i128) -> Ratio {
        Ratio::new(numerator, denominator).unwrap()
    }

    #[test]
    fn the_simplest_price_has_the_fewest_decimals() {
        // 0.2499..0.2501 per million contains 0.25.
        assert_eq!(
            simplest(ratio(2499, 10_000_000_000), ratio(2501, 10_000_000_000)).unwrap().per_million(),
            "0.25"
        );
        assert_eq!(simplest(ratio(2, 1_000_000), ratio(2, 1_000_000)).unwrap().per_million(), "2");
        assert_eq!(simplest(ratio(1, 3), ratio(1, 3)), None);
    }
}
