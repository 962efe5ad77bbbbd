//! Transfers: a part of one model's usage is on the bill of another. Whose part it was need not be known: on the same day, in
//! every tier and meter, the one has less by what the other has more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::search::score::{DIGIT, Digits, digits};
use super::{Fact, Fix, Patch, Scope, Status, of_all};
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::owners::Owner;
use crate::reconcile::quantity::{self, Gap, Gaps};
use crate::reconcile::{BillKey, CellKey, Edit, State};

/// Equal counts (meters × days) below which nothing is said, and meters of one day.
const EQUATIONS: usize = 4;
const METERS: usize = 2;
/// Binary digits, beyond noise and rounding, that the counts of both sides must share.
const SURE: Digits = 16 * DIGIT;

/// Model-days by their days.
pub(super) type ByDays = BTreeMap<(Day, Day), Vec<CellKey>>;

/// An account, the model that usage is logged as, and the one it is billed as.
type Name = (Account, Arc<str>, Arc<str>);

/// What one day moved: the key of the model that it was logged as, that of the one it is billed as, how much, and the digits
/// that both sides share of it.
type Moved = Vec<(BillKey, BillKey, i128, Digits)>;

pub(super) fn propose(state: &State, by_days: &ByDays, taken: &BTreeSet<CellKey>) -> Vec<Patch> {
    let mut found: BTreeMap<Name, BTreeMap<Day, Moved>> = BTreeMap::new();
    for ((first, last), cells) in by_days {
        if first != last {
            continue;
        }
        let free = cells.iter().filter(|cell| !taken.contains(*cell) && cell.model.is_some());
        // What is an owner's of one model is that owner's on the bill of another.
        let mut parts: BTreeMap<Owner, Vec<(&CellKey, Gaps)>> = BTreeMap::new();
        for cell in free {
            for (owner, gaps) in quantity::by_owner(quantity::reckoned(state, cell)) {
                parts.entry(owner).or_default().push((cell, gaps));
            }
        }
        let mut rest: BTreeMap<&CellKey, Gaps> = BTreeMap::new();
        let owners = parts.len();
        for gaps in parts.into_values() {
            let transfers = transfers(state, &gaps);
            if transfers.is_empty() {
                gaps.into_iter().for_each(|(cell, gaps)| rest.entry(cell).or_default().extend(gaps));
            }
            for (name, moved) in transfers {
                found.entry(name).or_default().entry(*first).or_default().extend(moved);
            }
        }
        if owners < 2 {
            continue;
        }
        // What is too little by itself is looked at together.
        let together: Vec<(&CellKey, Gaps)> =
            rest.iter().map(|(cell, gaps)| (*cell, quantity::of_all(gaps.iter()))).collect();
        let rest: Gaps = rest.into_values().flatten().collect();
        for (name, moved) in transfers(state, &together) {
            let each = moved.into_iter().flat_map(|(key, to, _, shared)| {
                let mut shared = Some(shared);
                let parts = quantity::exchanged(&rest, &key, &to).into_iter();
                // What they share is told once.
                parts
                    .map(move |(from, to, count)| (from, to, count, shared.take().unwrap_or(0)))
                    .collect::<Vec<_>>()
            });
            found.entry(name.clone()).or_default().entry(*first).or_default().extend(each);
        }
    }
    let enough = |days: &BTreeMap<Day, Moved>| {
        let shared: Digits = days.values().flatten().map(|(.., shared)| shared).sum();
        equations(days) >= EQUATIONS && shared >= SURE
    };
    let patches =
        found.into_iter().filter(|(_, days)| enough(days)).map(|(name, days)| patch(state, name, days));
    patches.filter(|patch| !state.rejected.contains(&patch.name)).collect()
}

/// What one model of a day has less and just one other more.
fn transfers(state: &State, gaps: &[(&CellKey, Gaps)]) -> Vec<(Name, Moved)> {
    let mut found = Vec::new();
    for (source, less) in gaps {
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
            found.push(((source.account.clone(), model.clone(), target.clone()), moved));
        }
    }
    found
}

/// Counts that agree, of everybody together.
fn equations(days: &BTreeMap<Day, Moved>) -> usize {
    of_all(days.values().flatten().map(|(key, ..)| key))
}

/// The counts that one cell has less and another more, key by key; `None` where a key disagrees by more than noise.
fn moved(state: &State, less: &Gaps, more: &Gaps, target: &Arc<str>) -> Option<Moved> {
    // What one model's lines tell apart another's may not.
    let mut mapped: BTreeMap<BillKey, Vec<(&BillKey, &Gap)>> = BTreeMap::new();
    for (key, gap) in less {
        mapped.entry(state.as_model(key, target)).or_default().push((key, gap));
    }
    let (mut moved, mut strong) = (Moved::new(), 0);
    for (to, parts) in &mapped {
        let other = more.get(to);
        let sum = |of: fn(&Gap) -> i128| parts.iter().map(|(_, gap)| of(gap)).sum::<i128>();
        let counted = sum(|gap| gap.logged) + other.map_or(0, |other| other.logged);
        let (gone, come) = (-sum(|gap| gap.difference()), other.map_or(0, |other| other.difference()));
        let (left, right) = (sum(|gap| gap.within), other.map_or(0, |other| other.within));
        let slack = quantity::slack(state, counted);
        if gone.abs() <= slack + left && come.abs() <= slack + right {
            continue;
        }
        let open = slack + left + right;
        if (gone - come).abs() > open || come <= 0 {
            return None;
        }
        strong += usize::from(come > 3 * open);
        let mut count = quantity::agreed((gone, left), (come, right));
        let mut shared = Some(digits(come, open));
        for (key, gap) in parts {
            let most = if parts.len() > 1 { -gap.difference() } else { count };
            let part = count.min(most).min(gap.logged);
            if part > 0 {
                count -= part;
                moved.push(((*key).clone(), to.clone(), part, shared.take().unwrap_or(0)));
            }
        }
    }
    let alone = more.iter().filter(|(key, _)| !mapped.contains_key(*key));
    (strong >= METERS && alone.map(|(_, gap)| gap).all(|gap| quiet(state, gap))).then_some(moved)
}

/// True where log and bill count the same but for the noise of the log.
fn quiet(state: &State, gap: &Gap) -> bool {
    gap.difference().abs() <= quantity::slack(state, gap.logged) + gap.within
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
    let ties = |cell: &CellKey| {
        let gaps = quantity::reckoned(state, cell);
        quantity::of_all(gaps.iter()).values().all(|gap| quiet(state, gap))
    };
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
    for (from, to, quantity, _) in days.into_values().flatten() {
        scope.cover(&from.cell);
        scope.meters.extend(from.meter);
        total += quantity;
        edits.push(Edit::Move { from, to, quantity });
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
