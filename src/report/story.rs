//! The month on one screen: three amounts, the two bridges by cause, what is unexplained, what to do next.

use std::collections::{BTreeMap, BTreeSet};

use super::sheet::{Cell, Column, Kind, Sheet};
use super::waterfall::place;
use crate::causes::catalogue::Cause;
use crate::close::document::{Bridge, CellStatus, Finding, Reconciliation};
use crate::money::Money;

/// Findings smaller than half a cent are summed in one line on the screen; every schedule lists them.
const SMALL: Money = Money::from_pico(5_000_000_000);
/// Steps proposed.
const STEPS: usize = 6;

pub fn build(document: &Reconciliation) -> Vec<Sheet> {
    let next = next_steps(document);
    let mut sheets = vec![bridges(document)];
    if super::contract::applies(document) {
        sheets.push(super::contract::build(document));
    }
    if !next.rows.is_empty() {
        sheets.push(next);
    }
    sheets
}

fn bridges(document: &Reconciliation) -> Sheet {
    let totals = &document.totals;
    let provisional = if document.provisional { " (provisional)" } else { "" };
    let mut sheet = Sheet::new(
        "story",
        format!(
            "{}{provisional}: billed {} {}, expected {}, logged {}",
            document.month,
            totals.billed.grouped(2),
            document.currency,
            totals.priced.grouped(2),
            totals.logged.grouped(2)
        ),
        vec![
            Column::new("amount", "Amount", Kind::Money),
            Column::new("cause", "Cause", Kind::Text),
            Column::new("where", "Where", Kind::Text),
            Column::new("status", "Status", Kind::Text),
            Column::new("finding", "Finding", Kind::Text),
        ],
    );
    let level =
        |name: &str, amount: Money| vec![amount.into(), name.into(), Cell::Empty, Cell::Empty, Cell::Empty];
    sheet.rows.push(level("LOGGED by the gateway", totals.logged));
    steps(&mut sheet, document, Bridge::LoggedPriced, totals.logged_unexplained);
    sheet.rows.push(level("PRICED from the book", totals.priced));
    steps(&mut sheet, document, Bridge::PricedBilled, totals.unexplained);
    sheet.rows.push(level("BILLED by the providers", totals.billed));
    sheet.notes = notes(document);
    sheet
}

fn steps(sheet: &mut Sheet, document: &Reconciliation, bridge: Bridge, unexplained: Money) {
    let (mut small, mut count) = (Money::ZERO, 0);
    for finding in document.findings.iter().filter(|finding| finding.bridge == bridge) {
        if finding.amount.abs() < SMALL {
            small += finding.amount;
            count += 1;
            continue;
        }
        sheet.rows.push(vec![
            finding.amount.into(),
            format!("  {}", finding.cause).into(),
            place(finding).into(),
            finding.status.id().into(),
            finding.id.as_str().into(),
        ]);
    }
    if count > 0 {
        sheet.rows.push(vec![
            small.into(),
            format!("  {count} findings below half a cent").into(),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
        ]);
    }
    sheet.rows.push(vec![unexplained.into(), "  unexplained".into(), Cell::Empty, Cell::Empty, Cell::Empty]);
}

