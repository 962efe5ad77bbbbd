//! `modifiers.toml`: factors on top of a row, and which region lies inside which.
//!
//! ```toml
//! [[modifier]]
//! id = "openai-residency"
//! seller = "openai"
//! factor = "1.1"
//! regions = ["geo:*"]
//! released_from = 2026-03-05
//! applies_to = ["tokens"]
//! order = 30
//! source = "openai-pricing"
//! ```

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::PriceQuery;
use super::names::{Model, read_from, read_seller};
use super::row::{PriceRow, is_region, read_decimal};
use super::text::{Text, suggest};
use crate::diagnostic::Diagnostic;
use crate::money::Ratio;
use crate::period::Day;
use crate::vocabulary::{Meter, Tier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModifiersFile {
    #[serde(default)]
    modifier: Vec<ModifierEntry>,
    #[serde(default)]
    region: Vec<RegionEntry>,
    #[serde(default)]
    uplift: Vec<UpliftEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModifierEntry {
    id: Spanned<String>,
    seller: Spanned<String>,
    factor: Spanned<String>,
    /// Applies to requests served at this tier, where the tier has no row of its own.
    tier: Option<Tier>,
    /// Applies in these regions, where the region has no row of its own; a final `*` stands for any ending.
    #[serde(default)]
    regions: Vec<String>,
    from: Option<Spanned<Datetime>>,
    to: Option<Spanned<Datetime>>,
    /// Only models released on or after this day.
    released_from: Option<Spanned<Datetime>>,
    /// Only models released before this day.
    released_to: Option<Spanned<Datetime>>,
    /// Only these models; a final `*` stands for any ending.
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    excludes: Vec<String>,
    applies_to: Vec<Spanned<String>>,
    order: u32,
    #[serde(rename = "source")]
    _source: String,
    #[serde(default)]
    unverified: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegionEntry {
    seller: Spanned<String>,
    id: Spanned<String>,
    parent: Spanned<String>,
}

/// Factors that the seller's own rows of some regions have over its global ones: compared with, never applied.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpliftEntry {
    seller: Spanned<String>,
    /// A final `*` stands for any ending.
    regions: Vec<String>,
    factors: Vec<Spanned<String>>,
    #[serde(rename = "source")]
    _source: String,
}

/// [`UpliftEntry`], read.
#[derive(Debug, Clone)]
pub(super) struct Uplift {
    pub seller: &'static str,
    pub regions: Vec<String>,
    pub factors: Vec<Ratio>,
}

impl Uplift {
    pub fn names_region(&self, region: &str) -> bool {
        self.regions.iter().any(|pattern| glob(pattern, region))
    }
}

/// A factor and when it applies.
#[derive(Debug, Clone)]
pub(super) struct Modifier {
    pub id: Arc<str>,
    pub seller: &'static str,
    pub factor: Ratio,
    pub tier: Option<Tier>,
    pub regions: Vec<String>,
    pub from: Option<i64>,
    pub to: Option<i64>,
    released: (Option<Day>, Option<Day>),
    models: Vec<String>,
    excludes: Vec<String>,
    meters: Meters,
    order: u32,
    pub unverified: bool,
}

impl Modifier {
    /// True where the factor holds for the model, meter and instant; tier and region are the caller's to compare.
    fn covers(&self, model: Option<&Model>, id: &str, meter: Meter, at: i64) -> bool {
        within(self.from, self.to, at)
            && self.meters.hold(meter)
            && (self.released == (None, None)
                || model.and_then(|model| model.released).is_some_and(|day| {
                    self.released.0.is_none_or(|from| from <= day)
                        && self.released.1.is_none_or(|to| day < to)
                }))
            && (self.models.is_empty() || self.models.iter().any(|pattern| glob(pattern, id)))
            && !self.excludes.iter().any(|pattern| glob(pattern, id))
    }

    fn names_one_of(&self, regions: &[&str]) -> bool {
        regions.iter().any(|region| self.names_region(region))
    }

    /// True where the factor makes the price of the region out of the one of `global`; `regions` are the region asked
    /// for and those it lies in.
    pub fn places(&self, model: Option<&Model>, query: &PriceQuery, regions: &[&str]) -> bool {
        self.names_one_of(regions)
            && self.tier.is_none_or(|tier| tier == query.tier)
            && self.covers(model, query.model, query.meter, query.at)
    }

    /// True where the factor makes some regions cost something else than `global`.
    pub fn reprices_regions(&self, model: Option<&Model>, query: &PriceQuery) -> bool {
        !self.regions.is_empty()
            && self.factor != Ratio::ONE
            && self.tier.is_none_or(|tier| tier == query.tier)
            && self.covers(model, query.model, query.meter, query.at)
    }

    /// True where the factor makes the tier asked for out of the standard price.
    pub fn derives(&self, model: Option<&Model>, query: &PriceQuery, meter: Meter) -> bool {
        self.tier == Some(query.tier) && self.covers(model, query.model, meter, query.at)
    }

    /// True where the factor is for some regions, and this is one of them.
    pub fn names_region(&self, region: &str) -> bool {
        self.regions.iter().any(|pattern| glob(pattern, region))
    }

    /// True where the factor applies on top of `row`. A row written for the very tier or region suppresses it.
    pub fn applies(
        &self,
        model: Option<&Model>,
        query: &PriceQuery,
        row: &PriceRow,
        regions: &[&str],
    ) -> bool {
        let tier =
            self.tier.is_none_or(|tier| tier == query.tier && row.tier.is_some_and(|served| served != tier));
        let region =
            self.regions.is_empty() || (matches!(&*row.region, "global" | "*") && self.names_one_of(regions));
        tier && region && self.covers(model, query.model, row.meter, query.at)
    }
}

/// Meters a rule speaks of.
#[derive(Debug, Clone)]
pub(super) struct Meters {
    tokens: bool,
    named: Vec<Meter>,
}

impl Meters {
    pub fn hold(&self, meter: Meter) -> bool {
        (self.tokens && meter.is_token()) || self.named.contains(&meter)
    }

    /// True where one meter is in both.
    pub fn overlap(&self, other: &Meters) -> bool {
        Meter::ALL.iter().any(|meter| self.hold(*meter) && other.hold(*meter))
    }

    /// Reads `["tokens"]` or a list of meters.
    pub fn read(text: &Text, words: &[Spanned<String>], problems: &mut Vec<Diagnostic>) -> Meters {
        let mut meters = Meters { tokens: false, named: Vec::new() };
        for word in words {
            match Meter::parse(word.get_ref()) {
                Some(meter) => meters.named.push(meter),
                None if word.get_ref() == "tokens" => meters.tokens = true,
                None => {
                    let known = Meter::ALL.iter().map(|meter| meter.id()).chain(["tokens"]);
                    let message = format!("unknown meter `{}`", word.get_ref());
                    problems
                        .push(text.error("PB001", word.span(), message).help(suggest(word.get_ref(), known)));
                }
            }
        }
        meters
    }
}

pub(super) fn within(from: Option<i64>, to: Option<i64>, at: i64) -> bool {
    from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to)
}

fn glob(pattern: &str, text: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == text, |start| text.starts_with(start))
}

