//! Which model of one account has less, meter by meter and day by day, by what a model of another account has more?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::causes::noise;
use crate::causes::search::score::{DIGIT, Digits, digits};
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::Day;
use crate::rate::{self, Account, DayUsage, Leaf};
use crate::reconcile::passed::{Name, Passed, PassedDay};
use crate::reconcile::{BillKey, CellKey, State, quantity};
use crate::vocabulary::Meter;

/// Equal counts (meters × days) below which nothing is said; where one side has an amount only, a day is one.
const EQUATIONS: usize = 4;
/// Meters of one day that must show by themselves what went, if so many were used.
const METERS: usize = 2;
/// Binary digits, beyond noise and rounding, that both sides must share.
const SURE: Digits = 16 * DIGIT;
/// Cells of one day that are held against each other, those of the largest differences.
const CELLS: usize = 48;

/// One model-day of one account.
struct Side<'s> {
    cell: &'s CellKey,
    delta: i128,
    bound: i128,
    /// Billed less logged, by meter; none where the bill has one amount for all.
    counts: BTreeMap<Meter, Count>,
    /// Where it has, what each key of the log used.
    keys: Vec<Used>,
}

/// What one key used of a model on one day, and what that costs.
#[derive(Default)]
struct Used {
    cost: Money,
    leaves: Vec<(Leaf, i128)>,
}

/// What one meter, or key, has more on the bill than in the log.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    pub difference: i128,
    /// What rounding leaves open of it.
    within: i128,
    used: i128,
}

/// What went from the accounts of a comparison to others of them.
pub fn find(state: &State) -> Result<Vec<Passed>> {
    let accounts: BTreeSet<&Account> = state
        .open
        .iter()
        .map(|cell| &cell.account)
        .filter(|account| state.grains.contains_key(*account))
        .collect();
    if accounts.len() < 2 {
        return Ok(Vec::new());
    }
    let mut noises: BTreeMap<&Account, i128> = BTreeMap::new();
    for account in &accounts {
        noises.insert(account, noise::floor(state, account)?);
    }
    let mut rows = Rows::new();
    for row in state.usage.iter().filter(|row| row.outcome.is_billable() && accounts.contains(&row.account)) {
        rows.entry((&row.account, &row.model, row.day)).or_default().push(row);
    }
    let mut found: BTreeMap<(Name, Name), BTreeMap<Day, (PassedDay, Shared)>> = BTreeMap::new();
    for (day, cells) in by_day(state, &accounts) {
        let (mut less, mut more) = (Vec::new(), Vec::new());
        for cell in cells {
            let (delta, bound) = (state.delta(cell)?.pico(), state.rounding_bound(cell).pico());
            if delta.abs() > bound {
                if delta < 0 { &mut less } else { &mut more }.push((delta, bound, cell));
            }
        }
        if less.is_empty()
            || more.iter().all(|(.., cell)| less.iter().all(|(.., other)| other.account == cell.account))
        {
            continue;
        }
        let (less, more) = (sides(state, less, &rows)?, sides(state, more, &Rows::default())?);
        for (giver, taker, passed, shared) in pairs(state, &less, &more, &noises)? {
            found.entry((name(giver), name(taker))).or_default().insert(day, (passed, shared));
        }
    }
    let enough = |days: &BTreeMap<Day, (PassedDay, Shared)>| {
        let of = |part: fn(&Shared) -> Digits| days.values().map(|(_, shared)| part(shared)).sum::<Digits>();
        of(|shared| shared.equations as Digits) >= EQUATIONS as Digits && of(|shared| shared.digits) >= SURE
    };
    let passed = found.into_iter().filter(|(_, days)| enough(days)).map(|((from, to), days)| Passed {
        lasting: lasting(state, &from, &days),
        from,
        to,
        equations: days.values().map(|(_, shared)| shared.equations).sum(),
        days: days.into_iter().map(|(day, (passed, _))| (day, passed)).collect(),
    });
    Ok(passed.collect())
}

/// True where nothing of the model is billed to its own account any more from the first day on.
fn lasting<T>(state: &State, (account, model): &Name, days: &BTreeMap<Day, T>) -> bool {
    let Some((first, _)) = days.first_key_value() else { return false };
    let own = |key: &&BillKey| {
        key.cell.account == *account && key.cell.model.as_ref() == Some(model) && key.cell.first >= *first
    };
    let logged = || state.logged.keys().filter(own);
    logged().all(|key| days.contains_key(&key.cell.first))
        && state.billed.keys().filter(own).all(|key| state.bill(key).amount.is_zero())
}

/// Billable rows of the log by account, model and day.
type Rows<'u> = BTreeMap<(&'u Account, &'u Arc<str>, Day), Vec<&'u DayUsage>>;

