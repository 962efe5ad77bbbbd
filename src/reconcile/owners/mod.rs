//! Which key of the log is which project or API key on the bill? Nobody writes it down, but on days without a fault both
//! count the same. Where it is known, what goes wrong under one key is told apart from what goes wrong under another.

mod join;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::billed::Identity;
use super::grain::BillKey;
use super::state::State;
use crate::error::Result;
use crate::rate::{self, Account};
pub use crate::rate::{NOBODY, Owner};
use crate::vocabulary::Meter;

/// Amounts that must agree, and how many times as many as with any other.
const AGREEING: usize = 6;
const TIMES: usize = 3;
/// One in so many of the amounts of a project must agree.
const SHARE: usize = 8;
/// Two amounts agree within so many parts per million: the noise of the log is no larger.
const NEAR: i128 = 10_000;
const MILLION: i128 = 1_000_000;

/// Models and meters.
type Shared = BTreeMap<Option<Arc<str>>, BTreeSet<Option<Meter>>>;

/// Projects and API keys of one account's bill beside keys of its log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    of_identity: BTreeMap<Identity, Owner>,
    of_key: BTreeMap<Arc<str>, Owner>,
    /// Models and meters whose lines on the bill, or in a usage report, do not say whose they are.
    shared: Shared,
}

impl Owners {
    pub fn is_empty(&self) -> bool {
        self.of_key.is_empty()
    }

    pub fn of_identity(&self, identity: &Identity) -> Owner {
        self.of_identity.get(identity).copied().unwrap_or(NOBODY)
    }

    pub fn of_key(&self, key: &str) -> Owner {
        self.of_key.get(key).copied().unwrap_or(NOBODY)
    }

    /// The part of a key that is an owner's; all of it where nobody says whose it is.
    pub fn part(&self, key: BillKey, owner: Owner) -> BillKey {
        if owner == NOBODY || self.share(&key.cell.model, key.meter) { key } else { BillKey { owner, ..key } }
    }

    /// True for a model's meter of which the bill, or a report, does not say whose it is.
    pub fn share(&self, model: &Option<Arc<str>>, meter: Option<Meter>) -> bool {
        self.shared.get(model).is_some_and(|meters| meters.contains(&meter))
    }

    /// Learns them from both sides as they stand. One factor on everything of a pair does not hide it.
    pub fn learn(state: &State, account: &Account) -> Result<Owners> {
        let identities = state.identities(account);
        if identities.len() < 2 {
            return Ok(Owners::default());
        }
        let (logged, billed) = (logged(state, account)?, billed(state, account));
        let mut ratios: BTreeMap<(&Identity, &Arc<str>), Vec<i128>> = BTreeMap::new();
        let mut amounts: BTreeMap<&Identity, usize> = BTreeMap::new();
        for (place, lines) in &billed {
            let Some(keys) = logged.get(place) else { continue };
            for (identity, (amount, bound)) in lines {
                if *amount <= bound * MILLION / NEAR {
                    continue;
                }
                *amounts.entry(identity).or_default() += 1;
                for (name, priced) in keys.iter().filter(|(_, priced)| **priced > 0) {
                    let ratio = amount.saturating_mul(MILLION) / priced;
                    ratios.entry((identity, name)).or_default().push(ratio);
                }
            }
        }
        let mut usual: BTreeMap<(&Identity, &Arc<str>), i128> = BTreeMap::new();
        let mut votes: Vec<(usize, &Identity, &Arc<str>)> = Vec::new();
        for ((identity, name), ratios) in ratios {
            let (count, ratio) = most_alike(ratios);
            usual.insert((identity, name), ratio);
            votes.push((count, identity, name));
        }
        votes.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| (a.1, a.2).cmp(&(b.1, b.2))));
        let mut owners = Owners::default();
        // An API key that both sides call by one name is one.
        let named = identities.iter().filter_map(|identity| Some((*identity, identity.key.as_ref()?)));
        for (identity, name) in named.filter(|(_, name)| logged.values().any(|keys| keys.contains_key(*name)))
        {
            owners.pair(identity, name);
        }
        for (count, identity, name) in &votes {
            let rivals = votes.iter().filter(|(_, other, key)| (other == identity) != (key == name));
            let second = rivals.map(|(count, ..)| *count).max().unwrap_or(0);
            let enough = AGREEING.max(amounts.get(identity).copied().unwrap_or(0) / SHARE);
            let free = owners.of_identity(identity) == NOBODY && owners.of_key(name) == NOBODY;
            if free && *count >= enough && *count >= TIMES * second {
                owners.pair(identity, name);
            }
        }
        if !owners.is_empty() {
            let factor = |identity: &Identity, name: &Arc<str>| usual.get(&(identity, name)).copied();
            let least = state.rounding.get(account).map_or(0, |least| least.pico());
            owners.join(&logged, &billed, least, factor);
        }
        if !owners.is_empty() {
            owners.shared = owners.shared_by(state, account);
        }
        Ok(owners)
    }

    /// What the bill, or a report, has only lines for that say nothing of whose they are.
    fn shared_by(&self, state: &State, account: &Account) -> Shared {
        let known = state.identities(account);
        let says = |identity: &Identity| {
            known.contains(identity)
                && (*identity != Identity::default() || self.of_identity(identity) != NOBODY)
        };
        let of_account = |key: &BillKey| key.cell.account == *account;
        let bill = state.billed.iter().filter(|(key, _)| of_account(key));
        let report = state.witness.iter().filter(|(key, _)| of_account(key));
        let mut shared = silent(bill.map(|(key, lines)| (key, lines.keys().any(says))));
        for (model, meters) in silent(report.map(|(key, lines)| (key, lines.keys().any(says)))) {
            shared.entry(model).or_default().extend(meters);
        }
        shared
    }

    fn pair(&mut self, identity: &Identity, name: &Arc<str>) {
        let owner = self.of_key(name);
        // One key may be seen in several projects.
        let owner = if owner == NOBODY { self.of_key.len() as Owner + 1 } else { owner };
        self.of_identity.insert(identity.clone(), owner);
        self.of_key.insert(name.clone(), owner);
    }
}

