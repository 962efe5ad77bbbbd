//! What a story says of the bill may be something else of the bill's or the book's: usage that is said not to be billed is
//! more of the same models, or of others; another model's price is one of the model's own.

use std::collections::{BTreeMap, BTreeSet};

use super::Search;
use super::fit::Fit;
use super::problem::{Moved, Node, Side};
use super::touch::Touch;
use crate::causes::between::{AtLeast, is_clear, on_the_same_days};
use crate::causes::noise;
use crate::error::Result;
use crate::period::Day;
use crate::rate::Leaf;
use crate::reconcile::CellKey;
use crate::reconcile::passed::Open;
use crate::vocabulary::{Meter, Tier};

/// One in so many of the dollars of usage that is said not to be billed.
const ELSEWHERE: i128 = 5;
/// Usage that another model answered may cost one in so many of its dollars there.
const CHEAPER: AtLeast = AtLeast(50);
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
        Ok(more * ELSEWHERE >= self.dollars(moved)?)
    }

    /// What else usage may be that is said not to be billed, where some model, here or at another seller, has more on the bill
    /// than in the log on just these days. In dollars that may be little: it may be far cheaper.
    pub(super) fn may_have_served(&self, node: &Node, moved: &[Moved]) -> Result<Option<&'static str>> {
        let gone: BTreeSet<&CellKey> = moved.iter().map(|moved| self.cell(moved.before.side)).collect();
        let days: BTreeSet<Day> = gone.iter().map(|cell| cell.first).collect();
        let mut cells: BTreeMap<&CellKey, (i128, i128, i128)> = BTreeMap::new();
        for (side, priced) in self.problem.sides.iter().zip(&node.priced) {
            let cell = cells.entry(&side.key.cell).or_default();
            *cell = (cell.0 + side.billed - priced, cell.1 + side.bound, cell.2 + side.billed);
        }
        let mut here = Open::new();
        for (cell, (delta, bound, billed)) in cells {
            if let Some(model) = cell.model.as_ref().filter(|_| !gone.contains(cell))
                && is_clear(delta, bound, billed)
            {
                here.entry((cell.account.clone(), model.clone())).or_default().insert(cell.first, delta);
            }
        }
        let state = self.problem.state;
        let there = state.beside.iter().filter(|((account, _), _)| account != self.account);
        let less = (1, self.dollars(moved)?, CHEAPER);
        let all = Some(state.period.days().count());
        Ok(match () {
            () if on_the_same_days(here.iter(), &days, less, all).is_some() => Some("map.alias_repointed"),
            // What another seller has too much may have a fault of its own beside it.
            () if on_the_same_days(there, &days, less, None).is_some() => Some("map.fallback"),
            () => None,
        })
    }

    /// What usage costs before it is moved, in 10^-12.
    fn dollars(&self, moved: &[Moved]) -> Result<i128> {
        let amount = |moved: &Moved| {
            let atom = &self.problem.atoms[moved.atom as usize];
            self.problem.amount(moved.before.unit, atom.quantity, atom.day)
        };
        moved.iter().map(amount).sum()
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
