//! Two or three stories at once, where no single one closes a model's days.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fit::{self, Fit, Grade};
use super::problem::{Moved, Node};
use super::score::{DIGIT, Digits, digits};
use super::{Found, Search};
use crate::causes::noise;
use crate::error::Result;
use crate::period::Day;

/// First stories that are followed up, the most promising first, at each depth.
const WIDTH: usize = 16;
/// Of these, the first that are also followed by what says nothing by itself.
const FEW: usize = 4;
/// Stories that are told together.
const MOST: usize = 3;
/// Models of an account that are tried each time, the largest difference first, and days that must be open on each.
const MODELS: usize = 12;
const DAYS: usize = 3;

/// Ideas told together, each with what every idea is worth where the others of them are told.
pub(super) type Set = Vec<(usize, Vec<Found>)>;

/// Stories told so far on a branch.
struct Branch {
    node: Node,
    told: Vec<(usize, Vec<Day>)>,
    score: Digits,
}

impl Search<'_, '_> {
    /// The ideas of one model, each as it is judged where all others of them are told, that
    /// together close its days, for the model with the largest open difference that was not tried since something changed.
    pub(super) fn together(
        &mut self,
        node: &Node,
        found: &[Found],
        stuck: &mut BTreeSet<Arc<str>>,
    ) -> Result<Option<Set>> {
        let models: BTreeSet<Arc<str>> = self.slices.iter().filter_map(|slice| slice.model.clone()).collect();
        let mut open: Vec<((i128, usize), Arc<str>)> =
            models.into_iter().map(|model| (self.open_of(node, &model), model)).collect();
        open.sort_by_key(|((open, _), _)| std::cmp::Reverse(*open));
        for ((_, days), model) in open.into_iter().take(MODELS) {
            // Fewer days than a story needs tests are not worth the search.
            if days < DAYS || !stuck.insert(model.clone()) {
                continue;
            }
            if let Some(set) = self.set_of(node, found, &model)? {
                // What was found changes what is left of its neighbours.
                stuck.clear();
                return Ok(Some(set));
            }
        }
        Ok(None)
    }

    /// What is open on a model beyond noise, and on how many days.
    fn open_of(&self, node: &Node, model: &Arc<str>) -> (i128, usize) {
        let (mut open, mut days) = (0i128, BTreeSet::new());
        for (side, priced) in self.problem.sides.iter().zip(&node.priced) {
            if side.key.cell.model.as_ref() == Some(model) && side.covered {
                let noise = noise::share(self.floor, side.billed.max(*priced));
                let beyond = (side.billed - priced).abs() - side.bound - noise;
                if beyond > 0 {
                    open += beyond;
                    days.insert(side.key.cell.first);
                }
            }
        }
        (open, days.len())
    }

    fn set_of(&mut self, node: &Node, found: &[Found], model: &Arc<str>) -> Result<Option<Set>> {
        let near: Vec<usize> = (0..self.ideas.len()).filter(|idea| self.reaches(*idea, model)).collect();
        let gains = |idea: &&usize| found[**idea].as_ref().is_some_and(|fit| fit.gain > 0);
        let ideas: Vec<usize> = near.iter().filter(gains).copied().collect();
        let mut firsts: Vec<(Digits, usize)> = ideas
            .iter()
            .filter_map(|idea| {
                let fit = found[*idea].as_ref()?;
                Some((self.score(*idea, fit), *idea))
            })
            .collect();
        firsts.sort_by(|a, b| b.cmp(a));
        for pair in self.pairs(node, &near, model)? {
            if let Some(set) = self.closes(node, found, &pair)? {
                return Ok(Some(set));
            }
        }
        let mut branches = Vec::new();
        for (_, idea) in firsts.into_iter().take(WIDTH) {
            branches.extend(self.follow(
                &Branch { node: node.clone(), told: Vec::new(), score: 0 },
                idea,
                found[idea].clone(),
            )?);
        }
        for _ in 1..MOST {
            let mut next: Vec<(Digits, usize, usize, Found)> = Vec::new();
            for (at, branch) in branches.iter().enumerate() {
                let mut here = branch.node.clone();
                for idea in if at < FEW { &near } else { &ideas } {
                    if branch.told.iter().any(|(told, _)| told == idea) {
                        continue;
                    }
                    let judged = self.judge(&mut here, *idea)?;
                    if let Some(fit) = &judged {
                        let score = branch.score + self.score(*idea, fit);
                        if score > branch.score + 8 * DIGIT {
                            next.push((score, at, *idea, judged));
                        }
                    }
                }
            }
            next.sort_by(|a, b| (b.0, a.1, a.2).cmp(&(a.0, b.1, b.2)));
            let mut following = Vec::new();
            for (_, at, idea, judged) in next.into_iter().take(WIDTH) {
                let Some(branch) = self.follow(&branches[at], idea, judged)? else { continue };
                if let Some(set) = self.closes(node, found, &branch)? {
                    return Ok(Some(set));
                }
                following.push(branch);
            }
            branches = following;
        }
        Ok(None)
    }

