//! Modifiers: the bill shows a tier, region or context band that the log did not.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::rate::Account;
use crate::reconcile::quantity::{self, Gaps, Known};
use crate::reconcile::{BillKey, CellKey, Edit, State};
use crate::vocabulary::{Meter, Tier};

/// The dimension in which two keys differ.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Shift {
    Tier(Tier),
    Region(Arc<str>),
    LongContext,
}

/// What to do where the log says batch and the bill does not.
pub(super) const NO_BATCH: &str = "compare the batch ids of these calls with the provider's: they did not run as a batch, or the discount is owed";
/// Days on which prompts are in the other band, where the log is noisy.
const DAYS: usize = 3;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    Ok(told(state, quantity::gaps))
}

/// What a rounded bill names and nothing else has explained: its amounts stand for counts, of what the log does not know.
pub fn rounded(state: &State) -> Result<Vec<Patch>> {
    let told = told(state, |state, cell| {
        let mut gaps = quantity::reckoned(state, cell);
        gaps.retain(|_, gap| {
            let unknown = gap.logged == 0 && gap.billed > gap.within;
            gap.known != Known::Reckoned || gap.difference() < 0 || unknown
        });
        gaps
    });
    Ok(told.into_iter().map(|patch| Patch { name: format!("{} rounded", patch.name), ..patch }).collect())
}

fn told(state: &State, gaps: impl Fn(&State, &CellKey) -> Gaps) -> Vec<Patch> {
    let mut found: BTreeMap<(Account, Arc<str>, Shift), Vec<Edit>> = BTreeMap::new();
    for cell in &state.open {
        let Some(model) = cell.model.clone() else { continue };
        for (shift, edit) in shifts(state, &gaps(state, cell)) {
            if state.keeps(&name(&cell.account, &model, &shift), &edit) {
                found.entry((cell.account.clone(), model.clone(), shift)).or_default().push(edit);
            }
        }
    }
    // A row of a noisy log that counts a prompt too short by a little is no other band.
    let few = |shift: &Shift, edits: &[Edit]| {
        *shift == Shift::LongContext && state.noise > 0 && scope_days(edits) < DAYS
    };
    found
        .into_iter()
        .filter(|((.., shift), edits)| !few(shift, edits))
        .map(|((account, model, shift), edits)| patch(state, &account, &model, &shift, edits))
        .collect()
}

/// Billed in one tier, region or band, logged in another: what the one has more, the other has less. A noisy log may have
/// a little less than was billed.
fn shifts(state: &State, gaps: &Gaps) -> Vec<(Shift, Edit)> {
    let mut spare: BTreeMap<&BillKey, i128> =
        gaps.iter().map(|(key, gap)| (key, -gap.difference())).filter(|(_, spare)| *spare > 0).collect();
    let (mut edits, mut short_prompts) = (Vec::new(), false);
    for (to, gap) in gaps.iter().filter(|(_, gap)| gap.difference() > 0) {
        let mut wanted = gap.difference();
        // Where the log knows such usage too, two wrong counts look like a shift, unless one has what the other lacks.
        let near = |from: &BillKey, have: i128| {
            let (rounded, slack) =
                (gap.within + gaps[from].within, quantity::slack(state, gaps[from].logged));
            match gap.logged {
                0 if rounded > 0 => (have - wanted).abs() <= rounded + slack,
                0 => true,
                logged => (have - wanted).abs() <= 2 * quantity::slack(state, gaps[from].logged + logged),
            }
        };
        let alone: Vec<&BillKey> =
            spare.iter().filter(|(from, have)| near(from, **have)).map(|(from, _)| *from).collect();
        for from in alone {
            let Some(shift) = shift(from, to) else { continue };
            // A prompt that was counted too short falls below the boundary: then its count is wrong, not its band.
            if shift == Shift::LongContext && spare[from] * 100 < wanted * 97 {
                short_prompts = true;
                continue;
            }
            let Some(have) = spare.get_mut(from) else { continue };
            let slack = quantity::slack(state, gaps[from].logged) + gap.within + gaps[from].within;
            let part = if wanted > *have && wanted - *have <= slack {
                wanted.min(gaps[from].logged)
            } else {
                wanted.min(*have)
            };
            if part > 0 {
                *have -= part;
                wanted -= part;
                edits.push((shift, Edit::Move { from: from.clone(), to: to.clone(), quantity: part }));
            }
        }
    }
    // One call has one band, whatever its other meters say.
    edits.retain(|(shift, _)| !(short_prompts && *shift == Shift::LongContext));
    edits
}

/// The single modifier between two keys of one meter, towards what only the bill knows.
fn shift(from: &BillKey, to: &BillKey) -> Option<Shift> {
    if from.meter != to.meter || from.owner != to.owner {
        return None;
    }
    match (from.tier != to.tier, from.region != to.region, from.long_context != to.long_context) {
        (true, false, false) => to.tier.map(Shift::Tier),
        (false, true, false) => to.region.clone().map(Shift::Region),
        (false, false, true) => Some(Shift::LongContext),
        _ => None,
    }
}

