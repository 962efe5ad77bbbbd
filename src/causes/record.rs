//! Record repair: rows the log counts and the provider did not bill.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::went_along::{self, WentAlong};
use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::Money;
use crate::rate::{Account, DayUsage, Leaf};
use crate::reconcile::owners::Owner;
use crate::reconcile::{BillKey, CellKey, Edit, Part, State, quantity};
use crate::vocabulary::{CallType, Meter, Outcome};

/// A kind of row on which log and bill are known to part.
pub(super) struct Suspect {
    pub cause: &'static str,
    pub what: &'static str,
    pub is: fn(&DayUsage) -> bool,
    pub fix: &'static str,
}

static SUSPECTS: &[Suspect] = &[
    Suspect {
        cause: "qty.failed_priced",
        what: "failed rows with tokens that the provider did not bill",
        is: |row| row.outcome == Outcome::FailedWithUsage,
        fix: "do not price rows with an error status from this provider; its failures before output are free",
    },
    Suspect {
        cause: "qty.poll_duplicate",
        what: "retrievals that repeat usage billed before",
        is: |row| row.outcome.is_billable() && row.call_type == CallType::Poll,
        fix: "log retrievals and polls without usage; the work was billed when it ran",
    },
];

/// True for billable rows that no repair has dropped.
pub fn stands(state: &State, row: &DayUsage) -> bool {
    let dropped = || {
        SUSPECTS.iter().any(|suspect| (suspect.is)(row))
            && state.places(row).any(|(key, ..)| state.dropped.contains(&key))
    };
    row.outcome.is_billable() && !dropped()
}

pub(super) type ByModel = BTreeMap<(Account, Arc<str>), Vec<Edit>>;

/// Counts of one kind of row in one cell.
type Counts = Vec<(BillKey, i128)>;

/// Drops a suspect kind where the bill lacks exactly its tokens.
pub fn not_billed(state: &State) -> Result<Vec<Patch>> {
    let mut parts: BTreeMap<Part, Vec<(usize, Counts)>> = BTreeMap::new();
    let elsewhere: Vec<WentAlong> =
        SUSPECTS.iter().map(|suspect| went_along::find(state, suspect.is)).collect();
    for (kind, suspect) in SUSPECTS.iter().enumerate() {
        let here = |row: &DayUsage| (suspect.is)(row) && !elsewhere[kind].has(row);
        for (key, count) in state.subset(here).into_iter().filter(|(_, count)| *count > 0) {
            let kinds = parts.entry((key.cell.clone(), key.owner)).or_default();
            match kinds.last_mut().filter(|(last, _)| *last == kind) {
                Some((_, counts)) => counts.push((key, count)),
                None => kinds.push((kind, vec![(key, count)])),
            }
        }
    }
    let mut found: Vec<ByModel> = SUSPECTS.iter().map(|_| ByModel::new()).collect();
    let mut shown: BTreeSet<(usize, Account, Arc<str>)> = BTreeSet::new();
    let mut nearly: Vec<(usize, CellKey, Counts)> = Vec::new();
    for ((cell, _), kinds) in parts {
        let Some(model) = cell.model.clone() else { continue };
        let told = lacking(state, &cell, &kinds);
        if told.is_empty()
            && let [(kind, counts)] = &kinds[..]
            && lacks_most(state, &cell, counts)
        {
            nearly.push((*kind, cell.clone(), counts.clone()));
        }
        for (kind, counts, here) in told {
            if here {
                shown.insert((kind, cell.account.clone(), model.clone()));
            }
            found[kind].entry((cell.account.clone(), model.clone())).or_default().extend(dropped(counts));
        }
    }
    // What other days show holds for a day on which the log has lost some of its other tokens too.
    for (kind, cell, counts) in nearly {
        let Some(edits) = cell.model.and_then(|model| found[kind].get_mut(&(cell.account, model))) else {
            continue;
        };
        let tokens = |edits: &[Edit]| {
            edits
                .iter()
                .map(|edit| if let Edit::Drop { quantity, .. } = edit { *quantity } else { 0 })
                .sum::<i128>()
        };
        let more: Vec<Edit> = dropped(counts).collect();
        if tokens(&more) <= tokens(edits) {
            edits.extend(more);
        }
    }
    let mut patches = Vec::new();
    for ((kind, suspect), mut found) in SUSPECTS.iter().enumerate().zip(found) {
        found.retain(|(account, model), _| shown.contains(&(kind, account.clone(), model.clone())));
        in_sums(state, suspect, &mut found)?;
        for ((account, model), edits) in found {
            let here = |row: &&DayUsage| (suspect.is)(row) && !elsewhere[kind].has(row);
            let rows = |row: &&DayUsage| here(row) && row.account == account && row.model == model;
            let count: u64 = state.usage.iter().filter(rows).map(|row| row.sums.requests).sum();
            let keys = state
                .usage
                .iter()
                .filter(rows)
                .map(|row| row.key.clone())
                .filter(|key| !key.is_empty())
                .collect();
            patches.push(patch(suspect, &account, &model, edits, keys, count));
        }
    }
    Ok(patches)
}

