//! `llmfin pricebook export`: the book in the form that a gateway reads.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::seller;
use crate::cli::global::Global;
use crate::cli::ui::Ui;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::EXIT_CLEAN;
use crate::period::Day;
use crate::pricebook::Pricebook;
use crate::review::export::litellm;
use crate::vocabulary::SELLERS;

/// Models named for each thing that an export cannot say, unless `-v` asks for all.
const NAMED: usize = 3;

/// Write the prices of a day as a price map for LiteLLM
///
/// A gateway that reads the map charges what this book says. Numbers are exact decimals. What the form cannot say is
/// listed on standard error: hours of the day, boundaries that count themselves, some regions, tiers and units. LiteLLM
/// charges the standard price where the map has none for a tier.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin pricebook export litellm -o prices.json
  llmfin pricebook export litellm --at 2026-10-12 --seller openai --seller anthropic")]
pub struct Args {
    /// Form to write
    #[arg(value_name = "FORM", value_parser = ["litellm"])]
    form: String,
    /// Day whose prices are written, as they are at midnight UTC [default: the newest that the book records]
    #[arg(long, value_name = "DATE")]
    at: Option<Day>,
    /// Seller to write, by the name of its ledger; may be repeated [default: all]
    #[arg(long, value_name = "SELLER", value_parser = PossibleValuesParser::new(SELLERS.iter().map(|seller| seller.id)).map(|id| seller(&id)))]
    seller: Vec<&'static str>,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let book = Pricebook::load(global.pricebook.as_deref(), &global.contract, global.known_at)?;
    let at = args.at.unwrap_or(book.known_at());
    let export = litellm(&book, &args.seller, at.start());
    ui.output(global.output(), &export.json())?;
    let remarks: Vec<Diagnostic> = export
        .left_out
        .iter()
        .map(|(why, models)| {
            let named = if global.verbose { models.len() } else { NAMED };
            let shown: Vec<&str> = models.iter().take(named).map(String::as_str).collect();
            let more = models.len().saturating_sub(named);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!("{why}: {}{more}", shown.join(", "));
            Diagnostic::warning("litellm-export", Origin::default(), message)
        })
        .collect();
    ui.diagnostics(&remarks);
    ui.status(&format!("{} entries, prices of {at}", export.map.len()));
    Ok(EXIT_CLEAN)
}
