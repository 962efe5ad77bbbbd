//! Price rows: quantities agree, the unit price does not.

mod patch;
mod series;
pub(super) mod supposed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Patch;
use super::search::score::{DIGIT, Digits};
use crate::error::Result;
use crate::money::Ratio;
use crate::period::Day;
use crate::rate::{Account, Leaf};
use crate::reconcile::owners::Owner;
use crate::reconcile::{BillKey, State};
use crate::vocabulary::Tier;
pub(super) use patch::{is_price, row_to_confirm};
use series::{Point, Series, Stretch, runs_of, series};
pub(super) use series::{earlier, later, less_or_equal, simplest};

/// A price found in the book must hold on this many days; a fitted one on one more (its own day is spent).
const DAYS_LISTED: usize = 3;
const DAYS_FITTED: usize = 4;
/// And on this many where the quantities are unknown too.
const DAYS_OPEN: usize = 6;
/// Binary digits of a written decimal digit, and those to be seen beyond: which days, meter and model.
const DECIMAL_DIGIT: Digits = 10 * DIGIT / 3;
const MORE: Digits = 16 * DIGIT;
/// A fitted price must hold on this many times as many days as are left open beside it.
const ASTRAY: usize = 4;

/// One finding: an account's model, why, and from when.
type Change = (Account, Arc<str>, Owner, Vec<Reason>, Day);

/// Why a unit price would be what the bill shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// The list price, where the contract has another.
    List,
    /// Another row of the book for the same model, meter and tier.
    Row(String),
    Region(String),
    Tier(Tier),
    /// The price of prompts from so many tokens on.
    Band(u64),
    /// No row says so: the simplest price inside the interval.
    Fitted,
}

impl Reason {
    /// What rows of different meters share.
    fn class(&self) -> Reason {
        match self {
            Reason::Row(_) => Reason::Row(String::new()),
            Reason::Band(_) => Reason::Band(0),
            other => other.clone(),
        }
    }
}

struct Run {
    series: Series,
    days: Vec<Point>,
    /// Days that meet the price to the last step.
    exact: usize,
    unit: Ratio,
    reasons: Vec<Reason>,
    quantities: Quantities,
}

impl Run {
    fn fitted(&self) -> bool {
        self.reasons == [Reason::Fitted]
    }

    /// Some day says the price to a thousandth.
    fn is_fine(&self) -> bool {
        self.days.iter().any(Point::is_fine)
    }

    /// The shares of the book's price that all days allow that meet it.
    fn shares(&self) -> Option<(Ratio, Ratio)> {
        let book = self.days[0].unit;
        let met = self.days.iter().filter(|day| day.holds(self.unit) && day.unit == book);
        let (low, high) =
            met.map(|day| (day.low, day.high)).reduce(|a, b| (later(a.0, b.0), earlier(a.1, b.1)))?;
        Some((low.over(book)?, high.over(book)?))
    }

    /// The price as a share of that in the book.
    fn ratio(&self) -> Option<String> {
        ratio_of(self.unit, self.days[0].unit)
    }

    /// The same of all its days, if the book has one price on them.
    fn ratio_to_book(&self) -> Option<Ratio> {
        let book = self.days[0].unit;
        if self.days.iter().all(|day| day.unit == book) { self.unit.over(book) } else { None }
    }
}

/// Prices that only one owner's part of the bill shows: all of the model's usage together mixes them with the book's.
pub fn of_each_owner(state: &State) -> Result<Vec<Patch>> {
    let patches = if state.apart { propose(state)? } else { Vec::new() };
    // A model's price is everybody's; a tier, a region or a band is who asked for it.
    let patches = patches.into_iter().filter(|patch| patch.cause != "rate.stale");
    Ok(patches.map(|patch| Patch { name: format!("{} of one owner", patch.name), ..patch }).collect())
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let all = series(state)?;
    let mut told: Vec<Run> = Vec::new();
    for (series, points) in &all {
        let runs = runs_of(points, state.noise).into_iter();
        let mut runs: Vec<Run> = runs.filter_map(|run| tested(state, series, points, run, &all)).collect();
        // Days that the bill counts and no price of these explains speak against those that no row has.
        let explained =
            |point: &Point| runs.iter().any(|run| run.days.iter().any(|day| day.key == point.key));
        let astray = points.iter().filter(|point| point.proven && !point.ties && !explained(point)).count();
        runs.retain(|run| !run.fitted() || astray * ASTRAY <= run.days.len());
        told.extend(runs);
    }
    let at_price: BTreeSet<BillKey> =
        told.iter().flat_map(|run| run.days.iter().map(|day| day.key.clone())).collect();
    told.retain(|run| !run.fitted() || run.is_fine() || !beside_open(run, &all, &at_price));
    let mut grouped: BTreeMap<Change, Vec<Run>> = BTreeMap::new();
    for run in told {
        // Rows of different meters belong to one price change.
        let class = run.reasons.iter().map(Reason::class).collect();
        let Series { account, model, owner, .. } = run.series.clone();
        grouped.entry((account, model, owner, class, run.days[0].key.cell.first)).or_default().push(run);
    }
    let shared = shared(&grouped);
    Ok(grouped
        .into_iter()
        .map(|((account, model, _, _, from), runs)| {
            let alike =
                runs.iter().all(|run| run.fitted() && shared.contains(&(account.clone(), run.ratio())));
            patch::told(state, &account, &model, from, &runs, alike)
        })
        .collect())
}

