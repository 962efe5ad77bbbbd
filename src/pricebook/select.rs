//! Which row prices a request, and with which factors: the order is fixed and nothing falls back in silence.
//!
//! 1. The model's own rows of the meter, else the seller's rows for every model, else the meter's parent.
//! 2. The tier served, exactly; a missing tier is made from the standard row only by a declared modifier.
//! 3. The region exactly, then its declared parents, then `global`.
//! 4. The largest context boundary that the prompt satisfies. A tier without the boundary that the standard tier has
//!    at that size does not price the request.
//! 5. The overlay before the shipped book, then the latest `from`.
//! 6. Modifiers in order, then the contract.

use super::row::PriceRow;
use super::terms::Kind;
use super::{NoPrice, PriceQuery, Pricebook, Priced};
use crate::money::Ratio;
use crate::vocabulary::{PriceStatus, Tier};

/// The rows of one model and meter.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    /// Every row, sorted by key, `from`, layer and revision.
    pub rows: Vec<PriceRow>,
    /// Indices of the rows that neither a revision replaced nor a withdrawal cancelled.
    live: Vec<u32>,
}

impl Shelf {
    pub fn new(mut rows: Vec<PriceRow>) -> Shelf {
        rows.sort_by(|a, b| (a.key(), a.from, a.layer, a.rev).cmp(&(b.key(), b.from, b.layer, b.rev)));
        let mut live = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            let replaced =
                rows.get(index + 1).is_some_and(|next| next.key() == row.key() && next.from == row.from);
            if !replaced && row.status != PriceStatus::Withdrawn {
                live.push(index as u32);
            }
        }
        Shelf { rows, live }
    }

    /// Among the live rows in force for the tier and region, the one that outranks the others.
    fn best(&self, query: &PriceQuery, tier: Tier, region: &str) -> Option<&PriceRow> {
        self.live
            .iter()
            .filter_map(|index| self.rows.get(*index as usize))
            .filter(|row| {
                row.from <= query.at
                    && row.tier.is_none_or(|served| served == tier)
                    && (*row.region == *region || &*row.region == "*")
                    && row.holds(query.prompt)
            })
            .max_by_key(|row| (row.ctx_rank(), row.tier.is_some(), &*row.region != "*", row.layer, row.from))
    }

    /// The row for the tier, in the nearest region that has one for a prompt of this size.
    fn row(&self, query: &PriceQuery, tier: Tier, regions: &[&str]) -> Option<&PriceRow> {
        let standard = regions.iter().filter_map(|region| self.best(query, Tier::Standard, region));
        let repriced_from = standard.map(PriceRow::ctx_rank).max().unwrap_or(0);
        regions
            .iter()
            .filter_map(|region| self.best(query, tier, region))
            .find(|row| row.ctx_rank() >= repriced_from)
    }
}

impl Pricebook {
    /// The unit price in force, with the row and the factors that make it.
    pub fn price(&self, query: &PriceQuery) -> Result<Priced, NoPrice> {
        let seller = self.sellers.get(query.seller).ok_or(NoPrice::UnknownModel)?;
        let model = seller.names.models.get(query.model);
        if model.is_none() {
            return Err(NoPrice::UnknownModel);
        }
        let regions = self.regions(query.seller, query.region);
        let mut meter = Some(query.meter);
        while let Some(wanted) = meter {
            for id in [query.model, "*"] {
                let Some(shelf) = seller.shelf(id, wanted) else { continue };
                let row = shelf.row(query, query.tier, &regions).or_else(|| {
                    let derived = self
                        .modifiers
                        .iter()
                        .any(|rule| rule.seller == query.seller && rule.derives(model, query, wanted));
                    derived.then(|| shelf.row(query, Tier::Standard, &regions)).flatten()
                });
                if let Some(row) = row {
                    let unit = row.unit.ok_or(NoPrice::Ended)?;
                    return self.with_factors(query, row, unit);
                }
            }
            meter = wanted.parent();
        }
        Err(NoPrice::NoRow)
    }

    /// The region asked for, its declared parents, and `global`.
    fn regions<'q>(&'q self, seller: &str, region: &'q str) -> Vec<&'q str> {
        let mut regions = Vec::with_capacity(2);
        let mut next = Some(region).filter(|region| !region.is_empty());
        while let Some(region) = next.filter(|region| !regions.contains(region)) {
            regions.push(region);
            next = self
                .parents
                .iter()
                .find(|(owner, id, _)| *owner == seller && **id == *region)
                .map(|(_, _, parent)| &**parent);
        }
        if !regions.contains(&"global") {
            regions.push("global");
        }
        regions
    }

    fn with_factors(&self, query: &PriceQuery, row: &PriceRow, list: Ratio) -> Result<Priced, NoPrice> {
        let mut priced = Priced {
            unit: list,
            row: row.origin.clone(),
            status: row.status,
            factors: Vec::new(),
            unverified: matches!(row.status, PriceStatus::Estimated | PriceStatus::Scheduled),
        };
        // The last contract that names a price for it decides; a later term may replace an earlier one.
        if let Some((term, unit)) =
            self.terms.iter().rev().find_map(|term| term.price(query, row).map(|unit| (term, unit)))
        {
            return Ok(Priced { unit, row: term.origin.clone(), status: PriceStatus::Listed, ..priced });
        }
        let model = self.sellers.get(query.seller).and_then(|seller| seller.names.models.get(query.model));
        for rule in &self.modifiers {
            if rule.seller == query.seller && rule.applies(model, query, row) {
                priced.unverified |= rule.unverified;
                priced.factors.push((rule.id.clone(), rule.factor));
            }
        }
        for term in &self.terms {
            if let Kind::OffList { factor, meters } = &term.kind
                && meters.hold(row.meter)
                && term.covers(query)
            {
                priced.factors.push((term.id.clone(), *factor));
            }
        }
        // Prices and factors are short decimals: only an absurd book multiplies past 128 bits, and then has no price.
        for (_, factor) in &priced.factors {
            priced.unit = priced.unit.checked_mul(*factor).ok_or(NoPrice::NoRow)?;
        }
        Ok(priced)
    }
}
