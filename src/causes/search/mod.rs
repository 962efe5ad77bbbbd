//! Which changes of assumption re-price the usage to the billed amounts, day after day?
//!
//! A story is a slice of usage and a change of it. It has no free number: every day is a test. The story that saves the
//! most digits is told first, everything is re-priced, and the search goes on with what is left; where no single story
//! closes a model's days, two or three are tried together. What two stories explain equally well is ambiguous and says
//! what would decide.

pub(super) mod change;
mod confusion;
mod elsewhere;
mod fit;
mod follow;
mod joint;
mod problem;
pub(super) mod scaled;
pub(super) mod score;
mod slice;
mod story;
mod suppose;
mod touch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Patch, noise};
use crate::error::Result;

use crate::rate::Account;
use crate::reconcile::State;
use crate::vocabulary::Meter;
use change::Change;
use fit::{Fit, Grade};
use problem::{Moved, Node, Problem, Standing};
use score::{DIGIT, Digits, log2};
use slice::{Attribute, Slice};
use story::Story;
pub(super) use suppose::suppose;
use touch::{Groups, Touch};

/// Claims of one account after which the search stops; what is left then stays unexplained.
const MOST_CLAIMS: usize = 48;
/// Prices that one search of an account may look up: models with the largest differences come first, and what is left
/// out is said.
const MOST_LOOKUPS: usize = 2_000_000;
/// And all accounts of a comparison together, of which each has its part, but no less than the least.
const ALL_LOOKUPS: usize = 24_000_000;
const LEAST_LOOKUPS: usize = 400_000;
/// Models that may have served what was logged as another: those with the most on the bill beyond the log.
const TARGETS: usize = 24;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut patches = Vec::new();
    for account in accounts {
        let (models, _) = affordable(state, account)?;
        if !models.is_empty() {
            let (search, node) = Search::new(state, account, &models)?;
            patches.extend(search.run(node)?);
        }
    }
    Ok(patches)
}

/// True for the name of a patch of this search.
pub fn told(patch: &str) -> bool {
    patch.starts_with(story::NAME)
}

/// Models of an account with an open difference that the search leaves out, because there is too much to try.
pub fn left_out(state: &State, account: &Account) -> Result<Vec<Arc<str>>> {
    Ok(affordable(state, account)?.1)
}

/// Models to search, and those that are one too many; the largest differences come first.
fn affordable(state: &State, account: &Account) -> Result<(BTreeSet<Arc<str>>, Vec<Arc<str>>)> {
    let suspects = suspects(state, account)?;
    let mut atoms: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
    for row in state.usage.iter().filter(|row| row.account == *account && suspects.contains_key(&row.model)) {
        *atoms.entry(&row.model).or_default() += row.sums.meters.iter().count();
    }
    let mut by_size: Vec<(&Arc<str>, i128)> = suspects.iter().map(|(model, open)| (model, *open)).collect();
    by_size.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let most = (ALL_LOOKUPS / state.grains.len().max(1)).clamp(LEAST_LOOKUPS, MOST_LOOKUPS);
    let (mut kept, mut left_out, mut spent) = (BTreeSet::new(), Vec::new(), 0usize);
    for (model, _) in by_size {
        spent += (atoms.get(model).copied().unwrap_or(0) + ATOMS_OF_A_MODEL) * LOOKUPS_OF_AN_ATOM;
        if spent > most {
            left_out.push(model.clone());
        } else {
            kept.insert(model.clone());
        }
    }
    Ok((kept, left_out))
}

/// An atom is in about eight slices, and each has about thirty changes; a model without usage costs something too.
const LOOKUPS_OF_AN_ATOM: usize = 240;
const ATOMS_OF_A_MODEL: usize = 8;

