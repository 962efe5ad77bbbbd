//! Whether the billed amounts are met when prices are read otherwise, and how unlikely that is by chance.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::{Move, Prices};
use crate::causes::noise;
use crate::error::Result;
use crate::money::Money;
use crate::period::Day;
use crate::reconcile::{BillKey, CellKey};

/// How unlikely it must be that a reading fits by chance, as a power of two; where the log is noisy only readings
/// without a fitted number are tried, and fewer speak against chance.
const BITS: u32 = 40;
const BITS_IN_NOISE: u32 = 14;
/// One key counts for at most this much.
const MOST_BITS: u32 = 24;
/// The nearest day with usage is looked for so far away.
const FAR: i32 = 10;

/// The days next to the price change, up to the first on which the billed amounts are not met.
pub fn run(prices: &Prices, moves: Vec<Move>, backwards: bool) -> Result<Vec<Move>> {
    let mut days: BTreeMap<Day, Vec<Move>> = BTreeMap::new();
    for part in moves {
        days.entry(part.key.cell.first).or_default().push(part);
    }
    let mut kept = Vec::new();
    while let Some((_, moves)) = if backwards { days.pop_last() } else { days.pop_first() } {
        let mut changes: BTreeMap<&BillKey, Money> = BTreeMap::new();
        for part in &moves {
            *changes.entry(&part.key).or_default() += part.change;
        }
        for (key, change) in changes {
            let (left, bound) = left(prices, key, change, moves.len())?;
            if left.abs() > bound {
                return Ok(kept);
            }
        }
        kept.extend(moves);
    }
    Ok(kept)
}

/// What a change leaves of a key's difference, and what may be left by rounding and noise.
fn left(prices: &Prices, key: &BillKey, change: Money, moves: usize) -> Result<(Money, Money)> {
    let bill = prices.state.bill(key);
    let noise = noise::share(prices.floor, bill.amount.pico());
    let bound = rounding(prices, key, moves) + Money::from_pico(noise);
    Ok((bill.amount - prices.state.priced(key)? - change, bound))
}

fn rounding(prices: &Prices, key: &BillKey, moves: usize) -> Money {
    let leaves = prices.state.logged.get(key).map_or(0, |leaves| leaves.len());
    prices.state.bill(key).bound + Money::from_pico(leaves as i128 + moves as i128 + 1)
}

/// What speaks for a reading.
pub struct Test {
    pub days: BTreeSet<Day>,
    bits: u32,
    pub moved: Money,
    /// There are days before and after that tie out without it.
    pub ended: bool,
}

/// Every key that is changed ties out with the change, and none did before; on the days beside them, the same keys do
/// without it.
pub fn test(prices: &Prices, moves: &[Move]) -> Result<Option<Test>> {
    let state = prices.state;
    let mut changes: BTreeMap<&BillKey, Money> = BTreeMap::new();
    for part in moves {
        let have = state.logged.get(&part.key).and_then(|leaves| leaves.get(&part.leaf));
        if have.is_none_or(|have| *have < part.quantity) || state.accepted.contains(&part.key) {
            return Ok(None);
        }
        *changes.entry(&part.key).or_default() += part.change;
    }
    let left = |key: &BillKey, change: Money| left(prices, key, change, moves.len());
    let mut test = Test { days: BTreeSet::new(), bits: 0, moved: changes.values().sum(), ended: false };
    for (key, change) in &changes {
        let (after, bound) = left(key, *change)?;
        if after.abs() > bound || state.bill(key).lines == 0 {
            return Ok(None);
        }
        if change.abs() > bound {
            test.days.insert(key.cell.first);
            // What is met to the last step owes nothing to noise.
            let exact = rounding(prices, key, moves.len());
            let within = if after.abs() <= exact { exact } else { bound };
            test.bits += (change.pico().abs() / (2 * within.pico() + 1)).max(1).ilog2().min(MOST_BITS);
        }
    }
    let beside = |key: &BillKey, step: i32| {
        let days = (1..=FAR).map(|distance| Day::from_days(key.cell.first.days() + step * distance));
        let keys = days.map(|day| {
            let cell = CellKey { first: day, last: day, ..key.cell.clone() };
            BillKey { cell, ..key.clone() }
        });
        keys.into_iter().find(|key| state.logged.contains_key(key) && state.covers(&key.cell))
    };
    let mut sides = [false, false];
    for key in changes.keys() {
        for (side, step) in [-1, 1].into_iter().enumerate() {
            let Some(other) = beside(key, step) else { continue };
            sides[side] = true;
            if !changes.contains_key(&other) {
                let (left, bound) = left(&other, Money::ZERO)?;
                // In a noisy log a day may be noisier than the others, but not by a quarter of what the change would do there.
                let would = state.priced(&other)?.pico().checked_mul(changes[key].pico().abs());
                let would = would.unwrap_or(0) / state.priced(key)?.pico().max(1);
                if left.abs() > bound && (prices.floor == 0 || left.pico().abs() * 4 > would) {
                    return Ok(None);
                }
            }
        }
    }
    test.ended = sides == [true, true];
    let enough = if prices.floor > 0 { BITS_IN_NOISE } else { BITS };
    Ok((test.bits >= enough).then_some(test))
}
