//! Prices that no row of the book has, where usage of several tiers or bands is billed in one amount: then no unit price can be
//! read from it, but one ratio to the book's prices that holds day after day can.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::{Change, Part};
use super::problem::{Node, Problem};
use super::score::{DIGIT, Digits, log2};
use super::slice::{Attribute, Slice, slices};
use super::touch::Groups;
use super::{Idea, Search, affordable};
use crate::causes::Patch;
use crate::error::Result;
use crate::money::Ratio;
use crate::period::Day;
use crate::rate::{Account, Leaf};
use crate::reconcile::State;
use crate::vocabulary::Meter;

/// One number is fitted: it must hold on so many days.
const DAYS: usize = 5;
/// A ratio is a written one, of so many decimals, between a fifth and five; and what it takes to tell it.
const STEP: i128 = 1_000;
const MOST: i128 = 5;
const NUMBER: Digits = 14 * DIGIT;
/// So many times finer than a ratio is written must an amount be that no count stands beside.
const UNCOUNTED: i128 = 100;
/// Ratios that are tried for some meters of a model, those of the most days.
const RATIOS: usize = 2;

/// What one ratio on a model's prices explains, of what every other family has left.
pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut patches = Vec::new();
    for account in accounts {
        let (models, _) = affordable(state, account)?;
        if models.is_empty() {
            continue;
        }
        let (mut problem, mut node) = Problem::new(state, account, |model| models.contains(model))?;
        let mut slices = slices(&problem);
        slices.retain(|slice| slice.model.is_some() && slice.attribute == Attribute::Whole);
        let mut ideas = Vec::new();
        for (index, slice) in slices.iter().enumerate() {
            for change in scaled(&mut problem, &mut node, slice)? {
                let cost = log2(slices.len() as u128) + NUMBER;
                ideas.push(Idea { slice: index, change, cost });
            }
        }
        patches.extend(Search::of(account, problem, &node, slices, ideas).run(node)?);
    }
    Ok(patches)
}

/// The ratios on which the most days of a model agree, for each part of its meters.
fn scaled(problem: &mut Problem, node: &mut Node, slice: &Slice) -> Result<Vec<Change>> {
    let groups = Groups::new(problem, node, &slice.atoms)?;
    // One leaf of each meter stands for its price.
    let leaves = slice.atoms.iter().map(|atom| &node.places[*atom as usize].leaf);
    let leaves: BTreeMap<Meter, Arc<Leaf>> = leaves.map(|leaf| (leaf.meter, leaf.clone())).collect();
    let meters: BTreeSet<Meter> = leaves.keys().copied().collect();
    let parts = [Part::All, Part::Prompt, Part::Answer].into_iter();
    let mut seen: BTreeSet<Vec<Meter>> = BTreeSet::new();
    let mut changes = Vec::new();
    for part in parts.chain(meters.iter().map(|meter| Part::One(*meter))) {
        if !seen.insert(meters.iter().copied().filter(|meter| part.has(*meter)).collect()) {
            continue;
        }
        // Twice the price adds what these meters cost.
        let Some(twice) = Ratio::new(2, 1) else { continue };
        let Some(touches) = problem.touches(node, &groups, &Change::Scaled(part, twice))? else { continue };
        let mut days: BTreeMap<i128, BTreeSet<Day>> = BTreeMap::new();
        for touch in &touches {
            let (side, priced) = (&problem.sides[touch.side as usize], node.priced[touch.side as usize]);
            let logged = node.logged[touch.side as usize];
            let open = side.billed - priced;
            if !side.has_line || open.abs() <= side.bound || side.counted.is_some_and(|count| count != logged)
            {
                continue;
            }
            // Where nothing counts, a log that is off by one factor meets some written ratio in any coarse amount.
            let finer = if side.counted.is_some() { 1 } else { UNCOUNTED };
            if let Some(ratio) = nearest(open, side.bound, touch.money, finer) {
                days.entry(ratio).or_default().insert(touch.day);
            }
        }
        let mut ratios: Vec<(usize, i128)> = days
            .into_iter()
            .filter(|(_, days)| days.len() >= DAYS)
            .map(|(ratio, days)| (days.len(), ratio))
            .collect();
        ratios.sort_unstable_by(|a, b| b.cmp(a));
        let ratios = ratios.into_iter().take(RATIOS).filter_map(|(_, ratio)| Ratio::new(ratio, STEP));
        let own = ratios.filter(|ratio| !is_another_meters(problem.state, part, *ratio, &leaves));
        changes.extend(own.map(|ratio| Change::Scaled(part, ratio)));
    }
    Ok(changes)
}

/// True where one meter would have the price of another: then its tokens were charged as those, and the price is none.
fn is_another_meters(state: &State, part: Part, ratio: Ratio, leaves: &BTreeMap<Meter, Arc<Leaf>>) -> bool {
    let Part::One(meter) = part else { return false };
    let Some(leaf) = leaves.get(&meter) else { return false };
    let then = state.list(leaf).and_then(|unit| unit.checked_mul(ratio));
    let others = Meter::ALL.iter().filter(|other| **other != meter && other.is_token());
    let mut prices = others.map(|other| state.list(&Leaf { meter: *other, ..(**leaf).clone() }));
    then.is_some() && prices.any(|price| price == then)
}

/// The written ratio, in steps, by which what costs `priced` leaves nothing open. Rounding must leave no two of them open: in an
/// amount printed in cents nearly any ratio can be read.
fn nearest(open: i128, bound: i128, priced: i128, finer: i128) -> Option<i128> {
    if priced <= 2 * STEP * finer * bound {
        return None;
    }
    let ratio = STEP + crate::money::div_half_even(open.checked_mul(STEP)?, priced);
    let off = open * STEP - (ratio - STEP) * priced;
    let written = ratio * MOST >= STEP && ratio <= MOST * STEP;
    (written && off.abs() <= bound * STEP).then_some(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_written_in_thousandths() {
        // 15 % off what costs 4.00, to the last step, and beside some rounding.
        assert_eq!(nearest(-600_000, 1, 4_000_000, 1), Some(850));
        assert_eq!(nearest(-600_003, 5, 4_000_000, 1), Some(850));
        assert_eq!(nearest(-600_003, 2, 4_000_000, 1), None, "0.84999925 is no written ratio");
        assert_eq!(nearest(90_000_000, 1, 1_000_000, 1), None, "a hundred times is another mistake");
        assert_eq!(nearest(-600_003, 2_000, 4_000_000, 1), None, "0.8495 to 0.8505 are all within rounding");
        assert_eq!(nearest(-600_000, 10, 4_000_000, 1), Some(850));
        assert_eq!(nearest(-600_000, 21, 4_000_000, 100), None, "too coarse without a count");
        assert_eq!(nearest(5, 1, 0, 1), None);
    }
}