/// Models with a difference that nothing explains yet; and how large it is, in 10^-12.
fn suspects(state: &State, account: &Account) -> Result<BTreeMap<Arc<str>, i128>> {
    let mut suspects: BTreeMap<Arc<str>, i128> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| cell.account == *account) {
        if state.delta(cell)?.abs() <= state.rounding_bound(cell) && cell.model.is_none() {
            continue;
        }
        for key in state.keys_of(cell) {
            let bill = state.bill(&key);
            let residual = bill.amount - state.priced(&key)?;
            if residual.abs() <= bill.bound || state.accepted.contains(&key) {
                continue;
            }
            let leaves = state.logged.get(&key).into_iter().flatten();
            let mut models: BTreeSet<&Arc<str>> = leaves.map(|(leaf, _)| &leaf.model).collect();
            models.extend(&cell.model);
            for model in models {
                *suspects.entry(model.clone()).or_default() += residual.pico().abs();
            }
        }
    }
    Ok(suspects)
}

/// Models on which more is billed than logged, the most first; where the bill does not tell models apart, all it has.
fn targets(problem: &Problem, node: &Node) -> BTreeSet<Arc<str>> {
    let mut more: BTreeMap<&Arc<str>, i128> = BTreeMap::new();
    for (side, priced) in problem.sides.iter().zip(&node.priced) {
        if let Some(model) = &side.key.cell.model {
            *more.entry(model).or_default() += (side.billed - priced).max(0);
        }
    }
    if more.is_empty() {
        let rows = problem.atoms.iter().map(|atom| &problem.state.usage[atom.row as usize].model);
        return rows.collect::<BTreeSet<_>>().into_iter().take(TARGETS).cloned().collect();
    }
    let mut more: Vec<(i128, &Arc<str>)> =
        more.into_iter().filter(|(_, more)| *more > 0).map(|(model, more)| (more, model)).collect();
    more.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    more.into_iter().take(TARGETS).map(|(_, model)| model.clone()).collect()
}

/// One slice and one change of it.
struct Idea {
    slice: usize,
    change: Change,
    /// Digits it takes to say which one it is.
    cost: Digits,
}

/// The search of one account.
struct Search<'s, 'a> {
    account: &'s Account,
    problem: Problem<'s, 'a>,
    slices: Vec<Slice>,
    /// The slice that was judged last, as the node of that version has it: its other changes come next.
    ready: (usize, u64, Groups),
    ideas: Vec<Idea>,
    /// Noise of the log, in parts per million.
    floor: i128,
    /// Sides that nearly tie out before any story, with how far they are off, in that order.
    nearly: Vec<(i128, u32)>,
}

/// So often what is logged more than once may end and begin again.
const INTERRUPTED: usize = 1;

/// A story that was told, and what it moved.
struct Told {
    patch: Patch,
    moved: Vec<Moved>,
}

/// What was not billed was not billed as another model either: an atom that goes, goes from where it was logged. What is left
/// of the stories that had moved it, by their position.
fn unmoved(told: &[Told], moved: &mut [Moved]) -> BTreeMap<usize, Vec<Moved>> {
    let mut gone: BTreeMap<u32, &mut Moved> = BTreeMap::new();
    for moved in moved.iter_mut().filter(|moved| moved.after.status == Standing::Gone) {
        gone.insert(moved.atom, moved);
    }
    let mut rest = BTreeMap::new();
    for (at, told) in told.iter().enumerate().rev() {
        let (back, stay): (Vec<&Moved>, Vec<&Moved>) =
            told.moved.iter().partition(|earlier| gone.contains_key(&earlier.atom));
        for earlier in &back {
            gone.entry(earlier.atom).and_modify(|moved| moved.before = earlier.before.clone());
        }
        if !back.is_empty() {
            rest.insert(at, stay.into_iter().cloned().collect());
        }
    }
    rest
}

/// What was found for an idea, as long as nothing near it changes.
type Found = Option<Fit>;

