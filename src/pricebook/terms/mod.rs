//! Negotiated terms, from `contracts/*.toml`: what an account pays instead of, or beside, the list price.
//!
//! ```toml
//! [[term]]
//! seller = "anthropic"
//! from = 2026-07-01
//! to = 2027-07-01              # exclusive
//! kind = "percent_off_list"
//! value = "12"
//! applies_to = ["tokens"]
//! ```
//!
//! Terms of the unit price (`price`, `percent_off_list`) are applied when a row is selected. All others need the
//! account's whole month and are applied by [`crate::contract`].

mod account;
mod bands;
mod entry;
mod overlap;
mod read;
#[cfg(test)]
mod read_test;
mod usage;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use read::read;

use super::PriceQuery;
use super::modifiers::{Meters, within};
use super::row::PriceRow;
use crate::diagnostic::Origin;
use crate::money::{Money, Ratio};
use crate::period::Month;
use crate::vocabulary::{Meter, Tier};

pub(super) use overlap::ties;

/// One term in force from `from` to `to`, exclusive.
#[derive(Debug, Clone)]
pub struct Term {
    /// `file:line` of its `kind`.
    pub id: Arc<str>,
    /// What people call it: its `name`, or its kind.
    pub name: Arc<str>,
    pub seller: &'static str,
    /// The one account it is agreed for; `None` is the seller's every account.
    pub account: Option<Arc<str>>,
    pub from: i64,
    pub to: Option<i64>,
    /// Place in the stack; lower applies first.
    pub order: u32,
    /// Empty: every model.
    models: Vec<Box<str>>,
    excludes: Vec<Box<str>>,
    /// `None`: every meter.
    meters: Option<Meters>,
    tier: Option<Tier>,
    pub kind: Kind,
    pub shown: Shown,
    /// Words by which its line is known on the bill.
    pub line: Option<Arc<str>>,
    pub origin: Origin,
}

/// How the bill shows what a term does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// The amounts of the usage lines have it inside.
    Usage,
    /// It has a line of its own.
    Line,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// A factor below one, on every list price of the meters.
    OffList { factor: Ratio },
    /// Replaces the row of one meter, tier and context band; no modifier applies on top.
    Price { unit: Ratio, meter: Meter, tier: Tier, ctx_rank: u64 },
    /// The first units of each day or month cost nothing, whichever of the models used them.
    FreeAllowance { quantity: i128, each: Each },
    /// Units of capacity are paid by the hour, and what they serve is not metered.
    Capacity { units: Ratio, rate: Ratio },
    /// Prices that depend on how much the month came to.
    VolumeBand { of: Measure, whole: bool, bands: Vec<Band> },
    /// Usage is billed in the marketplace's own units: what it costs, less a discount, divided by the unit's price.
    MarketplaceUnit { factor: Ratio, unit_price: Ratio },
    /// Money granted, used up by usage until the term ends.
    Credit { amount: Money, used: BTreeMap<Month, Money> },
    /// The least that a month costs.
    Minimum { amount: Money },
    /// The least that the whole term costs; what is missing is due in its last month.
    Commitment { amount: Money, used: BTreeMap<Month, Money> },
}

/// Kinds in the order in which they stack unless `order` says otherwise, with that order.
pub(super) const KINDS: [(&str, u32); 9] = [
    ("price", 10),
    ("percent_off_list", 20),
    ("free_allowance", 30),
    ("capacity", 40),
    ("volume_band", 50),
    ("marketplace_unit", 60),
    ("credit", 70),
    ("minimum", 80),
    ("commitment", 90),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    Day,
    Month,
}

/// What a volume band is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    Quantity,
    Spend,
}

/// Holds above a boundary, up to the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Units, or 10⁻¹² of the currency.
    pub above: i128,
    pub price: BandPrice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BandPrice {
    /// What is left of the price before it.
    Factor(Ratio),
    /// The price of one unit.
    Unit(Ratio),
}