/// Models and meters of which no line says anything.
fn silent<'k>(lines: impl Iterator<Item = (&'k BillKey, bool)>) -> Shared {
    let mut all: BTreeMap<(&Option<Arc<str>>, Option<Meter>), bool> = BTreeMap::new();
    for (key, says) in lines {
        *all.entry((&key.cell.model, key.meter)).or_default() |= says;
    }
    let mut silent = Shared::new();
    for ((model, meter), _) in all.into_iter().filter(|(_, says)| !says) {
        silent.entry(model.clone()).or_default().insert(meter);
    }
    silent
}

/// The most ratios that are within the noise of one another, and the middle one of them.
fn most_alike(mut ratios: Vec<i128>) -> (usize, i128) {
    ratios.sort_unstable();
    let alike = |(at, ratio): (usize, &i128)| {
        let most = ratio.saturating_add(ratio / (MILLION / NEAR));
        let count = ratios.partition_point(|other| *other <= most) - at;
        (count, ratios.get(at + count / 2).copied().unwrap_or(*ratio))
    };
    ratios.iter().enumerate().map(alike).max_by_key(|(count, _)| *count).unwrap_or((0, MILLION))
}

/// Where amounts are compared: a bill key of everybody, whatever its tier. Usage that was served at another tier is the same
/// key's.
fn place(key: &BillKey) -> BillKey {
    BillKey { tier: None, ..key.of_all() }
}

/// Priced amounts by place and key of the log, in 10^-12.
type Logged = BTreeMap<BillKey, BTreeMap<Arc<str>, i128>>;
/// Billed amounts and their rounding, by place and project or API key, in 10^-12.
type Billed<'s> = BTreeMap<BillKey, BTreeMap<&'s Identity, (i128, i128)>>;

fn logged(state: &State, account: &Account) -> Result<Logged> {
    let mut sums = Logged::new();
    let rows = state.usage.iter().filter(|row| row.account == *account && row.outcome.is_billable());
    for row in rows.filter(|row| !row.key.is_empty()) {
        for (key, leaf, quantity) in state.places(row) {
            let Some(unit) = state.unit(&key, &leaf) else { continue };
            let amount = rate::amount(unit, quantity)?.pico();
            *sums.entry(place(&key)).or_default().entry(row.key.clone()).or_default() += amount;
        }
    }
    Ok(sums)
}

fn billed<'s>(state: &'s State, account: &Account) -> Billed<'s> {
    let mut sums = Billed::new();
    for (key, lines) in state.billed.iter().filter(|(key, _)| key.cell.account == *account) {
        let of_place = sums.entry(place(key)).or_default();
        for (identity, line) in lines {
            let (amount, bound) = of_place.entry(identity).or_default();
            *amount += line.amount.pico();
            *bound += line.bound.pico();
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_alike_but_for_noise() {
        let alike = vec![1_000_000, 1_004_000, 2_000_000, 998_000, 1_500_000, 1_006_000];
        assert_eq!(most_alike(alike), (4, 1_004_000));
        // Everything at 86 %.
        assert_eq!(most_alike(vec![861_300, 861_301, 863_000, 400_000]), (3, 861_301));
        assert_eq!(most_alike(vec![]), (0, MILLION));
    }
}
