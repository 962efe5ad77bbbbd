//! Calls of tools that the log does not count, or counts of some keys only. Every billed amount is a whole number of calls at the
//! seller's fee.
//!
//! Where the log has some of them, rows may be lost: not where every token of these days is billed as it was logged.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, Fix, Patch, Scope, Status, unlogged};
use crate::error::Result;
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::{BillKey, Edit, State, quantity};
use crate::vocabulary::Meter;

/// Days on which some calls are not counted: by another share, or the fee would be another.
const DAYS: usize = 3;

/// Calls of one tool: the keys of the bill, with what is billed and what is logged.
type Calls<'s> = BTreeMap<(&'s Account, Meter), Vec<(&'s BillKey, i128, i128)>>;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let (mut none, mut some) = (Calls::new(), Calls::new());
    let mut odd: BTreeSet<(&Account, Meter)> = BTreeSet::new();
    for key in state.billed.keys().filter(|key| state.open.contains(&key.cell)) {
        let Some(meter) = key.meter.filter(|meter| meter.unit() == "Calls") else { continue };
        let bill = state.bill(key);
        let logged = state.logged_quantity(key);
        if bill.amount.is_zero() || state.accepted.contains(key) {
            continue;
        }
        let name = (&key.cell.account, meter);
        match calls(state, key, meter) {
            Some(calls) if bill.quantity.is_some_and(|stated| stated != calls) || calls < logged => {
                odd.insert(name);
            }
            Some(calls) if logged == 0 => none.entry(name).or_default().push((key, calls, logged)),
            Some(calls) if calls > logged => some.entry(name).or_default().push((key, calls, logged)),
            Some(_) => {}
            None => {
                odd.insert(name);
            }
        }
    }
    // Calls that are logged where the bill has no line may be those of the lines that are elsewhere.
    for key in state.logged.keys().filter(|key| state.bill(key).lines == 0 && state.covers(&key.cell)) {
        if let Some(meter) = key.meter.filter(|meter| meter.unit() == "Calls")
            && state.logged_quantity(key) > 0
        {
            odd.insert((&key.cell.account, meter));
        }
    }
    let counted = unlogged::counted(state);
    let mut patches = Vec::new();
    let right = |name: &(&Account, Meter)| !odd.contains(name);
    for (name, lines) in some.into_iter().filter(|(name, _)| right(name)) {
        let lines: Vec<_> = lines.into_iter().chain(none.get(&name).into_iter().flatten().copied()).collect();
        let days: BTreeSet<Day> = lines.iter().map(|(key, ..)| key.cell.first).collect();
        let (_, calls, logged) = lines[0];
        let is_factor = lines.iter().all(|(_, other, of)| other * logged == calls * of);
        if days.len() >= DAYS && !is_factor && tokens_tie(state, name.0, &lines)? {
            patches.push(patch(state, &name, &lines, &[]));
            none.remove(&name);
        }
    }
    for (name, lines) in none.iter().filter(|(name, _)| right(name)) {
        // Where the log does count the calls of other rows, these may be of rows that it has lost.
        let rivals: &[&str] = if counted.contains(name) && !tokens_tie(state, name.0, lines)? {
            &["qty.dropped_rows"]
        } else {
            &[]
        };
        patches.push(patch(state, name, lines, rivals));
    }
    patches.retain(|patch| !state.rejected.contains(&patch.name));
    Ok(patches)
}

/// True where the account's tokens are billed as they were logged on the days of these calls: no row of them is lost.
fn tokens_tie(state: &State, account: &Account, lines: &[(&BillKey, i128, i128)]) -> Result<bool> {
    let days: BTreeSet<Day> = lines.iter().map(|(key, ..)| key.cell.first).collect();
    let keys: BTreeSet<&BillKey> = state.logged.keys().chain(state.billed.keys()).collect();
    let tokens = keys.into_iter().filter(|key| {
        key.cell.account == *account
            && days.contains(&key.cell.first)
            && key.meter.is_some_and(Meter::is_token)
    });
    let mut any = false;
    for key in tokens {
        let (bill, leaves) = (state.bill(key), state.logged.get(key).map_or(0, |leaves| leaves.len()));
        let left = (bill.amount - state.priced(key)?).pico().abs();
        if left > bill.bound.pico() + leaves as i128 + 1 {
            return Ok(false);
        }
        any = true;
    }
    Ok(any)
}

fn patch(
    state: &State,
    (account, meter): &(&Account, Meter),
    lines: &[(&BillKey, i128, i128)],
    rivals: &[&str],
) -> Patch {
    let total: i128 = lines.iter().map(|(_, calls, logged)| calls - logged).sum();
    let mut scope = Scope::of(account);
    scope.meters.insert(*meter);
    lines.iter().for_each(|(key, ..)| scope.cover(&key.cell));
    Patch {
        name: format!("lost {account:?} {meter}"),
        cause: "cls.tool_fee",
        status: if rivals.is_empty() { Status::Exact } else { Status::Ambiguous },
        scope,
        facts: vec![
            Fact::new("what", "calls of a tool are billed that the log does not count")
                .at(state.bill(lines[0].0).origin),
            Fact::new("calls, a whole number at the fee in the book", total),
            Fact::new("billed amounts", lines.len()),
        ],
        edits: lines.iter().map(|(key, ..)| Edit::Accept { key: (*key).clone() }).collect(),
        rivals: rivals.iter().map(|rival| (*rival).to_owned()).collect(),
        decides: (!rivals.is_empty())
            .then(|| "the requests of these days, in the provider's usage report and in the log".to_owned()),
        fix: Some(Fix {
            kind: "gateway",
            text: "make the gateway log the calls of this tool (`server_tool_use`, `web_search_call`)"
                .to_owned(),
            patch: String::new(),
        }),
    }
}

/// The whole number of calls that costs the billed amount at a fee of the book.
fn calls(state: &State, key: &BillKey, meter: Meter) -> Option<i128> {
    let bill = state.bill(key);
    let seller = &key.cell.account.provider;
    let at = key.cell.last.next().start();
    let of = |model: &str| state.rater.book.rows(seller, model, meter);
    let rows = key.cell.model.as_deref().map(of).into_iter().flatten().chain(of("*"));
    rows.filter(|row| row.from < at).filter_map(|row| row.unit).find_map(|unit| {
        // A fee that is no larger than the rounding would fit every amount.
        let near = || quantity::nearest(unit, bill.amount, bill.bound, 2);
        unit.whole_quantity(bill.amount).or_else(near)
    })
}
