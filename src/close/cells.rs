//! One row per cell: both sides, what explains their difference, and what is left.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Bridge, Cell, CellFinding, CellMeter, CellStatus, Finding};
use super::draft::Draft;
use crate::causes;
use crate::causes::logged::LoggedBridge;
use crate::error::Result;
use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::{CellKey, Grain, Sides, State, quantity};

pub(super) fn cells(
    state: &State,
    bridge: &LoggedBridge,
    drafts: &[Draft],
    all: &[Finding],
    unexplained: &BTreeMap<CellKey, Money>,
    grains: &BTreeMap<Account, Grain>,
) -> Result<Vec<Cell>> {
    let mut named: BTreeMap<(Bridge, &CellKey), Vec<CellFinding>> = BTreeMap::new();
    for (draft, finding) in drafts.iter().zip(all) {
        for (cell, amount) in &draft.cells {
            named
                .entry((draft.bridge, cell))
                .or_default()
                .push(CellFinding { id: finding.id.clone(), amount: *amount });
        }
    }
    let rounding: BTreeSet<&str> = all
        .iter()
        .filter(|finding| finding.cause == "round.line")
        .map(|finding| finding.id.as_str())
        .collect();
    // A claim can move usage to a day on which neither side had any.
    let claimed = drafts.iter().flat_map(|draft| draft.cells.keys()).chain(unexplained.keys());
    let keys: BTreeSet<CellKey> = causes::cells(state)
        .into_iter()
        .chain(bridge.cells.keys().cloned())
        .chain(claimed.cloned())
        .collect();
    let timing: BTreeSet<&str> = all
        .iter()
        .filter(|finding| finding.cause.starts_with("time."))
        .map(|finding| finding.id.as_str())
        .collect();
    let mut rows = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let (mut priced, mut billed, mut lines) = (Money::ZERO, Money::ZERO, 0);
        let sides = state.sides_of(key);
        let mut meters = Vec::with_capacity(sides.len());
        for side in &sides {
            let (bill_key, bill, ours) = (side.key, state.bill_at(side), state.priced_of(side)?);
            priced += ours;
            billed += bill.amount;
            lines += bill.lines;
            meters.push(CellMeter {
                meter: bill_key.meter,
                tier: bill_key.tier,
                region: bill_key.region.as_ref().map(ToString::to_string),
                long_context: bill_key.long_context,
                quantity_logged: side.logged_quantity(),
                quantity_witness: state.witnessed_quantity(bill_key),
                quantity_billed: bill.quantity,
                priced: ours,
                billed: bill.amount,
            });
        }
        let first = bridge.cells.get(key).copied().unwrap_or_default();
        let findings = named.remove(&(Bridge::PricedBilled, key)).unwrap_or_default();
        let left = unexplained.get(key).copied().unwrap_or_default();
        let usage_exists = meters.iter().any(|meter| meter.quantity_logged != 0);
        let has_bill = grains.contains_key(&key.account);
        let status = if !has_bill {
            CellStatus::NoInvoice
        } else if left.is_zero() {
            let causes = findings.iter().map(|finding| finding.id.as_str());
            let causes: Vec<&str> = causes.filter(|id| !rounding.contains(id)).collect();
            match causes.iter().all(|id| timing.contains(id)) {
                _ if causes.is_empty() && lines == 0 && lacks_price(state, &sides) => CellStatus::NoPrice,
                _ if causes.is_empty() => CellStatus::Tied,
                true => CellStatus::Timing,
                false => CellStatus::Explained,
            }
        } else if lines == 0 {
            CellStatus::NoInvoice
        } else if !usage_exists {
            CellStatus::NoUsage
        } else {
            CellStatus::Unexplained
        };
        rows.push(Cell {
            provider: key.account.provider.to_string(),
            account: key.account.id.as_ref().map(ToString::to_string),
            model: key.model.as_ref().map(ToString::to_string),
            day: (key.first == key.last).then_some(key.first),
            from: key.first,
            to: key.last,
            group: format!("G{}", index + 1),
            logged: first.logged,
            priced,
            billed,
            delta: billed - priced,
            rounding_bound: state.bound_of(&sides),
            quantity_effect: quantity::quantity_effect(state, &sides),
            findings,
            unexplained: left,
            logged_findings: named.remove(&(Bridge::LoggedPriced, key)).unwrap_or_default(),
            logged_unexplained: first.unexplained,
            status,
            meters,
        });
    }
    Ok(rows)
}

/// True where usage of the cell counts as nothing only because the book has no price for it.
fn lacks_price(state: &State, sides: &[Sides]) -> bool {
    let mut leaves = sides.iter().filter_map(|side| side.logged).flat_map(|leaves| leaves.keys());
    leaves.any(|leaf| state.rater.unit(leaf).is_err())
}
