//! Parts of one model's usage that may have been billed otherwise: all of it, or what shares one attribute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::problem::Problem;
use crate::causes::Scope;
use crate::rate::DayUsage;
use crate::vocabulary::{CallType, Outcome, Tier};

/// What the rows of a slice have in common, the plainest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    Whole,
    Outcome(Outcome),
    CallType(CallType),
    Stream,
    Tier(Tier),
    Region(Arc<str>),
    Requested(Arc<str>),
    Key(Arc<str>),
    /// All of it, and what the model was told to have served of other models' traffic.
    Rerouted,
}

impl Attribute {
    /// As people say it: `key team-search`.
    pub fn words(&self) -> String {
        match self {
            Attribute::Whole => "all traffic".to_owned(),
            Attribute::Outcome(outcome) => format!("outcome {outcome}"),
            Attribute::CallType(call) => format!("call type {call}"),
            Attribute::Stream => "streamed calls".to_owned(),
            Attribute::Tier(tier) => format!("tier {tier}"),
            Attribute::Region(region) => format!("region {region}"),
            Attribute::Requested(name) => format!("requested as {name}"),
            Attribute::Key(key) => format!("key {key}"),
            Attribute::Rerouted => "all traffic, its own and what was rerouted to it".to_owned(),
        }
    }

    pub fn narrow(&self, scope: &mut Scope) {
        match self {
            Attribute::Key(key) => scope.keys.insert(key.clone()),
            Attribute::Tier(tier) => scope.tiers.insert(*tier),
            Attribute::Region(region) => scope.regions.insert(region.clone()),
            _ => false,
        };
    }
}

/// Atoms of one model, or of every model of the account, that share an attribute.
#[derive(Debug, Clone)]
pub struct Slice {
    /// `None`: every model.
    pub model: Option<Arc<str>>,
    pub attribute: Attribute,
    pub atoms: Vec<u32>,
    /// The name it was requested under is no model of the book: a deployment or an alias of the gateway's own.
    pub opaque: bool,
    /// All of it was logged as batch.
    pub batch: bool,
}

/// The slices of every model and of the account as a whole. Two attributes with the same atoms are one slice, under the
/// plainer name.
pub fn slices(problem: &Problem) -> Vec<Slice> {
    let mut parts: BTreeMap<(Option<&Arc<str>>, Attribute), Vec<u32>> = BTreeMap::new();
    let models: BTreeSet<&Arc<str>> =
        problem.atoms.iter().map(|atom| &problem.state.usage[atom.row as usize].model).collect();
    let mut known: Option<(u32, Vec<Attribute>)> = None;
    for (index, atom) in problem.atoms.iter().enumerate() {
        let row = &problem.state.usage[atom.row as usize];
        if known.as_ref().is_none_or(|(row, _)| *row != atom.row) {
            known = Some((atom.row, attributes(row)));
        }
        for attribute in known.iter().flat_map(|(_, attributes)| attributes) {
            parts.entry((Some(&row.model), attribute.clone())).or_default().push(index as u32);
            if models.len() > 1 {
                parts.entry((None, attribute.clone())).or_default().push(index as u32);
            }
        }
    }
    let mut seen: BTreeSet<Vec<u32>> = BTreeSet::new();
    let mut slices = Vec::new();
    // Models first: what is true of one is not told of all.
    let (all, single): (Vec<_>, Vec<_>) = parts.into_iter().partition(|((model, _), _)| model.is_none());
    for ((model, attribute), atoms) in single.into_iter().chain(all) {
        if seen.insert(atoms.clone()) {
            let opaque = atoms.first().is_some_and(|atom| {
                let row = &problem.state.usage[problem.atoms[*atom as usize].row as usize];
                let name = row.asked_for();
                let book = problem.state.rater.book;
                !name.is_empty() && book.resolve(&row.account.provider, name, row.at).is_none()
            });
            let tier = |atom: &u32| problem.state.usage[problem.atoms[*atom as usize].row as usize].tier;
            let batch = atoms.iter().all(|atom| tier(atom) == Tier::Batch);
            slices.push(Slice { model: model.cloned(), attribute, atoms, opaque, batch });
        }
    }
    slices
}

fn attributes(row: &DayUsage) -> Vec<Attribute> {
    let mut found = vec![
        Attribute::Whole,
        Attribute::Outcome(row.outcome),
        Attribute::CallType(row.call_type),
        Attribute::Tier(row.tier),
        Attribute::Region(row.region.clone()),
    ];
    // A text that is not there is nothing that rows share.
    if !row.requested.is_empty() {
        found.push(Attribute::Requested(row.requested.clone()));
    }
    if !row.key.is_empty() {
        found.push(Attribute::Key(row.key.clone()));
    }
    if row.stream {
        found.push(Attribute::Stream);
    }
    found
}
