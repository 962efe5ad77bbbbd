//! Counts that a part of the log leaves out: cache writes dropped by an adapter.
//!
//! Everything else of the same model and day ties out in quantity, to the noise of the log; only this one meter has more on
//! the bill.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status, of_all};
use crate::error::Result;
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::{BillKey, Edit, State, quantity};
use crate::vocabulary::Meter;

/// Days on which only this meter is short.
const DAYS: usize = 3;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut patches = cache_writes(state);
    patches.retain(|patch| !state.rejected.contains(&patch.name));
    Ok(patches)
}

/// In a noisy log a row may be short by a tenth, and a key may have few rows: less than an eighth is no meter left out.
fn noise_does(state: &State, gap: &quantity::Gap) -> bool {
    state.noise > 0 && gap.difference() * 8 < gap.billed
}

/// Less than a row or two of a day, as a log that is right otherwise may have lost.
fn little(gap: &quantity::Gap) -> bool {
    gap.difference().abs() * 50 < gap.billed
}

/// Cache writes that are short where every other meter of the day has the billed count.
fn cache_writes(state: &State) -> Vec<Patch> {
    let mut found: BTreeMap<(Account, Arc<str>, Meter), Vec<(BillKey, i128)>> = BTreeMap::new();
    // Days on which other meters are off too decide nothing: where they are off by little, they go with those that decide. Days on
    // which the bill has fewer speak against it.
    let mut beside = found.clone();
    let mut against: BTreeSet<(Account, Arc<str>, Meter)> = BTreeSet::new();
    for cell in &state.open {
        let Some(model) = cell.model.clone() else { continue };
        let gaps = quantity::reckoned(state, cell);
        if gaps.len() != state.keys_of(cell).len() {
            continue;
        }
        let off = gaps.iter().filter(|(_, gap)| !quantity::quiet(state, gap, 1));
        let (writes, others): (Vec<_>, Vec<_>) =
            off.partition(|(key, _)| key.meter.is_some_and(Meter::is_cache_write));
        let meters: BTreeSet<Meter> = writes.iter().filter_map(|(key, _)| key.meter).collect();
        let Some(meter) = meters.first().filter(|_| meters.len() == 1) else { continue };
        let name = (cell.account.clone(), model, *meter);
        let days = if others.is_empty() {
            &mut found
        } else if others.iter().all(|(_, gap)| noise_does(state, gap) || little(gap)) {
            &mut beside
        } else {
            continue;
        };
        for (key, gap) in writes {
            // What the log has some of, and no count of the bill, may as well have another price.
            if gap.known == quantity::Known::Reckoned && gap.logged != 0 {
                continue;
            }
            if gap.difference() > 0 && !noise_does(state, gap) {
                days.entry(name.clone()).or_default().push((key.clone(), gap.difference()));
            } else if gap.difference() < 0 && others.is_empty() {
                against.insert(name.clone());
            }
        }
    }
    found
        .into_iter()
        .filter(|(name, _)| !against.contains(name))
        .filter(|(_, short)| {
            short.iter().map(|(key, _)| key.cell.first).collect::<BTreeSet<Day>>().len() >= DAYS
        })
        .map(|(name, mut short)| {
            let plain = of_all(short.iter().map(|(key, _)| key));
            let noisy = beside.remove(&name).unwrap_or_default();
            let (account, model, meter) = name;
            let mut name = format!("lost {account:?} {model} {meter} on noisy days");
            if noisy.is_empty() || state.rejected.contains(&name) {
                name = format!("lost {account:?} {model} {meter}");
            } else {
                short.extend(noisy);
            }
            let total: i128 = short.iter().map(|(_, count)| count).sum();
            let mut scope = Scope::of(&account);
            scope.models.insert(model.clone());
            scope.meters.insert(meter);
            let edits = short.iter().map(|(key, count)| {
                scope.cover(&key.cell);
                Edit::Drop { from: key.clone(), quantity: -count }
            });
            let edits = edits.collect();
            Patch {
                name,
                cause: "cls.cache_write_lost",
                status: Status::Probable,
                scope,
                edits,
                facts: vec![
                    Fact::new("what", "cache writes are billed that the log does not count")
                        .at(state.bill(&short[0].0).origin),
                    Fact::new("tokens", total),
                    Fact::new("days on which every other meter has the billed count", plain),
                ],
                rivals: Vec::new(),
                decides: None,
                fix: Some(Fix {
                    kind: "gateway",
                    text: "make the gateway keep the cache creation counts of this route".to_owned(),
                    patch: String::new(),
                }),
            }
        })
        .collect()
}
