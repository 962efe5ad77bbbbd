//! Usage of this month that is on the next month's bill: dated here, billed there.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::causes::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::{BillKey, Billed, Edit, State};

/// The later bill's lines themselves are the proof; they count only where this month's bill lacks their amount.
pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut found: BTreeMap<(&Account, Option<&Arc<str>>), Vec<(&BillKey, Billed, Edit)>> = BTreeMap::new();
    for (key, lines) in state.later.iter() {
        if !state.open.contains(&key.cell) || !state.grains.contains_key(&key.cell.account) {
            continue;
        }
        let (bill, later) = (state.bill(key), state.sum(key, Some(lines)));
        let missing = state.priced(key)? - bill.amount;
        let leaves = state.logged.get(key).map_or(0, |leaves| leaves.len());
        let bound = bill.bound + later.bound + Money::from_pico(leaves as i128 + 1);
        let edit = match later.quantity {
            Some(quantity) if (1..=state.logged_quantity(key)).contains(&quantity) => {
                Edit::Drop { from: key.clone(), quantity }
            }
            _ if (missing - later.amount).abs() <= bound => Edit::Accept { key: key.clone() },
            _ => continue,
        };
        let group = found.entry((&key.cell.account, key.cell.model.as_ref())).or_default();
        group.push((key, later, edit));
    }
    Ok(found.into_iter().map(|((account, model), parts)| patch(account, model, parts)).collect())
}

fn patch(account: &Account, model: Option<&Arc<str>>, parts: Vec<(&BillKey, Billed, Edit)>) -> Patch {
    let mut scope = Scope::of(account);
    let lines: u64 = parts.iter().map(|(_, later, _)| later.lines).sum();
    let amount: Money = parts.iter().map(|(_, later, _)| later.amount).sum();
    let origin = parts.first().map(|(_, later, _)| later.origin.clone()).unwrap_or_default();
    let mut edits = Vec::new();
    for (key, _, edit) in parts {
        scope.cover(&key.cell);
        scope.meters.extend(key.meter);
        edits.push(edit);
    }
    Patch {
        name: format!("late {account:?} {model:?}"),
        cause: "time.late_arrival",
        status: Status::Proven,
        scope,
        edits,
        facts: vec![
            Fact::new("lines of the next bill that are dated in this period", lines).at(origin),
            Fact::new("their amount", amount),
        ],
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix {
            kind: "calendar",
            text: "accrue the amount in this month and reverse it in the next, whose bill has it".to_owned(),
            patch: String::new(),
        }),
    }
}
