//! Builds the book: the files inside the program, the user's folder over them, then the contracts. Rules are read
//! before prices, because a price must name a known model. All problems of all files are reported at once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::calendars::Calendars;
use super::files::{self, BookFile};
use super::names::AllNames;
use super::row::{Layer, PriceRow};
use super::schedules::Schedules;
use super::select::Shelf;
use super::text::{Text, suggest};
use super::{Pricebook, SellerBook, ledger, modifiers, names, own_names, schedules, terms};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::period::Day;
use crate::usage::cube::Band;
use crate::vocabulary::SELLERS;

/// `book.toml`: what the book is called and what it counts in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookToml {
    name: String,
    /// What the book lies over: the shipped book, unless it replaces that.
    #[serde(default)]
    base: Base,
    currency: Option<String>,
    /// Rows recorded before this day were entered afterwards; see `docs/concepts/pricebook.md`.
    #[serde(rename = "started")]
    _started: Option<Datetime>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Base {
    #[default]
    List,
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourcesFile {
    #[serde(default)]
    source: Vec<SourceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceEntry {
    id: Spanned<String>,
    url: String,
    revision: Option<String>,
    retrieved: Spanned<Datetime>,
}

/// Where a price was read: an entry of `sources.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub url: Box<str>,
    /// The version, where the address alone does not fix it.
    pub revision: Option<Box<str>>,
    pub retrieved: Day,
}

/// A book made of whatever its files could be understood as, and what is wrong with the rest.
pub struct Reading {
    pub book: Pricebook,
    pub problems: Vec<Diagnostic>,
}

impl Pricebook {
    /// The book inside the program.
    pub fn shipped() -> Result<Pricebook> {
        Pricebook::load(None, &[], None)
    }

    /// The shipped book, with a folder of the same layout over it and the terms of contract files (or folders of them)
    /// applied last. `known_at` leaves out what was recorded later; without it everything is known.
    pub fn load(overlay: Option<&Path>, contracts: &[PathBuf], known_at: Option<Day>) -> Result<Pricebook> {
        let own = overlay.map(files::folder).transpose()?.unwrap_or_default();
        let mut agreed = Vec::new();
        for path in contracts {
            agreed.extend(files::contracts(path)?);
        }
        let Reading { book, problems } = Pricebook::read(own, agreed, known_at);
        if problems.is_empty() { Ok(book) } else { Err(Error::Input(problems)) }
    }

    /// Reads files as a book of their own if their `book.toml` says `base = "none"`, and otherwise as a layer over the
    /// shipped book. All problems of all files are reported at once; a row with one is not in the book.
    pub fn read(own: Vec<BookFile>, contracts: Vec<BookFile>, known_at: Option<Day>) -> Reading {
        build(&layers(own), &contracts, known_at)
    }
}

/// Every file of the book that `own` makes, lowest layer first.
pub fn layers(own: Vec<BookFile>) -> Vec<BookFile> {
    let mut all = if stands_alone(&own) { Vec::new() } else { files::shipped() };
    all.extend(own);
    all
}

/// True where the files replace the shipped book. A `book.toml` that cannot be read says nothing; it is reported later.
fn stands_alone(files: &[BookFile]) -> bool {
    let book = files.iter().find(|file| file.name == "book.toml");
    let book = book.and_then(|file| file.text().toml::<BookToml>(&mut Vec::new()));
    book.is_some_and(|book| book.base == Base::None)
}

fn build(files: &[BookFile], contracts: &[BookFile], known_at: Option<Day>) -> Reading {
    let mut problems = Vec::new();
    let mut titles: Vec<String> = Vec::new();
    let mut currency = "USD".to_owned();
    let (mut all_names, mut rules, mut parents) = (AllNames::new(), Vec::new(), Vec::new());
    let mut uplifts = Vec::new();
    let mut evidence = BTreeMap::new();
    let (mut calendars, mut windows) = (Calendars::new(), Schedules::new());
    for file in files {
        let text = file.text();
        match file.name.as_str() {
            "book.toml" => {
                if let Some(book) = text.toml::<BookToml>(&mut problems) {
                    titles.push(book.name);
                    currency = book.currency.unwrap_or(currency);
                }
            }
            "models.toml" => names::read(&text, &mut all_names, &mut problems),
            "modifiers.toml" => modifiers::read(&text, &mut rules, &mut parents, &mut uplifts, &mut problems),
            "schedules.toml" => schedules::read(&text, &mut calendars, &mut windows, &mut problems),
            "sources.toml" => read_sources(&text, &mut evidence, &mut problems),
            _ => {}
        }
    }
    let mut shelves: BTreeMap<&'static str, Vec<PriceRow>> = BTreeMap::new();
    for file in files {
        let Some(ledger) = file.ledger() else { continue };
        let Some(seller) = SELLERS.iter().find(|seller| seller.id == ledger) else {
            let help = suggest(ledger, SELLERS.iter().map(|seller| seller.id));
            let origin = Origin::file(file.shown.as_str());
            problems.push(Diagnostic::error("PB001", origin, format!("`{ledger}` is no seller")).help(help));
            continue;
        };
        let known = (seller.id, &all_names);
        let rows = shelves.entry(seller.id).or_default();
        ledger::read(&file.text(), file.layer, &currency, known, &windows, rows, &mut problems);
    }
    let mut agreed = Vec::new();
    for file in contracts {
        terms::read(&file.text(), &all_names, &mut agreed, &mut problems);
    }
    terms::ties(&mut agreed, &mut problems);
    let newest = shelves.values().flatten().map(|row| row.recorded).max();
    // No later than the newest row: what is written after today could else not be told from what was known.
    let known_at = known_at.into_iter().chain(newest).min().unwrap_or(Day::from_days(0));
    let mut sellers: BTreeMap<&'static str, SellerBook> = all_names
        .into_iter()
        .map(|(seller, names)| (seller, SellerBook { names, ..SellerBook::default() }))
        .collect();
    for (seller, region, parent) in parents {
        sellers.entry(seller).or_default().parents.insert(region, parent);
    }
    let layered = files.iter().any(|file| file.layer == Layer::Shipped);
    let mut later = files::Lines::new();
    for (seller, mut rows) in shelves {
        rows.retain(|row| {
            let known = row.recorded <= known_at;
            if !known {
                later.insert((row.origin.file.clone(), row.origin.line));
            }
            known
        });
        let book = sellers.entry(seller).or_default();
        // A book that replaces the shipped one keeps what a page said of a name under that name.
        if layered {
            own_names::point(&mut rows, &book.names, &mut problems);
        }
        book.shelves = stack(rows, &windows, &mut problems);
    }
    let book = Pricebook {
        name: titles.join(" + "),
        sha256: files::hash(files.iter().chain(contracts), &later),
        known_at,
        bands: bands(&sellers),
        sellers,
        modifiers: rules,
        uplifts,
        terms: agreed,
        evidence,
    };
    Reading { book, problems }
}

/// Sorts the rows of one seller by model and meter. Two rows that claim the same key, instant and revision are one
/// too many.
fn stack(
    rows: Vec<PriceRow>,
    schedules: &Schedules,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<Box<str>, BTreeMap<crate::vocabulary::Meter, Shelf>> {
    let mut piles: BTreeMap<Box<str>, BTreeMap<_, Vec<PriceRow>>> = BTreeMap::new();
    for row in rows {
        piles.entry(row.model.clone()).or_default().entry(row.meter).or_default().push(row);
    }
    let mut shelves = BTreeMap::new();
    for (model, meters) in piles {
        let meters: BTreeMap<_, _> =
            meters.into_iter().map(|(meter, rows)| (meter, Shelf::new(rows, schedules))).collect();
        for pair in meters.values().flat_map(|shelf| shelf.rows.windows(2)) {
            if let [first, second] = pair
                && (first.key(), first.from, first.layer, first.rev)
                    == (second.key(), second.from, second.layer, second.rev)
            {
                let (first, second) = (&first.origin, &second.origin);
                problems.push(
                    Diagnostic::error(
                        "PB002",
                        second.clone(),
                        format!("the same key, `from` and `rev` as {first}"),
                    )
                    .help("give a correction the next `rev`, and a change its own `from`"),
                );
            }
        }
        for (first, second, at) in meters.values().filter_map(Shelf::ambiguous) {
            let message = format!(
                "the windows `{}` and `{}` are both open on {}",
                first.window,
                second.window,
                Day::of_instant(at)
            );
            problems.push(
                Diagnostic::error("PB025", second.origin.clone(), message)
                    .help("let the schedules exclude each other: at most one window of a price is open"),
            );
        }
        shelves.insert(model, meters);
    }
    shelves
}

fn bands(sellers: &BTreeMap<&'static str, SellerBook>) -> Vec<Band> {
    let shelves = sellers.values().flat_map(|book| book.shelves.values()).flat_map(|meters| meters.values());
    let mut bands: Vec<Band> = shelves.flat_map(|shelf| &shelf.rows).filter_map(|row| row.ctx).collect();
    bands.sort_by_key(|band| (band.tokens, !band.inclusive));
    bands.dedup();
    bands
}

fn read_sources(text: &Text, evidence: &mut BTreeMap<Box<str>, Evidence>, problems: &mut Vec<Diagnostic>) {
    let Some(file) = text.toml::<SourcesFile>(problems) else { return };
    for entry in file.source {
        let Some(retrieved) = names::read_from(text, &entry.retrieved, problems).map(Day::of_instant) else {
            continue;
        };
        let source = Evidence { url: entry.url.into(), revision: entry.revision.map(Into::into), retrieved };
        if evidence.insert(entry.id.get_ref().as_str().into(), source).is_some() {
            let message = format!("source `{}` is written twice", entry.id.get_ref());
            problems.push(
                text.error("PB018", entry.id.span(), message)
                    .help("give a page that changed an id of its own"),
            );
        }
    }
}
