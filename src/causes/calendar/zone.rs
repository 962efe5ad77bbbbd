//! Days that begin elsewhere: one clock by which the model-days tie out that do not by UTC.

use std::collections::BTreeSet;

use super::table::{Left, Table};
use crate::causes::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::period::Day;
use crate::rate::Account;
use crate::rate::clock::Clock;
use crate::rate::log::Log;
use crate::reconcile::{CellKey, Edit, State};

/// One number is fitted, the clock: it must hold on three days more.
const DAYS: usize = 4;
/// How unlikely it must be that a clock fits by chance, as a power of two, with every clock tried.
const BITS: u32 = 40;
/// A model-day counts for at most this much.
const MOST_BITS: u32 = 16;
/// Where single rows are lost, half of all model-days must be off by no more than this share.
const NOISE: (i128, i128) = (1, 100);

/// What a clock does for the account.
struct Fit {
    clock: Clock,
    /// Fall of the sum of absolute differences.
    fall: i128,
    before: i128,
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
        // A price of the month belongs to the days it was computed for.
        let contracted = || {
            let leaves = state.logged.values().flat_map(|leaves| leaves.keys());
            leaves.filter(|leaf| leaf.account == *account).any(|leaf| state.rater.is_contracted(leaf))
        };
        if state.rejected.contains(&name(account)) || !plausible(state, account) || contracted() {
            continue;
        }
        let Some(table) = Table::new(state, log, account)? else { continue };
        patches.extend(best(&table, log).map(|(fit, status)| patch(&table, account, &fit, status)));
    }
    Ok(patches)
}

fn name(account: &Account) -> String {
    format!("zone {account:?}")
}

/// Another clock moves usage of nearly every model-day: most faults open far fewer.
fn plausible(state: &State, account: &Account) -> bool {
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

/// The clock by which the most ties out, where it is more than chance.
fn best(table: &Table, log: &Log) -> Option<(Fit, Status)> {
    let by_utc = table.left(&Clock::utc());
    let mut best: Option<Fit> = None;
    for clock in log.clocks() {
        let fit = fit(table, clock, &by_utc);
        match &mut best {
            Some(best) if (fit.fall, &fit.closed) == (best.fall, &best.closed) => best.equals.push(fit.clock),
            Some(best) if fit.fall <= best.fall => {}
            _ if fit.fall <= 0 => {}
            _ => best = Some(fit),
        }
    }
    let fit = best?;
    status(&fit).map(|status| (fit, status))
}

fn fit(table: &Table, clock: &Clock, by_utc: &[Left]) -> Fit {
    let untold = table.untold(clock);
    let mut fit = Fit {
        clock: clock.clone(),
        fall: 0,
        before: 0,
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
        fit.before += before.open;
        fit.fall += before.open - after.open;
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

/// Exact where most open model-days tie out and hardly one is lost; probable where a noise of single rows is left.
fn status(fit: &Fit) -> Option<Status> {
    let exact = fit.days.len() >= DAYS
        && fit.bits >= BITS
        && fit.opened * 20 <= fit.closed.len()
        && fit.closed.len() * 2 >= fit.open_before;
    let (before, after) = fit.medians;
    let probable = fit.open_before >= 2 * DAYS
        && after * NOISE.1 <= 1_000_000 * NOISE.0
        && after * 4 <= before
        && fit.fall * 2 >= fit.before;
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
    let mut facts = vec![
        Fact::new("days that fit the bill begin at midnight of", midnight),
        Fact::new("open model-days by days of UTC", fit.open_before),
        Fact::new("of these tie out by the other days", fit.closed.len()),
        Fact::new("usage before the period, billed in it", edges.into),
        Fact::new("usage in the period, billed outside it", edges.out_of),
    ];
    if !fit.equals.is_empty() {
        let equals: Vec<&str> = fit.equals.iter().map(Clock::name).collect();
        facts.push(Fact::new("as no usage lies between, the same days are those of", equals.join(", ")));
    }
    if status == Status::Probable {
        let percent = |millionths: i128| format!("{}.{:04} %", millionths / 10_000, millionths % 10_000);
        facts.push(Fact::new("median difference of a model-day by days of UTC", percent(fit.medians.0)));
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
                "take the bill in days of UTC, or the log in instants with their offset; until then its days are those of {midnight}, and the edge of the month is a timing item that reverses next month"
            ),
            patch: String::new(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(closed: usize, opened: usize, open_before: usize, medians: (i128, i128)) -> Fit {
        Fit {
            clock: Clock::fixed(-25_200),
            fall: 80,
            before: 100,
            closed: (0..closed).collect(),
            opened,
            open_before,
            bits: 16 * closed as u32,
            medians,
            days: (0..closed as i32).map(Day::from_days).collect(),
            untold: BTreeSet::new(),
            equals: Vec::new(),
        }
    }

    #[test]
    fn a_clock_is_claimed_on_enough_days_only() {
        let status = |closed, opened, open, medians| status(&fit(closed, opened, open, medians));
        assert_eq!(status(60, 0, 62, (80_000, 0)), Some(Status::Exact));
        // Four days are the least; half of what is open; hardly a model-day that tied out before.
        assert_eq!(status(4, 0, 4, (80_000, 40_000)), Some(Status::Exact));
        assert_eq!(status(3, 0, 3, (80_000, 40_000)), None);
        assert_eq!(status(20, 0, 50, (80_000, 40_000)), None);
        assert_eq!(status(30, 5, 40, (80_000, 40_000)), None);
        // Rows are lost on nearly every day: 8 % by UTC, 0.2 % by the clock.
        assert_eq!(status(2, 0, 62, (80_000, 2_000)), Some(Status::Probable));
        assert_eq!(status(2, 0, 62, (6_000, 2_000)), None);
        assert_eq!(status(2, 0, 62, (80_000, 15_000)), None);
    }
}
