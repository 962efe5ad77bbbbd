//! Mistakes with a choice: another version, seller, model, tier or region of the book. One row proves none of them, for
//! there is always some price that fits; days do.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::figure::Figure;
use crate::error::Result;
use crate::money::{Money, ONE, Ratio, div_half_even};
use crate::period::Day;
use crate::pricebook::Pricebook;
use crate::rate::{Account, DayUsage, Rater};
use crate::vocabulary::{Meter, Tier};

/// Another place in the book, or another unit, that a gateway may have priced by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Choice {
    /// The prices that hold from an instant on.
    Version(i64),
    /// The prices of another hour of the day.
    Hour(u8),
    /// The same model at another seller.
    Twin(&'static str, Arc<str>),
    /// Another model of the seller.
    Model(Arc<str>),
    Tier(Tier),
    Region(Arc<str>),
    /// A power of ten, too high or too low.
    Scale(u32, bool),
    /// Fees for calls of a tool that the record does not count.
    Declared(Meter),
}

/// What is known beside the row: the book's offers, and which models answered which names.
#[derive(Default)]
pub(super) struct Known {
    offers: BTreeMap<(Arc<str>, Arc<str>), Rc<[Choice]>>,
    answered: BTreeSet<(Account, Arc<str>, Arc<str>)>,
}

impl Known {
    pub fn new(usage: &[DayUsage]) -> Known {
        let rows = usage.iter().filter(|row| row.outcome.is_billable());
        let answered =
            rows.map(|row| (row.account.clone(), row.requested.clone(), row.model.clone())).collect();
        Known { offers: BTreeMap::new(), answered }
    }

    /// True where the model answered other calls that asked for the same name.
    pub fn answers(&self, row: &DayUsage, model: &str) -> bool {
        self.answered.contains(&(row.account.clone(), row.requested.clone(), model.into()))
    }

    /// Everything the book offers instead of the row's own prices.
    pub fn offers(&mut self, book: &Pricebook, row: &DayUsage) -> Rc<[Choice]> {
        let (seller, model) = (&row.account.provider, &row.model);
        self.offers
            .entry((seller.clone(), model.clone()))
            .or_insert_with(|| offers(book, seller, model).into())
            .clone()
    }
}

fn offers(book: &Pricebook, seller: &str, model: &str) -> Vec<Choice> {
    let mut offers: Vec<Choice> =
        book.row_changes(seller, model, i64::MIN, i64::MAX).into_iter().map(Choice::Version).collect();
    if Meter::ALL.iter().any(|meter| book.has_window(seller, model, *meter)) {
        offers.extend((0..24).map(Choice::Hour));
    }
    for other in book.sellers().filter(|other| *other != seller) {
        let twins = book.models(other).filter(|twin| bare(&twin.id) == bare(model));
        offers.extend(twins.map(|twin| Choice::Twin(other, (*twin.id).into())));
    }
    let models = book.models(seller).filter(|other| *other.id != *model);
    offers.extend(models.map(|other| Choice::Model((*other.id).into())));
    offers.extend(Tier::ALL.iter().filter(|tier| **tier != Tier::Standard).map(|tier| Choice::Tier(*tier)));
    let regions = book.regions(seller).into_iter().map(|region| region.trim_end_matches('*'));
    offers.extend(regions.filter(|region| !region.is_empty()).map(|region| Choice::Region(region.into())));
    offers.extend((2..=6).flat_map(|power| [true, false].map(|high| Choice::Scale(power, high))));
    offers.extend([Meter::WebSearch, Meter::FileSearch, Meter::CodeExecSession].map(Choice::Declared));
    offers
}

/// `claude-sonnet-4-5` of `anthropic.claude-sonnet-4-5-20250929-v1:0`: what sellers call the same model by.
fn bare(id: &str) -> &str {
    let id = id.rsplit('/').next().unwrap_or(id);
    let id = match id.split_once('.') {
        Some((vendor, rest)) if vendor.chars().all(|char| char.is_ascii_alphabetic()) => rest,
        _ => id,
    };
    let id = id.split(['@', ':']).next().unwrap_or(id);
    let id = ["-v1", "-v2"].iter().find_map(|version| id.strip_suffix(version)).unwrap_or(id);
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    match id.rsplit_once('-') {
        Some((name, date)) if digits(date, 8) => name,
        _ => id.get(..id.len().saturating_sub(11)).filter(|_| is_dashed_date(id)).unwrap_or(id),
    }
}

/// Ends in `-2025-04-14`.
fn is_dashed_date(id: &str) -> bool {
    let tail = id.len().checked_sub(11).and_then(|start| id.as_bytes().get(start..));
    tail.is_some_and(|tail| {
        tail.iter().enumerate().all(|(index, byte)| match index {
            0 | 5 | 8 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        })
    })
}

impl Choice {
    /// What the gateway would have multiplied; empty where the row is priced by the choice already. A twin is asked for
    /// in the row's region and in its seller's default one.
    pub fn figures(&self, rater: &Rater, row: &DayUsage) -> Result<Vec<Figure>> {
        let plain = Figure::of(row);
        Ok(match self {
            Choice::Version(at) => vec![plain.at(|leaf| (leaf.at, leaf.whole_day) = (*at, false))],
            Choice::Hour(hour) => {
                let at = Day::of_instant(row.at).start() + i64::from(*hour) * 3_600;
                vec![plain.at(|leaf| (leaf.at, leaf.whole_day) = (at, false))]
            }
            Choice::Twin(seller, model) => {
                let there = plain.at(|leaf| {
                    leaf.account.provider = (*seller).into();
                    leaf.model = model.clone();
                });
                vec![there.clone(), there.at(|leaf| leaf.region = "".into())]
            }
            Choice::Model(model) => vec![plain.at(|leaf| leaf.model = model.clone())],
            Choice::Tier(tier) if *tier == row.tier => Vec::new(),
            Choice::Tier(tier) => vec![plain.at(|leaf| leaf.tier = *tier)],
            Choice::Region(region) if *region == row.region => Vec::new(),
            Choice::Region(region) => vec![plain.at(|leaf| leaf.region = region.clone())],
            Choice::Scale(power, high) => {
                let ten = 10i128.pow(*power);
                let scale = if *high { Ratio::new(ten, 1) } else { Ratio::new(1, ten) };
                scale.map(|scale| plain.times(scale)).into_iter().collect()
            }
            Choice::Declared(meter) => declared(rater, row, plain, *meter)?.into_iter().collect(),
        })
    }

