//! Does a claim stand? Its dollars have to end where it ties out, to rounding or to the noise of the log.

use std::collections::{BTreeMap, BTreeSet};

use super::residual::Residual;
use super::{Claim, Explained, Status, everywhere, search};
use crate::causes::between;
use crate::causes::calendar::missing;
use crate::money::Money;
use crate::period::Day;
use crate::reconcile::{BillKey, CellKey, Edit, Part};

/// At least this share of the dollars a patch moves must end in cells that tie out: 4 of 5.
const CLOSURE: (i128, i128) = (4, 5);

/// Days on which a claim must hold to be kept for these alone.
const HOLDS: usize = 3;

/// The cells of a claim in which it closes, where counts of the log and the bill show it day by day and something else is in the
/// way on other days.
pub(super) fn where_it_holds(claim: &Claim, explained: &Explained) -> Option<BTreeSet<CellKey>> {
    let ties = |cell: &&CellKey| explained.residuals.get(*cell).is_none_or(|left| left.ties());
    let cells: BTreeSet<CellKey> = claim.cells.keys().filter(ties).cloned().collect();
    let inside = |edit: &Edit| matches!(edit, Edit::Move { from, to, .. } if from.cell == to.cell);
    (claim.patch.edits.iter().all(inside) && cells.len() >= HOLDS).then_some(cells)
}

/// Counts that went from one key to another, which log and bill show, or to another account, which its bill shows; or those of
/// a day that the log does not have.
pub(super) fn counts_only(claim: &Claim) -> bool {
    missing::told(&claim.patch.name)
        || between::told(&claim.patch.name)
        || claim.patch.edits.iter().all(|edit| matches!(edit, Edit::Move { .. }))
}

/// Days on which everything that a story touches has to tie out, where it does not on others.
const CLEAR_DAYS: usize = 5;

/// Where a claim is judged: on whole cells, or on what is each owner's of them.
struct Judged<'e, K> {
    amounts: &'e BTreeMap<K, Money>,
    left: &'e BTreeMap<K, Residual>,
    place: fn(&BillKey) -> K,
    day: fn(&K) -> Day,
}

fn by_cell<'e>(claim: &'e Claim, explained: &'e Explained) -> Judged<'e, CellKey> {
    Judged {
        amounts: &claim.cells,
        left: &explained.residuals,
        place: |key| key.cell.clone(),
        day: |cell| cell.first,
    }
}

fn by_part<'e>(claim: &'e Claim, explained: &'e Explained) -> Judged<'e, Part> {
    let place = |key: &BillKey| (key.cell.clone(), key.owner);
    Judged { amounts: &claim.parts, left: &explained.parts, place, day: |(cell, _)| cell.first }
}

/// What a claim moves ends in cells that tie out to rounding, or in those parts of them that are its owner's.
pub(super) fn closes(claim: &Claim, explained: &Explained) -> bool {
    let enough = |(closed, moved): (i128, i128)| closed * CLOSURE.1 >= moved * CLOSURE.0;
    enough(by_cell(claim, explained).dollars(claim, explained, false))
        || enough(by_part(claim, explained).dollars(claim, explained, false))
}

/// The names of the open claims, the largest first; a smaller one waits where a larger one touched what it does, because
/// what the larger one moved may have kept it open.
pub(super) fn fallen(explained: &Explained, apart: bool) -> Vec<String> {
    let mut open: Vec<(i128, &Claim)> = explained
        .claims
        .iter()
        // What the search tells of one key it has judged on that key's part of the bill, where that is told apart.
        .filter(|claim| !(apart && search::told(&claim.patch.name) && !claim.patch.scope.keys.is_empty()))
        .filter_map(|claim| {
            let mut open = by_cell(claim, explained).open(claim, explained)?;
            // What is another owner's in the same cell does not speak against it.
            if apart {
                open = by_part(claim, explained).open(claim, explained)?;
            }
            Some((open, claim))
        })
        .collect();
    open.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.patch.name.cmp(&b.1.patch.name)));
    let mut touched: BTreeSet<&Part> = BTreeSet::new();
    let mut names = Vec::new();
    for (_, claim) in open {
        if claim.parts.keys().all(|part| !touched.contains(part)) {
            names.push(claim.patch.name.clone());
        }
        touched.extend(claim.parts.keys());
    }
    names
}

