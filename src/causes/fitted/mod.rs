//! Prices that no row of the book has, out of bills that show one amount a model and day: the fewest unit prices, in
//! written decimals, that re-price every day of a run to its billed amount.
//!
//! A fitted number is only tested by the days beyond it: each needs three more, and the improbability it costs.

mod series;
mod solve;
pub mod unlisted;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::missing_price::draft_row;
use super::price::supposed::Seen;
use super::price::{less_or_equal, row_to_confirm};
use super::{Fact, Patch, Scope, Status};
use crate::error::Result;
use crate::money::{Money, ONE, Ratio, div_half_even};
use crate::rate::{self, Account};
use crate::reconcile::{Edit, State};
use crate::vocabulary::Meter;
use series::{Column, DayCell};

/// Days beyond the fitted numbers, and binary digits beyond those the numbers cost.
const MORE_DAYS: usize = 3;
const MORE_BITS: u32 = 24;
const BITS_OF_A_PRICE: u32 = 30;
/// One day in so many may keep something else.
const ASTRAY: usize = 4;
/// Where some do, the others must say this many binary digits each.
const FINE: u32 = 12;
/// Prices that may have changed at once.
const MOST_COLUMNS: usize = 4;
/// Decimals of a price per million.
const PRICE_DECIMALS: u32 = 6;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut patches = Vec::new();
    for account in accounts {
        let runs = series::runs(state, account)?;
        for (model, runs) in &runs {
            for run in runs {
                if let Some(prices) = prices(run)? {
                    patches.push(price_patch(state, account, model, run, &prices)?);
                }
            }
        }
    }
    patches.retain(|patch| !state.rejected.contains(&patch.name));
    Ok(patches)
}

/// A patch of this family.
pub(super) fn is_fitted(patch: &str) -> bool {
    patch.starts_with(NAME)
}

const NAME: &str = "fitted ";

/// Prices that the first or the last days of a run show, where those between have something else besides.
pub(super) fn by_day(
    state: &State,
    account: &Account,
    asked: impl Fn(&Arc<str>) -> bool,
) -> Result<Vec<(Arc<str>, Seen)>> {
    let mut found = Vec::new();
    for (model, runs) in series::runs(state, account)?.into_iter().filter(|(model, _)| asked(model)) {
        for run in runs {
            let from_the_first = (1..=run.len()).rev().map(|days| &run[..days]);
            let to_the_last = (1..run.len()).map(|days| &run[days..]);
            for part in [Vec::from_iter(from_the_first), Vec::from_iter(to_the_last)] {
                let Some((part, prices)) = first_prices(&part)? else { continue };
                if let Some(ratios) = ratios(&prices) {
                    found.push((
                        model.clone(),
                        Seen { ratios, days: part.iter().map(|day| day.day).collect() },
                    ));
                }
            }
        }
    }
    Ok(found)
}

type Part<'d> = &'d [DayCell];

fn first_prices<'d>(parts: &[Part<'d>]) -> Result<Option<(Part<'d>, Prices)>> {
    for part in parts {
        if let Some(prices) = prices(part)? {
            return Ok(Some((part, prices)));
        }
    }
    Ok(None)
}

/// The prices as shares of the book's; `None` where a meter would have two, or has no price.
fn ratios(prices: &Prices) -> Option<BTreeMap<Meter, Ratio>> {
    let mut ratios = BTreeMap::new();
    for ((meter, book), unit) in prices {
        let ratio = unit.over(*book).filter(|_| !book.is_zero())?;
        if *ratios.entry(*meter).or_insert(ratio) != ratio {
            return None;
        }
    }
    Some(ratios)
}

/// How many binary digits of an amount its rounding leaves.
fn seen_bits(amount: Money, bound: Money) -> u32 {
    let steps = amount.pico().unsigned_abs() / bound.pico().unsigned_abs().max(1);
    steps.checked_ilog2().unwrap_or(0).min(40)
}

fn enough<'d>(run: impl Iterator<Item = &'d DayCell> + Clone, numbers: usize) -> bool {
    let bits: u32 = run.clone().map(DayCell::bits).sum();
    let days: BTreeSet<_> = run.map(|day| day.day).collect();
    days.len() >= numbers + MORE_DAYS && bits >= BITS_OF_A_PRICE * numbers as u32 + MORE_BITS
}

