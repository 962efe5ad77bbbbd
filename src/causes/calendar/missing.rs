//! Whole days that one side does not have: the log was not exported, or the bill ends or has a gap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::instants::Instants;
use crate::causes::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::Money;
use crate::period::Day;
use crate::rate::{Account, Owner};
use crate::reconcile::{BillKey, Edit, State, quantity};

/// Days with both sides below which a missing day has nothing to be compared with.
const DAYS: usize = 4;
/// A missing day is like the others where its amount is within this factor of their median: weekends are quiet.
const LIKE: i128 = 8;
/// A longer gap at the start of the log may be the time before the gateway.
const SHORT: usize = 3;

/// One account by day: what each side says.
#[derive(Default)]
struct Days {
    billed: BTreeMap<Day, Money>,
    priced: BTreeMap<Day, Money>,
    /// Days with a row of any kind in the account's log.
    logged: BTreeSet<Day>,
    keys: BTreeMap<Day, Vec<BillKey>>,
    models: BTreeMap<Day, BTreeSet<Arc<str>>>,
}

/// A patch that puts the bill's counts in where the log has nothing at all: what they cost is no part of it.
pub(in crate::causes) fn told(patch: &str) -> bool {
    patch.starts_with(NAME)
}

const NAME: &str = "missing days";

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let Some(log) = state.log else { return Ok(Vec::new()) };
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut patches = Vec::new();
    for account in accounts.into_iter().filter(|account| state.grains.contains_key(*account)) {
        let days = days(state, account)?;
        let both = days.billed.keys().filter(|day| days.logged.contains(day)).count();
        if both < DAYS {
            continue;
        }
        let unlogged = days.billed.keys().filter(|day| !days.logged.contains(day));
        for run in runs(unlogged, both) {
            patches.extend(not_logged(state, account, &days, run, log.days()));
        }
        let unbilled = || days.priced.keys().filter(|day| !days.billed.contains_key(day));
        // An export that says that more pages follow may lack the most of a month, and so may one that ends early.
        let cut = state.exports.get(account).is_some_and(|export| export.more_pages.is_some());
        let last = days.billed.keys().next_back();
        let ends = last.is_some_and(|last| unbilled().all(|day| day > last));
        for run in runs(unbilled(), if cut || ends { usize::MAX } else { both }) {
            patches.extend(not_billed(state, account, &days, run));
        }
    }
    Ok(patches)
}

fn days(state: &State, account: &Account) -> Result<Days> {
    let mut days = Days::default();
    let rows = state.usage.iter().filter(|row| row.account == *account);
    days.logged = rows.map(|row| row.day).collect();
    let covered: BTreeSet<Day> =
        state.billed_days.get(account).into_iter().flatten().flat_map(|period| period.days()).collect();
    // A line over several days says nothing of one of them.
    let own = |key: &BillKey| key.cell.account == *account && key.cell.first == key.cell.last;
    for key in state.billed.keys().filter(|key| own(key)) {
        let (day, bill) = (key.cell.first, state.bill(key));
        if bill.lines > 0 {
            *days.billed.entry(day).or_default() += bill.amount;
            days.models.entry(day).or_default().extend(key.cell.model.clone());
            days.keys.entry(day).or_default().push(key.clone());
        }
    }
    for key in state.logged.keys().filter(|key| own(key) && !covered.contains(&key.cell.first)) {
        let priced = state.priced(key)?;
        if priced > Money::ZERO {
            *days.priced.entry(key.cell.first).or_default() += priced;
            days.keys.entry(key.cell.first).or_default().push(key.clone());
        }
    }
    days.billed.retain(|_, amount| !amount.is_zero());
    Ok(days)
}

/// Runs of neighbouring days, of which there are fewer than of days that both sides have.
fn runs<'d>(days: impl Iterator<Item = &'d Day>, both: usize) -> Vec<Vec<Day>> {
    let mut runs: Vec<Vec<Day>> = Vec::new();
    let mut count = 0;
    for day in days {
        count += 1;
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| last.next() == *day) => run.push(*day),
            _ => runs.push(vec![*day]),
        }
    }
    if count < both { runs } else { Vec::new() }
}

/// The middle one of the amounts.
fn median<'m>(amounts: impl Iterator<Item = &'m Money>) -> Money {
    let mut amounts: Vec<Money> = amounts.copied().collect();
    amounts.sort_unstable();
    amounts.get(amounts.len() / 2).copied().unwrap_or_default()
}

