//! `llmfin pricebook check`: one registry of rules, each a row of data with the function that finds what breaks it.
//! What cannot be read at all is found by the readers of `pricebook` and carries the same ids.

mod finding;
mod form;
mod modifiers;
mod names;
mod numbers;
mod prices;
mod ratios;
mod sources;
mod tiers;
mod time;
mod words;

use crate::diagnostic::{Diagnostic, Level};
use crate::period::Day;
use crate::pricebook::files::BookFile;
use crate::pricebook::{Layer, Pricebook, Reading};
use crate::review::steps::{Ladders, ladders};
pub use finding::Findings;

/// One rule of the book.
pub struct Rule {
    pub id: &'static str,
    pub level: Level,
    /// What breaks it.
    pub title: &'static str,
    /// The real case it was learned from.
    pub why: &'static str,
    pub remedy: &'static str,
    /// True where a price may really be so: the `waiver` column then lets it pass.
    pub waivable: bool,
    pub check: fn(&Context, &mut Findings),
}

/// The rules, in the order of their ids.
pub fn rules() -> Vec<&'static Rule> {
    let families =
        [words::RULES, prices::RULES, ratios::RULES, tiers::RULES, sources::RULES, names::RULES, time::RULES];
    let mut rules: Vec<&Rule> =
        families.into_iter().chain([modifiers::RULES, form::RULES]).flatten().collect();
    rules.sort_by_key(|rule| rule.id);
    rules
}

/// The check of a rule that only a reader can find broken.
fn on_reading(_: &Context, _: &mut Findings) {}

/// A book and the files of it that are checked: all of them, or those laid over the shipped ones.
pub struct Context<'a> {
    pub own: &'a [BookFile],
    pub book: &'a Pricebook,
    pub ladders: Ladders<'a>,
    /// The day that ages are counted to.
    pub as_of: Day,
}

impl<'a> Context<'a> {
    pub fn new(own: &'a [BookFile], book: &'a Pricebook, as_of: Day) -> Context<'a> {
        Context { own, book, ladders: ladders(book), as_of }
    }

    fn layer(&self) -> Layer {
        self.own.first().map_or(Layer::Overlay, |file| file.layer)
    }

    /// The checked file of that name inside the book: `models.toml`.
    fn file(&self, name: &str) -> Option<&'a BookFile> {
        self.own.iter().find(|file| file.name == name)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// By file, line and column.
    pub findings: Vec<Diagnostic>,
    /// What the `waiver` column let pass.
    pub waived: Vec<Diagnostic>,
}

impl Report {
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

/// Reads files as a book and checks it; `only` names rules, and all of them run where it is empty.
pub fn check(own: &[BookFile], as_of: impl FnOnce(&Pricebook) -> Day, only: &[&'static Rule]) -> Report {
    let Reading { book, problems } = Pricebook::read(own.to_vec(), Vec::new(), None);
    run(&Context::new(own, &book, as_of(&book)), problems, only)
}

/// Runs the rules over a book that was read with `problems`.
pub fn run(context: &Context, problems: Vec<Diagnostic>, only: &[&'static Rule]) -> Report {
    let rules = if only.is_empty() { rules() } else { only.to_vec() };
    let mut findings = Findings::new(context);
    for rule in &rules {
        findings.of(rule);
        (rule.check)(context, &mut findings);
    }
    findings.unneeded_waivers(&rules);
    let mut report = findings.report();
    let wanted = |problem: &Diagnostic| only.is_empty() || only.iter().any(|rule| rule.id == problem.code);
    report.findings.extend(problems.into_iter().filter(wanted));
    for list in [&mut report.findings, &mut report.waived] {
        list.sort_by(|a, b| (&a.origin, a.code, &a.message).cmp(&(&b.origin, b.code, &b.message)));
        list.dedup();
    }
    report
}