/// New prices per million, by column.
type Prices = BTreeMap<Column, Ratio>;

/// The fewest columns whose prices, in written decimals, re-price every day; `None` where two sets of columns do.
fn prices(run: &[DayCell]) -> Result<Option<Prices>> {
    let columns: BTreeSet<Column> = run.iter().flat_map(|day| day.quantities.keys().copied()).collect();
    // Meters without a price are looked for first, one alone elsewhere; a model without any is no matter of one price.
    let unpriced: BTreeSet<Column> = columns.iter().filter(|(_, unit)| unit.is_zero()).copied().collect();
    if unpriced.len() == columns.len() || unpriced.len() == 1 {
        return Ok(None);
    }
    if !unpriced.is_empty() {
        let chosen: Vec<Column> = unpriced.into_iter().collect();
        return Ok(if enough(run.iter(), chosen.len()) { solve(run, &chosen)? } else { None });
    }
    let columns: Vec<Column> = columns.into_iter().collect();
    for size in 1..=columns.len().min(MOST_COLUMNS) {
        if !enough(run.iter(), size) {
            break;
        }
        let mut found: Option<Prices> = None;
        for chosen in combinations(&columns, size) {
            if let Some(prices) = solve(run, &chosen)?
                && found.replace(prices).is_some()
            {
                return Ok(None);
            }
        }
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Prices of some columns that re-price every day, or all but one in four, which have something else besides.
fn solve(run: &[DayCell], chosen: &[Column]) -> Result<Option<Prices>> {
    let mut kept: Vec<&DayCell> = run.iter().collect();
    loop {
        let Some(changes) = changes(&kept, chosen) else { return Ok(None) };
        if let Some(prices) = written(&kept, chosen, &changes)? {
            return Ok(Some(prices));
        }
        // The day that is furthest off.
        let off = |day: &DayCell| {
            let fitted = chosen
                .iter()
                .zip(&changes)
                .map(|(column, change)| change.saturating_mul(quantity(day, column)) / 1_000_000);
            (day.residual.pico() - fitted.sum::<i128>()).abs()
        };
        let worst = (0..kept.len()).max_by_key(|at| off(kept[*at]));
        kept.remove(worst.unwrap_or(0));
        // Of amounts printed in cents some can always be met.
        let fine = kept.iter().all(|day| day.bits() >= FINE);
        let few = (run.len() - kept.len()) * ASTRAY <= run.len();
        if !fine || !few || !enough(kept.iter().copied(), chosen.len()) {
            return Ok(None);
        }
    }
}

fn quantity(day: &DayCell, column: &Column) -> i128 {
    day.quantities.get(column).copied().unwrap_or(0)
}

/// By how much each price would have to change for the days to come nearest to their amounts.
fn changes(run: &[&DayCell], chosen: &[Column]) -> Option<Vec<i128>> {
    let columns: Vec<Vec<i128>> =
        chosen.iter().map(|column| run.iter().map(|day| quantity(day, column)).collect()).collect();
    let residuals: Vec<i128> = run.iter().map(|day| day.residual.pico()).collect();
    solve::least_squares(&columns, &residuals)
}

/// The prices with the fewest decimals that re-price all these days.
fn written(run: &[&DayCell], chosen: &[Column], changes: &[i128]) -> Result<Option<Prices>> {
    for decimals in 0..=PRICE_DECIMALS {
        let step = ONE / 10i128.pow(decimals);
        let rounded: Option<Prices> = chosen
            .iter()
            .zip(changes)
            .map(|(column, change)| {
                let old = column.1.amount(1_000_000).ok()?.0.pico();
                let new = div_half_even(old.checked_add(*change)?, step) * step;
                let plausible = new > 0 && new != old && (old == 0 || (new < old * 10 && old < new * 10));
                let unit = Ratio::new(new, ONE)?.checked_mul(Ratio::new(1, 1_000_000)?)?;
                plausible.then_some((*column, unit))
            })
            .collect();
        let Some(prices) = rounded else { continue };
        let mut holds_all = true;
        for day in run {
            holds_all = holds_all && holds(day, &prices)?;
        }
        if holds_all {
            return Ok(Some(prices));
        }
    }
    Ok(None)
}

fn holds(day: &DayCell, prices: &Prices) -> Result<bool> {
    let mut left = day.residual;
    for (column, unit) in prices {
        let quantity = quantity(day, column);
        left -= rate::amount(*unit, quantity)? - rate::amount(column.1, quantity)?;
    }
    Ok(left.abs() <= day.bound + Money::from_pico(2 * prices.len() as i128))
}

fn combinations(columns: &[Column], size: usize) -> Vec<Vec<Column>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for (index, first) in columns.iter().enumerate() {
        for mut rest in combinations(&columns[index + 1..], size - 1) {
            rest.insert(0, *first);
            found.push(rest);
        }
    }
    found
}

fn price_patch(
    state: &State,
    account: &Account,
    model: &Arc<str>,
    run: &[DayCell],
    prices: &Prices,
) -> Result<Patch> {
    let mut scope = Scope::of(account);
    let (mut edits, mut rows, mut facts) = (Vec::new(), BTreeSet::new(), Vec::new());
    for day in run {
        scope.cover(&day.key.cell);
        for (leaf, _) in day.leaves(state) {
            let old = state.unit(&day.key, leaf).unwrap_or(Ratio::ZERO);
            let Some(unit) = prices.get(&(leaf.meter, old)) else { continue };
            scope.meters.insert(leaf.meter);
            rows.insert(draft_row(leaf, *unit, run[0].day));
            edits.push(Edit::Reprice { key: day.key.clone(), leaf: leaf.clone(), unit: *unit });
        }
    }
    let origin = state.bill(&run[0].key).origin;
    for ((meter, old), new) in prices {
        facts.push(Fact::new(format!("{meter}: price in the book, per million"), old.per_million()));
        facts.push(
            Fact::new(format!("{meter}: price implied by the bill, per million"), new.per_million())
                .at(origin.clone()),
        );
    }
    let mut met = 0;
    for day in run {
        met += usize::from(holds(day, prices)?);
    }
    if met == run.len() {
        facts.push(Fact::new("days re-priced to the billed amount without exception", met));
    } else {
        facts.push(Fact::new("days re-priced to the billed amount", met));
        facts.push(Fact::new("days on which something is left", run.len() - met));
    }
    facts.push(Fact::new("numbers fitted", prices.len()));
    // With every price of the model in one proportion, a share of lost rows would look the same.
    let columns = run.iter().flat_map(|day| day.quantities.keys()).collect::<BTreeSet<_>>().len();
    let ratios: BTreeSet<Option<Ratio>> = prices.iter().map(|((_, old), new)| new.over(*old)).collect();
    let proportional = prices.len() == columns && ratios.len() == 1;
    let cheaper = prices.iter().all(|((_, old), new)| less_or_equal(*new, *old));
    let mut rivals: Vec<&str> = match (proportional, cheaper) {
        (false, _) => Vec::new(),
        // Fewer tokens on the bill than in the log, or a discount on this model.
        (true, true) => vec!["qty.duplicate", "terms.discount"],
        (true, false) => vec!["qty.dropped_rows"],
    };
    // One ratio that a tier, a batch or a region has is theirs as well.
    if let [Some(ratio)] = Vec::from_iter(ratios)[..] {
        rivals.extend(super::modifiers(state.rater.book, &account.provider, ratio));
    }
    Ok(Patch {
        name: format!("{NAME}{account:?} {model} {} {:?}", run[0].day, prices.keys()),
        cause: if prices.keys().all(|(_, old)| old.is_zero()) { "rate.missing_class" } else { "rate.stale" },
        status: if rivals.is_empty() { Status::Probable } else { Status::Ambiguous },
        scope,
        edits,
        facts,
        rivals: rivals.into_iter().map(str::to_owned).collect(),
        decides: Some("billed quantities by token class, or the seller's price page".to_owned()),
        fix: Some(row_to_confirm(model, run[0].day, rows.into_iter().collect::<Vec<_>>().concat())),
    })
}
