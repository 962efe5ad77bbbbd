//! Traffic past the gateway that nothing declares: projects and keys of a bill of which the log has no call.

use std::collections::{BTreeMap, BTreeSet};

use super::{Lines, TESTS, name, patch};
use crate::causes::{Fact, Patch, Status};
use crate::money::Money;
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::owners::NOBODY;
use crate::reconcile::{BillKey, CellKey, Identity, State, quantity};
use crate::vocabulary::Meter;

/// Without a declaration: traffic without a key beside keyed traffic (a console), or an identity whose every quantity
/// fits inside what the bill has more than the log.
pub(super) fn inferred(state: &State, account: &Account, identities: &Lines) -> Vec<Patch> {
    if identities.len() < 2 {
        return Vec::new();
    }
    // A key by whose name the log has calls is one that the gateway uses.
    let rows = state.usage.iter().filter(|row| row.account == *account && !row.key.is_empty());
    let used: BTreeSet<&str> = rows.map(|row| &*row.key).collect();
    let ours = |identity: &Identity| identity.key.as_ref().is_some_and(|key| used.contains(&**key));
    let mut logged: Option<Traffic> = None;
    let mut moved: Option<BTreeSet<CellKey>> = None;
    let mut surplus: BTreeMap<CellKey, quantity::ByMeter> = BTreeMap::new();
    let mut patches = Vec::new();
    let short = short(state, account);
    // So is one whose amounts are those of a key of the log.
    let unknown = |identity: &&Identity| !ours(identity) && state.owners.of_identity(identity) == NOBODY;
    for identity in identities.keys().filter(unknown) {
        let mut quantities: BTreeMap<&BillKey, i128> = BTreeMap::new();
        let known = state
            .billed
            .iter()
            .filter(|(key, lines)| key.cell.account == *account && lines.contains_key(identity))
            .all(|(key, _)| {
                identity_quantity(state, key, identity)
                    .map(|quantity| quantities.insert(key, quantity))
                    .is_some()
            });
        if !known {
            let found = by_amounts(state, account, identity, identities, &short);
            patches.extend(found.filter(|patch| !state.rejected.contains(&patch.name)));
            continue;
        }
        let cells: BTreeSet<&CellKey> = quantities.keys().map(|key| &key.cell).collect();
        if cells.len() < TESTS || state.rejected.contains(&name(account, identity)) {
            continue;
        }
        let mut left = surplus.clone();
        let mut open: BTreeSet<&CellKey> = BTreeSet::new();
        for (key, quantity) in &quantities {
            let cell = left.entry(key.cell.clone()).or_insert_with(|| quantity::by_meter(state, &key.cell));
            let fits = key.meter.and_then(|meter| cell.get_mut(&(key.owner, meter))).is_some_and(|gap| {
                *gap -= quantity;
                *gap >= 0
            });
            if !fits {
                open.insert(&key.cell);
            }
        }
        // Model-days with a second cause may hide it; that the rest ties out is tested after all families.
        let fits = cells.len() - open.len();
        if fits < TESTS || fits < open.len() {
            continue;
        }
        let moved = moved.get_or_insert_with(|| moved_there(state, account));
        let its = cells.iter().filter(|cell| !open.contains(*cell) && moved.contains(*cell)).count();
        if its >= TESTS && its * 2 >= fits {
            continue;
        }
        let logged = logged.get_or_insert_with(|| traffic(state, account));
        if logged_elsewhere(state, &quantities, logged) {
            continue;
        }
        let status = if open.is_empty() { Status::Exact } else { Status::Probable };
        surplus = left;
        let fact = Fact::new("model-days that fit", fits);
        patches.push(patch(account, identity, identities, status, fact));
    }
    let told: BTreeSet<String> = patches.iter().map(|patch| patch.name.clone()).collect();
    let left = strangers(state, account, identities)
        .into_iter()
        .chain(alone(state, account, identities, &unknown, &short));
    patches.extend(left.filter(|patch| !told.contains(&patch.name) && !state.rejected.contains(&patch.name)));
    patches
}

/// Meters of a day that show by themselves whose traffic it is.
const METERS: usize = 2;

/// By day, the counts of each key of the log under each model.
type Traffic<'u> = BTreeMap<Day, BTreeMap<(&'u str, CellKey), BTreeMap<Meter, i128>>>;

fn traffic<'u>(state: &'u State, account: &Account) -> Traffic<'u> {
    let mut counts = Traffic::new();
    for row in state.usage.iter().filter(|row| row.account == *account && row.outcome.is_billable()) {
        for (key, _, count) in state.places(row) {
            if let Some(meter) = key.meter {
                let day = counts.entry(key.cell.first).or_default();
                *day.entry((&row.key, key.cell)).or_default().entry(meter).or_default() += count;
            }
        }
    }
    counts
}

