//! A long prompt at the price of short ones is also a parent that repeats its calls: what they count, and what they cost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::decide::{LONG, Open};
use crate::period::Day;
use crate::rate::{Account, DayUsage};
use crate::usage::cube::Sums;

/// Whose calls of a model on one day.
type Place<'u> = (&'u Account, &'u Arc<str>, &'u Arc<str>, Day);

fn place(row: &DayUsage) -> Place<'_> {
    (&row.account, &row.model, &row.key, row.day)
}

/// Marks the rows of which the calls with shorter prompts beside them have, in sum, as much of everything: two calls to each
/// of its own at least.
pub(super) fn mark(open: &mut [Open], rows: &[&DayUsage], usage: &[DayUsage]) {
    let long = |open: &Open| open.stories.iter().any(|story| story.cause == LONG);
    let places: BTreeSet<Place> =
        open.iter().zip(rows).filter(|(open, _)| long(open)).map(|(_, row)| place(row)).collect();
    if places.is_empty() {
        return;
    }
    let mut calls: BTreeMap<Place, BTreeMap<u64, Sums>> = BTreeMap::new();
    for row in usage.iter().filter(|row| row.outcome.is_billable() && places.contains(&place(row))) {
        calls.entry(place(row)).or_default().entry(row.prompt).or_default().add(&row.sums);
    }
    for (open, row) in open.iter_mut().zip(rows) {
        let mut shorter = Sums::default();
        let beside = calls.get(&place(row)).into_iter().flat_map(|calls| calls.range(..row.prompt));
        beside.for_each(|(_, sums)| shorter.add(sums));
        open.may_be_sum = shorter.requests >= 2 * row.sums.requests
            && row.sums.meters.iter().all(|(meter, count)| shorter.meters.get(meter) >= count);
    }
}
