//! Lines billed twice: the same line again, in one document or in two whose periods overlap.

use std::collections::{BTreeMap, BTreeSet};

use super::search::score::{DIGIT, Digits, digits};
use super::{Fact, Fix, Patch, Scope, Status, noise};
use crate::error::Result;
use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::{BillKey, CellKey, Edit, Repeat, State, quantity};

/// Without quantities or amounts that decide, every line of this many cells must be there twice.
const CELLS: usize = 3;
/// How far beyond rounding a model-day must be, to be told by the sum of what is there again.
const BEYOND: i128 = 4;
/// Binary digits, beyond rounding, of an amount that no two charges share by chance.
const DIGITS: Digits = 16 * DIGIT;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut proven: BTreeMap<(Account, Status), Vec<(&BillKey, &Repeat)>> = BTreeMap::new();
    let mut alike: BTreeMap<&CellKey, Vec<(&BillKey, &Repeat)>> = BTreeMap::new();
    let mut whole: BTreeMap<&Account, BTreeMap<&CellKey, Vec<(&BillKey, &Repeat)>>> = BTreeMap::new();
    let mut cells: BTreeMap<&CellKey, Money> = BTreeMap::new();
    for (key, repeats) in state.repeats.iter().filter(|(key, _)| state.open.contains(&key.cell)) {
        *cells.entry(&key.cell).or_default() += repeats.iter().map(|repeat| repeat.amount).sum();
    }
    // Many small lines, each within the rounding of all, are seen together.
    let mut together: BTreeSet<&CellKey> = BTreeSet::new();
    for (cell, again) in cells {
        let sides = state.sides_of(cell);
        let (difference, billed) = (state.delta_of(&sides)?, state.billed_of(&sides));
        if ties_without(state, state.bound_of(&sides), difference, billed, again, BEYOND) {
            together.insert(cell);
        }
    }
    for (key, repeats) in state.repeats.iter().filter(|(key, _)| state.open.contains(&key.cell)) {
        let found = repeats.iter().map(|repeat| (key, repeat));
        if together.contains(&key.cell) || without_them_it_ties(state, key, repeats)? {
            proven.entry((key.cell.account.clone(), Status::Proven)).or_default().extend(found);
        } else if repeats.iter().all(written_out) && nearer(state, key, repeats)? {
            alike.entry(&key.cell).or_default().extend(found);
        } else if is_half(state, key) {
            whole.entry(&key.cell.account).or_default().entry(&key.cell).or_default().extend(found);
        }
    }
    for (account, mut cells) in whole {
        // Every line of the cell, not some of them.
        cells.retain(|cell, _| state.keys_of(cell).iter().all(|key| is_half(state, key)));
        if cells.len() >= CELLS {
            let all = cells.into_values().flatten();
            proven.entry((account.clone(), Status::Probable)).or_default().extend(all);
        }
    }
    let mut patches: Vec<Patch> =
        proven.into_iter().map(|((account, status), found)| patch(&account, status, "", &found)).collect();
    patches.extend(alike.into_iter().map(|(cell, found)| {
        let model = cell.model.as_deref().unwrap_or_default();
        patch(&cell.account, Status::Probable, &format!("{model} {}", cell.first), &found)
    }));
    patches.retain(|patch| !state.rejected.contains(&patch.name));
    Ok(patches)
}

/// True where what is billed under a key is there twice, but for lines that were rounded to nothing.
fn is_half(state: &State, key: &BillKey) -> bool {
    let again: Money = state.repeats.get(key).into_iter().flatten().map(|repeat| repeat.amount).sum();
    (again + again).abs() >= state.bill(key).amount.abs()
}

/// True for an amount with so many digits that two charges do not share it by chance.
fn written_out(repeat: &Repeat) -> bool {
    digits(repeat.amount.pico(), repeat.bound.pico()) >= DIGITS
}

/// True where less is open without the repeated lines; another cause may keep the rest open.
fn nearer(state: &State, key: &BillKey, repeats: &[Repeat]) -> Result<bool> {
    let amount: Money = repeats.iter().map(|repeat| repeat.amount).sum();
    let difference = state.bill(key).amount - state.priced(key)?;
    Ok((difference - amount).abs() < difference.abs())
}

/// True where the key ties out without its repeated lines, in quantity or else in amount, and not with them.
fn without_them_it_ties(state: &State, key: &BillKey, repeats: &[Repeat]) -> Result<bool> {
    let bill = state.bill(key);
    let logged = state.logged_quantity(key);
    let more: Option<i128> = repeats.iter().map(|repeat| repeat.quantity).sum();
    if let (Some(billed), Some(more)) = (bill.quantity, more) {
        let slack = quantity::slack(state, logged);
        return Ok(more != 0 && more.abs() > 3 * slack && (billed - more - logged).abs() <= slack);
    }
    let again: Money = repeats.iter().map(|repeat| repeat.amount).sum();
    Ok(ties_without(
        state,
        state.rounding_bound(&key.cell),
        bill.amount - state.priced(key)?,
        bill.amount,
        again,
        1,
    ))
}

/// True where a difference is so many times beyond rounding and noise, and within it without what was billed again.
fn ties_without(
    state: &State,
    rounding: Money,
    difference: Money,
    billed: Money,
    again: Money,
    beyond: i128,
) -> bool {
    let noise = Money::from_pico(noise::share(state.noise, (billed - again).pico()));
    let bound = rounding + noise;
    difference.abs().pico() > beyond * bound.pico() && (difference - again).abs() <= bound
}

fn patch(account: &Account, status: Status, place: &str, found: &[(&BillKey, &Repeat)]) -> Patch {
    let mut scope = Scope::of(account);
    for (key, _) in found {
        scope.cover(&key.cell);
        scope.meters.extend(key.meter);
    }
    let amount: Money = found.iter().map(|(_, repeat)| repeat.amount).sum();
    let mut facts =
        vec![Fact::new("lines that are there again", found.len()), Fact::new("their amount", amount)];
    if let Some((_, repeat)) = found.first() {
        facts.push(Fact::new("the first of them", repeat.amount).at(&repeat.first));
        facts.push(Fact::new("and again", repeat.amount).at(&repeat.again));
    }
    let files = |of: fn(&Repeat) -> &crate::diagnostic::Origin| {
        found.iter().map(|(_, repeat)| of(repeat).file.clone()).collect::<std::collections::BTreeSet<_>>()
    };
    let two_files = files(|repeat| &repeat.first).is_disjoint(&files(|repeat| &repeat.again));
    let text = if two_files {
        "two documents cover the same days: leave one of them out, or cut them so that they do not overlap; if both are invoices, dispute the second"
    } else {
        "dispute the repeated lines with the provider: the same charge is on the bill twice"
    };
    Patch {
        name: format!("repeated lines {account:?} {}{place}", status.id()),
        cause: "inv.duplicate_line",
        status,
        scope,
        edits: found
            .iter()
            .map(|(key, repeat)| Edit::Withdraw { key: (*key).clone(), repeat: (*repeat).clone() })
            .collect(),
        facts,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix { kind: "dispute", text: text.to_owned(), patch: String::new() }),
    }
}
