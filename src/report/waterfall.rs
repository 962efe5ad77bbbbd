//! Both bridges as one waterfall: logged, its findings, priced, its findings, billed. Every step foots.

use super::sheet::{Cell, Column, Kind, Sheet};
use crate::close::document::{Bridge, Finding, Reconciliation};
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
        ],
    );
    sheet.decimals = 6;
    let totals = &document.totals;
    let mut running = totals.logged;
    sheet.rows.push(level("logged", totals.logged));
    bridge(&mut sheet, document, Bridge::LoggedPriced, &mut running, totals.logged_unexplained);
    sheet.rows.push(level("priced", totals.priced));
    bridge(&mut sheet, document, Bridge::PricedBilled, &mut running, totals.unexplained);
    sheet.rows.push(level("billed", totals.billed));
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
            place(finding).into(),
            finding.status.id().into(),
            finding.amount.into(),
            (*running).into(),
        ]);
    }
    *running += unexplained;
    sheet.rows.push(vec![
        step.into(),
        Cell::Empty,
        "unexplained".into(),
        Cell::Empty,
        Cell::Empty,
        unexplained.into(),
        (*running).into(),
    ]);
}

fn level(name: &str, amount: Money) -> Vec<Cell> {
    vec![name.into(), Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty, amount.into()]
}

/// Where a finding holds, in a few words: models, or keys, or the provider.
pub fn place(finding: &Finding) -> String {
    let scope = &finding.scope;
    let provider = scope.provider.clone().unwrap_or_default();
    let subject = match (scope.models.as_slice(), finding.cause.as_str()) {
        (_, "cov.bypass") => scope.keys.join(", "),
        ([], _) => provider,
        ([one], _) => one.clone(),
        ([first, second], "map.alias_repointed" | "map.fallback") => format!("{first}, {second}"),
        (many, _) => format!("{} models", many.len()),
    };
    match (scope.from, scope.to) {
        (Some(from), Some(to)) if from == to => format!("{subject}, {from}"),
        (Some(from), Some(to)) => format!("{subject}, {from}..{}", &to.to_string()[8..]),
        _ => subject,
    }
}