fn dropped(counts: Counts) -> impl Iterator<Item = Edit> {
    counts.into_iter().map(|(from, quantity)| Edit::Drop { from, quantity })
}

/// Of each meter the bill lacks at least so much of such rows' tokens where something else is in the way: 4 of 5.
const MOST: (i128, i128) = (4, 5);

/// True where the bill lacks most of such rows' tokens, meter by meter, and of no meter more than all of them.
fn lacks_most(state: &State, cell: &CellKey, counts: &Counts) -> bool {
    let gaps = quantity::by_meter(state, cell);
    let most = |(meter, count): (&(Owner, Meter), &i128)| {
        let lacks = gaps.get(meter).map_or(0, |gap| -gap);
        lacks * MOST.1 >= count * MOST.0 && lacks <= *count
    };
    by_meter(counts).is_some_and(|sums| sums.iter().all(most))
}

/// Amounts over many days: such rows of the whole cell cost what the bill has less, but for a tenth at most, which is the
/// noise of the other rows. The search sees single days.
fn in_sums(state: &State, suspect: &Suspect, found: &mut ByModel) -> Result<()> {
    let mut cells: BTreeMap<CellKey, Vec<(BillKey, Leaf, i128)>> = BTreeMap::new();
    for row in state.usage.iter().filter(|row| (suspect.is)(row)) {
        for (key, leaf, count) in state.places(row) {
            if key.meter.is_none() && key.cell.first < key.cell.last {
                cells.entry(key.cell.clone()).or_default().push((key, leaf, count));
            }
        }
    }
    for (cell, parts) in cells {
        let mut amount = Money::ZERO;
        for (key, leaf, count) in &parts {
            if let Some(unit) = state.unit(key, leaf) {
                amount += crate::rate::amount(unit, *count)?;
            }
        }
        let left = state.delta(&cell)? + amount;
        if state.open.contains(&cell) && amount.pico() > 0 && left.pico().abs() * 10 <= amount.pico() {
            for (key, leaf, quantity) in parts {
                let name = (cell.account.clone(), leaf.model.clone());
                let edit = Edit::Restate { less: Some((key, leaf)), more: None, quantity };
                found.entry(name).or_default().push(edit);
            }
        }
    }
    Ok(())
}

