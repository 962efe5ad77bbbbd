//! The price book: dated rows, rules and aliases, and the one question the rest asks of it: what did one unit cost?
//!
//! Prices are an append-only ledger (`pricebooks/prices/<seller>.csv`); rules are TOML beside it. A price is a step
//! function of `from`. Nothing is matched fuzzily and nothing falls back in silence: no row is an error to report.

mod calendars;
pub mod files;
mod forms;
mod ledger;
mod load;
#[cfg(test)]
mod load_test;
mod modifiers;
mod names;
mod own_names;
mod pricer;
#[cfg(test)]
mod reference_test;
#[cfg(test)]
mod regions_test;
mod row;
mod schedules;
#[cfg(test)]
mod schedules_test;
mod select;
#[cfg(test)]
mod shipped_azure_test;
#[cfg(test)]
mod shipped_clouds_test;
#[cfg(test)]
mod shipped_rest_test;
#[cfg(test)]
mod shipped_test;
pub mod terms;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use ledger::{COLUMNS, least_header, row_text};
pub use load::{Evidence, Reading, layers};
pub use names::{Model, Named};
pub use pricer::{Ask, Point, Pricer};
pub use row::{Layer, PriceRow, Until, ctx_rank, read_ctx};
pub use select::{Doubt, Selected};

use crate::diagnostic::Origin;
use crate::money::Ratio;
use crate::period::Day;
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, PriceStatus, Tier};

/// What a price depends on, for one unit of one meter.
#[derive(Debug, Clone, Copy)]
pub struct PriceQuery<'a> {
    pub seller: &'a str,
    /// The book's id of the model (resolve names first).
    pub model: &'a str,
    pub meter: Meter,
    pub tier: Tier,
    /// `global`, `geo:us`, …; empty when unknown, which is priced as the seller's default, or as `global`.
    pub region: &'a str,
    /// A prompt size inside the band (the band's lower edge), to select the context row.
    pub prompt: u64,
    /// Instant of the request, seconds since the epoch.
    pub at: i64,
}

/// A unit price with the trace that proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    /// Currency units per one unit of the meter, exact.
    pub unit: Ratio,
    /// Origin of the ledger row, or of the contract term that replaced it: `prices/openai.csv:214`.
    pub row: Origin,
    pub status: PriceStatus,
    /// Modifiers and terms applied on top of the row, in order: id and factor.
    pub factors: Vec<(Arc<str>, Ratio)>,
    /// True where the row's status is not confirmed (disputed, estimated, unverified).
    pub unverified: bool,
}

/// Why there is no price. Each is reported with its spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoPrice {
    UnknownModel,
    /// The model is known; the meter has no row at this tier and instant.
    NoRow,
    /// The meter has rows in other regions only, and the seller's price depends on the region.
    NoRegion,
    /// A row says that this is no longer sold.
    Ended,
    /// The price changes inside the day, and of the usage only the day is known.
    Hourly,
}

/// What the program knows of prices: the shipped book, the user's folder over it, and the contracts.
#[derive(Debug, Clone)]
pub struct Pricebook {
    name: String,
    sha256: String,
    known_at: Day,
    sellers: BTreeMap<&'static str, SellerBook>,
    modifiers: Vec<modifiers::Modifier>,
    uplifts: Vec<modifiers::Uplift>,
    terms: Vec<terms::Term>,
    evidence: BTreeMap<Box<str>, Evidence>,
    bands: Vec<Band>,
}

#[derive(Debug, Clone, Default)]
struct SellerBook {
    names: names::Names,
    /// Region, and the one it lies in.
    parents: BTreeMap<Box<str>, Box<str>>,
    /// By model id, `*` included.
    shelves: BTreeMap<Box<str>, BTreeMap<Meter, select::Shelf>>,
}

impl SellerBook {
    fn shelf(&self, model: &str, meter: Meter) -> Option<&select::Shelf> {
        self.shelves.get(model)?.get(&meter)
    }
}

