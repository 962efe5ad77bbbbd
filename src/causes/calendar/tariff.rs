//! The right prices at other hours: a price change by another clock or a day off, hours of a tariff misread or ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fit::{Test, run, test};
use super::hours;
use super::instants::Instants;
use super::reading::{Move, Prices, Reading, moves};
use crate::causes::{Fact, Fix, Patch, Scope, Status, noise};
use crate::error::Result;
use crate::period::{Day, SECONDS_PER_DAY};
use crate::rate::Account;
use crate::rate::log::Log;
use crate::reconcile::{Edit, State};
use crate::vocabulary::PriceStatus;

/// Days on which a promotion must be kept, or withheld.
const KEPT: usize = 3;
/// Days around a day of one price, such as a holiday, in which the other price is found.
const WEEKS: i64 = 10;
/// Days that test a fitted clock.
const DAYS: usize = 4;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let Some(log) = state.log else { return Ok(Vec::new()) };
    let mut suspects: BTreeMap<&Account, BTreeSet<&Arc<str>>> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| state.grains.contains_key(&cell.account)) {
        if let Some(model) = cell.model.as_ref().filter(|_| cell.first == cell.last) {
            suspects.entry(&cell.account).or_default().insert(model);
        }
    }
    let mut patches = Vec::new();
    for (account, models) in suspects {
        let mut instants: Option<Instants> = None;
        let floor = noise::floor(state, account)?;
        for model in models {
            let instants = instants.get_or_insert_with(|| Instants::of(state, log, account));
            let prices = Prices { state, changes: changes(state, account, model), floor };
            let mut told = Vec::new();
            if !prices.changes.is_empty() {
                told = claims(&prices, log, account, model, instants)?;
            }
            if told.is_empty() {
                told.extend(hours::of_model(state, account, model, instants, floor > 0)?);
            }
            patches.extend(told);
        }
    }
    Ok(patches)
}

fn changes(state: &State, account: &Account, model: &str) -> Vec<i64> {
    let (first, last) = around(state);
    state.rater.book.price_changes(&account.provider, model, first, last)
}

/// Where price changes matter to the days of the period.
fn around(state: &State) -> (i64, i64) {
    let (first, last) = (state.period.first.start(), state.period.last.start());
    (first - 2 * SECONDS_PER_DAY, last + 3 * SECONDS_PER_DAY)
}

/// The readings to try, the plainest first.
fn readings(prices: &Prices, log: &Log, seller: &str, model: &str, step: Option<i64>) -> Vec<Reading> {
    let mut readings = match step {
        Some(_) => vec![Reading::Days(1), Reading::Days(-1)],
        None => [0, WEEKS]
            .into_iter()
            .flat_map(|around| [false, true].map(|highest| Reading::Flat { highest, around }))
            .collect(),
    };
    if step.is_some_and(|step| ends_promotion(prices, seller, model, step)) {
        readings.extend([Reading::Kept, Reading::Early]);
    }
    if prices.floor > 0 {
        return readings;
    }
    // What the seller meant by one clock and the book took for UTC, or the reverse.
    readings.extend(log.clocks().cloned().map(Reading::By));
    readings
}

/// True where the price up to this change is marked as a promotion.
fn ends_promotion(prices: &Prices, seller: &str, model: &str, step: i64) -> bool {
    let rows = prices.state.rater.book.ledger(seller);
    let before = rows.filter(|row| &*row.model == model && row.from < step).max_by_key(|row| row.from);
    before.is_some_and(|row| row.status == PriceStatus::Promo)
}

/// One claim for each price change that is read otherwise; all hours of a tariff are one.
fn claims(
    prices: &Prices,
    log: &Log,
    account: &Account,
    model: &Arc<str>,
    instants: &Instants,
) -> Result<Vec<Patch>> {
    let state = prices.state;
    let (first, last) = around(state);
    let steps = state.rater.book.row_changes(&account.provider, model, first, last);
    let hourly = prices.changes.len() > steps.len();
    let near = |step: &i64| {
        let days = Day::of_instant(*step - SECONDS_PER_DAY)..=Day::of_instant(*step + SECONDS_PER_DAY);
        let mut open = state.open.iter().filter(|cell| cell.model.as_ref() == Some(model));
        open.any(|cell| cell.account == *account && days.contains(&cell.first))
    };
    let steps: Vec<Option<i64>> =
        if hourly { vec![None] } else { steps.into_iter().filter(near).map(Some).collect() };
    let mut patches = Vec::new();
    for step in steps {
        let readings = readings(prices, log, &account.provider, model, step);
        patches.extend(best(prices, step, &readings, account, model, instants)?);
    }
    Ok(patches)
}

