//! Overlapping counters: an input that holds the cache reads which are counted beside it. Where the bill counts, the input is
//! over by exactly the reads of the whole model, or of one key.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status, of_all};
use crate::error::Result;
use crate::rate::Account;
use crate::reconcile::{BillKey, CellKey, Edit, State, quantity};
use crate::vocabulary::Meter;

/// Days on which the input must be over by the reads.
const DAYS: usize = 3;

/// Cache reads of a model-day, by the key to count them under: `None` is every key.
type Reads = BTreeMap<Option<Arc<str>>, BTreeMap<BillKey, i128>>;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut over: BTreeMap<(Account, Arc<str>), BTreeMap<BillKey, i128>> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| cell.first == cell.last) {
        let Some(model) = &cell.model else { continue };
        for (key, gap) in quantity::gaps(state, cell) {
            let slack = quantity::slack(state, gap.logged);
            if key.meter == Some(Meter::Input) && gap.difference() < -3 * slack {
                let name = (cell.account.clone(), model.clone());
                over.entry(name).or_default().insert(key, -gap.difference());
            }
        }
    }
    let mut patches = Vec::new();
    for ((account, model), over) in over.into_iter().filter(|(_, over)| of_all(over.keys()) >= DAYS) {
        let of_input = |key: &BillKey| BillKey { meter: Some(Meter::Input), ..key.clone() };
        let mut reads = Reads::new();
        for row in state.usage.iter().filter(|row| row.account == account && row.model == model) {
            if !row.outcome.is_billable() {
                continue;
            }
            for (key, _, count) in state.places(row).filter(|(_, leaf, _)| leaf.meter == Meter::CacheRead) {
                let key = of_input(&key);
                for by in [None, Some(row.key.clone())] {
                    *reads.entry(by).or_default().entry(key.clone()).or_default() += count;
                }
            }
        }
        // Every key before any of them; the first that holds on most days.
        let fits = reads.into_iter().map(|(by, reads)| {
            let holds = |key: &&BillKey| {
                reads.get(*key).is_some_and(|count| {
                    let slack = quantity::slack(state, state.logged_quantity(key));
                    (over[*key] - count).abs() <= slack
                })
            };
            let held: Vec<(BillKey, i128)> =
                over.keys().filter(holds).map(|key| (key.clone(), reads[key])).collect();
            (by, held)
        });
        let best = fits.max_by(|a, b| a.1.len().cmp(&b.1.len()).then_with(|| b.0.cmp(&a.0)));
        if let Some((by, held)) = best.filter(|(_, held)| {
            of_all(held.iter().map(|(key, _)| key)) >= DAYS && 2 * held.len() > over.len()
        }) {
            patches.push(patch(&account, &model, by, held));
        }
    }
    patches.retain(|patch| !state.rejected.contains(&patch.name));
    Ok(patches)
}

fn patch(account: &Account, model: &Arc<str>, by: Option<Arc<str>>, held: Vec<(BillKey, i128)>) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    scope.meters.extend([Meter::Input, Meter::CacheRead]);
    scope.keys.extend(by.clone());
    held.iter().for_each(|(key, _)| scope.cover(&key.cell));
    let days: BTreeSet<&CellKey> = held.iter().map(|(key, _)| &key.cell).collect();
    let facts = vec![
        Fact::new("what", "cache reads logged beside an input that holds them"),
        Fact::new(
            "cache reads, by which the input is over",
            held.iter().map(|(_, count)| count).sum::<i128>(),
        ),
        Fact::new("days on which it is", days.len()),
    ];
    Patch {
        name: format!("overlap {account:?} {model} {by:?}"),
        cause: "cls.cache_double",
        status: Status::Exact,
        scope,
        facts,
        edits: held.into_iter().map(|(from, quantity)| Edit::Drop { from, quantity }).collect(),
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix {
            kind: "gateway",
            text: "subtract `cached_tokens` from the input of this route, or do not count them beside it"
                .to_owned(),
            patch: String::new(),
        }),
    }
}