impl<'s, 'a> Search<'s, 'a> {
    fn new(
        state: &'s State<'a>,
        account: &'s Account,
        models: &BTreeSet<Arc<str>>,
    ) -> Result<(Search<'s, 'a>, Node)> {
        let (problem, node) = Problem::new(state, account, |model| models.contains(model))?;
        let slices = slice::slices(&problem);
        let known = targets(&problem, &node);
        let mut ideas = Vec::new();
        for (index, slice) in slices.iter().enumerate() {
            let meters: BTreeSet<Meter> =
                slice.atoms.iter().map(|atom| node.places[*atom as usize].leaf.meter).collect();
            let prompts: BTreeSet<u64> =
                slice.atoms.iter().map(|atom| node.places[*atom as usize].leaf.prompt).collect();
            let banded = prompts.len() > 1;
            let changes = change::changes(state, account, slice, &meters, banded, &known);
            let cost = log2(slices.len() as u128) + log2(changes.len() as u128);
            // The plainest slice of a kind is as good as free to name.
            let plain = if slice.attribute == Attribute::Whole { 4 * DIGIT } else { 0 };
            ideas.extend(changes.into_iter().map(|change| {
                let cost = cost - plain + change.far_fetched(account) * DIGIT;
                Idea { slice: index, change, cost }
            }));
        }
        let search = Search::of(account, problem, &node, slices, ideas);
        Ok((search, node))
    }

    fn of(
        account: &'s Account,
        problem: Problem<'s, 'a>,
        node: &Node,
        slices: Vec<Slice>,
        ideas: Vec<Idea>,
    ) -> Search<'s, 'a> {
        let sides = problem.sides.iter().zip(&node.priced).enumerate();
        let mut nearly: Vec<(i128, u32)> = sides
            .filter(|(_, (side, _))| side.has_line)
            .filter_map(|(at, (side, priced))| {
                Some((noise::off(side.billed, *priced, side.bound)?, at as u32))
            })
            .collect();
        nearly.sort_unstable();
        let floor = noise::of(&nearly.iter().map(|(off, _)| *off).collect::<Vec<_>>());
        let ready = (usize::MAX, 0, Groups::default());
        Search { account, problem, slices, ready, ideas, floor, nearly }
    }

    /// What an idea would do to a node.
    fn touches(&mut self, node: &mut Node, idea: usize) -> Result<Option<Vec<Touch>>> {
        let Idea { slice, change, .. } = &self.ideas[idea];
        if (self.ready.0, self.ready.1) != (*slice, node.version) {
            let groups = Groups::new(&self.problem, node, &self.slices[*slice].atoms)?;
            self.ready = (*slice, node.version, groups);
        }
        self.problem.touches(node, &self.ready.2, change)
    }

    /// What an idea would do to a node, and how well that fits.
    fn judge(&mut self, node: &mut Node, idea: usize) -> Result<Found> {
        let Some(touches) = self.touches(node, idea)? else { return Ok(None) };
        let Idea { change, .. } = &self.ideas[idea];
        let needs_bill = *change == Change::NotBilled;
        let problem = &self.problem;
        let mut found = fit::fit(problem, node, &touches, self.floor, needs_bill);
        let stands = |fit: &Fit| {
            fit::coherent(problem, node, &touches, fit)
                && fit::landed(problem, node, &touches, fit, self.floor)
                && match change {
                    // Two models share a price now and then: one is taken for the other where all prices are its own.
                    Change::Priced { .. } => {
                        (fit.grade != Some(Grade::Exact) || fit.whole)
                            && fit::every_meter(problem, node, &touches, fit)
                    }
                    // A price that comes and goes is none.
                    Change::Scaled(..) => fit.interrupted * 4 <= fit.days.len(),
                    Change::Tier(_) | Change::ShortTier(_) | Change::Region(_) => {
                        !fit::has_its_own_price(problem, node, &touches, fit)
                    }
                    Change::Times(times) => self.ready.2.interrupted(&fit.days, *times) <= INTERRUPTED,
                    _ => true,
                }
        };
        if let Some(fit) = found.as_mut().filter(|fit| fit.grade.is_some() && !stands(fit)) {
            fit.grade = None;
        }
        let slice = &self.slices[self.ideas[idea].slice];
        let is_not_it = |fit: &Fit| {
            self.is_billed_elsewhere(node, &touches, fit)
                || (matches!(slice.attribute, Attribute::Key(_))
                    && self.leaves_days_open(node, &touches, fit))
        };
        if needs_bill && found.as_ref().is_some_and(is_not_it) {
            return Ok(None);
        }
        let Some(fit) = found.as_ref().filter(|fit| fit.grade == Some(Grade::Noise)) else {
            return Ok(found);
        };
        // Noise is what the story does not touch: its own sides are no measure of it.
        let held: Vec<Touch> = touches.iter().filter(|touch| fit.holds(touch.day)).copied().collect();
        let floor = self.floor_beside(&held);
        let found = fit::fit(problem, node, &touches, floor.min(self.floor), needs_bill);
        Ok(found.map(|fit| match fit.grade {
            Some(Grade::Noise) if fit::one_factor_does(problem, node, &held, fit.gain) => {
                Fit { grade: None, ..fit }
            }
            _ => fit,
        }))
    }

