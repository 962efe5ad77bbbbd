//! `llmfin demo`: a synthetic company's month, through the real program.

use std::path::PathBuf;

/// Write the books of a synthetic company and close its month
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin demo
  llmfin demo --dir acme && llmfin -C acme reconcile")]
pub struct Args {
    /// Folder to write the books to; it must not exist yet [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