/// True where on most days other meters of the same usage are open and at no price either: in amounts too coarse to say one,
/// what moved them all looks like a price on one of them.
fn beside_open(run: &Run, all: &BTreeMap<Series, Vec<Point>>, at_price: &BTreeSet<BillKey>) -> bool {
    let days: BTreeMap<_, _> =
        run.days.iter().map(|day| ((&day.key.cell, day.key.owner), &day.key)).collect();
    let open = all.values().flatten().filter(|point| !point.ties && !at_price.contains(&point.key));
    let beside = open.filter(|point| days.contains_key(&(&point.key.cell, point.key.owner)));
    let cells: BTreeSet<_> = beside.map(|point| (&point.key.cell, point.key.owner)).collect();
    cells.len() * 2 > run.days.len()
}

/// Ratios to the book that no row of it has and two models of an account share: one factor on everything looks like that.
fn shared(grouped: &BTreeMap<Change, Vec<Run>>) -> BTreeSet<(Account, Option<String>)> {
    let mut models: BTreeMap<(Account, Option<String>), BTreeSet<&Arc<str>>> = BTreeMap::new();
    for ((account, model, ..), runs) in grouped {
        for run in runs.iter().filter(|run| run.fitted()) {
            models.entry((account.clone(), run.ratio())).or_default().insert(model);
        }
    }
    models.into_iter().filter(|(_, models)| models.len() > 1).map(|(ratio, _)| ratio).collect()
}

/// A stretch of days with the price that explains it, if there are tests enough.
fn tested(
    state: &State,
    series: &Series,
    points: &[Point],
    run: Stretch,
    all: &BTreeMap<Series, Vec<Point>>,
) -> Option<Run> {
    let (unit, mut reasons) = reasons(state, series, &run.exact)?;
    // A tier or region multiplies every meter of a call: it is a reason only where all meters of its days allow it.
    reasons.retain(|reason| coherent(state, series, reason, &run.exact, all));
    if reasons.is_empty() {
        reasons.push(Reason::Fitted);
    }
    let quantities = quantities(&run.exact, all, state.noise);
    let needed = match (reasons.as_slice(), quantities) {
        ([Reason::Fitted], Quantities::Open) => DAYS_OPEN,
        ([Reason::Fitted], _) => DAYS_FITTED,
        // Contract and book both state the price: where the bill counts the units, one day proves it.
        ([Reason::List], Quantities::Counted) => 1,
        _ => DAYS_LISTED,
    };
    let (exact, first) = (run.exact.len(), &run.days[0]);
    // A fitted price needs its quantities: a constant share of lost rows looks the same. Where it begins inside the month,
    // on a day after days that tie out, it is one of two stories; but through noise a share of days enough would meet
    // any price. And it must be further off than noise could be.
    let fitted_is_clear = || {
        let counted = quantities != Quantities::Open
            || (exact * 10 >= run.days.len() * 9 && begins(points, first, unit, state.noise));
        counted && far_off(unit, first.unit, state.noise) && told(&run.exact, unit)
    };
    let fitted = reasons == [Reason::Fitted];
    let holds = exact >= needed && (!fitted || fitted_is_clear());
    holds.then(|| Run { series: series.clone(), exact, days: run.days, unit, reasons, quantities })
}

