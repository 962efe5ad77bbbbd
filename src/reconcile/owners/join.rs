//! A project may be of several keys. The one that fills it alone on some days is known by them; one that is left over joins
//! it where the project's bill agrees only with both. And what is told apart must not open what ties out together.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Billed, Logged, MILLION, NEAR, NOBODY, Owner, Owners, SHARE, TIMES};
use crate::reconcile::Identity;

/// Amounts that must agree only where a key is counted with the others of its project, and amounts that must speak against
/// an owner.
const SEEN: usize = 3;
/// One in so many of a key's dollars that a project is charged beyond its own: then the key may be of that project.
const SURPLUS: i128 = 5;

/// Another model may be so many times cheaper.
const CHEAPER: i128 = 40;

/// One place on both sides.
struct Point<'l> {
    logged: &'l BTreeMap<Arc<str>, i128>,
    billed: &'l BTreeMap<&'l Identity, (i128, i128)>,
}

/// All of them: those where something was logged, and those that only the bill has.
struct Places<'l> {
    logged: Vec<Point<'l>>,
    unlogged: Vec<Point<'l>>,
}

/// What a key would change for an owner: amounts that agree only with it, only without it, both ways, and neither; and what
/// the owner is charged beyond its own where the key was used, of no more than the key's.
#[derive(Debug, Clone, Copy, Default)]
struct Change {
    better: usize,
    worse: usize,
    alike: usize,
    neither: usize,
    surplus: i128,
    of: i128,
}

impl Owners {
    /// `least`: rounding of a line that is not there; `factor`: how many millionths of its priced amount a pair is usually
    /// charged.
    pub(super) fn join(
        &mut self,
        logged: &Logged,
        billed: &Billed,
        least: i128,
        factor: impl Fn(&Identity, &Arc<str>) -> Option<i128>,
    ) {
        let (none, nothing) = (BTreeMap::new(), BTreeMap::new());
        let points: Vec<Point> = logged
            .iter()
            .map(|(place, logged)| Point { logged, billed: billed.get(place).unwrap_or(&nothing) })
            .collect();
        let unlogged = billed.iter().filter(|(place, _)| !logged.contains_key(*place));
        let unlogged: Vec<Point> = unlogged.map(|(_, billed)| Point { logged: &none, billed }).collect();
        let mut factors: BTreeMap<Owner, i128> = BTreeMap::new();
        for (identity, owner) in &self.of_identity {
            let names = self.of_key.iter().filter(|(_, other)| *other == owner);
            let known = names.filter_map(|(name, _)| factor(identity, name)).next();
            factors.entry(*owner).or_insert(known.unwrap_or(MILLION));
        }
        let places = Places { logged: points, unlogged };
        while self.join_one(&places, &factors, least) {}
        while let Some(owner) = self.contradicted(&places.logged, least) {
            self.of_identity.retain(|_, other| *other != owner);
            self.of_key.retain(|_, other| *other != owner);
        }
    }

    /// Lets one more key join an owner; false where none does.
    fn join_one(&mut self, places: &Places, factors: &BTreeMap<Owner, i128>, least: i128) -> bool {
        let points = &places.logged;
        let names: BTreeSet<&Arc<str>> = points.iter().flat_map(|point| point.logged.keys()).collect();
        let names: Vec<&Arc<str>> = names.into_iter().filter(|name| self.of_key(name) == NOBODY).collect();
        // What agrees goes first: it changes what is left over for the others.
        for sure in [true, false] {
            for name in &names {
                let changes = factors
                    .iter()
                    .map(|(owner, factor)| (self.change(points, name, *owner, *factor, least), *owner));
                let changes: Vec<(Change, Owner)> = changes.collect();
                let joins = if sure { agreeing(&changes) } else { self.left_over(places, name, &changes) };
                if let Some(owner) = joins {
                    self.of_key.insert((*name).clone(), owner);
                    return true;
                }
            }
        }
        false
    }

    fn change(&self, points: &[Point], name: &str, owner: Owner, factor: i128, least: i128) -> Change {
        let mut change = Change::default();
        for point in points {
            let Some(more) = point.logged.get(name).copied().filter(|more| *more > 0) else { continue };
            let own = self.of_owner(point, owner);
            let (billed, bound) = self.billed_to(point, owner).unwrap_or((0, least));
            let expected = |priced: i128| priced / MILLION * factor;
            match (near(billed, expected(own), bound), near(billed, expected(own + more), bound)) {
                (false, true) => change.better += 1,
                (true, false) => change.worse += 1,
                (true, true) => change.alike += 1,
                (false, false) => change.neither += 1,
            }
            let beyond = billed - expected(own) - bound - billed.abs() / (MILLION / NEAR);
            change.surplus += beyond.clamp(0, expected(more));
            change.of += expected(more);
        }
        change
    }

