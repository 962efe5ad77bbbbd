//! What a person can do about a cell that nothing explains.

use super::lines;
use crate::close::document::{Cell, CellMeter, CellStatus, Note, Reconciliation};
use crate::money::Money;

/// The advice that fits best: what the files show of this cell comes before what more files would tell.
pub fn of(document: &Reconciliation, cell: &Cell) -> String {
    let provider = &cell.provider;
    if let Some(other) = cancels(document, cell) {
        return format!(
            "cancels against {}, together {}: billed on another day than logged, as batches are on the day they end",
            lines::days(other.from, other.to),
            (cell.unexplained + other.unexplained).grouped(2)
        );
    }
    match cell.status {
        CellStatus::NoInvoice => no_invoice(document, cell),
        // Rows of images, speech or ranking have a cost and no tokens in some gateways.
        CellStatus::NoUsage if !cell.logged.is_zero() => format!(
            "the log has rows of this day at a cost of {} and none that counts: log what they used, such as images or seconds",
            cell.logged
        ),
        CellStatus::NoUsage => no_usage(document, cell),
        _ if counts_agree(cell) => format!(
            "log and {provider} count the same: only the price differs; ask which price the day was billed at"
        ),
        _ if cell.meters.iter().any(|meter| provider_count(meter).is_some()) => format!(
            "ask {provider} about this day: `-O json` has the quantities of log, bill and usage report side by side"
        ),
        _ => match (cell.model.is_none(), cell.from < cell.to) {
            (false, false) => format!(
                "give the usage report of {provider}: with quantities more can be told; `-O csv` has the cell"
            ),
            (no_model, days) => {
                let by = match (days, no_model) {
                    (true, true) => "day and model",
                    (true, false) => "day",
                    (false, _) => "model",
                };
                format!(
                    "give the cost export of {provider} by {by}: one amount for all of it can hide anything"
                )
            }
        },
    }
}

fn no_invoice(document: &Reconciliation, cell: &Cell) -> String {
    let provider = &cell.provider;
    let of_account = |note: &&Note| {
        let of = |path: &str| {
            note.origin.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        note.code == "truncated-export"
            && document.invoices.iter().any(|tie| tie.provider == *provider && of(&tie.path))
    };
    if let Some(note) = document.diagnostics.iter().find(of_account) {
        return format!(
            "no bill line, and more pages of the export follow ({}): {}",
            note.origin,
            note.help.as_deref().unwrap_or("export again")
        );
    }
    let capacity = document.findings.iter().find(|finding| {
        let scope = &finding.scope;
        finding.cause == "terms.reserved_capacity"
            && (scope.provider.as_ref(), &scope.account) == (Some(provider), &cell.account)
    });
    match capacity {
        Some(finding) => format!(
            "no bill line of its own: if the capacity of {} serves it, its contract term prices it at zero; else give its cost export",
            finding.id
        ),
        None => format!("no bill line: give the cost export of {provider} that covers this day"),
    }
}

fn no_usage(document: &Reconciliation, cell: &Cell) -> String {
    let missing = document.diagnostics.iter().find(|note| note.code == "more-pages");
    if let Some(Note { origin, help: Some(help), .. }) = missing {
        return format!("no usage in the log, of which pages are missing ({origin}): {help}");
    }
    let used =
        |other: &Cell| !other.logged.is_zero() || other.meters.iter().any(|meter| meter.quantity_logged != 0);
    let overlaps = |other: &&Cell| other.from <= cell.to && cell.from <= other.to;
    let days = lines::days(cell.from, cell.to);
    if document.cells.iter().filter(overlaps).any(used) || !document.cells.iter().any(used) {
        return "no usage in the log: name the gateway's projects in `[[account]]`, or give the log of its caller"
            .to_owned();
    }
    // Rows that count for nothing, such as failures, are in no cell.
    let aside = document.inputs.iter().any(|input| input.not_billable + input.rejected > 0);
    let what = if aside { "row that counts" } else { "row" };
    format!("the log has no {what} on {days}: look for a gap in its export, or an outage of its writer")
}

/// The cell of the same model on a day beside this one that has as much too little as this one has too much.
fn cancels<'d>(document: &'d Reconciliation, cell: &Cell) -> Option<&'d Cell> {
    // Where pages are missing, what looks like another day is on one of them.
    let missing = |note: &Note| matches!(note.code.as_str(), "more-pages" | "truncated-export");
    let day = cell.day.filter(|_| !document.diagnostics.iter().any(missing))?;
    let beside = |other: &&Cell| {
        let bound = cell.rounding_bound + other.rounding_bound;
        (&cell.provider, &cell.account, &cell.model) == (&other.provider, &other.account, &other.model)
            && other.day.is_some_and(|other| other.next() == day || day.next() == other)
            && (cell.unexplained > Money::ZERO) == (other.unexplained < Money::ZERO)
            && !other.unexplained.is_zero()
            && (cell.unexplained + other.unexplained).abs() <= bound
    };
    document.cells.iter().find(beside)
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
