//! Meter moves: the total is right, the split is not. What one meter has too much, the other has too little.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::search::score::{DIGIT, Digits, digits};
use super::{Fact, Fix, Patch, Scope, Status, of_all};
use crate::error::Result;
use crate::rate::Account;
use crate::reconcile::quantity::{self, Gaps};
use crate::reconcile::{BillKey, CellKey, Edit, State};
use crate::vocabulary::Meter;

/// A pair of meters that a known mistake confuses, as logged and as billed.
struct Confusion {
    logged: Meter,
    billed: Meter,
    cause: &'static str,
    what: &'static str,
    fix: &'static str,
}

static CONFUSIONS: &[Confusion] = &[
    Confusion {
        logged: Meter::Input,
        billed: Meter::CacheRead,
        cause: "cls.cache_read_as_input",
        what: "the log counts cache reads as input",
        fix: "make the gateway keep `cached_tokens` on this route (streaming calls lose it first), then read the log again",
    },
    Confusion {
        logged: Meter::CacheRead,
        billed: Meter::Input,
        cause: "cls.cache_read_as_input",
        what: "the bill charges as input what the log counts as cache reads",
        fix: "check the provider's minimum cacheable prompt and cache lifetime for these calls; the reads did not happen as billed",
    },
    Confusion {
        logged: Meter::Input,
        billed: Meter::CacheWrite5m,
        cause: "cls.cache_write_lost",
        what: "the log counts cache writes as input",
        fix: "make the gateway keep the cache creation counts of this route, then read the log again",
    },
    Confusion {
        logged: Meter::Input,
        billed: Meter::CacheWrite30m,
        cause: "cls.cache_write_lost",
        what: "the log counts cache writes as input",
        fix: "make the gateway keep the cache creation counts of this route, then read the log again",
    },
    Confusion {
        logged: Meter::Input,
        billed: Meter::CacheWrite1h,
        cause: "cls.cache_write_lost",
        what: "the log counts cache writes as input",
        fix: "make the gateway keep the cache creation counts of this route, then read the log again",
    },
    Confusion {
        logged: Meter::Input,
        billed: Meter::CacheWrite12h,
        cause: "cls.cache_write_lost",
        what: "the log counts cache writes as input",
        fix: "make the gateway keep the cache creation counts of this route, then read the log again",
    },
    Confusion {
        logged: Meter::Input,
        billed: Meter::CacheWriteOther,
        cause: "cls.cache_write_lost",
        what: "the log counts cache writes as input",
        fix: "make the gateway keep the cache creation counts of this route, then read the log again",
    },
    Confusion {
        logged: Meter::CacheWrite5m,
        billed: Meter::CacheWrite1h,
        cause: "rate.cache_ttl",
        what: "the log counts 1-hour cache writes as 5-minute ones",
        fix: "make the gateway keep the lifetime split of cache writes (`cache_creation`)",
    },
    Confusion {
        logged: Meter::CacheWriteOther,
        billed: Meter::CacheWrite1h,
        cause: "rate.cache_ttl",
        what: "the log does not say that these cache writes live for an hour",
        fix: "make the gateway keep the lifetime split of cache writes (`cache_creation`)",
    },
    Confusion {
        logged: Meter::CacheWrite1h,
        billed: Meter::CacheWrite5m,
        cause: "rate.cache_ttl",
        what: "the log counts 5-minute cache writes as 1-hour ones",
        fix: "make the gateway keep the lifetime split of cache writes (`cache_creation`)",
    },
    Confusion {
        logged: Meter::Input,
        billed: Meter::InputAudio,
        cause: "cls.modality",
        what: "the log counts audio input as text",
        fix: "make the gateway keep the token details by modality, then read the log again",
    },
    Confusion {
        logged: Meter::Input,
        billed: Meter::InputImage,
        cause: "cls.modality",
        what: "the log counts image input as text",
        fix: "make the gateway keep the token details by modality, then read the log again",
    },
    Confusion {
        logged: Meter::Output,
        billed: Meter::OutputAudio,
        cause: "cls.modality",
        what: "the log counts audio output as text",
        fix: "make the gateway keep the token details by modality, then read the log again",
    },
    Confusion {
        logged: Meter::Output,
        billed: Meter::OutputImage,
        cause: "cls.modality",
        what: "the log counts image output as text",
        fix: "make the gateway keep the token details by modality, then read the log again",
    },
];