    /// The owner of a key without a project of its own: the one that is charged more than its own where the key was used; or,
    /// where the key can be seen nowhere, any that it does not change.
    fn left_over(&self, places: &Places, name: &str, changes: &[(Change, Owner)]) -> Option<Owner> {
        let points = &places.logged;
        let (most, owner) = changes.iter().max_by_key(|(change, owner)| (change.surplus, Reverse(*owner)))?;
        if most.surplus * SURPLUS >= most.of && !points.iter().any(|point| self.charges_nobody(point)) {
            return Some(*owner);
        }
        // It has a project of its own where one that is nobody's yet is charged for the same.
        if points.iter().any(|point| point.logged.contains_key(name) && self.charges_nobody(point)) {
            return None;
        }
        if let Some(owner) = self.charged_elsewhere(places, name, changes) {
            return Some(owner);
        }
        let unseen = |change: &Change| change.alike > 0 && change.better + change.worse + change.neither == 0;
        let unseen = changes.iter().filter(|(change, _)| unseen(change));
        unseen.max_by_key(|(change, owner)| (change.alike, Reverse(*owner))).map(|(_, owner)| *owner)
    }

    /// The one owner that is charged for what its own keys did not do, where this key did nothing as logged either: what another
    /// model answered is on the bill of the same project.
    fn charged_elsewhere(&self, places: &Places, name: &str, changes: &[(Change, Owner)]) -> Option<Owner> {
        let all = || places.logged.iter().chain(&places.unlogged);
        let billed_as_logged = changes.iter().any(|(change, _)| change.better + change.alike > 0);
        if billed_as_logged || all().any(|point| self.charges_nobody(point)) {
            return None;
        }
        let of: i128 = places.logged.iter().filter_map(|point| point.logged.get(name)).sum();
        let beyond = |owner: Owner| {
            let at = all().filter(|point| !point.logged.contains_key(name));
            let at = at.filter_map(|point| {
                let (billed, bound) = self.billed_to(point, owner)?;
                let own = self.of_owner(point, owner);
                Some((billed - own - bound - billed.abs() / (MILLION / NEAR)).max(0))
            });
            at.sum::<i128>()
        };
        let mut owners: Vec<(i128, Owner)> =
            changes.iter().map(|(_, owner)| (beyond(*owner), *owner)).collect();
        owners.sort_by_key(|(beyond, owner)| (Reverse(*beyond), *owner));
        let (most, owner) = *owners.first()?;
        let next = owners.get(1).map_or(0, |(beyond, _)| *beyond);
        (most * CHEAPER >= of && most >= TIMES as i128 * next).then_some(owner)
    }

    /// True where a project that is nobody's yet is charged for something.
    fn charges_nobody(&self, point: &Point) -> bool {
        let mut free = point.billed.iter().filter(|(identity, _)| self.of_identity(identity) == NOBODY);
        free.any(|(_, (billed, bound))| billed > bound)
    }

    fn of_owner(&self, point: &Point, owner: Owner) -> i128 {
        point.logged.iter().filter(|(name, _)| self.of_key(name) == owner).map(|(_, priced)| priced).sum()
    }

    /// Billed to an owner and how it is rounded; `None` where the bill has no line of it.
    fn billed_to(&self, point: &Point, owner: Owner) -> Option<(i128, i128)> {
        let lines = point.billed.iter().filter(|(identity, _)| self.of_identity(identity) == owner);
        lines.map(|(_, line)| *line).reduce(|(a, b), (c, d)| (a + c, b + d))
    }

    /// The owner that opens the most of what ties out together, if that is more than chance.
    fn contradicted(&self, points: &[Point], least: i128) -> Option<Owner> {
        let owners: BTreeSet<Owner> = self.of_key.values().copied().collect();
        let (mut against, mut tied) = (BTreeMap::<Owner, usize>::new(), BTreeMap::<Owner, usize>::new());
        for point in points {
            let all = point.billed.values().copied().reduce(|(a, b), (c, d)| (a + c, b + d));
            let Some((billed, bound)) = all else { continue };
            // To the last step: what ties out but for noise may do so by chance.
            let bound = bound + 2 * point.logged.len() as i128;
            if (billed - point.logged.values().sum::<i128>()).abs() > bound {
                continue;
            }
            for owner in &owners {
                let own = self.of_owner(point, *owner);
                let (billed_to, own_bound) = match self.billed_to(point, *owner) {
                    Some(line) => line,
                    None if own == 0 => continue,
                    None => (0, least),
                };
                *tied.entry(*owner).or_default() += 1;
                if (billed_to - own).abs() > own_bound + bound + 2 * billed.abs() / (MILLION / NEAR) {
                    *against.entry(*owner).or_default() += 1;
                }
            }
        }
        let enough = |(owner, count): &(Owner, usize)| {
            *count >= SEEN && count * SHARE >= tied.get(owner).copied().unwrap_or(0)
        };
        against
            .into_iter()
            .filter(enough)
            .max_by_key(|(owner, count)| (*count, *owner))
            .map(|(owner, _)| owner)
    }
}

/// The owner whose amounts agree with the key and not without it, if no other comes near.
fn agreeing(changes: &[(Change, Owner)]) -> Option<Owner> {
    let (best, owner) = changes.iter().max_by_key(|(change, owner)| (change.better, Reverse(*owner)))?;
    let others = changes.iter().filter(|(_, other)| other != owner);
    let second = others.map(|(change, _)| change.better).max().unwrap_or(0);
    let seen = best.better + best.worse + best.neither;
    let agrees =
        best.better >= SEEN && best.better >= TIMES * best.worse.max(second) && best.better * SHARE >= seen;
    agrees.then_some(*owner)
}

/// Equal but for rounding and the noise of the log.
fn near(billed: i128, priced: i128, bound: i128) -> bool {
    (billed - priced).abs() <= bound + billed.abs() / (MILLION / NEAR)
}
