//! Fees and storage on the bill for which the log has no counter: no request can match them, whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::{BillKey, Edit, State};
use crate::vocabulary::Meter;

/// The cause of a meter's lines where the log never counts it, and what to do.
const METERS: &[(Meter, &str, &str)] = &[
    (Meter::WebSearch, "cls.tool_fee", COUNT),
    (Meter::FileSearch, "cls.tool_fee", COUNT),
    (Meter::CodeExecSession, "cls.storage_session", OWN),
    (Meter::CodeExecHour, "cls.storage_session", OWN),
    (Meter::SessionHour, "cls.storage_session", OWN),
    (Meter::StorageGbDay, "cls.storage_session", OWN),
    (Meter::CacheStorageTokenHour, "cls.storage_session", OWN),
];
const COUNT: &str =
    "log the count of tool calls that each answer reports: they are charged by the call, beside the tokens";
const OWN: &str = "give the charge an account and an owner; no request can match it";

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let counted = counted(state);
    let mut found: BTreeMap<(&Account, Meter), Vec<&BillKey>> = BTreeMap::new();
    for key in state.billed.keys().filter(|key| state.open.contains(&key.cell)) {
        let account = &key.cell.account;
        if let Some(meter) = key.meter
            && METERS.iter().any(|(known, ..)| *known == meter)
            && !counted.contains(&(account, meter))
            && !state.bill(key).amount.is_zero()
        {
            found.entry((account, meter)).or_default().push(key);
        }
    }
    let patches = found.into_iter().filter_map(|((account, meter), keys)| {
        let (_, cause, fix) = METERS.iter().find(|(known, ..)| *known == meter)?;
        Some(patch(state, account, meter, cause, fix, &keys))
    });
    Ok(patches.collect())
}

/// The meters of which an account's log has any count at all.
pub(super) fn counted<'s>(state: &'s State) -> BTreeSet<(&'s Account, Meter)> {
    let mut counted = BTreeSet::new();
    for row in state.usage.iter().filter(|row| row.outcome.is_billable()) {
        counted.extend(row.sums.meters.iter().map(|(meter, _)| (&row.account, meter)));
    }
    counted
}

fn patch(
    state: &State,
    account: &Account,
    meter: Meter,
    cause: &'static str,
    fix: &str,
    keys: &[&BillKey],
) -> Patch {
    let mut scope = Scope::of(account);
    scope.meters.insert(meter);
    let (mut amount, mut lines, mut quantity) = (Money::ZERO, 0, Some(0i128));
    let mut origin = None;
    for key in keys {
        scope.cover(&key.cell);
        let bill = state.bill(key);
        amount += bill.amount;
        lines += bill.lines;
        quantity = quantity.zip(bill.quantity).map(|(sum, more)| sum + more);
        origin.get_or_insert(bill.origin);
    }
    let mut facts = vec![
        Fact::new(format!("{meter}: lines on the bill"), lines).at(origin.unwrap_or_default()),
        Fact::new("their amount", amount),
        Fact::new(format!("{} of the account in the log", meter.unit().to_lowercase()), "none counted"),
    ];
    facts.extend(
        quantity.map(|quantity| Fact::new(format!("{} on the bill", meter.unit().to_lowercase()), quantity)),
    );
    Patch {
        name: format!("unlogged {account:?} {meter}"),
        cause,
        status: Status::Proven,
        scope,
        edits: keys.iter().map(|key| Edit::Accept { key: (*key).clone() }).collect(),
        facts,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix { kind: "gateway", text: fix.to_owned(), patch: String::new() }),
    }
}
