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
/// And on this many where the quantities are unknown too.
const DAYS_OPEN: usize = 6;
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
    /// The bill or a usage report counts the same quantity.
    proven: bool,
    /// The exact amount is no whole number of units at the book's price.
    fractional: bool,
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
    /// The list price, where the contract has another.
    List,
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
    quantities: Quantities,
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let all = series(state)?;
    let mut grouped: BTreeMap<Change, Vec<Run>> = BTreeMap::new();
    for (series, points) in &all {
        for days in runs_of(points) {
            let Some((unit, mut reasons)) = reasons(state, series, &days) else { continue };
            // A tier or region multiplies every meter of a call: it is a reason only where all meters of its days
            // allow it.
            reasons.retain(|reason| coherent(state, series, reason, &days, &all));
            if reasons.is_empty() {
                reasons.push(Reason::Fitted);
            }
            let fitted = reasons == [Reason::Fitted];
            let quantities = quantities(&days, &all);
            let informative = days.iter().filter(|day| !day.ties).count();
            // A fitted price needs its quantities: a constant share of lost rows looks the same. Where it begins inside
            // the month, on a day after days that tie out, it is one of two stories.
            let begins = points.first().is_some_and(|first| first.ties);
            let needed = match (reasons.as_slice(), quantities) {
                ([Reason::Fitted], Quantities::Open) => DAYS_OPEN,
                ([Reason::Fitted], _) => DAYS_FITTED,
                // Contract and book both state the price: where the bill counts the units, one day proves it.
                ([Reason::List], Quantities::Counted) => 1,
                _ => DAYS_LISTED,
            };
            if informative < needed || (fitted && quantities == Quantities::Open && !begins) {
                continue;
            }
            // Rows of different meters belong to one price change.
            let class = reasons
                .iter()
                .map(|reason| match reason {
                    Reason::Row(_) => Reason::Row(String::new()),
                    other => other.clone(),
                })
                .collect();
            let from = days[0].key.cell.first;
            grouped
                .entry((series.account.clone(), series.model.clone(), class, from))
                .or_default()
                .push(Run { series: series.clone(), days, unit, reasons, quantities });
        }
    }
    Ok(grouped
        .into_iter()
        .map(|((account, model, _, from), runs)| price_patch(state, &account, &model, from, &runs))
        .collect())
}

/// Whether quantities alone could explain a run: then its price is one of two stories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Quantities {
    /// The bill or the provider's usage report counts what the log counts.
    Counted,
    /// The amount is no whole number of units at the book's price, or other meters of the same calls tie out.
    Excluded,
    Open,
}

fn quantities(days: &[Point], all: &BTreeMap<Series, Vec<Point>>) -> Quantities {
    if days.iter().all(|day| day.proven) {
        return Quantities::Counted;
    }
    if days.iter().any(|day| day.fractional) {
        return Quantities::Excluded;
    }
    let others_tie = days.iter().filter(|day| !day.ties).all(|day| {
        let neighbours = all.values().flatten().filter(|other| {
            other.key.cell == day.key.cell && other.key.meter != day.key.meter && !other.unit.is_zero()
        });
        let mut neighbours = neighbours.peekable();
        neighbours.peek().is_some() && neighbours.all(|other| other.ties)
    });
    if others_tie { Quantities::Excluded } else { Quantities::Open }
}

