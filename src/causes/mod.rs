//! Why do they differ? A cause is a data row; a patch family is code that proposes edits from the evidence.
//!
//! The families run in one canonical order, that of [`FAMILIES`]: who pays and for which days, what was recorded, which
//! model, meter, tier and region, what was never counted, the search, at which price. Every accepted patch is re-priced
//! exactly, its amount is the fall of `billed − priced`, so the sum of all amounts and what is left is the difference,
//! always; where patches meet in a cell they share it fairly. A patch whose dollars do not end in cells that tie out, to
//! rounding or to the noise of the log, is taken back.

pub mod between;
pub mod calendar;
pub mod catalogue;
pub mod coverage;
pub mod engine;
mod everywhere;
pub mod factor;
pub mod fitted;
pub mod increment;
pub mod logged;
pub mod lost;
mod lost_calls;
mod lost_rows;
pub mod mapping;
pub mod meter_move;
pub mod missing_price;
pub mod modifier;
pub mod noise;
pub mod overlap;
pub mod price;
pub mod record;
pub mod remedy;
pub mod repeated;
pub mod search;
mod shares;
mod some_calls;
pub mod transfer;
pub mod uncounted;
pub mod uncounted_amounts;
pub mod unlogged;
mod went_along;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::Day;
use crate::pricebook::Pricebook;
use crate::rate::Account;
use crate::reconcile::{BillKey, CellKey, Edit, Part, State};
use crate::vocabulary::{Meter, Tier};

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Shown by fields of the log or the bill alone, and the cells tie out.
    Proven,
    /// Re-priced to the last step on enough independent cells, no rival.
    Exact,
    /// Fits, but rests on a fitted number or on fewer tests.
    Probable,
    /// Fits as well as its rivals.
    Ambiguous,
    /// Cannot be tested with these inputs.
    ConsistentOnly,
}

impl Status {
    pub const fn id(self) -> &'static str {
        match self {
            Status::Proven => "proven",
            Status::Exact => "exact",
            Status::Probable => "probable",
            Status::Ambiguous => "ambiguous",
            Status::ConsistentOnly => "consistent-only",
        }
    }
}

/// Where a finding holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    pub account: Option<Account>,
    pub models: BTreeSet<Arc<str>>,
    pub meters: BTreeSet<Meter>,
    pub tiers: BTreeSet<Tier>,
    pub regions: BTreeSet<Arc<str>>,
    pub keys: BTreeSet<Arc<str>>,
    pub first: Option<Day>,
    pub last: Option<Day>,
}

impl Scope {
    pub fn of(account: &Account) -> Scope {
        Scope { account: Some(account.clone()), ..Scope::default() }
    }

    /// Widens the scope to a cell.
    pub fn cover(&mut self, cell: &CellKey) {
        self.models.extend(cell.model.clone());
        self.days(cell.first, cell.last);
    }

    pub fn days(&mut self, first: Day, last: Day) {
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        self.last = Some(self.last.map_or(last, |known| known.max(last)));
    }
}

/// A fact that lets a reader recompute the amount by hand.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    pub name: String,
    pub value: String,
    /// `file:line`, or empty where the fact is a sum.
    pub origin: String,
}

impl Fact {
    pub fn new(name: impl Into<String>, value: impl ToString) -> Fact {
        Fact { name: name.into(), value: value.to_string(), origin: String::new() }
    }
    pub fn at(mut self, origin: impl ToString) -> Fact {
        self.origin = origin.to_string();
        self
    }
}

/// What to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fix {
    pub kind: &'static str,
    pub text: String,
    /// Text to add somewhere: a price row, a table of `llmfin.toml`; empty where nothing can be typed.
    pub patch: String,
}

/// One changed assumption with its reasons. It carries no amount: re-pricing gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// What it changes, in the same words every time it is proposed: a patch that did not close is known by it.
    pub name: String,
    pub cause: &'static str,
    pub status: Status,
    pub scope: Scope,
    pub edits: Vec<Edit>,
    pub facts: Vec<Fact>,
    pub rivals: Vec<String>,
    pub decides: Option<String>,
    pub fix: Option<Fix>,
}

/// A patch with what it explains, cell by cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub patch: Patch,
    pub cells: BTreeMap<CellKey, Money>,
    /// The same by owner, before claims that meet in a cell have shared it.
    parts: BTreeMap<Part, Money>,
}

impl Claim {
    fn new(mut patch: Patch, parts: BTreeMap<Part, Money>) -> Claim {
        // What is undecided has a rival, if only itself told of other traffic, of another region or model.
        if patch.status == Status::Ambiguous && patch.rivals.is_empty() {
            patch.rivals.push(patch.cause.to_owned());
        }
        let mut cells: BTreeMap<CellKey, Money> = BTreeMap::new();
        for ((cell, _), amount) in &parts {
            *cells.entry(cell.clone()).or_default() += *amount;
        }
        cells.retain(|_, amount| !amount.is_zero());
        Claim { patch, cells, parts }
    }

