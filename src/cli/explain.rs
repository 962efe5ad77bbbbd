//! `llmfin explain`: what a cause is, and how one finding was proven.

use super::backtest;
use super::global::Global;
use super::reconcile::{Files, patches, reconcile};
use super::ui::Ui;
use crate::causes::catalogue::{CAUSES, Cause};
use crate::close::document::{Finding, Reconciliation};
use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{EXIT_CLEAN, Error, Result};
use crate::render::OutputFormat;
use crate::report;
use crate::review::check::rules;

/// Show what a cause or a rule of the price book means, or the evidence of one finding
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin explain
  llmfin explain rate.stale
  llmfin explain PB007
  llmfin explain --finding F3 --month 2026-10
  llmfin explain --finding F3 --month 2026-10 --backtest")]
pub struct Args {
    /// Cause, or rule such as PB007, whose page to show; causes are listed where it is left out
    pub cause: Option<String>,
    /// Finding of the month to show with its evidence, its cells, their arithmetic and its rivals, such as F3
    #[arg(long, value_name = "ID", conflicts_with = "cause")]
    pub finding: Option<String>,
    /// Try the finding's fix on every earlier closed month of the books
    #[arg(long, requires = "finding")]
    pub backtest: bool,
    #[command(flatten)]
    pub files: Files,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    match (&args.cause, &args.finding) {
        (Some(id), _) => ui.page(global.output(), &page(id)?)?,
        (None, Some(id)) => {
            let mut gathered = args.files.gather(global, ui)?;
            gathered.patches = Some(patches(None, global, &gathered)?);
            gathered.asked = Some(id.clone());
            let (document, _) = if args.backtest {
                backtest::reconcile_and_try(&mut gathered, Some(id), global, ui)?
            } else {
                reconcile(&mut gathered, ui)?
            };
            show(&document, find(&document, id)?, global, ui)?;
        }
        (None, None) => {
            let people =
                matches!(global.format(), OutputFormat::Table | OutputFormat::Markdown | OutputFormat::Html);
            global.write(ui, &[report::causes::build(people)])?
        }
    }
    Ok(EXIT_CLEAN)
}

fn show(document: &Reconciliation, finding: &Finding, global: &Global, ui: &Ui) -> anyhow::Result<()> {
    match global.format() {
        OutputFormat::Json => {
            ui.output(global.output(), &format!("{}\n", serde_json::to_string_pretty(finding)?))?;
        }
        // One table: the cells, which add up to the finding.
        OutputFormat::Csv => global.write(ui, &[report::finding::cells(document, finding)])?,
        _ => global.write(ui, &report::finding::build(document, finding))?,
    }
    Ok(())
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
