//! `llmfin demo`: an invented company's month, through the real program, from the binary alone.

use std::fs;
use std::path::{Path, PathBuf};

use super::close;
use super::global::Global;
use super::ui::Ui;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{EXIT_CLEAN, Error, Result};
use crate::period::Month;
use crate::render::OutputFormat;
use crate::report::story;

/// Write the books of an invented company and close its October
///
/// Eight models, six teams, two providers, and some twenty errors and charges, planted with known amounts. Ends with 0: what
/// it finds is what was planted.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin demo
  llmfin demo --books acme && llmfin -C acme reconcile --month 2026-10")]
pub struct Args {
    /// Folder to write the books to; it must not exist yet [default: a temporary one, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub books: Option<PathBuf>,
}

macro_rules! acme {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_bytes!(concat!("../../fixtures/acme/", $name)))),+] };
}

/// The books of Acme as committed in `fixtures/acme`, which works every amount out by hand.
static ACME: &[(&str, &[u8])] = acme![
    "llmfin.toml",
    "README.md",
    "expected.json",
    "logs/2026-10/litellm-2026-10-01.jsonl.gz",
    "logs/2026-10/litellm-2026-10-08.jsonl.gz",
    "logs/2026-10/litellm-2026-10-15.jsonl.gz",
    "logs/2026-10/litellm-2026-10-22.jsonl.gz",
    "logs/2026-10/litellm-2026-10-29.jsonl.gz",
    "invoices/2026-10/claude_api_cost_2026_10_01_to_2026_10_31.csv",
    "invoices/2026-10/claude_api_tokens_2026_10.csv",
    "invoices/2026-10/completions_usage_2026-10-01_2026-10-31.csv",
    "invoices/2026-10/cost_2026-10-01_2026-10-31.csv",
    "invoices/2026-10/invoice_anthropic_ANT-2610-0042.csv",
    "invoices/2026-10/invoice_openai_ACME-202610.csv",
];

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let temporary = match &args.books {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("llmfin-demo-").tempdir()?),
    };
    let folder = match (&args.books, &temporary) {
        (Some(folder), _) => folder.clone(),
        (None, Some(temporary)) => temporary.path().to_owned(),
        (None, None) => return Err(Error::Internal("no folder for the demo".to_owned()).into()),
    };
    write(&folder, args.books.is_some())?;
    let october = Month::new(2026, 10);
    let global = Global {
        dir: folder.clone(),
        month: october,
        from: None,
        to: None,
        pricebook: None,
        contract: Vec::new(),
        known_at: None,
        ..global.clone()
    };
    let close::Closed { document, folder: pack, .. } = close::close(&global, None, false, ui)?;
    match global.format() {
        OutputFormat::Json => {
            ui.stream(global.output(), |sink| super::reconcile::write_json(&document, sink))?
        }
        _ => global.write(ui, &story::build(&document))?,
    }
    match temporary {
        None => ui.status(&format!("books of Acme in {}, pack in {}", folder.display(), pack.display())),
        Some(_) => ui.status("Acme is invented; every amount is worked out in its README. Keep the books with `llmfin demo --books acme`."),
    }
    Ok(EXIT_CLEAN)
}

fn write(folder: &Path, named: bool) -> Result<()> {
    if named && folder.exists() {
        return Err(Diagnostic::error(
            "folder-exists",
            Origin::file(folder.display().to_string()),
            "the folder exists already",
        )
        .help("name a folder that does not exist yet")
        .into());
    }
    for (name, bytes) in ACME {
        let path = folder.join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, bytes));
        made.map_err(|error| Error::io(path.display().to_string(), error))?;
    }
    Ok(())
}