/// The bill has days like the others, with models of the others, and the log has no row at all.
fn not_logged(
    state: &State,
    account: &Account,
    days: &Days,
    run: Vec<Day>,
    any: &BTreeSet<Day>,
) -> Option<Patch> {
    let others = days.billed.iter().filter(|(day, _)| days.logged.contains(day));
    let usual = median(others.map(|(_, amount)| amount));
    let known: BTreeSet<&Arc<str>> =
        days.logged.iter().filter_map(|day| days.models.get(day)).flatten().collect();
    let like = |day: &Day| {
        let amount = days.billed.get(day).copied().unwrap_or_default().pico();
        let models = days.models.get(day).into_iter().flatten().all(|model| known.contains(model));
        models && amount * LIKE >= usual.pico() && amount <= usual.pico() * LIKE
    };
    if !run.iter().all(like) {
        return None;
    }
    let whole = run.iter().all(|day| !any.contains(day));
    let first = run.first().copied()?;
    let before = days.logged.first().is_some_and(|logged| *logged < first) || run.len() <= SHORT;
    // One day beside the log's first or last is also what a bill by another clock would show.
    let edge = |day: Option<&Day>| day.is_some_and(|day| *day == first.next() || day.next() == first);
    let short = days.billed.get(&first).is_some_and(|amount| amount.pico() * 5 < usual.pico() * 4);
    let edge = run.len() == 1
        && short
        && (edge(days.logged.first()) || edge(days.logged.last()))
        && !(days.logged.contains(&first.next()) && days.logged.contains(&first.previous()));
    if run.len() == 1 && ran_over(state, account, first, days.keys.get(&first)).is_some() {
        return None;
    }
    let billed: Money = run.iter().filter_map(|day| days.billed.get(day)).sum();
    let over_midnight = run.len() == 1 && short_beside(state, account, first)?.pico() * 2 >= billed.pico();
    let status = match (before && !edge && !over_midnight, whole) {
        (false, _) => Status::Ambiguous,
        (true, true) => Status::Proven,
        (true, false) => Status::Probable,
    };
    let keys = run.iter().filter_map(|day| days.keys.get(day)).flatten();
    let edits = keys.map(|key| count_in(state, key)).collect();
    let told = if whole { "no row of any account" } else { "no row of this account, others have some" };
    let mut rivals: Vec<String> = if before { Vec::new() } else { vec!["cov.bypass".to_owned()] };
    rivals.extend((edge || over_midnight).then(|| "time.zone_bucket".to_owned()));
    rivals.extend(over_midnight.then(|| "time.billing_instant".to_owned()));
    let mut patch = patch(account, "qty.missing_day", status, &run, edits, rivals);
    patch.facts = vec![
        Fact::new("days on the bill that the log does not have", listed(&run)),
        Fact::new("in the log on these days", told),
        Fact::new("billed on them", billed),
        Fact::new("median of the other days", usual),
    ];
    patch.decides = match (before, edge || over_midnight) {
        (false, _) => Some("the day on which the gateway went into use".to_owned()),
        (true, true) => Some("the clock by which the bill's days begin".to_owned()),
        (true, false) => None,
    };
    patch.fix = Some(Fix {
        kind: "export",
        text: "export the log of these days again and close again; where it is lost, keep the finding as the estimate of what it held".to_owned(),
        patch: String::new(),
    });
    Some(patch)
}

/// The instant of the day before from which on the calls of everybody who has a line on a day come to just these lines: they ran
/// over midnight, and were billed when they ended.
fn ran_over(state: &State, account: &Account, day: Day, keys: Option<&Vec<BillKey>>) -> Option<i64> {
    let mut wanted: BTreeMap<(Option<Arc<str>>, Owner), (i128, i128)> = BTreeMap::new();
    for key in keys? {
        let (bill, owed) = (state.bill(key), wanted.entry((key.cell.model.clone(), key.owner)).or_default());
        *owed = (owed.0 + bill.amount.pico(), owed.1 + bill.bound.pico());
    }
    let instants = Instants::of(state, state.log?, account);
    let models: BTreeSet<&Arc<str>> = wanted.keys().filter_map(|(model, _)| model.as_ref()).collect();
    // What each of them used, the last first.
    let mut late: Vec<(i64, (Option<Arc<str>>, Owner), i128)> = Vec::new();
    for model in models {
        for instant in instants.of_model(state, model).filter(|instant| instant.day.next() == day) {
            let name = (Some(model.clone()), instant.owner);
            if wanted.contains_key(&name) {
                let unit = state.ratio(&instant.leaf_of_day(state))?;
                late.push((instant.at, name, crate::rate::amount(unit, instant.quantity).ok()?.pico()));
            }
        }
    }
    late.sort_unstable_by_key(|(at, ..)| std::cmp::Reverse(*at));
    late.chunk_by(|a, b| a.0 == b.0).find_map(|together| {
        for (_, name, cost) in together {
            let owed = wanted.get_mut(name)?;
            *owed = (owed.0 - cost, owed.1 + 1);
        }
        wanted.values().all(|(left, bound)| left.abs() <= *bound).then_some(together[0].0)
    })
}

/// What the bill lacks of the days before and after one: calls that ran over midnight may be billed on the other day.
fn short_beside(state: &State, account: &Account, day: Day) -> Option<Money> {
    let mut short = Money::ZERO;
    for cell in crate::causes::cells(state) {
        if cell.account == *account && (cell.last.next() == day || cell.first.previous() == day) {
            short += (-state.delta(&cell).ok()?).max(Money::ZERO);
        }
    }
    Some(short)
}

