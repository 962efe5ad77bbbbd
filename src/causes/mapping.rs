//! Mapping: usage logged as one model that the provider billed as another.
//!
//! The test has no free number: the traffic of one alias (or key) must be missing from model A, meter by meter, and
//! model B must have exactly that much more. The bill is exact; of what the log counts, noise may be missing. What only a
//! part of such traffic shows is in `transfer.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status, record, transfer};
use crate::error::Result;
use crate::inert::toml;
use crate::money::Ratio;
use crate::period::Day;
use crate::rate::{Account, DayUsage};
use crate::reconcile::owners::Owner;
use crate::reconcile::quantity::{self, ByMeter};
use crate::reconcile::{BillKey, CellKey, Edit, State};
use crate::vocabulary::Meter;

/// Equations (meters × days) below which a fit is only probable.
const EQUATIONS: usize = 4;
/// Days that establish where traffic went, and meters that show by themselves that it did.
const DAYS: usize = 3;
pub(super) const METERS: usize = 2;

/// A part of the traffic that may have been served by another model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    account: Account,
    model: Arc<str>,
    /// `alias` or `key`, and its text; aliases are tried first.
    kind: &'static str,
    text: Arc<str>,
}

impl Candidate {
    fn name(&self) -> String {
        format!("mapping {self:?}")
    }
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut left: BTreeMap<CellKey, ByMeter> =
        state.open.iter().map(|cell| (cell.clone(), quantity::by_meter(state, cell))).collect();
    let mut by_days: BTreeMap<(Day, Day), Vec<CellKey>> = BTreeMap::new();
    for cell in left.keys() {
        by_days.entry((cell.first, cell.last)).or_default().push(cell.clone());
    }
    // Only a model that was billed less than logged can have been served by another.
    let short: BTreeSet<Arc<str>> = left
        .iter()
        .filter(|(_, sums)| sums.values().any(|gap| *gap < 0))
        .filter_map(|(cell, _)| cell.model.clone())
        .collect();
    let mut patches = Vec::new();
    for (candidate, rows) in candidates(state.usage) {
        if !short.contains(&candidate.model) || state.rejected.contains(&candidate.name()) {
            continue;
        }
        let standing: Vec<&DayUsage> =
            rows.iter().copied().filter(|row| record::stands(state, row)).collect();
        // What the bill of its own model lacks of some rows of that kind may be other rows': here they went with the rest.
        let mut readings = vec![traffic(state, &candidate, &standing)];
        if standing.len() < rows.len() {
            readings.push(traffic(state, &candidate, &rows));
        }
        let told = readings.into_iter().filter_map(|traffic| {
            let mut days = by_day(&traffic);
            days.retain(|_, (cell, moved)| is_more_than_noise(state, cell, moved));
            Some((best_target(state, &left, &by_days, &days)?, days, traffic))
        });
        // The first of those that arrive to the last token on the most days.
        let best = told.reduce(|best, next| if next.0.arrived > best.0.arrived { next } else { best });
        let Some((found, days, traffic)) = best else { continue };
        for day in &found.fitted {
            let (cell, moved) = &days[day];
            settle(&mut left, cell, moved, 1);
            settle(&mut left, &with_model(cell, &found.target), moved, -1);
        }
        patches.push(patch(state, &candidate, &found, &days, &traffic));
    }
    let taken: BTreeSet<CellKey> =
        patches.iter().flat_map(|patch| &patch.edits).flat_map(|edit| state.touched(edit)).collect();
    patches.extend(transfer::propose(state, &by_days, &taken));
    Ok(patches)
}

/// A candidate's counts by key of its model; what is billed without a model is billed alike whichever one served it.
fn traffic(state: &State, candidate: &Candidate, rows: &[&DayUsage]) -> BTreeMap<BillKey, i128> {
    let mut traffic: BTreeMap<BillKey, i128> = BTreeMap::new();
    for (key, _, quantity) in rows.iter().flat_map(|row| state.places(row)) {
        if key.cell.model.as_ref() == Some(&candidate.model) {
            *traffic.entry(key).or_default() += quantity;
        }
    }
    traffic
}

