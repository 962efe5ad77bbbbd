//! Days that begin elsewhere: one clock by which the model-days tie out that do not by UTC.

use std::collections::{BTreeMap, BTreeSet};

use super::table::{Grouping, Left, Table};
use crate::causes::search::score::{DIGIT, Digits, digits};
use crate::causes::{Fact, Fix, Patch, Scope, Status, noise};
use crate::error::Result;
use crate::period::Day;
use crate::rate::clock::Clock;
use crate::rate::log::Log;
use crate::rate::{Account, Owner};
use crate::reconcile::{CellKey, Edit, State};

/// One number is fitted, the clock: it must hold on three days more.
const DAYS: usize = 4;
/// How unlikely it must be that a clock fits by chance, as a power of two, with every clock tried.
const BITS: u32 = 40;
/// A model-day counts for at most this much.
const MOST_BITS: u32 = 16;
/// In a noisy log differences are written down in steps of so many parts per million of a model-day.
const STEP: i128 = 1_000;
/// A model-day is better or worse by at least this much, and better ones must outnumber the worse so many times.
const BETTER: Digits = 2 * DIGIT;
const TIMES: usize = 3;
/// Digits that all must save, where they do not tie out to the last step.
/// Left over where a model-day is near.
const NEAR: Digits = 3 * DIGIT;
const SAVED: Digits = 60 * DIGIT;
/// For each amount or count that no longer ties out, so many must come nearer.
const OPENED: usize = 4;

/// What a clock does for the account.
struct Fit {
    clock: Clock,
    /// Digits that all model-days save.
    saved: Digits,
    /// Model-days that save or lose some; and those that are near, of those that were not.
    better: usize,
    worse: usize,
    near: usize,
    closed: BTreeSet<usize>,
    opened: usize,
    open_before: usize,
    bits: u32,
    /// Median share by which a model-day is off, by UTC and by this clock, in millionths.
    medians: (i128, i128),
    days: BTreeSet<Day>,
    untold: BTreeSet<Day>,
    /// Other clocks that cut the usage in the same way.
    equals: Vec<Clock>,
}

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let Some(log) = state.log else { return Ok(Vec::new()) };
    let accounts: BTreeSet<&Account> = state.open.iter().map(|cell| &cell.account).collect();
    let mut patches = Vec::new();
    for account in accounts.into_iter().filter(|account| state.grains.contains_key(*account)) {
        if state.rejected.contains(&name(account)) || !plausible(state, account) || contracted(state, account)
        {
            continue;
        }
        // The clock is everybody's; each by himself may contradict it.
        let everybody = state.together();
        // Where models are taken for each other, only what they count together has its day.
        let Some(of_each) = Table::new(state, log, account, Grouping::Keys)? else { continue };
        for grouping in [Grouping::Keys, Grouping::Meters] {
            let Some(table) = Table::new(&everybody, log, account, grouping)? else { continue };
            let Some((fit, status)) = best(&table, &of_each, log) else { continue };
            patches.push(patch(&table, account, &fit, status));
            break;
        }
    }
    Ok(patches)
}

fn name(account: &Account) -> String {
    format!("zone {account:?}")
}

/// A price of the month belongs to the days it was computed for.
pub(super) fn contracted(state: &State, account: &Account) -> bool {
    let mut leaves = state.logged.values().flat_map(|leaves| leaves.keys());
    leaves.any(|leaf| leaf.account == *account && state.rater.is_contracted(leaf))
}

/// Another clock moves usage of nearly every model-day: most faults open far fewer.
pub(super) fn plausible(state: &State, account: &Account) -> bool {
    let cells = |cell: &&CellKey| cell.account == *account && cell.first == cell.last;
    let open = state.open.iter().filter(cells).count();
    let mut all = 0;
    let mut last = None;
    for key in state.billed.keys().filter(|key| cells(&&key.cell)) {
        all += usize::from(last != Some(&key.cell));
        last = Some(&key.cell);
    }
    open >= DAYS && open * 4 >= all
}

