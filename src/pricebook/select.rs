//! Which row prices a request, and with which factors: the order is fixed and nothing falls back in silence.
//!
//! 1. The model's own rows of the meter, else the seller's rows for every model, else the meter's parent.
//! 2. The tier served, exactly; a missing tier is made from the standard row only by a declared modifier.
//! 3. The region exactly, then its declared parents, then `global`; where the seller's regions are `exact`, `global`
//!    only through a modifier of the region.
//! 4. The largest context boundary that the prompt satisfies. A tier without the boundary that the standard tier has
//!    at that size does not price the request.
//! 5. The named window that is open, else any hour.
//! 6. The overlay before the shipped book, then the latest `from`.
//! 7. Modifiers in order, then the contract.

use std::sync::Arc;

use super::names::RegionRule;
use super::row::{Layer, PriceRow};
use super::schedules::{Schedule, Schedules, overlap};
use super::terms::{Term, UnitTerms, unit_terms};
use super::{NoPrice, PriceQuery, Pricebook, Priced};
use crate::period::SECONDS_PER_DAY;
use crate::usage::cube::Band;
use crate::vocabulary::{PriceStatus, Seller, Tier};

/// The rows of one model and meter.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    /// Every row, sorted by key, `from`, layer and revision.
    pub rows: Vec<PriceRow>,
    steps: Vec<Step>,
}

/// The price of one key over time.
#[derive(Debug, Clone)]
struct Step {
    tier: Option<Tier>,
    ctx: Option<Band>,
    region: Box<str>,
    /// `None` is `*`, any hour.
    window: Option<Arc<Schedule>>,
    /// Since when which row holds: revised and withdrawn rows are gone, and an overlay outranks what is shipped.
    starts: Vec<(i64, u32)>,
}

/// A row found, and whether an unverified holiday decided between it and another.
#[derive(Debug, Clone, Copy)]
struct Found<'a> {
    row: &'a PriceRow,
    doubtful: bool,
}

impl Shelf {
    /// Rows whose window is no schedule price nothing; the ledger's reader refuses them.
    pub fn new(mut rows: Vec<PriceRow>, schedules: &Schedules) -> Shelf {
        rows.sort_by(|a, b| (a.key(), a.from, a.layer, a.rev).cmp(&(b.key(), b.from, b.layer, b.rev)));
        let mut steps = Vec::new();
        let mut first = 0;
        for same in rows.chunk_by(|a, b| a.key() == b.key()) {
            let window = (&*same[0].window != "*").then(|| schedules.get(&same[0].window));
            if window != Some(None) {
                steps.push(Step {
                    tier: same[0].tier,
                    ctx: same[0].ctx,
                    region: same[0].region.clone(),
                    window: window.flatten().cloned(),
                    starts: starts(same, first),
                });
            }
            first += same.len() as u32;
        }
        Shelf { rows, steps }
    }

    /// The same as shipped, without what lies over it; `None` where nothing does.
    pub fn below_overlay(&self) -> Option<Shelf> {
        let rows: Vec<PriceRow> =
            self.rows.iter().filter(|row| row.layer == Layer::Shipped).cloned().collect();
        if rows.len() == self.rows.len() {
            return None;
        }
        let (mut steps, mut first) = (Vec::new(), 0);
        for same in rows.chunk_by(|a, b| a.key() == b.key()) {
            let row = |step: &Step| step.starts.first().and_then(|(_, row)| self.rows.get(*row as usize));
            let step = self.steps.iter().find(|step| row(step).map(PriceRow::key) == Some(same[0].key()));
            steps.extend(step.map(|step| Step { starts: starts(same, first), ..step.clone() }));
            first += same.len() as u32;
        }
        Some(Shelf { rows, steps })
    }

    /// Two rows that differ in nothing but their windows, which are both open at some instant: neither outranks the other.
    pub fn ambiguous(&self) -> Option<(&PriceRow, &PriceRow, i64)> {
        let named: Vec<(&Step, &Arc<Schedule>)> =
            self.steps.iter().filter_map(|step| Some((step, step.window.as_ref()?))).collect();
        let pairs = named
            .iter()
            .enumerate()
            .flat_map(|(index, one)| named[index + 1..].iter().map(move |other| (one, other)));
        pairs
            .filter(|((one, _), (other, _))| {
                (one.tier, one.ctx, &one.region) == (other.tier, other.ctx, &other.region)
            })
            .find_map(|((one, first), (other, second))| {
                let at = overlap(first, second)?;
                let row = |step: &Step| self.rows.get(step.starts.last()?.1 as usize);
                Some((row(one)?, row(other)?, at))
            })
    }

