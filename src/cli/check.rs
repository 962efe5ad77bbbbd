//! `llmfin check`: one registry of named checks over the books.

use super::{global::Global, ui::Ui};
use crate::books::Books;
use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS, Error, Result};
use crate::period::Month;
use crate::report::sheet::{Cell, Column, Kind, Sheet};

/// One named condition of the books.
pub struct Check {
    pub name: &'static str,
    pub about: &'static str,
    pub run: fn(&Books, Month) -> Result<Vec<Outcome>>,
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
];

/// Check the books, before or without closing
///
/// Exits with 1 if a check fails.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Checks:
  books    llmfin.toml can be read and its references exist
  sources  every source and invoice has files for the month

Examples:
  llmfin check
  llmfin check sources --month 2026-10")]
pub struct Args {
    /// Check to run; all of them where it is left out
    pub name: Option<String>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    if let Some(name) = &args.name
        && !CHECKS.iter().any(|check| check.name == name)
    {
        let help = match nearest(name, CHECKS.iter().map(|check| check.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`llmfin check --help` lists them".to_owned(),
        };
        let diagnostic =
            Diagnostic::error("unknown-check", Origin::file("check"), format!("no check is named `{name}`"));
        return Err(Error::from(diagnostic.help(help)).into());
    }
    let month = global.span()?.period().first.month();
    let found = Books::load(&global.dir)?;
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
        for outcome in (check.run)(&found, month)? {
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
fn books(books: &Books, _: Month) -> Result<Vec<Outcome>> {
    let detail = format!(
        "sources: {}, invoices: {}, accounts: {}",
        books.sources.len(),
        books.invoices.len(),
        books.accounts.len()
    );
    Ok(vec![Outcome { subject: books.book.name.clone(), passed: true, detail }])
}

fn sources(books: &Books, month: Month) -> Result<Vec<Outcome>> {
    let sources = books.sources.iter().map(|source| (format!("source {}", source.name), &source.files));
    let invoices =
        books.invoices.iter().map(|invoice| (format!("invoice {}", invoice.provider.0), &invoice.files));
    sources
        .chain(invoices)
        .map(|(subject, patterns)| {
            let found = books.files(patterns, month)?;
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
