//! `llmfin pricebook`: what is done to a price book itself.

pub mod check;
mod ci;
pub mod diff;
pub mod export;
pub mod fmt;
pub mod import;
pub mod price;
pub mod show;
mod words;

use super::{global::Global, ui::Ui};
use crate::vocabulary::SELLERS;

/// Check, compare, show and price from the price book
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(check::Args),
    Diff(diff::Args),
    Export(export::Args),
    Fmt(fmt::Args),
    Import(import::Args),
    Show(show::Args),
    Price(price::Args),
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    match &args.command {
        Command::Check(args) => check::run(args, global, ui),
        Command::Diff(args) => diff::run(args, global, ui),
        Command::Export(args) => export::run(args, global, ui),
        Command::Fmt(args) => fmt::run(args, global, ui),
        Command::Import(args) => import::run(args, global, ui),
        Command::Show(args) => show::run(args, global, ui),
        Command::Price(args) => price::run(args, global, ui),
    }
}

/// The seller behind one of the values an option allows.
fn seller(id: &str) -> &'static str {
    SELLERS.iter().find(|seller| seller.id == id).expect("one of the possible values").id
}