    /// Two ideas of which neither saves anything by itself, and that together are what is open on a model, day after day: one
    /// adds what the other takes.
    fn pairs(&mut self, node: &Node, near: &[usize], model: &Arc<str>) -> Result<Vec<Branch>> {
        let mut here = node.clone();
        let mut by_side: BTreeMap<u32, Vec<(i128, usize, Day)>> = BTreeMap::new();
        for idea in near {
            for touch in self.touches(&mut here, *idea)?.into_iter().flatten() {
                if touch.money != 0
                    && self.problem.sides[touch.side as usize].key.cell.model.as_ref() == Some(model)
                {
                    by_side.entry(touch.side).or_default().push((touch.money, *idea, touch.day));
                }
            }
        }
        let mut met: BTreeMap<(usize, usize), (Digits, BTreeSet<Day>)> = BTreeMap::new();
        for (at, mut moves) in by_side {
            let side = &self.problem.sides[at as usize];
            let bound = side.bound + 2 * moves.len() as i128;
            let open = side.billed - here.priced[at as usize];
            if !side.covered || open.abs() <= bound {
                continue;
            }
            moves.sort_unstable();
            for (money, idea, day) in &moves {
                let (low, high) = (open - money - bound, open - money + bound);
                if money.abs() <= 2 * bound || (low <= 0 && high >= 0) {
                    continue;
                }
                let from = moves.partition_point(|(other, ..)| *other < low);
                for (other, beside, same_day) in moves[from..].iter().take_while(|(other, ..)| *other <= high)
                {
                    if beside > idea && day == same_day && other.abs() > 2 * bound {
                        let (told, days) = met.entry((*idea, *beside)).or_default();
                        *told += digits(*money, bound).min(digits(*other, bound));
                        days.insert(*day);
                    }
                }
            }
        }
        let mut pairs: Vec<(Digits, (usize, usize), BTreeSet<Day>)> = met
            .into_iter()
            .filter(|(_, (_, days))| days.len() >= DAYS)
            .map(|(pair, (told, days))| {
                (told - self.ideas[pair.0].cost - self.ideas[pair.1].cost, pair, days)
            })
            .collect();
        pairs.sort_by(|a, b| (b.0, a.1).cmp(&(a.0, b.1)));
        let mut branches = Vec::new();
        for (score, (one, other), days) in pairs.into_iter().take(WIDTH) {
            let days: Vec<Day> = days.into_iter().collect();
            let told = vec![(one, days.clone()), (other, days)];
            branches.push(Branch { node: self.told_but(node, &told, told.len())?, told, score });
        }
        Ok(branches)
    }

    /// True for what is told of a model's usage, and for other usage that it may have served.
    fn reaches(&self, idea: usize, model: &Arc<str>) -> bool {
        let super::Idea { slice, change, .. } = &self.ideas[idea];
        let of = self.slices[*slice].model.as_ref();
        of == Some(model) || (of.is_some() && change.served() == Some(model))
    }

    fn follow(&mut self, branch: &Branch, idea: usize, judged: Found) -> Result<Option<Branch>> {
        let Some(fit) = judged else { return Ok(None) };
        let mut node = branch.node.clone();
        self.make(&mut node, idea, &fit.days)?;
        let mut told = branch.told.clone();
        let score = branch.score + self.score(idea, &fit);
        told.push((idea, fit.days));
        Ok(Some(Branch { node, told, score }))
    }

    fn make(&mut self, node: &mut Node, idea: usize, days: &[Day]) -> Result<Vec<Moved>> {
        let super::Idea { slice, change, .. } = &self.ideas[idea];
        self.problem.apply(node, &self.slices[*slice].atoms, change, |day| days.binary_search(&day).is_ok())
    }

    /// A node where every idea is told but one.
    fn told_but(&mut self, node: &Node, told: &[(usize, Vec<Day>)], but: usize) -> Result<Node> {
        let mut here = node.clone();
        for (_, (idea, days)) in told.iter().enumerate().filter(|(other, _)| *other != but) {
            self.make(&mut here, *idea, days)?;
        }
        Ok(here)
    }

    /// The branch's ideas in an order in which each closes once the others are told: the last one first. Days that were
    /// chosen while the others were unknown are chosen again.
    fn closes(&mut self, node: &Node, alone: &[Found], branch: &Branch) -> Result<Option<Set>> {
        let mut told = branch.told.clone();
        // What says nothing by itself is believed to the last step only.
        let faint = |(idea, _): &(usize, Vec<Day>)| alone[*idea].as_ref().is_none_or(|fit| fit.gain <= 0);
        let exactly = told.iter().any(faint);
        for _ in 0..2 {
            for at in 0..told.len() {
                let mut here = self.told_but(node, &told, at)?;
                let Some(fit) = self.judge(&mut here, told[at].0)? else { return Ok(None) };
                told[at].1 = fit.days;
            }
        }
        // Each closes what the others open: what all of them leave must be less than there was.
        let costs: Digits = told.iter().map(|(idea, _)| self.ideas[*idea].cost).sum();
        let after = self.told_but(node, &told, told.len())?;
        if fit::length(&self.problem, node) - fit::length(&self.problem, &after) <= costs + 8 * DIGIT {
            return Ok(None);
        }
        let mut set = Set::new();
        for at in 0..told.len() {
            let mut here = self.told_but(node, &told, at)?;
            let closing = self.judge(&mut here, told[at].0)?;
            let enough = |fit: Fit| {
                let graded = if exactly { fit.grade == Some(Grade::Exact) } else { fit.grade.is_some() };
                graded && fit.closed > 0
            };
            if !closing.is_some_and(enough) {
                return Ok(None);
            }
            let model = self.slices[self.ideas[told[at].0].slice].model.clone();
            let mut found = vec![None; self.ideas.len()];
            for (idea, found) in found.iter_mut().enumerate() {
                if self.slices[self.ideas[idea].slice].model == model {
                    *found = self.judge(&mut here, idea)?;
                }
            }
            set.push((told[at].0, found));
        }
        Ok(Some(set))
    }
}