    pub fn amount(&self) -> Money {
        self.cells.values().sum()
    }
}

/// A patch family: reads the state, proposes patches.
pub struct Family {
    pub name: &'static str,
    /// It looks at what is each owner's by itself; else at everybody together, as the prices and clocks of a bill are
    /// the same for all.
    pub apart: bool,
    pub propose: Propose,
}

type Propose = fn(&State) -> Result<Vec<Patch>>;

impl Family {
    const fn of_each(name: &'static str, propose: Propose) -> Family {
        Family { name, apart: true, propose }
    }

    const fn of_all(name: &'static str, propose: Propose) -> Family {
        Family { name, apart: false, propose }
    }
}

/// The canonical order. A set of patches has one meaning because it is always applied in this order.
pub static FAMILIES: &[Family] = &[
    Family::of_each("repeated lines", repeated::propose),
    Family::of_each("between accounts", between::propose),
    Family::of_all("coverage", coverage::propose),
    Family::of_each("unlogged meters", unlogged::propose),
    // Before the repair of records, whose tokens are looked for on the days they were billed.
    Family::of_each("calendar", calendar::propose),
    Family::of_each("billed when it ended", calendar::ended::propose),
    Family::of_each("billed the next day", calendar::next_day::propose),
    Family::of_each("late arrival", calendar::late::propose),
    Family::of_each("missing days", calendar::missing::propose),
    Family::of_all("account factor", factor::propose),
    Family::of_each("supposed price", price::supposed::propose),
    Family::of_each("record repair", record::not_billed),
    Family::of_each("mapping", mapping::propose),
    Family::of_each("meter move", meter_move::propose),
    Family::of_each("overlap", overlap::propose),
    Family::of_each("modifier", modifier::propose),
    Family::of_each("increment", increment::propose),
    Family::of_each("uncounted", uncounted::propose),
    Family::of_each("lost counts", lost::propose),
    Family::of_each("lost calls", lost_calls::propose),
    Family::of_each("tariff", calendar::tariff::propose),
    // A meter without a price leaves whole amounts open that other stories share.
    Family::of_all("unlisted meter", fitted::unlisted::propose),
    Family::of_each("search", search::propose),
    Family::of_each("meter move at told prices", meter_move::at_told_prices),
    Family::of_each("some calls", some_calls::propose),
    Family::of_each("lost rows", lost_rows::propose),
    Family::of_all("price row", price::propose),
    Family::of_each("price row of one owner", price::of_each_owner),
    Family::of_all("fitted price", fitted::propose),
    Family::of_all("scaled price", search::scaled::propose),
    Family::of_each("modifier on a rounded bill", modifier::rounded),
    Family::of_all("uncounted amounts", uncounted_amounts::propose),
    Family::of_all("missing price", missing_price::propose),
];

/// Price scopes to try for meters of a model where neither side says which: those that its seller prices apart, and the
/// areas that many sellers have.
fn regions<'b>(
    book: &'b Pricebook,
    seller: &str,
    model: &str,
    meters: impl Iterator<Item = Meter>,
) -> BTreeSet<&'b str> {
    let rows = meters.flat_map(|meter| book.rows(seller, model, meter));
    rows.map(|row| &*row.region).filter(|region| *region != "*").chain(AREAS).collect()
}

const AREAS: [&str; 3] = ["global", "geo:us", "geo:eu"];

/// Causes that multiply every meter by a ratio: a region of the seller's, or a tier as sellers price them.
fn modifiers(book: &Pricebook, seller: &str, ratio: Ratio) -> Vec<&'static str> {
    let regions = book.regions(seller).into_iter();
    let region = regions.flat_map(|region| book.region_factors(seller, region)).any(|factor| factor == ratio);
    let is = |a, b| Ratio::new(a, b) == Some(ratio);
    let mut causes: Vec<&'static str> = region.then_some("rate.region_uplift").into_iter().collect();
    if is(1, 2) {
        causes.push("rate.batch");
    }
    if is(1, 2) || is(2, 1) {
        causes.push("rate.service_tier");
    }
    causes
}

/// What a log that has everything twice may have.
const TWICE: [&str; 2] = ["qty.duplicate", "qty.rollup_duplicate"];

/// How many keys they are, of everybody together.
fn of_all<'k>(keys: impl Iterator<Item = &'k BillKey>) -> usize {
    keys.map(BillKey::of_all).collect::<BTreeSet<BillKey>>().len()
}

/// Every cell, in order.
pub fn cells(state: &State) -> BTreeSet<CellKey> {
    let mut cells = BTreeSet::new();
    let mut last: Option<&CellKey> = None;
    for key in state.logged.keys().chain(state.billed.keys()) {
        if last != Some(&key.cell) {
            cells.insert(key.cell.clone());
            last = Some(&key.cell);
        }
    }
    cells
}
