//! What is open of each model of each account, day by day: usage that one of them lacks may be what another has too much of.

use std::collections::{BTreeMap, BTreeSet};

use crate::causes::noise;
use crate::error::Result;
use crate::period::Day;
use crate::rate::Account;
use crate::reconcile::State;
use crate::reconcile::passed::{Name, Open};

/// A difference below this many parts per million of the larger side may be noise.
const CLEARLY: i128 = 2 * noise::MOST;

/// Model-days with a clear difference of the accounts with a bill, where there are two.
pub fn open(state: &State) -> Result<Open> {
    let billed = |account: &Account| state.grains.contains_key(account);
    let accounts: BTreeSet<&Account> =
        state.open.iter().map(|cell| &cell.account).filter(|account| billed(account)).collect();
    let mut open = Open::new();
    if accounts.len() < 2 {
        return Ok(open);
    }
    for cell in state.open.iter().filter(|cell| cell.first == cell.last && billed(&cell.account)) {
        let sides = state.sides_of(cell);
        let delta = state.delta_of(&sides)?.pico();
        let billed = sides.iter().map(|side| state.bill_at(side).amount.pico().abs()).sum::<i128>();
        if let Some(model) = &cell.model
            && is_clear(delta, state.bound_of(&sides).pico(), billed)
        {
            open.entry((cell.account.clone(), model.clone())).or_default().insert(cell.first, delta);
        }
    }
    Ok(open)
}

/// True where a difference is no rounding and no noise.
pub fn is_clear(delta: i128, bound: i128, billed: i128) -> bool {
    delta.abs() > bound + noise::share(CLEARLY, billed.max(billed - delta))
}

/// The part of the dollars in question that another model must have more or less at least: it may be so much cheaper.
#[derive(Debug, Clone, Copy)]
pub struct AtLeast(pub i128);

/// The model that is open in one direction on most of some days and, where the period is given in days, seldom on the others: at
/// whatever price, it may be the same usage. `sign`: 1 where it has more on the bill than in the log, −1 where it has less.
pub fn on_the_same_days<'o>(
    open: impl Iterator<Item = (&'o Name, &'o BTreeMap<Day, i128>)>,
    days: &BTreeSet<Day>,
    (sign, amount, AtLeast(part)): (i128, i128, AtLeast),
    period: Option<usize>,
) -> Option<&'o Name> {
    let others = period.map(|all| all.saturating_sub(days.len()));
    let same = |by_day: &BTreeMap<Day, i128>| {
        let open = by_day.iter().filter(|(_, delta)| **delta * sign > 0);
        let (inside, outside): (Vec<_>, Vec<_>) = open.partition(|(day, _)| days.contains(*day));
        let dollars: i128 = inside.iter().map(|(_, delta)| delta.abs()).sum();
        // Twice as often on these days as on the others.
        let own = others.is_none_or(|others| inside.len() * others >= 2 * outside.len() * days.len());
        inside.len() * 2 >= days.len() && own && dollars * part >= amount
    };
    open.filter(|(_, by_day)| same(by_day)).map(|(name, _)| name).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(model: &str, days: impl Iterator<Item = (i32, i128)>) -> Open {
        let account = Account { provider: "anthropic".into(), id: None };
        Open::from([(
            (account, model.into()),
            days.map(|(day, delta)| (Day::from_days(day), delta)).collect(),
        )])
    }

    #[test]
    fn more_on_just_these_days_may_be_the_same_usage() {
        let days: BTreeSet<Day> = (10..20).map(Day::from_days).collect();
        let rival = |open: Open, amount| {
            on_the_same_days(open.iter(), &days, (1, amount, AtLeast(50)), Some(31)).is_some()
        };
        let on =
            |range: std::ops::Range<i32>, delta| of("claude-haiku-4-5", range.map(move |day| (day, delta)));
        assert!(rival(on(10..20, 100), 8_000), "an eighth of the dollars: it is cheaper");
        assert!(rival(on(12..17, 100), 8_000), "on half of the days");
        assert!(!rival(on(12..16, 100), 8_000), "on fewer");
        assert!(!rival(on(10..20, -100), 8_000), "it lacks usage itself");
        assert!(!rival(on(0..31, 100), 8_000), "as often on the other days: it has a cause of its own");
        assert!(!rival(on(10..20, 10), 8_000), "no model is so much cheaper");
    }
}
