//! What would two books price differently, from when, and of what kind is the difference?
//!
//! Compared are step functions of time, key by key, not lines of text: a row that never holds changes nothing.

mod classify;
pub mod rules;
pub mod side;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeSet;

pub use classify::Class;
pub use rules::RuleChange;
pub use side::Side;

use super::steps::{Key, Ladder, Ladders, ladders};
use crate::money::Ratio;
use crate::period::{Day, Month};
use crate::pricebook::{PriceRow, Pricebook};

/// One price that is not the same in both books, from one instant to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<'b> {
    pub class: Class,
    pub key: Key,
    /// The rows that hold in the first and in the second book.
    pub old: Option<&'b PriceRow>,
    pub new: Option<&'b PriceRow>,
    /// The first instant that is affected.
    pub from: i64,
    /// The first that is not any more; none where it goes on.
    pub to: Option<i64>,
    /// Columns that differ, where the price does not.
    pub columns: Vec<&'static str>,
}

impl Change<'_> {
    pub fn holds(&self, at: i64) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// True where the change reaches into the month.
    pub fn touches(&self, month: Month) -> bool {
        touches(self.from, self.to, month)
    }
}

/// True where `from` to `to` (exclusive) reaches into the month.
pub fn touches(from: i64, to: Option<i64>, month: Month) -> bool {
    from < month.next().first().start() && to.is_none_or(|to| month.first().start() < to)
}

/// A price in force: absent, ended, or so much a unit.
fn state(row: Option<&PriceRow>) -> Option<Option<Ratio>> {
    row.map(|row| row.unit)
}

/// Everything in which the prices of two books differ, by seller, model, meter, key and time.
pub fn prices<'b>(old: &'b Pricebook, new: &'b Pricebook) -> Vec<Change<'b>> {
    let (before, after) = (ladders(old), ladders(new));
    let known: BTreeSet<(&str, &str)> = before.keys().map(|key| (key.seller, &*key.model)).collect();
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for key in keys {
        let is_new = !known.contains(&(key.seller, &*key.model));
        compare(key, ladder(&before, key), ladder(&after, key), is_new, &mut changes);
    }
    changes
}

fn ladder<'l, 'b>(ladders: &'l Ladders<'b>, key: &Key) -> &'l Ladder<'b> {
    static NONE: Ladder<'static> = Ladder { rows: Vec::new(), steps: Vec::new() };
    ladders.get(key).unwrap_or(&NONE)
}

fn compare<'b>(
    key: &Key,
    before: &Ladder<'b>,
    after: &Ladder<'b>,
    is_new: bool,
    changes: &mut Vec<Change<'b>>,
) {
    let starts: BTreeSet<i64> = before.steps.iter().chain(&after.steps).map(|(from, _)| *from).collect();
    let starts: Vec<i64> = starts.into_iter().collect();
    let first = changes.len();
    for (index, from) in starts.iter().enumerate() {
        let (old, new, to) = (before.at(*from), after.at(*from), starts.get(index + 1).copied());
        let columns = if state(old) == state(new) { classify::columns(old, new) } else { Vec::new() };
        if state(old) == state(new) && columns.is_empty() {
            continue;
        }
        // The same difference going on is one change.
        if let Some(last) = changes[first..].last_mut()
            && last.to == Some(*from)
            && (state(last.old), state(last.new), &last.columns) == (state(old), state(new), &columns)
            && (columns.is_empty() || last.new == new)
        {
            last.to = to;
            continue;
        }
        let class =
            if columns.is_empty() { classify::class(old, new, after, is_new) } else { Class::Metadata };
        changes.push(Change { class, key: key.clone(), old, new, from: *from, to, columns });
    }
}

/// Months that are closed: those with a pack, and all up to one.
#[derive(Debug, Clone, Default)]
pub struct Closed {
    pub months: BTreeSet<Month>,
    pub through: Option<Month>,
}

impl Closed {
    /// The closed months that a change reaches into.
    pub fn touched(&self, from: i64, to: Option<i64>) -> Vec<Month> {
        let mut touched: BTreeSet<Month> =
            self.months.iter().copied().filter(|month| touches(from, to, *month)).collect();
        let mut next = Day::of_instant(from).month();
        while self.through.is_some_and(|through| next <= through) && touches(from, to, next) {
            touched.insert(next);
            next = next.next();
        }
        touched.into_iter().collect()
    }
}