/// The clock by which the most ties out and that nobody's usage contradicts, where it is more than chance.
fn best(table: &Table, of_each: &Table, log: &Log) -> Option<(Fit, Status)> {
    let by_utc = table.left(&Clock::utc());
    let fits = log.clocks().map(|clock| fit(table, clock, &by_utc));
    let mut fits: Vec<Fit> = fits.filter(|fit| fit.saved > 0 && status(fit).is_some()).collect();
    fits.sort_by_key(|fit| -fit.saved);
    let first = fits.iter().position(|fit| !is_of_some_only(of_each, &fit.clock))?;
    let mut fits = fits.into_iter().skip(first);
    let mut best = fits.next()?;
    let alike = fits.take_while(|fit| fit.saved == best.saved).filter(|fit| fit.closed == best.closed);
    best.equals = alike.map(|fit| fit.clock).collect();
    status(&best).map(|status| (best, status))
}

/// True where what ties out by UTC does not by the clock, for somebody or in many places: then some usage is billed by other days,
/// and not the account's.
fn is_of_some_only(table: &Table, clock: &Clock) -> bool {
    let mut owners: BTreeMap<Owner, (usize, usize)> = BTreeMap::new();
    for ((owner, before), (_, after)) in table.by_owner(&Clock::utc()).zip(table.by_owner(clock)) {
        let (better, opened) = owners.entry(owner).or_default();
        let (then, now) = (length(&before), length(&after));
        *better += usize::from(then - now >= BETTER);
        // Where there was nothing before, nothing tied out.
        *opened += usize::from(before.size > 0 && before.ties() && now > NEAR);
    }
    let sum = |of: fn(&(usize, usize)) -> usize| owners.values().map(of).sum::<usize>();
    owners.values().any(|(better, opened)| *opened >= DAYS && opened > better)
        || sum(|(_, opened)| *opened) * OPENED > sum(|(better, _)| *better)
}

fn fit(table: &Table, clock: &Clock, by_utc: &[Left]) -> Fit {
    let untold = table.untold(clock);
    let mut fit = Fit {
        clock: clock.clone(),
        saved: 0,
        better: 0,
        worse: 0,
        near: 0,
        closed: BTreeSet::new(),
        opened: 0,
        open_before: 0,
        bits: 0,
        medians: (0, 0),
        days: BTreeSet::new(),
        untold,
        equals: Vec::new(),
    };
    let (mut shares, mut shares_before) = (Vec::new(), Vec::new());
    for (index, (after, before)) in table.left(clock).iter().zip(by_utc).enumerate() {
        let day = table.cells[index].first;
        if fit.untold.contains(&day) || after.size.max(before.size) == 0 {
            continue;
        }
        let (then, now) = (length(before), length(after));
        fit.saved += then - now;
        fit.better += usize::from(then - now >= BETTER);
        fit.worse += usize::from(now - then >= BETTER);
        fit.near += usize::from(then - now >= BETTER && now <= NEAR);
        shares.push(after.open * 1_000_000 / after.size.max(1));
        shares_before.push(before.open * 1_000_000 / before.size.max(1));
        fit.open_before += usize::from(!before.ties());
        match (before.ties(), after.ties()) {
            (false, true) => {
                fit.closed.insert(index);
                fit.days.insert(day);
                let odds = before.open / (2 * before.bound.max(after.bound) + 1);
                fit.bits += odds.max(1).ilog2().min(MOST_BITS);
            }
            (true, false) => fit.opened += 1,
            _ => {}
        }
    }
    let median = |mut shares: Vec<i128>| {
        shares.sort_unstable();
        shares.get(shares.len() / 2).copied().unwrap_or(0)
    };
    fit.medians = (median(shares_before), median(shares));
    fit
}

/// Digits of what is left of a model-day.
fn length(left: &Left) -> Digits {
    digits(left.open, left.bound + noise::share(STEP, left.size) + 1)
}

