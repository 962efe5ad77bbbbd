//! `llmfin ingest`: any source in the common schema.

use super::inputs::Input;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    Parquet,
    Csv,
    Focus,
}

/// Convert gateway logs to one schema
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin ingest --usage logs/ -o calls.parquet
  llmfin ingest --usage litellm-payload:- --format focus -o focus.csv")]
pub struct Args {
    /// Gateway log, or a folder of them; `-` is standard input; may be repeated [default: the sources of the books]
    #[arg(long, value_name = "[FORMAT:]PATH", num_args = 1..)]
    pub usage: Vec<Input>,
    /// What to write [default: by the ending of `-o FILE`]
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Target>,
}
