//! What may have been different about a slice: another tier, region, model or price version, or tokens counted under
//! another meter. Each is one row here and says which cause it would prove.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::slice::{Attribute, Slice};
use crate::money::Ratio;
use crate::rate::Leaf;
use crate::reconcile::State;
use crate::vocabulary::{CallType, Meter, Outcome, Tier};

/// One changed assumption about every leaf of a slice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The model's prices as the book has them at another instant.
    Version(i64),
    /// List prices, where a contract has others.
    List,
    Tier(Tier),
    Region(Arc<str>),
    /// Long prompts at the price of short ones, or the reverse.
    Prompt(u64),
    /// Tokens of one meter charged as another.
    Meter(&'static Confusion),
    Served(Arc<str>),
    /// On the log and not on the bill.
    NotBilled,
}

/// Two meters that a known mistake confuses.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Confusion {
    pub logged: Meter,
    /// `None`: not charged at all.
    pub charged: Option<Meter>,
    pub cause: &'static str,
    pub words: &'static str,
}

static CONFUSIONS: &[Confusion] = &[
    Confusion {
        logged: Meter::CacheRead,
        charged: Some(Meter::Input),
        cause: "cls.cache_read_as_input",
        words: "cache reads charged at the full input rate",
    },
    Confusion {
        logged: Meter::CacheWrite5m,
        charged: Some(Meter::CacheWrite1h),
        cause: "rate.cache_ttl",
        words: "cache writes logged as 5-minute, charged as 1-hour",
    },
    Confusion {
        logged: Meter::CacheWrite1h,
        charged: Some(Meter::CacheWrite5m),
        cause: "rate.cache_ttl",
        words: "cache writes logged as 1-hour, charged as 5-minute",
    },
    Confusion {
        logged: Meter::CacheWriteOther,
        charged: Some(Meter::CacheWrite1h),
        cause: "rate.cache_ttl",
        words: "cache writes of unsaid lifetime charged as 1-hour",
    },
    Confusion {
        logged: Meter::CacheWriteOther,
        charged: Some(Meter::CacheWrite5m),
        cause: "rate.cache_ttl",
        words: "cache writes of unsaid lifetime charged as 5-minute",
    },
    Confusion {
        logged: Meter::OutputReasoning,
        charged: None,
        cause: "cls.reasoning_dropped",
        words: "reasoning tokens not charged beside the output",
    },
];

/// Price scopes that are tried where the log names none.
const REGIONS: [&str; 3] = ["global", "geo:us", "geo:eu"];

/// Every change that could hold for a slice. `models` are those the account was billed or logged for.
pub fn changes(state: &State, slice: &Slice, models: &BTreeSet<Arc<str>>) -> Vec<Change> {
    let Some((_, first)) = slice.leaves.keys().next() else { return Vec::new() };
    let seller = &first.account.provider;
    let mut found = Vec::new();
    if slice.attribute == Attribute::Whole {
        let meters: BTreeSet<Meter> = slice.leaves.keys().map(|(_, leaf)| leaf.meter).collect();
        let rows = meters.iter().flat_map(|meter| state.rater.book.rows(seller, &slice.model, *meter));
        // Prices by the hour have a version for each hour; only steps from day to day are versions here.
        let rows: Vec<_> = rows.filter(|row| row.from <= state.period.last.next().start()).collect();
        if rows.iter().all(|row| &*row.window == "*") {
            let instants: BTreeSet<i64> = rows.iter().map(|row| row.from).collect();
            found.extend(instants.into_iter().map(Change::Version));
        }
        if !state.rater.book.terms().is_empty() {
            found.push(Change::List);
        }
    }
    found.extend(Tier::ALL.iter().copied().map(Change::Tier));
    found.extend(REGIONS.iter().map(|region| Change::Region((*region).into())));
    let bands = 0..=state.rater.book.bands().len() as u8;
    found.extend(bands.map(|band| Change::Prompt(state.rater.book.band_prompt(band))));
    found.extend(CONFUSIONS.iter().map(Change::Meter));
    if !matches!(slice.attribute, Attribute::Outcome(_) | Attribute::Stream) {
        let others = models.iter().filter(|model| **model != slice.model);
        found.extend(others.cloned().map(Change::Served));
    }
    let may_be_free = match slice.attribute {
        Attribute::Outcome(outcome) => outcome == Outcome::FailedWithUsage,
        Attribute::CallType(call) => call == CallType::Poll,
        Attribute::Key(_) => true,
        _ => false,
    };
    if may_be_free {
        found.push(Change::NotBilled);
    }
    found
}

/// What becomes of a leaf.
pub enum Became {
    Same,
    Leaf(Leaf),
    Price(Ratio),
    Nothing,
    /// The change is no story for this leaf: the book has no such price.
    Impossible,
}

