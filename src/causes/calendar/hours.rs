//! A tariff by the hour that the book does not have: some hours of the day at one percentage of the price, whoever calls.
//!
//! The log says which hours a day's usage is from, so the share of those hours differs from day to day and from meter to
//! meter: one percentage meets them all, or there is no such tariff.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::instants::Instants;
use crate::causes::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::{Ratio, div_half_even};
use crate::period::Day;
use crate::rate::{Account, Leaf, Owner};
use crate::reconcile::{BillKey, Edit, State};
use crate::vocabulary::Tier;

const HOURS: usize = 24;
/// Days that must be met, and days of which the billed amounts tell the hours from a price for all hours.
const DAYS: usize = 4;
const TELLING: usize = 3;
/// How unlikely it must be that a window of hours meets the amounts by chance, as a power of two; one amount counts for so
/// much at most.
const BITS: u32 = 60;
const MOST_BITS: u32 = 24;
/// Percentages of the price that are tried: those that the largest amounts come to.
const ASKED: usize = 6;
const PERCENT: std::ops::RangeInclusive<i128> = 1..=400;

/// One amount of the bill with what the log has of it by the hour.
struct Point {
    key: BillKey,
    leaves: Vec<(Leaf, [i128; HOURS])>,
    /// At the prices of the book, in pico-dollars: of everybody, and of each gateway key by itself.
    priced: [i128; HOURS],
    callers: Vec<[i128; HOURS]>,
    /// Billed minus priced, and how much of it rounding leaves open.
    off: i128,
    bound: i128,
}

impl Point {
    /// What would change if only who calls in these hours alone had another price: a tier, not a tariff.
    fn of_whole_callers(&self, window: Window) -> i128 {
        let within = |hours: &&[i128; HOURS]| window.of(hours) == hours.iter().sum();
        self.callers.iter().filter(within).flatten().sum()
    }
}

/// Hours in a row, from the first to the last in which there is usage; over midnight too.
#[derive(Clone, Copy)]
struct Window {
    first: usize,
    last: usize,
    hours: u32,
}

impl Window {
    /// What lies in it.
    fn of(self, by_hour: &[i128; HOURS]) -> i128 {
        let inside = by_hour.iter().enumerate().filter(|(hour, _)| self.hours & (1 << hour) != 0);
        inside.map(|(_, part)| part).sum()
    }
}

/// Some hours at a percentage of the price, with the days on which that is met.
struct Tariff {
    window: Window,
    percent: i128,
    days: BTreeSet<Day>,
    bits: u32,
}

/// The tariff of one model, where its open days tell one.
pub fn of_model(
    state: &State,
    account: &Account,
    model: &Arc<str>,
    instants: &Instants,
    noisy: bool,
) -> Result<Option<Patch>> {
    if state.rejected.contains(&name(account, model)) {
        return Ok(None);
    }
    let Some(points) = points(state, model, instants)? else { return Ok(None) };
    let tariffs = windows(&points).into_iter().filter_map(|window| fit(&points, window, noisy));
    // Of windows that are met alike the shortest.
    let length = |tariff: &Tariff| tariff.window.hours.count_ones();
    let best = tariffs.max_by(|a, b| a.bits.cmp(&b.bits).then_with(|| length(b).cmp(&length(a))));
    Ok(best.and_then(|tariff| patch(state, account, model, &points, &tariff, noisy)))
}

