//! Claims about everything of an account: a factor, a clock, whose traffic it is. That one holds was seen on many models and
//! days, and a cell in which something else is wrong too does not speak against it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::engine::{Explained, Residual};
use super::{Claim, Status};
use crate::money::Ratio;
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::{CellKey, Edit, State};

/// The share of its dollars that must end where it ties out: half.
pub const CLOSURE: (i128, i128) = (1, 2);

/// So many models, with so many cells each, and one in so many of all cells.
const MODELS: usize = 2;
const CELLS: usize = 3;
const ONE_IN: usize = 4;

pub fn is(claim: &Claim) -> bool {
    claim.patch.edits.iter().all(|edit| match edit {
        // What the books declare is not compared with anything.
        Edit::Exclude { .. } => claim.patch.status == Status::Probable,
        edit => of_all_usage(edit),
    })
}

fn of_all_usage(edit: &Edit) -> bool {
    matches!(edit, Edit::Factor { .. } | Edit::Rebucket { .. })
}

/// A factor or a clock is about every model alike: on how many of them it holds to the last step is what shows it, not how much
/// they cost. The dearest may have a fault of its own.
pub fn seen_widely(claim: &Claim, explained: &Explained) -> bool {
    if !claim.patch.edits.iter().all(of_all_usage) {
        return false;
    }
    let mut models: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
    for cell in claim.cells.keys() {
        let closes = |left: &Residual| left.ties();
        if let Some(model) = cell.model.as_ref().filter(|_| cell.first == cell.last)
            && explained.residuals.get(cell).is_none_or(closes)
        {
            *models.entry(model).or_default() += 1;
        }
    }
    let closed: usize = models.values().sum();
    models.values().filter(|closed| **closed >= CELLS).count() >= MODELS
        && closed * ONE_IN >= claim.cells.len()
}

/// The names of factors that a price has to take back: what costs the list price after all was never under the factor.
pub fn undone(state: &State, claims: &[Claim]) -> Vec<String> {
    let edits = || claims.iter().flat_map(|claim| &claim.patch.edits);
    let prices: Vec<(&Account, Day, Ratio, Ratio)> = edits().filter_map(|edit| price(state, edit)).collect();
    let is_undone = |edit: &Edit| match edit {
        Edit::Factor { account, factor, days } => prices.iter().any(|(of, day, list, unit)| {
            *of == account && days.contains(*day) && unit.checked_mul(*factor) == Some(*list)
        }),
        _ => false,
    };
    let undone = claims.iter().filter(|claim| claim.patch.edits.iter().any(is_undone));
    undone.map(|claim| claim.patch.name.clone()).collect()
}

/// Cells without any line that no other claim speaks of: of what is not charged, nothing is deducted.
pub fn spared(state: &State, claims: &[Claim]) -> BTreeSet<CellKey> {
    let (factors, others): (Vec<&Claim>, Vec<&Claim>) = claims
        .iter()
        .partition(|claim| claim.patch.edits.iter().all(|edit| matches!(edit, Edit::Factor { .. })));
    let charged = |cell: &CellKey| state.keys_of(cell).iter().any(|key| state.bill(key).lines > 0);
    let alone = |cell: &&CellKey| {
        !state.spared.contains(*cell)
            && !charged(cell)
            && !others.iter().any(|claim| claim.cells.contains_key(*cell))
    };
    factors.iter().flat_map(|claim| claim.cells.keys()).filter(alone).cloned().collect()
}

/// Whose price an edit sets and when, what it is in the book, and what the edit makes of it.
fn price<'e>(state: &State, edit: &'e Edit) -> Option<(&'e Account, Day, Ratio, Ratio)> {
    let (key, leaf, unit) = match edit {
        Edit::Price { key, unit } => (key, state.model_leaf(key)?, *unit),
        Edit::Reprice { key, leaf, unit } => (key, leaf.clone(), *unit),
        _ => return None,
    };
    Some((&key.cell.account, key.cell.first, state.rater.ratio(&leaf)?, unit))
}
