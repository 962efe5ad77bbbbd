//! Bills that print no quantities: which one change of assumption re-prices the usage to the billed amounts, day after
//! day and to the last cent?
//!
//! A hypothesis is a slice of one model's usage and a change of it. It has no free number: every day is a test, days on
//! which it moves something and the bill does not agree end it, and the smallest improbability of all its days together
//! is fixed. What two hypotheses explain equally well is ambiguous and says what would decide.

mod change;
mod effect;
mod fit;
mod slice;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::State;
use change::Change;
use effect::{DayEffect, Standings};
use fit::Fit;
use slice::Slice;

/// Claims of one account after which the search stops; what is left then stays unexplained.
const MOST_CLAIMS: usize = 24;

/// A hypothesis that the bill agrees with.
struct Story<'s> {
    slice: &'s Slice,
    change: Change,
    cause: &'static str,
    days: BTreeMap<Day, DayEffect>,
    fit: Fit,
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut patches = Vec::new();
    for account in accounts {
        let mut edited = state.clone();
        while patches.len() < MOST_CLAIMS {
            let Some(patch) = best(&edited, account)? else { break };
            edited.apply(&patch.edits)?;
            patches.push(patch);
        }
    }
    Ok(patches)
}

/// The story that closes the most, with its rivals.
fn best(state: &State, account: &Account) -> Result<Option<Patch>> {
    let mut standings = Standings::new(state);
    let suspects = suspects(state, account, &mut standings)?;
    if suspects.is_empty() {
        return Ok(None);
    }
    let models = models(state, account);
    let slices = slice::slices(state, &suspects);
    let mut stories: Vec<Story> = Vec::new();
    for slice in &slices {
        for change in change::changes(state, slice, &models) {
            let Some(days) = effect::effects(state, slice, &change)? else { continue };
            if let Some(fit) = fit::fit(&days, &mut standings)? {
                let cause = change.cause(&slice.attribute, fit.lasting);
                let story = Story { slice, change, cause, days, fit };
                if !state.rejected.contains(&story.name(account)) {
                    stories.push(story);
                }
            }
        }
    }
    // The most first; among equals the plainest slice, then the order of changes.
    stories.sort_by(|a, b| {
        (b.fit.closed.cmp(&a.fit.closed))
            .then_with(|| (&a.slice.attribute, &a.change).cmp(&(&b.slice.attribute, &b.change)))
    });
    let Some(first) = stories.first() else { return Ok(None) };
    let rivals: BTreeSet<&'static str> =
        stories.iter().skip(1).filter(|other| other.rivals(first)).map(|other| other.cause).collect();
    Ok(Some(first.patch(state, account, rivals)))
}

/// Models with a difference that nothing explains yet.
fn suspects(state: &State, account: &Account, standings: &mut Standings) -> Result<BTreeSet<Arc<str>>> {
    let mut suspects = BTreeSet::new();
    for cell in state.open.iter().filter(|cell| cell.account == *account) {
        for key in state.keys_of(cell) {
            let standing = standings.of(&key)?;
            if standing.residual.abs() <= standing.bound || state.accepted.contains(&key) {
                continue;
            }
            suspects.extend(cell.model.clone());
            let leaves = state.logged.get(&key).into_iter().flatten();
            suspects.extend(leaves.map(|(leaf, _)| leaf.model.clone()));
        }
    }
    Ok(suspects)
}

/// Models that the account was billed or logged for.
fn models(state: &State, account: &Account) -> BTreeSet<Arc<str>> {
    let billed = state.billed.keys().filter(|key| key.cell.account == *account);
    let logged = state.usage.iter().filter(|row| row.account == *account).map(|row| row.model.clone());
    billed.filter_map(|key| key.cell.model.clone()).chain(logged).collect()
}

impl Story<'_> {
    fn name(&self, account: &Account) -> String {
        format!("restate {account:?} {} {:?} {:?}", self.slice.model, self.slice.attribute, self.change)
    }

    /// True where this story explains all that `first` explains, by another cause.
    fn rivals(&self, first: &Story) -> bool {
        self.cause != first.cause
            && first.fit.days.iter().all(|day| self.fit.days.contains(day))
            && self.fit.closed * 1000 >= first.fit.closed * 999
    }

    fn patch(&self, state: &State, account: &Account, rivals: BTreeSet<&'static str>) -> Patch {
        let mut scope = Scope::of(account);
        self.slice.attribute.narrow(&mut scope);
        match &self.change {
            Change::Tier(tier) => scope.tiers = [*tier].into(),
            Change::Region(region) => scope.regions = [region.clone()].into(),
            Change::Served(model) => scope.models.extend([model.clone()]),
            Change::Meter(confusion) => scope.meters.extend([confusion.logged]),
            _ => {}
        }
        scope.models.insert(self.slice.model.clone());
        let mut edits = Vec::new();
        let mut origin = None;
        for day in &self.fit.days {
            let Some(effect) = self.days.get(day) else { continue };
            for key in effect.keys() {
                scope.days(key.cell.first, key.cell.last);
                let bill = state.bill(key);
                if bill.lines > 0 {
                    origin.get_or_insert(bill.origin);
                }
            }
            edits.extend(effect.edits.iter().cloned());
        }
        let words =
            format!("{} of {}: {}", self.slice.attribute.words(), self.slice.model, self.change.words());
        let facts = vec![
            Fact::new("what", words).at(origin.unwrap_or_default()),
            Fact::new("days on which the billed amount is met with it", self.fit.days.len()),
            Fact::new("numbers fitted", 0),
        ];
        let ambiguous = !rivals.is_empty();
        Patch {
            name: self.name(account),
            cause: self.cause,
            status: if ambiguous { Status::Ambiguous } else { Status::Exact },
            scope,
            edits,
            facts,
            rivals: rivals.into_iter().map(ToOwned::to_owned).collect(),
            decides: ambiguous.then(|| self.change.decides().to_owned()),
            fix: Some(self.fix()),
        }
    }

    fn fix(&self) -> Fix {
        let text = match &self.change {
            Change::Version(_) => {
                "price this usage from the row of the book that the bill follows, or dispute it"
            }
            Change::Tier(_) | Change::Region(_) => {
                "record the served tier and region of these calls in the gateway log"
            }
            Change::Prompt(_) => {
                "check how the gateway counts the prompt (cache reads and writes belong to it) and where the seller's boundary lies"
            }
            Change::Meter(_) => {
                "dispute the charge with the tokens the log counts, or correct how the gateway counts them"
            }
            Change::Served(_) => "keep the model that answered in the log, and date the alias",
            Change::NotBilled => "leave these rows out of the estimate: the provider does not charge them",
        };
        Fix { kind: "gateway", text: text.to_owned(), patch: String::new() }
    }
}
