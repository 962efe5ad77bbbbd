//! Both bridges as one waterfall: logged, its findings, priced, its findings, billed. Every step foots.

use super::lines;
use super::sheet::{Cell, Column, Kind, Sheet};
use crate::close::document::{Bridge, Reconciliation};
use crate::money::Money;

pub fn build(document: &Reconciliation) -> Sheet {
    let mut sheet = Sheet::new(
        "waterfall",
        format!("Waterfall {}", document.month),
        vec![
            Column::new("step", "Step", Kind::Text),
            Column::new("finding", "Finding", Kind::Text),
            Column::new("cause", "Cause", Kind::Text),
            Column::new("where", "Where", Kind::Text),
            Column::new("status", "Status", Kind::Text),
            Column::new("amount", "Amount", Kind::Money),
            Column::new("running", "Running total", Kind::Money),
            Column::new("what", "What happened", Kind::Text).optional(),
            Column::new("do", "What to do", Kind::Text).optional(),
            Column::new("owner", "Owner", Kind::Text).optional(),
            Column::new("due", "Due", Kind::Date).optional(),
            Column::new("months", "Months", Kind::Integer).optional(),
            Column::new("cumulative", "In all months", Kind::Money).optional(),
            Column::new("backtest", "Back-test", Kind::Text).optional(),
            Column::new("rivals", "Causes that fit as well", Kind::Text).optional(),
        ],
    );
    sheet.decimals = 6;
    let totals = &document.totals;
    let mut running = totals.logged;
    sheet.rows.push(row("logged", totals.logged));
    bridge(&mut sheet, document, Bridge::LoggedPriced, &mut running, totals.logged_unexplained);
    sheet.rows.push(row("priced", totals.priced));
    bridge(&mut sheet, document, Bridge::PricedBilled, &mut running, totals.unexplained);
    sheet.rows.push(row("billed", totals.billed));
    sheet
}

fn bridge(
    sheet: &mut Sheet,
    document: &Reconciliation,
    bridge: Bridge,
    running: &mut Money,
    unexplained: Money,
) {
    let step = if bridge == Bridge::LoggedPriced { "logged to priced" } else { "priced to billed" };
    for finding in document.findings.iter().filter(|finding| finding.bridge == bridge) {
        *running += finding.amount;
        sheet.rows.push(vec![
            step.into(),
            finding.id.as_str().into(),
            finding.cause.as_str().into(),
            lines::place(finding).into(),
            finding.status.id().into(),
            finding.amount.into(),
            (*running).into(),
            lines::controller(finding).into(),
            Cell::from(lines::todo(finding)),
            Cell::from(finding.owner.clone()),
            finding.due.into(),
            u64::from(finding.recurs.months).into(),
            finding.recurs.amount.into(),
            Cell::from(lines::backtests(finding)),
            Cell::from((!finding.rivals.is_empty()).then(|| finding.rivals.join(", "))),
        ]);
    }
    *running += unexplained;
    let mut rest = row(step, *running);
    rest[2] = "unexplained".into();
    rest[5] = unexplained.into();
    sheet.rows.push(rest);
}

/// A row with its step and the running total alone.
fn row(step: &str, running: Money) -> Vec<Cell> {
    let mut cells = vec![Cell::Empty; 15];
    cells[0] = step.into();
    cells[6] = running.into();
    cells
}