fn patch(state: &State, account: &Account, model: &Arc<str>, shift: &Shift, edits: Vec<Edit>) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let mut by_meter: BTreeMap<Meter, i128> = BTreeMap::new();
    let mut origin = String::new();
    for edit in &edits {
        if let Edit::Move { from, to, quantity } = edit {
            scope.cover(&from.cell);
            scope.meters.extend(from.meter);
            scope.tiers.extend(to.tier);
            scope.regions.extend(to.region.clone());
            if let Some(meter) = from.meter {
                *by_meter.entry(meter).or_default() += quantity;
            }
            if origin.is_empty() {
                origin = state.bill(to).origin.to_string();
            }
        }
    }
    if let Some(key) = only_key(state, &edits) {
        scope.keys.insert(key);
    }
    let was_batch =
        edits.iter().all(|edit| matches!(edit, Edit::Move { from, .. } if from.tier == Some(Tier::Batch)));
    let (cause, what, fix) = match shift {
        Shift::Tier(Tier::Standard) if was_batch => (
            "rate.batch",
            "the bill shows these tokens at the standard price, the log as batch".to_owned(),
            NO_BATCH.to_owned(),
        ),
        Shift::Tier(Tier::Batch) => (
            "rate.batch",
            "the bill shows these tokens as batch".to_owned(),
            "log batch traffic as batch: send it on a key or deployment of its own, or keep the batch id"
                .to_owned(),
        ),
        Shift::Tier(tier) => (
            if matches!(tier, Tier::Fast | Tier::Ultrafast) {
                "rate.speed_premium"
            } else {
                "rate.service_tier"
            },
            format!("the bill shows these tokens at tier {tier}"),
            format!(
                "keep the served `service_tier` in the log; requests at {tier} are priced at the standard rate without it"
            ),
        ),
        Shift::Region(region) => (
            "rate.region_uplift",
            format!("the bill shows these tokens in region {region}"),
            format!("record the region of this route: its traffic is served and billed as {region}"),
        ),
        Shift::LongContext => (
            "rate.context_band",
            "the bill shows these tokens in the other context band".to_owned(),
            "check how the gateway counts the prompt (cache reads and writes belong to it)".to_owned(),
        ),
    };
    let mut facts = vec![Fact::new("what", what).at(origin)];
    facts.extend(by_meter.iter().map(|(meter, quantity)| Fact::new(format!("{meter} tokens"), quantity)));
    facts.push(Fact::new("days", scope_days(&edits)));
    // Of usage that came from another model the log does not say how long its prompts were by this one's bands.
    let rerouted = *shift == Shift::LongContext && came_from_others(state, model, &edits);
    let rivals = if rerouted { REROUTED.map(str::to_owned).into() } else { Vec::new() };
    Patch {
        name: name(account, model, shift),
        cause,
        // The bill itself names the tier or region; the quantities only have to match.
        status: if rerouted { Status::Ambiguous } else { Status::Proven },
        scope,
        edits,
        facts,
        decides: rerouted.then(|| "the prompt sizes of the calls that this model served".to_owned()),
        rivals,
        fix: Some(Fix { kind: "gateway", text: fix, patch: String::new() }),
    }
}

/// What brings a model usage of others.
const REROUTED: [&str; 3] = ["map.alias_repointed", "map.deployment_name", "map.fallback"];

/// True where more stands under the keys than the log has of the model itself: an earlier family has moved it there.
fn came_from_others(state: &State, model: &Arc<str>, edits: &[Edit]) -> bool {
    let mut own: BTreeMap<BillKey, i128> = BTreeMap::new();
    for row in state.usage.iter().filter(|row| row.model == *model && row.outcome.is_billable()) {
        for (key, _, count) in state.places(row) {
            *own.entry(key).or_default() += count;
        }
    }
    edits
        .iter()
        .filter_map(|edit| edit.keys().next())
        .any(|from| state.logged_quantity(from) > own.get(from).copied().unwrap_or(0))
}

fn name(account: &Account, model: &Arc<str>, shift: &Shift) -> String {
    format!("modifier {account:?} {model} {shift:?}")
}

fn scope_days(edits: &[Edit]) -> usize {
    let days: std::collections::BTreeSet<_> = edits
        .iter()
        .filter_map(|edit| if let Edit::Move { from, .. } = edit { Some(from.cell.first) } else { None })
        .collect();
    days.len()
}

/// The gateway key whose traffic is exactly what moved, if there is one.
fn only_key(state: &State, edits: &[Edit]) -> Option<Arc<str>> {
    let mut moved: BTreeMap<&BillKey, i128> = BTreeMap::new();
    for edit in edits {
        if let Edit::Move { from, quantity, .. } = edit {
            *moved.entry(from).or_default() += quantity;
        }
    }
    let (first, _) = moved.iter().next()?;
    let mut traffic: BTreeMap<&Arc<str>, BTreeMap<BillKey, i128>> = BTreeMap::new();
    for row in state.usage.iter().filter(|row| {
        row.outcome.is_billable()
            && row.account == first.cell.account
            && first.cell.model.as_ref() == Some(&row.model)
    }) {
        for (key, _, count) in state.places(row) {
            *traffic.entry(&row.key).or_default().entry(key).or_default() += count;
        }
    }
    let only = |of: &BTreeMap<BillKey, i128>| moved.iter().all(|(key, count)| of.get(*key) == Some(count));
    traffic.into_iter().find(|(_, of)| only(of)).map(|(key, _)| key.clone())
}
