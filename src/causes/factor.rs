//! One factor on everything an account was billed: a discount that no contract states, cents read as dollars, prices of
//! another unit, another currency.
//!
//! The factor is read off the bill, in at most six decimals; every other line of the account from that day on tests it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status, noise};
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::{BillKey, Edit, State, quantity};
use crate::vocabulary::Meter;

/// A factor counts in millionths.
const ONE: i128 = 1_000_000;
/// Days of each of two models, and the share of the account's dollars that must agree: 4 of 5.
const DAYS: usize = 3;
const AGREEING: (i128, i128) = (4, 5);
/// Factors that are tried.
const CANDIDATES: usize = 8;

/// What one bill key costs by the book, and on the bill.
struct Point {
    key: BillKey,
    model: Arc<str>,
    priced: i128,
    billed: i128,
    bound: i128,
}

impl Point {
    /// The factors, in millionths, that the two amounts allow.
    fn interval(&self) -> Option<(i128, i128)> {
        let low = (self.billed - self.bound).checked_mul(ONE)?;
        let high = (self.billed + self.bound).checked_mul(ONE)?;
        Some((-(-low).div_euclid(self.priced), high.div_euclid(self.priced)))
    }

    /// `noise` in millionths of the amount.
    fn agrees(&self, factor: i128, noise: i128) -> bool {
        let more = factor.abs() * noise / ONE;
        self.interval().is_some_and(|(low, high)| low <= factor + more && factor - more <= high)
    }
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut patches = Vec::new();
    for account in accounts {
        let points = points(state, account)?;
        let found = candidates(&points)
            .into_iter()
            .filter_map(|factor| Some((onset(&points, factor, 0)?, factor)))
            .filter(|(_, factor)| !is_modelled(state, account, *factor))
            .min();
        let found = match found {
            Some((from, factor)) => Some((from, factor, 0)),
            None => noisy(&points).filter(|(_, factor, _)| !is_modelled(state, account, *factor)),
        };
        let patch =
            found.and_then(|(from, factor, noise)| patch(state, account, &points, factor, from, noise));
        patches.extend(patch.filter(|patch| !state.rejected.contains(&patch.name)));
    }
    Ok(patches)
}

/// Keys of one day and model with usage and a bill. Where the bill or a report counts the usage, the price of that count
/// is what the bill is held against.
fn points(state: &State, account: &Account) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    for key in state.billed.keys().filter(|key| key.cell.account == *account) {
        let Some(model) = key.cell.model.clone() else { continue };
        let bill = state.bill(key);
        let Some(leaves) = state.logged.get(key).filter(|leaves| bill.lines > 0 && !leaves.is_empty()) else {
            continue;
        };
        let mut units = leaves.keys().map(|leaf| state.unit(key, leaf));
        let (first, rest): (_, Vec<_>) = (units.next().flatten(), units.collect());
        let Some(unit) = first.filter(|_| rest.iter().all(Option::is_some)) else { continue };
        let counted = quantity::billed(state, key)
            .filter(|(_, known)| matches!(known, quantity::Known::Stated | quantity::Known::Witnessed));
        let priced = match counted {
            Some((count, _)) if rest.iter().all(|other| *other == Some(unit)) => {
                crate::rate::amount(unit, count)?
            }
            _ => state.priced(key)?,
        };
        let bound = bill.bound + Money::from_pico(2 * leaves.len() as i128 + 1);
        if priced > Money::ZERO && priced.pico() > 4 * bound.pico() {
            points.push(Point {
                key: key.clone(),
                model,
                priced: priced.pico(),
                billed: bill.amount.pico(),
                bound: bound.pico(),
            });
        }
    }
    points.sort_by_key(|point| point.key.cell.first);
    Ok(points)
}

/// Factors with the fewest decimals that two amounts in a row of one meter allow, those of the most amounts first.
fn candidates(points: &[Point]) -> Vec<i128> {
    let mut rows: BTreeMap<(&Arc<str>, Option<Meter>), Vec<&Point>> = BTreeMap::new();
    for point in points {
        rows.entry((&point.model, point.key.meter)).or_default().push(point);
    }
    let mut votes: BTreeMap<i128, usize> = BTreeMap::new();
    for pair in rows.values().flat_map(|row| row.windows(2)) {
        let (Some(a), Some(b)) = (pair[0].interval(), pair[1].interval()) else { continue };
        let (low, high) = (a.0.max(b.0), a.1.min(b.1));
        let simplest = (0..=6).map(|decimals| 10i128.pow(6 - decimals)).find_map(|step| {
            let up = -(-low).div_euclid(step) * step;
            (up > 0 && up <= high).then_some(up)
        });
        if let Some(factor) = simplest.filter(|factor| *factor != ONE) {
            *votes.entry(factor).or_default() += 1;
        }
    }
    let mut found: Vec<(usize, i128)> = votes.into_iter().map(|(factor, votes)| (votes, factor)).collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    found.into_iter().take(CANDIDATES).map(|(_, factor)| factor).collect()
}