fn notes(document: &Reconciliation) -> Vec<String> {
    let totals = &document.totals;
    let mut notes = vec![format!(
        "billed - priced {} = explained {} + unexplained {} (gross {}).",
        totals.delta.grouped(2),
        totals.explained.grouped(2),
        totals.unexplained.grouped(2),
        totals.unexplained_gross.grouped(2)
    )];
    let mut statuses: BTreeMap<CellStatus, u64> = BTreeMap::new();
    for cell in &document.cells {
        *statuses.entry(cell.status).or_default() += 1;
    }
    let counted: Vec<String> =
        statuses.iter().map(|(status, count)| format!("{count} {}", status.id())).collect();
    notes.push(format!("{} model-days and groups: {}.", document.cells.len(), counted.join(", ")));
    let sum =
        |count: fn(&crate::close::document::Input) -> u64| document.inputs.iter().map(count).sum::<u64>();
    notes.push(format!(
        "{} rows read = {} used + {} duplicates + {} no provider call + {} outside the month + {} out of scope + {} empty + {} rejected.",
        sum(|input| input.rows),
        sum(|input| input.used),
        sum(|input| input.duplicates),
        sum(|input| input.not_billable),
        sum(|input| input.outside_month),
        sum(|input| input.out_of_scope),
        sum(|input| input.empty),
        sum(|input| input.rejected)
    ));
    if !totals.no_invoice_gross.is_zero() {
        notes.push(format!(
            "{} of the gross has no invoice to compare with.",
            totals.no_invoice_gross.grouped(2)
        ));
    }
    for tie in document.invoices.iter().filter(|tie| !tie.ties) {
        notes.push(format!("{} does not add up: see 02-tie-out.csv.", tie.path));
    }
    if !document.unpriced.is_empty() {
        let models: BTreeSet<&str> = document.unpriced.iter().map(|usage| usage.model.as_str()).collect();
        notes.push(format!(
            "usage without a price in the book: {}.",
            models.into_iter().collect::<Vec<_>>().join(", ")
        ));
    }
    if !document.memos.is_empty() {
        let months: BTreeSet<String> = document.memos.iter().map(|memo| memo.month.to_string()).collect();
        let amount = document.memos.iter().map(|memo| memo.amount).sum::<Option<Money>>();
        notes.push(format!(
            "prices learned since would move {} by {}; its close stays as it is, see 08-price-memos.csv.",
            months.into_iter().collect::<Vec<_>>().join(", "),
            amount.map_or_else(
                || "an amount that is not known, for want of a price".to_owned(),
                |amount| amount.grouped(2)
            ),
        ));
    }
    notes
}

/// What a person can do about a cell that nothing explains.
fn advice(cell: &crate::close::document::Cell) -> String {
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

fn is_booking(finding: &Finding) -> bool {
    finding.fix.as_ref().is_some_and(|fix| fix.kind == "classify")
}

fn next_steps(document: &Reconciliation) -> Sheet {
    let mut sheet = Sheet::new(
        "next",
        "What to do next",
        vec![
            Column::new("finding", "Finding", Kind::Text),
            Column::new("what", "What happened", Kind::Text),
            Column::new("do", "What to do", Kind::Text),
        ],
    );
    let mut worst: Vec<&crate::close::document::Cell> =
        document.cells.iter().filter(|cell| !cell.unexplained.is_zero()).collect();
    worst.sort_by_key(|cell| (std::cmp::Reverse(cell.unexplained.abs()), cell.from));
    for cell in worst.iter().take(2) {
        sheet.rows.push(vec![
            "unexplained".into(),
            format!(
                "{} {} on {}",
                cell.unexplained.grouped(2),
                cell.model.as_deref().unwrap_or(&cell.provider),
                cell.from
            )
            .into(),
            advice(cell).into(),
        ]);
    }
    let mut findings: Vec<&Finding> = document
        .findings
        .iter()
        .filter(|finding| finding.fix.is_some() && finding.amount.abs() >= SMALL)
        .collect();
    // What can be mended comes before what is only to be booked.
    findings.sort_by_key(|finding| (is_booking(finding), std::cmp::Reverse(finding.amount.abs())));
    let left = findings.len().saturating_sub(STEPS);
    for finding in findings.into_iter().take(STEPS) {
        let title = Cause::find(&finding.cause).map_or(finding.cause.as_str(), |cause| cause.title());
        let fix = finding.fix.as_ref().map_or("", |fix| &fix.text);
        sheet.rows.push(vec![finding.id.as_str().into(), title.into(), fix.into()]);
    }
    if left > 0 {
        sheet.notes.push(format!(
            "{left} more findings carry a fix: see `reconciliation.json` in the pack or `-O json`."
        ));
    }
    sheet.notes.push("`llmfin explain CAUSE` tells what a cause is and how it is proven.".to_owned());
    sheet
}
