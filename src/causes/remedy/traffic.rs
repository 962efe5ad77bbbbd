//! Rules about traffic out of moved quantities: which part of the log is exactly what moved, and on which days?

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::period::Day;
use crate::rate::{Account, DayUsage, Leaf, TrafficFilter, TrafficRule, TrafficSet};
use crate::reconcile::{BillKey, Edit, State};

/// Where a quantity was taken from: a key of the bill, or one leaf of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Key(BillKey),
    Leaf(Leaf),
}

/// What all edits of a patch did, if it is one change of some traffic of one model.
struct Moved {
    account: Account,
    model: Arc<str>,
    set: TrafficSet,
    quantities: BTreeMap<Place, i128>,
}

/// The rules that would have done what the edits did; none where no part of the log is exactly what they moved. Where the
/// finding is about traffic that is `named`, the rule is about no other that may come.
pub fn rules(state: &State, edits: &[Edit], named: &TrafficFilter) -> Vec<TrafficRule> {
    let Some(moved) = moved(state, edits) else { return Vec::new() };
    let rows: Vec<&DayUsage> = state
        .usage
        .iter()
        .filter(|row| row.account == moved.account && row.model == moved.model && row.outcome.is_billable())
        .collect();
    for names in COMBINATIONS {
        for (filter, part) in parts(&rows, names) {
            if let Some(days) = days(state, &moved, &part) {
                let filter = narrowed(filter, named, &part);
                return runs(&days).map(|(from, until)| rule(&moved, &filter, from, until)).collect();
            }
        }
    }
    Vec::new()
}

fn narrowed(mut filter: TrafficFilter, named: &TrafficFilter, part: &[&DayUsage]) -> TrafficFilter {
    if part.iter().all(|row| named.takes(row)) {
        filter.key.extend(named.key.iter().cloned());
        filter.requested.extend(named.requested.iter().cloned());
    }
    filter
}

fn rule(moved: &Moved, filter: &TrafficFilter, from: Day, until: Option<Day>) -> TrafficRule {
    let mut filter = filter.clone();
    filter.model = [moved.model.clone()].into();
    TrafficRule { seller: moved.account.provider.clone(), from, until, filter, set: moved.set.clone() }
}

/// One thing that rows can have in common.
#[derive(Debug, Clone, Copy)]
enum Attribute {
    Requested,
    Key,
    Outcome,
    CallType,
    Stream,
    Tier,
    Region,
}

/// What the rows of a rule have in common: the plainest first.
const COMBINATIONS: &[&[Attribute]] = {
    use Attribute::{CallType, Key, Outcome, Region, Requested, Stream, Tier};
    &[
        &[],
        &[Requested],
        &[Key],
        &[Outcome],
        &[CallType],
        &[Stream],
        &[Tier],
        &[Region],
        &[Key, Requested],
        &[Key, Outcome],
        &[Key, Tier],
        &[Key, Region],
        &[Key, Stream],
        &[Requested, Outcome],
        &[Requested, Tier],
        &[Requested, Region],
    ]
};

fn parts<'r>(rows: &[&'r DayUsage], names: &[Attribute]) -> Vec<(TrafficFilter, Vec<&'r DayUsage>)> {
    let mut found: BTreeMap<TrafficFilter, Vec<&DayUsage>> = BTreeMap::new();
    for row in rows {
        let mut filter = TrafficFilter::default();
        for name in names {
            match name {
                Attribute::Requested => filter.requested = [row.asked_for().clone()].into(),
                Attribute::Key => filter.key = [row.key.clone()].into(),
                Attribute::Outcome => filter.outcome = [row.outcome].into(),
                Attribute::CallType => filter.call_type = [row.call_type].into(),
                Attribute::Stream => filter.stream = Some(row.stream),
                Attribute::Tier => filter.tier = [row.tier].into(),
                Attribute::Region => filter.region = [row.region.clone()].into(),
            }
        }
        found.entry(filter).or_default().push(row);
    }
    found.into_iter().collect()
}

/// Days of the part, in order, each with whether it moved; `None` where the part is not exactly what moved. Days on
/// which the change would make no difference say nothing.
fn days(state: &State, moved: &Moved, part: &[&DayUsage]) -> Option<Vec<(Day, bool)>> {
    let by_leaf = moved.quantities.keys().any(|place| matches!(place, Place::Leaf(_)));
    let mut sums: BTreeMap<Place, i128> = BTreeMap::new();
    let mut leaves: BTreeSet<(Leaf, Place)> = BTreeSet::new();
    for (key, leaf, quantity) in part.iter().flat_map(|row| state.places(row)) {
        let place = if by_leaf { Place::Leaf(leaf.clone()) } else { Place::Key(key) };
        *sums.entry(place.clone()).or_default() += quantity;
        leaves.insert((leaf, place));
    }
    if moved.quantities.iter().any(|(place, quantity)| sums.get(place) != Some(quantity)) {
        return None;
    }
    let mut days: BTreeMap<Day, (bool, bool)> = BTreeMap::new();
    for (leaf, place) in leaves {
        let day = days.entry(leaf.day).or_default();
        if moved.quantities.contains_key(&place) {
            day.0 = true;
        } else {
            day.1 |= !same_price(state, &leaf, &moved.set);
        }
    }
    // A day of which a part moved and a part that matters did not is no day of a rule.
    if days.values().any(|(moved, stayed)| *moved && *stayed) {
        return None;
    }
    Some(
        days.into_iter()
            .filter(|(_, (moved, stayed))| *moved || *stayed)
            .map(|(day, (moved, _))| (day, moved))
            .collect(),
    )
}