/// The factor of a noisy log: the middle one of the last half of the amounts, where most of them are close to it. Returns
/// the first day, the factor in four decimals, and how close, in millionths.
fn noisy(points: &[Point]) -> Option<(Day, i128, i128)> {
    let mut factors: Vec<i128> = points[points.len() / 2..]
        .iter()
        .filter_map(|point| Some(point.billed.checked_mul(ONE)? / point.priced))
        .collect();
    factors.sort_unstable();
    let middle = *factors.get(factors.len() / 2)?;
    let mut off: Vec<i128> =
        factors.iter().map(|factor| (factor - middle).abs() * ONE / middle.max(1)).collect();
    off.sort_unstable();
    let noise = off[off.len() * 4 / 5] * 3 / 2;
    // A factor that is not far beyond the noise is noise.
    if !(1..=noise::MOST).contains(&noise) || (middle - ONE).abs() < 4 * noise.max(noise::MOST / 2) {
        return None;
    }
    let whole = crate::money::div_half_even(middle, ONE / 100) * (ONE / 100);
    let factor = if (whole - middle).abs() <= noise.min(ONE / 400) { whole } else { middle / 100 * 100 };
    Some((onset(points, factor, noise)?, factor, noise))
}

/// The first day from which nearly everything agrees with the factor, and not with none.
fn onset(points: &[Point], factor: i128, noise: i128) -> Option<Day> {
    let (mut agreeing, mut all) = (0i128, 0i128);
    let mut from = None;
    for same_day in points.chunk_by(|a, b| a.key.cell.first == b.key.cell.first).rev() {
        let sum =
            |points: &mut dyn Iterator<Item = &Point>| points.map(|point| point.billed.abs()).sum::<i128>();
        let agree = sum(&mut same_day.iter().filter(|point| point.agrees(factor, noise)));
        let day = sum(&mut same_day.iter());
        agreeing += agree;
        all += day;
        let most = |part: i128, whole: i128| part * AGREEING.1 >= whole * AGREEING.0;
        if most(agreeing, all) && most(agree, day) {
            from = same_day.first().map(|point| point.key.cell.first);
        }
    }
    let from = from?;
    // Two models, each on days of its own, where no factor would not do as well.
    let mut days: BTreeMap<&Arc<str>, BTreeSet<Day>> = BTreeMap::new();
    for point in points.iter().filter(|point| point.key.cell.first >= from) {
        if point.agrees(factor, noise) && !point.agrees(ONE, noise) {
            days.entry(&point.model).or_default().insert(point.key.cell.first);
        }
    }
    let coarse = points.iter().all(|point| point.key.cell.first != point.key.cell.last);
    let tested = days.values().filter(|days| days.len() >= DAYS || coarse).count();
    let models: BTreeSet<&Arc<str>> =
        points.iter().filter(|point| point.key.cell.first >= from).map(|point| &point.model).collect();
    let needed = if coarse { DAYS } else { 2 };
    (tested >= needed && tested * 2 > models.len()).then_some(from)
}

/// A factor that tiers, regions or the contract also have: other families look for those.
fn is_modelled(state: &State, account: &Account, factor: i128) -> bool {
    let book = state.rater.book;
    let uplift = book.regions(&account.provider).into_iter().any(|region| {
        book.region_factors(&account.provider, region)
            .any(|known| known.numerator() * ONE == factor * known.denominator())
    });
    uplift || [ONE / 2, 2 * ONE, 6 * ONE].contains(&factor) || (factor > ONE && !book.terms().is_empty())
}

