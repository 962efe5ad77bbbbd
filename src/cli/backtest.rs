//! The fixes of a month's findings, tried on earlier closed months: each month is compared again with the books of
//! today, with and without the files that `--patch-dir` would write for one finding.

use super::gather::{self, Gathered};
use super::global::{Global, Span};
use super::reconcile::{reconcile, reconcile_with};
use super::ui::Ui;
use super::{closes, patch_dir};
use crate::books::rules::Rules;
use crate::close::backtest::{compare, untried};
use crate::close::document::{Backtest, Finding, Reconciliation, Verdict};
use crate::close::history::{BOOKING, PastClose, PastFinding, stood_in};
use crate::close::inputs::CloseInputs;
use crate::error::{Error, Result};
use crate::fixes::{self, File};
use crate::money::Money;
use crate::period::{Day, Month};
use crate::pricebook::files::{self, BookFile};

/// Reconciles, and tries the fix of one finding, or of all, on every earlier close of the books.
pub fn reconcile_and_try(
    gathered: &mut Gathered,
    only: Option<&str>,
    global: &Global,
    ui: &Ui,
) -> Result<(Reconciliation, u8)> {
    let (Span::Month(month), Some(books)) = (gathered.span, gathered.books()) else {
        return reconcile(gathered, ui);
    };
    let (past, _) = closes::before(&books.dir, month)?;
    if past.is_empty() {
        ui.status(&format!("no month before {month} is closed: there is nothing to try a fix on"));
    }
    let own = gather::overlay(global, Some(books)).as_deref().map(files::folder).transpose()?;
    let own = own.unwrap_or_default();
    let wanted = |finding: &Finding| {
        only.is_none_or(|id| finding.id.eq_ignore_ascii_case(id))
            && finding.fix.as_ref().is_some_and(|fix| fix.kind != BOOKING)
    };
    let (mut document, code, trials) = reconcile_with(gathered, ui, |document, inputs| {
        let findings = document.findings.iter().filter(|finding| wanted(finding));
        findings.map(|finding| trials(document, inputs, &own, &past, finding)).collect::<Result<Vec<_>>>()
    })?;
    let mut trials = trials.into_iter();
    // In the order of the findings that were planned; the months' own comparison is made once for all of them.
    let mut again: Vec<Option<Reconciliation>> = vec![None; past.len()];
    for finding in &mut document.findings {
        if !wanted(finding) {
            continue;
        }
        for ((close, trial), again) in past.iter().zip(trials.next().into_iter().flatten()).zip(&mut again) {
            finding.backtests.push(try_on(global, close, finding, trial, again)?);
        }
    }
    Ok((document, code))
}

/// What is tried on one month.
enum Trial {
    Files(Vec<File>),
    Not(Verdict, String),
}

fn not_testable(why: &str) -> Trial {
    Trial::Not(Verdict::NotTestable, why.to_owned())
}

/// The files of one finding for each month. What holds from the first day of the finding's month with such traffic may
/// have held before: it is dated back to the first day of the month it is tried on.
fn trials(
    document: &Reconciliation,
    inputs: &CloseInputs,
    own: &[BookFile],
    past: &[PastClose],
    finding: &Finding,
) -> Result<Vec<Trial>> {
    let trial = |close: &PastClose| -> Result<Trial> {
        if finding.remedies.is_empty() {
            return Ok(not_testable("it is made where the log is written: stored files stay as they are"));
        }
        let first = first_day(document, finding);
        let since =
            |day: Day| finding.remedies.iter().map(|remedy| remedy.since(day, close.month.first())).collect();
        let remedies = match (first, finding.scope.from) {
            (Some(first), Some(from)) if from > first => {
                return Ok(Trial::Not(Verdict::NoEffect, format!("it begins on {from}")));
            }
            (Some(first), _) => since(first),
            (None, _) => finding.remedies.clone(),
        };
        let alone =
            Reconciliation { findings: vec![Finding { remedies, ..finding.clone() }], ..document.clone() };
        let files = fixes::files(&fixes::Context::new(&alone, inputs, own, None))?;
        let files: Vec<File> = files.into_iter().filter_map(applied).collect();
        if files.is_empty() {
            return Ok(not_testable("nothing of it changes what the books compute"));
        }
        Ok(Trial::Files(files))
    };
    past.iter().map(trial).collect()
}

