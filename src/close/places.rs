//! Where the rows of a finding are, as far as sums still know it: the first of its bill lines, and the log files that have
//! rows of its days and kind. Single rows of the log are counted, not kept.

use super::document::{Bridge, Evidence, Finding};
use super::inputs::{CloseInputs, LogFile};
use crate::invoice::DocumentKind;
use crate::period::{Day, Period};
use crate::vocabulary::{ChargeCategory, Outcome};

/// Log files that are named one by one.
const FILES: usize = 6;

/// How the rows ended that a cause is about; `None`: any row that is billed.
pub fn outcomes(cause: &str) -> Option<&'static [Outcome]> {
    Some(match cause {
        "qty.duplicate" => &[Outcome::Duplicate, Outcome::Restated],
        "qty.gateway_cache_priced" => &[Outcome::CacheHit],
        "qty.failed_priced" => &[Outcome::Failed, Outcome::FailedWithUsage],
        "qty.stream_no_usage" => &[Outcome::StreamWithoutUsage],
        "cov.other_payer" => &[Outcome::OtherPayer],
        "inv.non_usage" => &[Outcome::NotACall],
        _ => return None,
    })
}

/// Rows of a file that a cause may be about, on some days.
pub fn rows_in(file: &LogFile, cause: &str, days: impl Fn(Day) -> bool) -> u64 {
    let kind =
        |outcome: &Outcome| outcomes(cause).map_or(outcome.is_billable(), |kinds| kinds.contains(outcome));
    let rows = file.outcomes.iter().filter(|((day, outcome), _)| days(*day) && kind(outcome));
    rows.map(|(_, count)| count).sum()
}

/// Gives every finding whose evidence names no place the places that are known.
pub(super) fn add(inputs: &CloseInputs, findings: &mut [Finding]) {
    for finding in findings {
        let Some(days) = finding.scope.from.zip(finding.scope.to) else { continue };
        if finding.evidence.iter().any(|fact| fact.origin.is_some()) {
            continue;
        }
        let days = Period { first: days.0, last: days.1 };
        let bill = bill(inputs, finding, days).filter(|_| finding.bridge == Bridge::PricedBilled);
        finding.evidence.extend(bill);
        if finding.cause != "round.line" {
            finding.evidence.extend(logs(inputs, &finding.cause, days));
        }
    }
}

/// How many lines of the bill are about the same, and where the first of them is.
fn bill(inputs: &CloseInputs, finding: &Finding, days: Period) -> Option<Evidence> {
    let scope = &finding.scope;
    let own = inputs.documents.iter().filter(|document| {
        document.kind == DocumentKind::Cost
            && Some(&*document.account.provider) == scope.provider.as_deref()
            && document.account.id.as_deref() == scope.account.as_deref()
    });
    let lines = own.flat_map(|document| {
        let lines = document.document.lines.iter().filter(|line| {
            line.category == ChargeCategory::Usage
                && days.first <= line.period.last
                && line.period.first <= days.last
                && (scope.meters.is_empty() || line.meter.is_none_or(|meter| scope.meters.contains(&meter)))
        });
        lines.filter(|line| {
            let model = inputs.resolve(document, line).model;
            scope.models.is_empty()
                || model.is_none_or(|model| scope.models.iter().any(|name| **name == *model))
        })
    });
    let mut lines = lines.peekable();
    let first = lines.peek()?.origin.to_string();
    let evidence = |count: usize| Evidence {
        name: "lines of the bill, the first of them".to_owned(),
        value: count.to_string(),
        origin: Some(first),
    };
    Some(evidence(lines.count()))
}

/// The log files with such rows; beyond some, how many more.
fn logs(inputs: &CloseInputs, cause: &str, days: Period) -> Vec<Evidence> {
    let found: Vec<(&LogFile, u64)> = inputs
        .files
        .iter()
        .map(|file| (file, rows_in(file, cause, |day| days.contains(day))))
        .filter(|(_, rows)| *rows > 0)
        .collect();
    let of = match days.first == days.last {
        true => days.first.to_string(),
        false => format!("{} to {}", days.first, days.last),
    };
    let kind = match cause {
        "qty.duplicate" => "repeated rows, those without a cost included,",
        _ if outcomes(cause).is_some() => "rows of that kind",
        _ => "billable rows of all models",
    };
    let name = format!("{kind} of {of}");
    let mut told: Vec<Evidence> = found
        .iter()
        .take(FILES)
        .map(|(file, rows)| Evidence {
            name: name.clone(),
            value: rows.to_string(),
            origin: Some(file.path.to_string()),
        })
        .collect();
    if let Some(more) = found.len().checked_sub(FILES).filter(|more| *more > 0) {
        let value = format!("{more} files");
        told.push(Evidence { name: "and in more".to_owned(), value, origin: None });
    }
    told
}