/// True where a price begins after days that tie out and tell it apart; days too small for that say nothing.
fn begins(points: &[Point], first: &Point, unit: Ratio, noise: i128) -> bool {
    let start = first.key.cell.first;
    let before = points.iter().filter(|point| point.key.cell.first < start && !point.holds(unit));
    let before: Vec<&Point> = before.collect();
    let tie = before.iter().filter(|point| point.ties).count();
    let near = before.iter().all(|point| point.near_book(noise));
    tie > 0 && (tie == before.len() || (before.len() >= DAYS_LISTED && near))
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

fn quantities(days: &[Point], all: &BTreeMap<Series, Vec<Point>>, noise: i128) -> Quantities {
    if days.iter().all(|day| day.proven) {
        return Quantities::Counted;
    }
    if days.iter().any(|day| day.fractional) {
        return Quantities::Excluded;
    }
    let others_tie = days.iter().filter(|day| !day.ties).all(|day| {
        let neighbours = all.values().flatten().filter(|other| {
            (&other.key.cell, other.key.owner) == (&day.key.cell, day.key.owner)
                && other.key.meter != day.key.meter
                && !other.unit.is_zero()
        });
        let mut neighbours = neighbours.peekable();
        neighbours.peek().is_some() && neighbours.all(|other| other.near_book(noise))
    });
    if others_tie { Quantities::Excluded } else { Quantities::Open }
}

fn reasons(state: &State, series: &Series, days: &[Point]) -> Option<(Ratio, Vec<Reason>)> {
    let first = days.first()?;
    let holds = |unit: Ratio| days.iter().all(|day| day.holds(unit));
    let book = state.rater.book;
    let mut found: BTreeMap<Reason, Ratio> = BTreeMap::new();
    let own_tier = series.tier.unwrap_or(first.leaf.tier);
    let list = state.list(&first.leaf);
    if let Some(list) = list.filter(|list| *list != first.unit && holds(*list)) {
        return Some((list, vec![Reason::List]));
    }
    let seller = &series.account.provider;
    // A price of another scope is that scope's, and no older or newer price of this one.
    let home = book.select(&first.leaf.query()).ok().map(|found| &found.row.region);
    for row in book.rows(seller, &series.model, first.leaf.meter) {
        if let Some(unit) = row.unit
            && unit != first.unit
            && row.tier.is_none_or(|tier| tier == own_tier)
            && (series.region.is_some() || home.is_none_or(|home| row.region == *home))
            && row.ctx.is_none_or(|band| band.holds(first.leaf.prompt))
            && holds(unit)
        {
            found.insert(Reason::Row(row.origin.to_string()), unit);
        }
    }
    let regions = super::regions(book, seller, &series.model, [first.leaf.meter].into_iter());
    let regions = regions.into_iter().map(|region| Reason::Region(region.to_owned()));
    let tiers = Tier::ALL.iter().filter(|tier| **tier != own_tier).map(|tier| Reason::Tier(*tier));
    let regions = regions.filter(|_| series.region.is_none());
    let bands = (0..=book.bands().len() as u8).map(|band| Reason::Band(book.band_prompt(band)));
    for reason in regions.chain(tiers.filter(|_| series.tier.is_none())).chain(bands) {
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
    let leaf = Leaf { tier: own_tier, ..point.leaf.clone() };
    let leaf = match reason {
        Reason::Region(region) => Leaf { region: region.as_str().into(), ..leaf },
        Reason::Tier(tier) => Leaf { tier: *tier, ..leaf },
        Reason::Band(prompt) => Leaf { prompt: *prompt, ..leaf },
        Reason::List | Reason::Row(_) | Reason::Fitted => return None,
    };
    state.ratio(&leaf)
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
        .filter(|(series, _)| {
            (&series.account, &series.model, series.owner) == (&own.account, &own.model, own.owner)
        })
        .flat_map(|(series, points)| points.iter().map(move |point| (series, point)))
        // Where lines say how long prompts were, the price of one band is no other's.
        .filter(|(series, _)| !matches!(reason, Reason::Band(_)) || series.long_context == own.long_context)
        .filter(|(_, point)| cells.contains(&point.key.cell))
        .all(|(series, point)| {
            let tier = series.tier.unwrap_or(point.leaf.tier);
            // Lists of a tier often leave cached tokens out.
            let left_out = matches!(reason, Reason::Tier(_)) && series.meter.is_cached();
            unit_for(state, point, tier, reason).map_or(left_out, |unit| point.holds(unit))
        })
}

/// Whether the days say a price in more binary digits than it takes to write it down. In a small amount printed in
/// cents nearly any price can be read.
fn told(days: &[Point], unit: Ratio) -> bool {
    let written = unit.per_million().chars().filter(char::is_ascii_digit).count() as Digits * DECIMAL_DIGIT;
    days.iter().map(|day| day.digits(unit)).sum::<Digits>() >= written + MORE
}

/// True where two prices differ by more than twice the noise.
fn far_off(a: Ratio, b: Ratio, noise: i128) -> bool {
    const MILLION: i128 = 1_000_000;
    let times = |unit: Ratio, parts| unit.checked_mul(Ratio::new(parts, MILLION)?);
    let less = |a: Ratio, b: Ratio| times(b, MILLION - 2 * noise).is_some_and(|b| less_or_equal(a, b));
    a != b && (less(a, b) || less(b, a))
}

fn ratio_of(a: Ratio, b: Ratio) -> Option<String> {
    Some(a.over(b)?.decimal_text(6))
}
