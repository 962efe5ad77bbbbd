//! One factor on everything an account was billed: a discount that no contract states, cents read as dollars, prices of
//! another unit, another currency.
//!
//! Each amount of the bill allows some factors; that on which most of them agree is tried. Amounts in which something else
//! went wrong too do not agree and do not hide it: most must, on several models, each on days of its own.

mod number;
mod supposed;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use number::{simplest, written};

use super::search::score::{DIGIT, Digits, best_runs, digits};
use super::{Fact, Fix, Patch, Scope, Status, noise};
use crate::diagnostic::Origin;
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::{Day, Period};
use crate::rate::Account;
use crate::reconcile::{BillKey, Edit, State, quantity};
use crate::vocabulary::CountSource;

/// A factor counts in 10^-9: no written one has more decimals.
const ONE: i128 = 1_000_000_000;
/// Days of each of two models on which it must hold, and of all models together; where the bill has no days, so many models.
const DAYS: usize = 2;
const MODEL_DAYS: usize = 6;
const MODELS: usize = 3;
/// How far amounts may be off for the noise of the log, in parts per million: the first that does is taken.
const NOISES: [i128; 5] = [0, 500, 2_000, 5_000, noise::MOST];
/// A factor in a noisy log must be this many times as far from one as its noise.
const BEYOND_NOISE: i128 = 4;
/// One in so many amounts must agree; in a noise in which many agree by chance, half of them.
const AGREEING: usize = 5;
const AGREEING_IN_NOISE: (i128, usize) = (5_000, 2);
/// So many must agree for each that ties out without it.
const AGAINST: usize = 8;
/// Digits that the bill must save with it, and what one amount counts for at most.
const SURE: Digits = 34 * DIGIT;
const MOST_OF_A_POINT: Digits = 16 * DIGIT;
/// A run of days costs this much to tell.
const RUN: Digits = 5 * DIGIT;

/// What one bill key costs by the book, and on the bill.
#[derive(Debug, Clone)]
struct Point {
    key: BillKey,
    day: Day,
    last: Day,
    /// Empty where the bill does not tell models apart.
    model: Arc<str>,
    priced: i128,
    billed: i128,
    bound: i128,
    origin: Origin,
}

impl Point {
    fn is_beyond_rounding(&self) -> bool {
        self.billed > 0 && self.priced > 4 * self.bound
    }

    /// The factors that the two amounts allow where they may be off by so many parts per million.
    fn interval(&self, noise: i128) -> Option<(i128, i128)> {
        let bound = self.bound + noise::share(noise, self.billed);
        let low = (self.billed - bound).checked_mul(ONE)?;
        let high = (self.billed + bound).checked_mul(ONE)?;
        // Outward: a billionth more is no evidence.
        Some((low.div_euclid(self.priced), -(-high).div_euclid(self.priced)))
    }

    fn agrees(&self, factor: i128, noise: i128) -> bool {
        self.interval(noise).is_some_and(|(low, high)| low <= factor && factor <= high)
    }

    /// Digits that the difference from a factor takes.
    fn digits(&self, factor: i128, noise: i128) -> Digits {
        let Some(priced) = self.priced.checked_mul(factor) else { return 0 };
        let priced = crate::money::div_half_even(priced, ONE);
        let bound = self.bound + noise::share(noise, self.billed);
        // Within the bound nothing is left; beyond it, how many times.
        digits((self.billed - priced).abs() - bound.min((self.billed - priced).abs()), bound)
            .min(MOST_OF_A_POINT)
    }

    /// It tells the factor from none.
    fn tells(&self, noise: i128) -> bool {
        !self.agrees(ONE, noise)
    }
}

/// One factor that the bill agrees with on some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    factor: i128,
    days: Period,
    /// In parts per million; 0 where amounts agree to the last step.
    noise: i128,
    agreeing: usize,
    tested: usize,
    /// Digits that the bill saves with it.
    saved: Digits,
}