    /// True where the price depends on the region.
    fn has_regions(&self) -> bool {
        self.steps.iter().any(|step| !matches!(&*step.region, "global" | "*"))
    }

    /// True where some row is for none of the regions.
    fn is_elsewhere(&self, regions: &[&str]) -> bool {
        self.steps.iter().any(|step| &*step.region != "*" && !regions.contains(&&*step.region))
    }

    /// Named windows of the shelf's rows.
    pub fn windows(&self) -> impl Iterator<Item = &Arc<Schedule>> {
        self.steps.iter().filter_map(|step| step.window.as_ref())
    }

    /// Among the rows in force for the tier and region, the one that outranks the others.
    fn best(&self, query: &PriceQuery, tier: Tier, region: &str) -> Option<Found<'_>> {
        let mut doubtful = false;
        let row = self
            .steps
            .iter()
            .filter(|step| {
                step.tier.is_none_or(|served| served == tier)
                    && (*step.region == *region || &*step.region == "*")
                    && step.ctx.is_none_or(|band| band.holds(query.prompt))
            })
            .filter_map(|step| {
                let row = self.rows.get(step.at(query.at)? as usize)?;
                let Some(window) = &step.window else { return Some((step, row)) };
                let state = window.at(query.at);
                doubtful |= state.doubtful;
                // Where the price of a window has ended, the price of every hour holds again.
                (state.open && row.unit.is_some()).then_some((step, row))
            })
            .max_by_key(|(step, row)| {
                (row.ctx_rank(), step.tier.is_some(), &*step.region != "*", step.window.is_some())
            })
            .map(|(_, row)| row);
        row.map(|row| Found { row, doubtful })
    }

    /// The row for the tier, in the nearest region that has one for a prompt of this size.
    fn row(&self, query: &PriceQuery, tier: Tier, regions: &[&str]) -> Option<Found<'_>> {
        let standard = regions.iter().filter_map(|region| self.best(query, Tier::Standard, region));
        let repriced_from = standard.map(|found| found.row.ctx_rank()).max().unwrap_or(0);
        regions
            .iter()
            .filter_map(|region| self.best(query, tier, region))
            .find(|found| found.row.ctx_rank() >= repriced_from)
    }
}

impl super::SellerBook {
    /// A region and those it lies in; usage that names none is taken as the seller's default, or as `global`.
    fn regions<'a>(&'a self, region: &'a str) -> Vec<&'a str> {
        let mut regions = Vec::with_capacity(3);
        let unnamed = self.names.default_region.as_deref().unwrap_or("global");
        let mut next = Some(if region.is_empty() { unnamed } else { region });
        while let Some(region) = next.filter(|region| !regions.contains(region)) {
            regions.push(region);
            next = self.parents.get(region).map(|parent| &**parent);
        }
        regions
    }
}

impl Step {
    fn at(&self, instant: i64) -> Option<u32> {
        let index = self.starts.partition_point(|(from, _)| *from <= instant);
        index.checked_sub(1).and_then(|index| self.starts.get(index)).map(|(_, row)| *row)
    }
}

/// The step function of rows of one key, sorted by `from`, layer and revision, the first of which has the index `first`.
fn starts(rows: &[PriceRow], first: u32) -> Vec<(i64, u32)> {
    let mut layer = Layer::Shipped;
    let mut starts = Vec::new();
    for (row, next, index) in
        rows.iter().zip(1..).map(|(row, next)| (row, rows.get(next), first + next as u32 - 1))
    {
        let replaced = next.is_some_and(|next| next.from == row.from);
        if replaced || row.status == PriceStatus::Withdrawn || row.layer < layer {
            continue;
        }
        layer = row.layer;
        starts.push((row.from, index));
    }
    starts
}

