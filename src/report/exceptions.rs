//! What needs a person: rejects and other set-aside rows, usage without a price, unexplained amounts, warnings.

use super::sheet::{Cell, Column, Kind, Sheet};
use crate::close::document::Reconciliation;

pub fn build(document: &Reconciliation) -> Sheet {
    let mut sheet = Sheet::new(
        "exceptions",
        format!("Exceptions {}", document.month),
        vec![
            Column::new("kind", "Kind", Kind::Text),
            Column::new("where", "Where", Kind::Text),
            Column::new("what", "What", Kind::Text),
            Column::new("count", "Count", Kind::Integer),
            Column::new("amount", "Amount", Kind::Money),
            Column::new("help", "What to do", Kind::Text).optional(),
        ],
    );
    let rows = &mut sheet.rows;
    for cell in document.cells.iter().filter(|cell| !cell.unexplained.is_zero()) {
        let model = cell.model.as_deref().unwrap_or("all models");
        rows.push(vec![
            "unexplained".into(),
            format!("{} {model} {}", cell.provider, cell.from).into(),
            cell.status.id().into(),
            Cell::Empty,
            cell.unexplained.into(),
            Cell::Empty,
        ]);
    }
    for charge in document.charges.iter().filter(|charge| !charge.unexplained.is_zero()) {
        rows.push(vec![
            "unexplained".into(),
            charge.origin.as_str().into(),
            charge.text.as_str().into(),
            Cell::Empty,
            charge.unexplained.into(),
            Cell::Empty,
        ]);
    }
    for usage in &document.unpriced {
        rows.push(vec![
            "unpriced".into(),
            format!("{} {}", usage.provider, usage.model).into(),
            format!("{} ({}): {}", usage.meter, usage.tier, usage.reason).into(),
            usage.quantity.parse::<i128>().map_or(Cell::Empty, Cell::Integer),
            usage.billed.into(),
            format!("llmfin explain {}", about(&usage.reason)).into(),
        ]);
    }
    for input in &document.inputs {
        let set_aside = [
            ("rejected", input.rejected),
            ("duplicates", input.duplicates),
            ("outside the month", input.outside_month),
            ("no provider call", input.not_billable),
            ("out of scope", input.out_of_scope),
        ];
        for (what, count) in set_aside.into_iter().filter(|(_, count)| *count > 0) {
            rows.push(vec![
                "rows set aside".into(),
                input.path.as_str().into(),
                what.into(),
                count.into(),
                Cell::Empty,
                Cell::Empty,
            ]);
        }
    }
    for reject in &document.rejects {
        rows.push(vec![
            "rejected".into(),
            reject.origin.as_str().into(),
            reject.reason.as_str().into(),
            1u64.into(),
            reject.amount.into(),
            Cell::Empty,
        ]);
    }
    for note in &document.diagnostics {
        rows.push(vec![
            note.level.as_str().into(),
            note.origin.as_str().into(),
            note.message.as_str().into(),
            Cell::Empty,
            Cell::Empty,
            Cell::from(note.help.clone()),
        ]);
    }
    sheet
}

/// The page about usage that has no price for this reason.
fn about(reason: &str) -> &'static str {
    match reason {
        "unknown-model" => "rate.missing_model",
        "priced-by-the-hour" => "rate.time_of_day",
        _ => "rate.missing_class",
    }
}
