//! Usage that the bill has a day or a few later: what one day lacks the next has too much, to the last step, meter by meter.
//!
//! Nothing is said of which calls they were. A batch is billed when it is done, and a week with quiet days shows it: what was still
//! running is billed before the usage begins again.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::instants::Instants;
use crate::causes::search::score::{DIGIT, Digits, digits};
use crate::causes::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::Money;
use crate::period::{Day, SECONDS_PER_DAY};
use crate::rate::clock::Clock;
use crate::rate::{self, Account, Owner};
use crate::reconcile::owners::NOBODY;
use crate::reconcile::{BillKey, CellKey, Edit, State};
use crate::vocabulary::Meter;

/// Runs of days that must come out even, equations in all of them, and digits that chance would have to match.
const RUNS: usize = 2;
const EQUATIONS: usize = 4;
const SURE: Digits = 24 * DIGIT;
/// Times rounding that each must be late: whole cents come out even by chance.
const MUCH: i128 = 100;
const HOUR: i64 = 3_600;
/// A run is no longer than a week.
const LONGEST: usize = 7;

/// One amount of one day.
struct Point {
    key: BillKey,
    /// Billed less priced, what was used, and what rounding leaves open.
    delta: i128,
    priced: i128,
    bound: i128,
}

/// Usage that is billed together: a model's, at one tier and so on, of one owner; by day.
type Series = BTreeMap<Day, Vec<Point>>;

/// Days in a row that come out even.
struct Run<'s> {
    points: Vec<&'s Point>,
    /// What was late at the end of a day, by the key of that day.
    late: Vec<(&'s BillKey, i128)>,
    equations: usize,
    digits: Digits,
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    // In a noisy log hardly anything is late to the last step but by chance.
    if state.clock != Clock::utc() || state.noise > 0 {
        return Ok(Vec::new());
    }
    let mut found: BTreeMap<(Account, Owner), Vec<Run>> = BTreeMap::new();
    let all = series(state)?;
    let mut last_hours: BTreeMap<&Account, BTreeMap<BillKey, i128>> = BTreeMap::new();
    for (group, days) in &all {
        let mut runs = runs(days);
        if runs.len() >= RUNS {
            let account = &group.cell.account;
            let last_hours = match last_hours.entry(account) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(last_hour(state, account)?),
            };
            runs.retain(|run| !is_of_last_hour(run, last_hours));
        }
        let open = |point: &&Point| point.delta.abs() > point.bound;
        let told: BTreeSet<Day> =
            runs.iter().flat_map(|run| &run.points).map(|point| point.key.cell.first).collect();
        let others = days
            .iter()
            .filter(|(day, points)| !told.contains(day) && points.iter().any(|point| open(&point)));
        // Where most days are open for another reason, these are chance.
        if runs.len() >= RUNS && others.count() * 2 <= told.len() {
            found.entry((group.cell.account.clone(), group.owner)).or_default().extend(runs);
        }
    }
    let sure = |runs: &Vec<Run>| {
        runs.iter().map(|run| run.equations).sum::<usize>() >= EQUATIONS
            && runs.iter().map(|run| run.digits).sum::<Digits>() >= SURE
    };
    let told = found.into_iter().filter(|(_, runs)| sure(runs));
    let patches = told.map(|((account, owner), runs)| patch(state, &account, owner, &runs));
    Ok(patches.filter(|patch| !state.rejected.contains(&patch.name)).collect())
}

/// What was used in the last hour of each day, in 10^-12: a call or two that end after midnight are what every bill has.
fn last_hour(state: &State, account: &Account) -> Result<BTreeMap<BillKey, i128>> {
    let mut used = BTreeMap::new();
    let Some(log) = state.log else { return Ok(used) };
    let instants = Instants::of(state, log, account);
    for instant in instants.all(state).filter(|instant| !instant.leaf.whole_day) {
        if instant.at.rem_euclid(SECONDS_PER_DAY) >= SECONDS_PER_DAY - HOUR {
            let leaf = instant.leaf_of_day(state);
            let key = state.key_of(&leaf, instant.owner);
            if let Some(unit) = state.unit(&key, &leaf) {
                *used.entry(key).or_default() += rate::amount(unit, instant.quantity)?.pico();
            }
        }
    }
    Ok(used)
}

