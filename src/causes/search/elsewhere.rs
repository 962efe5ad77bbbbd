//! What a story says of the bill may be something else of the bill's or the book's: usage that is said not to be billed is
//! more of the same models, or of others; another model's price is one of the model's own.

use std::collections::{BTreeMap, BTreeSet};

use super::Search;
use super::fit::Fit;
use super::problem::{Moved, Node, Side};
use super::touch::Touch;
use crate::causes::noise;
use crate::error::Result;
use crate::period::Day;
use crate::rate::Leaf;
use crate::reconcile::CellKey;
use crate::vocabulary::{Meter, Tier};

/// One in so many of the dollars of usage that is said not to be billed.
const ELSEWHERE: i128 = 5;
/// One in so many of the dollars that are open on days on which a key is said not to be charged may stay open.
const LEFT: i128 = 2;

impl Search<'_, '_> {
    /// True where the bill has more than the log of the same models on the same days, one in five of the dollars that are said
    /// not to be billed: then they may be billed there.
    pub(super) fn is_billed_elsewhere(&self, node: &Node, touches: &[Touch], fit: &Fit) -> bool {
        let held = touches.iter().filter(|touch| fit.holds(touch.day));
        let touched: BTreeSet<u32> = held.clone().map(|touch| touch.side).collect();
        let cells: BTreeSet<&CellKey> = touched.iter().map(|side| self.cell(*side)).collect();
        let more =
            self.billed_beyond(node, |at, side| cells.contains(&side.key.cell) && !touched.contains(&at));
        more * ELSEWHERE >= held.map(|touch| touch.money.abs()).sum::<i128>()
    }

    /// True where other models have more on the bill than on the log on the days of what is said not to be billed, one in five
    /// of its dollars: they may have served it.
    pub(super) fn is_billed_of_others(&self, node: &Node, moved: &[Moved]) -> Result<bool> {
        let gone: BTreeSet<&CellKey> = moved.iter().map(|moved| self.cell(moved.before.side)).collect();
        let days: BTreeSet<Day> = gone.iter().map(|cell| cell.first).collect();
        let more = self.billed_beyond(node, |_, side| {
            days.contains(&side.key.cell.first) && !gone.contains(&side.key.cell)
        });
        let mut dollars = 0;
        for moved in moved {
            let atom = &self.problem.atoms[moved.atom as usize];
            dollars += self.problem.amount(moved.before.unit, atom.quantity, atom.day)?;
        }
        Ok(more * ELSEWHERE >= dollars)
    }

    /// True where most of what is open on the model-days of a story stays open with it, whosever it is: a key that is not
    /// charged leaves nothing.
    pub(super) fn leaves_days_open(&self, node: &Node, touches: &[Touch], fit: &Fit) -> bool {
        let held = touches.iter().filter(|touch| fit.holds(touch.day));
        let mut less: BTreeMap<u32, i128> = BTreeMap::new();
        for touch in held {
            *less.entry(touch.side).or_default() += touch.money;
        }
        let touched: BTreeSet<&CellKey> = less.keys().map(|side| self.cell(*side)).collect();
        let (mut before, mut after) = (0, 0);
        for (at, (side, priced)) in self.problem.sides.iter().zip(&node.priced).enumerate() {
            if touched.contains(&side.key.cell) {
                let then = priced + less.get(&(at as u32)).copied().unwrap_or(0);
                let noise = side.bound + noise::share(self.floor, side.billed);
                before += (side.billed - priced).abs();
                after += ((side.billed - then).abs() - noise).max(0);
            }
        }
        after * LEFT > before
    }

    /// True where the prices that a story took from another model are the model's own at one other band, tier or region.
    pub(super) fn is_own_price(&self, moved: &[Moved]) -> bool {
        let Some(first) = moved.first() else { return false };
        let state = self.problem.state;
        let repriced = || moved.iter().filter(|moved| moved.before.unit != moved.after.unit);
        let own = |place: &dyn Fn(&Leaf) -> Leaf| {
            repriced().all(|moved| state.list(&place(&moved.before.leaf)) == Some(moved.after.unit))
        };
        let Leaf { account, model, .. } = &*first.before.leaf;
        let meters: BTreeSet<Meter> = repriced().map(|moved| moved.before.leaf.meter).collect();
        let book = state.rater.book;
        (0..=book.bands().len() as u8)
            .any(|band| own(&|leaf| Leaf { prompt: book.band_prompt(band), ..leaf.clone() }))
            || Tier::ALL.iter().any(|tier| own(&|leaf| Leaf { tier: *tier, ..leaf.clone() }))
            || crate::causes::regions(book, &account.provider, model, meters.into_iter())
                .into_iter()
                .any(|region| own(&|leaf| Leaf { region: region.into(), ..leaf.clone() }))
    }

    fn cell(&self, side: u32) -> &CellKey {
        &self.problem.sides[side as usize].key.cell
    }

    /// What the bill has beyond the log on some sides, and beyond rounding and noise.
    fn billed_beyond(&self, node: &Node, of: impl Fn(u32, &Side) -> bool) -> i128 {
        let sides = self.problem.sides.iter().zip(&node.priced).enumerate();
        let asked = sides.filter(|(at, (side, _))| of(*at as u32, side));
        let noise = |side: &Side| side.bound + noise::share(self.floor, side.billed);
        asked.map(|(_, (side, priced))| (side.billed - priced - noise(side)).max(0)).sum()
    }
}
