//! The price book: dated rows, rules and aliases, and the one question the rest asks of it: what did one unit cost?
//!
//! Prices are an append-only ledger (`pricebooks/prices/<seller>.csv`); rules are TOML beside it. A price is a step
//! function of `from`. Nothing is matched fuzzily and nothing falls back in silence: no row is an error to report.

use std::sync::Arc;

use crate::diagnostic::Origin;
use crate::money::Ratio;
use crate::vocabulary::{Meter, Tier};

/// What a price depends on, for one unit of one meter.
#[derive(Debug, Clone, Copy)]
pub struct PriceQuery<'a> {
    pub seller: &'a str,
    /// The book's id of the model (resolve names first).
    pub model: &'a str,
    pub meter: Meter,
    pub tier: Tier,
    /// `global`, `geo:us`, …; empty when unknown, which is priced as `global`.
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
    /// Origin of the ledger row: `prices/openai.csv:214`.
    pub row: Origin,
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
    /// A row says the model is no longer sold.
    Ended,
}
