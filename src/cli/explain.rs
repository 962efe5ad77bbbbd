//! `llmfin explain`: what a cause is, and how one finding was proven.

use super::gather;
use super::global::Global;
use super::reconcile::reconcile;
use super::ui::Ui;
use crate::causes::catalogue::{CAUSES, Cause};
use crate::close::document::{Finding, Reconciliation};
use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{EXIT_CLEAN, Error, Result};
use crate::render::OutputFormat;
use crate::report;
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::review::check::rules;

/// Show what a cause or a rule of the price book means, or the evidence of one finding
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin explain
  llmfin explain rate.stale
  llmfin explain PB007
  llmfin explain --finding F3 --month 2026-10")]
pub struct Args {
    /// Cause, or rule such as PB007, whose page to show; causes are listed where it is left out
    pub cause: Option<String>,
    /// Finding of the month to show with its evidence, such as F3
    #[arg(long, value_name = "ID", conflicts_with = "cause")]
    pub finding: Option<String>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    match (&args.cause, &args.finding) {
        (Some(id), _) => ui.output(global.output(), &page(id)?)?,
        (None, Some(id)) => {
            let (document, _) = reconcile(&mut gather::books(global, ui)?, ui)?;
            let finding = find(&document, id)?;
            match global.format() {
                OutputFormat::Json => {
                    ui.output(global.output(), &format!("{}\n", serde_json::to_string_pretty(finding)?))?
                }
                _ => global.write(ui, &[evidence(finding), cells(&document, finding)])?,
            }
        }
        (None, None) => {
            let people =
                matches!(global.format(), OutputFormat::Table | OutputFormat::Markdown | OutputFormat::Html);
            global.write(ui, &[report::causes::build(people)])?
        }
    }
    Ok(EXIT_CLEAN)
}

fn page(id: &str) -> Result<String> {
    if let Some(rule) = rules().into_iter().find(|rule| rule.id.eq_ignore_ascii_case(id)) {
        let (id, level) = (rule.id, rule.level.id());
        return Ok(format!("# {id}: {}\n\nLevel: {level}.\n\n{}\n\n{}\n", rule.title, rule.why, rule.remedy));
    }
    Cause::find(id).map(|cause| cause.page.to_owned()).ok_or_else(|| {
        if id.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("PB")) {
            let message = format!("no rule has the id `{id}`");
            let help = "rules are PB001 to PB032; `llmfin pricebook check` runs them";
            return Diagnostic::error("unknown-rule", Origin::file("explain"), message).help(help).into();
        }
        let help = match nearest(id, CAUSES.iter().map(|cause| cause.id)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`llmfin explain` lists them".to_owned(),
        };
        Diagnostic::error("unknown-cause", Origin::file("explain"), format!("no cause has the id `{id}`"))
            .help(help)
            .into()
    })
}

fn find<'a>(document: &'a Reconciliation, id: &str) -> Result<&'a Finding> {
    document.findings.iter().find(|finding| finding.id.eq_ignore_ascii_case(id)).ok_or_else(|| {
        let message =
            format!("{} has no finding `{id}`; it has F1 to F{}", document.month, document.findings.len());
        Error::from(
            Diagnostic::error("unknown-finding", Origin::file("--finding"), message)
                .help("`llmfin reconcile` lists the findings"),
        )
    })
}

fn evidence(finding: &Finding) -> Sheet {
    let mut sheet = Sheet::new(
        "finding",
        format!("{}: {} {}, {}", finding.id, finding.cause, finding.amount.grouped(6), finding.status.id()),
        vec![
            Column::new("name", "Evidence", Kind::Text),
            Column::new("value", "Value", Kind::Text),
            Column::new("origin", "Where", Kind::Text),
        ],
    );
    for fact in &finding.evidence {
        sheet.rows.push(vec![
            fact.name.as_str().into(),
            fact.value.as_str().into(),
            Cell::from(fact.origin.clone()),
        ]);
    }
    if let Some(fix) = &finding.fix {
        sheet.notes.push(format!("what to do: {}.", fix.text));
        sheet.notes.extend(fix.patch.iter().flat_map(|patch| patch.lines()).map(ToOwned::to_owned));
    }
    if let Some(decides) = &finding.decides {
        sheet.notes.push(format!("what would decide: {decides}."));
    }
    sheet
}

fn cells(document: &Reconciliation, finding: &Finding) -> Sheet {
    let mut sheet = Sheet::new(
        "cells",
        "Cells",
        vec![
            Column::new("group", "Group", Kind::Text),
            Column::new("model", "Model", Kind::Text),
            Column::new("from", "Day", Kind::Date),
            Column::new("amount", "Amount", Kind::Money),
            Column::new("unexplained", "Left in the cell", Kind::Money),
        ],
    );
    sheet.decimals = 6;
    for cell in &document.cells {
        for part in cell.findings.iter().chain(&cell.logged_findings).filter(|part| part.id == finding.id) {
            sheet.rows.push(vec![
                cell.group.as_str().into(),
                Cell::from(cell.model.clone()),
                cell.from.into(),
                part.amount.into(),
                cell.unexplained.into(),
            ]);
        }
    }
    let sum = document.charges.iter().filter(|charge| charge.finding.as_ref() == Some(&finding.id));
    for charge in sum {
        sheet.rows.push(vec![
            "charge".into(),
            charge.text.as_str().into(),
            Cell::Empty,
            charge.amount.into(),
            Cell::Empty,
        ]);
    }
    sheet.total = Some(vec!["Total".into(), Cell::Empty, Cell::Empty, finding.amount.into(), Cell::Empty]);
    sheet
}
