//! Findings as files: what to add to the books, what to send to the provider, what to tell the gateway's team.
//!
//! The files are computed and not written here. What rests on an ambiguous finding is kept apart: its rivals come first.

mod dispute;
mod gateway;
mod prices;
mod readme;
mod rules;
mod terms;
mod words;

use std::cell::OnceCell;
use std::collections::BTreeMap;

use crate::causes::Status;
use crate::causes::remedy::Remedy;
use crate::close::document::{Finding, Reconciliation};
use crate::close::inputs::CloseInputs;
use crate::error::Result;
use crate::money::Money;
use crate::period::Month;
use crate::pricebook::files::BookFile;
use crate::rate::DayUsage;

/// One file, by its path inside the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub content: String,
    /// Ids of the findings it is about.
    pub findings: Vec<String>,
}

/// What files are made from.
pub struct Context<'a> {
    document: &'a Reconciliation,
    inputs: &'a CloseInputs<'a>,
    /// The log as the document compared it, once something asks for it.
    usage: OnceCell<Vec<DayUsage>>,
    /// The price book folder in use, if there is one: new rows are written behind its own.
    own: &'a [BookFile],
    /// The last closed month: a price that begins in it is a correction.
    closed: Option<Month>,
}

impl<'a> Context<'a> {
    pub fn new(
        document: &'a Reconciliation,
        inputs: &'a CloseInputs<'a>,
        own: &'a [BookFile],
        closed: Option<Month>,
    ) -> Context<'a> {
        Context { document, inputs, usage: OnceCell::new(), own, closed }
    }

    fn usage(&self) -> &[DayUsage] {
        self.usage.get_or_init(|| self.inputs.usage())
    }
}

/// A kind of file: which findings it is for, and how it is written.
struct Kind {
    name: &'static str,
    /// How the paths of its files begin.
    path: &'static str,
    /// How it is applied, for the reader of the folder.
    how: &'static str,
    takes: fn(&Finding) -> bool,
    write: fn(&Context, &[&Finding]) -> Result<Vec<File>>,
    /// True where it changes what the next run computes: never on an ambiguous finding without a person's word.
    applied: bool,
}

static KINDS: &[Kind] = &[prices::KIND, rules::KIND, terms::KIND, dispute::KIND, gateway::KIND];

/// Everything that can be written for the findings of a document, the page that explains it first.
pub fn files(context: &Context) -> Result<Vec<File>> {
    let mut groups: BTreeMap<String, Vec<&Finding>> = BTreeMap::new();
    for finding in &context.document.findings {
        let folder = if is_decided(finding) { String::new() } else { format!("undecided/{}/", finding.id) };
        groups.entry(folder).or_default().push(finding);
    }
    let mut files = Vec::new();
    for (folder, findings) in groups {
        for kind in KINDS.iter().filter(|kind| folder.is_empty() || kind.applied) {
            let taken: Vec<&Finding> =
                findings.iter().copied().filter(|finding| (kind.takes)(finding)).collect();
            if taken.is_empty() {
                continue;
            }
            let written = (kind.write)(context, &taken)?;
            files.extend(
                written.into_iter().map(|file| File { path: format!("{folder}{}", file.path), ..file }),
            );
        }
    }
    if !files.is_empty() {
        files.insert(0, readme::page(context, &files));
    }
    Ok(files)
}

/// True of findings whose requests are worth naming one by one: those that the gateway's team is asked about.
pub fn names_requests(finding: &Finding) -> bool {
    (gateway::KIND.takes)(finding)
}

fn is_decided(finding: &Finding) -> bool {
    !matches!(finding.status, Status::Ambiguous | Status::ConsistentOnly)
}

/// The rows of the price book that end findings, each with the file it is for: of one finding, or of all that have no
/// rivals. They are those of `pricebook/`, to the byte.
pub fn price_rows(context: &Context, only: Option<&str>) -> Result<Vec<(String, String)>> {
    let of = |decided: bool| {
        let findings = context.document.findings.iter();
        findings.filter(move |finding| (prices::KIND.takes)(finding) && is_decided(finding) == decided)
    };
    let decided: Vec<&Finding> = of(true).collect();
    let asked = |id: &str| only.is_some_and(|only| only.eq_ignore_ascii_case(id));
    let mut rows = match only {
        Some(_) if !decided.iter().any(|finding| asked(&finding.id)) => Vec::new(),
        _ => prices::rows(context, &decided)?,
    };
    for finding in of(false).filter(|finding| asked(&finding.id)) {
        rows.extend(prices::rows(context, &[finding])?);
    }
    Ok(rows)
}

/// The findings with a remedy of one kind, each with its own.
fn remedies<'f, T>(findings: &[&'f Finding], of: impl Fn(&'f Remedy) -> Option<T>) -> Vec<(&'f Finding, T)> {
    let each = |finding: &&'f Finding| {
        let finding = *finding;
        finding.remedies.iter().filter_map(&of).map(move |remedy| (finding, remedy)).collect::<Vec<_>>()
    };
    findings.iter().flat_map(each).collect()
}

fn ids(findings: &[&Finding]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for finding in findings {
        if !ids.contains(&finding.id) {
            ids.push(finding.id.clone());
        }
    }
    ids
}

/// What a finding says of one cell.
fn share(cell: &crate::close::document::Cell, finding: &Finding) -> Option<Money> {
    cell.findings
        .iter()
        .chain(&cell.logged_findings)
        .find(|part| part.id == finding.id)
        .map(|part| part.amount)
}
