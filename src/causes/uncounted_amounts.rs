//! Rows without counts, on bills that show amounts only: what is missing on their days, where other days tie out, and where it
//! is about what as many calls of the model cost.
//!
//! It comes after every family that tests a number: an amount that nothing else explains is all that speaks for these rows.

use std::sync::Arc;

use super::record::patch;
use super::uncounted::{KINDS, Kind, Rows, nearly_all_tie, rows_of};
use super::{Fact, Patch, Status, noise};
use crate::error::Result;
use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::{BillKey, CellKey, Edit, State};

/// Days that must speak for it: those on which something is missing, and those without such rows that tie out.
const DAYS: usize = 4;
/// What is missing is at most so many times as much, or as little, as such calls cost on average.
const TIMES: i128 = 4;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut patches = Vec::new();
    for kind in KINDS.iter().filter(|kind| (kind.range)(0) == (0, i128::MAX)) {
        for ((account, model), rows) in rows_of(state, kind) {
            patches.extend(missing(state, kind, &account, &model, rows)?);
        }
    }
    Ok(patches)
}

fn missing(
    state: &State,
    kind: &Kind,
    account: &Account,
    model: &Arc<str>,
    rows: Rows,
) -> Result<Option<Patch>> {
    let (mut edits, mut short, mut days) = (Vec::new(), Money::ZERO, 0);
    let (mut control, mut open) = (0, 0);
    for cell in super::cells(state) {
        if cell.account != *account || cell.model.as_ref() != Some(model) || cell.first != cell.last {
            continue;
        }
        let slack = state.rounding_bound(&cell)
            + Money::from_pico(noise::share(state.noise, state.billed_amount(&cell).pico()));
        if !rows.days.contains(&cell.first) {
            control += 1;
            open += usize::from(state.delta(&cell)?.abs() > slack);
        } else if let Some((keys, amount)) = of_day(state, kind, &cell, slack)? {
            edits.extend(keys.into_iter().map(|key| Edit::Accept { key }));
            short += amount;
            days += 1;
        }
    }
    let ties = nearly_all_tie(state, control, open);
    let Some(usual) = usual(state, kind, account, model, rows.requests)? else { return Ok(None) };
    let (short, usual) = (short.pico(), usual.pico());
    if days == 0 || days + control - open < DAYS || !ties || short > TIMES * usual || usual > TIMES * short {
        return Ok(None);
    }
    let mut found = patch(&kind.rows, account, model, edits, rows.keys, rows.requests);
    found.name = format!("{}, by amount", found.name);
    found.status = Status::Probable;
    found.facts.push(Fact::new("days with such rows on which an amount is missing", days));
    found.facts.push(Fact::new("as many calls of the model cost, on average", Money::from_pico(usual)));
    found.facts.push(Fact::new("days without such rows that tie out", control - open));
    Ok((!state.rejected.contains(&found.name)).then_some(found))
}

/// The keys of a day that lack something such rows may have had, and how much; `None` where another key is off too, or
/// nothing is missing.
fn of_day(state: &State, kind: &Kind, cell: &CellKey, slack: Money) -> Result<Option<(Vec<BillKey>, Money)>> {
    let (mut keys, mut short) = (Vec::new(), Money::ZERO);
    for key in state.keys_of(cell) {
        let left = state.bill(&key).amount - state.priced(&key)?;
        let is_open = !state.accepted.contains(&key) && key.meter.is_none_or(kind.open);
        if left < -slack || (!is_open && left > slack) {
            return Ok(None);
        }
        if is_open && !left.is_zero() {
            keys.push(key);
            short += left;
        }
    }
    Ok((short > slack + slack).then_some((keys, short)))
}

/// What so many calls of the model cost in the meters that such rows leave open, by its other rows.
fn usual(
    state: &State,
    kind: &Kind,
    account: &Account,
    model: &Arc<str>,
    requests: u64,
) -> Result<Option<Money>> {
    let (mut amount, mut calls) = (Money::ZERO, 0i128);
    for row in state.usage.iter().filter(|row| row.account == *account && row.model == *model) {
        if !row.outcome.is_billable() || (kind.rows.is)(row) {
            continue;
        }
        calls += i128::from(row.sums.requests);
        for (leaf, count) in row.leaves().filter(|(leaf, _)| (kind.open)(leaf.meter)) {
            if let Some(unit) = state.ratio(&leaf) {
                amount += crate::rate::amount(unit, count)?;
            }
        }
    }
    Ok((calls > 0).then(|| Money::from_pico(amount.pico() / calls * i128::from(requests))))
}
