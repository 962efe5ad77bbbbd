//! Some calls of a day: a key of which now and then a call was served by another model or billed in another band.
//!
//! Where the log knows few enough calls of a key and day apart, every choice of them can be tried. The one whose re-pricing
//! meets each billed amount to the last step says which calls they were; on several days, by the same change, it is no
//! chance. How many choices there were is paid for in digits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::calendar::instants::Instants;
use super::search::change::{Became, Change};
use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::Ratio;
use crate::period::Day;
use crate::rate::{self, Account, Leaf, Owner};
use crate::reconcile::{BillKey, Edit, State};

/// Calls of a key and day of which every choice is tried, and choices that are tried for an account.
const CALLS: usize = 12;
const TRIED: usize = 40_000_000;
/// Models and targets of an account that are tried, those with the largest differences.
const MODELS: usize = 12;
const TARGETS: usize = 8;
/// Days that must be met, in binary digits beyond those that choose the calls: each, and all of them.
const DAYS: usize = 3;
const BITS_OF_A_DAY: u32 = 12;
const BITS: u32 = 60;
const MOST_BITS: u32 = 20;

/// Usage that the log has at one time from one key.
struct Call {
    parts: Vec<(BillKey, Leaf, i128)>,
    owner: Owner,
}

/// The calls of one key of the log, on days whose usage the log knows by time and no earlier family has changed.
type Calls = BTreeMap<Day, Vec<Call>>;

/// What a change of a call adds to each amount, with the least that one token of it would add.
type Effect = BTreeMap<BillKey, (i128, i128)>;

/// A change that some calls of some days had.
struct Found {
    change: Change,
    days: BTreeMap<Day, Vec<usize>>,
    bits: u32,
    /// Calls of these days that the change could be true of.
    possible: usize,
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let Some(log) = state.log else { return Ok(Vec::new()) };
    let mut open: BTreeMap<&Account, BTreeMap<&Arc<str>, i128>> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| cell.first == cell.last) {
        let left = state.delta(cell)?;
        if let Some(model) = cell.model.as_ref().filter(|_| left.abs() > state.rounding_bound(cell)) {
            *open.entry(&cell.account).or_default().entry(model).or_default() += left.pico().abs();
        }
    }
    let mut patches = Vec::new();
    for (account, models) in open {
        let instants = Instants::of(state, log, account);
        let mut models: Vec<(&Arc<str>, i128)> = models.into_iter().collect();
        models.sort_by_key(|(model, open)| (std::cmp::Reverse(*open), *model));
        let mut tried = 0;
        for (model, _) in models.iter().take(MODELS) {
            let others: Vec<&Arc<str>> =
                models.iter().map(|(other, _)| *other).filter(|other| other != model).take(TARGETS).collect();
            for (caller, calls) in calls(state, &instants, model) {
                let name = format!("some calls {account:?} {model} {caller}");
                if !state.rejected.contains(&name) {
                    let found = best(state, &calls, &others, &mut tried)?;
                    patches.extend(found.map(|found| patch(state, account, model, name, &calls, found)));
                }
            }
        }
    }
    Ok(patches)
}

fn calls(state: &State, instants: &Instants, model: &str) -> BTreeMap<Owner, Calls> {
    let mut by_time: BTreeMap<(Owner, Day, i64), Call> = BTreeMap::new();
    let mut sums: BTreeMap<(BillKey, Leaf), i128> = BTreeMap::new();
    let mut left_out: BTreeSet<Day> = BTreeSet::new();
    for instant in instants.of_model(state, model) {
        let leaf = instant.leaf_of_day(state);
        let key = state.key_of(&leaf, instant.owner);
        if instant.leaf.whole_day {
            left_out.insert(instant.day);
        }
        *sums.entry((key.clone(), leaf.clone())).or_default() += instant.quantity;
        let time = (instant.caller, instant.day, instant.at);
        let call = by_time.entry(time).or_insert_with(|| Call { parts: Vec::new(), owner: instant.owner });
        call.parts.push((key, leaf, instant.quantity));
    }
    for ((key, leaf), sum) in sums {
        let logged = state.logged.get(&key).and_then(|leaves| leaves.get(&leaf)).copied();
        if logged != Some(sum) {
            left_out.insert(leaf.day);
        }
    }
    let mut calls: BTreeMap<Owner, Calls> = BTreeMap::new();
    for ((caller, day, _), call) in by_time {
        if !left_out.contains(&day) {
            calls.entry(caller).or_default().entry(day).or_default().push(call);
        }
    }
    calls
}

