//! One term on the running month: which rows it changes and which line it adds.

use super::rows::{Rows, effect};
use super::{Effect, Step, balance, bands, scale};
use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};
use crate::money::{Money, ONE, Ratio, split_units};
use crate::period::{Day, Period};
use crate::pricebook::terms::{Each, Kind, Shown, Term};

pub(super) fn apply(
    term: &Term,
    rows: &mut Rows,
    period: Period,
    problems: &mut Vec<Diagnostic>,
) -> Result<Vec<Effect>> {
    Ok(match &term.kind {
        Kind::OffList { factor } => vec![factor_on(term, rows, *factor, |own_price| !own_price)?],
        // A price is always in the unit price.
        Kind::Price { .. } => Vec::new(),
        Kind::FreeAllowance { quantity, each } => vec![allowance(term, rows, *quantity, *each)],
        Kind::Capacity { units, rate } => capacity(term, rows, *units, *rate, period)?,
        Kind::VolumeBand { of, whole, bands } => {
            bands::apply(term, rows, *of, *whole, bands, problems)?.into_iter().collect()
        }
        Kind::MarketplaceUnit { factor, unit_price } => {
            let mut effect = factor_on(term, rows, *factor, |_| true)?;
            let billed: Money = rows.of(term).into_iter().map(|index| rows.rows[index].amount).sum();
            let units = Ratio::new(unit_price.denominator(), unit_price.numerator())
                .and_then(|inverse| inverse.checked_mul(Ratio::new(billed.pico(), ONE)?));
            effect.steps.push(Step::new("usage after the discount", billed));
            effect.steps.push(Step::new("price of a unit", unit_price.decimal_text(12)));
            let units = units.map_or_else(|| "too many to count".to_owned(), |units| units.decimal_text(12));
            effect.steps.push(Step::new("units", units));
            vec![effect]
        }
        Kind::Credit { amount, used } => {
            balance::credit(term, rows, *amount, used, period, problems).into_iter().collect()
        }
        Kind::Minimum { amount } => balance::minimum(term, rows, *amount, problems).into_iter().collect(),
        Kind::Commitment { amount, used } => {
            balance::commitment(term, rows, *amount, used, period, problems).into_iter().collect()
        }
    })
}

fn factor_on(term: &Term, rows: &mut Rows, factor: Ratio, takes: fn(bool) -> bool) -> Result<Effect> {
    let mut changes = Vec::new();
    let mut before = Money::ZERO;
    for index in rows.of(term).into_iter().filter(|index| takes(rows.rows[*index].own_price)) {
        let amount = rows.rows[index].amount;
        before += amount;
        changes.push((index, scale(amount, factor)? - amount));
    }
    let steps = vec![Step::new("usage before", before), Step::new("factor", factor.decimal_text(12))];
    Ok(rows.change(term, term.shown, changes, steps))
}

/// The first units in time are free. Within one instant nobody knows which call came first: the free units are spread
/// over the leaves of that instant by quantity.
fn allowance(term: &Term, rows: &mut Rows, quantity: i128, each: Each) -> Effect {
    let ours = rows.of(term);
    let (mut left, mut day, mut free) = (quantity, None::<Day>, 0i128);
    let mut changes = Vec::new();
    let metered: i128 = ours.iter().map(|index| rows.rows[*index].metered).sum();
    for instant in rows.instants(&ours) {
        let today = rows.rows[instant[0]].leaf.day;
        if each == Each::Day && day != Some(today) {
            (left, day) = (quantity, Some(today));
        }
        let used: i128 = instant.iter().map(|index| rows.rows[*index].metered).sum();
        let now = left.min(used);
        left -= now;
        free += now;
        for (index, units) in instant.iter().zip(split_units(now, &rows.metered(&instant))) {
            let row = &mut rows.rows[*index];
            changes.push((*index, -part(row.amount, units, row.metered)));
            row.metered -= units;
            if row.metered == 0 && term.shown == Shown::Usage {
                row.decided = Some(term.id.clone());
            }
        }
    }
    let steps = vec![
        Step::new(if each == Each::Day { "free each day" } else { "free in the month" }, quantity),
        Step::new("units used", metered),
        Step::new("units free", free),
    ];
    rows.change(term, term.shown, changes, steps)
}

/// `amount × units / of`, by largest remainder.
pub(super) fn part(amount: Money, units: i128, of: i128) -> Money {
    let weights = [units, of - units].map(|weight| u128::try_from(weight).unwrap_or(0));
    amount.split(&weights).first().copied().unwrap_or_default()
}

/// Hours of the term inside the period times units times rate; what the capacity serves is not metered.
fn capacity(term: &Term, rows: &mut Rows, units: Ratio, rate: Ratio, period: Period) -> Result<Vec<Effect>> {
    let (start, end) = (period.first.start(), period.last.next().start());
    let seconds = end.min(term.to.unwrap_or(end)) - start.max(term.from);
    let fee = Ratio::new(1, 3600).and_then(|hours| units.checked_mul(rate)?.checked_mul(hours));
    let fee = fee.and_then(|fee| fee.amount(i128::from(seconds)).ok());
    let (fee, _) = fee.ok_or_else(|| Error::Internal("a fee for capacity is too large".to_owned()))?;
    let mut changes = Vec::new();
    let mut tokens = 0;
    for index in rows.of(term) {
        let row = &mut rows.rows[index];
        tokens += row.metered;
        row.metered = 0;
        row.decided = Some(term.id.clone());
        changes.push((index, -row.amount));
    }
    let served =
        rows.change(term, Shown::Usage, changes, vec![Step::new("units served, not metered", tokens)]);
    rows.fees += fee;
    let hours = Ratio::new(i128::from(seconds), 3600).map_or_else(String::new, |hours| hours.decimal_text(6));
    let steps = vec![
        Step::new("units", units.decimal_text(12)),
        Step::new("hours", hours),
        Step::new("rate of a unit and hour", rate.decimal_text(12)),
    ];
    Ok(vec![served, effect(term, Shown::Line, fee, Default::default(), steps)])
}