/// The same by day and meter, where the bill tells both.
pub(super) fn by_day(traffic: &BTreeMap<BillKey, i128>) -> BTreeMap<Day, (CellKey, ByMeter)> {
    let mut days: BTreeMap<Day, (CellKey, ByMeter)> = BTreeMap::new();
    for (key, count) in traffic {
        if let (Some(meter), true) = (key.meter, key.cell.first == key.cell.last) {
            let day = days.entry(key.cell.first).or_insert_with(|| (key.cell.clone(), ByMeter::new()));
            *day.1.entry((key.owner, meter)).or_default() += count;
        }
    }
    days
}

/// Counts of one owner's meter in a cell that the noise of the log leaves open.
pub(super) fn slack(state: &State, cell: &CellKey, (owner, meter): (Owner, Meter)) -> i128 {
    let keys = state.keys_of(cell).into_iter();
    let keys = keys.filter(|key| key.owner == owner && key.meter == Some(meter));
    quantity::slack(state, keys.map(|key| state.logged_quantity(&key)).sum())
}

/// A day with less traffic than the noise of its model decides nothing.
fn is_more_than_noise(state: &State, cell: &CellKey, moved: &ByMeter) -> bool {
    moved.iter().any(|(meter, count)| *count > 3 * slack(state, cell, *meter))
}

fn candidates(usage: &[DayUsage]) -> BTreeMap<Candidate, Vec<&DayUsage>> {
    let mut found: BTreeMap<Candidate, Vec<&DayUsage>> = BTreeMap::new();
    for row in usage.iter().filter(|row| row.outcome.is_billable()) {
        let of = |kind, text: &Arc<str>| Candidate {
            account: row.account.clone(),
            model: row.model.clone(),
            kind,
            text: text.clone(),
        };
        let alias = row.asked_for();
        if !alias.is_empty() && *alias != row.served {
            found.entry(of("alias", alias)).or_default().push(row);
        }
        if !row.key.is_empty() {
            found.entry(of("key", &row.key)).or_default().push(row);
        }
    }
    found
}

fn with_model(cell: &CellKey, model: &Arc<str>) -> CellKey {
    CellKey { model: Some(model.clone()), ..cell.clone() }
}

/// Where the candidate's traffic went.
struct Found {
    target: Arc<str>,
    /// Days on which the target has at least that much more, or one of the two exactly that much.
    fitted: Vec<Day>,
    /// Days on which the traffic is missing from the model it was logged under, wherever it went.
    missing: Vec<Day>,
    /// Days on which it was billed as logged.
    tied: Vec<Day>,
    /// Days on which every meter of the target has exactly that much more.
    arrived: usize,
}

