//! Where the bill follows another version of the book's own prices, the rows nobody used follow it too: else a long
//! prompt or a faster tier would cost less than the plain one until they are read again.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::PriceStep;
use super::price::LedgerKey;
use crate::money::Ratio;
use crate::pricebook::{PriceQuery, Pricebook};
use crate::vocabulary::{Meter, Tier};

/// Steps of the model's other rows, from the same day on. `used`: keys that price usage, which speak for themselves.
pub fn siblings(book: &Pricebook, steps: &[PriceStep], used: &BTreeSet<LedgerKey>) -> Vec<PriceStep> {
    let mut groups: BTreeSet<(&Arc<str>, &Arc<str>, crate::period::Day)> = BTreeSet::new();
    groups.extend(
        steps.iter().filter(|step| !step.restored).map(|step| (&step.seller, &step.model, step.from)),
    );
    let mut found = Vec::new();
    for (seller, model, from) in groups {
        let changed: Vec<&PriceStep> = steps
            .iter()
            .filter(|step| {
                (&step.seller, &step.model, step.from, step.restored) == (seller, model, from, false)
            })
            .collect();
        let Some(version) = version(book, &changed) else { continue };
        for key in keys(book, seller, model).into_iter().filter(|key| !used.contains(key)) {
            let (then, now) = (price(book, &key, version), price(book, &key, from.start()));
            let Some(unit) = then.filter(|then| now.is_some_and(|now| now != *then)) else { continue };
            found.push(key.step(from, unit));
        }
    }
    found
}

/// The latest instant at which the book had all the new prices.
fn version(book: &Pricebook, changed: &[&PriceStep]) -> Option<i64> {
    let first = changed.first()?;
    let rows = book.rows(&first.seller, &first.model, first.meter);
    let instants: BTreeSet<i64> =
        rows.iter().filter(|row| row.unit == Some(first.unit)).map(|row| row.from).collect();
    let holds =
        |at: &i64| changed.iter().all(|step| price(book, &LedgerKey::of(step), *at) == Some(step.unit));
    instants.into_iter().rev().find(holds)
}

/// Keys of the model's own rows that hold at any hour.
fn keys(book: &Pricebook, seller: &Arc<str>, model: &Arc<str>) -> BTreeSet<LedgerKey> {
    let rows = Meter::ALL.iter().flat_map(|meter| book.rows(seller, model, *meter));
    rows.filter(|row| &*row.window == "*")
        .map(|row| LedgerKey {
            seller: seller.clone(),
            model: model.clone(),
            meter: row.meter,
            tier: row.tier,
            ctx: row.ctx,
            region: (&*row.region).into(),
        })
        .collect()
}

/// The price of the key's own row at an instant.
pub(super) fn price(book: &Pricebook, key: &LedgerKey, at: i64) -> Option<Ratio> {
    let query = PriceQuery {
        seller: &key.seller,
        model: &key.model,
        meter: key.meter,
        tier: key.tier.unwrap_or(Tier::Standard),
        region: if &*key.region == "*" { "global" } else { &key.region },
        prompt: key.ctx.map_or(0, |band| band.tokens + u64::from(!band.inclusive)),
        at,
    };
    let priced = book.list_price(&query).ok()?;
    let rows = book.rows(&key.seller, &key.model, key.meter);
    let row = rows.into_iter().find(|row| row.origin == priced.row)?;
    let own = (row.tier, row.ctx, &*row.region) == (key.tier, key.ctx, &*key.region);
    (own && priced.factors.is_empty()).then_some(priced.unit)
}
