//! Transfers: a part of one model's usage is on the bill of another. Whose part it was need not be known: on the same day, in
//! every tier and meter, the one has less by what the other has more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::search::score::{DIGIT, Digits, digits};
use super::{Fact, Fix, Patch, Scope, Status};
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::quantity::{self, Gap};
use crate::reconcile::{BillKey, CellKey, Edit, State};

/// Equal counts (meters × days) below which nothing is said, and meters of one day.
const EQUATIONS: usize = 4;
const METERS: usize = 2;
/// Binary digits, beyond noise and rounding, that the counts of both sides must share.
const SURE: Digits = 16 * DIGIT;

/// Model-days by their days.
pub(super) type ByDays = BTreeMap<(Day, Day), Vec<CellKey>>;

type Gaps = BTreeMap<BillKey, Gap>;

/// What one day moved, by key of the model that it was logged as, and the digits that both sides share of each.
type Moved = Vec<(BillKey, i128, Digits)>;

pub(super) fn propose(state: &State, by_days: &ByDays, taken: &BTreeSet<CellKey>) -> Vec<Patch> {
    let mut found: BTreeMap<(Account, Arc<str>, Arc<str>), BTreeMap<Day, Moved>> = BTreeMap::new();
    for ((first, last), cells) in by_days {
        if first != last {
            continue;
        }
        let free = cells.iter().filter(|cell| !taken.contains(*cell) && cell.model.is_some());
        let gaps: Vec<(&CellKey, Gaps)> = free.map(|cell| (cell, quantity::reckoned(state, cell))).collect();
        for (source, less) in &gaps {
            if less.values().all(|gap| gap.difference() >= -gap.within) {
                continue;
            }
            let mut fits = gaps.iter().filter_map(|(target, more)| {
                let model = target.model.as_ref().filter(|_| target.account == source.account)?;
                Some((model, moved(state, less, more, model)?))
            });
            // Two models that could both have served it are no proof of either.
            if let (Some((target, moved)), None) = (fits.next(), fits.next())
                && let Some(model) = &source.model
            {
                let name = (source.account.clone(), model.clone(), target.clone());
                found.entry(name).or_default().insert(*first, moved);
            }
        }
    }
    let enough = |days: &BTreeMap<Day, Moved>| {
        let shared: Digits = days.values().flatten().map(|(.., shared)| shared).sum();
        days.values().map(Vec::len).sum::<usize>() >= EQUATIONS && shared >= SURE
    };
    let patches =
        found.into_iter().filter(|(_, days)| enough(days)).map(|(name, days)| patch(state, name, days));
    patches.filter(|patch| !state.rejected.contains(&patch.name)).collect()
}

/// The counts that one cell has less and another more, key by key; `None` where a key disagrees by more than noise.
fn moved(state: &State, less: &Gaps, more: &Gaps, target: &Arc<str>) -> Option<Moved> {
    let to = |key: &BillKey| with_model(key, target);
    let (mut moved, mut strong) = (Moved::new(), 0);
    for (key, gap) in less {
        let other = more.get(&to(key));
        let counted = gap.logged + other.map_or(0, |other| other.logged);
        let (gone, come) = (-gap.difference(), other.map_or(0, |other| other.difference()));
        let (left, right) = (gap.within, other.map_or(0, |other| other.within));
        let slack = quantity::slack(state, counted);
        if gone.abs() <= slack + left && come.abs() <= slack + right {
            continue;
        }
        let open = slack + left + right;
        if (gone - come).abs() > open || come <= 0 {
            return None;
        }
        strong += usize::from(come > 3 * open);
        let count = quantity::agreed((gone, left), (come, right)).min(gap.logged);
        moved.push((key.clone(), count, digits(come, open)));
    }
    let mapped: BTreeSet<BillKey> = less.keys().map(to).collect();
    let alone = more.iter().filter(|(key, _)| !mapped.contains(*key));
    (strong >= METERS && alone.map(|(_, gap)| gap).all(|gap| quiet(state, gap))).then_some(moved)
}

/// True where log and bill count the same but for the noise of the log.
fn quiet(state: &State, gap: &Gap) -> bool {
    gap.difference().abs() <= quantity::slack(state, gap.logged) + gap.within
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
    let ties = |cell: &CellKey| quantity::reckoned(state, cell).values().all(|gap| quiet(state, gap));
    let back = super::cells(state).into_iter().any(|cell| {
        cell.account == account
            && cell.model.as_ref() == Some(&source)
            && Some(cell.first) > first
            && ties(&cell)
    });
    let equations: usize = days.values().map(Vec::len).sum();
    let count = days.len();
    let mut edits = Vec::new();
    let mut total = 0;
    for (from, quantity, _) in days.into_values().flatten() {
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
