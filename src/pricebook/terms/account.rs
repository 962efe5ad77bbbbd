//! Terms beside the usage: credits, monthly minimums, commitments.

use super::Kind;
use super::entry::Entry;
use super::read::{AMOUNT, history};
use crate::period::{Day, SECONDS_PER_DAY};

pub fn credit(entry: &mut Entry, from: Option<i64>) -> Option<Kind> {
    let amount = entry.needed("amount", &AMOUNT);
    let used = history(entry);
    after_start(entry, from, used.keys().next().map(|month| month.last()));
    Some(Kind::Credit { amount: amount?, used })
}

/// A minimum of part of a month would have to be prorated by a rule that the contract did not state.
pub fn minimum(entry: &mut Entry, from: Option<i64>, to: Option<i64>) -> Option<Kind> {
    let amount = entry.needed("amount", &AMOUNT);
    for (key, at) in [("from", from), ("to", to)] {
        let Some(at) = at else { continue };
        let day = Day::of_instant(at);
        if at % SECONDS_PER_DAY != 0 || day != day.month().first() {
            let message = format!("`{key}` of a monthly minimum lies inside a month");
            entry.report("contract-term", entry.place(key), message, "write the first day of a month");
        }
    }
    Some(Kind::Minimum { amount: amount? })
}

pub fn commitment(entry: &mut Entry, from: Option<i64>, to: Option<i64>) -> Option<Kind> {
    let amount = entry.needed("amount", &AMOUNT);
    let used = history(entry);
    after_start(entry, from, used.keys().next().map(|month| month.last()));
    if to.is_none() && !entry.has("to") {
        entry.missing("to", "a commitment has an end: write to = 2027-07-01");
    }
    Some(Kind::Commitment { amount: amount?, used })
}

fn after_start(entry: &mut Entry, from: Option<i64>, first: Option<Day>) {
    if let (Some(from), Some(first)) = (from, first)
        && first < Day::of_instant(from)
    {
        let message = "`used` names a month before the term".to_owned();
        entry.report("contract-value", entry.place("used"), message, "leave out what lies before `from`");
    }
}