/// The change that the most digits speak for.
fn best(
    state: &State,
    calls: &Calls,
    others: &[&Arc<str>],
    tried: &mut usize,
) -> Result<Option<(Found, Vec<Change>)>> {
    let bands = (0..=state.rater.book.bands().len() as u8).map(|band| state.rater.book.band_prompt(band));
    // No tier: at half the price some calls look like those that were logged twice.
    let served = others.iter().map(|model| Change::Served((*model).clone()));
    let changes = bands.map(Change::Prompt).chain(served);
    let mut found: Vec<Found> = Vec::new();
    for change in changes {
        found.extend(meets(state, calls, change, tried)?);
    }
    let Some(at) = (0..found.len()).max_by_key(|at| (found[*at].bits, std::cmp::Reverse(*at))) else {
        return Ok(None);
    };
    let best = found.remove(at);
    let rivals = found.into_iter().filter(|other| other.days == best.days).map(|other| other.change);
    let rivals = rivals.collect();
    Ok(Some((best, rivals)))
}

fn meets(state: &State, calls: &Calls, change: Change, tried: &mut usize) -> Result<Option<Found>> {
    let mut found = Found { change, days: BTreeMap::new(), bits: 0, possible: 0 };
    let (mut missed, mut some) = (BTreeSet::new(), false);
    for (day, calls) in calls {
        let mut effects: Vec<(usize, Effect)> = Vec::new();
        for (at, call) in calls.iter().enumerate() {
            match effect(state, call, &found.change)? {
                Some(effect) if !effect.is_empty() => effects.push((at, effect)),
                Some(_) => {}
                None => return Ok(None),
            }
        }
        if effects.is_empty() || effects.len() > CALLS || *tried > TRIED {
            continue;
        }
        *tried += 1 << effects.len();
        match chosen(state, &effects)? {
            Chosen::None => {}
            Chosen::Missed => {
                missed.insert(*day);
            }
            Chosen::These(these, bits) => {
                some |= these.len() < effects.len();
                found.days.insert(*day, these);
                found.bits += bits;
                found.possible += effects.len();
            }
        }
    }
    let (Some(first), Some(last)) = (found.days.keys().next(), found.days.keys().next_back()) else {
        return Ok(None);
    };
    let missed = missed.range(*first..=*last).count();
    let enough = found.days.len() >= DAYS && found.bits >= BITS && missed <= found.days.len();
    Ok((some && enough).then_some(found))
}

/// What a change of one call does to the amounts of its day; `None` where it is no possible one.
fn effect(state: &State, call: &Call, change: &Change) -> Result<Option<Effect>> {
    let mut effect = Effect::new();
    for (key, leaf, quantity) in &call.parts {
        let other = match change.of(state, leaf) {
            Became::Same => continue,
            Became::Leaf(other) => other,
            _ => return Ok(None),
        };
        let to = state.key_of(&other, call.owner);
        let (Some(now), Some(then)) = (state.unit(key, leaf), state.unit(&to, &other)) else {
            return Ok(None);
        };
        let mut add = |key: &BillKey, unit: Ratio, sign: i128| -> Result<()> {
            let (sum, least) = effect.entry(key.clone()).or_insert((0, i128::MAX));
            *sum += sign * rate::amount(unit, *quantity)?.pico();
            *least = (*least).min(rate::amount(unit, 1)?.pico());
            Ok(())
        };
        add(key, now, -1)?;
        add(&to, then, 1)?;
    }
    effect.retain(|_, (sum, _)| *sum != 0);
    Ok(Some(effect))
}

/// Which calls of a day a change is true of.
enum Chosen {
    /// The day ties out without it.
    None,
    Missed,
    /// These and no others, with the digits that say so.
    These(Vec<usize>, u32),
}

/// One amount of the bill that the calls of a day may have changed.
struct Amount {
    /// What is open of it, how much of that rounding allows, and what one token would add at least.
    open: i128,
    bound: i128,
    least: i128,
    /// What each call would add.
    adds: Vec<i128>,
}

impl Amount {
    fn meets(&self, sum: i128) -> bool {
        (sum - self.open).abs() <= self.bound
    }

    /// Digits that meeting it takes.
    fn digits(&self) -> u32 {
        (self.open.abs() / self.least.max(self.bound).max(1)).max(1).ilog2().min(MOST_BITS)
    }
}