/// What the bill counts is put into the log where it counts something, and taken as it stands elsewhere.
fn count_in(state: &State, key: &BillKey) -> Edit {
    let counted = quantity::billed(state, key).filter(|(count, _)| *count > 0);
    let priced = || state.model_leaf(key).is_some_and(|leaf| state.unit(key, &leaf).is_some());
    match counted {
        Some((count, _)) if priced() => Edit::Drop { from: key.clone(), quantity: -count },
        _ => Edit::Accept { key: key.clone() },
    }
}

/// The log has days like the others, and the bill has no line on them.
fn not_billed(state: &State, account: &Account, days: &Days, run: Vec<Day>) -> Option<Patch> {
    let usual = median(days.billed.values());
    let like = |day: &Day| {
        let amount = days.priced.get(day).copied().unwrap_or_default().pico();
        amount * LIKE >= usual.pico() && amount <= usual.pico() * LIKE
    };
    if !run.iter().any(like) || has_left_the_bill(state, days, &run) {
        return None;
    }
    let (first, last) = (*run.first()?, *run.last()?);
    let ends = days.billed.last_key_value().is_some_and(|(day, _)| *day < first);
    let begins = days.billed.first_key_value().is_some_and(|(day, _)| last < *day);
    let export = state.exports.get(account);
    let told = |origin: fn(&crate::reconcile::Export) -> &Option<crate::diagnostic::Origin>| {
        export.and_then(|export| origin(export).clone())
    };
    let mut facts = Vec::new();
    let (cause, status, rivals) = if let Some(origin) = told(|export| &export.more_pages) {
        facts.push(Fact::new("the export says that more pages follow", "yes").at(origin));
        ("cov.truncated_export", Status::Proven, vec![])
    } else if let Some(origin) = told(|export| &export.still_open).filter(|_| ends) {
        facts.push(Fact::new("the export was refreshed before its last day ended", "yes").at(origin));
        ("time.export_lag", Status::Proven, vec![])
    } else if let Some(rows) = export.and_then(|export| export.full).filter(|_| ends || begins) {
        facts.push(Fact::new("rows of the export, a limit where exports are cut", rows));
        ("cov.truncated_export", Status::Probable, vec![])
    } else if ends && run.len() <= SHORT {
        ("time.export_lag", Status::Ambiguous, vec!["cov.truncated_export".to_owned()])
    } else if ends {
        ("cov.truncated_export", Status::Ambiguous, vec!["time.export_lag".to_owned()])
    } else if begins {
        ("cov.truncated_export", Status::Ambiguous, vec!["qty.missing_day".to_owned()])
    } else {
        ("qty.missing_day", Status::Probable, vec![])
    };
    let keys = run.iter().filter_map(|day| days.keys.get(day)).flatten();
    let edits = keys.map(|key| Edit::Accept { key: key.clone() }).collect();
    facts.extend([
        Fact::new("days in the log that the bill does not have", listed(&run)),
        Fact::new("priced on them", run.iter().filter_map(|day| days.priced.get(day)).sum::<Money>()),
        Fact::new("median of the days on the bill", usual),
    ]);
    let mut patch = patch(account, cause, status, &run, edits, rivals);
    patch.facts = facts;
    patch.decides = (status == Status::Ambiguous).then(|| "the same export, pulled again now".to_owned());
    patch.fix = Some(Fix {
        kind: "export",
        text: "export the bill of these days again, all pages, and close again; accrue the priced amount until then".to_owned(),
        patch: String::new(),
    });
    Some(patch)
}

/// True where everything logged on some days is of models that are logged on billed days after them too, and billed on none: they
/// are missing, and not the days.
fn has_left_the_bill(state: &State, days: &Days, run: &[Day]) -> bool {
    let Some(first) = run.first() else { return false };
    let keys = run.iter().filter_map(|day| days.keys.get(day)).flatten();
    let models: BTreeSet<(&Account, &Option<Arc<str>>)> =
        keys.map(|key| (&key.cell.account, &key.cell.model)).collect();
    let later = |key: &&BillKey| {
        key.cell.first > *first && days.billed.contains_key(&key.cell.first) && key.cell.model.is_some()
    };
    let name = |key: &BillKey| (key.cell.account.clone(), key.cell.model.clone());
    let logged: BTreeSet<_> = state.logged.keys().filter(later).map(name).collect();
    let billed: BTreeSet<_> = state.billed.keys().filter(later).map(name).collect();
    models.into_iter().all(|(account, model)| {
        let model = (account.clone(), model.clone());
        logged.contains(&model) && !billed.contains(&model)
    })
}

fn listed(run: &[Day]) -> String {
    match run {
        [day] => day.to_string(),
        [first, .., last] => format!("{first} to {last}, {} days", run.len()),
        [] => String::new(),
    }
}

fn patch(
    account: &Account,
    cause: &'static str,
    status: Status,
    run: &[Day],
    edits: Vec<Edit>,
    rivals: Vec<String>,
) -> Patch {
    let mut scope = Scope::of(account);
    run.iter().for_each(|day| scope.days(*day, *day));
    let first = run.first().map_or_else(String::new, ToString::to_string);
    Patch {
        name: format!("{NAME} {account:?} {cause} {first}"),
        cause,
        status,
        scope,
        edits,
        facts: Vec::new(),
        rivals,
        decides: None,
        fix: None,
    }
}
