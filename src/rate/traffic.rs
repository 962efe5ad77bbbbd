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
    /// True for a row, as the log has it, that the rule speaks of.
    pub fn holds(&self, row: &DayUsage) -> bool {
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
    if set.is_empty() {
        return;
    }
    row.as_logged = Some(Box::new(row.clone()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::Account;
    use crate::usage::cube::Sums;
    use crate::vocabulary::{CountSource, Reading};

    fn row(key: &str) -> DayUsage {
        let day: Day = "2026-10-12".parse().unwrap();
        let mut sums = Sums { requests: 1, ..Sums::default() };
        sums.meters.set(Meter::CacheWrite5m, 7);
        sums.meters.set(Meter::CacheWrite1h, 5);
        DayUsage {
            account: Account { provider: "anthropic".into(), id: Some("acme".into()) },
            model: "claude-sonnet-4-5-20250929".into(),
            day,
            at: day.start(),
            whole_day: false,
            key: key.into(),
            requested: "".into(),
            routed: "smart".into(),
            served: "claude-sonnet-4-5".into(),
            region: "".into(),
            tier: Tier::Standard,
            prompt: 200_001,
            outcome: Outcome::Success,
            call_type: CallType::Generation,
            source: CountSource::Provider,
            reading: Reading::Inclusive,
            stream: true,
            sums,
            as_logged: None,
        }
    }

    fn rule(filter: TrafficFilter, set: TrafficSet) -> TrafficRule {
        let (from, until) = ("2026-10-12".parse().unwrap(), Some("2026-10-12".parse().unwrap()));
        TrafficRule { seller: "anthropic".into(), from, until, filter, set }
    }

    fn applied(rules: &[TrafficRule], mut row: DayUsage) -> DayUsage {
        apply(rules, &Pricebook::shipped().unwrap(), &mut row);
        row
    }

    #[test]
    fn the_first_rule_that_sets_a_thing_decides_it() {
        let region = |region: &str| TrafficSet { region: Some(region.into()), ..TrafficSet::default() };
        let key = TrafficFilter { key: ["a".into()].into(), ..TrafficFilter::default() };
        let batch = TrafficSet { tier: Some(Tier::Batch), ..region("global") };
        let rules = [rule(key, region("geo:us")), rule(TrafficFilter::default(), batch)];
        let (a, b) = (applied(&rules, row("a")), applied(&rules, row("b")));
        assert_eq!((&*a.region, a.tier, &*b.region, b.tier), ("geo:us", Tier::Batch, "global", Tier::Batch));
        assert_eq!(&*a.as_logged.unwrap().region, "");
        let other_day = DayUsage { day: "2026-10-13".parse().unwrap(), ..row("a") };
        assert!(applied(&rules, other_day).as_logged.is_none());
    }

    #[test]
    fn every_key_of_a_filter_must_hold() {
        let filter = TrafficFilter {
            account: ["acme".into()].into(),
            requested: ["smart".into()].into(),
            // As logged; the book knows it by its snapshot.
            model: ["claude-sonnet-4-5".into()].into(),
            region: ["".into()].into(),
            tier: [Tier::Standard].into(),
            outcome: [Outcome::Success].into(),
            call_type: [CallType::Generation].into(),
            stream: Some(true),
            ..TrafficFilter::default()
        };
        assert!(filter.takes(&row("a")));
        for other in [
            TrafficFilter { account: ["else".into()].into(), ..filter.clone() },
            TrafficFilter { requested: ["".into()].into(), ..filter.clone() },
            TrafficFilter { model: ["claude".into()].into(), ..filter.clone() },
            TrafficFilter { region: ["geo:us".into()].into(), ..filter.clone() },
            TrafficFilter { tier: [Tier::Batch].into(), ..filter.clone() },
            TrafficFilter { outcome: [Outcome::Failed].into(), ..filter.clone() },
            TrafficFilter { call_type: [CallType::Poll].into(), ..filter.clone() },
            TrafficFilter { stream: Some(false), ..filter.clone() },
            TrafficFilter { key: ["b".into()].into(), ..filter.clone() },
        ] {
            assert!(!other.takes(&row("a")), "{other:?}");
        }
    }

    #[test]
    fn meters_change_places_and_what_is_not_billed_is_nobodys_usage() {
        let meters = [(Meter::CacheWrite5m, Meter::CacheWrite1h), (Meter::CacheWrite1h, Meter::CacheWrite5m)];
        let set = TrafficSet { meters: meters.into(), prompt: Some(0), ..TrafficSet::default() };
        let swapped = applied(&[rule(TrafficFilter::default(), set)], row("a"));
        let count = |meter| swapped.sums.meters.get(meter);
        assert_eq!((count(Meter::CacheWrite5m), count(Meter::CacheWrite1h), swapped.prompt), (5, 7, 0));

        let free =
            [rule(TrafficFilter::default(), TrafficSet { billed: Some(false), ..TrafficSet::default() })];
        let outcome =
            |outcome, call_type| applied(&free, DayUsage { outcome, call_type, ..row("a") }).outcome;
        assert_eq!(outcome(Outcome::Success, CallType::Generation), Outcome::OtherPayer);
        assert_eq!(outcome(Outcome::FailedWithUsage, CallType::Generation), Outcome::Failed);
        assert_eq!(outcome(Outcome::Success, CallType::Poll), Outcome::Duplicate);
        assert_eq!(outcome(Outcome::CacheHit, CallType::Generation), Outcome::CacheHit);
    }

    #[test]
    fn a_model_that_the_book_does_not_know_keeps_its_name() {
        let set = |model: &str| TrafficSet { model: Some(model.into()), ..TrafficSet::default() };
        let model = |name| applied(&[rule(TrafficFilter::default(), set(name))], row("a")).model;
        assert_eq!(&*model("claude-opus-4-8"), "claude-opus-4-8");
        assert_eq!(&*model("Own-Model"), "own-model");
    }
}