    /// The noise of the sides that are not touched.
    fn floor_beside(&self, touches: &[Touch]) -> i128 {
        let touched: BTreeSet<u32> = touches.iter().map(|touch| touch.side).collect();
        let beside: Vec<i128> =
            self.nearly.iter().filter(|(_, side)| !touched.contains(side)).map(|(off, _)| *off).collect();
        noise::of(&beside)
    }

    fn story(&self, idea: usize, fit: &Fit) -> Story<'_> {
        let Idea { slice, change, .. } = &self.ideas[idea];
        let slice = &self.slices[*slice];
        let cause = change.cause(self.account, slice, fit.lasting);
        Story { slice, change: change.clone(), cause, score: self.score(idea, fit), fit: fit.clone() }
    }

    /// Digits an idea saves, less those it takes to tell.
    fn score(&self, idea: usize, fit: &Fit) -> Digits {
        fit.gain - self.ideas[idea].cost
    }

    /// Tells story after story until none closes.
    fn run(mut self, mut node: Node) -> Result<Vec<Patch>> {
        let mut patches: Vec<Told> = Vec::new();
        let mut found: Vec<Found> = Vec::new();
        for idea in 0..self.ideas.len() {
            found.push(self.judge(&mut node, idea)?);
        }
        let mut stuck: BTreeSet<Arc<str>> = BTreeSet::new();
        // Stories about every model are judged again only when no other is left.
        let mut stale = false;
        while patches.len() < MOST_CLAIMS {
            let mut changed: BTreeSet<u32> = BTreeSet::new();
            if let Some(idea) = self.best(&found) {
                match self.tell(&mut node, idea, &found, &mut patches)? {
                    Some(sides) => {
                        changed = sides;
                        self.follow_up(&node, idea, &mut found);
                    }
                    None => found[idea] = None,
                }
            } else if stale {
                for (idea, found) in found.iter_mut().enumerate() {
                    if self.slices[self.ideas[idea].slice].model.is_none() {
                        *found = self.judge(&mut node, idea)?;
                    }
                }
                stale = false;
                continue;
            } else if let Some(set) = self.together(&node, &found, &mut stuck)? {
                let told = patches.len();
                for (idea, judged) in set {
                    let sides = self.tell(&mut node, idea, &judged, &mut patches)?;
                    if let Some(sides) = sides {
                        changed.extend(sides);
                        self.follow_up(&node, idea, &mut found);
                    }
                }
                if patches.len() == told {
                    break;
                }
            } else {
                break;
            }
            self.refresh(&mut node, &mut found, &changed)?;
            stale |= !changed.is_empty();
        }
        let told = patches.into_iter().map(|told| told.patch);
        Ok(told.filter(|patch| !patch.edits.is_empty()).collect())
    }

    /// The idea that saves the most among those that close.
    fn best(&self, found: &[Found]) -> Option<usize> {
        let mut best: Option<(Digits, i128, usize)> = None;
        for (idea, found) in found.iter().enumerate() {
            let Some(fit) = found.as_ref().filter(|fit| fit.grade.is_some() && fit.closed > 0) else {
                continue;
            };
            let score = self.score(idea, fit);
            let better = best.is_none_or(|(best, closed, _)| (score, fit.closed) > (best, closed));
            // A name is only written down for what would be told.
            let rejected = || self.problem.state.rejected.contains(&self.story(idea, fit).name(self.account));
            if score > 0 && better && !rejected() {
                best = Some((score, fit.closed, idea));
            }
        }
        best.map(|(.., idea)| idea)
    }

    /// Makes an idea true, adds its patch and returns the sides it changed.
    fn tell(
        &mut self,
        node: &mut Node,
        idea: usize,
        found: &[Found],
        patches: &mut Vec<Told>,
    ) -> Result<Option<BTreeSet<u32>>> {
        let Some(best) = found[idea].as_ref() else { return Ok(None) };
        let days = best.days.clone();
        let Idea { slice, change, .. } = &self.ideas[idea];
        let before = node.clone();
        let atoms = &self.slices[*slice].atoms;
        let mut moved = self.problem.apply(node, atoms, change, |day| days.binary_search(&day).is_ok())?;
        let mut sides: BTreeSet<u32> = moved.iter().map(|moved| moved.before.side).collect();
        sides.extend(moved.iter().map(|moved| moved.after.side));
        let rest = unmoved(patches, &mut moved);
        let story = self.story(idea, best);
        if matches!(story.change, Change::Priced { .. }) && self.is_own_price(&moved) {
            *node = before;
            return Ok(None);
        }
        let others: Vec<Story> = found
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != idea)
            .filter_map(|(other, found)| Some((other, found.as_ref().filter(|fit| fit.grade.is_some())?)))
            .map(|(other, fit)| self.story(other, fit))
            .filter(|other| other.rivals(&story))
            .collect();
        let rivals: Vec<&Story> = others.iter().collect();
        let patch = story.patch(&self.problem, &moved, self.account, &rivals, self.floor);
        let elsewhere = match story.change {
            Change::NotBilled if self.is_billed_of_others(&before, &moved)? => Some("map.alias_repointed"),
            Change::NotBilled if matches!(story.slice.attribute, Attribute::Key(_)) => {
                self.may_have_served(&before, &moved)?
            }
            _ => None,
        };
        let patch = patch.map(|patch| match elsewhere {
            Some(rival) => patch.or_served_by_another(rival),
            None => patch,
        });
        let Some(patch) = patch.filter(|patch| !patch.edits.is_empty()) else {
            *node = before;
            return Ok(None);
        };
        for (at, rest) in rest {
            patches[at].patch.edits = story::edits(&self.problem, &rest).unwrap_or_default();
            patches[at].moved = rest;
        }
        patches.push(Told { patch, moved });
        Ok(Some(sides))
    }

    /// Judges again what the changed sides may have changed.
    fn refresh(&mut self, node: &mut Node, found: &mut [Found], changed: &BTreeSet<u32>) -> Result<()> {
        let models: BTreeSet<Arc<str>> = changed
            .iter()
            .flat_map(|side| {
                let key = &self.problem.sides[*side as usize].key;
                let leaves = self.problem.state.logged.get(key).into_iter().flatten();
                key.cell.model.clone().into_iter().chain(leaves.map(|(leaf, _)| leaf.model.clone()))
            })
            .collect();
        for (idea, found) in found.iter_mut().enumerate() {
            let near = |model: &Arc<str>| models.contains(model);
            let served = self.ideas[idea].change.served().is_some_and(near);
            let model = self.slices[self.ideas[idea].slice].model.as_ref();
            if model.is_none() {
                *found = None;
            } else if served || model.is_some_and(near) {
                *found = self.judge(node, idea)?;
            }
        }
        Ok(())
    }
}