/// The model that has more, on most days, exactly where the candidate's model has less.
fn best_target(
    state: &State,
    left: &BTreeMap<CellKey, ByMeter>,
    by_days: &BTreeMap<(Day, Day), Vec<CellKey>>,
    days: &BTreeMap<Day, (CellKey, ByMeter)>,
) -> Option<Found> {
    let (mut gone, mut tied, mut vanished) = (Vec::new(), Vec::new(), Vec::new());
    let mut came: BTreeMap<Arc<str>, Vec<Day>> = BTreeMap::new();
    let mut fits: BTreeMap<Arc<str>, Vec<Day>> = BTreeMap::new();
    // Where some meters of the other model have exactly that much more, and the rest something else besides.
    let mut partly: BTreeMap<Arc<str>, Vec<Day>> = BTreeMap::new();
    for (day, (cell, moved)) in days {
        let missing = |sums: &ByMeter| {
            moved.iter().all(|(meter, count)| {
                sums.get(meter).is_some_and(|gap| count + gap <= slack(state, cell, *meter))
            })
        };
        let ties = |sums: &ByMeter| {
            moved
                .keys()
                .all(|meter| sums.get(meter).is_some_and(|gap| gap.abs() <= slack(state, cell, *meter)))
        };
        // A cell with nothing open ties.
        if left.get(cell).is_none_or(ties) {
            tied.push(*day);
        }
        // One side alone shows it where every meter has exactly that much more or less.
        let exactly = |sums: &ByMeter, sign: i128| {
            let counted = moved.iter().filter(|(_, count)| **count != 0);
            let meters: BTreeSet<Meter> = counted.map(|((_, meter), _)| *meter).collect();
            let equal = |(meter, count): (&(Owner, Meter), &i128)| {
                let off = sums.get(meter).map(|gap| (gap - sign * count).abs());
                off.is_some_and(|off| off <= slack(state, cell, *meter))
            };
            meters.len() >= METERS && moved.iter().all(equal)
        };
        if left.get(cell).is_some_and(|sums| exactly(sums, -1)) {
            vanished.push(*day);
        }
        for other in by_days.get(&(cell.first, cell.last)).into_iter().flatten() {
            let more = other.account == cell.account
                && other != cell
                && left.get(other).is_some_and(|sums| exactly(sums, 1));
            if let Some(model) = other.model.as_ref().filter(|_| more) {
                came.entry(model.clone()).or_default().push(*day);
            }
        }
        if moved.values().all(|count| *count == 0) || !left.get(cell).is_some_and(missing) {
            continue;
        }
        gone.push(*day);
        for other in by_days.get(&(cell.first, cell.last)).into_iter().flatten() {
            let Some(sums) = left.get(other) else { continue };
            if other.account != cell.account || other == cell {
                continue;
            }
            let all = moved.iter().all(|(meter, count)| match sums.get(meter) {
                Some(gap) => gap >= count,
                // What the other model gives away is on no bill.
                None => is_free(state, other, *meter),
            });
            let equal =
                moved.iter().filter(|(meter, count)| **count != 0 && sums.get(*meter) == Some(*count));
            if all {
                fits.entry(other.model.clone()?).or_default().push(*day);
            } else if equal.count() >= METERS {
                partly.entry(other.model.clone()?).or_default().push(*day);
            }
        }
    }
    partly.retain(|_, days| days.len() >= DAYS);
    if !partly.is_empty() && fits.values().all(|days| days.len() < DAYS) {
        fits = partly;
    }
    // Or where all of them have, whatever else is wrong with the model it was logged as.
    if fits.is_empty() {
        fits.extend(
            came.iter()
                .filter(|(_, days)| days.len() > DAYS)
                .map(|(model, days)| (model.clone(), days.clone())),
        );
    }
    let most = fits.values().map(Vec::len).max()?;
    let mut best = fits.into_iter().filter(|(_, days)| days.len() == most);
    // Two models that could both have served it are no proof of either.
    let (target, mut fitted) = best.next().filter(|_| best.next().is_none())?;
    let arrived = came.get(&target).map_or(0, Vec::len);
    // Once the target is known, a day on which something else is wrong with one of the two models is shown by the other.
    if fitted.len() >= DAYS {
        fitted.extend(vanished.into_iter().chain(came.remove(&target).unwrap_or_default()));
        fitted.sort_unstable();
        fitted.dedup();
    }
    Some(Found { target, fitted, missing: gone, tied, arrived })
}

fn is_free(state: &State, cell: &CellKey, (owner, meter): (Owner, Meter)) -> bool {
    let mut keys = state.keys_of(cell).into_iter();
    keys.next().is_some_and(|key| {
        let key = BillKey { meter: Some(meter), owner, ..key };
        state.model_leaf(&key).and_then(|leaf| state.unit(&key, &leaf)).is_some_and(Ratio::is_zero)
    })
}

fn settle(left: &mut BTreeMap<CellKey, ByMeter>, cell: &CellKey, moved: &ByMeter, sign: i128) {
    if let Some(sums) = left.get_mut(cell) {
        for (meter, count) in moved {
            *sums.entry(*meter).or_default() += sign * count;
        }
    }
}

