//! Two mistakes on one row: prices of another place in the book, as other rows of the model show them, and at these prices
//! what a gateway does wrong with the counts, or one factor on the whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::choices::Choice;
use super::decide::Decided;
use super::figure::{Figure, scaled};
use super::recorded;
use crate::error::Result;
use crate::money::Money;
use crate::rate::{DayUsage, Rater};

/// A row that nothing explains by itself, at the prices of a mistake that other rows of its model show.
pub(super) struct Shifted<'r> {
    /// Its place among the account's rows.
    pub at: usize,
    pub before: &'r DayUsage,
    /// The row as it would be if the gateway's prices were right.
    pub row: DayUsage,
    /// What was decided for the other rows.
    pub decision: Decided,
}

/// By model, what its rows may have been priced by.
pub(super) type Likely = BTreeMap<Arc<str>, BTreeSet<Choice>>;

/// By model, where in the book its decided rows were priced, with what was decided for them.
pub(super) type Places = BTreeMap<Arc<str>, BTreeMap<Choice, Decided>>;

/// Places at which the rows of one decision were priced, out of those that are likely for their model.
pub(super) fn places(rater: &Rater, likely: &[&Likely], decided: &[(&DayUsage, &Decided)]) -> Result<Places> {
    let mut places = Places::new();
    let mut seen: BTreeSet<(&Arc<str>, &Decided)> = BTreeSet::new();
    for (row, decision) in decided.iter().copied() {
        if decision.factor.is_some() || !decision.contract || !seen.insert((&row.model, decision)) {
            continue;
        }
        for choice in likely.iter().filter_map(|likely| likely.get(&row.model)).flatten() {
            if choice.moved(row).is_some() && decision.whats.contains(&choice.story(rater, row)?.1) {
                let of_model = places.entry(row.model.clone()).or_default();
                of_model.entry(choice.clone()).or_insert_with(|| decision.clone());
            }
        }
    }
    Ok(places)
}

/// The undecided rows at each of these places.
pub(super) fn shifted<'r>(rows: &[(usize, &'r DayUsage)], places: &Places) -> Vec<Shifted<'r>> {
    let mut shifted = Vec::new();
    for (at, before) in rows {
        for (choice, decision) in places.get(&before.model).into_iter().flatten() {
            if let Some(row) = choice.moved(before) {
                shifted.push(Shifted { at: *at, before, row, decision: decision.clone() });
            }
        }
    }
    shifted
}

/// What the place and what the other mistake make of `ours − logged`: each the mean of what it does first and last.
/// `None` where one of them has no price.
pub(super) fn parts(
    rater: &Rater,
    row: &DayUsage,
    moved: &DayUsage,
    mistake: &Decided,
) -> Result<Option<[Money; 2]>> {
    let plain = Figure::of(row);
    let alone = match mistake.factor {
        Some(factor) => plain.cost(rater, true)?.and_then(|cost| scaled(cost, factor)),
        None => match recorded::figure(row, mistake) {
            Some(figure) => figure.cost(rater, true)?,
            None => None,
        },
    };
    let (ours, there) = (plain.cost(rater, true)?, Figure::of(moved).cost(rater, true)?);
    let (Some(ours), Some(there), Some(alone)) = (ours, there, alone) else { return Ok(None) };
    let logged = row.sums.logged;
    let place = Money::from_pico(((ours - there) + (alone - logged)).pico() / 2);
    Ok(Some([place, ours - logged - place]))
}
