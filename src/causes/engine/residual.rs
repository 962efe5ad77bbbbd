//! What is left of cells and keys under all assumptions so far.

use std::collections::{BTreeMap, BTreeSet};

use super::{Claim, noise};
use crate::error::Result;
use crate::money::Money;
use crate::reconcile::owners::NOBODY;
use crate::reconcile::sides::by_owner;
use crate::reconcile::{BillKey, CellKey, Edit, Part, Sides, State, quantity};

/// What is left of one cell after all claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Residual {
    /// `billed − priced` under all accepted assumptions.
    pub amount: Money,
    pub bound: Money,
    pub(super) billed: Money,
    /// What the noise of the log leaves open in such a cell, as measured on the account's other cells.
    pub noise: Money,
    /// Where the bill or a report counts every key: what remains of the difference if its counts are taken.
    rate: Option<Money>,
}

impl Residual {
    pub fn ties(self) -> bool {
        self.amount.abs() <= self.bound
    }

    /// What is left is no larger than the noise of the log.
    pub(super) fn nearly_ties(self) -> bool {
        self.amount.abs() <= self.bound + self.noise
    }

    /// The prices agree, whatever was counted.
    pub(super) fn rate_ties(self) -> bool {
        self.rate.is_some_and(|rate| rate <= self.bound)
    }
}

/// Keys that the claims name and whose counts agree, as far as the bill or a report counts.
pub(super) fn counted_keys<'c>(state: &State, claims: impl Iterator<Item = &'c Claim>) -> BTreeSet<BillKey> {
    let keys = claims.flat_map(|claim| &claim.patch.edits).flat_map(Edit::keys);
    let agrees = |key: &&BillKey| {
        quantity::billed(state, key).is_some_and(|(count, known)| {
            (known.is_counted() || known == quantity::Known::Absent) && count == state.logged_quantity(key)
        })
    };
    keys.filter(agrees).cloned().collect()
}

pub(super) fn open_keys(state: &State, floor: i128) -> Result<BTreeSet<BillKey>> {
    let mut open = BTreeSet::new();
    for key in state.open.iter().flat_map(|cell| state.keys_of(cell)) {
        let bill = state.bill(&key);
        let leaves = state.logged.get(&key).map_or(0, |leaves| leaves.len());
        let bound = bill.bound.pico() + leaves as i128 + 1 + noise::share(floor, bill.amount.pico());
        if (bill.amount - state.priced(&key)?).pico().abs() > bound {
            open.insert(key);
        }
    }
    Ok(open)
}

pub(super) type Residuals = (BTreeMap<CellKey, Residual>, BTreeMap<Part, Residual>);

/// What is left of every cell, and of each owner's part of it.
pub(super) fn residuals(state: &State, floor: i128) -> Result<Residuals> {
    let (mut cells, mut parts) = Residuals::default();
    for cell in &state.open {
        let sides = state.sides_of(cell);
        let whole = residual(state, floor, &sides)?;
        cells.insert(cell.clone(), whole);
        if state.apart {
            for (owner, sides) in by_owner(sides) {
                parts.insert((cell.clone(), owner), residual(state, floor, &sides)?);
            }
        } else {
            parts.insert((cell.clone(), NOBODY), whole);
        }
    }
    Ok((cells, parts))
}

fn residual(state: &State, floor: i128, sides: &[Sides]) -> Result<Residual> {
    let (amount, billed) = (state.delta_of(sides)?, state.billed_of(sides));
    let noise = Money::from_pico(noise::share(floor, billed.pico()));
    let rate = if amount.is_zero() { None } else { quantity::rate_effect(state, sides) };
    Ok(Residual { amount, billed, bound: state.bound_of(sides), noise, rate })
}
