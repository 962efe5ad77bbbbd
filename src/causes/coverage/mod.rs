//! Coverage: bill lines of projects and keys whose traffic never passed the gateway.

mod answered;
mod inferred;

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::{BillKey, CellKey, Edit, Identity, State};
use crate::vocabulary::Meter;

/// A bypass that the books do not declare must fit this many model-days.
const TESTS: usize = 4;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let (mut patches, mut declared_ones) = (Vec::new(), Vec::new());
    for account in state.billed_days.keys() {
        let mut identities = identities(state, account);
        // Without a name it is no account that is missing, but the log, and no log proves no bypass.
        let unlogged = !state.usage.iter().any(|row| row.account == *account && row.outcome.is_billable());
        if unlogged {
            patches.extend(account.id.as_ref().map(|_| one_sided(account, &identities)));
            continue;
        }
        let requests = requests(state, account);
        match state.gateway.get(account).filter(|declared| !declared.is_empty()) {
            Some(declared) => {
                let ours = |text: &Option<std::sync::Arc<str>>| {
                    text.as_ref().is_some_and(|text| declared.contains(text))
                };
                let named = |identity: &&Identity| {
                    let texts = [&identity.project, &identity.key];
                    texts.into_iter().flatten().any(|text| !text.is_empty()) || requests.contains(identity)
                };
                let known = identities.keys().filter(|identity| **identity != Identity::default());
                for identity in known.filter(named) {
                    if !ours(&identity.project) && !ours(&identity.key) {
                        let fact = Fact::new(
                            "gateway's own",
                            declared.iter().map(|text| &**text).collect::<Vec<_>>().join(", "),
                        );
                        declared_ones.push(patch(account, identity, &identities, Status::Proven, fact));
                    }
                }
            }
            None => {
                identities.retain(|identity, _| requests.contains(identity));
                patches.extend(inferred::inferred(state, account, &identities));
            }
        }
    }
    // What another account's log accounts for is open no more: without these lines it would be.
    let mut told = Vec::new();
    for patch in patches {
        let taken = state.passed.iter().any(|passed| patch.scope.account.as_ref() == Some(&passed.to.0));
        if !taken || lessens(state, &patch)? {
            told.push(patch);
        }
    }
    for patch in &mut told {
        answered::or_answered_here(state, patch);
    }
    told.extend(declared_ones);
    Ok(told)
}

/// True where less is open with a patch than without it.
fn lessens(state: &State, patch: &Patch) -> Result<bool> {
    let cells: BTreeSet<CellKey> = patch.edits.iter().flat_map(|edit| state.touched(edit)).collect();
    let open =
        |state: &State| -> Result<Money> { cells.iter().map(|cell| Ok(state.delta(cell)?.abs())).sum() };
    let mut part = state.part(&cells);
    let before = open(&part)?;
    patch.edits.iter().for_each(|edit| part.change(edit));
    Ok(open(&part)? < before)
}

/// An account of which the log has no call at all.
fn one_sided(account: &Account, identities: &Lines) -> Patch {
    let mut scope = Scope::of(account);
    identities.values().for_each(|(.., cells)| cells.iter().for_each(|cell| scope.cover(cell)));
    let amount: Money = identities.values().map(|(amount, ..)| *amount).sum();
    let lines: u64 = identities.values().map(|(_, lines, ..)| lines).sum();
    let origin = identities.values().map(|(_, _, origin, _)| origin).min().cloned().unwrap_or_default();
    Patch {
        name: format!("coverage {account:?}"),
        cause: "cov.account_scope",
        status: Status::Probable,
        scope,
        edits: identities
            .keys()
            .map(|identity| Edit::Exclude { account: account.clone(), identity: identity.clone() })
            .collect(),
        facts: vec![
            Fact::new("bill lines of the account", lines).at(origin),
            Fact::new("their amount", amount),
            Fact::new("calls of the account in the log", 0),
        ],
        // A provider that stood in for another is one-sided as well.
        rivals: vec!["map.fallback".to_owned()],
        decides: Some("the log of the account, or the calls that another provider's bill lacks".to_owned()),
        fix: Some(Fix {
            kind: "route-or-own",
            text:
                "add the logs of this account, or leave its bill out: nothing in the logs given belongs to it"
                    .to_owned(),
            patch: String::new(),
        }),
    }
}

type Lines = BTreeMap<Identity, (Money, u64, crate::diagnostic::Origin, BTreeSet<CellKey>)>;

fn identities(state: &State, account: &Account) -> Lines {
    let mut found: Lines = BTreeMap::new();
    for (key, lines) in state.billed.iter().filter(|(key, _)| key.cell.account == *account) {
        for (identity, billed) in lines {
            let entry = found
                .entry(identity.clone())
                .or_insert_with(|| (Money::ZERO, 0, billed.origin.clone(), BTreeSet::new()));
            entry.0 += billed.amount;
            entry.1 += billed.lines;
            entry.3.insert(key.cell.clone());
        }
    }
    found
}

/// Projects and keys with a line of what requests use. Storage and fees by the call are charged to an account as a whole on
/// some bills, and nobody sent anything past the gateway for that.
fn requests<'s>(state: &'s State, account: &Account) -> BTreeSet<&'s Identity> {
    let of_requests = |key: &BillKey| key.cell.account == *account && key.meter.is_none_or(Meter::is_token);
    let lines = state.billed.iter().filter(|(key, _)| of_requests(key));
    lines.flat_map(|(_, lines)| lines.keys()).collect()
}

fn name(account: &Account, identity: &Identity) -> String {
    format!("coverage {account:?} {identity:?}")
}

fn patch(account: &Account, identity: &Identity, identities: &Lines, status: Status, fact: Fact) -> Patch {
    let mut scope = Scope::of(account);
    let named: Vec<&str> =
        [&identity.project, &identity.key].into_iter().flatten().map(|text| &**text).collect();
    let label = named.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(" / ");
    let label = if label.is_empty() { "no key".to_owned() } else { label };
    scope.keys.insert(label.as_str().into());
    let mut facts = vec![Fact::new("only on the bill", &label)];
    if let Some((amount, lines, origin, cells)) = identities.get(identity) {
        cells.iter().for_each(|cell| scope.cover(cell));
        facts.push(Fact::new("bill lines", lines).at(origin));
        facts.push(Fact::new("their amount", amount));
    }
    facts.push(fact);
    Patch {
        name: name(account, identity),
        cause: "cov.bypass",
        status,
        scope,
        edits: vec![Edit::Exclude { account: account.clone(), identity: identity.clone() }],
        facts,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix {
            kind: "route-or-own",
            text: format!("route `{label}` through the gateway, or give it an owner of its own"),
            patch: String::new(),
        }),
    }
}
