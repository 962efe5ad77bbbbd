//! Options every command understands. A flag beats its `LLMFIN_*` variable, which beats `llmfin.toml`.

use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::clock;
use super::ui::{Color, Ui};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::period::{Day, Month, Period};
use crate::render::{self, OutputFormat};
use crate::report::sheet::Sheet;

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Common options")]
pub struct Global {
    /// Folder of the books
    #[arg(
        id = "books-folder",
        short = 'C',
        value_name = "DIR",
        env = "LLMFIN_DIR",
        default_value = ".",
        global = true
    )]
    pub dir: PathBuf,
    /// Output format; the ending of `-o FILE` decides where it is left out, and `table` otherwise. `junit` and `github`
    /// are for `pricebook check`
    #[arg(
        short = 'O',
        long = "output-format",
        value_name = "FORMAT",
        env = "LLMFIN_OUTPUT_FORMAT",
        global = true
    )]
    #[arg(value_parser = PossibleValuesParser::new(["table", "csv", "json", "md", "html", "junit", "github"]).try_map(output_format))]
    pub output_format: Option<OutputFormat>,
    /// File to write instead of standard output
    #[arg(short = 'o', long = "output", value_name = "FILE", global = true)]
    pub output: Option<PathBuf>,
    /// Month, such as 2026-10 [default: the last complete month]
    #[arg(long, value_name = "MONTH", env = "LLMFIN_MONTH", global = true, conflicts_with_all = ["from", "to"])]
    pub month: Option<Month>,
    /// First day of a provisional answer, such as 2026-10-01
    #[arg(long, value_name = "DATE", env = "LLMFIN_FROM", global = true, requires = "to")]
    pub from: Option<Day>,
    /// Last day of a provisional answer
    #[arg(long, value_name = "DATE", env = "LLMFIN_TO", global = true, requires = "from")]
    pub to: Option<Day>,
    /// Day up to which price changes are known [default: the newest that the price book records]
    #[arg(long, value_name = "DATE", env = "LLMFIN_KNOWN_AT", global = true)]
    pub known_at: Option<Day>,
    /// Folder of a price book that overlays the shipped one
    #[arg(long, value_name = "DIR", env = "LLMFIN_PRICEBOOK", global = true)]
    pub pricebook: Option<PathBuf>,
    /// File with negotiated terms; may be repeated
    #[arg(long, value_name = "FILE", env = "LLMFIN_CONTRACT", global = true)]
    pub contract: Vec<PathBuf>,
    /// Price with a book of one's own that breaks rules; the pack records it
    #[arg(long, env = "LLMFIN_ACCEPT_PRICEBOOK_ERRORS", global = true)]
    pub accept_pricebook_errors: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", env = "LLMFIN_COLOR", default_value = "auto", global = true)]
    pub color: Color,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say how each input was read, and show notes
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

fn output_format(word: String) -> std::result::Result<OutputFormat, String> {
    OutputFormat::parse(&word).ok_or_else(|| format!("unknown format `{word}`"))
}

/// The days a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    Month(Month),
    /// Any run of days: an answer from it is labelled provisional.
    Provisional(Period),
}

impl Span {
    pub fn period(self) -> Period {
        match self {
            Span::Month(month) => month.period(),
            Span::Provisional(period) => period,
        }
    }
}

impl Global {
    pub fn ui(&self) -> Ui {
        Ui { color: self.color, quiet: self.quiet, verbose: self.verbose }
    }

    pub fn span(&self) -> Result<Span> {
        match (self.month, self.from, self.to) {
            (_, Some(first), Some(last)) if last < first => Err(Diagnostic::error(
                "inverted-dates",
                Origin::file("--to"),
                format!("{last} is before {first}"),
            )
            .help(format!("use `--from {last} --to {first}`"))
            .into()),
            (_, Some(first), Some(last)) => Ok(Span::Provisional(Period { first, last })),
            (Some(month), ..) => Ok(Span::Month(month)),
            _ => Ok(Span::Month(clock::last_complete_month())),
        }
    }

    /// The format asked for, by `-O` or by the ending of `-o FILE`.
    pub fn format(&self) -> OutputFormat {
        let of_file = self.output.as_deref().and_then(OutputFormat::of_path);
        self.output_format.or(of_file).unwrap_or(OutputFormat::Table)
    }

    /// Writes sheets where and in the format asked for.
    pub fn write(&self, ui: &Ui, sheets: &[Sheet]) -> Result<()> {
        let width = ui.width(self.output.is_some());
        ui.output(self.output.as_deref(), &render::render(sheets, self.format(), Some(width))?)
    }

    pub fn output(&self) -> Option<&Path> {
        self.output.as_deref()
    }
}