/// Exact where most open model-days tie out and hardly one is lost; probable where a noise of single rows is left.
fn status(fit: &Fit) -> Option<Status> {
    let exact = fit.days.len() >= DAYS
        && fit.bits >= BITS
        && fit.opened * 20 <= fit.closed.len()
        && fit.closed.len() * 2 >= fit.open_before;
    // Other faults may sit in many model-days; those that the clock changes get better, and most of them come near.
    let probable = fit.saved >= SAVED
        && fit.better >= 2 * DAYS
        && fit.near * 2 >= fit.better
        && fit.better >= TIMES * fit.worse;
    match (exact, probable) {
        (true, _) => Some(Status::Exact),
        (false, true) => Some(Status::Probable),
        _ => None,
    }
}

fn patch(table: &Table, account: &Account, fit: &Fit, status: Status) -> Patch {
    let mut scope = Scope::of(account);
    for cell in &table.cells {
        scope.days(cell.first, cell.last);
    }
    let edges = table.edges(&fit.clock);
    let midnight = fit.clock.name();
    let (what, one) = match table.grouping {
        Grouping::Keys => ("model-days", "a model-day"),
        Grouping::Meters => ("sums of a meter and day, of all models", "such a sum"),
    };
    let mut facts = vec![
        Fact::new("days that fit the bill begin at midnight of", midnight),
        Fact::new(format!("open {what} by days of UTC"), fit.open_before),
        Fact::new("of these tie out by the other days", fit.closed.len()),
        Fact::new("usage before the period, billed in it", edges.into),
        Fact::new("usage in the period, billed outside it", edges.out_of),
    ];
    let equals = fit.equals.iter().map(Clock::name).collect::<Vec<_>>().join(", ");
    let mut of = midnight.to_owned();
    if !equals.is_empty() {
        of.push_str(&format!(" (as well as {equals}: no usage lies between)"));
        facts.push(Fact::new("as no usage lies between, the same days are those of", equals));
    }
    if status == Status::Probable {
        let percent = |millionths: i128| format!("{}.{:04} %", millionths / 10_000, millionths % 10_000);
        facts.push(Fact::new(format!("median difference of {one} by days of UTC"), percent(fit.medians.0)));
        facts.push(Fact::new("median difference by the other days", percent(fit.medians.1)));
    }
    for day in &fit.untold {
        facts.push(Fact::new("cannot be tested, the log was not exported beyond it", day));
    }
    Patch {
        name: name(account),
        cause: "time.zone_bucket",
        status,
        scope,
        edits: vec![Edit::Rebucket { account: account.clone(), clock: fit.clock.clone() }],
        facts,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix {
            kind: "calendar",
            text: format!(
                "take the bill in days of UTC, or the log in instants with their offset; until then its days are those of {of}, and the edge of the month is a timing item that reverses next month"
            ),
            patch: String::new(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(
        closed: usize,
        opened: usize,
        open_before: usize,
        (better, near, worse): (usize, usize, usize),
    ) -> Fit {
        Fit {
            clock: Clock::fixed(-25_200),
            saved: 8 * DIGIT * better as Digits,
            better,
            worse,
            near,
            closed: (0..closed).collect(),
            opened,
            open_before,
            bits: 16 * closed as u32,
            medians: (0, 0),
            days: (0..closed as i32).map(Day::from_days).collect(),
            untold: BTreeSet::new(),
            equals: Vec::new(),
        }
    }

    #[test]
    fn a_clock_is_claimed_on_enough_days_only() {
        let status = |closed, opened, open, counts| status(&fit(closed, opened, open, counts));
        assert_eq!(status(60, 0, 62, (60, 60, 0)), Some(Status::Exact));
        // Four days are the least, and hardly a model-day that tied out before may be lost.
        assert_eq!(status(4, 0, 4, (4, 4, 0)), Some(Status::Exact));
        assert_eq!(status(3, 0, 3, (3, 3, 0)), None);
        assert_eq!(status(30, 15, 40, (30, 30, 15)), None);
        // Other faults sit in most of what is open.
        assert_eq!(status(20, 0, 50, (20, 20, 2)), Some(Status::Probable));
        // Rows are lost on nearly every day: what the clock changes comes near, or it is no clock.
        assert_eq!(status(2, 0, 62, (50, 45, 3)), Some(Status::Probable));
        assert_eq!(status(2, 0, 62, (50, 10, 3)), None);
        assert_eq!(status(2, 0, 62, (7, 7, 0)), None);
    }
}