fn is_of_last_hour(run: &Run, used: &BTreeMap<BillKey, i128>) -> bool {
    let is_of_it = |(key, late): &&(&BillKey, i128)| used.get(*key).is_some_and(|used| late <= used);
    run.late.iter().filter(is_of_it).count() * 2 >= run.late.len()
}

/// Everything that the bill has by the day, of models with open days enough.
fn series(state: &State) -> Result<BTreeMap<BillKey, Series>> {
    let mut open: BTreeMap<(&Account, Option<&Arc<str>>), usize> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| cell.first == cell.last && state.covers(cell)) {
        *open.entry((&cell.account, cell.model.as_ref())).or_default() += 1;
    }
    let asked = |key: &&BillKey| {
        let CellKey { account, model, first, last } = &key.cell;
        open.get(&(account, model.as_ref())).is_some_and(|open| *open >= 2 * RUNS)
            && first == last
            && !state.accepted.contains(*key)
            && state.covers(&key.cell)
    };
    let mut all: BTreeMap<BillKey, Series> = BTreeMap::new();
    let unlogged = state.billed.keys().filter(asked).filter(|key| !state.logged.contains_key(*key));
    for key in state.logged.keys().filter(asked).chain(unlogged) {
        let (bill, priced) = (state.bill(key), state.priced(key)?);
        let leaves = state.logged.get(key).map_or(0, |leaves| leaves.len());
        let cell = CellKey { first: state.period.first, last: state.period.first, ..key.cell.clone() };
        let points = all.entry(BillKey { cell, meter: None, ..key.clone() }).or_default();
        points.entry(key.cell.first).or_default().push(Point {
            key: key.clone(),
            delta: (bill.amount - priced).pico(),
            priced: priced.pico(),
            bound: bill.bound.pico() + leaves as i128 + 1,
        });
    }
    Ok(all)
}

/// Runs of days in a row, each of which begins with what is not billed yet and ends when all of it is.
fn runs(days: &Series) -> Vec<Run<'_>> {
    let mut runs = Vec::new();
    let mut after: Option<Day> = None;
    for first in days.keys() {
        if after.is_some_and(|after| *first <= after) {
            continue;
        }
        if let Some((last, run)) = run(days, *first) {
            after = Some(last);
            runs.push(run);
        }
    }
    runs
}

fn run(days: &Series, first: Day) -> Option<(Day, Run<'_>)> {
    // By meter: what is not billed yet, what rounding leaves open of it, and the most of it.
    let mut late: BTreeMap<Option<Meter>, (i128, i128, i128)> = BTreeMap::new();
    let mut run = Run { points: Vec::new(), late: Vec::new(), equations: 0, digits: 0 };
    let mut day = first;
    for at in 0..LONGEST {
        let points = days.get(&day).map(Vec::as_slice).unwrap_or_default();
        for point in points {
            let (left, bound, most) = late.entry(point.key.meter).or_default();
            (*left, *bound) = (*left - point.delta, *bound + point.bound);
            *most = (*most).max(*left);
            // What is late is usage of that day: no job runs for longer.
            if *left < -*bound || *left > point.priced + *bound {
                return None;
            }
            run.late.extend((*left > *bound).then_some((&point.key, *left)));
        }
        run.points.extend(points.iter().filter(|point| point.delta.abs() > point.bound));
        let is_even = late.values().all(|(left, bound, _)| left.abs() <= *bound);
        match (at, is_even) {
            (0, true) => return None,
            (_, true) => {
                let moved = late.values().filter(|(_, bound, most)| *most > MUCH * bound);
                (run.equations, run.digits) = moved
                    .fold((0, 0), |(count, sum), (_, bound, most)| (count + 1, sum + digits(*most, *bound)));
                return Some((day, run));
            }
            // What did not have a line on a day is still late.
            (_, false)
                if late.iter().any(|(meter, (left, bound, _))| {
                    left.abs() > *bound && !points.iter().any(|point| point.key.meter == *meter)
                }) =>
            {
                return None;
            }
            _ => day = day.next(),
        }
    }
    None
}