/// The first day on which the bill or the log knows the finding's models.
fn first_day(document: &Reconciliation, finding: &Finding) -> Option<Day> {
    let scope = &finding.scope;
    let cells = document.cells.iter().filter(|cell| {
        Some(&cell.provider) == scope.provider.as_ref()
            && cell.account == scope.account
            && (scope.models.is_empty()
                || cell.model.as_ref().is_none_or(|model| scope.models.contains(model)))
    });
    cells.map(|cell| cell.from).min()
}

/// Files that the next comparison reads. What rests on an ambiguous finding lies in a folder of its own.
fn applied(file: File) -> Option<File> {
    let inside = match file.path.strip_prefix("undecided/") {
        Some(rest) => rest.split_once('/')?.1,
        None => &file.path,
    };
    let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let read = match inside {
        "rules.toml" => file.content.lines().any(says),
        path => path.starts_with("pricebook/") || path.starts_with("contracts/"),
    };
    let path = inside.to_owned();
    read.then_some(File { path, ..file })
}

/// Compares a month with and without the files.
fn try_on(
    global: &Global,
    close: &PastClose,
    finding: &Finding,
    trial: Trial,
    again: &mut Option<Reconciliation>,
) -> Result<Backtest> {
    let amount = stood_in(close, &PastFinding::from(finding)).unwrap_or_default();
    let files = match trial {
        Trial::Files(files) => files,
        Trial::Not(verdict, why) => return Ok(untried(close.month, verdict, amount, &why)),
    };
    if again.is_none() {
        match compared(global, close.month, &[]) {
            Ok(document) => *again = Some(document),
            Err(error) => return cannot(close.month, amount, error),
        }
    }
    let Some(before) = again.as_ref().filter(|before| close.has_inputs_of(before)) else {
        return Ok(untried(
            close.month,
            Verdict::NotTestable,
            amount,
            "its files are not those it was closed with",
        ));
    };
    match compared(global, close.month, &files) {
        Ok(after) => Ok(compare(close.month, finding, before, &after)),
        Err(error) => cannot(close.month, amount, error),
    }
}

/// A month that cannot be compared is no reason to say nothing of the others.
fn cannot(month: Month, amount: Money, error: Error) -> Result<Backtest> {
    match error {
        Error::Internal(_) => Err(error),
        error => Ok(untried(month, Verdict::NotTestable, amount, &error.to_string())),
    }
}

/// A closed month under the books of today and some files, as the flags of `reconcile` would read them.
fn compared(global: &Global, month: Month, files: &[File]) -> Result<Reconciliation> {
    let quiet = Ui { quiet: true, verbose: false, ..global.ui() };
    let mut global = Global { month: Some(month), from: None, to: None, ..global.clone() };
    let place = tempfile::tempdir().map_err(|error| Error::io("temporary folder", error))?;
    let folder = place.path().join("fix");
    patch_dir::put(&folder, files).map_err(|error| Error::io(folder.display().to_string(), error))?;
    let has = |start: &str| files.iter().any(|file| file.path.starts_with(start));
    if has("pricebook/") {
        global.pricebook = Some(folder.join("pricebook"));
        // Whether the rows are fit to be kept is the reviewer's question, not this one.
        global.accept_pricebook_errors = true;
    }
    let terms = files.iter().filter(|file| file.path.starts_with("contracts/"));
    global.contract.extend(terms.map(|file| folder.join(&file.path)));
    let mut gathered = gather::books(&global, &quiet)?;
    if has("rules.toml") {
        gathered.rules = Some(Rules::load(&folder.join("rules.toml"))?);
    }
    Ok(reconcile(&mut gathered, &quiet)?.0)
}