fn patch(
    state: &State,
    account: &Account,
    points: &[Point],
    factor: i128,
    from: Day,
    noise: i128,
) -> Option<Patch> {
    let ratio = Ratio::new(factor, ONE)?;
    let (cause, status, rivals): (_, _, &[&str]) = match factor {
        _ if factor == 100 * ONE || factor * 100 == ONE => ("unit.minor_currency", Status::Exact, &[]),
        _ if power_of_ten(factor) => ("rate.unit_scale", Status::Exact, &[]),
        _ if factor > ONE => ("fx.rate", Status::Ambiguous, &["terms.platform_fee"]),
        _ if factor % (ONE / 100) == 0 && noise == 0 => ("terms.discount", Status::Probable, &[]),
        _ if factor % (ONE / 100) == 0 => ("terms.discount", Status::Ambiguous, &["fx.rate"]),
        _ => ("fx.rate", Status::Ambiguous, &["terms.discount"]),
    };
    let mut scope = Scope::of(account);
    let mut edits = Vec::new();
    let inside: Vec<&Point> = points.iter().filter(|point| point.key.cell.first >= from).collect();
    for point in &inside {
        scope.cover(&point.key.cell);
        for leaf in state.logged.get(&point.key).into_iter().flat_map(|leaves| leaves.keys()) {
            let unit = state.unit(&point.key, leaf)?.checked_mul(ratio)?;
            edits.push(Edit::Reprice { key: point.key.clone(), leaf: leaf.clone(), unit });
        }
    }
    let agreeing = inside.iter().filter(|point| point.agrees(factor, noise)).count();
    let origin = state.bill(&inside.first()?.key).origin;
    let mut facts = vec![
        Fact::new("billed share of the price in the book", ratio.decimal_text(6)).at(origin),
        Fact::new("billed amounts at this share", agreeing),
        Fact::new("billed amounts from that day on", inside.len()),
        Fact::new("numbers fitted", 1),
    ];
    if noise > 0 {
        facts.push(Fact::new("noise of the log, in parts per million of an amount", noise));
    }
    if cause == "terms.discount" {
        facts.push(Fact::new("discount in percent", percent_off(factor)));
    }
    Some(Patch {
        name: format!("factor {account:?} {factor} {from}"),
        cause,
        status,
        scope,
        edits,
        facts,
        rivals: rivals.iter().map(|rival| (*rival).to_owned()).collect(),
        decides: decides(cause).map(ToOwned::to_owned),
        fix: Some(fix(cause, account, factor, from)),
    })
}

fn power_of_ten(factor: i128) -> bool {
    (0..=12).any(|digits| factor == 10i128.pow(digits)) && factor != ONE
}

fn percent_off(factor: i128) -> String {
    Ratio::new((ONE - factor) * 100, ONE).map_or_else(String::new, |percent| percent.decimal_text(4))
}

fn decides(cause: &str) -> Option<&'static str> {
    match cause {
        "terms.discount" => Some("the contract: a discount on everything, and since when"),
        "fx.rate" => Some("the currency and rate on the invoice, and the contract"),
        _ => None,
    }
}

fn fix(cause: &str, account: &Account, factor: i128, from: Day) -> Fix {
    let (kind, text, patch) = match cause {
        "terms.discount" => (
            "contract-term",
            "add the term to a contract of the books once it is confirmed",
            format!(
                "[[term]]\nseller = \"{}\"\nfrom = {from}\nkind = \"percent_off_list\"\nvalue = \"{}\"\napplies_to = [\"tokens\"]\n",
                account.provider,
                percent_off(factor)
            ),
        ),
        "fx.rate" => ("books", "state the invoice's currency and its dated rate in the books", String::new()),
        "unit.minor_currency" => (
            "mapping",
            "read this export's amounts in minor units: they are cents, not dollars",
            String::new(),
        ),
        _ => ("pricebook-row", "correct the unit (`per`) of the rows that price this account", String::new()),
    };
    Fix { kind, text: text.to_owned(), patch }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(day: &str, model: &str, priced: i128, billed: i128) -> Point {
        let day: Day = day.parse().unwrap();
        let account = Account { provider: "openai".into(), id: None };
        let cell = crate::reconcile::CellKey { account, model: Some(model.into()), first: day, last: day };
        let key = BillKey { cell, meter: None, tier: None, region: None, long_context: None };
        Point { key, model: model.into(), priced, billed, bound: 1 }
    }

    #[test]
    fn twelve_percent_off_everything_from_the_third_on() {
        let mut points = Vec::new();
        for (at, day) in
            ["2026-10-01", "2026-10-02", "2026-10-03", "2026-10-04", "2026-10-05"].iter().enumerate()
        {
            for (model, priced) in [("a", 1_000_000), ("b", 3_000_000)] {
                points.push(point(day, model, priced, if at < 2 { priced } else { priced / 100 * 88 }));
            }
        }
        assert_eq!(candidates(&points), [880_000]);
        assert_eq!(onset(&points, 880_000, 0), Some("2026-10-03".parse().unwrap()));
        // One model alone is a price change.
        points.retain(|point| &*point.model == "a");
        assert_eq!(onset(&points, 880_000, 0), None);
    }

    #[test]
    fn powers_of_ten() {
        assert!(
            power_of_ten(1_000 * ONE)
                && power_of_ten(ONE / 1000)
                && !power_of_ten(ONE)
                && !power_of_ten(2 * ONE)
        );
    }
}
