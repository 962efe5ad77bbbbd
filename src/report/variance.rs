//! Every cell and every charge, one line per finding; the lines of a cell add up to its delta.

use super::sheet::{Cell, Column, Kind, Sheet};
use crate::close::document::{CellFinding, Finding, Reconciliation};
use crate::money::Money;

pub fn build(document: &Reconciliation) -> Sheet {
    let mut sheet = Sheet::new(
        "variance",
        format!("Variance {}", document.month),
        vec![
            Column::new("group", "Group", Kind::Text),
            Column::new("provider", "Provider", Kind::Text),
            Column::new("account", "Account", Kind::Text).optional(),
            Column::new("model", "Model", Kind::Text),
            Column::new("from", "From", Kind::Date),
            Column::new("to", "To", Kind::Date).optional(),
            Column::new("priced", "Priced", Kind::Money),
            Column::new("billed", "Billed", Kind::Money),
            Column::new("delta", "Delta of cell", Kind::Money),
            Column::new("rounding_bound", "Bound", Kind::Money).optional(),
            Column::new("quantity_effect", "Of it quantity", Kind::Money).optional(),
            Column::new("status", "Status", Kind::Text),
            Column::new("finding", "Finding", Kind::Text),
            Column::new("cause", "Cause", Kind::Text),
            Column::new("confidence", "Confidence", Kind::Text),
            Column::new("amount", "Amount", Kind::Money),
            Column::new("evidence", "Evidence", Kind::Text).optional(),
            Column::new("fix", "Fix", Kind::Text).optional(),
        ],
    );
    sheet.decimals = 6;
    let cause = |id: &str| document.findings.iter().find(|finding| finding.id == id);
    let mut total = Money::ZERO;
    for cell in document
        .cells
        .iter()
        .filter(|cell| !cell.delta.is_zero() || !cell.findings.is_empty() || !cell.priced.is_zero())
    {
        let unexplained = CellFinding { id: String::new(), amount: cell.unexplained };
        let lines: Vec<&CellFinding> = match (cell.findings.as_slice(), cell.unexplained.is_zero()) {
            ([], _) => vec![&unexplained],
            (findings, true) => findings.iter().collect(),
            (findings, false) => findings.iter().chain([&unexplained]).collect(),
        };
        for (index, line) in lines.into_iter().enumerate() {
            // Cell figures stand on the first line only, so that every column sums to its total.
            let once = |amount: Money| if index == 0 { Cell::Money(amount) } else { Cell::Empty };
            let mut row: Vec<Cell> = vec![
                cell.group.as_str().into(),
                cell.provider.as_str().into(),
                Cell::from(cell.account.clone()),
                Cell::from(cell.model.clone()),
                cell.from.into(),
                cell.to.into(),
                once(cell.priced),
                once(cell.billed),
                once(cell.delta),
                once(cell.rounding_bound),
                if index == 0 { cell.quantity_effect.into() } else { Cell::Empty },
                cell.status.id().into(),
            ];
            row.extend(finding_cells(cause(&line.id), line));
            total += line.amount;
            sheet.rows.push(row);
        }
    }
    for charge in &document.charges {
        let found = charge.finding.clone().unwrap_or_default();
        let line = CellFinding { id: found, amount: charge.amount - charge.unexplained };
        let rest = CellFinding { id: String::new(), amount: charge.unexplained };
        let lines = [line, rest].into_iter().filter(|line| !line.id.is_empty() || !line.amount.is_zero());
        for (index, line) in lines.enumerate() {
            let once = |amount: Money| if index == 0 { amount.into() } else { Cell::Empty };
            let mut row: Vec<Cell> = vec![
                "charge".into(),
                charge.provider.as_str().into(),
                Cell::from(charge.account.clone()),
                charge.text.as_str().into(),
                Cell::Empty,
                Cell::Empty,
                once(Money::ZERO),
                once(charge.amount),
                once(charge.amount),
                Cell::Empty,
                Cell::Empty,
                charge.category.id().into(),
            ];
            row.extend(finding_cells(cause(&line.id), &line));
            total += line.amount;
            sheet.rows.push(row);
        }
    }
    let totals = &document.totals;
    let mut last = vec![Cell::Empty; sheet.columns.len()];
    last[0] = "Total".into();
    last[6] = totals.priced.into();
    last[7] = totals.billed.into();
    last[8] = totals.delta.into();
    last[15] = total.into();
    sheet.total = Some(last);
    sheet
}

/// Finding, cause, confidence, amount, the first line that shows it, and what to do.
fn finding_cells(finding: Option<&Finding>, line: &CellFinding) -> [Cell; 6] {
    let Some(finding) = finding else {
        let cause = if line.amount.is_zero() { Cell::Empty } else { "unexplained".into() };
        return [Cell::Empty, cause, Cell::Empty, line.amount.into(), Cell::Empty, Cell::Empty];
    };
    [
        finding.id.as_str().into(),
        finding.cause.as_str().into(),
        finding.status.id().into(),
        line.amount.into(),
        Cell::from(finding.evidence.iter().find_map(|fact| fact.origin.clone())),
        Cell::from(finding.fix.as_ref().map(|fix| fix.text.clone())),
    ]
}
