//! What to do, finding by finding, in a line an engineer can act on: what can be mended before what is only to be booked.

use std::cmp::Reverse;

use super::sheet::{Column, Kind, Sheet};
use super::{lines, story};
use crate::close::document::{Finding, Reconciliation};

/// The findings with a remedy, or with a fact that decides on one; the first `limit` of them.
pub fn build(document: &Reconciliation, limit: Option<usize>) -> Sheet {
    let mut sheet = Sheet::new(
        "todo",
        "What to do",
        vec![
            Column::new("finding", "Finding", Kind::Text),
            Column::new("do", "Cause, where, and what to do", Kind::Text),
        ],
    );
    let mut findings: Vec<&Finding> = document
        .findings
        .iter()
        .filter(|finding| lines::todo(finding).is_some() && finding.amount.abs() >= story::SMALL)
        .collect();
    findings.sort_by_key(|finding| (is_booking(finding), Reverse(finding.amount.abs())));
    let end = lines::end(document);
    let shown = limit.unwrap_or(findings.len());
    for finding in findings.iter().take(shown) {
        sheet.rows.push(vec![finding.id.as_str().into(), lines::engineer(finding, end).into()]);
    }
    if let Some(left) = findings.len().checked_sub(shown).filter(|left| *left > 0) {
        sheet.notes.push(format!("{} more: `llmfin variance` shows all of them.", lines::count(left)));
    }
    sheet.notes.push(
        "`llmfin explain --finding F1` shows how a finding is proven, `llmfin explain CAUSE` what a cause is."
            .to_owned(),
    );
    sheet
}

fn is_booking(finding: &Finding) -> bool {
    finding.fix.as_ref().is_some_and(|fix| fix.kind == "classify")
}
