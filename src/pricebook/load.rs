//! Builds the book: the files inside the program, the user's folder over them, then the contracts. Rules are read
//! before prices, because a price must name a known model. All problems of all files are reported at once.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use toml::Spanned;
use toml::value::Datetime;

use super::names::AllNames;
use super::row::{Layer, PriceRow};
use super::select::Shelf;
use super::text::{Text, suggest};
use super::{Pricebook, SellerBook, ledger, modifiers, names, terms};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::period::Day;
use crate::usage::cube::Band;
use crate::vocabulary::SELLERS;

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        /// The shipped book, file by file, so that the program alone is enough.
        pub(super) const SHIPPED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/pricebooks/", $name)))),+];
    };
}
shipped![
    "book.toml",
    "models.toml",
    "modifiers.toml",
    "prices/anthropic.csv",
    "prices/openai.csv",
    "schedules.toml",
    "sources.toml",
];

/// Files of a book beside its ledgers.
const RULES: [&str; 5] = ["book.toml", "models.toml", "modifiers.toml", "schedules.toml", "sources.toml"];

/// `book.toml`: what the book is called and what it counts in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BookFile {
    name: String,
    currency: Option<String>,
    /// Rows recorded before this day were entered afterwards; see `docs/concepts/pricebook.md`.
    #[serde(rename = "started")]
    _started: Option<Datetime>,
}

/// `schedules.toml`: no seller in the book prices by the hour, so an entry is refused rather than ignored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchedulesFile {}

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

/// One file of one layer. `name` is the path inside the book; `shown` is what messages print.
struct BookText {
    layer: Layer,
    name: String,
    shown: String,
    content: Cow<'static, str>,
}

impl BookText {
    fn text(&self) -> Text<'_> {
        Text::new(&self.shown, self.content.strip_prefix('\u{feff}').unwrap_or(&self.content))
    }
}

impl Pricebook {
    /// The book inside the program.
    pub fn shipped() -> Result<Pricebook> {
        Pricebook::load(None, &[], None)
    }

    /// The shipped book, with a folder of the same layout over it and the terms of contract files (or folders of them)
    /// applied last. `known_at` leaves out what was recorded later; without it everything is known.
    pub fn load(overlay: Option<&Path>, contracts: &[PathBuf], known_at: Option<Day>) -> Result<Pricebook> {
        let mut files: Vec<BookText> = SHIPPED
            .iter()
            .map(|(name, content)| BookText {
                layer: Layer::Shipped,
                name: (*name).to_owned(),
                shown: (*name).to_owned(),
                content: Cow::Borrowed(content),
            })
            .collect();
        if let Some(folder) = overlay {
            files.extend(overlay_files(folder)?);
        }
        let mut contract_files = Vec::new();
        for path in contracts {
            contract_files.extend(contract_texts(path)?);
        }
        build(&files, &contract_files, known_at)
    }
}

fn build(files: &[BookText], contracts: &[BookText], known_at: Option<Day>) -> Result<Pricebook> {
    let mut problems = Vec::new();
    let mut titles: Vec<String> = Vec::new();
    let mut currency = "USD".to_owned();
    let (mut all_names, mut rules, mut parents) = (AllNames::new(), Vec::new(), Vec::new());
    let mut evidence = BTreeMap::new();
    for file in files {
        let text = file.text();
        match file.name.as_str() {
            "book.toml" => {
                if let Some(book) = text.toml::<BookFile>(&mut problems) {
                    titles.push(book.name);
                    currency = book.currency.unwrap_or(currency);
                }
            }
            "models.toml" => names::read(&text, &mut all_names, &mut problems),
            "modifiers.toml" => modifiers::read(&text, &mut rules, &mut parents, &mut problems),
            "schedules.toml" => {
                let _: Option<SchedulesFile> = text.toml(&mut problems);
            }
            "sources.toml" => read_sources(&text, &mut evidence, &mut problems),
            _ => {}
        }
    }
    let mut shelves: BTreeMap<&'static str, Vec<PriceRow>> = BTreeMap::new();
    for file in files {
        let Some(ledger) = file.name.strip_prefix("prices/").and_then(|name| name.strip_suffix(".csv"))
        else {
            continue;
        };
        let Some(seller) = SELLERS.iter().find(|seller| seller.id == ledger) else {
            let help = suggest(ledger, SELLERS.iter().map(|seller| seller.id));
            let origin = Origin::file(file.shown.as_str());
            problems.push(
                Diagnostic::error("pricebook-seller", origin, format!("`{ledger}` is no seller")).help(help),
            );
            continue;
        };
        let known = all_names.entry(seller.id).or_default();
        let rows = shelves.entry(seller.id).or_default();
        ledger::read(&file.text(), file.layer, &currency, known, rows, &mut problems);
    }
    let mut agreed = Vec::new();
    for file in contracts {
        terms::read(&file.text(), &all_names, &mut agreed, &mut problems);
    }
    let newest = shelves.values().flatten().map(|row| row.recorded).max();
    let known_at = known_at.or(newest).unwrap_or(Day::from_days(0));
    let mut sellers: BTreeMap<&'static str, SellerBook> = all_names
        .into_iter()
        .map(|(seller, names)| (seller, SellerBook { names, shelves: BTreeMap::new() }))
        .collect();
    for (seller, mut rows) in shelves {
        rows.retain(|row| row.recorded <= known_at);
        let book = sellers.entry(seller).or_default();
        book.shelves = stack(rows, &mut problems);
    }
    if !problems.is_empty() {
        return Err(Error::Input(problems));
    }
    Ok(Pricebook {
        name: titles.join(" + "),
        sha256: hash(files.iter().chain(contracts)),
        known_at,
        bands: bands(&sellers),
        sellers,
        modifiers: rules,
        parents,
        terms: agreed,
        evidence,
    })
}

