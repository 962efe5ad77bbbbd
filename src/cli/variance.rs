//! `llmfin variance`: the difference of the month, by cause with what to do, or sliced by whatever is asked.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::global::Global;
use super::reconcile::{Files, reconcile};
use super::ui::Ui;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Error;
use crate::render::OutputFormat;
use crate::report::slice::{self, DIMENSIONS, Dimension};
use crate::report::{story, variance};

/// Show why the bill differs from what was expected, with every remedy, or slice the difference
///
/// Without `--by`: from expected to billed by cause, what to do about each finding, what nothing explains, and what
/// could not be tested. With `--by`: one row for each combination, and a total that is the whole difference. Where one
/// amount covers several meters, models or days it stays whole, in a row of its own.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin variance --month 2026-10
  llmfin variance --month 2026-10 --by cause,model
  llmfin variance --month 2026-10 --by provider,day -O csv
  llmfin variance --month 2026-10 --by owner,confidence")]
pub struct Args {
    /// What to slice by, one or more
    #[arg(long, value_name = "DIMENSION", value_delimiter = ',')]
    #[arg(value_parser = PossibleValuesParser::new(DIMENSIONS.iter().map(|(word, ..)| *word)).try_map(dimension))]
    pub by: Vec<Dimension>,
    #[command(flatten)]
    pub files: Files,
}

fn dimension(word: String) -> Result<Dimension, String> {
    Dimension::parse(&word).ok_or_else(|| format!("unknown dimension `{word}`"))
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    if let Some(twice) = (1..args.by.len()).find(|index| args.by[..*index].contains(&args.by[*index])) {
        let message = format!("dimension {} is one of those before it", twice + 1);
        let diagnostic = Diagnostic::error("dimension-twice", Origin::file("--by"), message);
        return Err(Error::from(diagnostic.help("name each dimension once")).into());
    }
    let (document, code) = reconcile(&mut args.files.gather(global, ui)?, ui)?;
    let sheets = match (args.by.as_slice(), global.format()) {
        ([], OutputFormat::Csv) => vec![variance::build(&document)],
        ([], _) => story::whole(&document),
        (dimensions, _) => vec![slice::build(&document, dimensions)],
    };
    global.write(ui, &sheets)?;
    Ok(code)
}
