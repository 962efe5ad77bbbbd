//! The cells and charges that nothing explains, the largest first, each with what a person can do about it. What is shown and
//! the sum of what is not come to the month's gross.

use std::cmp::Reverse;

use super::sheet::{Column, Kind, Sheet};
use crate::close::document::{Cell, CellMeter, CellStatus, Charge, Note, Reconciliation};
use crate::money::Money;

/// Amounts shown; the variance has all of them.
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
    let cells = document.cells.iter().map(|cell| (cell.unexplained, Open::Cell(cell)));
    let charges = document.charges.iter().map(|charge| (charge.unexplained, Open::Charge(charge)));
    let mut open: Vec<(Money, Open)> = cells.chain(charges).filter(|(amount, _)| !amount.is_zero()).collect();
    open.sort_by_key(|(amount, _)| Reverse(amount.abs()));
    let page = document.diagnostics.iter().find(|note| note.code == "more-pages");
    let (shown, more) = open.split_at(open.len().min(SHOWN));
    for (amount, open) in shown {
        sheet.rows.push(vec![(*amount).into(), open.place().into(), open.advice(page).into()]);
    }
    if !more.is_empty() {
        let size: Money = more.iter().map(|(amount, _)| amount.abs()).sum();
        sheet.notes.push(format!(
            "{} more, {} by size: `llmfin variance --by model,day,cause` lists them.",
            more.len(),
            size.grouped(2)
        ));
    }
    sheet
}

/// Where an unexplained amount stands.
enum Open<'d> {
    Cell(&'d Cell),
    Charge(&'d Charge),
}

impl Open<'_> {
    fn place(&self) -> String {
        match self {
            Open::Cell(cell) => {
                let model = cell.model.as_deref().unwrap_or(&cell.provider);
                format!("{model}, {}", super::lines::days(cell.from, cell.to))
            }
            Open::Charge(charge) => format!("charge `{}`, {}", charge.text, charge.origin),
        }
    }

    /// `page` says that pages of the log are missing.
    fn advice(&self, page: Option<&Note>) -> String {
        match self {
            Open::Cell(cell) => advice(cell, page),
            Open::Charge(charge) if charge.term.is_some() => {
                "not what the contract says: claim the difference, or correct the term".to_owned()
            }
            Open::Charge(charge) => format!(
                "ask {} what the line is for: neither its words nor a contract term say it",
                charge.provider
            ),
        }
    }
}

/// What a person can do about a cell that nothing explains.
fn advice(cell: &Cell, page: Option<&Note>) -> String {
    let provider = &cell.provider;
    match cell.status {
        CellStatus::NoInvoice => {
            format!("no bill line: give the cost export of {provider} that covers this day")
        }
        // Rows of images, speech or ranking have a cost and no tokens in some gateways.
        CellStatus::NoUsage if !cell.logged.is_zero() => format!(
            "the log has rows of this day at a cost of {} and none that counts: log what they used, such as images or seconds",
            cell.logged
        ),
        CellStatus::NoUsage => match page {
            Some(Note { origin, help: Some(help), .. }) => {
                format!("no usage in the log, of which pages are missing ({origin}): {help}")
            }
            _ => "no usage in the log: name the gateway's projects in `[[account]]`, or give the log of its caller"
                .to_owned(),
        },
        _ if counts_agree(cell) => format!(
            "log and {provider} count the same: only the price differs; ask which price the day was billed at"
        ),
        _ if cell.meters.iter().any(|meter| provider_count(meter).is_some()) => format!(
            "ask {provider} about this day: `-O json` has the quantities of log, bill and usage report side by side"
        ),
        _ => format!(
            "give the usage report of {provider}: with quantities more can be told; `-O csv` has the cell"
        ),
    }
}

/// What the provider counted: on its bill, else in its usage report.
fn provider_count(meter: &CellMeter) -> Option<i128> {
    meter.quantity_billed.or(meter.quantity_witness)
}

/// True where the provider counts every meter, each as the log does.
fn counts_agree(cell: &Cell) -> bool {
    let agrees = |meter: &CellMeter| provider_count(meter) == Some(meter.quantity_logged);
    !cell.meters.is_empty() && cell.meters.iter().all(agrees)
}
