//! What a book says of one model: its prices at an instant, and every step they took.

#[cfg(test)]
mod tests;
pub mod upcoming;

use std::collections::BTreeSet;

use super::steps::{Key, Ladder, Ladders, price_text};
use crate::diagnostic::nearest;
use crate::money::Ratio;
use crate::pricebook::{PriceQuery, PriceRow, Pricebook};
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, PriceStatus, Tier};

/// What a name means at a seller, from one instant to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    pub seller: &'static str,
    pub model: String,
    pub from: i64,
    pub to: Option<i64>,
}

/// Everything a name has meant, seller by seller, in the order of time.
pub fn meanings(book: &Pricebook, seller: Option<&str>, name: &str) -> Vec<Meaning> {
    let mut found = Vec::new();
    for id in book.sellers().filter(|id| seller.is_none_or(|wanted| wanted == *id)) {
        let spans = book.meanings(id, name);
        for (index, (from, model)) in spans.iter().enumerate() {
            let to = spans.get(index + 1).map(|(next, _)| *next);
            found.extend(model.map(|model| Meaning { seller: id, model: model.to_owned(), from: *from, to }));
        }
    }
    found
}

/// Models whose id is close to a name that none has.
pub fn similar(book: &Pricebook, seller: Option<&str>, name: &str) -> Option<String> {
    let sellers = book.sellers().filter(|id| seller.is_none_or(|wanted| wanted == *id));
    let ids: BTreeSet<&str> = sellers.flat_map(|id| book.models(id)).map(|model| &*model.id).collect();
    nearest(name, ids.into_iter()).map(ToOwned::to_owned)
}

/// Keys of a model with the seller's prices for every model, limited to a meter and tier where one is asked for.
pub fn keys<'l, 'b>(
    ladders: &'l Ladders<'b>,
    seller: &'l str,
    model: &'l str,
    meter: Option<Meter>,
    tier: Option<Tier>,
) -> impl Iterator<Item = (&'l Key, &'l Ladder<'b>)> {
    ladders.iter().filter(move |(key, _)| {
        key.seller == seller
            && (*key.model == *model || &*key.model == "*")
            && meter.is_none_or(|meter| meter == key.meter)
            && tier.is_none_or(|tier| key.tier.is_none_or(|of| of == tier))
    })
}

/// What should make a reader pause at a price: its status or its note says that it is not certain.
pub fn doubt(row: &PriceRow) -> Option<&'static str> {
    if row.status == PriceStatus::Estimated {
        return Some("estimated");
    }
    let note = row.note.to_ascii_lowercase();
    ["disputed", "unverified"].into_iter().find(|word| note.contains(word))
}

/// A price that has no row of its own and is made from another tier's by factors.
pub struct Derived<'b> {
    pub unit: Ratio,
    /// What the factors are on top of: any tier's or region's.
    pub row: &'b PriceRow,
    /// `0.5 (anthropic-batch)`
    pub factors: String,
}

/// The price of a tier that `like` has no row for, where a rule says how it is made.
pub fn derived<'b>(book: &'b Pricebook, like: &Key, tier: Tier, at: i64) -> Option<Derived<'b>> {
    let query = PriceQuery {
        seller: like.seller,
        model: &like.model,
        meter: like.meter,
        tier,
        region: &like.region,
        prompt: like.ctx.map_or(0, first),
        at,
    };
    let priced = book.price(&query).ok().filter(|priced| !priced.factors.is_empty())?;
    let row = book.select(&query).ok()?.row;
    let factors = priced.factors.iter().map(|(id, factor)| format!("{} ({id})", price_text(*factor, 1)));
    Some(Derived { unit: priced.unit, row, factors: factors.collect::<Vec<_>>().join(" × ") })
}

/// The smallest prompt of a band.
fn first(band: Band) -> u64 {
    band.tokens + u64::from(!band.inclusive)
}