/// The row that prices a request, before modifiers and contract.
#[derive(Debug, Clone)]
pub struct Selected<'b, 'q> {
    pub row: &'b PriceRow,
    /// The region asked for and those it lies in, nearest first; `global` last where it may stand in.
    pub regions: Vec<&'q str>,
    pub doubt: Option<Doubt>,
}

/// What makes a price unverified although its row is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// Whether the day is a holiday decides, and that is not certain.
    Holiday,
    /// The usage names no region, and the seller's price depends on it.
    Region,
}

impl Pricebook {
    /// The unit price in force, with the row and the factors that make it. Terms of one account do not apply.
    pub fn price(&self, query: &PriceQuery) -> Result<Priced, NoPrice> {
        self.price_under(&self.terms, None, query)
    }

    /// The unit price that an account pays.
    pub fn price_for(&self, account: Option<&str>, query: &PriceQuery) -> Result<Priced, NoPrice> {
        self.price_under(&self.terms, account, query)
    }

    /// The unit price that holds all day, from the midnight asked for on; [`NoPrice::Hourly`] where it changes inside it.
    pub fn price_of_day(&self, account: Option<&str>, query: &PriceQuery) -> Result<Priced, NoPrice> {
        let priced = self.price_for(account, query);
        let unit = |priced: &Result<Priced, NoPrice>| priced.as_ref().ok().map(|priced| priced.unit);
        let last = query.at + SECONDS_PER_DAY - 1;
        let mut changes = self.price_changes(query.seller, query.model, query.at, last).into_iter();
        let differs = |at| unit(&self.price_for(account, &PriceQuery { at, ..*query })) != unit(&priced);
        if changes.any(differs) { Err(NoPrice::Hourly) } else { priced }
    }

    /// The unit price before any contract.
    pub fn list_price(&self, query: &PriceQuery) -> Result<Priced, NoPrice> {
        self.price_under(&[], None, query)
    }

    fn price_under(
        &self,
        terms: &[Term],
        account: Option<&str>,
        query: &PriceQuery,
    ) -> Result<Priced, NoPrice> {
        self.with_factors(query, &self.select(query)?, terms, account)
    }

