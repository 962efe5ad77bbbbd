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
/// Prices that one search of an account may look up: models with the largest differences come first, and what is left
/// out is said.
const MOST_LOOKUPS: usize = 2_000_000;

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
        let models = models(state, account);
        let suspects = suspects(state, account)?;
        let (searched, _) = affordable(state, &suspects, &models);
        let mut edited = state.clone();
        for _ in 0..MOST_CLAIMS {
            let Some(patch) = best(&edited, account, &searched, &models)? else { break };
            edited.apply(&patch.edits)?;
            patches.push(patch);
        }
    }
    Ok(patches)
}

/// Models of an account with an open difference that the search leaves out, because there is too much to try.
pub fn left_out(state: &State, account: &Account) -> Result<Vec<Arc<str>>> {
    Ok(affordable(state, &suspects(state, account)?, &models(state, account)).1)
}

/// The slices to try, largest difference first, and the models that are one too many.
fn affordable(
    state: &State,
    suspects: &BTreeMap<Arc<str>, i128>,
    models: &BTreeSet<Arc<str>>,
) -> (Vec<Slice>, Vec<Arc<str>>) {
    let mut by_size: Vec<(&Arc<str>, i128)> = suspects.iter().map(|(model, open)| (model, *open)).collect();
    by_size.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let (mut kept, mut left_out, mut spent) = (Vec::new(), Vec::new(), 0usize);
    for (model, _) in by_size {
        let slices = slice::slices(state, &BTreeSet::from([model.clone()]));
        let cost: usize =
            slices.iter().map(|slice| slice.leaves.len() * change::changes(state, slice, models).len()).sum();
        spent += cost;
        if spent > MOST_LOOKUPS {
            left_out.push(model.clone());
        } else {
            kept.extend(slices);
        }
    }
    (kept, left_out)
}

/// The story that closes the most, with its rivals.
fn best(
    state: &State,
    account: &Account,
    slices: &[Slice],
    models: &BTreeSet<Arc<str>>,
) -> Result<Option<Patch>> {
    let suspects = suspects(state, account)?;
    let mut standings = Standings::new(state);
    let mut stories: Vec<Story> = Vec::new();
    for slice in slices.iter().filter(|slice| suspects.contains_key(&slice.model)) {
        for change in change::changes(state, slice, models) {
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
    let rivals: Vec<&Story> = stories.iter().skip(1).filter(|other| other.rivals(first)).collect();
    Ok(Some(first.patch(state, account, &rivals)))
}

/// Models with a difference that nothing explains yet, and how large it is, in 10^-12.
fn suspects(state: &State, account: &Account) -> Result<BTreeMap<Arc<str>, i128>> {
    let mut standings = Standings::new(state);
    let mut suspects: BTreeMap<Arc<str>, i128> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| cell.account == *account) {
        for key in state.keys_of(cell) {
            let standing = standings.of(&key)?;
            if standing.residual.abs() <= standing.bound || state.accepted.contains(&key) {
                continue;
            }
            let leaves = state.logged.get(&key).into_iter().flatten();
            let mut models: BTreeSet<&Arc<str>> = leaves.map(|(leaf, _)| &leaf.model).collect();
            models.extend(&cell.model);
            for model in models {
                *suspects.entry(model.clone()).or_default() += standing.residual.pico().abs();
            }
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

    /// True where this story explains all that `first` explains, by something else: another cause, region or model, or
    /// other traffic.
    fn rivals(&self, first: &Story) -> bool {
        let elsewhere = matches!(self.change, Change::Region(_) | Change::Served(_) | Change::Meter(_));
        let same_traffic =
            (&self.slice.model, &self.slice.leaves) == (&first.slice.model, &first.slice.leaves);
        let other = self.cause != first.cause
            || (self.change != first.change && elsewhere)
            || (self.change == first.change && !same_traffic);
        other
            && first.fit.days.iter().all(|day| self.fit.days.contains(day))
            && self.fit.closed * 1000 >= first.fit.closed * 999
    }

    fn words(&self) -> String {
        format!("{} of {}: {}", self.slice.attribute.words(), self.slice.model, self.change.words())
    }

    fn patch(&self, state: &State, account: &Account, rivals: &[&Story]) -> Patch {
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
        let mut facts = vec![
            Fact::new("what", self.words()).at(origin.unwrap_or_default()),
            Fact::new("days on which the billed amount is met with it", self.fit.days.len()),
            Fact::new("numbers fitted", 0),
        ];
        facts.extend(rivals.iter().map(|rival| Fact::new("meets them as well", rival.words())));
        let causes: BTreeSet<&str> =
            rivals.iter().map(|rival| rival.cause).filter(|cause| *cause != self.cause).collect();
        let ambiguous = !rivals.is_empty();
        Patch {
            name: self.name(account),
            cause: self.cause,
            status: if ambiguous { Status::Ambiguous } else { Status::Exact },
            scope,
            edits,
            facts,
            rivals: causes.into_iter().map(ToOwned::to_owned).collect(),
            decides: ambiguous.then(|| self.change.decides().to_owned()),
            fix: Some(self.fix()),
        }
    }

    fn fix(&self) -> Fix {
        let text = match &self.change {
            Change::Version(_) => {
                "price this usage from the row of the book that the bill follows, or dispute it"
            }
            Change::List => "claim the difference from the provider, or give the term its `to` if it ended",
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
