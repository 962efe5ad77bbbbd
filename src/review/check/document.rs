//! The answer of `llmfin pricebook check -O json`: what was found, rule by rule, with its place.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Report};
use crate::diagnostic::{Diagnostic, Level};
use crate::period::{Day, Month};

pub const SCHEMA: &str = "llmfin/pricebook-check/1";

#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckDocument {
    /// `llmfin/pricebook-check/1`
    pub schema: &'static str,
    pub pricebook: Book,
    pub as_of: Day,
    /// The revision or folder that the ledgers were compared with.
    pub against: Option<String>,
    pub closed_through: Option<Month>,
    pub counts: Counts,
    /// By file, line and column.
    pub findings: Vec<Found>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Book {
    pub name: String,
    pub sha256: String,
    pub known_at: Day,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Counts {
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    pub waived: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// `PB007`
    pub rule: String,
    /// `error`, `warning` or `note`.
    pub level: &'static str,
    pub file: String,
    /// From 1; null where it is about the file as a whole.
    pub line: Option<u64>,
    pub column: Option<u32>,
    pub message: String,
    pub help: Option<String>,
    /// The line, at most 200 characters of it.
    pub row: Option<String>,
    /// True where the row's `waiver` lets it pass.
    pub waived: bool,
}

impl CheckDocument {
    pub fn new(context: &Context, report: &Report, against: Option<String>) -> CheckDocument {
        let all = report.findings.iter().map(|finding| Found::new(finding, false));
        let mut findings: Vec<Found> =
            all.chain(report.waived.iter().map(|finding| Found::new(finding, true))).collect();
        findings
            .sort_by(|a, b| (&a.file, a.line, a.column, &a.rule).cmp(&(&b.file, b.line, b.column, &b.rule)));
        CheckDocument {
            schema: SCHEMA,
            pricebook: Book {
                name: context.book.name().to_owned(),
                sha256: context.book.sha256().to_owned(),
                known_at: context.book.known_at(),
            },
            as_of: context.as_of,
            against,
            closed_through: context.closed_through,
            counts: Counts {
                errors: report.count(Level::Error),
                warnings: report.count(Level::Warning),
                notes: report.count(Level::Note),
                waived: report.waived.len(),
            },
            findings,
        }
    }
}

impl Found {
    fn new(finding: &Diagnostic, waived: bool) -> Found {
        let origin = &finding.origin;
        Found {
            rule: finding.code.to_owned(),
            level: finding.level.id(),
            file: origin.file.to_string(),
            line: Some(origin.line).filter(|line| *line > 0),
            column: Some(origin.column).filter(|column| *column > 0),
            message: finding.message.clone(),
            help: finding.help.clone(),
            row: finding.excerpt.clone(),
            waived,
        }
    }
}
