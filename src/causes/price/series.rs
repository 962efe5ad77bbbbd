//! What one unit of a price key cost on the bill, day by day, and the runs of days that one price explains.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::causes::search::score::{DIGIT, Digits, digits};
use crate::error::Result;
use crate::money::{Money, ONE, Ratio};
use crate::rate::{self, Account, Leaf};
use crate::reconcile::owners::Owner;
use crate::reconcile::{BillKey, State, quantity};
use crate::vocabulary::{Meter, Tier};

/// No day says more of a price than its written digits could.
const MOST_OF_A_DAY: Digits = 30 * DIGIT;

/// One price key of one model over the days.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Series {
    pub(super) account: Account,
    pub(super) model: Arc<str>,
    pub(super) meter: Meter,
    pub(super) tier: Option<Tier>,
    pub(super) region: Option<Arc<str>>,
    pub(super) long_context: Option<bool>,
    /// Whose part of the bill it is, where that is told apart.
    pub(super) owner: Owner,
}

/// One day of a series: what one unit cost on the bill, as an interval of exact rationals.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) key: BillKey,
    pub(super) leaf: Leaf,
    pub(super) unit: Ratio,
    pub(super) low: Ratio,
    pub(super) high: Ratio,
    /// Units, and what the bill's rounding leaves of their amount.
    count: i128,
    bound: Money,
    pub(super) ties: bool,
    /// The bill or a usage report counts the same quantity.
    pub(super) proven: bool,
    /// The exact amount is no whole number of units at the book's price.
    pub(super) fractional: bool,
}

impl Point {
    pub(super) fn holds(&self, unit: Ratio) -> bool {
        less_or_equal(self.low, unit) && less_or_equal(unit, self.high)
    }

    /// Binary digits that a price saves on this day: how many steps of the bill lie between it and the book's.
    pub(super) fn digits(&self, unit: Ratio) -> Digits {
        let amount = |unit| rate::amount(unit, self.count).ok();
        let Some((new, book)) = amount(unit).zip(amount(self.unit)) else { return 0 };
        digits((new - book).pico(), self.bound.pico()).min(MOST_OF_A_DAY)
    }

    /// Off a price by no more than noise, and further off the book's.
    fn nearly(&self, (low, high): (Ratio, Ratio), noise: i128) -> bool {
        !self.near_book(noise) && self.within(low, high, noise)
    }

    /// Its amount says a price to a thousandth: in small amounts printed in cents nearly any price can be read.
    pub(super) fn is_fine(&self) -> bool {
        let more = Ratio::new(1_001, 1_000).and_then(|more| self.low.checked_mul(more));
        more.is_some_and(|more| less_or_equal(self.high, more))
    }

    /// Nearer to another price than to the book's.
    fn is_nearer(&self, (low, high): (Ratio, Ratio)) -> bool {
        let amount = |unit| rate::amount(unit, self.count).ok();
        let (to, billed) = (if less_or_equal(self.low, low) { low } else { high }, amount(self.low));
        let apart = |unit| Some((amount(unit)? - billed?).abs());
        apart(to).zip(apart(self.unit)).is_some_and(|(new, book)| new <= book)
    }

    /// The book's price, but for noise.
    pub(super) fn near_book(&self, noise: i128) -> bool {
        self.ties || self.within(self.unit, self.unit, noise)
    }

    fn within(&self, low: Ratio, high: Ratio, noise: i128) -> bool {
        const MILLION: i128 = 1_000_000;
        // Where the bill counts, what the log lost is in neither side.
        let noise = if self.proven { 0 } else { noise };
        let times = |unit: Ratio, parts| unit.checked_mul(Ratio::new(parts, MILLION)?);
        times(low, MILLION - noise)
            .zip(times(high, MILLION + noise))
            .is_some_and(|(low, high)| less_or_equal(low, self.high) && less_or_equal(self.low, high))
    }
}

/// Every price key whose days can show a price, in order of days.
pub(super) fn series(state: &State) -> Result<BTreeMap<Series, Vec<Point>>> {
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
        let proven = quantity::billed(state, key).filter(|(_, known)| known.is_counted());
        let count = proven.map_or_else(|| state.logged_quantity(key), |(count, _)| count);
        // Where the bill counts, its price is its amount over its count, however much was logged.
        let priced = match proven {
            Some((count, _)) => rate::amount(full, count)?,
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
            count,
            bound,
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
            owner: key.owner,
        };
        all.entry(series).or_default().push(point);
    }
    Ok(all)
}

