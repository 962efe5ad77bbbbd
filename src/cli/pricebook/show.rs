//! `llmfin pricebook show`: what a model costs or cost, who says so, and what changed.

mod history;
mod sellers;
mod table;
mod upcoming;

use std::collections::BTreeSet;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::words;
use crate::cli::global::Global;
use crate::cli::inputs::Input;
use crate::cli::ui::Ui;
use crate::cli::{clock, gather};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{EXIT_CLEAN, Error, Result};
use crate::period::read_instant;
use crate::pricebook::Pricebook;
use crate::render::OutputFormat;
use crate::report::sheet::Sheet;
use crate::review::show::{Meaning, meanings, similar};
use crate::review::steps::{Ladders, ladders};
use crate::vocabulary::{Meter, Seller, Tier};

/// Show prices: of a model on a day, and every step they took
///
/// Without a model it lists the sellers. Tokens are priced per million, everything else in the quantity the seller
/// prints. A price that is estimated, disputed or unverified carries a question mark.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin pricebook show
  llmfin pricebook show gpt-5-mini
  llmfin pricebook show gpt-4o --meter cache_read --at 2024-10-03 --history
  llmfin pricebook show claude-sonnet-4-5 --known-at 2026-06-01
  llmfin pricebook show --upcoming --within 90
  llmfin -C acme pricebook show --upcoming --usage")]
pub struct Args {
    /// Model by any name it has, or SELLER/MODEL
    pub model: Option<String>,
    /// Only this seller
    #[arg(long, value_name = "SELLER", value_parser = seller)]
    pub seller: Option<&'static str>,
    /// Only this meter, such as `input` or `cache_read`
    #[arg(long, value_name = "METER", hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(Meter::ALL.iter().map(|meter| meter.id())).try_map(|id| Meter::parse(&id).ok_or("no such meter")))]
    pub meter: Option<Meter>,
    /// Only this tier, such as `standard` or `batch`
    #[arg(long, value_name = "TIER", hide_possible_values = true)]
    #[arg(value_parser = PossibleValuesParser::new(Tier::ALL.iter().map(|tier| tier.id())).try_map(|id| Tier::parse(&id).ok_or("no such tier")))]
    pub tier: Option<Tier>,
    /// Day or instant to show the prices of, such as 2024-10-03 [default: today]
    #[arg(long, value_name = "INSTANT", value_parser = at)]
    pub at: Option<i64>,
    /// Show every step with its source
    #[arg(long, requires = "model")]
    pub history: bool,
    /// Show what is going to change: prices, promotions that end, retirements, names, rules
    #[arg(long, conflicts_with = "history")]
    pub upcoming: bool,
    /// How many days to look ahead
    #[arg(long, value_name = "DAYS", default_value_t = 365, requires = "upcoming")]
    pub within: u16,
    /// Say the dollars it moves at the volume of the last complete month, or of `--month`: in the books, or in the logs
    /// named
    #[arg(long, value_name = "[FORMAT:]PATH", num_args = 0.., requires = "upcoming")]
    pub usage: Option<Vec<Input>>,
}

fn seller(text: &str) -> std::result::Result<&'static str, String> {
    Seller::find(text).map(|seller| seller.id).ok_or_else(|| "no such seller".to_owned())
}

fn at(text: &str) -> std::result::Result<i64, String> {
    let at = read_instant(text).map(|(at, _)| at);
    at.ok_or_else(|| "write 2026-07-30 or 2026-08-16T16:00Z".to_owned())
}

/// What is asked, of which book.
pub(super) struct Question<'q> {
    book: &'q Pricebook,
    ladders: &'q Ladders<'q>,
    args: &'q Args,
    at: i64,
    /// For people, or for programs?
    people: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let books = gather::books_if_any(global)?;
    let book = gather::pricebook(global, books.as_ref())?;
    let ladders = ladders(&book);
    let people = !matches!(global.format(), OutputFormat::Json | OutputFormat::Csv);
    let at = args.at.unwrap_or_else(|| clock::today().start());
    let question = Question { book: &book, ladders: &ladders, args, at, people };
    let sheets = match &args.model {
        _ if args.upcoming => {
            let own = gather::overlay(global, books.as_ref());
            vec![upcoming::build(&question, own.as_deref(), global, ui)?]
        }
        None => vec![sellers::build(&question)],
        Some(name) => {
            let found = question.find(name)?;
            if args.history {
                history::build(&question, name, &found)
            } else {
                vec![table::build(&question, name, &found)]
            }
        }
    };
    // A table for a spreadsheet is the last word on each question: the steps where they are asked for.
    let wanted: Vec<Sheet> = match global.format() {
        OutputFormat::Csv if args.history => {
            sheets.into_iter().filter(|sheet| sheet.name == "steps").collect()
        }
        _ => sheets,
    };
    global.write(ui, &wanted)?;
    Ok(EXIT_CLEAN)
}

impl Question<'_> {
    /// What the name means, at each seller that knows it.
    fn find(&self, name: &str) -> Result<Vec<Meaning>> {
        let mut found = Vec::new();
        if let (None, Some((first, rest))) = (self.args.seller, name.split_once('/'))
            && let Some(seller) = Seller::find(first)
        {
            found = meanings(self.book, Some(seller.id), rest);
        }
        if found.is_empty() {
            found = meanings(self.book, self.args.seller, name);
        }
        if found.is_empty() {
            let message = match self.args.seller {
                Some(seller) => format!("{seller} has no model `{name}` in the price book"),
                None => format!("no seller of the price book has a model `{name}`"),
            };
            let elsewhere: BTreeSet<&str> =
                meanings(self.book, None, name).iter().map(|meaning| meaning.seller).collect();
            let help = match similar(self.book, self.args.seller, name) {
                _ if !elsewhere.is_empty() => {
                    let sellers: Vec<String> =
                        elsewhere.iter().map(|seller| format!("`--seller {seller}`")).collect();
                    format!("it is sold at {}", sellers.join(", "))
                }
                Some(near) => format!("did you mean `{near}`?"),
                None => "`llmfin pricebook show` lists the sellers".to_owned(),
            };
            let diagnostic = Diagnostic::error("unknown-model", Origin::file("pricebook show"), message);
            return Err(Error::from(diagnostic.help(help)));
        }
        Ok(found)
    }

    /// `on 2024-10-03`
    fn when(&self) -> String {
        format!("on {}", words::instant(self.at))
    }

    fn known(&self) -> String {
        format!("Prices of {}, as known at {}.", self.book.name(), self.book.known_at())
    }
}