/// One factor for each account: the first that was not rejected. The engine rejects those that stand in turn, to compare
/// them with the next and with none.
pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut patches = Vec::new();
    for account in accounts {
        let points = points(state, account)?;
        let modelled = |factor: i128, noise: i128| is_modelled(state, account, factor, noise);
        let found = plainest(&points, state.period.last, &modelled);
        let tell = |found: Found| {
            let mut told = found.told(state.period).filter_map(|found| patch(account, &points, &found));
            told.find(|patch| !state.rejected.contains(&patch.name))
        };
        let mut told = found.and_then(tell);
        if told.is_none() {
            told = supposed::factor(state, account, &points, found, &modelled)?.and_then(tell);
        }
        patches.extend(told);
    }
    Ok(patches)
}

impl Found {
    /// The days on which it was seen; or, because other faults may have hidden it on the others, all after them, and all.
    fn told(self, period: Period) -> impl Iterator<Item = Found> {
        let lasting = Period { last: period.last, ..self.days };
        let mut told = vec![self.days, lasting, period];
        told.dedup();
        told.into_iter().map(move |days| Found { days, ..self })
    }
}

/// Keys with usage and a bill. Where the bill or a report counts the usage, the price of that count is what the bill is
/// held against.
fn points(state: &State, account: &Account) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    // What the gateway guessed is off by itself, and by another share from row to row.
    let guessed = state.usage.iter().filter(|row| row.source == CountSource::Estimated);
    let guessed: BTreeSet<BillKey> = guessed.flat_map(|row| state.places(row)).map(|(key, ..)| key).collect();
    let keys = state.billed.keys().filter(|key| key.cell.account == *account && !guessed.contains(key));
    for key in keys {
        let bill = state.bill(key);
        let Some(leaves) = state.logged.get(key).filter(|leaves| bill.lines > 0 && !leaves.is_empty()) else {
            continue;
        };
        let mut units = leaves.keys().map(|leaf| state.unit(key, leaf));
        let (first, rest): (_, Vec<_>) = (units.next().flatten(), units.collect());
        let Some(unit) = first.filter(|_| rest.iter().all(Option::is_some)) else { continue };
        let counted = quantity::billed(state, key).filter(|(_, known)| known.is_counted());
        let priced = match counted {
            Some((count, _)) if rest.iter().all(|other| *other == Some(unit)) => {
                crate::rate::amount(unit, count)?
            }
            _ => state.priced(key)?,
        };
        let bound = bill.bound + Money::from_pico(2 * leaves.len() as i128 + 1);
        let point = Point {
            key: key.clone(),
            day: key.cell.first,
            last: key.cell.last,
            model: key.cell.model.clone().unwrap_or_default(),
            priced: priced.pico(),
            billed: bill.amount.pico(),
            bound: bound.pico(),
            origin: bill.origin,
        };
        points.extend(Some(point).filter(Point::is_beyond_rounding));
    }
    points.sort_by_key(|point| point.day);
    Ok(points)
}

/// The factor that takes the least noise, where more noise would not make many more amounts agree.
fn plainest(points: &[Point], end: Day, modelled: &dyn Fn(i128, i128) -> bool) -> Option<Found> {
    let found: Vec<Found> = NOISES.iter().filter_map(|noise| find(points, *noise, end, modelled)).collect();
    let most = found.iter().map(|found| found.agreeing).max()?;
    found.into_iter().find(|found| found.agreeing * 5 >= most * 4)
}

