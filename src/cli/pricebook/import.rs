//! `llmfin pricebook import`: a public price list against the book.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::seller;
use crate::cli::clock;
use crate::cli::global::Global;
use crate::cli::ui::{Ui, replace, unwritable};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS, Error, Result};
use crate::money::Ratio;
use crate::period::Day;
use crate::pricebook::Pricebook;
use crate::render::OutputFormat;
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::review::import::{self, Context, FORMATS, Format, Listing, Outcome, Source};
use crate::vocabulary::SELLERS;

/// Compare a public price list with the book and propose what the book lacks
///
/// Reads the price map of LiteLLM, the data of genai-prices and the catalogue of models.dev. Every price of the list is
/// new, agreed, in conflict, beyond what a row can say, or of a seller the book does not cover; the counts add up. New
/// prices become dated rows of a folder of their own, to be reviewed and moved into the book. Nothing in the book is
/// changed. `-O csv` writes the proposed rows alone. Exits with 1 if list and book disagree.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin pricebook import model_prices_and_context_window.json --retrieved 2026-11-23
  llmfin pricebook import data.json --retrieved 2026-11-23 --seller openai --proposal proposed
  llmfin pricebook import api.json --retrieved 2026-11-23 -O csv")]
pub struct Args {
    /// The list, as downloaded
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Day it was downloaded; proposed rows are recorded on it and, where the list has no date, start on it
    #[arg(long, value_name = "DATE")]
    retrieved: Day,
    /// Kind of list; seen from its content where left out
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(FORMATS.map(|format| format.id)).map(|id| format(&id)))]
    format: Option<&'static Format>,
    /// Seller to read, by the name of its ledger; may be repeated [default: all]
    #[arg(long, value_name = "SELLER", value_parser = PossibleValuesParser::new(SELLERS.iter().map(|seller| seller.id)).map(|id| seller(&id)))]
    seller: Vec<&'static str>,
    /// Id of the source in the proposed rows [default: kind and day]
    #[arg(long, value_name = "ID")]
    source_id: Option<String>,
    /// New folder to write the proposed rows to, as a book to lay over this one
    #[arg(long, value_name = "DIR")]
    proposal: Option<PathBuf>,
}

fn format(id: &str) -> &'static Format {
    FORMATS.iter().find(|format| format.id == id).expect("one of the possible values")
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let shown = args.file.display().to_string();
    let bytes = std::fs::read(&args.file).map_err(|error| Error::io(shown.clone(), error))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let what = Diagnostic::error("price-list", Origin::file(shown.as_str()), "is not UTF-8 text");
        Error::from(what.help("fetch the list again, as it is"))
    })?;
    let book = Pricebook::load(global.pricebook.as_deref(), &[], global.known_at)?;
    clock::not_to_come(args.retrieved, book.known_at())?;
    let context = Context { book: &book, retrieved: args.retrieved, sellers: &args.seller };
    let (format, mut listing) = import::read(&shown, &text, args.format, &context).map_err(Error::from)?;
    let outcome = import::compare(&mut listing, &context);
    let id = args.source_id.clone().unwrap_or_else(|| format!("{}-{}", format.id, args.retrieved));
    let source = Source { id: &id, format };
    let files = import::files(&outcome.proposed, &source, &context).map_err(Error::from)?;
    if let Some(folder) = &args.proposal {
        write(folder, &files)?;
        ui.status(&format!("{} rows in {}", outcome.proposed.len(), folder.display()));
    }
    if global.format() == OutputFormat::Csv {
        global.write(ui, &[rows(&files)])?;
    } else {
        let mut sheets = vec![summary(format, &listing, &outcome)];
        let others =
            [conflicts(&outcome), proposed(&outcome), inexpressible(&listing), out_of_scope(&listing)];
        sheets.extend(others.into_iter().filter(|sheet| !sheet.rows.is_empty()));
        global.write(ui, &sheets)?;
    }
    Ok(if outcome.conflicts.is_empty() { EXIT_CLEAN } else { EXIT_FINDINGS })
}

