//! Failed calls and polls that went along: where a key was served by another model, such calls of it were too. The bill of
//! the model they were logged as lacks them like those that nobody billed; that of the other model has them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::mapping::{self, METERS};
use crate::period::Day;
use crate::rate::{Account, DayUsage};
use crate::reconcile::quantity::{self, ByMeter};
use crate::reconcile::{BillKey, CellKey, State};

/// Days that show it, and so many times as many as show that such calls stayed behind.
const DAYS: usize = 3;
const TIMES: usize = 4;

/// An account, the model and the key that usage is logged as.
type Caller<'u> = (&'u Account, &'u Arc<str>, &'u Arc<str>);

/// What a caller logged on one day: everything, and such calls.
#[derive(Default)]
struct Logged {
    all: BTreeMap<BillKey, i128>,
    such: BTreeMap<BillKey, i128>,
}

/// The days of callers whose calls of one kind another model has on its bill with all that they logged.
#[derive(Default)]
pub(super) struct WentAlong<'u>(BTreeSet<(Caller<'u>, Day)>);

impl WentAlong<'_> {
    pub(super) fn has(&self, row: &DayUsage) -> bool {
        self.0.contains(&((&row.account, &row.model, &row.key), row.day))
    }
}

pub(super) fn find<'u>(state: &State<'u>, is: fn(&DayUsage) -> bool) -> WentAlong<'u> {
    let usage: &'u [DayUsage] = state.usage;
    let caller = |row: &'u DayUsage| (&row.account, &row.model, &row.key);
    let such = usage.iter().filter(|row| is(row) && !row.key.is_empty());
    let callers: BTreeSet<Caller> = such.map(caller).collect();
    let mut logged: BTreeMap<Caller, BTreeMap<Day, Logged>> = BTreeMap::new();
    for row in usage.iter().filter(|row| row.outcome.is_billable() && callers.contains(&caller(row))) {
        let day = logged.entry(caller(row)).or_default().entry(row.day).or_default();
        for (key, _, count) in
            state.places(row).filter(|(key, ..)| key.cell.model.as_ref() == Some(&row.model))
        {
            if is(row) {
                *day.such.entry(key.clone()).or_default() += count;
            }
            *day.all.entry(key).or_default() += count;
        }
    }
    let mut gaps: BTreeMap<&CellKey, ByMeter> = BTreeMap::new();
    let mut found = WentAlong::default();
    for (caller, days) in &logged {
        let (mut gone, mut shown) = (Vec::new(), BTreeMap::<&Arc<str>, (usize, usize)>::new());
        for (day, Logged { all, such }) in days {
            let (Some((cell, all)), Some((_, such))) = (one_cell(all), one_cell(such)) else { continue };
            let Some(cell) = state.open.get(&cell) else { continue };
            let lacks = gaps.entry(cell).or_insert_with(|| quantity::by_meter(state, cell));
            let slack = |meter| mapping::slack(state, cell, meter);
            let missing = |(meter, count): (&_, &i128)| {
                lacks.get(meter).is_some_and(|gap| gap + count <= slack(*meter))
            };
            if !all.iter().all(missing) {
                continue;
            }
            gone.push(*day);
            let others = state.open.iter().filter(|other| {
                (&other.account, other.first, other.last) == (&cell.account, cell.first, cell.last)
            });
            for other in others.filter(|other| *other != cell) {
                let Some(model) = &other.model else { continue };
                let more = gaps.entry(other).or_insert_with(|| quantity::by_meter(state, other));
                let meets = |counts: &ByMeter| {
                    let equal = |(meter, count): (&_, &i128)| {
                        more.get(meter).is_some_and(|gap| (gap - count).abs() <= slack(*meter))
                    };
                    counts.values().filter(|count| **count != 0).count() >= METERS && counts.iter().all(equal)
                };
                let mut rest = all.clone();
                such.iter().for_each(|(meter, count)| *rest.entry(*meter).or_default() -= count);
                let (along, behind) = shown.entry(model).or_default();
                match (meets(&all), meets(&rest)) {
                    (true, false) => *along += 1,
                    (false, true) => *behind += 1,
                    _ => {}
                }
            }
        }
        if shown.values().any(|(along, behind)| *along >= DAYS && *along >= TIMES * behind) {
            found.0.extend(gone.into_iter().map(|day| (*caller, day)));
        }
    }
    found
}

/// The counts of one day by meter, where they lie in one cell of that day.
fn one_cell(counts: &BTreeMap<BillKey, i128>) -> Option<(CellKey, ByMeter)> {
    let mut days = mapping::by_day(counts).into_values();
    days.next().filter(|_| days.next().is_none())
}
