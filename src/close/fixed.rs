//! Is a cause of a closed month ended by the books of today? Its name may be gone because the same difference has another:
//! what counts is that its own cells have so much less to explain.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::document::{Bridge, Cell, CellFinding, Reconciliation};
use super::history::{PastFinding, agree};
use crate::money::Money;
use crate::period::Day;

/// Of what it explained, so much may be left to others: causes that share a cell share anew when one of them goes.
const SHARED: i128 = 10;

/// A month as far as its cells tell what is open in them: a part of a pack's `reconciliation.json`.
#[derive(Debug, Clone, Deserialize)]
pub struct PastCells {
    pub findings: Vec<PastFinding>,
    #[serde(default)]
    cells: Vec<PastCell>,
}

#[derive(Debug, Clone, Deserialize)]
struct PastCell {
    provider: String,
    account: Option<String>,
    model: Option<String>,
    from: Day,
    to: Day,
    rounding_bound: Money,
    findings: Vec<Part>,
    unexplained: Money,
    logged_findings: Vec<Part>,
    logged_unexplained: Money,
}

#[derive(Debug, Clone, Deserialize)]
struct Part {
    id: String,
    amount: Money,
}

/// What the books of today make of a finding.
#[derive(Debug, PartialEq, Eq)]
pub enum Now {
    /// It is there.
    Stands,
    /// It is gone, and so is its amount.
    Ended,
    /// It is gone, and its cells still have so much to explain, under these causes.
    Replaced { open: Money, causes: BTreeSet<String> },
}

impl PastCells {
    /// Compares what a finding's cells had to explain with what they have now.
    pub fn now(&self, finding: &PastFinding, now: &PastCells) -> Now {
        if now.findings.iter().any(|found| found.is_like(finding)) {
            return Now::Stands;
        }
        let of = |cell: &&PastCell| cell.parts(finding.bridge).iter().any(|part| part.id == finding.id);
        let own: Vec<&PastCell> = self.cells.iter().filter(of).collect();
        let there = |cell: &&PastCell| own.iter().any(|own| own.is_place_of(cell));
        let after: Vec<&PastCell> = now.cells.iter().filter(there).collect();
        let explained: Money = own
            .iter()
            .flat_map(|cell| cell.parts(finding.bridge))
            .filter(|part| part.id == finding.id)
            .map(|part| part.amount.abs())
            .sum();
        let open: Money = after.iter().map(|cell| now.open(cell, finding.bridge)).sum();
        let before: Money = own.iter().map(|cell| self.open(cell, finding.bridge)).sum();
        let bound: Money = own.iter().chain(&after).map(|cell| cell.rounding_bound).sum();
        let shared = Money::from_pico(explained.pico() / SHARED);
        if open <= before - explained + shared + bound {
            return Now::Ended;
        }
        let parts: BTreeSet<&str> =
            after.iter().flat_map(|cell| cell.parts(finding.bridge)).map(|part| part.id.as_str()).collect();
        let causes = now.findings.iter().filter(|found| parts.contains(found.id.as_str()));
        Now::Replaced { open, causes: causes.map(|found| found.cause.clone()).collect() }
    }

    /// What of a cell needs a cause or has none, each part by its size. Rounding needs none.
    fn open(&self, cell: &PastCell, bridge: Bridge) -> Money {
        let rounding = |part: &&Part| {
            self.findings.iter().any(|found| found.id == part.id && found.cause.starts_with("round."))
        };
        let parts = cell.parts(bridge).iter().filter(|part| !rounding(part));
        parts.map(|part| part.amount.abs()).sum::<Money>() + cell.unexplained(bridge).abs()
    }
}

impl PastCell {
    fn parts(&self, bridge: Bridge) -> &[Part] {
        match bridge {
            Bridge::PricedBilled => &self.findings,
            Bridge::LoggedPriced => &self.logged_findings,
        }
    }

    fn unexplained(&self, bridge: Bridge) -> Money {
        match bridge {
            Bridge::PricedBilled => self.unexplained,
            Bridge::LoggedPriced => self.logged_unexplained,
        }
    }

    fn is_place_of(&self, other: &PastCell) -> bool {
        (&self.provider, &self.model, self.from, self.to)
            == (&other.provider, &other.model, other.from, other.to)
            && agree(self.account.as_deref(), other.account.as_deref())
    }
}

impl From<&Reconciliation> for PastCells {
    fn from(document: &Reconciliation) -> PastCells {
        PastCells {
            findings: document.findings.iter().map(PastFinding::from).collect(),
            cells: document.cells.iter().map(PastCell::from).collect(),
        }
    }
}

impl From<&Cell> for PastCell {
    fn from(cell: &Cell) -> PastCell {
        let part = |part: &CellFinding| Part { id: part.id.clone(), amount: part.amount };
        PastCell {
            provider: cell.provider.clone(),
            account: cell.account.clone(),
            model: cell.model.clone(),
            from: cell.from,
            to: cell.to,
            rounding_bound: cell.rounding_bound,
            findings: cell.findings.iter().map(part).collect(),
            unexplained: cell.unexplained,
            logged_findings: cell.logged_findings.iter().map(part).collect(),
            logged_unexplained: cell.logged_unexplained,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A month of one finding, in one cell of an account, with what is left in the cell beside it.
    fn month(cause: &str, amount: &str, account: &str, left: &str) -> PastCells {
        serde_json::from_str(&format!(
            r#"{{"findings": [{{"id": "F1", "bridge": "priced-billed", "cause": "{cause}", "amount": "{amount}",
                "scope": {{"provider": "openai", "account": {account}, "models": ["a"]}}}}],
              "cells": [{{"provider": "openai", "account": {account}, "model": "a", "from": "2026-10-01",
                "to": "2026-10-01", "rounding_bound": "0", "findings": [{{"id": "F1", "amount": "{amount}"}}],
                "unexplained": "{left}", "logged_findings": [], "logged_unexplained": "0"}}]}}"#
        ))
        .unwrap()
    }

    #[test]
    fn a_cause_has_ended_only_where_its_cells_have_less_to_explain() {
        let closed = month("rate.stale", "-5", "null", "0");
        let now = |now: PastCells| closed.now(&closed.findings[0], &now);
        assert_eq!(now(month("rate.stale", "-5", "\"x\"", "0")), Now::Stands);
        assert_eq!(now(month("round.line", "0.02", "\"x\"", "0")), Now::Ended);
        let replaced = |open: &str, cause: &str| Now::Replaced {
            open: open.parse().unwrap(),
            causes: [cause.to_owned()].into(),
        };
        assert_eq!(now(month("cov.bypass", "15.77", "\"x\"", "0")), replaced("15.77", "cov.bypass"));
        assert_eq!(now(month("rate.batch", "-3", "null", "-1")), replaced("4", "rate.batch"));
    }
}