impl Pricebook {
    /// `list` for the shipped book, `list + acme` with a folder named acme over it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Hash of every file the book was made of, contracts included, without the rows that were recorded later: the same
    /// knowledge gives the same hash anywhere, and as long as rows are only added, at any time.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The book without the rows of the user's folder; `None` where these replace none.
    pub fn below_overlay(&self) -> Option<Pricebook> {
        let mut shipped = self.clone();
        let mut replaced = false;
        let shelves = shipped.sellers.values_mut().flat_map(|book| book.shelves.values_mut());
        for shelf in shelves.flat_map(BTreeMap::values_mut) {
            if let Some(below) = shelf.below_overlay() {
                replaced |= !below.rows.is_empty();
                *shelf = below;
            }
        }
        replaced.then_some(shipped)
    }

    /// Rows recorded after this day are not in the book.
    pub fn known_at(&self) -> Day {
        self.known_at
    }

    /// Every context boundary of the book, in the order [`Band::index`] needs.
    pub fn bands(&self) -> Vec<Band> {
        self.bands.clone()
    }

    /// The smallest prompt of a band, to ask for its price with.
    pub fn band_prompt(&self, band: u8) -> u64 {
        let lower = usize::from(band).checked_sub(1).and_then(|index| self.bands.get(index));
        lower.map_or(0, |band| band.tokens + u64::from(!band.inclusive))
    }

    /// The book's id for a name as logs, bills and consoles write it, at an instant. Never a guess.
    pub fn resolve(&self, seller: &str, name: &str, at: i64) -> Option<&str> {
        self.resolve_name(seller, name, at).map(|named| named.model)
    }