fn patch(state: &State, account: &Account, owner: Owner, runs: &[Run]) -> Patch {
    let mut scope = Scope::of(account);
    let mut edits = Vec::new();
    for point in runs.iter().flat_map(|run| &run.points) {
        scope.cover(&point.key.cell);
        scope.tiers.extend(point.key.tier);
        edits.push(Edit::Accept { key: point.key.clone() });
    }
    let rows = state.usage.iter().filter(|row| row.account == *account && state.owner_of(&row.key) == owner);
    if owner != NOBODY {
        scope.keys = rows.map(|row| row.key.clone()).filter(|key| !key.is_empty()).collect();
    }
    let late: i128 = runs.iter().flat_map(|run| &run.points).map(|point| point.delta.max(0)).sum();
    let origin = runs[0].points.iter().map(|point| state.bill(&point.key)).find(|bill| bill.lines > 0);
    Patch {
        name: format!("next day {account:?} {owner}"),
        cause: "time.billing_instant",
        status: Status::Ambiguous,
        scope,
        edits,
        facts: vec![
            Fact::new("runs of days that come out even", runs.len())
                .at(origin.map(|bill| bill.origin).unwrap_or_default()),
            Fact::new(
                "amounts that do, to the last step",
                runs.iter().map(|run| run.equations).sum::<usize>(),
            ),
            Fact::new("billed on a later day of its run", Money::from_pico(late)),
        ],
        rivals: vec!["time.zone_bucket".to_owned()],
        decides: Some(
            "when these calls ended, in the log, or the settlement date of their batches".to_owned(),
        ),
        fix: Some(Fix {
            kind: "calendar",
            text: "log the end of these calls and date their usage by it; over the month nothing is missing"
                .to_owned(),
            patch: String::new(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Priced and billed amounts of input and output by day, each to the unit.
    fn series(days: &[[(i128, i128); 2]]) -> Series {
        let account = Account { provider: "openai".into(), id: None };
        let of = |at: usize, [input, output]: [(i128, i128); 2]| {
            let day = Day::from_days(at as i32);
            let cell = CellKey { account: account.clone(), model: Some("m".into()), first: day, last: day };
            let point = |meter, (priced, billed): (i128, i128)| Point {
                key: BillKey { meter: Some(meter), ..BillKey::first_of(&cell) },
                delta: billed - priced,
                priced,
                bound: 0,
            };
            (day, vec![point(Meter::Input, input), point(Meter::Output, output)])
        };
        days.iter().enumerate().map(|(at, day)| of(at, *day)).collect()
    }

    fn even(days: &[[(i128, i128); 2]]) -> Vec<(usize, usize)> {
        runs(&series(days)).iter().map(|run| (run.points.len(), run.equations)).collect()
    }

    #[test]
    fn what_a_day_lacks_the_next_has_too_much() {
        let quiet = [(500, 500), (70, 70)];
        let moved = [[(900, 400), (120, 50)], [(300, 800), (40, 110)]];
        assert_eq!(even(&[quiet, moved[0], moved[1], quiet]), [(4, 2)]);
        // Late usage of two days in a row, all there on the third.
        assert_eq!(even(&[[(900, 400), (90, 40)], [(600, 700), (60, 70)], [(100, 500), (10, 50)]]), [(6, 2)]);
        // First too much, then too little: nothing is billed before it is used.
        assert_eq!(even(&[moved[1], moved[0], quiet]), []);
        // The output of it never comes.
        assert_eq!(even(&[moved[0], [(300, 800), (40, 40)], quiet]), []);
        // More than was used that day.
        assert_eq!(even(&[[(400, 0), (50, 0)], [(300, 100), (40, 10)], [(200, 800), (20, 100)]]), []);
    }
}
