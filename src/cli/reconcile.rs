//! `llmfin reconcile`: does the bill agree with the log, and if not, why?

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::closes;
use super::gather::{self, Gathered};
use super::global::{Global, Span};
use super::inputs::{Input, InvoiceInput};
use super::patch_dir::{self, PatchDir};
use super::ui::Ui;
use crate::books::Books;
use crate::books::rules::Rules;
use crate::close::assemble::assemble;
use crate::close::document::{Cell, Reconciliation};
use crate::close::history::{Duties, follow_up};
use crate::close::inputs::CloseInputs;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS, Result};
use crate::invoice::DocumentKind;
use crate::money::Money;
use crate::render::OutputFormat;
use crate::report::{story, variance};

/// Compare logged usage with provider bills and explain the difference
///
/// Reads the books in the current folder, or only the files that are named. The exit code judges the difference between the
/// priced log and the bill; what the gateway's own cost has wrong is reported and does not change it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin reconcile --month 2026-10
  llmfin reconcile --month 2026-10 --usage logs/ --invoice openai=openai-cost.csv -O json
  llmfin reconcile --usage litellm-payload:logs.jsonl --invoice anthropic/acme=claude_api_cost.csv
  llmfin reconcile --month 2026-10 --patch-dir fixes
  llmfin reconcile --usage logs/ --invoice openai=cost.csv --pricebook fixes/pricebook --rules fixes/rules.toml")]
pub struct Args {
    #[command(flatten)]
    pub files: Files,
    /// New folder for the fixes of the findings: prices, rules, terms, disputes, gateway reports
    #[arg(long, value_name = "DIR")]
    pub patch_dir: Option<PathBuf>,
}

