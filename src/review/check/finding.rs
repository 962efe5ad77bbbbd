//! Where a rule puts what it finds: with the line it is about, unless the row's `waiver` names the rule.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Context, Report, Rule};
use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::pricebook::PriceRow;
use crate::pricebook::files::BookFile;

pub struct Findings<'a> {
    context: &'a Context<'a>,
    rule: &'static Rule,
    report: Report,
    /// Rows whose waiver was needed, with the rule.
    used: BTreeSet<(Origin, &'static str)>,
}

impl<'a> Findings<'a> {
    pub fn new(context: &'a Context<'a>) -> Findings<'a> {
        let rule = &super::words::RULES[0];
        Findings { context, rule, report: Report::default(), used: BTreeSet::new() }
    }

    /// What follows is found by this rule.
    pub fn of(&mut self, rule: &'static Rule) {
        self.rule = rule;
    }

    /// Something about one cell of a checked row; a row of another layer is its owner's to check.
    pub fn row(&mut self, row: &PriceRow, column: &str, message: impl Into<String>, help: impl Into<String>) {
        let Some(mut finding) = self.at_cell(row, column, message) else { return };
        finding = finding.help(help);
        if self.waives(row) {
            self.report.waived.push(finding);
        } else {
            self.report.findings.push(finding);
        }
    }

    /// Something about two rows that meet: it is said of the later one.
    pub fn pair(
        &mut self,
        subject: &PriceRow,
        other: &PriceRow,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let layer = self.context.layer();
        let later = if (other.layer == layer, other.from) > (subject.layer == layer, subject.from) {
            other
        } else {
            subject
        };
        self.row(later, "price", message, help);
    }

    /// True where the row's waiver lets the rule's finding pass, which is then needed.
    pub fn waives(&mut self, row: &PriceRow) -> bool {
        let waived = self.rule.waivable && row.waiver.split_whitespace().any(|id| id == self.rule.id);
        if waived {
            self.used.insert((row.origin.clone(), self.rule.id));
        }
        waived
    }

    /// Something about bytes of a checked file.
    pub fn at(
        &mut self,
        file: &BookFile,
        range: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let mut finding = file.error(self.rule.id, range, message).help(help);
        finding.level = self.rule.level;
        self.report.findings.push(finding);
    }

    /// Something about a file as a whole.
    pub fn file(&mut self, name: &str, message: impl Into<String>, help: impl Into<String>) {
        let finding = Diagnostic::new(self.rule.level, self.rule.id, Origin::file(name), message);
        self.report.findings.push(finding.help(help));
    }

    fn at_cell(&self, row: &PriceRow, column: &str, message: impl Into<String>) -> Option<Diagnostic> {
        let file = self.context.own.iter().find(|file| *file.shown == *row.origin.file)?;
        let mut finding = file.error(self.rule.id, file.cell(row.origin.line, column), message);
        finding.level = self.rule.level;
        Some(finding)
    }

    /// A waiver that waives nothing would hide the next slip.
    pub fn unneeded_waivers(&mut self, ran: &[&'static Rule]) {
        let context = self.context;
        for row in context.ladders.values().flat_map(|ladder| &ladder.rows) {
            for id in row.waiver.split_whitespace() {
                let Some(rule) = ran.iter().find(|rule| rule.id == id) else { continue };
                if rule.waivable && !self.used.contains(&(row.origin.clone(), rule.id)) {
                    self.of(rule);
                    let message = format!("the waiver of {id} is not needed");
                    if let Some(mut finding) = self.at_cell(row, "waiver", message) {
                        finding.level = Level::Warning;
                        self.report.findings.push(finding.help(format!("take {id} out of the cell")));
                    }
                }
            }
        }
    }

    pub fn report(self) -> Report {
        self.report
    }
}