fn chosen(state: &State, effects: &[(usize, Effect)]) -> Result<Chosen> {
    let keys: BTreeSet<&BillKey> = effects.iter().flat_map(|(_, effect)| effect.keys()).collect();
    let mut amounts: Vec<Amount> = Vec::new();
    for key in keys {
        let bill = state.bill(key);
        if (bill.lines == 0 && !state.covers(&key.cell)) || state.accepted.contains(key) {
            return Ok(Chosen::Missed);
        }
        let leaves = state.logged.get(key).map_or(0, |leaves| leaves.len());
        let bound = bill.bound.pico() + (leaves + 2 * effects.len() + 1) as i128;
        let open = (bill.amount - state.priced(key)?).pico();
        let of_call = |(_, effect): &(usize, Effect)| effect.get(key).copied();
        let least = effects.iter().filter_map(of_call).map(|(_, least)| least).min().unwrap_or(1);
        let adds = effects.iter().map(|call| of_call(call).map_or(0, |(sum, _)| sum)).collect();
        amounts.push(Amount { open, bound, least, adds });
    }
    if amounts.iter().all(|amount| amount.meets(0)) {
        return Ok(Chosen::None);
    }
    // The amount with the most digits goes first: hardly a choice meets it by chance.
    amounts.sort_by_key(|amount| std::cmp::Reverse(amount.open.abs()));
    let first = &amounts[0];
    let mut sums = vec![0i128; 1 << effects.len()];
    let mut met: Option<usize> = None;
    for choice in 1..sums.len() {
        let sum = sums[choice & (choice - 1)] + first.adds[choice.trailing_zeros() as usize];
        sums[choice] = sum;
        if !first.meets(sum) {
            continue;
        }
        let inside = (0..effects.len()).filter(|at| choice & (1 << at) != 0);
        let others = &amounts[1..];
        if others.iter().all(|amount| amount.meets(inside.clone().map(|at| amount.adds[at]).sum())) {
            if met.is_some() {
                return Ok(Chosen::Missed);
            }
            met = Some(choice);
        }
    }
    let Some(choice) = met else { return Ok(Chosen::Missed) };
    let bits = amounts.iter().map(Amount::digits).sum::<u32>().saturating_sub(effects.len() as u32);
    let these = (0..effects.len()).filter(|at| choice & (1 << at) != 0).map(|at| effects[at].0).collect();
    Ok(if bits >= BITS_OF_A_DAY { Chosen::These(these, bits) } else { Chosen::Missed })
}

fn cause(change: &Change) -> &'static str {
    match change {
        Change::Prompt(_) => "rate.context_band",
        _ => "map.fallback",
    }
}

fn patch(
    state: &State,
    account: &Account,
    model: &Arc<str>,
    name: String,
    calls: &Calls,
    (found, others): (Found, Vec<Change>),
) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    scope.models.extend(found.change.served().cloned());
    let mut restated: BTreeMap<(BillKey, Leaf, BillKey, Leaf), i128> = BTreeMap::new();
    let mut count = 0;
    for (day, these) in &found.days {
        let Some(calls) = calls.get(day) else { continue };
        for call in these.iter().filter_map(|at| calls.get(*at)) {
            count += 1;
            for (key, leaf, quantity) in &call.parts {
                if let Became::Leaf(other) = found.change.of(state, leaf) {
                    let to = state.key_of(&other, call.owner);
                    scope.cover(&key.cell);
                    *restated.entry((key.clone(), leaf.clone(), to, other)).or_default() += quantity;
                }
            }
        }
    }
    let edits = restated.into_iter().map(|((key, leaf, to, other), quantity)| Edit::Restate {
        less: Some((key, leaf)),
        more: Some((to, other)),
        quantity,
    });
    let cause = cause(&found.change);
    let mut rivals: BTreeSet<&str> = others.iter().map(self::cause).filter(|other| *other != cause).collect();
    // What most calls have is no exception: the others may have been asked for by another name.
    let chosen: usize = found.days.values().map(Vec::len).sum();
    if found.change.served().is_some() && 2 * chosen >= found.possible {
        rivals.extend(["map.alias_repointed", "map.deployment_name"]);
    }
    let decides = found.change.decides().to_owned();
    Patch {
        name,
        cause,
        status: if rivals.is_empty() { Status::Exact } else { Status::Ambiguous },
        scope,
        edits: edits.collect(),
        facts: vec![
            Fact::new("what", format!("some calls {}", found.change.words())),
            Fact::new("times at which there are such calls", count),
            Fact::new("days whose billed amounts these and no others meet", found.days.len()),
            Fact::new("numbers fitted", 0),
        ],
        decides: (!rivals.is_empty()).then(|| decides.clone()),
        rivals: rivals.into_iter().map(str::to_owned).collect(),
        fix: Some(Fix {
            kind: "gateway",
            text: format!("log for each call what the bill goes by: {decides}"),
            patch: String::new(),
        }),
    }
}
