//! The right prices at other hours: a price change by another clock or a day off, hours of a tariff misread or ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::causes::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::Money;
use crate::period::{Day, SECONDS_PER_DAY};
use crate::rate::clock::Clock;
use crate::rate::log::{Log, Slots};
use crate::rate::{self, Account, Leaf};
use crate::reconcile::{BillKey, CellKey, Edit, State};

/// How unlikely it must be that a reading fits by chance, as a power of two.
const BITS: u32 = 40;
/// One key counts for at most this much.
const MOST_BITS: u32 = 24;
/// The nearest day with usage is looked for so far away.
const FAR: i32 = 10;
/// Days that test a fitted clock.
const DAYS: usize = 4;

/// How the bill may have read the hours of a seller's prices.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reading {
    /// A price of the book begins whole days later (or, negative, earlier).
    Days(i64),
    /// The hours are those of another clock.
    By(Clock),
    /// All day the lower, or the higher, of its prices.
    Flat { highest: bool },
}

/// Usage that a reading prices as of another instant.
struct Move {
    key: BillKey,
    leaf: Leaf,
    other: Leaf,
    quantity: i128,
    change: Money,
}

/// One model's prices over time.
struct Prices<'s, 'a> {
    state: &'s State<'a>,
    /// Every instant at which a price may change, from days before the period to days after it.
    changes: Vec<i64>,
}

impl Prices<'_, '_> {
    fn segment(&self, at: i64) -> i64 {
        let before = self.changes.partition_point(|change| *change <= at);
        before.checked_sub(1).map_or(i64::MIN, |last| self.changes[last])
    }

    /// The same leaf as it is priced at another instant.
    fn leaf_at(&self, leaf: &Leaf, at: i64) -> Leaf {
        let at = self.segment(at).max(self.changes.first().map_or(at, |first| first - 1));
        Leaf { at, whole_day: false, ..leaf.clone() }
    }

    /// What a reading makes of a leaf used at an instant.
    fn read(&self, reading: &Reading, leaf: &Leaf, at: i64) -> Leaf {
        match reading {
            Reading::Days(days) => self.leaf_at(leaf, at - days * SECONDS_PER_DAY),
            // Midnight of a clock ahead of UTC comes before that of UTC.
            Reading::By(clock) => self.leaf_at(leaf, at + clock.offset(at)),
            Reading::Flat { highest } => {
                let midnight = self.state.clock.midnight(at);
                let inside = self
                    .changes
                    .iter()
                    .filter(|change| (midnight..midnight + SECONDS_PER_DAY).contains(*change));
                let leaves = [midnight].into_iter().chain(inside.copied()).map(|at| self.leaf_at(leaf, at));
                let priced = leaves.filter_map(|leaf| Some((self.state.rater.ratio(&leaf)?, leaf)));
                let less = |a: &crate::money::Ratio, b: &crate::money::Ratio| {
                    (a.numerator() * b.denominator()).cmp(&(b.numerator() * a.denominator()))
                };
                let ends = if *highest {
                    priced.max_by(|a, b| less(&a.0, &b.0))
                } else {
                    priced.min_by(|a, b| less(&a.0, &b.0))
                };
                ends.map_or_else(|| leaf.clone(), |(_, leaf)| leaf)
            }
        }
    }
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let Some(log) = state.log else { return Ok(Vec::new()) };
    let mut suspects: BTreeMap<&Account, BTreeSet<&Arc<str>>> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| state.grains.contains_key(&cell.account)) {
        if let Some(model) = cell.model.as_ref().filter(|_| cell.first == cell.last) {
            suspects.entry(&cell.account).or_default().insert(model);
        }
    }
    let mut patches = Vec::new();
    for (account, models) in suspects {
        let mut slots: Option<Slots> = None;
        for model in models {
            let changes = changes(state, account, model);
            if changes.is_empty() {
                continue;
            }
            let slots = slots.get_or_insert_with(|| log.slots(account));
            let prices = Prices { state, changes };
            patches.extend(best(&prices, log, account, model, slots)?);
        }
    }
    Ok(patches)
}