/// The factor on which the most amounts agree, on the days on which it saves the most, where that is more than chance.
fn find(points: &[Point], noise: i128, end: Day, modelled: &dyn Fn(i128, i128) -> bool) -> Option<Found> {
    let (low, high) = deepest(points, noise)?;
    let factor = if noise == 0 { simplest(low, high) } else { middle(points, low, high, noise) };
    // What is hardly beyond the noise is noise.
    if modelled(factor, noise) || (factor - ONE).abs() <= BEYOND_NOISE * noise * (ONE / 1_000_000) {
        return None;
    }
    let mut gains: Vec<(Day, Digits)> = Vec::new();
    for same_day in points.chunk_by(|a, b| a.day == b.day) {
        let gain = |point: &Point| point.digits(ONE, noise) - point.digits(factor, noise);
        gains.push((same_day[0].day, same_day.iter().map(gain).sum()));
    }
    let (runs, _) = best_runs(&gains.iter().map(|(_, gain)| *gain).collect::<Vec<_>>(), RUN);
    let saved = |run: &(usize, usize)| gains[run.0..=run.1].iter().map(|(_, gain)| gain).sum::<Digits>();
    let run = runs.into_iter().max_by_key(|run| (saved(run), std::cmp::Reverse(run.0)))?;
    let saved = saved(&run);
    let (first, mut last) = (gains[run.0].0, gains[run.1].0);
    // What holds on the last day with a bill holds on.
    if gains.len() == run.1 + 1 {
        last = end;
    }
    let days = Period { first, last };
    let inside: Vec<&Point> = points.iter().filter(|point| days.contains(point.day)).collect();
    let telling = inside.iter().filter(|point| point.tells(noise)).count();
    // Each model on days of its own, where no factor would not do as well.
    let mut agreeing: BTreeMap<&Arc<str>, BTreeSet<Day>> = BTreeMap::new();
    for point in inside.iter().filter(|point| point.tells(noise) && point.agrees(factor, noise)) {
        agreeing.entry(&point.model).or_default().insert(point.day);
    }
    let agree = inside.iter().filter(|point| point.tells(noise) && point.agrees(factor, noise)).count();
    // What ties out at the book's price, and would not with it, speaks against one factor on everything.
    let against = inside.iter().filter(|point| point.agrees(ONE, 0) && !point.agrees(factor, noise)).count();
    if against * AGAINST > agree {
        return None;
    }
    let coarse = points.iter().all(|point| point.day != point.last);
    let tested = agreeing.values().filter(|days| days.len() >= DAYS || coarse).count();
    let model_days: usize = agreeing.values().map(BTreeSet::len).sum();
    let enough = if coarse { tested >= MODELS } else { tested >= 2 && model_days >= MODEL_DAYS };
    // Nothing but another unit moves everything by two places or more.
    let unmistakable = power_of_ten(factor) && (factor >= 100 * ONE || factor * 100 <= ONE) && tested > 0;
    // Other faults may sit in most of the amounts; the engine compares what is left with the factor and without.
    let one_in = if noise >= AGREEING_IN_NOISE.0 { AGREEING_IN_NOISE.1 } else { AGREEING };
    let sure = saved >= SURE && enough && agree * one_in >= telling;
    (sure || (unmistakable && agree * 2 > telling)).then_some(Found {
        factor,
        days,
        noise,
        agreeing: agree,
        tested,
        saved,
    })
}

/// The factors that the most digits speak for: where the intervals of the amounts that no factor does not explain
/// overlap most.
fn deepest(points: &[Point], noise: i128) -> Option<(i128, i128)> {
    let mut ends: Vec<(i128, bool, Digits)> = Vec::new();
    for point in points.iter().filter(|point| point.tells(noise)) {
        let Some((low, high)) = point.interval(noise) else { continue };
        let weight = point.digits(ONE, noise).max(1);
        // At one place, what begins comes before what ends.
        ends.push((low, false, weight));
        ends.push((high, true, weight));
    }
    ends.sort_unstable();
    let (mut depth, mut best): (Digits, Option<(Digits, i128, i128)>) = (0, None);
    for (at, (place, is_end, weight)) in ends.iter().enumerate() {
        if *is_end {
            depth -= weight;
            continue;
        }
        depth += weight;
        if best.is_none_or(|(deepest, ..)| depth > deepest) {
            let next = ends[at + 1..].iter().find(|(_, is_end, _)| *is_end);
            best = next.map(|(high, ..)| (depth, *place, *high));
        }
    }
    best.map(|(_, low, high)| (low, high))
}

