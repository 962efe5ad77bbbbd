//! The cells and charges that nothing explains, the largest first, each with what a person can do about it. What is shown and
//! the sum of what is not come to the month's gross.

use std::cmp::Reverse;

use super::advice;
use super::sheet::{Column, Kind, Sheet};
use crate::close::document::{Cell, Charge, Reconciliation};
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
    let (shown, more) = open.split_at(open.len().min(SHOWN));
    for (amount, open) in shown {
        sheet.rows.push(vec![(*amount).into(), open.place().into(), open.advice(document).into()]);
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

    fn advice(&self, document: &Reconciliation) -> String {
        match self {
            Open::Cell(cell) => advice::of(document, cell),
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