fn same_price(state: &State, leaf: &Leaf, set: &TrafficSet) -> bool {
    if set.billed == Some(false) {
        return state.rater.ratio(leaf).is_some_and(|unit| unit.is_zero());
    }
    let changed = Leaf {
        model: set.model.clone().unwrap_or_else(|| leaf.model.clone()),
        tier: set.tier.unwrap_or(leaf.tier),
        region: set.region.clone().unwrap_or_else(|| leaf.region.clone()),
        prompt: set.prompt.unwrap_or(leaf.prompt),
        meter: set.meters.get(&leaf.meter).copied().unwrap_or(leaf.meter),
        ..leaf.clone()
    };
    state.rater.ratio(&changed) == state.rater.ratio(leaf)
}

/// Runs of days that moved. What lasts to the last day of its traffic goes on.
fn runs(days: &[(Day, bool)]) -> impl Iterator<Item = (Day, Option<Day>)> + '_ {
    let groups = days.chunk_by(|a, b| a.1 == b.1).filter(|run| run.first().is_some_and(|(_, moved)| *moved));
    let end = days.last().map(|(day, _)| *day);
    groups.filter_map(move |run| {
        let (first, last) = (run.first()?.0, run.last()?.0);
        Some((first, Some(last).filter(|last| Some(*last) != end)))
    })
}

/// Sums up the edits as one change.
fn moved(state: &State, edits: &[Edit]) -> Option<Moved> {
    let mut all: Option<Moved> = None;
    for edit in edits {
        let (place, account, model, quantity, set) = match edit {
            Edit::Move { from, to, quantity } => {
                let model = from.cell.model.clone()?;
                (Place::Key(from.clone()), &from.cell.account, model, *quantity, of_keys(state, from, to)?)
            }
            Edit::Restate { less: Some((_, leaf)), more, quantity } => {
                let set = of_leaves(leaf, more.as_ref().map(|(_, leaf)| leaf))?;
                (Place::Leaf(leaf.clone()), &leaf.account, leaf.model.clone(), *quantity, set)
            }
            Edit::Drop { from, quantity } if *quantity > 0 => {
                let set = TrafficSet { billed: Some(false), ..TrafficSet::default() };
                (Place::Key(from.clone()), &from.cell.account, from.cell.model.clone()?, *quantity, set)
            }
            _ => return None,
        };
        let all = all.get_or_insert_with(|| Moved {
            account: account.clone(),
            model: model.clone(),
            set: TrafficSet { meters: BTreeMap::new(), ..set.clone() },
            quantities: BTreeMap::new(),
        });
        let mut meters = set.meters.clone();
        if (&all.account, &all.model) != (account, &model)
            || all.set != (TrafficSet { meters: all.set.meters.clone(), ..set })
            || meters.iter().any(|(from, to)| all.set.meters.get(from).is_some_and(|other| other != to))
        {
            return None;
        }
        all.set.meters.append(&mut meters);
        *all.quantities.entry(place).or_default() += quantity;
    }
    all.filter(|moved| !moved.set.is_empty())
}

fn of_leaves(from: &Leaf, to: Option<&Leaf>) -> Option<TrafficSet> {
    let Some(to) = to else { return Some(TrafficSet { billed: Some(false), ..TrafficSet::default() }) };
    (from.account == to.account && from.day == to.day).then(|| TrafficSet {
        model: (from.model != to.model).then(|| to.model.clone()),
        region: (from.region != to.region).then(|| to.region.clone()),
        tier: (from.tier != to.tier).then_some(to.tier),
        prompt: (from.prompt != to.prompt).then_some(to.prompt),
        meters: (from.meter != to.meter).then_some((from.meter, to.meter)).into_iter().collect(),
        billed: None,
    })
}

fn of_keys(state: &State, from: &BillKey, to: &BillKey) -> Option<TrafficSet> {
    let same_days = (from.cell.first, from.cell.last) == (to.cell.first, to.cell.last);
    if from.cell.account != to.cell.account || !same_days {
        return None;
    }
    let prompt = match (from.long_context != to.long_context, to.long_context) {
        (false, _) => None,
        (true, Some(false)) => Some(0),
        (true, _) => {
            let leaf = state.model_leaf(to)?;
            let bands = 0..=state.rater.book.bands().len() as u8;
            let mut prompts = bands.map(|band| state.rater.book.band_prompt(band));
            Some(
                prompts
                    .find(|prompt| state.rater.is_long_context(&Leaf { prompt: *prompt, ..leaf.clone() }))?,
            )
        }
    };
    Some(TrafficSet {
        model: (from.cell.model != to.cell.model).then(|| to.cell.model.clone()).flatten(),
        region: (from.region != to.region).then(|| to.region.clone()).flatten(),
        tier: (from.tier != to.tier).then_some(to.tier).flatten(),
        prompt,
        meters: (from.meter != to.meter)
            .then(|| Some((from.meter?, to.meter?)))
            .flatten()
            .into_iter()
            .collect(),
        billed: None,
    })
}