/// The factor of a noisy log: one that several amounts meet to the last step, else a whole hundredth or the middle of
/// those that are near.
fn middle(points: &[Point], low: i128, high: i128, noise: i128) -> i128 {
    let near: Vec<Point> =
        points.iter().filter(|point| point.agrees((low + high) / 2, noise)).cloned().collect();
    if let Some((low, high)) = deepest(&near, 0) {
        let exact = simplest(low, high);
        let days: BTreeSet<(&Arc<str>, Day)> = near
            .iter()
            .filter(|point| point.agrees(exact, 0) && point.tells(noise))
            .map(|point| (&point.model, point.day))
            .collect();
        if days.len() >= MODELS && exact % (ONE / 1_000_000) == 0 {
            return exact;
        }
    }
    let mut factors: Vec<i128> =
        near.iter().filter_map(|point| Some(point.billed.checked_mul(ONE)? / point.priced)).collect();
    factors.sort_unstable();
    let middle = factors.get(factors.len() / 2).copied().unwrap_or(low);
    let rounded = |step: i128| crate::money::div_half_even(middle, step) * step;
    let whole = rounded(ONE / 100);
    if (whole - middle).abs() <= (noise * (ONE / 1_000_000)).min(ONE / 400) {
        whole
    } else {
        rounded(ONE / 10_000)
    }
}

/// A factor that tiers, regions or the contract also have: other families look for those.
fn is_modelled(state: &State, account: &Account, factor: i128, noise: i128) -> bool {
    let book = state.rater.book;
    let near = |known: i128| (known - factor).abs() <= noise * (known / 1_000_000);
    let uplift = book.regions(&account.provider).into_iter().any(|region| {
        let mut factors = book.region_factors(&account.provider, region);
        factors.any(|known| near(known.numerator() * ONE / known.denominator()))
    });
    uplift || [ONE / 2, 2 * ONE, 6 * ONE].into_iter().any(near) || (factor > ONE && !book.terms().is_empty())
}

fn patch(account: &Account, points: &[Point], found: &Found) -> Option<Patch> {
    let Found { factor, days, noise, .. } = *found;
    let inside: Vec<&Point> = points.iter().filter(|point| days.contains(point.day)).collect();
    let decimal = Ratio::new(factor, ONE)?;
    let ratio = if noise == 0 { written(&inside, factor).unwrap_or(decimal) } else { decimal };
    let (cause, status, rivals): (_, _, &[&str]) = match factor {
        _ if factor == 100 * ONE || factor * 100 == ONE => ("unit.minor_currency", Status::Exact, &[]),
        _ if power_of_ten(factor) => ("rate.unit_scale", Status::Exact, &[]),
        _ if factor > ONE => ("fx.rate", Status::Ambiguous, &["terms.platform_fee"]),
        _ if factor % (ONE / 100) == 0 && noise == 0 => ("terms.discount", Status::Probable, &[]),
        _ if factor % (ONE / 100) == 0 => ("terms.discount", Status::Ambiguous, &["fx.rate"]),
        _ => ("fx.rate", Status::Ambiguous, &["terms.discount"]),
    };
    let mut scope = Scope::of(account);
    for point in &inside {
        scope.models.extend(Some(point.model.clone()).filter(|model| !model.is_empty()));
        scope.days(point.day, point.last);
    }
    let mut facts = vec![
        Fact::new("billed share of the price in the book", ratio.decimal_text(9)).at(&inside.first()?.origin),
        Fact::new("billed amounts at this share", found.agreeing),
        Fact::new("billed amounts from that day on", inside.len()),
        Fact::new("models on which it holds on days of their own", found.tested),
        Fact::new("numbers fitted", 1),
    ];
    if noise > 0 {
        facts.push(Fact::new("noise of the log, in parts per million of an amount", noise));
    }
    if cause == "terms.discount" {
        facts.push(Fact::new("discount in percent", percent_off(factor)));
    }
    Some(Patch {
        name: format!("factor {account:?} {factor} {} {}", days.first, days.last),
        cause,
        status,
        scope,
        edits: vec![Edit::Factor { account: account.clone(), factor: ratio, days }],
        facts,
        rivals: rivals.iter().map(|rival| (*rival).to_owned()).collect(),
        decides: decides(cause).map(ToOwned::to_owned),
        fix: Some(fix(cause, account, factor, days.first)),
    })
}