fn patch(
    state: &State,
    candidate: &Candidate,
    found: &Found,
    days: &BTreeMap<Day, (CellKey, ByMeter)>,
    traffic: &BTreeMap<BillKey, i128>,
) -> Patch {
    let Found { target, fitted, missing, tied, .. } = found;
    let mut scope = Scope::of(&candidate.account);
    scope.models.extend([candidate.model.clone(), target.clone()]);
    if candidate.kind == "key" {
        scope.keys.insert(candidate.text.clone());
    }
    let mut edits = Vec::new();
    for (key, count) in
        traffic.iter().filter(|(key, _)| fitted.contains(&key.cell.first) && key.meter.is_some())
    {
        scope.cover(&key.cell);
        scope.meters.extend(key.meter);
        let to = state.as_model(key, target);
        edits.push(Edit::Move { from: key.clone(), to, quantity: *count });
    }
    let equations: usize =
        fitted.iter().map(|day| days[day].1.values().filter(|count| **count != 0).count()).sum();
    // All traffic from the first day on: the alias points elsewhere. Billed as logged on some later day: a fallback
    // served the others. Days on which something else is wrong too decide nothing.
    let onset = fitted.first().copied();
    let after = |days: &[Day]| days.iter().filter(|day| Some(**day) >= onset).count();
    let since = days.keys().filter(|day| Some(**day) >= onset).count();
    let fallback = after(tied) > 0;
    let open = !fallback && after(missing) < since;
    let cause = if fallback { "map.fallback" } else { "map.alias_repointed" };
    let status = match () {
        () if open => Status::Ambiguous,
        () if equations >= EQUATIONS => Status::Exact,
        () => Status::Probable,
    };
    let total: i128 =
        edits.iter().map(|edit| if let Edit::Move { quantity, .. } = edit { *quantity } else { 0 }).sum();
    let first = onset.map(|day| day.to_string()).unwrap_or_default();
    Patch {
        name: candidate.name(),
        cause,
        status,
        scope,
        edits,
        facts: vec![
            Fact::new(candidate.kind, &candidate.text),
            Fact::new("logged as", &candidate.model),
            Fact::new("billed as", target),
            Fact::new("days", fitted.len()),
            Fact::new("tokens that match meter by meter", total),
        ],
        rivals: if open { vec!["map.fallback".to_owned()] } else { Vec::new() },
        decides: open.then(|| "the model that answered, in the log".to_owned()),
        fix: Some(remedy(state, candidate, target, cause, &first)),
    }
}

/// An alias is mapped from the day on. A key is none: where it calls names that the books map to the wrong model, these are
/// corrected; where it calls the model by its own name, only a rule about the key's traffic says what happened.
fn remedy(state: &State, candidate: &Candidate, target: &str, cause: &str, first: &str) -> Fix {
    let Candidate { account, model, kind, text } = candidate;
    let table = |logged: &str| {
        let (seller, model) = (&account.provider, toml(target));
        let logged = toml(logged);
        format!("[[model]]\nlogged = {logged}\nseller = \"{seller}\"\nmodel = {model}\nfrom = \"{first}\"\n")
    };
    let fix = |text: String, patch: String| Fix { kind: "model-mapping", text, patch };
    if *kind == "alias" {
        let what = if cause == "map.fallback" { "fell back to" } else { "points at" };
        return fix(format!("`{text}` {what} {target} since {first}: map it from that day"), table(text));
    }
    let of_key = |row: &&DayUsage| row.account == *account && row.model == *model && row.key == *text;
    let names: BTreeSet<&Arc<str>> = state.usage.iter().filter(of_key).map(|row| &row.served).collect();
    let mapped = |name: &&Arc<str>| state.rater.book.resolve(&account.provider, name, i64::MAX).is_none();
    match names.first() {
        Some(name) if cause == "map.alias_repointed" && names.len() == 1 && mapped(name) => fix(
            format!(
                "`{name}`, which key `{text}` calls, is mapped to {model} and was served by {target} since {first}: correct \
                 its `[[model]]` table"
            ),
            table(name),
        ),
        _ => fix(
            format!(
                "key `{text}` asked for {model} and was served by {target} since {first}: count the traffic of this key as \
                 {target} on these days"
            ),
            String::new(),
        ),
    }
}