impl Kind {
    pub fn id(&self) -> &'static str {
        match self {
            Kind::OffList { .. } => "percent_off_list",
            Kind::Price { .. } => "price",
            Kind::FreeAllowance { .. } => "free_allowance",
            Kind::Capacity { .. } => "capacity",
            Kind::VolumeBand { .. } => "volume_band",
            Kind::MarketplaceUnit { .. } => "marketplace_unit",
            Kind::Credit { .. } => "credit",
            Kind::Minimum { .. } => "minimum",
            Kind::Commitment { .. } => "commitment",
        }
    }

    /// The cause that names its effect on a bill.
    pub fn cause(&self) -> &'static str {
        match self {
            Kind::OffList { .. } | Kind::Price { .. } => "terms.discount",
            Kind::FreeAllowance { .. } => "terms.free_allowance",
            Kind::Capacity { .. } => "terms.reserved_capacity",
            Kind::VolumeBand { .. } => "terms.volume_band",
            Kind::MarketplaceUnit { .. } => "terms.discount",
            Kind::Credit { .. } => "terms.credit_refund",
            Kind::Minimum { .. } | Kind::Commitment { .. } => "terms.commit_shortfall",
        }
    }

    /// Unit prices come first, then what the month's usage costs, then what is paid beside it.
    fn phase(&self) -> u8 {
        match self {
            Kind::OffList { .. } | Kind::Price { .. } => 0,
            Kind::Credit { .. } | Kind::Minimum { .. } | Kind::Commitment { .. } => 2,
            _ => 1,
        }
    }
}

impl Term {
    /// True where the term is applied when a row is selected, so that every unit price has it inside.
    pub fn in_unit_price(&self) -> bool {
        self.kind.phase() == 0 && self.shown == Shown::Usage
    }

    pub fn is_for(&self, account: Option<&str>) -> bool {
        self.account.is_none() || self.account.as_deref() == account
    }

    /// True where the term speaks of one model's usage at an instant, by tier and meter.
    pub fn holds(&self, model: &str, meter: Meter, tier: Tier, at: i64) -> bool {
        self.tier.is_none_or(|own| own == tier)
            && self.meters.as_ref().is_none_or(|meters| meters.hold(meter))
            && self.holds_model(model, at)
    }

    fn holds_model(&self, model: &str, at: i64) -> bool {
        within(Some(self.from), self.to, at)
            && (self.models.is_empty() || self.models.iter().any(|own| **own == *model))
            && !self.excludes.iter().any(|excluded| **excluded == *model)
    }

    /// True where everything an account uses counts.
    pub fn is_for_all_usage(&self) -> bool {
        self.models.is_empty() && self.excludes.is_empty() && self.meters.is_none() && self.tier.is_none()
    }

    /// The contract's own price where it has one for what `row` prices.
    fn price(&self, query: &PriceQuery, row: &PriceRow) -> Option<Ratio> {
        match &self.kind {
            Kind::Price { unit, meter, tier, ctx_rank } => {
                let same = *meter == row.meter && *tier == query.tier && *ctx_rank == row.ctx_rank();
                (same && self.holds_model(query.model, query.at)).then_some(*unit)
            }
            _ => None,
        }
    }
}

/// What the unit-price terms of an account make of the price of a row.
pub(super) enum UnitTerms<'t> {
    /// A price of its own, which is final.
    Price(&'t Term, Ratio),
    /// Factors on top of list price and modifiers, in order.
    Factors(Vec<(Arc<str>, Ratio)>),
}

/// Applies the terms of the unit price; `terms` are in stacking order, and the last price named decides.
pub(super) fn unit_terms<'t>(
    terms: &'t [Term],
    account: Option<&str>,
    query: &PriceQuery,
    row: &PriceRow,
) -> UnitTerms<'t> {
    let ours = || {
        terms
            .iter()
            .filter(|term| term.seller == query.seller && term.in_unit_price() && term.is_for(account))
    };
    if let Some((term, unit)) = ours().rev().find_map(|term| term.price(query, row).map(|unit| (term, unit)))
    {
        return UnitTerms::Price(term, unit);
    }
    let factors = ours().filter_map(|term| match term.kind {
        Kind::OffList { factor } if term.holds(query.model, row.meter, query.tier, query.at) => {
            Some((term.id.clone(), factor))
        }
        _ => None,
    });
    UnitTerms::Factors(factors.collect())
}
