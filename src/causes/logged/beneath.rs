//! What a mark-up hides: a gateway that adds a factor to everything of a key adds it to its mistakes as well. Taken off, the
//! mistake is seen as it would be without.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Difference;
use super::decide::Decided;
use super::figure::scaled;
use crate::money::Ratio;
use crate::rate::DayUsage;

/// The cause of such a factor.
const MARK_UP: &str = "terms.internal_margin";

/// An undecided row of a key that has a mark-up on all its decided rows.
pub(super) struct Marked {
    /// Its place among the differences.
    pub at: usize,
    /// The row with its cost before the mark-up.
    pub row: DayUsage,
    /// What was decided for the other rows of the key.
    pub decision: Decided,
}

impl Marked {
    /// What the mark-up makes of the difference, and what is left beneath it.
    pub fn parts<'r>(&'r self, whole: &Difference<'r>) -> [Difference<'r>; 2] {
        let part = |row, amount| Difference { row, cell: whole.cell.clone(), amount, fees: Vec::new() };
        let own = self.row.sums.logged - whole.row.sums.logged;
        [part(whole.row, own), part(&self.row, whole.amount - own)]
    }
}

/// The undecided rows whose key has one mark-up, each without it. Rows with fees in cells of their own are left: how much of
/// the factor is theirs would not be told.
pub(super) fn marked(differences: &[Difference], decided: &BTreeMap<usize, Decided>) -> Vec<Marked> {
    let mut keys: BTreeMap<&Arc<str>, BTreeSet<&Decided>> = BTreeMap::new();
    for (at, decision) in decided {
        keys.entry(&differences[*at].row.key).or_default().insert(decision);
    }
    let undecided = differences.iter().enumerate().filter(|(at, difference)| {
        !decided.contains_key(at) && !difference.row.key.is_empty() && difference.fees.is_empty()
    });
    undecided
        .filter_map(|(at, difference)| {
            let decisions = keys.get(&difference.row.key)?;
            let (first, 1) = (*decisions.first()?, decisions.len()) else { return None };
            let factor = first.factor.filter(|_| first.cause == MARK_UP && first.rivals.is_empty())?;
            let mut row = difference.row.clone();
            let inverse = Ratio::new(factor.denominator(), factor.numerator())?;
            row.sums.logged = scaled(row.sums.logged, inverse)?;
            Some(Marked { at, row, decision: first.clone() })
        })
        .collect()
}