/// The kinds of row whose counts the bill of a cell lacks, and whether they are enough to tell. What one kind explains to
/// the last token no other has a part in; where several would do, the bill must lack the sum of them.
fn lacking(state: &State, cell: &CellKey, kinds: &[(usize, Counts)]) -> Vec<(usize, Counts, bool)> {
    let (gaps, mut logged) = (quantity::by_meter(state, cell), quantity::ByMeter::new());
    for key in state.keys_of(cell) {
        if let Some(meter) = key.meter {
            *logged.entry((key.owner, meter)).or_default() += state.logged_quantity(&key);
        }
    }
    let mut told = Vec::new();
    for (kind, counts) in kinds {
        if let Some(sum) = by_meter(counts)
            && let Some(lacks) = Lacks::of(state, &gaps, &logged, &sum)
        {
            told.push((*kind, counts.clone(), sum, lacks));
        }
    }
    if told.iter().any(|(.., lacks)| lacks.all) {
        told.retain(|(.., lacks)| lacks.all);
    }
    let mut all = quantity::ByMeter::new();
    told.retain(|(_, _, sum, _)| {
        let mut with = all.clone();
        sum.iter().for_each(|(meter, count)| *with.entry(*meter).or_default() += count);
        let fits = Lacks::of(state, &gaps, &logged, &with).is_some();
        if fits {
            all = with;
        }
        fits
    });
    told.into_iter().map(|(kind, counts, _, lacks)| (kind, counts, lacks.shown)).collect()
}

fn by_meter(counts: &Counts) -> Option<quantity::ByMeter> {
    let mut sums = quantity::ByMeter::new();
    for (key, count) in counts {
        *sums.entry((key.owner, key.meter?)).or_default() += count;
    }
    Some(sums)
}

/// How the bill lacks some counts of a cell.
struct Lacks {
    /// They are more than noise, and other rows of their meters were billed.
    shown: bool,
    /// Nothing else is missing of their meters.
    all: bool,
}

impl Lacks {
    /// `None` where the bill has them, to the noise of the log's other counts.
    fn of(
        state: &State,
        gaps: &quantity::ByMeter,
        logged: &quantity::ByMeter,
        counts: &quantity::ByMeter,
    ) -> Option<Lacks> {
        let mut lacks = Lacks { shown: false, all: true };
        for (meter, count) in counts {
            let logged = logged.get(meter).copied().unwrap_or(0);
            let slack = quantity::slack(state, logged);
            let gap = gaps.get(meter).filter(|gap| **gap <= slack - count)?;
            // Where the bill has none of the other rows either, they are elsewhere, and these may be with them.
            let gone = *count < logged && *gap + logged <= slack;
            lacks.shown |= *count > 2 * slack && !gone;
            lacks.all &= (gap + count).abs() <= slack;
        }
        Some(lacks)
    }
}

pub(super) fn patch(
    kind: &Suspect,
    account: &Account,
    model: &Arc<str>,
    edits: Vec<Edit>,
    keys: BTreeSet<Arc<str>>,
    rows: u64,
) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    scope.keys = keys.into_iter().filter(|key| !key.is_empty()).collect();
    let mut by_meter = BTreeMap::new();
    for edit in &edits {
        let (key, meter, quantity) = match edit {
            Edit::Drop { from, quantity } => (from, from.meter, Some(quantity)),
            Edit::Restate { less: Some((key, leaf)), quantity, .. } => {
                (key, Some(leaf.meter), Some(quantity))
            }
            Edit::Accept { key } => (key, key.meter, None),
            _ => continue,
        };
        scope.cover(&key.cell);
        scope.meters.extend(meter);
        if let Some(quantity) = quantity {
            *by_meter.entry(meter).or_insert(0i128) += quantity.abs();
        }
    }
    let mut facts = vec![Fact::new("what", kind.what), Fact::new("rows in the log", rows)];
    facts.extend(
        by_meter
            .into_iter()
            .filter_map(|(meter, count)| Some(Fact::new(format!("{} tokens", meter?), count))),
    );
    Patch {
        name: format!("record {} {account:?} {model}", kind.cause),
        cause: kind.cause,
        status: Status::Proven,
        scope,
        edits,
        facts,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix { kind: "gateway", text: kind.fix.to_owned(), patch: String::new() }),
    }
}