/// Days that must agree to the noise of the log before others may be off by some times as much: a day with few rows is
/// noisier than the account.
const DAYS: usize = 3;
const NOISIER: i128 = 4;
/// Binary digits, beyond rounding, that counts must share where they are reckoned from rounded amounts.
const SURE: Digits = 24 * DIGIT;

/// Moves of one model: those that agree to the noise of the log, those that do and are hardly more than it, those that agree
/// to some times as much, and the digits that reckoned counts share; `None` where all are known.
#[derive(Default)]
struct Moves {
    near: Vec<Edit>,
    faint: Vec<Edit>,
    far: Vec<Edit>,
    shared: Option<Digits>,
}

impl Moves {
    fn merge(&mut self, other: Moves) {
        self.near.extend(other.near);
        self.faint.extend(other.faint);
        self.far.extend(other.far);
        self.shared = other.shared.map(|shared| shared + self.shared.unwrap_or(0)).or(self.shared);
    }

    /// Those that are believed: days that say little by themselves go with those that say it, and lie between them.
    fn told(self) -> Vec<Edit> {
        if self.shared.is_some_and(|shared| shared < SURE) {
            return Vec::new();
        }
        let mut edits = self.near;
        if days(&edits) >= DAYS {
            let day = |edit: &Edit| edit.keys().next().map(|key| key.cell.first);
            let (first, last) = (edits.iter().filter_map(day).min(), edits.iter().filter_map(day).max());
            let far = if days(&edits) >= days(&self.far) { self.far } else { Vec::new() };
            let faint = self.faint.into_iter().filter(|edit| (first..=last).contains(&day(edit)));
            edits.extend(faint.chain(far));
        }
        edits
    }
}

/// What shows only once the search has told at which prices the amounts are to be read as counts.
pub fn at_told_prices(state: &State) -> Result<Vec<Patch>> {
    let again = |patch: Patch| Patch { name: format!("{} at told prices", patch.name), ..patch };
    Ok(propose(state)?.into_iter().map(again).collect())
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut patches = Vec::new();
    for confusion in CONFUSIONS {
        let mut days: BTreeMap<(Account, Arc<str>), Moves> = BTreeMap::new();
        for cell in &state.open {
            let Some(model) = cell.model.clone() else { continue };
            let days = days.entry((cell.account.clone(), model)).or_default();
            of_cell(state, cell, confusion).into_iter().for_each(|found| days.merge(found));
        }
        for ((account, model), found) in days {
            let edits = found.told();
            if !edits.is_empty() {
                patches.push(patch(confusion, &account, &model, edits));
            }
        }
    }
    Ok(patches)
}

/// The moves of one cell, owner by owner; what is too little by itself is looked at together.
fn of_cell(state: &State, cell: &CellKey, confusion: &Confusion) -> Vec<Moves> {
    let sums = quantity::by_meter(state, cell);
    let (mut all, mut rest) = (Vec::new(), Gaps::new());
    for (owner, gaps) in quantity::by_owner(quantity::reckoned(state, cell)) {
        let sum = |meter: Meter| sums.get(&(owner, meter)).copied();
        let mut found = moves(state, &gaps, sum, confusion, 1);
        if found.near.is_empty() {
            found.far = moves(state, &gaps, sum, confusion, NOISIER).near;
            rest.extend(gaps);
        }
        all.push(found);
    }
    let together = quantity::of_all(rest.iter());
    if together.len() < rest.len() {
        let found = moves(state, &together, |_| None, confusion, 1);
        let each = |edit: &Edit| match edit {
            Edit::Move { from, to, .. } => quantity::exchanged(&rest, from, to),
            _ => Vec::new(),
        };
        let parts = found.near.iter().flat_map(each);
        let near: Vec<Edit> = parts.map(|(from, to, quantity)| Edit::Move { from, to, quantity }).collect();
        if !near.is_empty() {
            all.retain(|moves| !moves.near.is_empty());
            all.push(Moves { near, shared: found.shared, ..Moves::default() });
        }
    }
    all
}