/// Model-days of which the bill has just as much more than the log as it has less of another model: that one's traffic was
/// answered there.
fn moved_there(state: &State, account: &Account) -> BTreeSet<CellKey> {
    let mut days: BTreeMap<Day, Vec<(CellKey, BTreeMap<Meter, i128>)>> = BTreeMap::new();
    for cell in crate::causes::cells(state).into_iter().filter(|cell| cell.account == *account) {
        let mut gaps: BTreeMap<Meter, i128> = BTreeMap::new();
        for ((_, meter), gap) in quantity::by_meter(state, &cell) {
            *gaps.entry(meter).or_default() += gap;
        }
        days.entry(cell.first).or_default().push((cell, gaps));
    }
    let answers = |more: &BTreeMap<Meter, i128>, less: &BTreeMap<Meter, i128>| {
        let mirrored = more.iter().filter(|(meter, gap)| {
            let other = less.get(meter).copied().unwrap_or(0);
            **gap > 0 && (*gap + other).abs() <= quantity::slack(state, **gap)
        });
        mirrored.count() >= METERS
    };
    let there = |cells: &[(CellKey, BTreeMap<Meter, i128>)]| {
        let found = cells.iter().filter(|(_, more)| cells.iter().any(|(_, less)| answers(more, less)));
        found.map(|(cell, _)| cell.clone()).collect::<Vec<_>>()
    };
    days.values().flat_map(|cells| there(cells)).collect()
}

/// True where on some days a key of the log has just these counts under another model: then it is the gateway's own traffic,
/// billed as another model than it was logged as.
fn logged_elsewhere(state: &State, quantities: &BTreeMap<&BillKey, i128>, traffic: &Traffic) -> bool {
    let mut cells: BTreeMap<&CellKey, BTreeMap<Meter, i128>> = BTreeMap::new();
    for (key, count) in quantities.iter().filter(|(_, count)| **count != 0) {
        if let Some(meter) = key.meter {
            *cells.entry(&key.cell).or_default().entry(meter).or_default() += count;
        }
    }
    let equal = |(meter, count): (&Meter, &i128), logged: &BTreeMap<Meter, i128>| {
        logged.get(meter).is_some_and(|logged| (count - logged).abs() <= quantity::slack(state, *count))
    };
    let is_elsewhere = |(cell, counts): &(&CellKey, BTreeMap<Meter, i128>)| {
        traffic.get(&cell.first).into_iter().flatten().any(|((_, other), logged)| {
            other.model != cell.model && counts.iter().filter(|count| equal(*count, logged)).count() >= METERS
        })
    };
    cells.into_iter().filter(is_elsewhere).count() >= TESTS
}

/// Projects and keys of the bill whose amounts are those of no key of the log, where every key of the log is another one.
fn strangers(state: &State, account: &Account, identities: &Lines) -> Vec<Patch> {
    let rows = state.usage.iter().filter(|row| row.account == *account && row.outcome.is_billable());
    let keys: BTreeSet<&str> = rows.map(|row| &*row.key).collect();
    let known = keys.iter().filter(|key| state.owners.of_key(key) != NOBODY).count();
    if known < 2 || known < keys.len() {
        return Vec::new();
    }
    let strange = |(identity, (.., cells)): &(&Identity, &(_, _, _, BTreeSet<CellKey>))| {
        let model_days = cells.iter().filter(|cell| cell.model.is_some()).count();
        let named = **identity != Identity::default();
        named && state.owners.of_identity(identity) == NOBODY && model_days >= TESTS
    };
    identities
        .iter()
        .filter(strange)
        .map(|(identity, _)| {
            let fact = Fact::new("keys of the log, each found under another name on the bill", known);
            patch(account, identity, identities, Status::Probable, fact)
        })
        .collect()
}

