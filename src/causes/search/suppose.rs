//! What an account's bill keys would cost if one part of its usage had been served by another model, one supposition after
//! another: for those who look for what is true of everything and cannot see it for one such mistake.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::Change;
use super::problem::Problem;
use super::slice::{Attribute, slices};
use super::touch::Groups;
use crate::error::Result;
use crate::rate::Account;
use crate::reconcile::{BillKey, State};

/// Accounts with more models have others to see it on.
const MODELS: usize = 12;
/// Atoms of usage that are looked at, for all suppositions together.
const ATOMS: usize = 2_000_000;

/// By bill key, what it would cost more, in 10^-12.
pub type Supposition = BTreeMap<BillKey, i128>;

pub fn suppose(state: &State, account: &Account) -> Result<Vec<Supposition>> {
    let keys = state.billed.keys().filter(|key| key.cell.account == *account);
    let billed: BTreeSet<Arc<str>> = keys.filter_map(|key| key.cell.model.clone()).collect();
    if billed.len() > MODELS {
        return Ok(Vec::new());
    }
    let (mut problem, mut node) = Problem::new(state, account, |_| true)?;
    let mut suppositions = Vec::new();
    let mut spent = 0;
    for slice in slices(&problem) {
        let Some(model) = &slice.model else { continue };
        if !matches!(slice.attribute, Attribute::Whole | Attribute::Key(_) | Attribute::Requested(_)) {
            continue;
        }
        let groups = Groups::new(&problem, &node, &slice.atoms)?;
        for target in billed.iter().filter(|target| *target != model) {
            spent += slice.atoms.len();
            if spent > ATOMS {
                return Ok(suppositions);
            }
            let served = Change::Served(target.clone());
            let Some(touches) = problem.touches(&mut node, &groups, &served)? else { continue };
            let mut more = Supposition::new();
            for touch in touches {
                *more.entry(problem.sides[touch.side as usize].key.clone()).or_default() += touch.money;
            }
            suppositions.push(more);
        }
    }
    Ok(suppositions)
}
