//! `llmfin check`: one registry of named checks over the books.

use super::reconcile::reconcile;
use super::{closes, gather, global::Global, ui::Ui};
use crate::books::Books;
use crate::close::fixed::{Now, PastCells};
use crate::close::history::{Past, PastClose, PastFinding, pasts};
use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS, Error, Result};
use crate::period::Month;
use crate::report::lines;
use crate::report::sheet::{Cell, Column, Kind, Sheet};

/// One named condition of the books.
pub struct Check {
    pub name: &'static str,
    pub about: &'static str,
    pub run: fn(&Context) -> Result<Vec<Outcome>>,
}

/// What checks look at.
pub struct Context<'c> {
    books: &'c Books,
    month: Month,
    global: &'c Global,
}

/// What a check says of one subject.
pub struct Outcome {
    pub subject: String,
    pub passed: bool,
    pub detail: String,
}

pub static CHECKS: &[Check] = &[
    Check { name: "books", about: "llmfin.toml can be read and its references exist", run: books },
    Check { name: "sources", about: "every source and invoice has files for the month", run: sources },
    Check { name: "fixes", about: "no cause stood in two closes and still stands", run: fixes },
];

/// Check the books, before or without closing
///
/// Exits with 1 if a check fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Checks:
  books    llmfin.toml can be read and its references exist
  sources  every source and invoice has files for the month
  fixes    no cause stood in two closes and still stands

Examples:
  llmfin check
  llmfin check sources --month 2026-10
  llmfin check fixes")]
pub struct Args {
    /// Check to run; all of them where it is left out
    pub name: Option<String>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    if let Some(name) = &args.name
        && !CHECKS.iter().any(|check| check.name == name)
    {
        let names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        let help = match nearest(name, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the checks are {}", names.join(", ")),
        };
        let diagnostic =
            Diagnostic::error("unknown-check", Origin::file("check"), format!("no check is named `{name}`"));
        return Err(Error::from(diagnostic.help(help)).into());
    }
    let month = global.span()?.period().first.month();
    let context = Context { books: &Books::load(&global.dir)?, month, global };
    let mut sheet = Sheet::new(
        "checks",
        "",
        vec![
            Column::new("check", "Check", Kind::Text),
            Column::new("subject", "Subject", Kind::Text),
            Column::new("passed", "Passed", Kind::Flag),
            Column::new("detail", "Detail", Kind::Text),
        ],
    );
    let mut failed = false;
    for check in CHECKS.iter().filter(|check| args.name.as_deref().is_none_or(|name| name == check.name)) {
        for outcome in (check.run)(&context)? {
            failed |= !outcome.passed;
            sheet.rows.push(vec![
                check.name.into(),
                outcome.subject.into(),
                Cell::Flag(outcome.passed),
                outcome.detail.into(),
            ]);
        }
    }
    global.write(ui, &[sheet])?;
    Ok(if failed { EXIT_FINDINGS } else { EXIT_CLEAN })
}

/// Books that were loaded have passed.
fn books(Context { books, .. }: &Context) -> Result<Vec<Outcome>> {
    let detail = format!(
        "sources: {}, invoices: {}, accounts: {}",
        books.sources.len(),
        books.invoices.len(),
        books.accounts.len()
    );
    Ok(vec![Outcome { subject: books.book.name.clone(), passed: true, detail }])
}

fn sources(Context { books, month, .. }: &Context) -> Result<Vec<Outcome>> {
    let sources = books.sources.iter().map(|source| (format!("source {}", source.name), &source.files));
    let invoices =
        books.invoices.iter().map(|invoice| (format!("invoice {}", invoice.provider.0), &invoice.files));
    sources
        .chain(invoices)
        .map(|(subject, patterns)| {
            let found = books.files(patterns, *month)?;
            let detail = match (found.files.len(), found.ignored.len()) {
                (0, 0) => format!("no file matches {} in {month}", patterns.join(", ")),
                (files, 0) => format!("files: {files}"),
                (files, ignored) => {
                    format!("files: {files}, ignored: {ignored} ({})", found.ignored.join(", "))
                }
            };
            Ok(Outcome { subject, passed: !found.files.is_empty(), detail })
        })
        .collect()
}

