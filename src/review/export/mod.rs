//! The prices of one instant in the form of LiteLLM's price map, and what that form cannot say.
//!
//! ```json
//! {"gpt-5.6-luna": {"input_cost_per_token": 0.0000002, "litellm_provider": "openai", "mode": "chat"}}
//! ```

mod keys;
mod names;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::diagnostic::Origin;
use crate::money::Ratio;
use crate::pricebook::{Model, PriceQuery, PriceRow, Pricebook, ctx_rank};
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, PriceStatus, Tier};

/// What no entry can say, by the reason, with the models it concerns.
pub type LeftOut = BTreeMap<&'static str, BTreeSet<String>>;

#[derive(Debug, Default)]
pub struct Export {
    /// Entries by LiteLLM's name of the model.
    pub map: BTreeMap<String, Value>,
    pub left_out: LeftOut,
}

impl Export {
    /// The map as LiteLLM reads it, numbers as exact decimals.
    pub fn json(&self) -> String {
        let map: Map<String, Value> =
            self.map.iter().map(|(name, entry)| (name.clone(), entry.clone())).collect();
        let text = serde_json::to_string_pretty(&Value::Object(map)).expect("a map of texts and numbers");
        format!("{text}\n")
    }
}

/// The map of every model that has a price at the instant.
pub fn litellm(book: &Pricebook, sellers: &[&str], at: i64) -> Export {
    let mut export = Export::default();
    for seller in book.sellers().filter(|id| sellers.is_empty() || sellers.contains(id)) {
        let rows: BTreeMap<&Origin, &PriceRow> = book.ledger(seller).map(|row| (&row.origin, row)).collect();
        for model in book.models(seller) {
            let shop = Shop { book, seller, model, at, rows: &rows };
            shop.export(&mut export);
        }
    }
    export
}

/// One model of one seller at one instant.
struct Shop<'a> {
    book: &'a Pricebook,
    seller: &'static str,
    model: &'a Model,
    at: i64,
    rows: &'a BTreeMap<&'a Origin, &'a PriceRow>,
}

/// A price in force, and the row it came from.
struct Found<'a> {
    unit: Ratio,
    row: &'a PriceRow,
    derived: bool,
    unverified: bool,
    /// It changes within the day.
    hourly: bool,
}