fn changes(state: &State, account: &Account, model: &str) -> Vec<i64> {
    let first = state.period.first.start() - 2 * SECONDS_PER_DAY;
    let last = state.period.last.start() + 3 * SECONDS_PER_DAY;
    state.rater.book.price_changes(&account.provider, model, first, last)
}

/// The readings to try, the plainest first.
fn readings(log: &Log, hourly: bool) -> Vec<Reading> {
    let mut readings = vec![Reading::Days(1), Reading::Days(-1)];
    if hourly {
        readings = vec![Reading::Flat { highest: false }, Reading::Flat { highest: true }];
    }
    let clocks: Vec<Clock> = log.clocks().cloned().collect();
    // What the seller meant by one clock and the book took for UTC, or the reverse.
    readings.extend(clocks.into_iter().map(Reading::By));
    readings
}

/// The first reading by which every key that it changes ties out.
fn best(
    prices: &Prices,
    log: &Log,
    account: &Account,
    model: &Arc<str>,
    slots: &Slots,
) -> Result<Option<Patch>> {
    let state = prices.state;
    let seller = &*account.provider;
    let rows = state.rater.book.row_changes(
        seller,
        model,
        state.period.first.start() - 2 * SECONDS_PER_DAY,
        state.period.last.start() + 3 * SECONDS_PER_DAY,
    );
    let hourly = prices.changes.len() > rows.len();
    for reading in readings(log, hourly) {
        let name = format!("tariff {account:?} {model} {reading:?}");
        if state.rejected.contains(&name) {
            continue;
        }
        let moves = moves(prices, &reading, model, slots)?;
        let Some(test) = test(state, &moves)? else { continue };
        return Ok(Some(patch(account, model, &reading, hourly, name, moves, &test)));
    }
    Ok(None)
}

fn moves(prices: &Prices, reading: &Reading, model: &Arc<str>, slots: &Slots) -> Result<Vec<Move>> {
    let state = prices.state;
    let mut sums: BTreeMap<(Leaf, Leaf), i128> = BTreeMap::new();
    for (place, at, quantity) in &slots.counts {
        let leaf = &slots.leaves[*place];
        let day = state.clock.day(*at);
        if leaf.model != *model || leaf.whole_day || !state.period.contains(day) {
            continue;
        }
        let other = prices.read(reading, &Leaf { day, ..leaf.clone() }, *at);
        // As the day's rows were cut: at the last change before, or at the day's beginning.
        let leaf = Leaf { day, at: leaf.at.max(state.clock.midnight(*at)), ..leaf.clone() };
        if state.rater.ratio(&leaf) != state.rater.ratio(&other) {
            *sums.entry((leaf, other)).or_default() += quantity;
        }
    }
    let mut moves = Vec::new();
    for ((leaf, other), quantity) in sums {
        let key = state.key_of(&leaf);
        let (Some(now), Some(then)) = (state.unit(&key, &leaf), state.rater.ratio(&other)) else {
            return Ok(Vec::new());
        };
        let change = rate::amount(then, quantity)? - rate::amount(now, quantity)?;
        moves.push(Move { key, leaf, other, quantity, change });
    }
    Ok(moves)
}

/// What speaks for a reading.
struct Test {
    days: BTreeSet<Day>,
    bits: u32,
    moved: Money,
    /// There are days before and after that tie out without it.
    ended: bool,
}

