//! The cells that nothing explains, the largest first, each with what a person can do about it.

use std::cmp::Reverse;

use super::sheet::{Column, Kind, Sheet};
use crate::close::document::{Cell, CellStatus, Reconciliation};

/// Cells shown; the variance has all of them.
const SHOWN: usize = 3;

pub fn build(document: &Reconciliation) -> Sheet {
    let mut sheet = Sheet::new(
        "unexplained",
        "What nothing explains",
        vec![
            Column::new("amount", "Amount", Kind::Money),
            Column::new("where", "Where", Kind::Text),
            Column::new("do", "What to do", Kind::Text),
        ],
    );
    let mut open: Vec<&Cell> = document.cells.iter().filter(|cell| !cell.unexplained.is_zero()).collect();
    open.sort_by_key(|cell| (Reverse(cell.unexplained.abs()), cell.from));
    for cell in open.iter().take(SHOWN) {
        let model = cell.model.as_deref().unwrap_or(&cell.provider);
        sheet.rows.push(vec![
            cell.unexplained.into(),
            format!("{model}, {}", super::lines::days(cell.from, cell.to)).into(),
            advice(cell).into(),
        ]);
    }
    if open.len() > SHOWN {
        let left = open.len() - SHOWN;
        sheet.notes.push(format!("{left} more: `llmfin variance --by model,day,cause` lists them."));
    }
    sheet
}

/// What a person can do about a cell that nothing explains.
fn advice(cell: &Cell) -> String {
    let provider = &cell.provider;
    match cell.status {
        CellStatus::NoInvoice => {
            format!("no bill line: give the cost export of {provider} that covers this day")
        }
        CellStatus::NoUsage => {
            "no usage in the log: name the gateway's projects in `[[account]]`, or give the log of its caller"
                .to_owned()
        }
        _ if cell.meters.iter().any(|meter| meter.quantity_witness.is_some()) => format!(
            "ask {provider} about this day: reconciliation.json has the quantities of log, usage report and bill side by side"
        ),
        _ => format!(
            "give the usage report of {provider}: with quantities more can be told; 03-variance.csv has the cell"
        ),
    }
}