    /// The ledger's row for a request.
    pub fn select<'b: 'q, 'q>(&'b self, query: &PriceQuery<'q>) -> Result<Selected<'b, 'q>, NoPrice> {
        self.place(query)
            .and_then(|found| if found.row.unit.is_some() { Ok(found) } else { Err(NoPrice::Ended) })
    }

    /// The row that says that what is asked for is no longer sold.
    pub fn ended(&self, query: &PriceQuery) -> Option<&PriceRow> {
        self.place(query).ok().map(|found| found.row).filter(|row| row.unit.is_none())
    }

    /// The row in force, be it an end.
    fn place<'b: 'q, 'q>(&'b self, query: &PriceQuery<'q>) -> Result<Selected<'b, 'q>, NoPrice> {
        let seller = self.sellers.get(query.seller).ok_or(NoPrice::UnknownModel)?;
        let model = seller.names.models.get(query.model).ok_or(NoPrice::UnknownModel)?;
        let rules = || self.modifiers.iter().filter(|rule| rule.seller == query.seller);
        let mut regions = seller.regions(query.region);
        let exact = seller.names.regions == RegionRule::Exact;
        if !regions.contains(&"global")
            && (!exact || rules().any(|rule| rule.places(Some(model), query, &regions)))
        {
            regions.push("global");
        }
        // A region could cost something else than what stands in for usage that names none.
        let anywhere = || {
            seller.names.default_region.is_some()
                || rules().any(|rule| rule.reprices_regions(Some(model), query))
        };
        let mut elsewhere = false;
        let mut meter = Some(query.meter);
        while let Some(wanted) = meter {
            for id in [query.model, "*"] {
                let Some(shelf) = seller.shelf(id, wanted) else { continue };
                let row = shelf.row(query, query.tier, &regions).or_else(|| {
                    let derived = rules().any(|rule| rule.derives(Some(model), query, wanted));
                    derived.then(|| shelf.row(query, Tier::Standard, &regions)).flatten()
                });
                if let Some(Found { row, doubtful }) = row {
                    let unnamed = exact && query.region.is_empty() && &*row.region != "*";
                    let assumed = unnamed && (shelf.has_regions() || anywhere());
                    let doubt = (assumed.then_some(Doubt::Region)).or(doubtful.then_some(Doubt::Holiday));
                    return Ok(Selected { row, regions, doubt });
                }
                elsewhere |= exact && shelf.is_elsewhere(&regions);
            }
            meter = Seller::price_parent(query.seller, wanted);
        }
        Err(if elsewhere { NoPrice::NoRegion } else { NoPrice::NoRow })
    }

    fn with_factors(
        &self,
        query: &PriceQuery,
        selected: &Selected,
        terms: &[Term],
        account: Option<&str>,
    ) -> Result<Priced, NoPrice> {
        let row = selected.row;
        let mut priced = Priced {
            unit: row.unit.ok_or(NoPrice::Ended)?,
            row: row.origin.clone(),
            status: row.status,
            factors: Vec::new(),
            unverified: selected.doubt.is_some() || row.is_doubtful(),
        };
        let agreed = match unit_terms(terms, account, query, row) {
            UnitTerms::Price(term, unit) => {
                return Ok(Priced { unit, row: term.origin.clone(), status: PriceStatus::Listed, ..priced });
            }
            UnitTerms::Factors(factors) => factors,
        };
        let model = self.sellers.get(query.seller).and_then(|seller| seller.names.models.get(query.model));
        for rule in &self.modifiers {
            if rule.seller == query.seller && rule.applies(model, query, row, &selected.regions) {
                priced.unverified |= rule.unverified;
                priced.factors.push((rule.id.clone(), rule.factor));
            }
        }
        priced.factors.extend(agreed);
        // Prices and factors are short decimals: only an absurd book multiplies past 128 bits, and then has no price.
        for (_, factor) in &priced.factors {
            priced.unit = priced.unit.checked_mul(*factor).ok_or(NoPrice::NoRow)?;
        }
        Ok(priced)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Origin;
    use crate::money::Ratio;
    use crate::period::Day;
    use crate::vocabulary::Meter;
    use proptest::prelude::*;

    /// One row of `input` at a price per unit.
    fn row(
        price: i128,
        from: i64,
        rev: u32,
        status: PriceStatus,
        ctx: Option<Band>,
        layer: Layer,
    ) -> PriceRow {
        let gone = matches!(status, PriceStatus::Ended | PriceStatus::Withdrawn);
        PriceRow {
            model: "m".into(),
            meter: Meter::Input,
            tier: Some(Tier::Standard),
            ctx,
            region: "global".into(),
            window: "*".into(),
            unit: Ratio::new(price, 1).filter(|_| !gone),
            price: price.to_string().into(),
            per: 1,
            currency: "USD".into(),
            from,
            recorded: Day::from_days(0),
            rev,
            status,
            basis: None,
            until: None,
            ack: "".into(),
            free: false,
            waiver: "".into(),
            source: "s".into(),
            confirmed: "".into(),
            note: "".into(),
            origin: Origin::new("prices/openai.csv", price as u64, 0),
            layer,
        }
    }

    fn found(shelf: &Shelf, at: i64, prompt: u64) -> Option<Option<Ratio>> {
        let query = PriceQuery {
            seller: "openai",
            model: "m",
            meter: Meter::Input,
            tier: Tier::Standard,
            region: "",
            prompt,
            at,
        };
        shelf.row(&query, Tier::Standard, &["global"]).map(|found| found.row.unit)
    }

    fn shelf(rows: Vec<PriceRow>) -> Shelf {
        Shelf::new(rows, &Schedules::new())
    }

    fn price(units: i128) -> Option<Option<Ratio>> {
        Some(Ratio::new(units, 1))
    }

    #[test]
    fn a_withdrawal_uncovers_the_price_before_it_and_an_end_does_not() {
        use PriceStatus::{Ended, Listed, Scheduled, Withdrawn};
        let shelf = shelf(vec![
            row(1, 10, 1, Listed, None, Layer::Shipped),
            row(2, 20, 1, Scheduled, None, Layer::Shipped),
            row(3, 20, 2, Withdrawn, None, Layer::Shipped),
            row(4, 30, 1, Ended, None, Layer::Shipped),
        ]);
        assert_eq!(found(&shelf, 9, 0), None);
        assert_eq!(found(&shelf, 25, 0), price(1));
        assert_eq!(found(&shelf, 30, 0), Some(None));
    }

    #[test]
    fn an_overlay_row_outranks_every_later_shipped_row_of_its_key() {
        use PriceStatus::{Listed, Withdrawn};
        let shelf = shelf(vec![
            row(1, 10, 1, Listed, None, Layer::Shipped),
            row(2, 30, 7, Listed, None, Layer::Shipped),
            row(3, 20, 1, Listed, None, Layer::Overlay),
            row(4, 40, 1, Listed, None, Layer::Shipped),
            row(5, 40, 1, Withdrawn, None, Layer::Overlay),
        ]);
        assert_eq!(found(&shelf, 19, 0), price(1));
        assert_eq!(found(&shelf, 20, 0), price(3));
        assert_eq!(found(&shelf, 40, 0), price(3));
        assert_eq!(shelf.rows.len(), 5);
    }

    #[test]
    fn an_inclusive_boundary_takes_the_prompt_that_meets_it() {
        let (at, above) = (Band { tokens: 200, inclusive: true }, Band { tokens: 200, inclusive: false });
        let listed = |price, ctx| row(price, 0, 1, PriceStatus::Listed, ctx, Layer::Shipped);
        let shelf = shelf(vec![listed(1, None), listed(2, Some(at)), listed(3, Some(above))]);
        assert_eq!([199, 200, 201].map(|prompt| found(&shelf, 0, prompt)), [price(1), price(2), price(3)]);
    }

    fn rows() -> impl Strategy<Value = Vec<PriceRow>> {
        let band = prop_oneof![
            Just(None),
            (1u64..4, any::<bool>()).prop_map(|(n, inclusive)| Some(Band { tokens: n * 100, inclusive }))
        ];
        let status = prop::sample::select(PriceStatus::ALL);
        let layer = prop_oneof![Just(Layer::Shipped), Just(Layer::Overlay)];
        prop::collection::vec((0i64..20, 1u32..3, status, band, layer), 0..20).prop_map(|keys| {
            let mut rows: Vec<PriceRow> = keys
                .into_iter()
                .enumerate()
                .map(|(n, (from, rev, status, band, layer))| {
                    row(n as i128 + 1, from, rev, status, band, layer)
                })
                .collect();
            // The loader refuses two rows of one key, instant, layer and revision.
            rows.sort_by(|a, b| (a.key(), a.from, a.layer, a.rev).cmp(&(b.key(), b.from, b.layer, b.rev)));
            rows.dedup_by(|a, b| (a.key(), a.from, a.layer, a.rev) == (b.key(), b.from, b.layer, b.rev));
            rows
        })
    }

    proptest! {
        #[test]
        fn order_does_not_matter(
            (rows, mixed) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
            at in 0i64..25,
            prompt in 0u64..500,
        ) {
            prop_assert_eq!(found(&shelf(rows), at, prompt), found(&shelf(mixed), at, prompt));
        }

        #[test]
        fn a_later_start_never_changes_an_earlier_price(
            rows in rows(), later in 10i64..20, at in 0i64..10, prompt in 0u64..500,
        ) {
            let mut more = rows.clone();
            more.push(row(99, later, 9, PriceStatus::Listed, None, Layer::Overlay));
            prop_assert_eq!(found(&shelf(rows), at, prompt), found(&shelf(more), at, prompt));
        }

        #[test]
        fn a_prompt_prices_as_the_edge_of_its_band(rows in rows(), at in 0i64..25, prompt in 0u64..500) {
            let mut bands: Vec<Band> = rows.iter().filter_map(|row| row.ctx).collect();
            bands.sort_by_key(|band| (band.tokens, !band.inclusive));
            bands.dedup();
            let edge = match Band::index(&bands, prompt) {
                0 => 0,
                index => bands[index as usize - 1].tokens + u64::from(!bands[index as usize - 1].inclusive),
            };
            let shelf = shelf(rows);
            prop_assert_eq!(found(&shelf, at, prompt), found(&shelf, at, edge));
        }
    }
}
