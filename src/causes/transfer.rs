//! Transfers: a part of one model's usage is on the bill of another. Whose part it was need not be known: on the same day, in
//! every tier and meter, the one has less by what the other has more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status, of_all};
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::owners::Owner;
use crate::reconcile::quantity::{self, Gap};
use crate::reconcile::{BillKey, CellKey, Edit, State};

/// Equal counts (meters × days) below which nothing is said, and meters of one day.
const EQUATIONS: usize = 4;
const METERS: usize = 2;

/// Model-days by their days.
pub(super) type ByDays = BTreeMap<(Day, Day), Vec<CellKey>>;

type Gaps = BTreeMap<BillKey, Gap>;

/// What one day moved, by key of the model that it was logged as.
type Moved = Vec<(BillKey, i128)>;

pub(super) fn propose(state: &State, by_days: &ByDays, taken: &BTreeSet<CellKey>) -> Vec<Patch> {
    let mut found: BTreeMap<(Account, Arc<str>, Arc<str>), BTreeMap<Day, Moved>> = BTreeMap::new();
    for ((first, last), cells) in by_days {
        if first != last {
            continue;
        }
        let free = cells.iter().filter(|cell| !taken.contains(*cell) && cell.model.is_some());
        // What is an owner's of a model is on the bill of another model as that owner's.
        let mut gaps: Vec<(&CellKey, Owner, Gaps)> = Vec::new();
        for cell in free {
            let mut parts: BTreeMap<Owner, Gaps> = BTreeMap::new();
            for (key, gap) in quantity::gaps(state, cell) {
                parts.entry(key.owner).or_default().insert(key, gap);
            }
            gaps.extend(parts.into_iter().map(|(owner, gaps)| (cell, owner, gaps)));
        }
        for (source, owner, less) in &gaps {
            if less.values().all(|gap| gap.difference() >= 0) {
                continue;
            }
            let theirs = gaps.iter().filter(|(_, other, _)| other == owner);
            let mut fits = theirs.filter_map(|(target, _, more)| {
                let model = target.model.as_ref().filter(|_| target.account == source.account)?;
                Some((model, moved(state, less, more, model)?))
            });
            // Two models that could both have served it are no proof of either.
            if let (Some((target, moved)), None) = (fits.next(), fits.next())
                && let Some(model) = &source.model
            {
                let name = (source.account.clone(), model.clone(), target.clone());
                found.entry(name).or_default().entry(*first).or_default().extend(moved);
            }
        }
    }
    let enough = |days: &BTreeMap<Day, Moved>| equations(days) >= EQUATIONS;
    let patches =
        found.into_iter().filter(|(_, days)| enough(days)).map(|(name, days)| patch(state, name, days));
    patches.filter(|patch| !state.rejected.contains(&patch.name)).collect()
}

/// The counts that one cell has less and another more, key by key; `None` where a key disagrees by more than noise.
fn moved(state: &State, less: &Gaps, more: &Gaps, target: &Arc<str>) -> Option<Moved> {
    let to = |key: &BillKey| with_model(key, target);
    let mut moved = Moved::new();
    for (key, gap) in less {
        let other = more.get(&to(key));
        let counted = gap.logged + other.map_or(0, |other| other.logged);
        let slack = quantity::slack(state, counted);
        let (gone, come) = (-gap.difference(), other.map_or(0, |other| other.difference()));
        if gone.abs() <= slack && come.abs() <= slack {
            continue;
        }
        if (gone - come).abs() > slack || come <= 3 * slack {
            return None;
        }
        moved.push((key.clone(), come.min(gap.logged)));
    }
    let mapped: BTreeSet<BillKey> = less.keys().map(to).collect();
    let alone = more.iter().filter(|(key, _)| !mapped.contains(*key));
    (moved.len() >= METERS && alone.map(|(_, gap)| gap).all(|gap| quiet(state, gap))).then_some(moved)
}

/// Counts that agree, of everybody together.
fn equations(days: &BTreeMap<Day, Moved>) -> usize {
    of_all(days.values().flatten().map(|(key, _)| key))
}

/// True where log and bill count the same but for the noise of the log.
fn quiet(state: &State, gap: &Gap) -> bool {
    gap.difference().abs() <= quantity::slack(state, gap.logged)
}

fn with_model(key: &BillKey, model: &Arc<str>) -> BillKey {
    BillKey { cell: CellKey { model: Some(model.clone()), ..key.cell.clone() }, ..key.clone() }
}

fn patch(
    state: &State,
    (account, source, target): (Account, Arc<str>, Arc<str>),
    days: BTreeMap<Day, Moved>,
) -> Patch {
    let mut scope = Scope::of(&account);
    scope.models.extend([source.clone(), target.clone()]);
    let first = days.keys().next().copied();
    // A later day on which the model was billed as logged: another stood in for it on some days only.
    let ties = |cell: &CellKey| quantity::gaps(state, cell).values().all(|gap| quiet(state, gap));
    let back = super::cells(state).into_iter().any(|cell| {
        cell.account == account
            && cell.model.as_ref() == Some(&source)
            && Some(cell.first) > first
            && ties(&cell)
    });
    let equations = equations(&days);
    let count = days.len();
    let mut edits = Vec::new();
    let mut total = 0;
    for (from, quantity) in days.into_values().flatten() {
        scope.cover(&from.cell);
        scope.meters.extend(from.meter);
        total += quantity;
        edits.push(Edit::Move { to: with_model(&from, &target), from, quantity });
    }
    Patch {
        name: format!("transfer {account:?} {source} {target}"),
        cause: if back { "map.fallback" } else { "map.alias_repointed" },
        status: if back { Status::Exact } else { Status::Ambiguous },
        scope,
        facts: vec![
            Fact::new("logged as", &source),
            Fact::new("billed as", &target),
            Fact::new("days", count),
            Fact::new("counts that the one has less and the other more", equations),
            Fact::new("tokens", total),
        ],
        edits,
        rivals: if back { Vec::new() } else { vec!["map.fallback".to_owned()] },
        decides: (!back).then(|| "the model that answered, in the log".to_owned()),
        fix: Some(Fix {
            kind: "gateway",
            text: format!(
                "log the model that answered: {target} served a part of what the log has as {source}"
            ),
            patch: String::new(),
        }),
    }
}