/// Every amount of the model whose usage the log knows by the hour; `None` where some of it is known by the day only.
fn points(state: &State, model: &Arc<str>, instants: &Instants) -> Result<Option<Vec<Point>>> {
    let mut counts: BTreeMap<(BillKey, Leaf), [i128; HOURS]> = BTreeMap::new();
    let mut callers: BTreeMap<BillKey, BTreeMap<Owner, [i128; HOURS]>> = BTreeMap::new();
    for instant in instants.of_model(state, model) {
        if instant.leaf.whole_day {
            return Ok(None);
        }
        let since_midnight = instant.at - state.clock.midnight(instant.at);
        let hour = (since_midnight / 3_600).rem_euclid(HOURS as i64) as usize;
        let leaf = instant.leaf_of_day(state);
        let key = state.key_of(&leaf, instant.owner);
        let cost = state.unit(&key, &leaf).and_then(|unit| unit.amount(instant.quantity).ok());
        let of_caller = callers.entry(key.clone()).or_default().entry(instant.caller).or_insert([0; HOURS]);
        of_caller[hour] += cost.map_or(0, |(amount, _)| amount.pico());
        counts.entry((key, leaf)).or_insert([0; HOURS])[hour] += instant.quantity;
    }
    let mut points: BTreeMap<BillKey, Point> = BTreeMap::new();
    let mut edited: BTreeSet<BillKey> = BTreeSet::new();
    for ((key, leaf), by_hour) in counts {
        let logged = state.logged.get(&key).and_then(|leaves| leaves.get(&leaf)).copied();
        let unit = state.unit(&key, &leaf).filter(|_| logged == Some(by_hour.iter().sum()));
        let Some(unit) = unit.filter(|_| !edited.contains(&key)) else {
            points.remove(&key);
            edited.insert(key);
            continue;
        };
        let point = points.entry(key.clone()).or_insert_with(|| Point {
            key,
            leaves: Vec::new(),
            priced: [0; HOURS],
            callers: Vec::new(),
            off: 0,
            bound: 0,
        });
        for (priced, count) in point.priced.iter_mut().zip(by_hour) {
            *priced += unit.amount(count).map_or(0, |(amount, _)| amount.pico());
        }
        point.leaves.push((leaf, by_hour));
    }
    let mut known = Vec::new();
    for (key, mut point) in points {
        let bill = state.bill(&key);
        let whole = state.logged.get(&key).map_or(0, |leaves| leaves.len()) == point.leaves.len();
        if bill.lines == 0 || !whole || state.accepted.contains(&key) {
            continue;
        }
        point.callers = callers.remove(&point.key).unwrap_or_default().into_values().collect();
        point.off = (bill.amount - state.priced(&key)?).pico();
        point.bound = bill.bound.pico() + 2 * (HOURS * point.leaves.len()) as i128;
        known.push(point);
    }
    let open = known.iter().filter(|point| point.off.abs() > point.bound).map(|point| point.key.cell.first);
    let enough = open.collect::<BTreeSet<Day>>().len() >= DAYS;
    Ok(enough.then_some(known))
}

/// All windows that hold some of the usage and not all of it.
fn windows(points: &[Point]) -> Vec<Window> {
    let used = |hour: &usize| points.iter().any(|point| point.priced[*hour] != 0);
    let used: Vec<usize> = (0..HOURS).filter(used).collect();
    let mut windows = Vec::new();
    for first in 0..used.len() {
        for length in 1..used.len() {
            let mut inside = (0..length).map(|step| used[(first + step) % used.len()]);
            let hours = inside.clone().map(|hour| 1 << hour).sum();
            windows.extend(inside.next_back().map(|last| Window { first: used[first], last, hours }));
        }
    }
    windows
}

/// The percentage that meets most of what is billed in these hours.
fn fit(points: &[Point], window: Window, noisy: bool) -> Option<Tariff> {
    let mut largest: Vec<&Point> =
        points.iter().filter(|point| point.off.abs() > point.bound && window.of(&point.priced) > 0).collect();
    largest.sort_by_key(|point| std::cmp::Reverse(point.off.abs()));
    let percents: BTreeSet<i128> = largest
        .iter()
        .take(ASKED)
        .map(|point| {
            let inside = window.of(&point.priced);
            div_half_even(100 * (inside + point.off), inside)
        })
        .filter(|percent| PERCENT.contains(percent) && *percent != 100)
        .collect();
    percents
        .into_iter()
        .filter_map(|percent| meets(points, window, percent, noisy))
        .max_by_key(|tariff| tariff.bits)
}