/// Those of the largest differences, with their counts; `rows` of which the keys are told apart where the bill tells no counts.
fn sides<'s>(state: &State, mut of: Vec<(i128, i128, &'s CellKey)>, rows: &Rows) -> Result<Vec<Side<'s>>> {
    of.sort_by_key(|(delta, _, cell)| (-delta.abs(), *cell));
    let side = |(delta, bound, cell): (i128, i128, &'s CellKey)| {
        let counts = by_meter(state, cell);
        let rows = cell.model.as_ref().and_then(|model| rows.get(&(&cell.account, model, cell.first)));
        let keys = match rows.filter(|_| counts.is_empty()) {
            Some(rows) => by_key(state, rows)?,
            None => Vec::new(),
        };
        Ok(Side { cell, delta, bound, counts, keys })
    };
    of.into_iter().take(CELLS).map(side).collect()
}

/// What each key used, at the prices of the model it was logged as; nothing where one of them has no price.
fn by_key(state: &State, rows: &[&DayUsage]) -> Result<Vec<Used>> {
    let mut keys: BTreeMap<&str, Used> = BTreeMap::new();
    for row in rows {
        let used = keys.entry(&row.key).or_default();
        for (leaf, count) in row.leaves() {
            let Some(unit) = state.ratio(&leaf) else { return Ok(Vec::new()) };
            used.cost += rate::amount(unit, count)?;
            used.leaves.push((leaf, count));
        }
    }
    Ok(keys.into_values().collect())
}

fn name(cell: &CellKey) -> Name {
    (cell.account.clone(), cell.model.clone().unwrap_or_default())
}

/// Open model-days, by day.
fn by_day<'s>(state: &'s State, accounts: &BTreeSet<&Account>) -> BTreeMap<Day, Vec<&'s CellKey>> {
    let mut days: BTreeMap<Day, Vec<&CellKey>> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| cell.first == cell.last && cell.model.is_some()) {
        if accounts.contains(&cell.account) {
            days.entry(cell.first).or_default().push(cell);
        }
    }
    days
}

/// Billed less logged, by key; `None` as soon as one key says nothing of a count. What has no line is not billed: the bill of the
/// other account is to say so too.
pub(super) fn counts(state: &State, cell: &CellKey) -> Option<BTreeMap<BillKey, Count>> {
    let gaps = quantity::reckoned(state, cell);
    let count = |key: BillKey| {
        let count = match gaps.get(&key) {
            Some(gap) => {
                Count { difference: gap.difference(), within: gap.within, used: gap.logged.max(gap.billed) }
            }
            None if state.bill(&key).lines == 0 => {
                let logged = state.logged_quantity(&key);
                Count { difference: -logged, within: 0, used: logged }
            }
            None => return None,
        };
        key.meter.map(|_| (key, count))
    };
    state.keys_of(cell).into_iter().map(count).collect()
}

/// The same by meter; none where the bill has one amount for all.
fn by_meter(state: &State, cell: &CellKey) -> BTreeMap<Meter, Count> {
    let mut sums: BTreeMap<Meter, Count> = BTreeMap::new();
    for (key, count) in counts(state, cell).into_iter().flatten() {
        let sum = sums.entry(lifetimes(key.meter.unwrap_or(Meter::Input))).or_default();
        sum.difference += count.difference;
        sum.within += count.within;
        sum.used += count.used;
    }
    sums
}

/// Cache writes are one meter: sellers name their lifetimes otherwise.
pub(super) fn lifetimes(meter: Meter) -> Meter {
    if meter.is_cache_write() { Meter::CacheWriteOther } else { meter }
}

/// How well the two sides of one day agree.
struct Shared {
    equations: usize,
    digits: Digits,
}

type Pair<'s> = (&'s CellKey, &'s CellKey, PassedDay, Shared);

/// Those that fit each other and nobody else of the day.
fn pairs<'s>(
    state: &State,
    less: &[Side<'s>],
    more: &[Side<'s>],
    noises: &BTreeMap<&Account, i128>,
) -> Result<Vec<Pair<'s>>> {
    let mut fits: Vec<Pair> = Vec::new();
    for giver in less {
        for taker in more.iter().filter(|taker| taker.cell.account != giver.cell.account) {
            let noise = noises[&giver.cell.account].max(noises[&taker.cell.account]);
            if let Some((passed, shared)) = passed(state, giver, taker, noise)? {
                fits.push((giver.cell, taker.cell, passed, shared));
            }
        }
    }
    let times =
        |cell: &CellKey| fits.iter().filter(|(giver, taker, ..)| *giver == cell || *taker == cell).count();
    let alone: Vec<bool> =
        fits.iter().map(|(giver, taker, ..)| times(giver) == 1 && times(taker) == 1).collect();
    Ok(fits.into_iter().zip(alone).filter(|(_, alone)| *alone).map(|(fit, _)| fit).collect())
}