    /// The row as if it were used at that place in the book; `None` where the choice is no place.
    pub fn moved(&self, row: &DayUsage) -> Option<DayUsage> {
        let mut moved = DayUsage { as_logged: None, ..row.clone() };
        match self {
            Choice::Version(at) => (moved.at, moved.whole_day) = (*at, false),
            Choice::Model(model) => moved.model = model.clone(),
            Choice::Tier(tier) => moved.tier = *tier,
            Choice::Region(region) => moved.region = region.clone(),
            Choice::Hour(_) | Choice::Twin(..) | Choice::Scale(..) | Choice::Declared(_) => return None,
        }
        Some(moved)
    }

    /// The cause, in words that are the same on every row it explains.
    pub fn story(&self, rater: &Rater, row: &DayUsage) -> Result<(&'static str, String)> {
        Ok(match self {
            Choice::Version(at) => {
                // Where only prompts of this size had another price, it is the surcharge that came or went.
                let short = Figure::of(row).at(|leaf| leaf.prompt = 0);
                let then = short.clone().at(|leaf| (leaf.at, leaf.whole_day) = (*at, false));
                let same = row.prompt > 0 && short.cost(rater, true)? == then.cost(rater, true)?;
                let cause = if same { "rate.context_band" } else { "rate.stale" };
                (cause, format!("the gateway priced by the book's prices as of {}", Day::of_instant(*at)))
            }
            // Which of several hours with one price it was makes no other story.
            Choice::Hour(_) => {
                ("rate.time_of_day", "the gateway priced all hours as one, or by another clock".to_owned())
            }
            Choice::Twin(seller, _) => {
                ("rate.platform_twin", format!("the gateway priced the same model as sold by {seller}"))
            }
            Choice::Model(model) => {
                let (book, seller) = (rater.book, &row.account.provider);
                let meant = [&row.requested, &row.routed, &row.served].into_iter().find(|name| {
                    book.meanings(seller, name).iter().any(|(_, meant)| *meant == Some(&**model))
                });
                match meant {
                    Some(name) => (
                        "map.alias_repointed",
                        format!("the gateway priced {name} as {model}, which it meant at another time"),
                    ),
                    // The name is the customer's own: the book does not know what it stands for.
                    None if book.resolve(seller, &row.served, row.at).is_none() => {
                        ("map.deployment_name", format!("the gateway priced {} as {model}", row.served))
                    }
                    None => ("map.fuzzy_match", format!("the gateway priced {} as {model}", row.model)),
                }
            }
            Choice::Tier(tier) => {
                let cause = match tier {
                    Tier::Batch => "rate.batch",
                    Tier::Fast | Tier::Ultrafast => "rate.speed_premium",
                    _ => "rate.service_tier",
                };
                (cause, format!("the gateway priced tier {tier}, which the record does not name"))
            }
            Choice::Region(region) => (
                "rate.region_uplift",
                format!("the gateway priced region {region}, which the record does not name"),
            ),
            Choice::Scale(2, true) => (
                "unit.minor_currency",
                "the gateway logs hundredths, or its price is 10^2 too high".to_owned(),
            ),
            Choice::Scale(2, false) => (
                "unit.minor_currency",
                "the gateway divided its cost by a hundred, or its price is 10^2 too low".to_owned(),
            ),
            Choice::Scale(power, high) => {
                let words = if *high { "high" } else { "low" };
                ("rate.unit_scale", format!("the gateway's price is 10^{power} times too {words}"))
            }
            Choice::Declared(meter) => (
                "cls.tool_fee",
                format!("the gateway charged for {meter} calls that the record does not count"),
            ),
        })
    }
}

/// Fees that belong to a call of a tool, charged though no call was counted: a whole number of them, one a request at
/// most.
fn declared(rater: &Rater, row: &DayUsage, plain: Figure, meter: Meter) -> Result<Option<Figure>> {
    let Some(ours) = plain.cost(rater, true)? else { return Ok(None) };
    let over = row.sums.logged - ours;
    let fee = rater.ratio(&row.leaf(meter)).filter(|fee| !fee.is_zero());
    let Some(fee) = fee.filter(|_| row.sums.meters.get(meter) == 0 && over > Money::ZERO) else {
        return Ok(None);
    };
    let calls = div_half_even(
        over.pico().saturating_mul(fee.denominator()),
        fee.numerator().saturating_mul(ONE).max(1),
    );
    let possible = (1..=i128::from(row.sums.requests)).contains(&calls);
    Ok(fee.amount(calls).ok().filter(|_| possible).map(|(more, _)| plain.plus(more)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sellers_write_one_model_in_many_ways() {
        for id in [
            "claude-sonnet-4-5",
            "claude-sonnet-4-5-20250929",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "claude-sonnet-4-5@20250929",
            "anthropic/claude-sonnet-4-5",
        ] {
            assert_eq!(bare(id), "claude-sonnet-4-5", "{id}");
        }
        assert_eq!(bare("gpt-4.1-mini-2025-04-14"), "gpt-4.1-mini");
    }
}