fn power_of_ten(factor: i128) -> bool {
    (0..=18).any(|digits| factor == 10i128.pow(digits)) && factor != ONE
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
    use crate::reconcile::CellKey;

    pub fn point(day: i32, model: &str, priced: i128, billed: i128) -> Point {
        let day = Day::from_days(day);
        let account = Account { provider: "openai".into(), id: None };
        let cell = CellKey { account, model: Some(model.into()), first: day, last: day };
        let key = BillKey::first_of(&cell);
        Point {
            key,
            day,
            last: day,
            model: model.into(),
            priced,
            billed,
            bound: 1,
            origin: Origin::default(),
        }
    }

    fn none(_: i128, _: i128) -> bool {
        false
    }

    #[test]
    fn twelve_percent_off_everything_from_the_third_day_on() {
        let mut points = Vec::new();
        for day in 0..6 {
            for (model, priced) in [("a", 1_000_000), ("b", 3_000_000)] {
                points.push(point(day, model, priced, if day < 2 { priced } else { priced / 100 * 88 }));
            }
        }
        let found = find(&points, 0, Day::from_days(9), &none).unwrap();
        assert_eq!(found.factor, ONE / 100 * 88);
        assert_eq!((found.days.first, found.days.last), (Day::from_days(2), Day::from_days(9)));
        assert_eq!((found.agreeing, found.tested), (8, 2));
        // Where another fault sits in one of three amounts, the others still agree.
        for day in 0..6 {
            points.push(point(day, "c", 500_000, 700_000 + 1_000 * i128::from(day)));
        }
        points.sort_by_key(|point| point.day);
        assert_eq!(
            find(&points, 0, Day::from_days(9), &none).map(|found| found.factor),
            Some(ONE / 100 * 88)
        );
        // One model alone is a price change.
        points.retain(|point| &*point.model == "a");
        assert_eq!(find(&points, 0, Day::from_days(9), &none), None);
    }

    #[test]
    fn a_rate_through_the_noise_of_the_log() {
        // 86.13 %; what the log lacks, in parts per million, by day and model: now and then nothing.
        let lacks = [
            ("a", [0, 1_100, 0, 3_200, 2_050, 4_010, 0, 1_900, 900, 2_900]),
            ("b", [300, 0, 2_500, 1_700, 3_900, 650, 2_200, 0, 3_100, 1_300]),
        ];
        let mut points = Vec::new();
        for (model, lacks) in lacks {
            for (day, lacks) in lacks.iter().enumerate() {
                let priced = 10 * (1_000_000 - lacks);
                points.push(point(day as i32, model, priced, 8_613_000));
            }
        }
        points.sort_by_key(|point| point.day);
        let found = plainest(&points, Day::from_days(9), &none).unwrap();
        // Eight of twenty are off by more than two thousandths.
        assert_eq!((found.factor, found.noise, found.agreeing), (ONE / 10_000 * 8_613, 5_000, 20));
    }

    #[test]
    fn hundred_times_the_estimate_is_cents() {
        let month = |billed| Point { last: Day::from_days(30), ..point(0, "", 123_457, billed) };
        let found = |billed| find(&[month(billed)], 0, Day::from_days(30), &none).map(|found| found.factor);
        assert_eq!(found(12_345_700), Some(100 * ONE));
        assert_eq!(found(1_234_570), None, "ten times may be many things");
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