/// Seller, region, and the region it lies in.
pub(super) type Parents = Vec<(&'static str, Box<str>, Box<str>)>;

/// Adds one `modifiers.toml`. A modifier with the id of an earlier one replaces it.
pub(super) fn read(
    text: &Text,
    modifiers: &mut Vec<Modifier>,
    parents: &mut Parents,
    uplifts: &mut Vec<Uplift>,
    problems: &mut Vec<Diagnostic>,
) {
    let Some(file) = text.toml::<ModifiersFile>(problems) else { return };
    for entry in file.uplift {
        let seller = read_seller(text, &entry.seller, problems);
        let factors = entry.factors.iter().filter_map(|factor| read_factor(text, factor, problems)).collect();
        uplifts.extend(seller.map(|seller| Uplift { seller, regions: entry.regions, factors }));
    }
    for entry in file.modifier {
        let mut instant = |value: &Option<Spanned<Datetime>>| {
            value.as_ref().and_then(|value| read_from(text, value, problems))
        };
        let (from, to) = (instant(&entry.from), instant(&entry.to));
        let mut day = |value| instant(value).map(Day::of_instant);
        let released = (day(&entry.released_from), day(&entry.released_to));
        let seller = read_seller(text, &entry.seller, problems);
        let factor = read_factor(text, &entry.factor, problems);
        let meters = Meters::read(text, &entry.applies_to, problems);
        let id: Arc<str> = entry.id.get_ref().as_str().into();
        let (Some(seller), Some(factor)) = (seller, factor) else { continue };
        modifiers.retain(|other| other.id != id);
        modifiers.push(Modifier {
            id,
            seller,
            factor,
            tier: entry.tier,
            regions: entry.regions,
            from,
            to,
            released,
            models: entry.models,
            excludes: entry.excludes,
            meters,
            order: entry.order,
            unverified: entry.unverified,
        });
    }
    modifiers.sort_by(|a, b| (a.order, &a.id).cmp(&(b.order, &b.id)));
    for entry in file.region {
        let seller = read_seller(text, &entry.seller, problems);
        for region in [&entry.id, &entry.parent] {
            if !is_region(region.get_ref()) {
                let message = format!("`{}` is no region", region.get_ref());
                problems.push(
                    text.error("PB001", region.span(), message)
                        .help("write `geo:us`, or a cloud region such as `eu-west-1`"),
                );
            }
        }
        if let Some(seller) = seller {
            let (id, parent) = (entry.id.into_inner(), entry.parent.into_inner());
            parents.push((seller, id.into(), parent.into()));
        }
    }
}

/// A factor between 0.01 and 10 with at most four decimals: so that a few of them multiply exactly.
pub(super) fn read_factor(
    text: &Text,
    value: &Spanned<String>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Ratio> {
    let range = Decimal::new(1, 2)..=Decimal::TEN;
    let factor = read_decimal(value.get_ref(), 4)
        .filter(|factor| range.contains(factor))
        .and_then(Ratio::from_decimal);
    if factor.is_none() {
        let message = format!("`{}` is no factor", value.get_ref());
        problems.push(
            text.error("PB026", value.span(), message)
                .help("write a decimal between 0.01 and 10 in quotes, with at most four decimals: \"1.1\""),
        );
    }
    factor
}
