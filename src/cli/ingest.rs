//! `llmfin ingest`: any source in the common schema.

use std::path::{Path, PathBuf};

use super::gather;
use super::global::Global;
use super::inputs::Input;
use super::remarks;
use super::ui::{Ui, unwritable};
use crate::collect::Usage;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{EXIT_CLEAN, Error, Result};
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::usage::cube::{Band, Cubes};
use crate::usage_table::{Part, focus::write_focus, write::Form, write::write_table};

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    Parquet,
    Csv,
    Focus,
}

/// Convert gateway logs to one schema
///
/// Counts every row once and sums it by everything a price depends on. Without `-o` it only reports what it read.
/// With `-o OUT.parquet` or `-o OUT.csv` it writes the usage table and, beside it, `OUT.attribution.…` with the same
/// tokens by team, feature, environment, customer and deploy. Reading both back gives the same sums.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin ingest --usage logs/
  llmfin ingest --usage logs/ -o calls.parquet
  llmfin ingest --usage litellm-payload:- --format focus -o focus.csv")]
pub struct Args {
    /// Gateway log, or a folder of them; `-` is standard input; may be repeated [default: the sources of the books]
    #[arg(long, value_name = "[FORMAT:]PATH", num_args = 1..)]
    pub usage: Vec<Input>,
    /// What to write [default: by the ending of `-o FILE`]
    #[arg(long, value_name = "FORMAT", requires = "output")]
    pub format: Option<Target>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let gathered = if args.usage.is_empty() {
        gather::books(global, ui)?
    } else {
        gather::named(global, &args.usage, &[], ui)?
    };
    let usage = gathered.usage();
    let mut said = usage.diagnostics.clone();
    said.extend(remarks::rows(usage));
    ui.diagnostics(&said);
    let Some(path) = global.output() else {
        let sheet = sheet(usage);
        ui.output(None, &crate::render::render(&[sheet], global.format(), Some(ui.width(false)))?)?;
        // The process ends here: freeing millions of cells one by one would only take time.
        std::mem::forget(gathered);
        return Ok(EXIT_CLEAN);
    };
    let mut cubes = Cubes::default();
    for source in usage.sources.iter().filter(|source| source.primary) {
        cubes.merge(&source.cubes);
    }
    let rows =
        write(&cubes, &gathered.book.bands(), target(args, path)?, path).map_err(|error| match error {
            Error::Io { source, .. } => unwritable(path, &source),
            other => other,
        })?;
    ui.status(&format!("{rows} rows written to {}", path.display()));
    Ok(EXIT_CLEAN)
}

fn write(cubes: &Cubes, bands: &[Band], target: Target, path: &Path) -> Result<u64> {
    let form = match target {
        Target::Focus => {
            let account = |_: &str, key: &str| key.to_owned();
            return write_focus(cubes, &account, path);
        }
        Target::Parquet => Form::Parquet,
        Target::Csv => Form::Csv,
    };
    let rows = write_table(cubes, Part::Rating, bands, form, path)?;
    Ok(rows + write_table(cubes, Part::Attribution, bands, form, &beside(path))?)
}

/// `calls.parquet` → `calls.attribution.parquet`
fn beside(path: &Path) -> PathBuf {
    let ending = path.extension().map(|ending| ending.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_extension(format!("attribution.{ending}"))
}

fn target(args: &Args, path: &Path) -> Result<Target> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
    match (args.format, ending) {
        (Some(target), _) => Ok(target),
        (None, "parquet") => Ok(Target::Parquet),
        (None, "csv") => Ok(Target::Csv),
        (None, _) => Err(Error::from(
            Diagnostic::error(
                "unknown-ending",
                Origin::file(path.display().to_string()),
                "the ending does not say what to write",
            )
            .help("use `--format parquet`, `csv` or `focus`"),
        )),
    }
}

/// What was read, file by file.
fn sheet(usage: &Usage) -> Sheet {
    let mut sheet = Sheet::new(
        "ingest",
        "Usage read",
        vec![
            Column::new("path", "File", Kind::Text),
            Column::new("format", "Format", Kind::Text),
            Column::new("rows", "Rows", Kind::Integer),
            Column::new("duplicates", "Duplicates", Kind::Integer),
            Column::new("rejected", "Rejected", Kind::Integer),
            Column::new("first", "First day", Kind::Date).optional(),
            Column::new("last", "Last day", Kind::Date).optional(),
        ],
    );
    let mut totals = [0u64; 3];
    for file in &usage.inputs {
        let counts = [file.rows, file.duplicates, file.rejected];
        totals.iter_mut().zip(counts).for_each(|(total, count)| *total += count);
        sheet.rows.push(vec![
            Cell::from(file.source.name.to_string()),
            Cell::from(file.format.to_string()),
            counts[0].into(),
            counts[1].into(),
            counts[2].into(),
            file.outcomes.keys().next().map(|(day, _)| *day).into(),
            file.outcomes.keys().next_back().map(|(day, _)| *day).into(),
        ]);
    }
    let [rows, duplicates, rejected] = totals.map(Cell::from);
    sheet.total =
        Some(vec!["Total".into(), Cell::Empty, rows, duplicates, rejected, Cell::Empty, Cell::Empty]);
    sheet
}
