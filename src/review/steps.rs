//! A price as a step function of time: for each key of a book, which row holds from which instant on.
//!
//! Computed from the rows alone, so that it can be held against what the engine answers.

use std::collections::BTreeMap;
use std::fmt;

use crate::money::Ratio;
use crate::pricebook::{PriceRow, Pricebook};
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, PriceStatus, SELLERS, Tier};

/// What a price is a price of. Rows of one key replace each other in time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub seller: &'static str,
    pub model: Box<str>,
    pub meter: Meter,
    pub tier: Option<Tier>,
    pub ctx: Option<Band>,
    pub region: Box<str>,
    pub window: Box<str>,
}

impl Key {
    pub fn of(seller: &'static str, row: &PriceRow) -> Key {
        Key {
            seller,
            model: row.model.clone(),
            meter: row.meter,
            tier: row.tier,
            ctx: row.ctx,
            region: row.region.clone(),
            window: row.window.clone(),
        }
    }

    pub fn tier_text(&self) -> &'static str {
        self.tier.map_or("*", Tier::id)
    }

    /// `0`, `>272000` or `>=200000`, as in the ledger.
    pub fn ctx_text(&self) -> String {
        self.ctx.map_or_else(
            || "0".to_owned(),
            |band| format!("{}{}", if band.inclusive { ">=" } else { ">" }, band.tokens),
        )
    }

    /// What is left of the key when its model is known, without what is the usual case: `input batch >272000`.
    pub fn short(&self) -> String {
        let mut text = self.meter.id().to_owned();
        let tier = self.tier.filter(|tier| *tier != Tier::Standard).map(Tier::id);
        let ctx = self.ctx.map(|_| self.ctx_text());
        let region = Some(&*self.region).filter(|region| !matches!(*region, "global" | "*"));
        let window = Some(&*self.window).filter(|window| *window != "*");
        for part in [tier, ctx.as_deref(), region, window].into_iter().flatten() {
            text.push(' ');
            text.push_str(part);
        }
        text
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} {}", self.seller, self.model, self.short())
    }
}

/// The rows of one key.
#[derive(Debug, Clone, Default)]
pub struct Ladder<'b> {
    /// Every row, superseded and withdrawn ones too, by `from`, layer and revision.
    pub rows: Vec<&'b PriceRow>,
    /// Each row that comes to hold, with the instant from which it does.
    pub steps: Vec<(i64, &'b PriceRow)>,
}

impl<'b> Ladder<'b> {
    /// The row that holds at an instant.
    pub fn at(&self, at: i64) -> Option<&'b PriceRow> {
        self.steps.iter().rev().find(|(from, _)| *from <= at).map(|(_, row)| *row)
    }

    /// The row that decides about a start: the last of its layer and revision.
    pub fn decides(&self, from: i64) -> Option<&'b PriceRow> {
        self.rows.iter().rev().find(|row| row.from == from).copied()
    }

    /// A row of a higher layer outranks every later one of a lower layer; the last revision of a start decides
    /// about it, and if that is a withdrawal, nothing starts there.
    fn climb(&mut self) {
        self.rows.sort_by_key(|row| (row.from, row.layer, row.rev));
        let mut rows = self.rows.iter().copied().peekable();
        while let Some(row) = rows.next() {
            let replaced = rows.peek().is_some_and(|next| next.from == row.from);
            let outranked = self.steps.last().is_some_and(|(_, held)| held.layer > row.layer);
            if !replaced && !outranked && row.status != PriceStatus::Withdrawn {
                self.steps.push((row.from, row));
            }
        }
    }
}

/// Every key of a book with its rows.
pub type Ladders<'b> = BTreeMap<Key, Ladder<'b>>;

pub fn ladders(book: &Pricebook) -> Ladders<'_> {
    let mut ladders = Ladders::new();
    for seller in SELLERS {
        for row in book.ledger(seller.id) {
            ladders.entry(Key::of(seller.id, row)).or_default().rows.push(row);
        }
    }
    ladders.values_mut().for_each(Ladder::climb);
    ladders
}

/// The price of a row for the quantity it is read in: a million tokens, or as many units as the page sells.
pub fn price_text(unit: Ratio, per: u64) -> String {
    Ratio::new(per.into(), 1).and_then(|per| unit.checked_mul(per)).unwrap_or(unit).decimal_text(12)
}

/// The quantity that prices of a row are read in.
pub fn per(row: &PriceRow) -> u64 {
    if row.meter.is_token() { 1_000_000 } else { row.per }
}

/// `1M`, `1K`, or the digits.
pub fn per_text(per: u64) -> String {
    match per {
        1_000_000 => "1M".to_owned(),
        1_000 => "1K".to_owned(),
        other => other.to_string(),
    }
}