fn passed(state: &State, giver: &Side, taker: &Side, noise: i128) -> Result<Option<(PassedDay, Shared)>> {
    match (giver.counts.is_empty(), taker.counts.is_empty()) {
        (false, false) => Ok(by_counts(giver, taker, noise)),
        (false, true) => by_amount(state, giver, taker, noise, -1),
        (true, false) => by_amount(state, taker, giver, noise, 1),
        (true, true) => by_amounts(state, giver, taker, noise),
    }
}

/// One amount on each side: what one key used costs what the one bill has less and, at the other's prices, what that has more.
fn by_amounts(state: &State, giver: &Side, taker: &Side, noise: i128) -> Result<Option<(PassedDay, Shared)>> {
    let off = |cost: Money, side: &Side| {
        let open = side.bound + noise::share(noise, side.delta.abs());
        let delta = side.delta.abs();
        ((cost.pico() - delta).abs() <= open && delta > 3 * open).then(|| digits(delta, open.max(1)))
    };
    let mut fits = Vec::new();
    for used in &giver.keys {
        let Some(here) = off(used.cost, giver) else { continue };
        let Some(there) = cost_at(state, &used.leaves, taker.cell)? else { continue };
        if let Some(there) = off(there, taker) {
            let mut counts = PassedDay::new();
            for (leaf, count) in &used.leaves {
                *counts.entry(lifetimes(leaf.meter)).or_default() += count;
            }
            fits.push((counts, Shared { equations: 1, digits: here + there }));
        }
    }
    Ok(fits.pop().filter(|_| fits.is_empty()))
}

/// What usage costs as that of a cell's model, at its tier where that is sold there; `None` where some meter has no price.
fn cost_at(state: &State, leaves: &[(Leaf, i128)], cell: &CellKey) -> Result<Option<Money>> {
    let Some(model) = &cell.model else { return Ok(None) };
    let mut cost = Money::ZERO;
    for (leaf, count) in leaves {
        let account = cell.account.clone();
        let there = state.served_by(model, &Leaf { account, region: "".into(), ..leaf.clone() });
        match state.ratio(&there).or_else(|| unit_at(state, lifetimes(leaf.meter), cell)) {
            Some(unit) => cost += rate::amount(unit, *count)?,
            None => return Ok(None),
        }
    }
    Ok(Some(cost))
}

fn unit_at(state: &State, meter: Meter, cell: &CellKey) -> Option<Ratio> {
    let key = BillKey { meter: Some(meter), ..BillKey::first_of(cell) };
    state.model_leaf(&key).and_then(|leaf| state.ratio(&leaf))
}

/// Every meter that differs has gone here and come there.
fn by_counts(giver: &Side, taker: &Side, noise: i128) -> Option<(PassedDay, Shared)> {
    let meters: BTreeSet<Meter> = giver.counts.keys().chain(taker.counts.keys()).copied().collect();
    let (mut moved, mut strong, mut shared) = (PassedDay::new(), 0, 0);
    for meter in &meters {
        let of = |side: &Side| side.counts.get(meter).copied().unwrap_or_default();
        let (gone, come) = (of(giver), of(taker));
        let open = noise::share(noise, gone.used + come.used) + gone.within + come.within;
        if gone.difference.abs() <= open && come.difference.abs() <= open {
            continue;
        }
        if come.difference <= 0 || (gone.difference + come.difference).abs() > open {
            return None;
        }
        strong += usize::from(come.difference > 3 * open);
        shared += digits(come.difference, open.max(1));
        moved.insert(*meter, come.difference.min(-gone.difference));
    }
    (strong >= METERS.min(meters.len())).then_some((moved, Shared { equations: strong, digits: shared }))
}

/// The counts of one side, at the prices of the other, come to what the other's amount has more or less. `sign`: of the side
/// that counts, −1 where it gives.
fn by_amount(
    state: &State,
    counted: &Side,
    amount: &Side,
    noise: i128,
    sign: i128,
) -> Result<Option<(PassedDay, Shared)>> {
    let (mut moved, mut cost, mut open) = (PassedDay::new(), Money::ZERO, 0);
    for (meter, count) in &counted.counts {
        let went = sign * count.difference;
        let slack = noise::share(noise, count.used) + count.within;
        if went < -slack {
            return Ok(None);
        }
        let Some(unit) = unit_at(state, *meter, amount.cell) else {
            if went > slack {
                return Ok(None);
            }
            continue;
        };
        cost += rate::amount(unit, went)?;
        open += rate::amount(unit, slack)?.pico();
        if went > 0 {
            moved.insert(*meter, went);
        }
    }
    let delta = -sign * amount.delta;
    let open = open + amount.bound + noise::share(noise, delta.abs());
    let agrees = (cost.pico() - delta).abs() <= open && delta > 3 * open && !moved.is_empty();
    Ok(agrees.then(|| (moved, Shared { equations: 1, digits: digits(delta, open.max(1)) })))
}
