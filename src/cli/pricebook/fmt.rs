//! `llmfin pricebook fmt`: writes the canonical form of the ledgers of a folder.

use std::path::{Path, PathBuf};

use crate::cli::global::Global;
use crate::cli::ui::{Ui, replace, unwritable};
use crate::diagnostic::{Diagnostic, Level};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS};
use crate::pricebook::{Pricebook, files};
use crate::report::sheet::{Column, Kind, Sheet};
use crate::review::format::canonical;

/// Write the ledgers of a price book in their canonical form
///
/// Columns and lines in order, one spelling of instants, quotes only where needed, line feeds. No row is lost, added or
/// changed, and prices stay as they are written. A file with errors is left as it is. Rules in TOML are read, not
/// rewritten. Exits with 1 if a file has errors, or with `--check` if one would change.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin pricebook fmt pricebooks
  llmfin pricebook fmt pricebooks --check")]
pub struct Args {
    /// Folder of the book [default: that of `--pricebook`, else `pricebooks`]
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
    /// List the files that are not in canonical form and change nothing
    #[arg(long)]
    check: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let folder = args.folder.as_deref().or(global.pricebook.as_deref()).unwrap_or(Path::new("pricebooks"));
    let found = files::folder(folder)?;
    let mut problems = Pricebook::read(found.clone(), Vec::new(), None).problems;
    let mut sheet = Sheet::new(
        "files",
        "",
        vec![Column::new("file", "File", Kind::Text), Column::new("state", "State", Kind::Text)],
    );
    let mut clean = true;
    for file in &found {
        let state = if wrong(&problems, &file.shown) {
            "has errors"
        } else if file.ledger().is_none() {
            "read"
        } else {
            match canonical(&file.shown, &file.content) {
                Err(problem) => {
                    problems.push(*problem);
                    "has errors"
                }
                Ok(text) if text == file.content => "canonical",
                Ok(_) if args.check => "not canonical",
                Ok(text) => {
                    let path = folder.join(&file.name);
                    replace(&path, text.as_bytes()).map_err(|error| unwritable(&path, &error))?;
                    "rewritten"
                }
            }
        };
        clean &= !matches!(state, "has errors" | "not canonical");
        sheet.rows.push(vec![file.shown.as_str().into(), state.into()]);
    }
    ui.diagnostics(&problems);
    global.write(ui, &[sheet])?;
    Ok(if clean { EXIT_CLEAN } else { EXIT_FINDINGS })
}

fn wrong(problems: &[Diagnostic], file: &str) -> bool {
    problems.iter().any(|problem| problem.level == Level::Error && *problem.origin.file == *file)
}
