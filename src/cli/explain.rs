//! `llmfin explain`: what a cause is, and how one finding was proven.

/// Show what a cause means, or the evidence of one finding
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin explain
  llmfin explain rate.stale
  llmfin explain --finding F3 --month 2026-10")]
pub struct Args {
    /// Cause whose page to show; all of them are listed where it is left out
    pub cause: Option<String>,
    /// Finding of the month to show with its evidence, such as F3
    #[arg(long, value_name = "ID", conflicts_with = "cause")]
    pub finding: Option<String>,
}