/// The days of a tariff, where they are days enough and nothing plainer does.
fn meets(points: &[Point], window: Window, percent: i128, noisy: bool) -> Option<Tariff> {
    let change = |amount: i128| div_half_even(amount * (percent - 100), 100);
    let mut days: BTreeMap<Day, Vec<&Point>> = BTreeMap::new();
    for point in points {
        days.entry(point.key.cell.first).or_default().push(point);
    }
    let mut tariff = Tariff { window, percent, days: BTreeSet::new(), bits: 0 };
    let (mut telling, mut missed) = (BTreeSet::new(), BTreeSet::new());
    for (day, points) in days {
        let moved = |point: &&&Point| change(window.of(&point.priced)).abs() > 2 * point.bound;
        let left = |point: &Point| (point.off - change(window.of(&point.priced))).abs();
        let met = points.iter().filter(|point| left(point) <= point.bound).count();
        // A log that lost rows lost them here and there, and little of a day.
        let little =
            |point: &&Point| left(point) * 4 <= change(window.of(&point.priced)).abs().max(point.bound);
        let holds = if noisy {
            3 * met >= 2 * points.len() && points.iter().all(little)
        } else {
            met == points.len()
        };
        if points.iter().filter(moved).count() == 0 {
            continue;
        }
        if !holds {
            missed.insert(day);
            continue;
        }
        tariff.days.insert(day);
        for point in points.iter().filter(moved).filter(|point| left(point) <= point.bound) {
            // One price for all hours would leave so much, and one for whole callers.
            let plainer = [point.priced.iter().sum(), point.of_whole_callers(window)];
            let plainer =
                plainer.map(|amount| (point.off - change(amount)).abs()).into_iter().min().unwrap_or(0);
            if plainer > 2 * point.bound {
                telling.insert(day);
                tariff.bits += (plainer / (2 * point.bound + 1)).max(1).ilog2().min(MOST_BITS);
            }
        }
    }
    let (first, last) = (*tariff.days.first()?, *tariff.days.last()?);
    missed.retain(|day| (first..=last).contains(day));
    let enough = tariff.days.len() >= DAYS && telling.len() >= TELLING && tariff.bits >= BITS;
    (enough && missed.len() * 5 <= tariff.days.len()).then_some(tariff)
}

fn patch(
    state: &State,
    account: &Account,
    model: &Arc<str>,
    points: &[Point],
    tariff: &Tariff,
    noisy: bool,
) -> Option<Patch> {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let mut edits = Vec::new();
    for point in points.iter().filter(|point| tariff.days.contains(&point.key.cell.first)) {
        for (leaf, by_hour) in &point.leaves {
            let (inside, all) = (tariff.window.of(by_hour), by_hour.iter().sum::<i128>());
            if inside == 0 {
                continue;
            }
            // All of a day's usage at what it costs on average.
            let share = Ratio::new(100 * all + (tariff.percent - 100) * inside, 100 * all)?;
            let unit = state.unit_before_factor(&point.key, leaf)?.checked_mul(share)?;
            scope.cover(&point.key.cell);
            scope.meters.extend(point.key.meter);
            edits.push(Edit::Reprice { key: point.key.clone(), leaf: leaf.clone(), unit });
        }
    }
    let Window { first, last, .. } = tariff.window;
    let rivals = tiers_at(state, points, tariff.percent);
    let sure = if noisy { Status::Probable } else { Status::Exact };
    Some(Patch {
        name: name(account, model),
        cause: "rate.time_of_day",
        status: if rivals.is_empty() { sure } else { Status::Ambiguous },
        scope,
        edits,
        facts: vec![
            Fact::new("what", format!("these hours are billed at {} % of the price in the book", tariff.percent)),
            Fact::new(
                "hours, by the clock of the bill's days",
                format!("{first:02}:00 to {:02}:00, as far as there is usage", (last + 1) % HOURS),
            ),
            Fact::new("days on which the billed amount is met with it", tariff.days.len()),
            Fact::new("numbers fitted", "the percentage and both ends of the hours"),
        ],
        decides: (!rivals.is_empty()).then(|| "the served tier of these calls, in the log".to_owned()),
        rivals,
        fix: Some(Fix {
            kind: "pricebook-row",
            text: "look for the hours in the seller's price list or your contract, and give the book a schedule with a row for each window; where neither has them, dispute the difference"
                .to_owned(),
            patch: String::new(),
        }),
    })
}

/// Causes by which calls of these hours, served at another tier, would cost this percentage.
fn tiers_at(state: &State, points: &[Point], percent: i128) -> Vec<String> {
    let Some((leaf, _)) = points.iter().flat_map(|point| &point.leaves).next() else { return Vec::new() };
    let now = state.list(leaf);
    let costs = |tier: &&Tier| {
        let then = state.list(&Leaf { tier: **tier, ..leaf.clone() });
        then.zip(now).and_then(|(then, now)| then.over(now)) == Ratio::new(percent, 100)
    };
    let causes: BTreeSet<&str> = Tier::ALL
        .iter()
        .filter(costs)
        .map(|tier| if *tier == Tier::Batch { "rate.batch" } else { "rate.service_tier" })
        .collect();
    causes.into_iter().map(str::to_owned).collect()
}

/// In the same words every time.
fn name(account: &Account, model: &str) -> String {
    format!("hours {account:?} {model}")
}