fn series(state: &State) -> Result<BTreeMap<Series, Vec<Point>>> {
    let mut all: BTreeMap<Series, Vec<Point>> = BTreeMap::new();
    let suspects: BTreeSet<&Arc<str>> = state.open.iter().filter_map(|cell| cell.model.as_ref()).collect();
    for key in state.billed.keys() {
        let (Some(model), Some(meter)) = (&key.cell.model, key.meter) else { continue };
        if !suspects.contains(model) {
            continue;
        }
        let bill = state.bill(key);
        if bill.lines == 0 || key.cell.first != key.cell.last {
            continue;
        }
        let Some(leaves) = state.logged.get(key).filter(|leaves| !leaves.is_empty()) else { continue };
        let mut units = leaves.keys().map(|leaf| state.unit_before_factor(key, leaf));
        // What multiplies everything is taken off the bill before its prices are read.
        let factor = state.factor(key.cell.first).unwrap_or(Ratio::ONE);
        let (Some(Some(unit)), Some(leaf)) = (units.next(), leaves.keys().next()) else { continue };
        let Some(full) = unit.checked_mul(factor) else { continue };
        // A quantity implied by the price cannot test the price.
        let proven = quantity::billed(state, key)
            .filter(|(_, known)| matches!(known, quantity::Known::Stated | quantity::Known::Witnessed));
        let count = proven.map_or_else(|| state.logged_quantity(key), |(count, _)| count);
        // Where the bill counts, its price is its amount over its count, however much was logged.
        let priced = match proven {
            Some((count, _)) => crate::rate::amount(full, count)?,
            None => state.priced(key)?,
        };
        let bound = bill.bound + Money::from_pico(leaves.len() as i128);
        let ties = (bill.amount - priced).abs() <= bound;
        // Where usage of several prices is billed as one, no price follows from the amount.
        if !ties && units.any(|other| other != Some(unit)) {
            continue;
        }
        if count <= 0 {
            continue;
        }
        let side = |amount: Money| {
            let list = Ratio::new(factor.denominator(), factor.numerator())?;
            Ratio::quotient(amount.pico(), count)?.checked_mul(Ratio::new(1, ONE)?)?.checked_mul(list)
        };
        let (Some(low), Some(high)) = (side(bill.amount - bound), side(bill.amount + bound)) else {
            continue;
        };
        let fractional =
            bill.bound.is_zero() && !unit.is_zero() && full.whole_quantity(bill.amount).is_none();
        let point = Point {
            key: key.clone(),
            leaf: leaf.clone(),
            unit,
            low,
            high,
            ties,
            proven: proven.is_some(),
            fractional,
        };
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
    Ok(all)
}

/// Maximal runs of days off the book's price that one price could explain. A day too small to tell the two prices
/// apart neither begins nor ends a run.
fn runs_of(points: &[Point]) -> Vec<Vec<Point>> {
    let mut runs: Vec<Vec<Point>> = Vec::new();
    let mut interval: Option<(Ratio, Ratio)> = None;
    let mut held: Vec<Point> = Vec::new();
    let mut held_interval: Option<(Ratio, Ratio)> = None;
    for point in points {
        let narrow = |interval: Option<(Ratio, Ratio)>| {
            interval
                .map(|(low, high)| (later(low, point.low), earlier(high, point.high)))
                .filter(|(low, high)| less_or_equal(*low, *high))
        };
        let narrowed = narrow(held_interval.or(interval));
        if point.ties {
            match narrowed {
                Some(_) => {
                    held.push(point.clone());
                    held_interval = narrowed;
                }
                None => {
                    held.clear();
                    (interval, held_interval) = (None, None);
                }
            }
            continue;
        }
        match (narrowed, runs.last_mut()) {
            (Some(_), Some(run)) => {
                run.append(&mut held);
                run.push(point.clone());
                interval = narrowed;
            }
            _ => {
                held.clear();
                runs.push(vec![point.clone()]);
                interval = Some((point.low, point.high));
            }
        }
        held_interval = None;
    }
    runs
}

fn reasons(state: &State, series: &Series, days: &[Point]) -> Option<(Ratio, Vec<Reason>)> {
    let first = days.first()?;
    let holds = |unit: Ratio| days.iter().all(|day| day.holds(unit));
    let book = state.rater.book;
    let mut found: BTreeMap<Reason, Ratio> = BTreeMap::new();
    let own_tier = series.tier.unwrap_or(first.leaf.tier);
    let list = book.list_price(&first.leaf.query()).ok().map(|list| list.unit);
    if let Some(list) = list.filter(|list| *list != first.unit && holds(*list)) {
        return Some((list, vec![Reason::List]));
    }
    for row in book.rows(&series.account.provider, &series.model, first.leaf.meter) {
        if let Some(unit) = row.unit
            && unit != first.unit
            && row.tier.is_none_or(|tier| tier == own_tier)
            && holds(unit)
        {
            found.insert(Reason::Row(row.origin.to_string()), unit);
        }
    }
    let regions = REGIONS.iter().map(|region| Reason::Region((*region).to_owned()));
    let tiers = Tier::ALL.iter().filter(|tier| **tier != own_tier).map(|tier| Reason::Tier(*tier));
    let regions = regions.filter(|_| series.region.is_none());
    for reason in regions.chain(tiers.filter(|_| series.tier.is_none())) {
        if let Some(unit) = unit_for(state, first, own_tier, &reason)
            && unit != first.unit
            && holds(unit)
        {
            found.insert(reason, unit);
        }
    }
    if let Some(unit) = found.values().next().copied() {
        return Some((unit, found.into_keys().collect()));
    }
    let low = days.iter().map(|day| day.low).fold(first.low, later);
    let high = days.iter().map(|day| day.high).fold(first.high, earlier);
    Some((simplest(low, high)?, vec![Reason::Fitted]))
}

/// The unit price of a point if the reason were true of its calls.
fn unit_for(state: &State, point: &Point, own_tier: Tier, reason: &Reason) -> Option<Ratio> {
    let query = PriceQuery {
        seller: &point.leaf.account.provider,
        model: &point.leaf.model,
        meter: point.leaf.meter,
        tier: own_tier,
        region: &point.leaf.region,
        prompt: point.leaf.prompt,
        at: point.leaf.at,
    };
    let query = match reason {
        Reason::Region(region) => PriceQuery { region, ..query },
        Reason::Tier(tier) => PriceQuery { tier: *tier, ..query },
        Reason::List | Reason::Row(_) | Reason::Fitted => return None,
    };
    state.rater.book.price_for(point.leaf.account.id.as_deref(), &query).ok().map(|priced| priced.unit)
}

fn coherent(
    state: &State,
    own: &Series,
    reason: &Reason,
    days: &[Point],
    all: &BTreeMap<Series, Vec<Point>>,
) -> bool {
    if matches!(reason, Reason::List | Reason::Row(_) | Reason::Fitted) {
        return true;
    }
    let cells: BTreeSet<&crate::reconcile::CellKey> = days.iter().map(|point| &point.key.cell).collect();
    all.iter()
        .filter(|(series, _)| series.account == own.account && series.model == own.model)
        .flat_map(|(series, points)| points.iter().map(move |point| (series, point)))
        .filter(|(_, point)| cells.contains(&point.key.cell))
        .all(|(series, point)| {
            let tier = series.tier.unwrap_or(point.leaf.tier);
            unit_for(state, point, tier, reason).is_some_and(|unit| point.holds(unit))
        })
}

fn price_patch(state: &State, account: &Account, model: &Arc<str>, from: Day, runs: &[Run]) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let (mut edits, mut facts, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let quantities = runs.iter().map(|run| run.quantities).max().unwrap_or(Quantities::Open);
    for run in runs {
        scope.meters.insert(run.series.meter);
        scope.tiers.extend(run.series.tier);
        for point in &run.days {
            scope.cover(&point.key.cell);
            edits.push(Edit::Price { key: point.key.clone(), unit: run.unit });
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
    let mut rivals: Vec<String> = causes.iter().skip(1).map(|cause| (*cause).to_owned()).collect();
    let counts = "the provider's usage report for these days (quantities)".to_owned();
    if quantities == Quantities::Open {
        rivals.push("qty.dropped_rows".to_owned());
    }
    // One ratio below one on more than one meter is a discount on the model as well.
    let ratios: BTreeSet<Option<String>> =
        runs.iter().map(|run| ratio_of(run.unit, run.days[0].unit)).collect();
    let cheaper = runs.iter().all(|run| less_or_equal(run.unit, run.days[0].unit));
    if fitted && cheaper && ratios.len() == 1 && runs.len() > 1 {
        rivals.push("terms.discount".to_owned());
    }
    let (status, decides) = match () {
        () if quantities == Quantities::Open => (Status::Ambiguous, Some(counts)),
        () if fitted && !rivals.is_empty() => {
            (Status::Ambiguous, Some("the contract, or the seller's price page".to_owned()))
        }
        () if !rivals.is_empty() => (
            Status::Ambiguous,
            Some("the served tier, batch id or region of these calls in the log".to_owned()),
        ),
        () if quantities != Quantities::Counted => (Status::Probable, Some(counts)),
        () if fitted => (Status::Probable, None),
        () => (Status::Exact, None),
    };
    let text = match cause {
        "rate.stale" => format!(
            "confirm the price of {model} from {from} with the seller's price page or contract, then add the row"
        ),
        "terms.discount" => format!(
            "the bill charges list for {model} from {from}: claim the contract's price, or end the term there"
        ),
        _ => "record the served tier and region of these calls in the gateway log".to_owned(),
    };
    Patch {
        name: format!("price {account:?} {model} {from} {} {:?}", runs[0].series.meter, runs[0].reasons),
        cause,
        status,
        scope,
        edits,
        facts,
        rivals,
        decides,
        fix: Some(Fix {
            kind: if cause == "terms.discount" { "contract" } else { "pricebook-row" },
            text,
            patch: if cause == "rate.stale" { rows.concat() } else { String::new() },
        }),
    }
}

fn cause_of(reason: &Reason) -> &'static str {
    match reason {
        Reason::List => "terms.discount",
        Reason::Row(_) | Reason::Fitted => "rate.stale",
        Reason::Region(_) => "rate.region_uplift",
        Reason::Tier(Tier::Batch) => "rate.batch",
        Reason::Tier(Tier::Fast | Tier::Ultrafast) => "rate.speed_premium",
        Reason::Tier(_) => "rate.service_tier",
    }
}

fn ratio_of(a: Ratio, b: Ratio) -> Option<String> {
    let inverse = Ratio::new(b.denominator(), b.numerator())?;
    Some(a.checked_mul(inverse)?.decimal_text(6))
}

pub(super) fn less_or_equal(a: Ratio, b: Ratio) -> bool {
    // On overflow nothing is claimed.
    a.numerator()
        .checked_mul(b.denominator())
        .zip(b.numerator().checked_mul(a.denominator()))
        .is_some_and(|(left, right)| left <= right)
}

pub(super) fn later(a: Ratio, b: Ratio) -> Ratio {
    if less_or_equal(a, b) { b } else { a }
}

pub(super) fn earlier(a: Ratio, b: Ratio) -> Ratio {
    if less_or_equal(a, b) { a } else { b }
}

/// The price per million with the fewest decimals inside `[low, high]`.
pub(super) fn simplest(low: Ratio, high: Ratio) -> Option<Ratio> {
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