/// The equality is the test: nothing was fitted. In a noisy log it holds but for the noise of both meters, or so many times as
/// much; where counts are reckoned, but for what rounding leaves open. `sum`: billed minus logged by meter.
fn moves(
    state: &State,
    gaps: &Gaps,
    sum: impl Fn(Meter) -> Option<i128>,
    confusion: &Confusion,
    times: i128,
) -> Moves {
    let logged = |key: &BillKey| key.meter == Some(confusion.logged);
    let mut moves = Moves::default();
    // Within each tier, region and band of its own,
    for (from, gap) in gaps.iter().filter(|(key, _)| logged(key)) {
        let to = BillKey { meter: Some(confusion.billed), ..from.clone() };
        let Some(other) = gaps.get(&to) else { continue };
        let (over, short) = ((-gap.difference(), gap.within), (other.difference(), other.within));
        let open = times * quantity::slack(state, gap.logged + other.logged) + gap.within + other.within;
        if over.0 > 0 && short.0 > 0 && (over.0 - short.0).abs() <= open {
            let edit = Edit::Move { from: from.clone(), to, quantity: quantity::agreed(over, short) };
            if short.0 > 3 * open {
                moves.near.push(edit);
                if gap.within + other.within > 0 {
                    *moves.shared.get_or_insert(0) += digits(short.0, open);
                }
            } else {
                moves.faint.push(edit);
            }
        }
    }
    if !moves.near.is_empty() {
        return moves;
    }
    // or, where the bill or the report does not tell those apart, in their sum: from the first that can give it all.
    let (Some(less), Some(short)) = (sum(confusion.logged), sum(confusion.billed)) else {
        return moves;
    };
    let counted = gaps.iter().filter(|(key, _)| logged(key)).map(|(_, gap)| gap.logged).sum();
    let open = times * quantity::slack(state, counted);
    let count = short.min(-less);
    if count <= 0 || (less + short).abs() > open || short <= 3 * open {
        return moves;
    }
    let from =
        gaps.iter().find(|(key, gap)| logged(key) && gap.logged >= count && gap.difference() <= -count);
    if let Some((from, _)) = from {
        let to = BillKey { meter: Some(confusion.billed), ..from.clone() };
        moves.near.push(Edit::Move { from: from.clone(), to, quantity: count });
        moves.faint.clear();
    }
    moves
}

/// Each day is a test, and each tier, region and band of its own.
fn days(edits: &[Edit]) -> usize {
    of_all(edits.iter().filter_map(|edit| edit.keys().next()))
}

fn patch(confusion: &Confusion, account: &Account, model: &Arc<str>, edits: Vec<Edit>) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    scope.meters.extend([confusion.logged, confusion.billed]);
    let mut total = 0;
    for edit in &edits {
        if let Edit::Move { from, quantity, .. } = edit {
            scope.cover(&from.cell);
            scope.tiers.extend(from.tier);
            total += quantity;
        }
    }
    Patch {
        name: format!("meter move {account:?} {model} {} {}", confusion.logged, confusion.billed),
        cause: confusion.cause,
        // Every day is a test of its own: the two meters must miss and exceed by the same count.
        status: if days(&edits) >= 4 { Status::Exact } else { Status::Probable },
        scope,
        facts: vec![
            Fact::new("what", confusion.what),
            Fact::new("tokens logged as", confusion.logged),
            Fact::new("and billed as", confusion.billed),
            Fact::new("tokens", total),
            Fact::new("days on which both meters miss by the same count", days(&edits)),
        ],
        edits,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix { kind: "gateway", text: confusion.fix.to_owned(), patch: String::new() }),
    }
}
