//! Record repair: rows the log counts and the provider did not bill.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::Money;
use crate::rate::{Account, DayUsage, Leaf};
use crate::reconcile::{BillKey, CellKey, Edit, Part, State, quantity};
use crate::vocabulary::{CallType, Outcome};

/// A kind of row on which log and bill are known to part.
pub(super) struct Suspect {
    pub cause: &'static str,
    pub what: &'static str,
    pub is: fn(&DayUsage) -> bool,
    pub fix: &'static str,
}

static SUSPECTS: &[Suspect] = &[
    Suspect {
        cause: "qty.failed_priced",
        what: "failed rows with tokens that the provider did not bill",
        is: |row| row.outcome == Outcome::FailedWithUsage,
        fix: "do not price rows with an error status from this provider; its failures before output are free",
    },
    Suspect {
        cause: "qty.poll_duplicate",
        what: "retrievals that repeat usage billed before",
        is: |row| row.outcome.is_billable() && row.call_type == CallType::Poll,
        fix: "log retrievals and polls without usage; the work was billed when it ran",
    },
];

/// True for billable rows that no repair has dropped.
pub fn stands(state: &State, row: &DayUsage) -> bool {
    let dropped = || {
        SUSPECTS.iter().any(|suspect| (suspect.is)(row))
            && state.places(row).any(|(key, ..)| state.dropped.contains(&key))
    };
    row.outcome.is_billable() && !dropped()
}

pub(super) type ByModel = BTreeMap<(Account, Arc<str>), Vec<Edit>>;

/// Drops a suspect kind where the bill lacks exactly its tokens.
pub fn not_billed(state: &State) -> Result<Vec<Patch>> {
    let mut patches = Vec::new();
    for suspect in SUSPECTS {
        let mut parts: BTreeMap<Part, Vec<(BillKey, i128)>> = BTreeMap::new();
        for (key, count) in state.subset(suspect.is).into_iter().filter(|(_, count)| *count > 0) {
            parts.entry((key.cell.clone(), key.owner)).or_default().push((key, count));
        }
        let mut found: ByModel = BTreeMap::new();
        let mut shown: BTreeSet<(Account, Arc<str>)> = BTreeSet::new();
        for ((cell, _), parts) in parts {
            if let (Some(here), Some(model)) = (lacks(state, &cell, &parts), cell.model.clone()) {
                let name = (cell.account.clone(), model);
                if here {
                    shown.insert(name.clone());
                }
                let edits = parts.into_iter().map(|(from, quantity)| Edit::Drop { from, quantity });
                found.entry(name).or_default().extend(edits);
            }
        }
        found.retain(|name, _| shown.contains(name));
        in_sums(state, suspect, &mut found)?;
        for ((account, model), edits) in found {
            let rows = |row: &&DayUsage| (suspect.is)(row) && row.account == account && row.model == model;
            let count: u64 = state.usage.iter().filter(rows).map(|row| row.sums.requests).sum();
            let keys = state
                .usage
                .iter()
                .filter(rows)
                .map(|row| row.key.clone())
                .filter(|key| !key.is_empty())
                .collect();
            patches.push(patch(suspect, &account, &model, edits, keys, count));
        }
    }
    Ok(patches)
}

/// Amounts over many days: such rows of the whole cell cost what the bill has less, but for a tenth at most, which is the
/// noise of the other rows. The search sees single days.
fn in_sums(state: &State, suspect: &Suspect, found: &mut ByModel) -> Result<()> {
    let mut cells: BTreeMap<CellKey, Vec<(BillKey, Leaf, i128)>> = BTreeMap::new();
    for row in state.usage.iter().filter(|row| (suspect.is)(row)) {
        for (key, leaf, count) in state.places(row) {
            if key.meter.is_none() && key.cell.first < key.cell.last {
                cells.entry(key.cell.clone()).or_default().push((key, leaf, count));
            }
        }
    }
    for (cell, parts) in cells {
        let mut amount = Money::ZERO;
        for (key, leaf, count) in &parts {
            if let Some(unit) = state.unit(key, leaf) {
                amount += crate::rate::amount(unit, *count)?;
            }
        }
        let left = state.delta(&cell)? + amount;
        if state.open.contains(&cell) && amount.pico() > 0 && left.pico().abs() * 10 <= amount.pico() {
            for (key, leaf, quantity) in parts {
                let name = (cell.account.clone(), leaf.model.clone());
                let edit = Edit::Restate { less: Some((key, leaf)), more: None, quantity };
                found.entry(name).or_default().push(edit);
            }
        }
    }
    Ok(())
}

/// Whether the bill lacks these counts of a cell, to the noise of the log's other counts: `None` where it has them,
/// `Some(false)` where they are too few to tell.
fn lacks(state: &State, cell: &CellKey, parts: &[(BillKey, i128)]) -> Option<bool> {
    let gaps = quantity::by_meter(state, cell);
    let mut logged = quantity::ByMeter::new();
    for key in state.keys_of(cell) {
        if let Some(meter) = key.meter {
            *logged.entry((key.owner, meter)).or_default() += state.logged_quantity(&key);
        }
    }
    let mut shown = false;
    for (key, count) in parts {
        let meter = (key.owner, key.meter?);
        let slack = quantity::slack(state, logged.get(&meter).copied().unwrap_or(0));
        shown |= *count > 2 * slack;
        gaps.get(&meter).filter(|gap| **gap <= slack - count)?;
    }
    Some(shown)
}

pub(super) fn patch(
    kind: &Suspect,
    account: &Account,
    model: &Arc<str>,
    edits: Vec<Edit>,
    keys: BTreeSet<Arc<str>>,
    rows: u64,
) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    scope.keys = keys.into_iter().filter(|key| !key.is_empty()).collect();
    let mut by_meter = BTreeMap::new();
    for edit in &edits {
        let (key, meter, quantity) = match edit {
            Edit::Drop { from, quantity } => (from, from.meter, Some(quantity)),
            Edit::Restate { less: Some((key, leaf)), quantity, .. } => {
                (key, Some(leaf.meter), Some(quantity))
            }
            Edit::Accept { key } => (key, key.meter, None),
            _ => continue,
        };
        scope.cover(&key.cell);
        scope.meters.extend(meter);
        if let Some(quantity) = quantity {
            *by_meter.entry(meter).or_insert(0i128) += quantity.abs();
        }
    }
    let mut facts = vec![Fact::new("what", kind.what), Fact::new("rows in the log", rows)];
    facts.extend(
        by_meter
            .into_iter()
            .filter_map(|(meter, count)| Some(Fact::new(format!("{} tokens", meter?), count))),
    );
    Patch {
        name: format!("record {} {account:?} {model}", kind.cause),
        cause: kind.cause,
        status: Status::Proven,
        scope,
        edits,
        facts,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix { kind: "gateway", text: kind.fix.to_owned(), patch: String::new() }),
    }
}
