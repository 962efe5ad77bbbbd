//! `llmfin pricebook`: what is done to a price book itself.

pub mod check;
pub mod diff;
pub mod fmt;
mod words;

use super::{global::Global, ui::Ui};

/// Check, compare, show and price from the price book
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Fmt(fmt::Args),
    Check(check::Args),
    Diff(diff::Args),
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    match &args.command {
        Command::Fmt(args) => fmt::run(args, global, ui),
        Command::Check(args) => check::run(args, global, ui),
        Command::Diff(args) => diff::run(args, global, ui),
    }
}