/// Days on which one price could have been charged.
pub(super) struct Stretch {
    /// Those that meet it to the last step.
    pub(super) exact: Vec<Point>,
    /// And those that are off by no more than the noise of the log, or too small to tell it from the book's.
    pub(super) days: Vec<Point>,
}

/// Runs of days off the book's price that one price could explain, the longest first found. A day too small to tell the
/// two prices apart neither begins nor ends a run. `noise` is that of the log, in parts per million.
pub(super) fn runs_of(points: &[Point], noise: i128) -> Vec<Stretch> {
    let mut free: Vec<bool> = points.iter().map(|point| !point.ties).collect();
    let mut runs: Vec<(usize, Stretch)> = Vec::new();
    loop {
        let seeds = (0..points.len()).filter(|at| free[*at]);
        let found = seeds.map(|seed| {
            let (exact, days) = grow(points, &free, seed, noise, points[seed].is_fine());
            // So many days with something else besides may as well be another price.
            if (days.len() - exact.len()) * ASTRAY > days.len() {
                grow(points, &free, seed, noise, false)
            } else {
                (exact, days)
            }
        });
        let Some((exact, days)) = found.reduce(|a, b| if b.0.len() > a.0.len() { b } else { a }) else {
            break;
        };
        for at in &days {
            free[*at] = false;
        }
        let pick = |places: &[usize]| places.iter().map(|at| points[*at].clone()).collect();
        runs.push((days[0], Stretch { exact: pick(&exact), days: pick(&days) }));
    }
    runs.sort_by_key(|(first, _)| *first);
    runs.into_iter().map(|(_, run)| run).collect()
}

/// One day in so many may have something else besides, of which no more than these follow each other.
const ASTRAY: usize = 4;
const FOLLOWING: usize = 2;

/// The positions around a day whose prices could be its own: exactly, and all. `across`: days that have something else
/// besides, and whose price is nearer to this one than to the book's, do not end them.
fn grow(points: &[Point], free: &[bool], seed: usize, noise: i128, across: bool) -> (Vec<usize>, Vec<usize>) {
    let mut interval = (points[seed].low, points[seed].high);
    let (mut exact, mut days) = (vec![seed], vec![seed]);
    let after: Vec<usize> = (seed + 1..points.len()).collect();
    let before: Vec<usize> = (0..seed).rev().collect();
    for places in [after, before] {
        // Days too small to tell count once a day beyond them does.
        let (mut held, mut narrower, mut astray) = (Vec::new(), interval, 0);
        for at in places {
            let point = &points[at];
            let narrowed = (later(narrower.0, point.low), earlier(narrower.1, point.high));
            let meets = less_or_equal(narrowed.0, narrowed.1);
            if point.ties && meets {
                held.push(at);
                narrower = narrowed;
                continue;
            }
            if across && free[at] && !point.ties && !meets && point.is_nearer(interval) && astray < FOLLOWING
            {
                astray += 1;
                held.push(at);
                continue;
            }
            if point.ties || !free[at] || !(meets || point.nearly(interval, noise)) {
                break;
            }
            astray = 0;
            days.append(&mut held);
            days.push(at);
            if meets {
                exact.push(at);
                interval = narrowed;
            }
            narrower = interval;
        }
    }
    exact.sort_unstable();
    days.sort_unstable();
    (exact, days)
}

pub(in crate::causes) fn less_or_equal(a: Ratio, b: Ratio) -> bool {
    // On overflow nothing is claimed.
    a.numerator()
        .checked_mul(b.denominator())
        .zip(b.numerator().checked_mul(a.denominator()))
        .is_some_and(|(left, right)| left <= right)
}

pub(in crate::causes) fn later(a: Ratio, b: Ratio) -> Ratio {
    if less_or_equal(a, b) { b } else { a }
}

pub(in crate::causes) fn earlier(a: Ratio, b: Ratio) -> Ratio {
    if less_or_equal(a, b) { a } else { b }
}

/// The price per million with the fewest decimals inside `[low, high]`.
pub(in crate::causes) fn simplest(low: Ratio, high: Ratio) -> Option<Ratio> {
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
