//! Parts of one model's usage that may have been billed otherwise: all of it, or what shares one attribute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::causes::Scope;
use crate::rate::{DayUsage, Leaf};
use crate::reconcile::{BillKey, State};
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

/// The usage of one model that shares an attribute, as quantities by leaf.
#[derive(Debug, Clone)]
pub struct Slice {
    pub model: Arc<str>,
    pub attribute: Attribute,
    pub leaves: BTreeMap<(BillKey, Leaf), i128>,
}

/// The slices of every model in `models`. Two attributes with the same rows are one slice, under the plainer name.
pub fn slices(state: &State, models: &BTreeSet<Arc<str>>) -> Vec<Slice> {
    let mut rows: BTreeMap<&Arc<str>, Vec<&DayUsage>> = BTreeMap::new();
    for row in state.usage.iter().filter(|row| row.outcome.is_billable() && models.contains(&row.model)) {
        rows.entry(&row.model).or_default().push(row);
    }
    let mut slices = Vec::new();
    for (model, rows) in rows {
        let mut parts: BTreeMap<Attribute, Vec<usize>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            for attribute in attributes(row) {
                parts.entry(attribute).or_default().push(index);
            }
        }
        let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
        for (attribute, part) in parts {
            if seen.contains(&part) {
                continue;
            }
            let mut leaves: BTreeMap<(BillKey, Leaf), i128> = BTreeMap::new();
            for row in part.iter().filter_map(|index| rows.get(*index)) {
                for (leaf, quantity) in row.leaves() {
                    *leaves.entry((state.key_of(&leaf), leaf)).or_default() += quantity;
                }
            }
            seen.insert(part);
            slices.push(Slice { model: model.clone(), attribute, leaves });
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
