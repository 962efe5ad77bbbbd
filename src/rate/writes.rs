//! Cache writes that are free: the seller asks nothing beside the price of the prompt, whose tokens they are. OpenAI says so
//! of its models before GPT-5.6.
//!
//! `input 200, cache_write.30m 400` of gpt-5.4 is billed as 600 tokens of input: as a meter of their own the 400 would cost
//! nothing at all.

use super::{DayUsage, Leaf};
use crate::pricebook::Pricebook;
use crate::vocabulary::Meter;

/// The meter that the seller charges.
pub fn charged_as(book: &Pricebook, leaf: &Leaf) -> Meter {
    let is_free = || book.select(&leaf.query()).is_ok_and(|found| found.row.free);
    if leaf.meter.is_cache_write() && is_free() { Meter::Input } else { leaf.meter }
}

/// Counts written tokens as plain input where the book marks their price as free.
pub(super) fn count_free_as_input(book: &Pricebook, row: &mut DayUsage) {
    let written = row.sums.meters.iter().filter(|(meter, _)| meter.is_cache_write());
    let free: Vec<(Meter, u64)> =
        written.filter(|(meter, _)| charged_as(book, &row.leaf(*meter)) != *meter).collect();
    for (meter, count) in free {
        row.sums.meters.set(meter, 0);
        row.sums.meters.set(Meter::Input, row.sums.meters.get(Meter::Input).saturating_add(count));
    }
}
