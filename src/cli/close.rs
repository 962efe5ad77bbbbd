//! `llmfin close`: the month's pack.

/// Close a month: reconcile, accrue, allocate, and write the pack
///
/// The pack goes to `closes/MONTH/vN/` in the books. A draft may be replaced until it is signed.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin close --month 2026-10
  llmfin close --month 2026-10 --exit-zero -O md -o pack.md")]
pub struct Args {
    /// Exit with 0 even if something is unexplained
    #[arg(long)]
    pub exit_zero: bool,
}
