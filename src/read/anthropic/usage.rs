//! Token rows of Anthropic, from the Console and from the API: the four input counters are disjoint.

use crate::invoice::BillLine;
use crate::read::gather::{Refused, Said, count, usage_lines};
use crate::vocabulary::Meter;

/// Columns in the order of [`METERS`].
pub(super) type Columns = [&'static str; 6];

const METERS: [Meter; 6] = [
    Meter::Input,
    Meter::CacheWrite5m,
    Meter::CacheWrite1h,
    Meter::CacheRead,
    Meter::Output,
    Meter::WebSearch,
];

/// One line per counter the row has.
pub(super) fn said(
    template: &BillLine,
    columns: &Columns,
    get: &dyn Fn(&str) -> Option<String>,
) -> Result<Said, Refused> {
    let mut counts = Vec::with_capacity(METERS.len());
    for (meter, column) in METERS.into_iter().zip(columns) {
        counts.push((meter, *column, get(column).map(|text| count(&text)).transpose()?));
    }
    usage_lines(template, counts)
}
