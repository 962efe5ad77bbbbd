//! `llmfin close`: the month's pack.

use std::path::{Path, PathBuf};

use super::global::{Global, Span};
use super::patch_dir::{self, PatchDir};
use super::reconcile::{reconcile, write_json};
use super::ui::Ui;
use super::{backtest, gather, memos, pack};
use crate::close::document::Reconciliation;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{EXIT_CLEAN, Result};
use crate::period::{Day, Month};
use crate::render::OutputFormat;
use crate::report::{story, variance};

/// Close a month: reconcile everything in the books and write the pack
///
/// The pack goes to `closes/MONTH/v1/` in the books. A draft may be replaced until it is signed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin close --month 2026-10
  llmfin close --month 2026-10 --exit-zero -O json -o reconciliation.json
  llmfin close --month 2026-10 --patch-dir fixes --backtest")]
pub struct Args {
    /// Exit with 0 even if something is unexplained
    #[arg(long)]
    pub exit_zero: bool,
    /// New folder for the fixes of the findings: prices, rules, terms, disputes, gateway reports
    #[arg(long, value_name = "DIR")]
    pub patch_dir: Option<PathBuf>,
    /// Try the fix of every finding on every earlier closed month; the pack says where it would have held
    #[arg(long)]
    pub backtest: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let Closed { document, folder, code, before } =
        close(global, args.patch_dir.as_deref(), args.backtest, ui)?;
    match global.format() {
        OutputFormat::Json => ui.stream(global.output(), |sink| write_json(&document, sink))?,
        OutputFormat::Csv => global.write(ui, &[variance::build(&document)])?,
        _ => global.write(ui, &story::build(&document))?,
    }
    let known_at = document.pricebook.known_at;
    let known = known_at.map(|day| format!(", prices as known at {day}")).unwrap_or_default();
    let before = before.filter(|before| Some(*before) != known_at);
    let before = before.map(|day| format!("; the draft before it knew those of {day}")).unwrap_or_default();
    ui.status(&format!("pack written to {}{known}{before}", folder.display()));
    Ok(if args.exit_zero { EXIT_CLEAN } else { code })
}

/// A month that was closed.
pub struct Closed {
    pub document: Reconciliation,
    /// Of the pack.
    pub folder: PathBuf,
    pub code: u8,
    /// Day up to which the draft that was replaced knew prices.
    pub before: Option<Day>,
}

/// Runs the close of the books and writes its pack.
pub fn close(global: &Global, patches: Option<&Path>, try_fixes: bool, ui: &Ui) -> Result<Closed> {
    let Span::Month(month) = global.span()? else {
        return Err(Diagnostic::error("not-a-month", Origin::file("--from"), "only whole months are closed")
            .help("use `llmfin reconcile --from … --to …` for a provisional answer")
            .into());
    };
    pack::restore(&global.dir, month)?;
    let former = memos::close_of(&global.dir, month)?;
    if let Some((used, false)) = &former {
        return Err(signed(month, used).into());
    }
    patches.map_or(Ok(()), patch_dir::free)?;
    let mut gathered = gather::books(global, ui)?;
    // The month counts as closed from now on, so that its prices are corrections.
    gathered.patches = Some(PatchDir::new(patches, global, gathered.books(), Some(month))?);
    let books_sha256 = gathered.books().map(|books| pack::sha256(books.text.as_bytes())).unwrap_or_default();
    let (document, code) = if try_fixes {
        backtest::reconcile_and_try(&mut gathered, None, global, ui)?
    } else {
        reconcile(&mut gathered, ui)?
    };
    let folder = pack::write(&global.dir, month, &document, &books_sha256)?;
    Ok(Closed { document, folder, code, before: former.and_then(|(used, _)| used.known_at) })
}

/// A draft may be replaced, with newer prices too; what was signed may not.
fn signed(month: Month, used: &memos::Prices) -> Diagnostic {
    let known = used.known_at.map_or_else(String::new, |day| format!(" --known-at {day}"));
    Diagnostic::error(
        "month-signed",
        Origin::file(format!("closes/{month}")),
        "this close is signed and stays as it is",
    )
    .help(format!("`llmfin reconcile --month {month}{known}` compares without writing"))
}
