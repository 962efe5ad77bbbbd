//! A book of one's own that breaks a rule prices no close, unless the user says so; then the pack records it.

use std::collections::{BTreeMap, BTreeSet};

use super::gather;
use super::global::Global;
use crate::books::Books;
use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::error::{Error, Result};
use crate::period::Day;
use crate::pricebook::files::{self, BookFile};
use crate::pricebook::{PriceRow, Pricebook, Reading};
use crate::review::check::{self, Context};

/// Places that one message names.
const SHOWN: usize = 5;

/// The price book that flags and books ask for, and what was accepted to price with it. Only the folder laid over the
/// shipped book is checked, beside the shipped rows: those are checked before they are shipped.
pub fn pricebook(
    global: &Global,
    books: Option<&Books>,
    as_of: Day,
) -> Result<(Pricebook, Option<Diagnostic>)> {
    let Some(folder) = gather::overlay(global, books) else {
        return Ok((gather::pricebook(global, books)?, None));
    };
    let own = files::folder(&folder)?;
    let agreed = gather::contracts(global, books)?;
    let terms: Vec<String> = agreed.iter().map(|file| file.shown.clone()).collect();
    let Reading { book, problems } = Pricebook::read(own.clone(), agreed, global.known_at);
    let (unread, problems): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(|problem| terms.iter().any(|term| **term == *problem.origin.file));
    if !unread.is_empty() {
        return Err(Error::Input(unread));
    }
    let left_out = left_out(&own, &book, &problems);
    let report = check::run(&Context::new(&own, &book, as_of), problems, &check::rules());
    let mut errors: Vec<Diagnostic> =
        report.findings.into_iter().filter(|finding| finding.level == Level::Error).collect();
    if errors.is_empty() {
        return Ok((book, None));
    }
    let inside = books.and_then(|books| folder.strip_prefix(&books.dir).ok()).unwrap_or(&folder);
    let origin = Origin::file(inside.display().to_string());
    let counted = counted(&errors);
    if global.accept_pricebook_errors {
        let message = format!("prices with errors were accepted: {counted}{left_out}");
        let help = format!("`llmfin pricebook check {}` lists them", folder.display());
        return Ok((book, Some(Diagnostic::warning("pricebook-errors", origin, message).help(help))));
    }
    let message = format!("the price book breaks rules and prices nothing: {counted}");
    let help = "correct what follows, or price with it anyway by `--accept-pricebook-errors`, which the pack records";
    errors.insert(0, Diagnostic::error("pricebook-errors", origin, message).help(help));
    Err(Error::Input(errors))
}

/// `; left out as unreadable: prices/openai.csv:2; …`, by their place in the folder. A lower layer prices instead.
fn left_out(own: &[BookFile], book: &Pricebook, problems: &[Diagnostic]) -> String {
    let errors = problems.iter().filter(|problem| problem.level == Level::Error);
    let places: BTreeSet<(&str, u64)> = errors
        .filter_map(|problem| {
            let file = own.iter().find(|file| *file.shown == *problem.origin.file)?;
            // Some problems leave the row in: two that claim the same key and instant.
            let mut rows = file.ledger().into_iter().flat_map(|seller| book.ledger(seller));
            let same = |row: &PriceRow| {
                (&row.origin.file, row.origin.line) == (&problem.origin.file, problem.origin.line)
            };
            let out = if file.ledger().is_some() { !rows.any(same) } else { problem.code == "PB030" };
            out.then_some((file.name.as_str(), problem.origin.line))
        })
        .collect();
    if places.is_empty() {
        return String::new();
    }
    let shown = places.iter().take(SHOWN).map(|(name, line)| format!("{name}:{line}"));
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    if places.len() > SHOWN {
        shown.push_str(&format!(" and {} more", places.len() - SHOWN));
    }
    format!("; left out as unreadable: {shown}; shipped prices and earlier rows stand in where there are any")
}

/// `3 errors, PB007 2, PB018 1`
fn counted(errors: &[Diagnostic]) -> String {
    let mut by_rule: BTreeMap<&str, usize> = BTreeMap::new();
    for error in errors {
        *by_rule.entry(error.code).or_default() += 1;
    }
    let ids: Vec<String> = by_rule.iter().map(|(id, count)| format!("{id} {count}")).collect();
    format!("{} error{}, {}", errors.len(), if errors.len() == 1 { "" } else { "s" }, ids.join(", "))
}
