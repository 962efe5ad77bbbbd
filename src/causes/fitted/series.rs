//! A model's days on bills that show one amount for all its meters, as quantities by unit price and what is left open.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::Day;
use crate::rate::{Account, Leaf};
use crate::reconcile::{BillKey, State};
use crate::vocabulary::Meter;

/// One price list entry: usage of one meter at one unit price of the book.
pub type Column = (Meter, Ratio);

/// One model-day with one billed amount.
pub struct DayCell {
    pub day: Day,
    pub key: BillKey,
    pub quantities: BTreeMap<Column, i128>,
    pub residual: Money,
    pub bound: Money,
}

impl DayCell {
    pub fn ties(&self) -> bool {
        self.residual.abs() <= self.bound
    }

    /// How many binary digits of the difference the bill's rounding leaves.
    pub fn bits(&self) -> u32 {
        super::seen_bits(self.residual, self.bound)
    }

    pub fn leaves<'s>(&self, state: &'s State) -> impl Iterator<Item = (&'s Leaf, i128)> {
        let leaves = state.logged.get(&self.key);
        leaves.into_iter().flatten().map(|(leaf, quantity)| (leaf, *quantity))
    }
}

/// Maximal runs of days that do not tie out, by model; days without a bill or a price break them.
pub fn runs(state: &State, account: &Account) -> Result<BTreeMap<Arc<str>, Vec<Vec<DayCell>>>> {
    let mut runs: BTreeMap<Arc<str>, Vec<Vec<DayCell>>> = BTreeMap::new();
    let mut broken = true;
    let mut last: Option<Arc<str>> = None;
    for key in state.billed.keys().filter(|key| key.cell.account == *account) {
        let Some(model) = key.cell.model.clone() else { continue };
        broken |= last.as_ref() != Some(&model);
        last = Some(model.clone());
        let Some(cell) = day_cell(state, key)? else {
            broken = true;
            continue;
        };
        if cell.ties() {
            broken = true;
            continue;
        }
        let runs = runs.entry(model).or_default();
        match runs.last_mut().filter(|_| !broken) {
            Some(run) => run.push(cell),
            None => runs.push(vec![cell]),
        }
        broken = false;
    }
    Ok(runs)
}

fn day_cell(state: &State, key: &BillKey) -> Result<Option<DayCell>> {
    // Written decimals are not to be seen through a factor on everything.
    let factored = state.factor(key.cell.first).is_some();
    if factored || key.meter.is_some() || key.cell.first != key.cell.last || state.accepted.contains(key) {
        return Ok(None);
    }
    let bill = state.bill(key);
    let Some(leaves) = state.logged.get(key).filter(|leaves| bill.lines > 0 && !leaves.is_empty()) else {
        return Ok(None);
    };
    let mut quantities: BTreeMap<Column, i128> = BTreeMap::new();
    for (leaf, quantity) in leaves {
        // What the book has no price for is a column at nothing, to be given one; what costs nothing is none.
        let unit = state.unit(key, leaf);
        if unit.is_some_and(Ratio::is_zero) {
            continue;
        }
        let unit = unit.unwrap_or(Ratio::ZERO);
        *quantities.entry((leaf.meter, unit)).or_default() += quantity;
    }
    let priced = state.priced(key)?;
    Ok(Some(DayCell {
        day: key.cell.first,
        key: key.clone(),
        bound: bill.bound + Money::from_pico(2 * leaves.len() as i128 + 1),
        residual: bill.amount - priced,
        quantities,
    }))
}