impl Change {
    pub fn of(&self, state: &State, leaf: &Leaf) -> Became {
        let other = match self {
            Change::Version(at) => return version(state, leaf, *at),
            Change::List => {
                return match state.rater.list(leaf) {
                    Some(list) if state.rater.ratio(leaf) == Some(list) => Became::Same,
                    Some(list) => Became::Price(list),
                    None => Became::Impossible,
                };
            }
            Change::Tier(tier) => Leaf { tier: *tier, ..leaf.clone() },
            Change::Region(region) => Leaf { region: region.clone(), ..leaf.clone() },
            Change::Prompt(prompt) => Leaf { prompt: *prompt, ..leaf.clone() },
            Change::Meter(confusion) if confusion.logged != leaf.meter => return Became::Same,
            Change::Meter(confusion) => match confusion.charged {
                Some(meter) => Leaf { meter, ..leaf.clone() },
                None => return Became::Nothing,
            },
            Change::Served(model) => Leaf { model: model.clone(), ..leaf.clone() },
            Change::NotBilled => return Became::Nothing,
        };
        if !leaf.meter.is_token() && !matches!(self, Change::Served(_)) {
            return Became::Same;
        }
        // Where the list has one price for both, the change is none; a price of the month belongs to its own leaf.
        match (state.rater.list(&other), state.rater.list(leaf)) {
            _ if other == *leaf => Became::Same,
            (Some(then), Some(now)) if then == now && !matches!(self, Change::Served(_)) => Became::Same,
            (Some(_), _) if !state.rater.is_contracted(leaf) => Became::Leaf(other),
            _ => Became::Impossible,
        }
    }

    /// The cause that the change would prove for a slice. `lasting`: once it began, it went on.
    pub fn cause(&self, attribute: &Attribute, lasting: bool) -> &'static str {
        match (self, attribute) {
            (Change::Version(_), _) => "rate.stale",
            (Change::List, _) => "terms.discount",
            (Change::Tier(Tier::Batch), _) => "rate.batch",
            (Change::Tier(_), _) => "rate.service_tier",
            (Change::Region(_), _) => "rate.region_uplift",
            (Change::Prompt(_), _) => "rate.context_band",
            (Change::Meter(confusion), _) => confusion.cause,
            (Change::Served(_), Attribute::Whole | Attribute::Requested(_) | Attribute::Key(_))
                if lasting =>
            {
                "map.alias_repointed"
            }
            (Change::Served(_), _) => "map.fallback",
            (Change::NotBilled, Attribute::CallType(_)) => "qty.poll_duplicate",
            (Change::NotBilled, Attribute::Outcome(_)) => "qty.failed_priced",
            (Change::NotBilled, _) => "cov.other_payer",
        }
    }

    pub fn words(&self) -> String {
        match self {
            Change::Version(at) => {
                let day = crate::period::Day::of_instant(*at);
                format!("charged at the prices of the book's version of {day}")
            }
            Change::List => "charged at list, without the contract's terms".to_owned(),
            Change::Tier(tier) => format!("charged at tier {tier}"),
            Change::Region(region) => format!("charged in region {region}"),
            Change::Prompt(0) => "charged at the base rate of short prompts".to_owned(),
            Change::Prompt(prompt) => format!("charged at the rate of prompts from {prompt} tokens on"),
            Change::Meter(confusion) => confusion.words.to_owned(),
            Change::Served(model) => format!("charged as {model}"),
            Change::NotBilled => "not charged".to_owned(),
        }
    }

    /// The input that would tell it from its rivals.
    pub const fn decides(&self) -> &'static str {
        match self {
            Change::Version(_) => {
                "the seller's price page for these days, or billed quantities by token class"
            }
            Change::List => "the contract: does the term hold for these days",
            Change::Tier(_) => "the served tier or batch id of these calls in the log",
            Change::Region(_) => "the endpoint or geography of these calls in the log",
            Change::Prompt(_) => "a cost export that tells the context band",
            Change::Meter(_) => "billed quantities by token class: the provider's usage report",
            Change::Served(_) => "the model that answered, in the log",
            Change::NotBilled => "the provider's usage report for these days, by key",
        }
    }
}

/// The list price of another instant, with what the contract makes of it today.
fn version(state: &State, leaf: &Leaf, at: i64) -> Became {
    let (then, now) = (state.rater.list(&Leaf { at, ..leaf.clone() }), state.rater.list(leaf));
    match (then, now, state.rater.ratio(leaf)) {
        (Some(then), Some(now), _) if then == now => Became::Same,
        (Some(then), Some(now), Some(unit)) if unit != now => {
            let inverse = Ratio::new(now.denominator(), now.numerator());
            let unit = inverse.and_then(|inverse| unit.checked_mul(inverse)?.checked_mul(then));
            unit.map_or(Became::Impossible, Became::Price)
        }
        (Some(then), ..) => Became::Price(then),
        (None, ..) => Became::Impossible,
    }
}