impl<K: Ord> Judged<'_, K> {
    /// The dollars that do not end where it ties out; `None` where enough of them do.
    fn open(&self, claim: &Claim, explained: &Explained) -> Option<i128> {
        let (closed, moved) = self.dollars(claim, explained, true);
        let (part, of) = if everywhere::is(claim) { everywhere::CLOSURE } else { CLOSURE };
        let stands = closed * of >= moved * part
            || self.mostly_closed(claim, &explained.open_keys, closed, moved)
            || self.is_clear(claim, closed, moved)
            || everywhere::seen_widely(claim, explained);
        (!stands).then_some(moved - closed)
    }

    /// True for a story of which half ends where it ties out, and days enough entirely: on the others something else is in the way.
    fn is_clear(&self, claim: &Claim, closed: i128, moved: i128) -> bool {
        if !search::told(&claim.patch.name) || 2 * closed < moved {
            return false;
        }
        let mut days: BTreeMap<Day, bool> = BTreeMap::new();
        for place in self.amounts.keys() {
            let ties = self.left.get(place).is_none_or(|left| left.ties());
            *days.entry((self.day)(place)).or_insert(true) &= ties;
        }
        days.values().filter(|entire| **entire).count() >= CLEAR_DAYS
    }

    /// The places of a claim, and whether what is asked holds for each key that it names there.
    fn whole(&self, claim: &Claim, holds: impl Fn(&BillKey) -> bool) -> BTreeMap<K, bool> {
        let mut places: BTreeMap<K, bool> = BTreeMap::new();
        for key in claim.patch.edits.iter().flat_map(Edit::keys) {
            *places.entry((self.place)(key)).or_insert(true) &= holds(key);
        }
        places
    }

    /// True where half of the dollars a claim moves end in cells that tie out, and the rest of the 4 of 5 in keys that do, or
    /// in cells that keep no more than a fifth of them: noise, or another story, is larger there than elsewhere.
    fn mostly_closed(&self, claim: &Claim, open: &BTreeSet<BillKey>, closed: i128, moved: i128) -> bool {
        // A patch that gives each key the count of the bill ties it out whatever is true; one that re-prices is tested by it.
        let tested = search::told(&claim.patch.name) || prices_only(claim);
        let keys = if tested { self.whole(claim, |key| !open.contains(key)) } else { BTreeMap::new() };
        let nearly: i128 = self
            .amounts
            .iter()
            .filter(|(place, amount)| {
                let left = self.left.get(place);
                keys.get(place).is_some_and(|tie| *tie)
                    || left.is_none_or(|left| {
                        left.nearly_ties() || left.amount.abs().pico() * 5 <= amount.abs().pico()
                    })
            })
            .map(|(_, amount)| amount.pico().abs())
            .sum();
        let tied = self.amounts.iter().filter(|(place, _)| keys.get(place).is_some_and(|tie| *tie));
        let tied: i128 = tied.map(|(_, amount)| amount.pico().abs()).sum();
        2 * closed.max(tied) >= moved && nearly * CLOSURE.1 >= moved * CLOSURE.0
    }

    /// The dollars a claim moves: those that end where it ties out, and all. Prices are judged by the billed counts where there
    /// are any: how much was logged is no part of them. `nearly`: noise may be left, and a tenth of what fields of the log or
    /// the bill show by themselves.
    fn dollars(&self, claim: &Claim, explained: &Explained, nearly: bool) -> (i128, i128) {
        let prices_only = prices_only(claim);
        let shown = claim.patch.status == Status::Proven;
        // What moves counts is tested by counts; that their price is another is another story.
        let counted = if counts_only(claim) {
            self.whole(claim, |key| explained.counted_keys.contains(key))
        } else {
            BTreeMap::new()
        };
        let (mut closed, mut moved) = (0i128, 0i128);
        for (place, amount) in self.amounts {
            let dollars = amount.pico().abs();
            moved += dollars;
            let closes = |residual: &Residual| {
                // What is no larger than noise is not closed by it.
                residual.ties()
                    || (nearly && residual.nearly_ties() && dollars > 2 * residual.noise.pico())
                    || (nearly
                        && shown
                        && !residual.noise.is_zero()
                        && residual.amount.pico().abs() * 10 <= dollars)
                    || (prices_only && residual.rate_ties())
            };
            if self.left.get(place).is_none_or(closes) || counted.get(place) == Some(&true) {
                closed += dollars;
            }
        }
        (closed, moved)
    }
}

fn prices_only(claim: &Claim) -> bool {
    claim.patch.edits.iter().all(Edit::reprices)
}
