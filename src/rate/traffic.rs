//! What is known of some traffic and the log does not say: where it was served, at which tier, by which model, counted
//! how, or that another pays for it. Rules come from the books; a fix of a finding is such a rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{DayUsage, unknown_name};
use crate::period::Day;
use crate::pricebook::Pricebook;
use crate::vocabulary::{CallType, Meter, Outcome, Tier};

/// One dated rule. It looks at a row as the log and the mappings of names have it, never at what another rule made of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrafficRule {
    pub seller: Arc<str>,
    pub from: Day,
    /// Last day in force.
    pub until: Option<Day>,
    pub filter: TrafficFilter,
    pub set: TrafficSet,
}

/// Which traffic: every list that is not empty must hold the row's own text.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrafficFilter {
    pub account: BTreeSet<Arc<str>>,
    pub key: BTreeSet<Arc<str>>,
    /// What the caller asked for; where the log has none, the deployment that was called.
    pub requested: BTreeSet<Arc<str>>,
    /// The book's id, or the model as logged.
    pub model: BTreeSet<Arc<str>>,
    pub region: BTreeSet<Arc<str>>,
    pub tier: BTreeSet<Tier>,
    pub outcome: BTreeSet<Outcome>,
    pub call_type: BTreeSet<CallType>,
    pub stream: Option<bool>,
}

/// What holds for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrafficSet {
    pub model: Option<Arc<str>>,
    pub region: Option<Arc<str>>,
    pub tier: Option<Tier>,
    /// A prompt size inside the context band.
    pub prompt: Option<u64>,
    /// Tokens of one meter that are another's.
    pub meters: BTreeMap<Meter, Meter>,
    /// False: another pays for it.
    pub billed: Option<bool>,
}

impl TrafficFilter {
    pub fn takes(&self, row: &DayUsage) -> bool {
        let text = |wanted: &BTreeSet<Arc<str>>, has: &str| wanted.is_empty() || wanted.contains(has);
        text(&self.account, row.account.id.as_deref().unwrap_or(""))
            && text(&self.key, &row.key)
            && text(&self.requested, row.asked_for())
            && (text(&self.model, &row.model) || self.model.contains(&row.served))
            && text(&self.region, &row.region)
            && (self.tier.is_empty() || self.tier.contains(&row.tier))
            && (self.outcome.is_empty() || self.outcome.contains(&row.outcome))
            && (self.call_type.is_empty() || self.call_type.contains(&row.call_type))
            && self.stream.is_none_or(|stream| stream == row.stream)
    }
}

impl TrafficSet {
    pub fn is_empty(&self) -> bool {
        *self == TrafficSet::default()
    }
}

impl TrafficRule {
    fn holds(&self, row: &DayUsage) -> bool {
        *self.seller == *row.account.provider
            && self.from <= row.day
            && self.until.is_none_or(|until| row.day <= until)
            && self.filter.takes(row)
    }
}

impl DayUsage {
    /// What the caller asked for; where the log has none, the deployment that was called.
    pub fn asked_for(&self) -> &Arc<str> {
        if self.requested.is_empty() { &self.routed } else { &self.requested }
    }
}

/// Changes a row as the rules say. For each thing that a rule can set, the first rule that sets it decides.
pub fn apply(rules: &[TrafficRule], book: &Pricebook, row: &mut DayUsage) {
    if rules.is_empty() {
        return;
    }
    let mut set = TrafficSet::default();
    for rule in rules.iter().filter(|rule| rule.holds(row)) {
        let rule = &rule.set;
        set.model = set.model.or_else(|| rule.model.clone());
        set.region = set.region.or_else(|| rule.region.clone());
        set.tier = set.tier.or(rule.tier);
        set.prompt = set.prompt.or(rule.prompt);
        set.billed = set.billed.or(rule.billed);
        for (logged, counted) in &rule.meters {
            set.meters.entry(*logged).or_insert(*counted);
        }
    }
    if let Some(model) = set.model {
        let known = book.resolve(&row.account.provider, &model, row.at);
        row.model = known.map_or_else(|| unknown_name(&model), Into::into);
    }
    row.region = set.region.unwrap_or_else(|| row.region.clone());
    row.tier = set.tier.unwrap_or(row.tier);
    row.prompt = set.prompt.unwrap_or(row.prompt);
    // A duplicate or a cache hit stays what it is: nobody pays for it.
    if set.billed == Some(false) && row.outcome.is_billable() {
        row.outcome = match row.outcome {
            Outcome::FailedWithUsage => Outcome::Failed,
            // Its work was billed when it ran.
            _ if row.call_type == CallType::Poll => Outcome::Duplicate,
            _ => Outcome::OtherPayer,
        };
    }
    let logged = row.sums.meters;
    for from in set.meters.keys() {
        row.sums.meters.set(*from, 0);
    }
    for (from, to) in set.meters {
        row.sums.meters.set(to, row.sums.meters.get(to).saturating_add(logged.get(from)));
    }
}

/// Models that rules name for a seller: their prices cut the days of their traffic too.
pub(super) fn models<'r>(rules: &'r [TrafficRule], seller: &'r str) -> impl Iterator<Item = &'r Arc<str>> {
    rules.iter().filter(move |rule| &*rule.seller == seller).filter_map(|rule| rule.set.model.as_ref())
}