/// Every key that is changed ties out with the change, and none did before; on the days beside them, the same keys do
/// without it.
fn test(state: &State, moves: &[Move]) -> Result<Option<Test>> {
    let mut changes: BTreeMap<&BillKey, Money> = BTreeMap::new();
    for part in moves {
        let have = state.logged.get(&part.key).and_then(|leaves| leaves.get(&part.leaf));
        if have.is_none_or(|have| *have < part.quantity) || state.accepted.contains(&part.key) {
            return Ok(None);
        }
        *changes.entry(&part.key).or_default() += part.change;
    }
    let left = |key: &BillKey, change: Money| -> Result<(Money, Money)> {
        let bill = state.bill(key);
        let leaves = state.logged.get(key).map_or(0, |leaves| leaves.len());
        let bound = bill.bound + Money::from_pico(leaves as i128 + moves.len() as i128 + 1);
        Ok((bill.amount - state.priced(key)? - change, bound))
    };
    let mut test = Test { days: BTreeSet::new(), bits: 0, moved: changes.values().sum(), ended: false };
    for (key, change) in &changes {
        let (after, bound) = left(key, *change)?;
        if after.abs() > bound || state.bill(key).lines == 0 {
            return Ok(None);
        }
        if change.abs() > bound {
            test.days.insert(key.cell.first);
            test.bits += (change.pico().abs() / (2 * bound.pico() + 1)).max(1).ilog2().min(MOST_BITS);
        }
    }
    let beside = |key: &BillKey, step: i32| {
        let days = (1..=FAR).map(|distance| Day::from_days(key.cell.first.days() + step * distance));
        let keys = days.map(|day| {
            let cell = CellKey { first: day, last: day, ..key.cell.clone() };
            BillKey { cell, ..key.clone() }
        });
        keys.into_iter().find(|key| state.logged.contains_key(key) && state.covers(&key.cell))
    };
    let mut sides = [false, false];
    for key in changes.keys() {
        for (side, step) in [-1, 1].into_iter().enumerate() {
            let Some(other) = beside(key, step) else { continue };
            sides[side] = true;
            if !changes.contains_key(&other) {
                let (left, bound) = left(&other, Money::ZERO)?;
                if left.abs() > bound {
                    return Ok(None);
                }
            }
        }
    }
    test.ended = sides == [true, true];
    Ok((test.bits >= BITS).then_some(test))
}

fn patch(
    account: &Account,
    model: &Arc<str>,
    reading: &Reading,
    hourly: bool,
    name: String,
    moves: Vec<Move>,
    test: &Test,
) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let mut edits = Vec::new();
    for part in moves {
        scope.cover(&part.key.cell);
        scope.meters.extend(part.key.meter);
        let (less, more) = (Some((part.key.clone(), part.leaf)), Some((part.key, part.other)));
        edits.push(Edit::Restate { less, more, quantity: part.quantity });
    }
    let fitted = matches!(reading, Reading::By(_));
    let what = match reading {
        Reading::Days(1) => "charged as if the price changed a day later than in the book".to_owned(),
        Reading::Days(_) => "charged as if the price changed a day earlier than in the book".to_owned(),
        Reading::Flat { highest: true } => "charged at the highest price of the day at all hours".to_owned(),
        Reading::Flat { highest: false } => "charged at the lowest price of the day at all hours".to_owned(),
        Reading::By(clock) => format!("charged as if the book's hours were those of {}", clock.name()),
    };
    let (cause, text) = if hourly {
        (
            "rate.time_of_day",
            "ask the provider by which hours and zone it charged these days, and dispute the difference or correct the schedule of the book",
        )
    } else {
        (
            "rate.effective_boundary",
            "give the price row the instant of the seller's own words, with its zone, or dispute the day",
        )
    };
    // At the edge of the period the other price may just as well go on.
    let open = !hourly && !test.ended;
    let status = match () {
        () if open => Status::Ambiguous,
        () if fitted && test.days.len() < DAYS => Status::Probable,
        () => Status::Exact,
    };
    Patch {
        name,
        cause,
        status,
        scope,
        edits,
        facts: vec![
            Fact::new("what", what),
            Fact::new("days on which the billed amount is met with it", test.days.len()),
            Fact::new("numbers fitted", u8::from(fitted)),
            Fact::new("usage of these days costs more by", test.moved),
        ],
        rivals: if open { vec!["rate.stale".to_owned()] } else { Vec::new() },
        decides: open.then(|| "the bill of the days beside the period".to_owned()),
        fix: Some(Fix { kind: "pricebook-row", text: text.to_owned(), patch: String::new() }),
    }
}
