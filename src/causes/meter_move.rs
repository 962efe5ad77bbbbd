//! Meter moves: the total is right, the split is not. What one meter has too much, the other has too little.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status, of_all};
use crate::error::Result;
use crate::rate::Account;
use crate::reconcile::owners::Owner;
use crate::reconcile::quantity::Gap;
use crate::reconcile::{BillKey, CellKey, Edit, State, quantity};
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

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut patches = Vec::new();
    for confusion in CONFUSIONS {
        let mut found: BTreeMap<(Account, Arc<str>), (Vec<Edit>, Vec<Edit>)> = BTreeMap::new();
        for cell in &state.open {
            let Some(model) = cell.model.clone() else { continue };
            let near = edits(state, cell, confusion, 1);
            let far = if near.is_empty() { edits(state, cell, confusion, NOISIER) } else { Vec::new() };
            if !near.is_empty() || !far.is_empty() {
                let days = found.entry((cell.account.clone(), model)).or_default();
                days.0.extend(near);
                days.1.extend(far);
            }
        }
        for ((account, model), (mut edits, far)) in found {
            if days(&edits) >= DAYS && days(&edits) >= days(&far) {
                edits.extend(far);
            }
            if !edits.is_empty() {
                patches.push(patch(confusion, &account, &model, edits));
            }
        }
    }
    Ok(patches)
}

/// The moves of one cell. The equality is the test: nothing was fitted. In a noisy log it holds but for the noise of both
/// meters, or so many times as much.
fn edits(state: &State, cell: &CellKey, confusion: &Confusion, times: i128) -> Vec<Edit> {
    let gaps = quantity::gaps(state, cell);
    let logged = |key: &BillKey| key.meter == Some(confusion.logged);
    let equal = |over: i128, short: i128, counted: i128| {
        let noise = times * quantity::slack(state, counted);
        over > 0 && (over - short).abs() <= noise && short > 3 * noise
    };
    // Within each tier, region and band of its own,
    let apart: Vec<Edit> = gaps
        .iter()
        .filter(|(key, _)| logged(key))
        .filter_map(|(from, gap)| {
            let to = BillKey { meter: Some(confusion.billed), ..from.clone() };
            let other = gaps.get(&to)?;
            let (over, short) = (-gap.difference(), other.difference());
            equal(over, short, gap.logged + other.logged).then(|| Edit::Move {
                from: from.clone(),
                to,
                quantity: over.min(short),
            })
        })
        .collect();
    if !apart.is_empty() {
        return apart;
    }
    // or, where the bill or the report does not tell those apart, in their sum: from the first that can give it all.
    let sums = quantity::by_meter(state, cell);
    let owners: BTreeSet<Owner> = sums.keys().map(|(owner, _)| *owner).collect();
    let of_owner = |owner: Owner| {
        let logged = |key: &BillKey| logged(key) && key.owner == owner;
        let (over, short) = (sums.get(&(owner, confusion.logged))?, sums.get(&(owner, confusion.billed))?);
        let counted = gaps.iter().filter(|(key, _)| logged(key)).map(|(_, gap)| gap.logged).sum();
        let count = (*short).min(-over);
        let spare = |gap: &Gap| gap.logged >= count && gap.difference() <= -count;
        let (from, _) = gaps
            .iter()
            .filter(|_| equal(-over, *short, counted))
            .find(|(key, gap)| logged(key) && spare(gap))?;
        let to = BillKey { meter: Some(confusion.billed), ..from.clone() };
        Some(Edit::Move { from: from.clone(), to, quantity: count })
    };
    owners.into_iter().filter_map(of_owner).collect()
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