/// The first reading by which every key that it changes ties out.
fn best(
    prices: &Prices,
    step: Option<i64>,
    readings: &[Reading],
    account: &Account,
    model: &Arc<str>,
    instants: &Instants,
) -> Result<Option<Patch>> {
    for reading in readings {
        let name = format!("tariff {account:?} {model} {step:?} {reading:?}");
        if prices.state.rejected.contains(&name) {
            continue;
        }
        let mut moves = moves(prices, step, reading, model, instants)?;
        if matches!(reading, Reading::Kept | Reading::Early) {
            moves = run(prices, moves, *reading == Reading::Early)?;
        }
        let Some(test) = test(prices, &moves)? else { continue };
        let kept = matches!(reading, Reading::Kept | Reading::Early);
        if !kept || test.days.len() >= KEPT {
            return Ok(Some(patch(account, model, (step, reading), prices.floor, name, moves, &test)));
        }
    }
    Ok(None)
}

fn patch(
    account: &Account,
    model: &Arc<str>,
    (step, reading): (Option<i64>, &Reading),
    floor: i128,
    name: String,
    moves: Vec<Move>,
    test: &Test,
) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let mut edits = Vec::new();
    for part in moves {
        scope.cover(&part.key.cell);
        scope.meters.extend(part.key.meter);
        let (less, more) = (Some((part.key.clone(), part.leaf)), Some((part.key, part.other)));
        edits.push(Edit::Restate { less, more, quantity: part.quantity });
    }
    let fitted = matches!(reading, Reading::By(_));
    let hourly = step.is_none();
    let what = match reading {
        Reading::Days(days) => format!(
            "charged as if the price changed {} {} than in the book",
            if days.abs() == 1 { "a day".to_owned() } else { format!("{} days", days.abs()) },
            if *days > 0 { "later" } else { "earlier" }
        ),
        Reading::Kept => "charged at the promotional price after its end in the book".to_owned(),
        Reading::Early => "charged at the later price while the book has a promotion".to_owned(),
        Reading::Flat { highest, around } => format!(
            "charged at the {} price of {} at all hours",
            if *highest { "highest" } else { "lowest" },
            if *around == 0 { "the day" } else { "all days" }
        ),
        Reading::By(clock) => format!("charged as if the book's hours were those of {}", clock.name()),
    };
    let (cause, text) = match reading {
        _ if hourly => (
            "rate.time_of_day",
            "ask the provider by which hours and zone it charged these days, and dispute the difference or correct the schedule of the book",
        ),
        Reading::Kept | Reading::Early => (
            "rate.intro_or_promo",
            "check the seller's page for the first and last day of the promotion, and correct the row or dispute the days",
        ),
        _ => (
            "rate.effective_boundary",
            "give the price row the instant of the seller's own words, with its zone, or dispute the day",
        ),
    };
    // At the edge of the period the other price may just as well go on.
    let open = cause == "rate.effective_boundary" && !test.ended;
    let status = match () {
        () if open => Status::Ambiguous,
        () if floor > 0 || (fitted && test.days.len() < DAYS) => Status::Probable,
        () => Status::Exact,
    };
    Patch {
        name,
        cause,
        status,
        scope,
        edits,
        facts: vec![
            Fact::new("what", what),
            Fact::new("days on which the billed amount is met with it", test.days.len()),
            Fact::new("numbers fitted", u8::from(fitted)),
            Fact::new("usage of these days costs more by", test.moved),
        ],
        rivals: if open { vec!["rate.stale".to_owned()] } else { Vec::new() },
        decides: open.then(|| "the bill of the days beside the period".to_owned()),
        fix: Some(Fix { kind: "pricebook-row", text: text.to_owned(), patch: String::new() }),
    }
}
