//! Usage of one owner that the bill dates so many hours after the log: long jobs are logged when they are sent and billed when they
//! are done.
//!
//! It is looked for where no clock of the whole account fits. Fitted is the number of hours, always the same; what is moved keeps
//! its price, so over the month nothing but the edges is left.

use std::collections::{BTreeMap, BTreeSet};

use super::instants::Instants;
use super::table::{Grouping, Left, Table};
use super::zone;
use crate::causes::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::period::Day;
use crate::rate::clock::Clock;
use crate::rate::{Account, Leaf, Owner};
use crate::reconcile::owners::NOBODY;
use crate::reconcile::{BillKey, Edit, State};

/// Hours that are tried.
const HOURS: std::ops::RangeInclusive<i64> = 1..=23;
const HOUR: i64 = 3_600;
/// Days that must tie out with it and did not without, and how unlikely that must be by chance, as a power of two.
const DAYS: usize = 4;
const BITS: u32 = 60;
const MOST_BITS: u32 = 16;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let Some(log) = state.log.filter(|_| state.apart && state.clock == Clock::utc()) else {
        return Ok(Vec::new());
    };
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut patches = Vec::new();
    for account in accounts.into_iter().filter(|account| state.grains.contains_key(*account)) {
        if !zone::plausible(state, account) || zone::contracted(state, account) {
            continue;
        }
        let Some(table) = Table::new(state, log, account, Grouping::Keys)? else { continue };
        let found = found(&table);
        if found.is_empty() {
            continue;
        }
        let instants = Instants::of(state, log, account);
        for (owner, lags) in found {
            patches.extend(patch(state, account, owner, &lags, &table, &instants));
        }
    }
    patches.retain(|patch| !state.rejected.contains(&patch.name));
    Ok(patches)
}

/// What so many hours do for one owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Lag {
    hours: i64,
    closed: BTreeSet<usize>,
    opened: usize,
    open_before: usize,
    bits: u32,
    days: BTreeSet<Day>,
}

impl Lag {
    fn of(hours: i64, points: impl Iterator<Item = (usize, Day, Left, Left)>) -> Lag {
        let mut lag = Lag { hours, ..Lag::default() };
        for (index, day, before, after) in points {
            lag.open_before += usize::from(!before.ties());
            match (before.ties(), after.ties()) {
                (false, true) => {
                    lag.closed.insert(index);
                    lag.days.insert(day);
                    let odds = before.open / (2 * before.bound.max(after.bound) + 1);
                    lag.bits += odds.max(1).ilog2().min(MOST_BITS);
                }
                (true, false) => lag.opened += 1,
                _ => {}
            }
        }
        lag
    }

    /// Nearly all that is open ties out with it, and hardly anything is lost.
    fn holds(&self) -> bool {
        self.days.len() >= DAYS
            && self.bits >= BITS
            && self.opened * 20 <= self.closed.len()
            && self.closed.len() * 5 >= self.open_before * 4
    }
}

/// The lags that do as well as the best, of each owner that has one.
fn found(table: &Table) -> BTreeMap<Owner, Vec<Lag>> {
    let by_utc: Vec<(Owner, Left)> = table.by_owner(&Clock::utc()).collect();
    let days = table.days_of_points();
    let owners: BTreeSet<Owner> =
        by_utc.iter().map(|(owner, _)| *owner).filter(|owner| *owner != NOBODY).collect();
    let mut best: BTreeMap<Owner, Vec<Lag>> = BTreeMap::new();
    for hours in HOURS {
        let clock = Clock::fixed(hours * HOUR);
        let untold = table.untold(&clock);
        let by_clock: Vec<(Owner, Left)> = table.by_owner(&clock).collect();
        for owner in &owners {
            let points = (0..by_clock.len())
                .filter(|at| by_utc[*at].0 == *owner && !untold.contains(&days[*at]))
                .map(|at| (at, days[at], by_utc[at].1, by_clock[at].1));
            let lag = Lag::of(hours, points);
            if !lag.holds() {
                continue;
            }
            let known = best.entry(*owner).or_default();
            match known.first().map_or(0, |known| known.closed.len()) {
                most if lag.closed.len() > most => *known = vec![lag],
                most if lag.closed.len() == most => known.push(lag),
                _ => {}
            }
        }
    }
    best
}

fn patch(
    state: &State,
    account: &Account,
    owner: Owner,
    lags: &[Lag],
    table: &Table,
    instants: &Instants,
) -> Option<Patch> {
    let (first, last) = (lags.first()?, lags.last()?);
    let clock = Clock::fixed(first.hours * HOUR);
    type Place = Option<(BillKey, Leaf)>;
    let mut moved: BTreeMap<(Place, Place), i128> = BTreeMap::new();
    for instant in instants.all(state).filter(|instant| instant.owner == owner && !instant.leaf.whole_day) {
        let day = clock.day(instant.at);
        let leaf = instant.leaf_of_day(state);
        let place = |day: Day| {
            let leaf = Leaf { day, ..leaf.clone() };
            state.period.contains(day).then(|| (state.key_of(&leaf, owner), leaf))
        };
        let (from, to) = (place(instant.day), place(day));
        if day != instant.day && (from.is_some() || to.is_some()) {
            *moved.entry((from, to)).or_default() += instant.quantity;
        }
    }
    let mut scope = Scope::of(account);
    for (key, _) in moved.keys().flat_map(|(from, to)| [from, to]).flatten() {
        scope.cover(&key.cell);
    }
    let rows = state.usage.iter().filter(|row| row.account == *account && state.owner_of(&row.key) == owner);
    scope.keys = rows.map(|row| row.key.clone()).filter(|key| !key.is_empty()).collect();
    let hours = match (first.hours, last.hours) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first} to {last}: no usage lies between"),
    };
    let edges = table.edges_of(&clock, owner);
    Some(Patch {
        name: format!("ended {account:?} {owner}"),
        cause: "time.billing_instant",
        status: Status::Ambiguous,
        scope,
        edits: moved
            .into_iter()
            .map(|((less, more), quantity)| Edit::Restate { less, more, quantity })
            .collect(),
        facts: vec![
            Fact::new("hours from the log to the day of the bill", hours),
            Fact::new("open amounts and counts of these keys by their logged day", first.open_before),
            Fact::new("of these tie out by the later one", first.closed.len()),
            Fact::new("days on which they do", first.days.len()),
            Fact::new("usage before the period, billed in it", edges.into),
            Fact::new("usage in the period, billed after it", edges.out_of),
            Fact::new("numbers fitted", 1),
        ],
        rivals: vec!["time.zone_bucket".to_owned()],
        decides: Some("when these calls ended, in the log, or the settlement date of their batches".to_owned()),
        fix: Some(Fix {
            kind: "calendar",
            text: "log the end of these calls and date their usage by it; what crosses the end of the month is a timing item that reverses next month".to_owned(),
            patch: String::new(),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_holds_on_enough_days_and_opens_nothing() {
        let lag = |closed: usize, opened, open_before| Lag {
            hours: 2,
            closed: (0..closed).collect(),
            opened,
            open_before,
            bits: 16 * closed as u32,
            days: (0..closed as i32).map(Day::from_days).collect(),
        };
        assert!(lag(4, 0, 5).holds());
        assert!(!lag(3, 0, 3).holds(), "three days are few");
        assert!(!lag(8, 0, 11).holds(), "a quarter of it stays open");
        assert!(!lag(8, 1, 8).holds(), "one in eight tied out before");
    }
}
