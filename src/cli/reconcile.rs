//! `llmfin reconcile`: does the bill agree with the log, and if not, why?

use super::inputs::{Input, InvoiceInput};

/// Compare logged usage with provider bills and explain the difference
///
/// Reads the books in the current folder, or only the files that are named.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin reconcile --month 2026-10
  llmfin reconcile --month 2026-10 --usage logs/ --invoice openai=openai-cost.csv -O json
  llmfin reconcile --usage litellm-payload:logs.jsonl --invoice anthropic/acme=claude_api_cost.csv")]
pub struct Args {
    /// Gateway log, or a folder of them; `-` is standard input; may be repeated
    #[arg(long, value_name = "[FORMAT:]PATH", num_args = 1.., requires = "invoice")]
    pub usage: Vec<Input>,
    /// Provider bill, or a folder of them; may be repeated
    #[arg(long, value_name = "PROVIDER[/ACCOUNT]=[FORMAT:]PATH", num_args = 1.., requires = "usage")]
    pub invoice: Vec<InvoiceInput>,
}