/// Files named on the command line, instead of books.
#[derive(Debug, clap::Args)]
pub struct Files {
    /// Gateway log, or a folder of them; `-` is standard input; may be repeated
    #[arg(long, value_name = "[FORMAT:]PATH", num_args = 1.., requires = "invoice")]
    pub usage: Vec<Input>,
    /// Provider bill, or a folder of them; may be repeated
    #[arg(long, value_name = "PROVIDER[/ACCOUNT]=[FORMAT:]PATH", num_args = 1.., requires = "usage")]
    pub invoice: Vec<InvoiceInput>,
    /// TOML file with `[[traffic]]`, `[[model]]` and `[[account]]` tables, added to those of the books
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

impl Files {
    /// Reads these, or the month of the books where none is named.
    pub fn gather(&self, global: &Global, ui: &Ui) -> Result<Gathered> {
        let mut gathered = if self.usage.is_empty() {
            gather::books(global, ui)?
        } else {
            gather::named(global, &self.usage, &self.invoice, ui)?
        };
        gathered.rules = self.rules.as_deref().map(Rules::load).transpose()?;
        Ok(gathered)
    }
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    args.patch_dir.as_deref().map_or(Ok(()), patch_dir::free)?;
    let mut gathered = args.files.gather(global, ui)?;
    gathered.patches = Some(patches(args.patch_dir.as_deref(), global, &gathered)?);
    let (document, code) = reconcile(&mut gathered, ui)?;
    match global.format() {
        OutputFormat::Json => ui.stream(global.output(), |sink| write_json(&document, sink))?,
        // A table for a spreadsheet is the variance by cell; people get the story.
        OutputFormat::Csv => global.write(ui, &[variance::build(&document)])?,
        _ => global.write(ui, &story::build(&document))?,
    }
    Ok(code)
}

/// The fixes of a month that may be closed already: prices of closed months are corrections.
pub fn patches(dir: Option<&Path>, global: &Global, gathered: &Gathered) -> Result<PatchDir> {
    let closed = gathered.books().and_then(|books| closes::months(&books.dir).last().copied());
    PatchDir::new(dir, global, gathered.books(), closed)
}

/// The document, its diagnostics said, and how the run ends.
pub fn reconcile(gathered: &mut Gathered, ui: &Ui) -> Result<(Reconciliation, u8)> {
    let (document, code, ()) = reconcile_with(gathered, ui, |_, _| Ok(()))?;
    Ok((document, code))
}

/// The same, and what `then` makes of the document beside everything it was computed from.
pub fn reconcile_with<T>(
    gathered: &mut Gathered,
    ui: &Ui,
    then: impl FnOnce(&Reconciliation, &CloseInputs) -> Result<T>,
) -> Result<(Reconciliation, u8, T)> {
    let threshold = gathered
        .books()
        .and_then(|books| books.policy.post.as_ref())
        .and_then(|post| post.amount.as_ref())
        .map(|amount| amount.0.to_string().parse::<Money>().unwrap_or_default());
    let (patches, asked) = (gathered.patches.take(), gathered.asked.take());
    let mut said = gathered.late();
    // Single rows are looked up in them, if any are to be named.
    let logs = if patches.is_some() { gathered.usage().inputs.clone() } else { Vec::new() };
    let inputs = gathered.inputs()?;
    said.extend(inputs.diagnostics.iter().cloned());
    ui.diagnostics(&said);
    if inputs.is_empty() {
        // Nothing against nothing ties out to zero, which is the silent zero this program exists to prevent.
        return Err(Diagnostic::error(
            "no-data",
            Origin::file(inputs.label.as_str()),
            "no usage and no bill line lies in this period",
        )
        .help("check the month and the files: `llmfin check sources` shows what was found")
        .into());
    }
    let mut document = assemble(&inputs)?;
    if let Some(patches) = patches {
        patches.tell(&mut document, &inputs, asked.as_deref())?;
        patches.name_requests(&mut document, &inputs, &logs, asked.as_deref())?;
        patches.write(&document, &inputs, ui)?;
        // They are for the folder and for who asks: a document is the same with and without one.
        let asked = |id: &str| asked.as_deref().is_some_and(|asked| asked.eq_ignore_ascii_case(id));
        let others = document.findings.iter_mut().filter(|finding| !asked(&finding.id));
        others.for_each(|finding| finding.requests = None);
    }
    let more = then(&document, &inputs)?;
    for found in document.diagnostics.iter().skip(inputs.diagnostics.len()) {
        let place = if found.origin.is_empty() { String::new() } else { format!("{}: ", found.origin) };
        ui.status(&format!("{}: {place}{}", found.level, found.message));
    }
    // A row of a bill that cannot be read is money that was not compared.
    let unread = inputs
        .documents
        .iter()
        .any(|document| document.kind != DocumentKind::Usage && !document.document.rejects.is_empty());
    let code = if unread { EXIT_FINDINGS } else { exit_code(&document, threshold) };
    drop(inputs);
    if let Span::Month(month) = gathered.span {
        let ((past, mut damaged), duties) = match gathered.books() {
            Some(books) => (closes::before(&books.dir, month)?, duties(books)),
            None => ((Vec::new(), Vec::new()), Duties::default()),
        };
        damaged.retain(|damaged| !said.iter().any(|said| said.origin == damaged.origin));
        ui.diagnostics(&damaged);
        follow_up(&mut document, month, &past, &duties);
    }
    Ok((document, code, more))
}

/// Days after the end of a month until a fix is due, where the policy says nothing.
const FIX_DAYS: u32 = 30;

fn duties(books: &Books) -> Duties {
    let owners = &books.owners;
    Duties {
        finance: owners.finance.clone(),
        platform: owners.platform.clone(),
        days: Some(books.policy.fix_days.unwrap_or(FIX_DAYS)),
    }
}

/// `0` while the gross unexplained stays within the posting threshold (without books: within computed rounding, of all and of
/// each model-day), all usage has a price and every document adds up.
pub fn exit_code(document: &Reconciliation, threshold: Option<Money>) -> u8 {
    let limit = threshold.unwrap_or(document.totals.rounding_bound);
    // What ties out has no rounding to spare for what does not.
    let ties = |cell: &Cell| cell.unexplained.abs() <= cell.rounding_bound;
    let explained = document.totals.unexplained_gross <= limit
        && (threshold.is_some() || document.cells.iter().all(ties));
    let ties = document.invoices.iter().all(|invoice| invoice.ties);
    let clean = explained && document.unpriced.is_empty() && ties;
    if clean { EXIT_CLEAN } else { EXIT_FINDINGS }
}

/// The document as its pack has it, piece by piece: as one text it would take more memory than all the rest.
pub fn write_json(document: &Reconciliation, sink: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *sink, document)?;
    sink.write_all(b"\n")
}

pub fn json(document: &Reconciliation) -> Result<String> {
    let mut text = serde_json::to_string_pretty(document)
        .map_err(|error| crate::error::Error::Internal(error.to_string()))?;
    text.push('\n');
    Ok(text)
}
