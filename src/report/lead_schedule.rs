//! One line per provider and account; its totals are the document's totals.

use std::collections::BTreeMap;

use super::sheet::{Cell, Column, Kind, Sheet};
use crate::close::document::Reconciliation;
use crate::money::Money;

#[derive(Default)]
struct Line {
    logged: Money,
    priced: Money,
    cells: Money,
    charges: Money,
    unexplained: Money,
    gross: Money,
    bound: Money,
}

pub fn build(document: &Reconciliation) -> Sheet {
    let mut lines: BTreeMap<(String, Option<String>), Line> = BTreeMap::new();
    for cell in &document.cells {
        let line = lines.entry((cell.provider.clone(), cell.account.clone())).or_default();
        line.logged += cell.logged;
        line.priced += cell.priced;
        line.cells += cell.billed;
        line.unexplained += cell.unexplained;
        line.gross += cell.unexplained.abs();
        line.bound += cell.rounding_bound;
    }
    for charge in &document.charges {
        let line = lines.entry((charge.provider.clone(), charge.account.clone())).or_default();
        line.charges += charge.amount;
        line.unexplained += charge.unexplained;
        line.gross += charge.unexplained.abs();
    }
    let mut sheet = Sheet::new(
        "lead_schedule",
        format!("Lead schedule {}", document.month),
        vec![
            Column::new("provider", "Provider", Kind::Text),
            Column::new("account", "Account", Kind::Text),
            Column::new("logged", "Logged", Kind::Money),
            Column::new("priced", "Priced", Kind::Money),
            Column::new("billed_usage", "Billed usage", Kind::Money),
            Column::new("charges", "Other charges", Kind::Money),
            Column::new("billed", "Billed", Kind::Money),
            Column::new("delta", "Billed - priced", Kind::Money),
            Column::new("explained", "Explained", Kind::Money),
            Column::new("unexplained", "Unexplained", Kind::Money),
            Column::new("unexplained_gross", "Gross", Kind::Money),
            Column::new("rounding_bound", "Rounding bound", Kind::Money).optional(),
            Column::new("status", "Status", Kind::Text),
        ],
    );
    for ((provider, account), line) in &lines {
        sheet.rows.push(row(Cell::from(provider.as_str()), Cell::from(account.clone()), line));
    }
    let total = lines.into_values().fold(Line::default(), |mut sum, line| {
        sum.logged += line.logged;
        sum.priced += line.priced;
        sum.cells += line.cells;
        sum.charges += line.charges;
        sum.unexplained += line.unexplained;
        sum.gross += line.gross;
        sum.bound += line.bound;
        sum
    });
    sheet.total = Some(row(Cell::from("Total"), Cell::Empty, &total));
    sheet
}

fn row(provider: Cell, account: Cell, line: &Line) -> Vec<Cell> {
    let billed = line.cells + line.charges;
    let delta = billed - line.priced;
    let status = if line.gross.is_zero() { "explained" } else { "unexplained" };
    vec![
        provider,
        account,
        line.logged.into(),
        line.priced.into(),
        line.cells.into(),
        line.charges.into(),
        billed.into(),
        delta.into(),
        (delta - line.unexplained).into(),
        line.unexplained.into(),
        line.gross.into(),
        line.bound.into(),
        status.into(),
    ]
}
