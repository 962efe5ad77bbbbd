//! Negotiated terms, from `contracts/*.toml`: a percentage off list, or a price of one's own for one model and meter.
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

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::PriceQuery;
use super::modifiers::{Meters, within};
use super::names::{AllNames, read_from, read_seller};
use super::row::{PriceRow, read_ctx, read_decimal};
use super::text::{Text, suggest};
use crate::diagnostic::{Diagnostic, Origin};
use crate::money::Ratio;
use crate::vocabulary::{Meter, Tier};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContractFile {
    #[serde(default)]
    term: Vec<TermEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TermEntry {
    seller: Spanned<String>,
    from: Spanned<Datetime>,
    to: Option<Spanned<Datetime>>,
    kind: Spanned<String>,
    value: Spanned<String>,
    model: Option<Spanned<String>>,
    meter: Option<Spanned<String>>,
    tier: Option<Tier>,
    ctx: Option<Spanned<String>>,
    per: Option<u32>,
    applies_to: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    excludes: Vec<Spanned<String>>,
}

const KINDS: [&str; 2] = ["percent_off_list", "price"];
/// Kinds that contracts have and this book cannot apply yet: refused, because leaving one out prices too high.
const REFUSED: [&str; 5] = ["volume_band", "credit", "commitment", "minimum", "cap"];

/// One term in force from `from` to `to`, exclusive.
#[derive(Debug, Clone)]
pub(super) struct Term {
    pub id: Arc<str>,
    pub seller: &'static str,
    pub from: i64,
    pub to: Option<i64>,
    model: Option<Box<str>>,
    excludes: Vec<Box<str>>,
    pub kind: Kind,
    pub origin: Origin,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A factor below one, on every list price of the meters.
    OffList { factor: Ratio, meters: Meters },
    /// Replaces the row of one meter, tier and context band; no modifier applies on top.
    Price { unit: Ratio, meter: Meter, tier: Tier, ctx_rank: u64 },
}

impl Term {
    pub fn covers(&self, query: &PriceQuery) -> bool {
        self.seller == query.seller
            && within(Some(self.from), self.to, query.at)
            && self.model.as_deref().is_none_or(|model| model == query.model)
            && !self.excludes.iter().any(|excluded| **excluded == *query.model)
    }

    /// The contract's own price where it has one for what `row` prices.
    pub fn price(&self, query: &PriceQuery, row: &PriceRow) -> Option<Ratio> {
        match &self.kind {
            Kind::Price { unit, meter, tier, ctx_rank } => {
                let same = *meter == row.meter && *tier == query.tier && *ctx_rank == row.ctx_rank();
                (same && self.covers(query)).then_some(*unit)
            }
            Kind::OffList { .. } => None,
        }
    }
}

/// Adds the terms of one contract file, in the order written.
pub(super) fn read(text: &Text, names: &AllNames, terms: &mut Vec<Term>, problems: &mut Vec<Diagnostic>) {
    let Some(file) = text.toml::<ContractFile>(problems) else { return };
    for entry in file.term {
        let before = problems.len();
        let seller = read_seller(text, &entry.seller, problems);
        let from = read_from(text, &entry.from, problems);
        let to = entry.to.as_ref().and_then(|to| read_from(text, to, problems));
        let known = seller.and_then(|seller| names.get(seller));
        for model in entry.model.iter().chain(&entry.excludes) {
            if let Some(known) = known.filter(|known| !known.models.contains_key(model.get_ref().as_str())) {
                let help = suggest(model.get_ref(), known.models.keys().map(|id| &**id));
                let message = format!("`{}` is no model of the price book", model.get_ref());
                problems.push(text.error("contract-model", model.span(), message).help(help));
            }
        }
        let kind = match entry.kind.get_ref().as_str() {
            "percent_off_list" => off_list(text, &entry, problems),
            "price" => own_price(text, &entry, problems),
            other => {
                problems.push(unknown_kind(text, &entry.kind, other));
                None
            }
        };
        let (Some(seller), Some(from), Some(kind)) = (seller, from, kind) else { continue };
        if problems.len() > before {
            continue;
        }
        let place = text.error("contract-term", entry.kind.span(), "").origin;
        terms.push(Term {
            id: format!("{}:{}", place.file, place.line).into(),
            seller,
            from,
            to,
            model: entry.model.map(|model| model.into_inner().into()),
            excludes: entry.excludes.into_iter().map(|model| model.into_inner().into()).collect(),
            kind,
            origin: Origin { column: 0, ..place },
        });
    }
}

fn unknown_kind(text: &Text, kind: &Spanned<String>, other: &str) -> Diagnostic {
    if REFUSED.contains(&other) {
        text.error("contract-kind", kind.span(), format!("terms of kind `{other}` cannot be applied yet"))
            .help("take the term out to price without it; its effect then shows as a difference to the bill")
    } else {
        text.error("contract-kind", kind.span(), format!("unknown kind of term `{other}`"))
            .help(suggest(other, KINDS.iter().copied()))
    }
}

fn off_list(text: &Text, entry: &TermEntry, problems: &mut Vec<Diagnostic>) -> Option<Kind> {
    let meters = match (&entry.applies_to, &entry.meter) {
        (Some(words), None) => Meters::read(text, words, problems),
        (None, Some(word)) => Meters::read(text, std::slice::from_ref(word), problems),
        _ => {
            problems.push(
                text.error("contract-term", entry.kind.span(), "a percentage needs to know what it is off")
                    .help("write either `applies_to = [\"tokens\"]` or `meter = \"input\"`"),
            );
            return None;
        }
    };
    let percent = read_decimal(entry.value.get_ref(), 2).filter(|percent| *percent <= Decimal::ONE_HUNDRED);
    let Some(percent) = percent else {
        let message = format!("`{}` is no percentage", entry.value.get_ref());
        problems.push(
            text.error("contract-value", entry.value.span(), message)
                .help("write 0 to 100 in quotes, with at most two decimals: \"12\""),
        );
        return None;
    };
    let left = Ratio::from_decimal(Decimal::ONE_HUNDRED - percent)?;
    Some(Kind::OffList { factor: left.checked_mul(Ratio::new(1, 100)?)?, meters })
}

fn own_price(text: &Text, entry: &TermEntry, problems: &mut Vec<Diagnostic>) -> Option<Kind> {
    let before = problems.len();
    if entry.model.is_none() || entry.meter.is_none() || entry.applies_to.is_some() {
        problems.push(
            text.error("contract-term", entry.kind.span(), "a price is for one model and one meter")
                .help("write `model = …` and `meter = …`, and one term for each"),
        );
    }
    let meter = entry.meter.as_ref().and_then(|word| {
        let meter = Meter::parse(word.get_ref());
        if meter.is_none() {
            let help = suggest(word.get_ref(), Meter::ALL.iter().map(|meter| meter.id()));
            let message = format!("unknown meter `{}`", word.get_ref());
            problems.push(text.error("contract-meter", word.span(), message).help(help));
        }
        meter
    });
    let price = read_decimal(entry.value.get_ref(), 12);
    if price.is_none() {
        let message = format!("`{}` is no price", entry.value.get_ref());
        problems.push(
            text.error("contract-value", entry.value.span(), message)
                .help("write a plain decimal in quotes, for `per` units: \"0.25\""),
        );
    }
    let ctx = match &entry.ctx {
        None => Some(None),
        Some(word) => {
            let ctx = read_ctx(word.get_ref());
            if ctx.is_none() {
                problems.push(
                    text.error("contract-term", word.span(), "no context boundary")
                        .help("write \"0\", \">272000\" or \">=200000\""),
                );
            }
            ctx
        }
    };
    let unit = price.and_then(|price| Ratio::price(price, u64::from(entry.per.unwrap_or(1_000_000))));
    let ctx_rank = super::row::ctx_rank(ctx?);
    (problems.len() == before).then_some(())?;
    Some(Kind::Price { unit: unit?, meter: meter?, tier: entry.tier.unwrap_or(Tier::Standard), ctx_rank })
}
