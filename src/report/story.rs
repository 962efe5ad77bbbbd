//! The month on one screen, money first: from what was expected over each cause to what was billed, then how the
//! gateway's own figure differs, what to do, what nothing explains, and what could not be tested.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::sheet::{Cell, Column, Kind, SHOWN_ROUNDED, Sheet, seen_apart};
use super::{limits, lines, todo, unexplained};
use crate::close::document::{Bridge, CellStatus, Finding, Input, NO_COST, Reconciliation, Totals, Unpriced};
use crate::money::Money;

/// Findings smaller than half a cent are summed in one line on the screen; every schedule lists them.
pub(super) const SMALL: Money = Money::from_pico(5_000_000_000);
/// Findings whose remedy is shown with the month.
const STEPS: usize = 8;
/// Findings of a bridge with a line of their own.
const LINES: usize = 30;
/// Names in a note.
const NAMES: usize = 8;

/// The month as `reconcile` and `close` show it, and on the first page of the pack.
pub fn build(document: &Reconciliation) -> Vec<Sheet> {
    sheets(document, false)
}

/// The same with a line for every finding, and what to do about each.
pub fn whole(document: &Reconciliation) -> Vec<Sheet> {
    sheets(document, true)
}

fn sheets(document: &Reconciliation, whole: bool) -> Vec<Sheet> {
    let steps = (!whole).then_some(STEPS);
    let lines = (!whole).then_some(LINES);
    let mut sheets = vec![expected_to_billed(document, lines), logged_to_expected(document, lines)];
    if super::contract::applies(document) {
        sheets.push(super::contract::build(document));
    }
    let optional = [todo::build(document, steps), unexplained::build(document), limits::build(document)];
    sheets.extend(optional.into_iter().filter(|sheet| !sheet.rows.is_empty()));
    sheets
}

fn expected_to_billed(document: &Reconciliation, limit: Option<usize>) -> Sheet {
    let totals = &document.totals;
    let provisional = if document.provisional { " (provisional)" } else { "" };
    let title = format!(
        "{}{provisional}: billed {} {}, expected {}, logged {}",
        document.month,
        totals.billed.grouped(2),
        document.currency,
        totals.priced.grouped(2),
        if logged_is_known(document) { totals.logged.grouped(2) } else { "unknown".to_owned() }
    );
    let ends = ["EXPECTED: the log as counted, at the price book", "BILLED by the providers"];
    let levels = [totals.priced, totals.unexplained, totals.billed];
    let mut sheet = bridge(document, Bridge::PricedBilled, ("story", title), ends, levels, limit);
    sheet.notes = notes(document);
    sheet
}

fn logged_to_expected(document: &Reconciliation, limit: Option<usize>) -> Sheet {
    let totals = &document.totals;
    let title = "What the gateway's own figure has wrong, before any bill is seen".to_owned();
    let ends = ["LOGGED by the gateway", "EXPECTED: the log as counted, at the price book"];
    let levels = [totals.logged, totals.logged_unexplained, totals.priced];
    let mut sheet = bridge(document, Bridge::LoggedPriced, ("logged", title), ends, levels, limit);
    if !logged_is_known(document) {
        sheet.rows = vec![vec![Cell::Empty, NO_COST.into(), Cell::Empty, Cell::Empty]];
        sheet.total = None;
    }
    sheet
}

/// False where the log has no cost at all: absent is not zero.
fn logged_is_known(document: &Reconciliation) -> bool {
    !document.totals.logged.is_zero() || !document.limits.iter().any(|limit| limit.what == NO_COST)
}

