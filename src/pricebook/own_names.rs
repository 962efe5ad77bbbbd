//! A row of one's own may be written as logs, bills and the seller's page call the model. Where that name only points,
//! the row holds for the model it means: `gpt-4o` of November 2026 prices `gpt-4o-2024-08-06`.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Names;
use super::row::{Layer, PriceRow};
use crate::diagnostic::Diagnostic;
use crate::period::Day;

/// Gives each row of the folder the model it means from its `from` to the next one of its key. A row whose name moves
/// within that time would price one model and be silent about the other: it is a problem, and not in the book.
pub(super) fn point(rows: &mut Vec<PriceRow>, names: &Names, problems: &mut Vec<Diagnostic>) {
    let key = |row: &PriceRow| {
        let (region, window) = (row.region.clone(), row.window.clone());
        (row.model.clone(), row.meter, row.tier, row.ctx_rank(), region, window)
    };
    let mut starts: BTreeMap<_, BTreeSet<i64>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.layer == Layer::Overlay) {
        starts.entry(key(row)).or_default().insert(row.from);
    }
    rows.retain_mut(|row| {
        let meant = names.exact(&row.model.to_ascii_lowercase(), row.from);
        let Some(meant) = meant.filter(|meant| row.layer == Layer::Overlay && **meant != *row.model) else {
            return true;
        };
        let next = starts.get(&key(row)).and_then(|starts| starts.range(row.from + 1..).next());
        let moved =
            names.next_target(&row.model, row.from).filter(|(at, _)| next.is_none_or(|next| at < next));
        if let Some((at, other)) = moved {
            let day = Day::of_instant(at);
            let message = format!(
                "`{}` means `{meant}`, and `{other}` from {day} on: the row can hold for neither",
                row.model
            );
            problems.push(Diagnostic::error("PB022", row.origin.clone(), message).help(format!(
                "write `{meant}` as its model, and a row from {day} for `{other}` if it has this price too"
            )));
            return false;
        }
        row.model = meant.into();
        true
    });
}
