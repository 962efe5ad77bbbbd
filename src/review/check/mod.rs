//! `llmfin pricebook check`: one registry of rules, each a row of data with the function that finds what breaks it.
//! What cannot be read at all is found by the readers of `pricebook` and carries the same ids.

mod closed_rules;
mod cross;
pub mod document;
mod finding;
mod form;
mod history;
mod modifiers;
mod names;
mod numbers;
mod prices;
mod ratios;
mod sources;
mod tiers;
mod time;
mod usage;
mod words;

use crate::diagnostic::{Diagnostic, Level};
use crate::period::{Day, Month};
use crate::pricebook::files::BookFile;
use crate::pricebook::{Layer, Pricebook};
use crate::rate::DayUsage;
use crate::review::steps::{Ladders, ladders};
pub use cross::Cross;
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
    let mut rules: Vec<&Rule> = families
        .into_iter()
        .chain([modifiers::RULES, form::RULES, history::RULES, usage::RULES, cross::RULES])
        .flatten()
        .collect();
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
    /// The checked files as they were.
    pub before: Option<&'a [BookFile]>,
    /// The last month that is closed, and with it all before.
    pub closed_through: Option<Month>,
    /// Billable usage that was logged.
    pub usage: Option<&'a [DayUsage]>,
    /// A public list.
    pub cross: Option<&'a Cross>,
}

impl<'a> Context<'a> {
    pub fn new(own: &'a [BookFile], book: &'a Pricebook, as_of: Day) -> Context<'a> {
        // Prices of one seller never depend on another's; names may be of any.
        let named = own.iter().any(|file| file.name == "models.toml");
        let mut ladders = ladders(book);
        ladders.retain(|key, _| named || own.iter().any(|file| file.ledger() == Some(key.seller)));
        Context { own, book, ladders, as_of, before: None, closed_through: None, usage: None, cross: None }
    }

    fn layer(&self) -> Layer {
        self.own.first().map_or(Layer::Overlay, |file| file.layer)
    }

    /// A problem of a line as a whole, with the line.
    fn shown(&self, problem: Diagnostic) -> Diagnostic {
        let whole = problem.origin.line > 0 && problem.origin.column == 0 && problem.excerpt.is_none();
        match self.own.iter().find(|file| whole && *file.shown == *problem.origin.file) {
            Some(file) => {
                let range = file.cell(problem.origin.line, "model");
                let shown = file.error(problem.code, range, problem.message);
                Diagnostic { level: problem.level, help: problem.help, ..shown }
            }
            None => problem,
        }
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

/// Runs rules over a book that was read with `problems`.
pub fn run(context: &Context, problems: Vec<Diagnostic>, rules: &[&'static Rule]) -> Report {
    let mut findings = Findings::new(context);
    for rule in rules {
        findings.of(rule);
        (rule.check)(context, &mut findings);
    }
    findings.unneeded_waivers(rules);
    let mut report = findings.report();
    // What is no rule's, such as a contract that cannot be read, is never left out.
    let all = self::rules();
    let is = |rules: &[&Rule], problem: &Diagnostic| rules.iter().any(|rule| rule.id == problem.code);
    let wanted = |problem: &Diagnostic| is(rules, problem) || !is(&all, problem);
    report.findings.extend(problems.into_iter().filter(wanted).map(|problem| context.shown(problem)));
    for list in [&mut report.findings, &mut report.waived] {
        list.sort_by(|a, b| (&a.origin, a.code, &a.message).cmp(&(&b.origin, b.code, &b.message)));
        list.dedup();
    }
    report
}