/// Causes that stood in the newest close, or in that of the month asked for, and in one before it. Some fixes show at
/// once, because they change how the same files are read: the close is compared again with the books as they are now.
fn fixes(Context { books, month, global }: &Context) -> Result<Vec<Outcome>> {
    let newest = global.month.or_else(|| closes::months(&books.dir).last().copied()).unwrap_or(*month);
    let (mut closes, damaged) = closes::before(&books.dir, newest.next())?;
    let count = closes.len();
    let outcome = |passed, detail| Outcome { subject: format!("closes: {count}"), passed, detail };
    // Nothing can be said of a month whose pack cannot be read.
    if let Some(damaged) = damaged.first() {
        return Ok(vec![outcome(false, damaged.placed())]);
    }
    let Some(newest) = closes.pop() else {
        return Ok(vec![outcome(true, "nothing can recur before two months are closed".to_owned())]);
    };
    let pasts = pasts(&closes, &newest.findings);
    let again: Vec<(&PastFinding, Past)> = newest
        .findings
        .iter()
        .zip(pasts)
        .filter(|(finding, past)| finding.is_fixable() && !past.months.is_empty())
        .collect();
    if again.is_empty() {
        return Ok(vec![outcome(true, "no cause stood in two of them".to_owned())]);
    }
    let compared = again_compared(books, global, &newest)?;
    Ok(again
        .into_iter()
        .map(|(finding, past)| {
            let now = compared.as_ref().map_or(Now::Stands, |(then, now)| then.now(finding, now));
            recurring(finding, past, newest.month, &now)
        })
        .collect())
}

/// A closed month as its pack has it and under the books of today; none where its files are not those of the close.
fn again_compared(
    books: &Books,
    global: &Global,
    close: &PastClose,
) -> Result<Option<(PastCells, PastCells)>> {
    let Some(then) = closes::read::<PastCells>(&books.dir, close.month, "reconciliation.json")? else {
        return Ok(None);
    };
    let global = Global { month: Some(close.month), from: None, to: None, ..(*global).clone() };
    let quiet = Ui { quiet: true, verbose: false, ..global.ui() };
    let (document, _) = reconcile(&mut gather::books(&global, &quiet)?, &quiet)?;
    let same = close.has_inputs_of(&document);
    Ok(same.then(|| (then, PastCells::from(&document))))
}

fn recurring(finding: &PastFinding, past: Past, month: Month, now: &Now) -> Outcome {
    let scope = &finding.scope;
    let place = [&scope.keys, &scope.models].into_iter().find(|names| !names.is_empty());
    let place = place.map_or_else(|| scope.provider.clone().unwrap_or_default(), |names| names.join(", "));
    let since = past.months.keys().next().copied().unwrap_or(month);
    let months = past.months.len() as u32 + 1;
    let total = finding.amount + past.months.into_values().sum();
    let seen = lines::together(months, since, total, past.with.as_deref());
    let asked = lines::asked(finding.owner.as_deref(), finding.due, Some(month.last()));
    let asked = asked.map(|asked| format!(", {asked}")).unwrap_or_default();
    let detail = match now {
        Now::Ended => format!("{seen}; the fix is applied: compared again, {month} does not show it"),
        Now::Stands => {
            format!(
                "{seen}{asked}; apply what `llmfin explain --finding {} --month {month}` says",
                finding.id
            )
        }
        Now::Replaced { open, causes } => {
            let causes = causes.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let causes = if causes.is_empty() { "no cause" } else { causes.as_str() };
            format!(
                "{seen}{asked}; compared again, {month} does not call it so, but {} of the same model-days are still to explain: {causes}",
                open.grouped(2)
            )
        }
    };
    Outcome { subject: format!("{}: {place}", finding.cause), passed: *now == Now::Ended, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_check() {
        let help = <Args as clap::Args>::augment_args(clap::Command::new("check")).render_help().to_string();
        for check in CHECKS {
            assert!(help.contains(&format!("  {:<8} {}", check.name, check.about)), "{}", check.name);
        }
    }
}