    /// The model, and the region and tier that the name itself says.
    pub fn resolve_name(&self, seller: &str, name: &str, at: i64) -> Option<Named<'_>> {
        self.sellers.get(seller)?.names.resolve(name, at)
    }

    /// What a name means from each instant on, at which one of its targets starts; the first holds since ever.
    pub fn meanings(&self, seller: &str, name: &str) -> Vec<(i64, Option<&str>)> {
        let Some(book) = self.sellers.get(seller) else { return Vec::new() };
        let starts: BTreeSet<i64> = [i64::MIN].into_iter().chain(book.names.targets()).collect();
        let model = |from| book.names.resolve(name, from).map(|named| named.model);
        let mut meanings: Vec<(i64, Option<&str>)> =
            starts.into_iter().map(|from| (from, model(from))).collect();
        meanings.dedup_by_key(|(_, model)| *model);
        meanings
    }

    /// Every exact name of the seller's models, in lower case.
    pub fn names(&self, seller: &str) -> impl Iterator<Item = &str> {
        self.sellers.get(seller).into_iter().flat_map(|book| book.names.all())
    }

    /// The seller's models, by id.
    pub fn models(&self, seller: &str) -> impl Iterator<Item = &Model> {
        self.sellers.get(seller).into_iter().flat_map(|book| book.names.models.values())
    }

    /// Every row of a model and meter, whatever its tier, region or time: superseded, withdrawn and overlaid ones too.
    pub fn rows(&self, seller: &str, model: &str, meter: Meter) -> Vec<&PriceRow> {
        let shelf = self.sellers.get(seller).and_then(|book| book.shelf(model, meter));
        shelf.map_or_else(Vec::new, |shelf| shelf.rows.iter().collect())
    }

    /// Instants `t` with `first < t <= last` at which a price of the model can change, a window of its prices opens or
    /// closes, or one of its names can move. Ask for a period, not for ever: a window has edges every day.
    pub fn price_changes(&self, seller: &str, model: &str, first: i64, last: i64) -> Vec<i64> {
        let mut changes = self.row_changes(seller, model, first, last);
        let windows = self.shelves(seller, model).flat_map(|shelf| shelf.windows());
        let windows: BTreeMap<&str, _> = windows.map(|window| (&*window.id, window)).collect();
        changes.extend(windows.values().flat_map(|window| window.edges(first, last)));
        changes.sort_unstable();
        changes.dedup();
        changes
    }

    /// The same without the edges of windows.
    pub fn row_changes(&self, seller: &str, model: &str, first: i64, last: i64) -> Vec<i64> {
        let Some(book) = self.sellers.get(seller) else { return Vec::new() };
        let rows = self.shelves(seller, model).flat_map(|shelf| &shelf.rows).map(|row| row.from);
        let rules = self.modifiers.iter().filter(|rule| rule.seller == seller);
        let rules = rules.flat_map(|rule| rule.from.into_iter().chain(rule.to));
        let terms = self.terms.iter().filter(|term| term.seller == seller);
        let terms = terms.flat_map(|term| [term.from].into_iter().chain(term.to));
        let changes = rows.chain(rules).chain(terms).chain(book.names.moves(model));
        let mut changes: Vec<i64> = changes.filter(|at| first < *at && *at <= last).collect();
        changes.sort_unstable();
        changes.dedup();
        changes
    }

    /// True where some price of the meter holds in a named window only.
    pub fn has_window(&self, seller: &str, model: &str, meter: Meter) -> bool {
        let shelf = self.sellers.get(seller).and_then(|book| book.shelf(model, meter));
        shelf.is_some_and(|shelf| shelf.windows().next().is_some())
    }

    /// The rows that price a model, with those of every model.
    fn shelves(&self, seller: &str, model: &str) -> impl Iterator<Item = &select::Shelf> {
        let shelves = self.sellers.get(seller).map(|book| &book.shelves);
        let own = shelves.and_then(|shelves| shelves.get(model));
        own.into_iter().chain(shelves.and_then(|shelves| shelves.get("*"))).flat_map(|meters| meters.values())
    }

    /// Sellers that have a model in the book, by id.
    pub fn sellers(&self) -> impl Iterator<Item = &'static str> {
        self.sellers.keys().copied()
    }

    /// Every whole name of a model at an instant: spellings in lower case, and the aliases that point to it.
    pub fn spellings<'b>(&'b self, seller: &str, model: &'b str, at: i64) -> impl Iterator<Item = &'b str> {
        let names = self.sellers.get(seller).map(|book| &book.names);
        names.into_iter().flat_map(move |names| names.of(model, at))
    }

    /// Every row of a seller, by model, meter, key, `from`, layer and revision.
    pub fn ledger(&self, seller: &str) -> impl Iterator<Item = &PriceRow> {
        let book = self.sellers.get(seller).into_iter();
        book.flat_map(|book| book.shelves.values())
            .flat_map(|meters| meters.values())
            .flat_map(|shelf| &shelf.rows)
    }

    /// The contracts' terms, in the order in which they stack.
    pub fn terms(&self) -> &[terms::Term] {
        &self.terms
    }

    /// Factors that modifiers put on a price in the region, or that the seller is known to put there.
    pub fn region_factors(&self, seller: &str, region: &str) -> impl Iterator<Item = Ratio> {
        let rules =
            self.modifiers.iter().filter(move |rule| rule.seller == seller && rule.names_region(region));
        let known =
            self.uplifts.iter().filter(move |known| known.seller == seller && known.names_region(region));
        rules.map(|rule| rule.factor).chain(known.flat_map(|known| known.factors.iter().copied()))
    }

    /// Regions that a row, rule or `[[region]]` of the seller speaks of; a final `*` stands for any ending.
    pub fn regions(&self, seller: &str) -> BTreeSet<&str> {
        let rows = self.ledger(seller).map(|row| &*row.region).filter(|region| *region != "*");
        let parents = self.sellers.get(seller).into_iter().flat_map(|book| &book.parents);
        let parents = parents.flat_map(|(region, parent)| [&**region, &**parent]);
        let rules = self.modifiers.iter().filter(|rule| rule.seller == seller);
        let known = self.uplifts.iter().filter(|known| known.seller == seller);
        let patterns = rules.flat_map(|rule| &rule.regions).chain(known.flat_map(|known| &known.regions));
        ["global"].into_iter().chain(rows).chain(parents).chain(patterns.map(String::as_str)).collect()
    }

    /// What a row's source id stands for.
    pub fn evidence(&self, source: &str) -> Option<&Evidence> {
        self.evidence.get(source)
    }
}