/// Sorts the rows of one seller by model and meter. Two rows that claim the same key, instant and revision are one
/// too many.
fn stack(
    rows: Vec<PriceRow>,
    problems: &mut Vec<Diagnostic>,
) -> BTreeMap<Box<str>, BTreeMap<crate::vocabulary::Meter, Shelf>> {
    let mut piles: BTreeMap<Box<str>, BTreeMap<_, Vec<PriceRow>>> = BTreeMap::new();
    for row in rows {
        piles.entry(row.model.clone()).or_default().entry(row.meter).or_default().push(row);
    }
    let mut shelves = BTreeMap::new();
    for (model, meters) in piles {
        let meters: BTreeMap<_, _> =
            meters.into_iter().map(|(meter, rows)| (meter, Shelf::new(rows))).collect();
        for pair in meters.values().flat_map(|shelf| shelf.rows.windows(2)) {
            if let [first, second] = pair
                && (first.key(), first.from, first.layer, first.rev)
                    == (second.key(), second.from, second.layer, second.rev)
            {
                let (first, second) = (&first.origin, &second.origin);
                problems.push(
                    Diagnostic::error(
                        "pricebook-duplicate",
                        second.clone(),
                        format!("the same key, `from` and `rev` as {first}"),
                    )
                    .help("give a correction the next `rev`, and a change its own `from`"),
                );
            }
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
                text.error("pricebook-source", entry.id.span(), message)
                    .help("give a page that changed an id of its own"),
            );
        }
    }
}

/// Hash over layer, path and content of every file, by layer and path, so that it does not depend on the machine.
fn hash<'f>(files: impl Iterator<Item = &'f BookText>) -> String {
    let mut files: Vec<(Layer, &str, &str)> =
        files.map(|file| (file.layer, file.name.as_str(), &*file.content)).collect();
    files.sort_unstable();
    let mut hasher = Sha256::new();
    for (layer, name, content) in files {
        hasher.update(format!("{layer:?}\0{name}\0{}\0", content.len()));
        hasher.update(content);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn overlay_files(folder: &Path) -> Result<Vec<BookText>> {
    let mut names: Vec<String> =
        RULES.iter().map(|name| (*name).to_owned()).filter(|name| folder.join(name).is_file()).collect();
    let prices = folder.join("prices");
    if prices.is_dir() {
        names.extend(files_in(&prices, "csv")?.into_iter().map(|name| format!("prices/{name}")));
    }
    if names.is_empty() {
        let origin = Origin::file(folder.display().to_string());
        return Err(Diagnostic::error("pricebook-folder", origin, "holds no price book")
            .help(format!("put ledgers at {}/<seller>.csv", prices.display()))
            .into());
    }
    names
        .into_iter()
        .map(|name| {
            let path = folder.join(&name);
            Ok(BookText {
                layer: Layer::Overlay,
                shown: path.display().to_string(),
                content: read(&path)?,
                name,
            })
        })
        .collect()
}

fn contract_texts(path: &Path) -> Result<Vec<BookText>> {
    let paths: Vec<PathBuf> = if path.is_dir() {
        files_in(path, "toml")?.into_iter().map(|name| path.join(name)).collect()
    } else {
        vec![path.to_owned()]
    };
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("contracts/{name}");
            let shown = path.display().to_string();
            Ok(BookText { layer: Layer::Overlay, name, shown, content: read(&path)? })
        })
        .collect()
}

/// Names of the files with an extension, sorted.
fn files_in(folder: &Path, extension: &str) -> Result<Vec<String>> {
    let failed = |error| Error::io(folder.display().to_string(), error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file()
            && path.extension().is_some_and(|found| found == extension)
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn read(path: &Path) -> Result<Cow<'static, str>> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Error::io(shown.clone(), error))?;
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| {
        Diagnostic::error("pricebook-text", Origin::file(shown.clone()), "is not UTF-8 text")
            .help(format!("save it again as UTF-8: iconv -f WINDOWS-1252 -t UTF-8 {shown}"))
            .into()
    })
}
