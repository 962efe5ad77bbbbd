//! Applies the families in order and keeps what stands.

use std::collections::{BTreeMap, BTreeSet};

use super::{Claim, FAMILIES, Patch};
use crate::error::Result;
use crate::money::Money;
use crate::reconcile::{CellKey, State};

/// At least this share of the dollars a patch moves must end in cells that tie out: 4 of 5.
const CLOSURE: (i128, i128) = (4, 5);
/// Claims may depend on one another; each round takes back at least one, so this is only a stop for the absurd.
const ROUNDS: usize = 64;

/// What is left of one cell after all claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Residual {
    /// `billed − priced` under all accepted assumptions.
    pub amount: Money,
    pub bound: Money,
}

impl Residual {
    pub fn ties(self) -> bool {
        self.amount.abs() <= self.bound
    }
}

/// The explained state: claims in canonical order and what no claim explains.
pub struct Explained {
    pub claims: Vec<Claim>,
    pub residuals: BTreeMap<CellKey, Residual>,
}

/// Runs the families over a copy of `state` until every claim stands.
pub fn explain(state: &State) -> Result<Explained> {
    let mut refused: BTreeSet<String> = BTreeSet::new();
    let mut explained = round(state, &refused)?;
    for _ in 0..ROUNDS {
        let fallen: Vec<String> = explained
            .claims
            .iter()
            .filter(|claim| !closes(claim, &explained.residuals))
            .map(|claim| name(&claim.patch))
            .collect();
        // The largest open claim falls first: what it moved may have kept the others open.
        let Some(worst) = fallen.first().cloned() else { break };
        refused.insert(worst);
        explained = round(state, &refused)?;
    }
    Ok(explained)
}

fn round(state: &State, refused: &BTreeSet<String>) -> Result<Explained> {
    let mut state = state.clone();
    let mut claims = Vec::new();
    for family in FAMILIES {
        for patch in (family.propose)(&state)? {
            if refused.contains(&name(&patch)) {
                continue;
            }
            let cells = state.apply(&patch.edits)?;
            if !cells.is_empty() {
                claims.push(Claim { patch, cells });
            }
        }
    }
    let mut residuals = BTreeMap::new();
    for cell in super::cells(&state) {
        residuals.insert(
            cell.clone(),
            Residual { amount: state.delta(&cell)?, bound: state.rounding_bound(&cell) },
        );
    }
    Ok(Explained { claims, residuals })
}

/// A patch's identity across rounds: what it changes, not what it found.
fn name(patch: &Patch) -> String {
    format!("{} {:?} {:?}", patch.cause, patch.scope.models, patch.edits.first())
}

fn closes(claim: &Claim, residuals: &BTreeMap<CellKey, Residual>) -> bool {
    let (mut closed, mut moved) = (0i128, 0i128);
    for (cell, amount) in &claim.cells {
        let dollars = amount.pico().abs();
        moved += dollars;
        if residuals.get(cell).is_none_or(|residual| residual.ties()) {
            closed += dollars;
        }
    }
    closed * CLOSURE.1 >= moved * CLOSURE.0
}
