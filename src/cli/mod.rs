//! The command line: one file per command, each with its arguments (whose doc comments are the help) and one `run`.

pub mod backtest;
pub mod check;
pub mod clock;
pub mod close;
pub mod closes;
pub mod demo;
pub mod diagnostics;
pub mod documents;
pub mod explain;
pub mod formats;
pub mod gate;
pub mod gather;
pub mod global;
pub mod ingest;
pub mod inputs;
pub mod memos;
pub mod pack;
pub mod pages;
pub mod patch_dir;
pub mod pricebook;
pub mod reconcile;
pub mod remarks;
pub mod rules;
pub mod schema;
pub mod stored;
pub mod ui;
pub mod variance;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::EXIT_FAILED;
use global::Global;
use ui::Ui;

/// Reconcile what an LLM gateway logged with what the providers billed, and close the month
///
/// Everything runs on this machine and from files: no network, no clock but for the month meant when none is named.
/// Data goes to standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(
    name = "llmfin",
    version,
    help_expected = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  everything ties out or is explained
  1  it ran, and something is unexplained, a check failed, or usage has no price
  2  it could not run";

#[derive(Debug, Subcommand)]
pub enum Command {
    Check(check::Args),
    Close(close::Args),
    Demo(demo::Args),
    Explain(explain::Args),
    Formats(formats::Args),
    Ingest(ingest::Args),
    Pricebook(pricebook::Args),
    Reconcile(reconcile::Args),
    Schema(schema::Args),
    Variance(variance::Args),
}

/// Parses the arguments of the process, runs the command and says how it ended.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let ui = cli.global.ui();
    ExitCode::from(run(&cli, &ui).unwrap_or_else(|error| {
        ui.error(&error);
        EXIT_FAILED
    }))
}

fn run(cli: &Cli, ui: &Ui) -> anyhow::Result<u8> {
    match &cli.command {
        Command::Check(args) => check::run(args, &cli.global, ui),
        Command::Close(args) => close::run(args, &cli.global, ui),
        Command::Demo(args) => demo::run(args, &cli.global, ui),
        Command::Explain(args) => explain::run(args, &cli.global, ui),
        Command::Ingest(args) => ingest::run(args, &cli.global, ui),
        Command::Pricebook(args) => pricebook::run(args, &cli.global, ui),
        Command::Reconcile(args) => reconcile::run(args, &cli.global, ui),
        Command::Formats(args) => formats::run(args, &cli.global, ui),
        Command::Schema(args) => schema::run(args, &cli.global, ui),
        Command::Variance(args) => variance::run(args, &cli.global, ui),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Args, CommandFactory};

    #[test]
    fn every_option_has_help_and_no_two_clash() {
        Cli::command().debug_assert();
        let with_global = |command| {
            Global::augment_args(clap::Command::new("llmfin").help_expected(true)).subcommand(command)
        };
        let command = || clap::Command::new("x").help_expected(true);
        with_global(close::Args::augment_args(command())).debug_assert();
        with_global(demo::Args::augment_args(command())).debug_assert();
        with_global(explain::Args::augment_args(command())).debug_assert();
        with_global(ingest::Args::augment_args(command())).debug_assert();
        with_global(pricebook::Args::augment_args(command())).debug_assert();
        with_global(reconcile::Args::augment_args(command())).debug_assert();
        with_global(variance::Args::augment_args(command())).debug_assert();
    }
}
