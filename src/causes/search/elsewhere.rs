//! Usage that is said not to be billed may be on the bill all the same: as more of the same models, or of others.

use std::collections::BTreeSet;

use super::Search;
use super::fit::Fit;
use super::problem::{Moved, Node, Side};
use super::touch::Touch;
use crate::causes::noise;
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
        let cells: BTreeSet<&CellKey> =
            touched.iter().map(|side| &self.problem.sides[*side as usize].key.cell).collect();
        let beside = self
            .problem
            .sides
            .iter()
            .zip(&node.priced)
            .enumerate()
            .filter(|(at, (side, _))| cells.contains(&side.key.cell) && !touched.contains(&(*at as u32)));
        let noise = |side: &Side| side.bound + noise::share(self.floor, side.billed);
        let more: i128 = beside.map(|(_, (side, priced))| (side.billed - priced - noise(side)).max(0)).sum();
        more * ELSEWHERE >= held.map(|touch| touch.money.abs()).sum::<i128>()
    }

    /// True where other models have more on the bill than on the log on the days of what is said not to be billed, one in five
    /// of its dollars: they may have served it.
    pub(super) fn is_billed_of_others(&self, node: &Node, moved: &[Moved]) -> bool {
        let sides = |moved: &Moved| &self.problem.sides[moved.before.side as usize].key.cell;
        let gone: BTreeSet<&CellKey> = moved.iter().map(sides).collect();
        let days: BTreeSet<Day> = gone.iter().map(|cell| cell.first).collect();
        let others = self
            .problem
            .sides
            .iter()
            .zip(&node.priced)
            .filter(|(side, _)| days.contains(&side.key.cell.first) && !gone.contains(&side.key.cell));
        let noise = |side: &Side| side.bound + noise::share(self.floor, side.billed);
        let more: i128 = others.map(|(side, priced)| (side.billed - priced - noise(side)).max(0)).sum();
        let day = |moved: &Moved| self.problem.atoms[moved.atom as usize].day;
        let price = |moved: &Moved| {
            let quantity = self.problem.atoms[moved.atom as usize].quantity;
            self.problem.amount(moved.before.unit, quantity, day(moved)).unwrap_or(0)
        };
        more * ELSEWHERE >= moved.iter().map(price).sum::<i128>()
    }
}
