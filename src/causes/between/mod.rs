//! Usage that one account has in its log and another on its bill: another seller of the model answered, or a key went to another
//! account. Each side by itself looks like lost rows, or like traffic past the gateway.
//!
//! Edits do not reach from one account to another: what is found on the bills of both is told in each, and the counts of the
//! other one are its proof.

mod find;
mod open;

use std::collections::{BTreeMap, BTreeSet};

pub use find::find;
pub use open::{AtLeast, is_clear, on_the_same_days, open};

use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::passed::{Name, Passed, PassedDay};
use crate::reconcile::{CellKey, Edit, State};

/// A patch of this family: what it moves is tested by the counts of the other account.
pub(super) fn told(patch: &str) -> bool {
    patch.starts_with(NAME)
}

const NAME: &str = "between accounts";

/// What one account has to do with another: whose log it was, and why it is on another bill.
type Pair<'p> = (&'p Account, &'p Account, &'static str);

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut pairs: BTreeMap<Pair, Vec<&Passed>> = BTreeMap::new();
    for passed in state.passed.iter() {
        pairs.entry((&passed.from.0, &passed.to.0, cause(passed))).or_default().push(passed);
    }
    let sides = pairs.iter().flat_map(|(pair, passed)| [(pair, passed, true), (pair, passed, false)]);
    let mine = |((from, to, _), _, gives): &(&Pair, &Vec<&Passed>, bool)| {
        accounts.contains(if *gives { from } else { to })
    };
    Ok(sides.filter(mine).filter_map(|(pair, passed, gives)| patch(state, *pair, passed, gives)).collect())
}

fn cause(passed: &Passed) -> &'static str {
    match () {
        () if passed.from.0.provider == passed.to.0.provider => "cov.account_scope",
        () if passed.lasting => "map.alias_repointed",
        () => "map.fallback",
    }
}

/// What one side of it has less, or more.
fn patch(state: &State, (from, to, cause): Pair, all: &[&Passed], gives: bool) -> Option<Patch> {
    let own = if gives { from } else { to };
    let mut scope = Scope::of(own);
    let mut edits = Vec::new();
    for passed in all {
        let (_, model) = if gives { &passed.from } else { &passed.to };
        for (day, meters) in &passed.days {
            let cell = CellKey { account: own.clone(), model: Some(model.clone()), first: *day, last: *day };
            scope.cover(&cell);
            scope.meters.extend(meters.keys());
            edits.extend(of_day(state, &cell, meters, gives));
        }
    }
    let (first, last) = (scope.first?, scope.last?);
    let models = |name: fn(&Passed) -> &Name| {
        let models: BTreeSet<&str> = all.iter().map(|passed| &*name(passed).1).collect();
        models.into_iter().collect::<Vec<_>>().join(", ")
    };
    let days: BTreeSet<&Day> = all.iter().flat_map(|passed| passed.days.keys()).collect();
    let units: i128 = all.iter().flat_map(|passed| passed.days.values()).flat_map(BTreeMap::values).sum();
    let lasting = cause == "map.alias_repointed";
    Some(Patch {
        name: format!("{NAME} {from:?} {to:?} {cause} {gives}"),
        cause,
        status: if lasting { Status::Ambiguous } else { Status::Exact },
        scope,
        edits,
        facts: vec![
            Fact::new("logged for", format!("{}: {}", from, models(|passed| &passed.from))),
            Fact::new("billed by", format!("{}: {}", to, models(|passed| &passed.to))),
            Fact::new("days", days.len()),
            Fact::new(
                "counts or amounts in which both bills agree",
                all.iter().map(|passed| passed.equations).sum::<usize>(),
            ),
            Fact::new("tokens and calls", units),
        ],
        rivals: if lasting { vec!["map.fallback".to_owned()] } else { Vec::new() },
        decides: lasting.then(|| "the provider that answered, in the log".to_owned()),
        fix: Some(Fix {
            kind: "gateway",
            text: format!(
                "log the account that answered: {} has on its bill of {first} to {last} what the log has for {}",
                to, from
            ),
            patch: String::new(),
        }),
    })
}

/// One day's counts, taken from the keys that have less on the bill or put to those that have more. An amount for all of them is
/// taken as it stands: the other account's counts come to it.
fn of_day(state: &State, cell: &CellKey, meters: &PassedDay, gives: bool) -> Vec<Edit> {
    let keys = state.keys_of(cell);
    let Some(counts) = find::counts(state, cell) else {
        return keys.into_iter().map(|key| Edit::Accept { key }).collect();
    };
    let mut edits = Vec::new();
    for (meter, count) in meters {
        let mut left = *count;
        for (key, count) in counts.iter().filter(|(key, _)| key.meter.map(find::lifetimes) == Some(*meter)) {
            let part = if gives { -count.difference } else { count.difference }.clamp(0, left);
            if part > 0 {
                left -= part;
                edits.push(Edit::Drop { from: key.clone(), quantity: if gives { part } else { -part } });
            }
        }
    }
    edits
}