/// One amount, the findings that lead from it to the next, and the next. At most `limit` findings have a line of their
/// own; the others are summed by cause.
fn bridge(
    document: &Reconciliation,
    bridge: Bridge,
    (name, title): (&'static str, String),
    ends: [&str; 2],
    [from, unexplained, to]: [Money; 3],
    limit: Option<usize>,
) -> Sheet {
    let columns = vec![
        Column::new("amount", "Amount", Kind::Money),
        Column::new("what", "What happened", Kind::Text),
        Column::new("status", "Status", Kind::Text),
        Column::new("finding", "Finding", Kind::Text),
    ];
    let mut sheet = Sheet::new(name, title, columns);
    let line = |amount: Money, text: &str| vec![amount.into(), text.into(), Cell::Empty, Cell::Empty];
    sheet.rows.push(line(from, ends[0]));
    let findings = document.findings.iter().filter(|finding| finding.bridge == bridge);
    let (findings, small): (Vec<&Finding>, Vec<&Finding>) =
        findings.partition(|finding| finding.amount.abs() >= SMALL);
    let shown = limit.map_or(findings.len(), |limit| limit.min(findings.len()));
    let texts: Vec<String> = findings[..shown].iter().map(|finding| happened(finding)).collect();
    for (finding, text) in findings.iter().zip(&texts) {
        let same = findings.iter().zip(&texts).filter(|(_, other)| *other == text);
        let same: Vec<&Finding> = same.map(|(finding, _)| *finding).collect();
        sheet.rows.push(vec![
            finding.amount.into(),
            told_apart(text, finding, &same).into(),
            finding.status.id().into(),
            finding.id.as_str().into(),
        ]);
    }
    let mut more: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &findings[shown..] {
        more.entry(lines::title(&finding.cause)).or_default().push(finding);
    }
    let sum = |findings: &[&Finding]| findings.iter().map(|finding| finding.amount).sum();
    for (title, findings) in &more {
        sheet.rows.push(line(sum(findings), &format!("{title}: {} more", lines::count(findings.len()))));
    }
    if !small.is_empty() {
        let findings = lines::counted(small.len(), "finding");
        sheet.rows.push(line(sum(&small), &format!("{findings} below half a cent")));
    }
    sheet.rows.push(line(unexplained, "unexplained"));
    sheet.total = Some(line(to, ends[1]));
    sheet
}

/// What happened, and since when.
fn happened(finding: &Finding) -> String {
    let parts = [Some(lines::controller(finding)), lines::recurrence(finding)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What happened and, of several findings of which it is the same, where it is another.
fn told_apart(text: &str, finding: &Finding, same: &[&Finding]) -> String {
    let meters = |finding: &Finding| {
        finding.scope.meters.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    let keys = |finding: &Finding| finding.scope.keys.join(", ");
    let days = |finding: &Finding| {
        finding.scope.from.zip(finding.scope.to).map_or_else(String::new, |(from, to)| lines::days(from, to))
    };
    let traits: [&dyn Fn(&Finding) -> String; 3] = [&meters, &keys, &days];
    let differs = |of: &&dyn Fn(&Finding) -> String| {
        let own = of(finding);
        (!own.is_empty() && same.iter().any(|other| of(other) != own)).then_some(own)
    };
    match traits.iter().find_map(differs) {
        Some(own) => format!("{text}, {own}"),
        None => text.to_owned(),
    }
}

/// How much of what is explained has several causes that fit alike; nothing where there is none of it.
fn undecided(totals: &Totals) -> String {
    let Totals { undecided, undecided_gross, .. } = totals;
    let gross = undecided.abs() != *undecided_gross;
    match (undecided_gross.is_zero(), gross) {
        (true, _) => String::new(),
        (_, false) => format!(" (of which not decided between causes {})", undecided.grouped(2)),
        (_, true) => format!(
            " (of which not decided between causes {}, gross {})",
            undecided.grouped(2),
            undecided_gross.grouped(2)
        ),
    }
}

/// `Requests and bill rows read: 486 = 480 used + 6 repeated.`
fn rows(inputs: &[Input]) -> String {
    let sum = |count: fn(&Input) -> u64| inputs.iter().map(count).sum::<u64>();
    let parts = [
        (sum(|input| input.used), "used"),
        (sum(|input| input.duplicates), "repeated"),
        (sum(|input| input.not_billable), "no provider call"),
        (sum(|input| input.outside_month), "outside the month"),
        (sum(|input| input.out_of_scope), "out of scope"),
        (sum(|input| input.empty), "empty"),
        (sum(|input| input.rejected), "rejected"),
    ];
    // What is used is told even where it is nothing.
    let told = parts.iter().enumerate().filter(|(index, (count, _))| *index == 0 || *count > 0);
    let told: Vec<String> =
        told.map(|(_, (count, what))| format!("{} {what}", super::sheet::grouped((*count).into()))).collect();
    let read = super::sheet::grouped(sum(|input| input.rows).into());
    format!("Requests and bill rows read: {read} = {}.", told.join(" + "))
}

/// The models, those with the most on the bill first, and how many more there are with how much on the bill.
fn unpriced(usage: &[Unpriced]) -> String {
    let mut billed: BTreeMap<&str, Money> = BTreeMap::new();
    for usage in usage {
        *billed.entry(&usage.model).or_default() += usage.billed.unwrap_or_default();
    }
    let mut models: Vec<(&str, Money)> = billed.into_iter().collect();
    models.sort_by_key(|(_, billed)| Reverse(billed.abs()));
    let (shown, more) = models.split_at(models.len().min(NAMES));
    let mut words: Vec<String> = shown.iter().map(|(model, _)| (*model).to_owned()).collect();
    if !more.is_empty() {
        let billed: Money = more.iter().map(|(_, billed)| *billed).sum();
        words.push(format!("and {} more, billed at {}", lines::count(more.len()), billed.grouped(2)));
    }
    words.join(", ")
}

fn notes(document: &Reconciliation) -> Vec<String> {
    let totals = &document.totals;
    let mut notes = vec![format!(
        "billed - priced {} = explained {}{} + unexplained {} (gross {}).",
        totals.delta.grouped(2),
        totals.explained.grouped(2),
        undecided(totals),
        totals.unexplained.grouped(2),
        totals.unexplained_gross.grouped(2)
    )];
    if seen_apart(&[totals.explained, totals.unexplained], totals.delta, 2) {
        notes.push(SHOWN_ROUNDED.to_owned());
    }
    let mut statuses: BTreeMap<CellStatus, u64> = BTreeMap::new();
    for cell in &document.cells {
        *statuses.entry(cell.status).or_default() += 1;
    }
    let counted: Vec<String> = statuses
        .iter()
        .map(|(status, count)| format!("{} {}", super::sheet::grouped((*count).into()), status.id()))
        .collect();
    let compared = lines::counted(document.cells.len(), "comparison");
    notes.push(format!("{compared} of log and bill: {}.", counted.join(", ")));
    notes.push(rows(&document.inputs));
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
        notes.push(format!("usage without a price in the book: {}.", unpriced(&document.unpriced)));
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
