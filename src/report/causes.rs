//! The catalogue of causes as one table, group by group.

use super::sheet::{Cell, Column, Kind, Sheet};
use crate::causes::catalogue::{Cause, GROUPS, in_group};

/// `headings`: a row above each group, for people; programs get the causes only.
pub fn build(headings: bool) -> Sheet {
    let columns = vec![
        Column::new("cause", "Cause", Kind::Text),
        Column::new("title", "What it is", Kind::Text),
        Column::new("proof", "Proof", Kind::Text),
        Column::new("bill", "Bill", Kind::Text),
        Column::new("detected", "Found", Kind::Flag),
        Column::new("tested_by", "Tested by", Kind::Text).optional(),
    ];
    let mut sheet = Sheet::new("causes", "", columns);
    for (group, about) in GROUPS {
        if headings {
            if !sheet.rows.is_empty() {
                sheet.rows.push(vec![Cell::Empty; sheet.columns.len()]);
            }
            let mut heading = vec![Cell::Empty; sheet.columns.len()];
            heading[0] = group.to_uppercase().into();
            heading[1] = (*about).into();
            sheet.rows.push(heading);
        }
        sheet.rows.extend(in_group(group).map(row));
    }
    if headings {
        sheet.notes.extend(legend());
    }
    sheet
}

fn row(cause: &'static Cause) -> Vec<Cell> {
    vec![
        cause.id.into(),
        cause.title().into(),
        cause.evidence.id().into(),
        cause.grain.id().into(),
        Cell::Flag(cause.is_detected()),
        Some(cause.family).filter(|family| !family.is_empty()).into(),
    ]
}

/// What the columns mean.
pub fn legend() -> [String; 3] {
    [
        "Proof rests on a field of log or bill, a pattern of prices, counts and days, or something outside.",
        "Bill: the coarsest one that can show it, from any total down to meters with quantities.",
        "Found: llmfin names it today. The rest stays unexplained, and its page says what shows instead.",
    ]
    .map(str::to_owned)
}