impl Shop<'_> {
    fn export(&self, export: &mut Export) {
        let (own, ended): (Vec<&PriceRow>, Vec<&PriceRow>) =
            self.own().into_iter().partition(|row| row.unit.is_some());
        let bands: BTreeSet<(u64, bool)> =
            own.iter().filter_map(|row| row.ctx).map(|band| (band.tokens, band.inclusive)).collect();
        let mut said: BTreeSet<&Origin> = BTreeSet::new();
        let mut spoken: Vec<(&str, Tier)> = Vec::new();
        for (region, names) in names::regions(self, &own) {
            let mut entry = BTreeMap::new();
            for meter in Meter::ALL.iter().copied() {
                for tier in Tier::ALL.iter().copied() {
                    let edges = bands
                        .iter()
                        .map(|(tokens, inclusive)| Some(Band { tokens: *tokens, inclusive: *inclusive }));
                    for band in std::iter::once(None).chain(edges) {
                        let Some(found) = self.price(meter, tier, &region, band) else { continue };
                        if !found.speaks_of(meter, tier, &region, band) {
                            continue;
                        }
                        let Some(key) = keys::key(self.seller, meter, tier, band) else { continue };
                        said.insert(&found.row.origin);
                        self.remark(export, &found, band);
                        entry.insert(key, keys::value(meter, found.unit));
                    }
                }
            }
            if entry.is_empty() {
                continue;
            }
            spoken.extend(names::factors(self, &own, &mut entry));
            keys::describe(self, &mut entry);
            let entry: Map<String, Value> = entry.into_iter().collect();
            for name in names {
                export.map.insert(name, Value::Object(entry.clone()));
            }
        }
        let factored = |row: &PriceRow| {
            let tier = row.tier.unwrap_or(Tier::Standard);
            row.meter.is_token()
                && spoken.iter().any(|(region, other)| *region == &*row.region && *other == tier)
        };
        if !own.is_empty() && ended.iter().any(|row| row.ctx.is_some()) {
            self.say(
                export,
                "a prompt size that is no longer sold: LiteLLM charges the price of a shorter one",
            );
        }
        for row in own.iter().filter(|row| !said.contains(&row.origin) && !factored(row)) {
            self.leave_out(export, row);
        }
    }

    /// The model's rows in force at the instant, at any hour of the day; those that end a price are among them.
    fn own(&self) -> Vec<&PriceRow> {
        let rows = Meter::ALL.iter().flat_map(|meter| self.book.rows(self.seller, &self.model.id, *meter));
        let mut last: BTreeMap<_, &PriceRow> = BTreeMap::new();
        for row in rows.filter(|row| row.from <= self.at && row.status != PriceStatus::Withdrawn) {
            // By key the rows are in order of their start, layer and revision.
            last.insert((row.meter, row.tier, ctx_rank(row.ctx), &row.region, &row.window), row);
        }
        last.into_values().collect()
    }

    /// The price of a prompt just inside the band. Where it depends on the hour, the dearest of the day.
    fn price(&self, meter: Meter, tier: Tier, region: &str, band: Option<Band>) -> Option<Found<'_>> {
        let at = |hour: i64| PriceQuery {
            seller: self.seller,
            model: &self.model.id,
            meter,
            tier,
            region,
            prompt: band.map_or(0, |band| band.tokens + u64::from(!band.inclusive)),
            at: self.at + hour * 3600,
        };
        let rows = self.book.rows(self.seller, &self.model.id, meter);
        let hours = if rows.iter().any(|row| &*row.window != "*") { 0..24 } else { 0..1 };
        let mut prices = hours.filter_map(|hour| self.book.price(&at(hour)).ok());
        let mut best = prices.next()?;
        let mut hourly = false;
        for other in prices {
            hourly |= other.unit != best.unit;
            if keys::above(other.unit, best.unit) {
                best = other;
            }
        }
        let row = *self.rows.get(&best.row)?;
        Some(Found {
            unit: best.unit,
            row,
            derived: !best.factors.is_empty(),
            unverified: best.unverified,
            hourly,
        })
    }

    fn remark(&self, export: &mut Export, found: &Found, band: Option<Band>) {
        let mut say = |why| self.say(export, why);
        if band.is_some_and(|band| band.inclusive) {
            say(
                "a boundary that counts itself: LiteLLM charges a prompt of exactly that size the lower price",
            );
        }
        if found.hourly {
            say("hours of the day: the map has the dearest price of the day");
        }
        if found.unverified {
            say("an unverified price: it is in the map like any other");
        }
    }

    fn leave_out(&self, export: &mut Export, row: &PriceRow) {
        let tier = row.tier.unwrap_or(Tier::Standard);
        let why = match () {
            () if &*row.window != "*" => "hours of the day: the map has the dearest price of the day",
            () if keys::key(self.seller, row.meter, Tier::Standard, None).is_none() => {
                "a unit that LiteLLM has no key for"
            }
            () if keys::key(self.seller, row.meter, tier, None).is_none() => {
                "a tier that LiteLLM has no key for"
            }
            () if keys::key(self.seller, row.meter, tier, row.ctx).is_none() => {
                "a boundary that is no multiple of 1,000 tokens"
            }
            () => "a region that LiteLLM has no name for",
        };
        self.say(export, why);
    }

    fn say(&self, export: &mut Export, why: &'static str) {
        export.left_out.entry(why).or_default().insert(format!("{}/{}", self.seller, self.model.id));
    }
}

impl Found<'_> {
    /// True where the price is the very one asked for, by a row or by a declared factor, and not one that stands in.
    fn speaks_of(&self, meter: Meter, tier: Tier, region: &str, band: Option<Band>) -> bool {
        self.row.meter == meter
            && ctx_rank(self.row.ctx) == ctx_rank(band)
            && (self.derived || self.row.tier.is_none() || self.row.tier == Some(tier))
            && (self.row.tier.is_some() || tier == Tier::Standard)
            && (self.derived || matches!(&*self.row.region, "*" | "global") || *self.row.region == *region)
    }
}