/// Projects and keys of the bill that use a model on days on which the log has no call of it at all, while nothing else is
/// short on these days: no traffic of the gateway's is left that it could be.
fn alone(
    state: &State,
    account: &Account,
    identities: &Lines,
    unknown: &dyn Fn(&&Identity) -> bool,
    short: &BTreeMap<Day, Money>,
) -> Vec<Patch> {
    let cells = || crate::causes::cells(state).into_iter().filter(|cell| cell.account == *account);
    let unlogged: BTreeSet<CellKey> = cells()
        .filter(|cell| cell.model.is_some() && cell.first == cell.last)
        .filter(|cell| state.keys_of(cell).iter().all(|key| state.logged_quantity(key) == 0))
        .collect();
    let owned = |cell: &CellKey| identities.values().filter(|(.., cells)| cells.contains(cell)).count() == 1;
    let mut patches = Vec::new();
    for (identity, (amount, .., cells)) in
        identities.iter().filter(|(identity, _)| **identity != Identity::default() && unknown(identity))
    {
        let its: Vec<&CellKey> = cells.iter().filter(|cell| cell.model.is_some()).collect();
        let days: BTreeSet<Day> = its.iter().map(|cell| cell.first).collect();
        if its.len() >= TESTS
            && its.iter().all(|cell| unlogged.contains(*cell) && owned(cell))
            && !may_be_elsewhere(short, &days, *amount)
        {
            let fact = Fact::new("model-days of which the log has no call", its.len());
            patches.push(Patch {
                rivals: vec!["cov.account_scope".to_owned()],
                status: Status::Ambiguous,
                decides: Some(
                    "whether the callers of this project have a gateway or a log of their own".to_owned(),
                ),
                ..patch(account, identity, identities, Status::Probable, fact)
            });
        }
    }
    patches
}

/// By day, what the log has more than the bill: usage that may be on the bill elsewhere.
fn short(state: &State, account: &Account) -> BTreeMap<Day, Money> {
    let mut short: BTreeMap<Day, Money> = BTreeMap::new();
    for cell in crate::causes::cells(state).into_iter().filter(|cell| cell.account == *account) {
        let sides = state.sides_of(&cell);
        let Ok(delta) = state.delta_of(&sides) else { continue };
        if delta < Money::ZERO && delta.abs() > state.bound_of(&sides) {
            *short.entry(cell.first).or_default() += delta.abs();
        }
    }
    short
}

/// A project or key without which model-days tie out that do not with it, where amounts are too coarse to count.
fn by_amounts(
    state: &State,
    account: &Account,
    identity: &Identity,
    identities: &Lines,
    short: &BTreeMap<Day, Money>,
) -> Option<Patch> {
    let (amount, .., cells) = identities.get(identity).filter(|_| *identity != Identity::default())?;
    let (mut fits, mut open, mut days) = (0, 0, BTreeSet::new());
    for cell in cells.iter().filter(|cell| cell.model.is_some() && cell.first == cell.last) {
        let sides = state.sides_of(cell);
        let (Ok(delta), bound) = (state.delta_of(&sides), state.bound_of(&sides)) else { continue };
        let lines = state
            .keys_of(cell)
            .into_iter()
            .filter_map(|key| Some(state.billed.get(&key)?.get(identity)?.amount));
        let own: Money = lines.sum();
        // Of what the log does not know at all, nothing is left without them, whoever they are.
        let logged = sides.iter().any(|sides| sides.logged_quantity() != 0);
        if !logged || own.abs() <= bound + bound {
            continue;
        }
        days.insert(cell.first);
        if (delta - own).abs() <= bound { fits += 1 } else { open += 1 }
    }
    let stands = fits >= TESTS && fits >= 3 * open && !may_be_elsewhere(short, &days, *amount);
    let fact = || Fact::new("model-days that tie out without these lines", fits);
    stands.then(|| patch(account, identity, identities, Status::Probable, fact()))
}

/// What other models have too little on these days may be one part in so many of what the project has.
const SHORT: i128 = 20;

/// True where so much is short on the days of a project's lines that they may be usage of the gateway's.
fn may_be_elsewhere(short: &BTreeMap<Day, Money>, days: &BTreeSet<Day>, amount: Money) -> bool {
    let missing: Money = days.iter().filter_map(|day| short.get(day)).sum();
    missing.pico() * SHORT > amount.pico()
}

fn identity_quantity(state: &State, key: &BillKey, identity: &Identity) -> Option<i128> {
    let billed = state.billed.get(key)?.get(identity)?;
    // A usage report may count a project where the bill names its keys as well.
    let of_project = || {
        let same = |other: &&Identity| other.project == identity.project;
        let only = state.billed.get(key)?.iter().map(|(other, _)| other).filter(same).count() == 1;
        let whole = |(other, _): &(&Identity, &i128)| {
            other.project == identity.project && other.key.as_deref().is_none_or(str::is_empty)
        };
        state.witness.get(key)?.iter().find(whole).filter(|_| only).map(|(_, count)| *count)
    };
    billed
        .quantity
        .or_else(|| state.witness.get(key)?.get(identity).copied())
        .or_else(of_project)
        .or_else(|| state.unit(key, &state.model_leaf(key)?)?.whole_quantity(billed.amount))
}
