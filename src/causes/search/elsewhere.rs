//! Usage that is said not to be billed may be on the bill all the same: as more of the same models, or of others.

use std::collections::BTreeSet;

use super::Search;
use super::fit::Fit;
use super::problem::{Moved, Node, Side};
use super::touch::Touch;
use crate::causes::noise;
use crate::error::Result;
use crate::period::Day;
use crate::reconcile::CellKey;

/// One in so many of the dollars of usage that is said not to be billed.
const ELSEWHERE: i128 = 5;

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