/// Writes the proposal, unless a file of it is there: a book is never written over.
fn write(folder: &Path, files: &BTreeMap<String, String>) -> Result<()> {
    if let Some(there) = files.keys().map(|name| folder.join(name)).find(|path| path.exists()) {
        let what =
            Diagnostic::error("proposal", Origin::file(there.display().to_string()), "is there already");
        return Err(what.help("name a new folder; a proposal never replaces a book").into());
    }
    let prices = folder.join("prices");
    std::fs::create_dir_all(&prices).map_err(|error| unwritable(&prices, &error))?;
    for (name, text) in files {
        let path = folder.join(name);
        replace(&path, text.as_bytes()).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}

fn summary(format: &Format, listing: &Listing, outcome: &Outcome) -> Sheet {
    let columns = vec![
        Column::new("place", "Prices of the list", Kind::Text),
        Column::new("prices", "", Kind::Integer),
    ];
    let mut sheet = Sheet::new("summary", "", columns);
    let beyond = listing.inexpressible.values().map(|seen| seen.count).sum::<u64>();
    let elsewhere = listing.out_of_scope.values().sum::<u64>();
    for (place, count) in [
        ("agree with the book", outcome.agreed),
        ("in conflict with it", outcome.conflicts.len() as u64),
        ("not in it: proposed", outcome.proposed_prices),
        ("not expressible as a row", beyond),
        ("of other sellers", elsewhere),
    ] {
        sheet.rows.push(vec![place.into(), count.into()]);
    }
    sheet.total = Some(vec!["in all".into(), listing.prices.into()]);
    sheet.notes.extend(format.lacks.iter().map(|lack| (*lack).to_owned()));
    if outcome.rounded > 0 {
        sheet.notes.push(format!(
            "Binary floats with noise, such as 1.5000000000000002e-07, cut to 12 digits: {}.",
            outcome.rounded
        ));
    }
    sheet
}

fn conflicts(outcome: &Outcome) -> Sheet {
    let columns = vec![
        Column::new("name", "In the list", Kind::Text),
        Column::new("key", "Key", Kind::Text),
        Column::new("seller", "Seller", Kind::Text).optional(),
        Column::new("model", "Model", Kind::Text).optional(),
        Column::new("meter", "Meter", Kind::Text).optional(),
        Column::new("tier", "Tier", Kind::Text).optional(),
        Column::new("ctx", "Prompt", Kind::Text).optional(),
        Column::new("region", "Region", Kind::Text).optional(),
        Column::new("list", "List", Kind::Percent),
        Column::new("book", "Book", Kind::Percent),
        Column::new("per", "Per", Kind::Integer).optional(),
        Column::new("ratio", "Ratio", Kind::Percent),
        Column::new("row", "Row", Kind::Text).optional(),
        Column::new("remark", "Looks like", Kind::Text),
    ];
    let mut sheet = Sheet::new("conflicts", "List and book disagree", columns);
    for conflict in &outcome.conflicts {
        let quote = &conflict.quote;
        // The book's price in the unit of the list's.
        let per = Ratio::new(quote.per.into(), 1);
        let ours = conflict
            .ours
            .zip(per)
            .and_then(|(ours, per)| ours.checked_mul(per))
            .map(|ours| ours.decimal_text(12));
        sheet.rows.push(vec![
            quote.name.as_str().into(),
            quote.key.as_str().into(),
            quote.seller.into(),
            quote.model.as_str().into(),
            quote.meter.id().into(),
            quote.tier.id().into(),
            quote.boundary().into(),
            quote.region.as_str().into(),
            Cell::Ratio(quote.price.clone()),
            ours.map_or(Cell::Empty, Cell::Ratio),
            quote.per.into(),
            conflict.ratio().map_or(Cell::Empty, |ratio| Cell::Ratio(ratio.decimal_text(4))),
            conflict.row.to_string().into(),
            conflict.remarks.join("; ").into(),
        ]);
    }
    sheet
}

/// By seller and model, how many rows are new, and whether the model is.
fn proposed(outcome: &Outcome) -> Sheet {
    let columns = vec![
        Column::new("seller", "Seller", Kind::Text),
        Column::new("model", "Model", Kind::Text),
        Column::new("unknown", "Unknown model", Kind::Flag),
        Column::new("rows", "New rows", Kind::Integer),
    ];
    let mut sheet = Sheet::new("proposed", "Not in the book", columns);
    let mut counts: BTreeMap<(&str, &str, bool), u64> = BTreeMap::new();
    for quote in &outcome.proposed {
        *counts.entry((quote.seller, &quote.model, !quote.known)).or_default() += 1;
    }
    for ((seller, model, unknown), rows) in counts {
        sheet.rows.push(vec![seller.into(), model.into(), Cell::Flag(unknown), rows.into()]);
    }
    sheet
}

fn inexpressible(listing: &Listing) -> Sheet {
    let columns = vec![
        Column::new("key", "Key", Kind::Text),
        Column::new("why", "Why", Kind::Text),
        Column::new("prices", "Prices", Kind::Integer),
        Column::new("example", "First seen on", Kind::Text).optional(),
    ];
    let mut sheet = Sheet::new("inexpressible", "What a row cannot say", columns);
    for ((key, why), seen) in &listing.inexpressible {
        let example = seen.example.as_str().into();
        sheet.rows.push(vec![key.as_str().into(), (*why).into(), seen.count.into(), example]);
    }
    sheet
}

fn out_of_scope(listing: &Listing) -> Sheet {
    let columns =
        vec![Column::new("provider", "Provider", Kind::Text), Column::new("prices", "Prices", Kind::Integer)];
    let mut sheet = Sheet::new("out-of-scope", "Sellers that are not asked for or not covered", columns);
    sheet.rows = listing
        .out_of_scope
        .iter()
        .map(|(name, count)| vec![name.as_str().into(), (*count).into()])
        .collect();
    sheet
}

/// The lines of every proposed ledger, with their seller in front.
fn rows(files: &BTreeMap<String, String>) -> Sheet {
    let columns = std::iter::once("seller").chain(crate::pricebook::COLUMNS);
    let columns = columns.map(|name| Column::new(name, name, Kind::Text)).collect();
    let mut sheet = Sheet::new("rows", "", columns);
    let ledgers = files
        .iter()
        .filter_map(|(name, text)| Some((name.strip_prefix("prices/")?.strip_suffix(".csv")?, text)));
    for (seller, text) in ledgers {
        for record in csv::Reader::from_reader(text.as_bytes()).records().flatten() {
            sheet.rows.push(std::iter::once(seller).chain(record.iter()).map(Cell::from).collect());
        }
    }
    sheet
}
