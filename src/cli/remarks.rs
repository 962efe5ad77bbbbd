//! What there is to say about files that were read: rows that could not be used, and files that say nothing about the
//! days asked for. Nothing of it stops a run, and none of it may pass in silence.

use crate::close::inputs::AccountDocument;
use crate::collect::Usage;
use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::invoice::Reject;
use crate::period::{Day, Period};

/// About the rows of logs.
pub fn rows(usage: &Usage) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for file in &usage.inputs {
        let first = usage.rejects.iter().find(|reject| reject.origin.file == file.source.name);
        said.extend(first.map(|first| rejected(first, file.rejected, file.rows)));
        if file.rows == 0 {
            said.push(empty(Origin::file(file.source.name.clone()), "the file holds no rows"));
        }
    }
    said
}

/// About the logs of these days.
pub fn logs(usage: &Usage, period: Period) -> Vec<Diagnostic> {
    let mut said = rows(usage);
    for file in &usage.inputs {
        let days = || file.outcomes.keys().map(|(day, _)| *day);
        if let (Some(first), Some(last)) = (days().next(), days().next_back())
            && !days().any(|day| period.contains(day))
        {
            said.push(elsewhere(Origin::file(file.source.name.clone()), Period { first, last }, period));
        }
    }
    said
}

/// About one of the documents; a page that announces another is complete when a later file is there.
pub fn document(document: &AccountDocument, all: &[AccountDocument], period: Period) -> Vec<Diagnostic> {
    let last = |other: &AccountDocument| other.document.covers.map(|days| days.last);
    let followed = all.iter().any(|other| {
        other.account == document.account
            && other.document.format == document.document.format
            && last(other) > last(document)
    });
    let read = &document.document;
    let mut said = read.diagnostics.clone();
    said.retain(|diagnostic| diagnostic.code != "truncated-export" || !followed);
    said.extend(read.rejects.first().map(|first| rejected(first, read.rejects.len() as u64, read.rows)));
    let origin = || Origin::file(document.path.clone());
    if let Some(covers) = read.covers
        && (covers.last < period.first || period.last < covers.first)
    {
        said.push(elsewhere(origin(), covers, period));
    }
    // A note, such as the version of a format, says nothing about rows.
    let warned = read.diagnostics.iter().any(|diagnostic| diagnostic.level != Level::Note);
    if read.rows == 0 && !warned {
        said.push(empty(origin(), "the file has a header and no rows"));
    }
    said
}

fn rejected(first: &Reject, rejected: u64, rows: u64) -> Diagnostic {
    let message = format!("{rejected} of {rows} rows cannot be used; the first: {}", first.reason);
    Diagnostic::warning("rejected-rows", first.origin.clone(), message)
        .help("`llmfin reconcile -O json` lists each under `rejects`, a pack in 13-exceptions.csv")
}

fn elsewhere(origin: Origin, covers: Period, period: Period) -> Diagnostic {
    let run = |days: Period| -> String {
        let one = |day: Day| day.to_string();
        if days.first == days.last { one(days.first) } else { format!("{} to {}", days.first, days.last) }
    };
    let message = format!("says nothing about {}, only about {}", run(period), run(covers));
    Diagnostic::warning("other-days", origin, message)
        .help(format!("export those days, or use `--from {} --to {}`", covers.first, covers.last))
}

fn empty(origin: Origin, message: &str) -> Diagnostic {
    Diagnostic::warning("no-rows", origin, message)
        .help("if something was used or billed in these days, export again")
}
