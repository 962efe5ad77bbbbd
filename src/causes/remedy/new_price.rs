//! Ledger rows that make the book say a new price: one for each row that prices what was used, as logged or as other findings
//! have it, from the day on which the price begins, and the book's own again after its last.

use std::collections::BTreeSet;

use super::PriceStep;
use super::price::{LedgerKey, basis};
use super::version::price;
use crate::causes::Claim;
use crate::rate::Leaf;
use crate::reconcile::{Edit, NewPrice, State};

/// The rows of edits that are new prices and nothing else; none where the book's own price changes meanwhile.
pub fn steps(state: &State, edits: &[Edit], claims: &[Claim]) -> Option<Vec<PriceStep>> {
    let mut steps = Vec::new();
    for edit in edits {
        let Edit::NewPrice(new) = edit else { return None };
        steps.extend(of(state, new, claims).unwrap_or_default());
    }
    Some(steps)
}

fn of(state: &State, new: &NewPrice, claims: &[Claim]) -> Option<Vec<PriceStep>> {
    let (book, days) = (state.rater.book, new.days);
    let (begins, ends) = (days.first.start(), days.last.next().start());
    if !book.row_changes(&new.account.provider, &new.model, begins, ends - 1).is_empty() {
        return None;
    }
    let mut steps = Vec::new();
    for key in used(state, new, claims) {
        let unit = price(book, &key, begins)?;
        steps.push(key.clone().step(days.first, unit.checked_mul(new.ratio)?));
        if let Some(own) = price(book, &key, ends).filter(|_| days.last < state.period.last) {
            steps.push(PriceStep { restored: true, ..key.step(days.last.next(), own) });
        }
    }
    Some(steps)
}

/// The rows that price what was used; what a modifier makes of another row moves with it.
fn used(state: &State, new: &NewPrice, claims: &[Claim]) -> BTreeSet<LedgerKey> {
    let restated = claims.iter().flat_map(|claim| &claim.patch.edits).filter_map(|edit| match edit {
        Edit::Restate { more: Some((_, leaf)), .. } => Some(leaf),
        _ => None,
    });
    let logged = state.logged.values().flat_map(|leaves| leaves.keys());
    let leaves: BTreeSet<&Leaf> =
        logged.chain(restated).filter(|leaf| state.is_priced_by(leaf, new)).collect();
    leaves.into_iter().filter_map(|leaf| Some(basis(state, leaf)?.0)).collect()
}
