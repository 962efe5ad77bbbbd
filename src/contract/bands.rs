//! Volume bands. Incremental bands price each unit by the band it falls in, in time order; whole-volume bands price
//! every unit of the month by the band that the total reaches.
//!
//! Within one instant nobody knows which call came first: the units of each band are spread over the leaves of that
//! instant by quantity (or by cost, where the bands are of spend), with the remainder to the largest remainders.

use super::apply::part;
use super::rows::{Row, Rows};
use super::{Effect, Step, balance, scale};
use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};
use crate::money::{Money, Ratio, div_half_even, split_units};
use crate::pricebook::terms::{Band, BandPrice, Measure, Shown, Term};

/// Below the first boundary nothing changes.
const BASE: Band = Band { above: 0, price: BandPrice::Factor(Ratio::ONE) };

pub(super) fn apply(
    term: &Term,
    rows: &mut Rows,
    of: Measure,
    whole: bool,
    agreed: &[Band],
    problems: &mut Vec<Diagnostic>,
) -> Result<Option<Effect>> {
    if of == Measure::Spend && balance::unpriced(term, rows, "the month's spend", problems) {
        return Ok(None);
    }
    let mut bands: Vec<Band> =
        if agreed.first().is_some_and(|band| band.above > 0) { vec![BASE] } else { vec![] };
    bands.extend(agreed);
    let ours = rows.of(term);
    let measure = |rows: &Rows, index: usize| match of {
        Measure::Quantity => rows.rows[index].metered,
        Measure::Spend => rows.rows[index].amount.pico(),
    };
    let total: i128 = ours.iter().map(|index| measure(rows, *index)).sum();
    let reached = reached(&bands, total);
    let mut changes = Vec::new();
    if whole {
        for index in &ours {
            let row = &rows.rows[*index];
            if says(term, row, [reached.price]) {
                changes.push((*index, priced(row.amount, row.metered, reached.price)? - row.amount));
            }
        }
    } else {
        let mut before = 0;
        for instant in rows.instants(&ours) {
            let now: i128 = instant.iter().map(|index| measure(rows, *index)).sum();
            changes.extend(match of {
                Measure::Quantity => by_quantity(term, rows, &instant, &bands, before, now)?,
                Measure::Spend => by_spend(rows, &instant, &bands, before, now)?,
            });
            before += now;
        }
    }
    for (index, _) in &changes {
        rows.rows[*index].decided = Some(term.id.clone());
    }
    let amount = |value: i128| match of {
        Measure::Quantity => value.to_string(),
        Measure::Spend => Money::from_pico(value).to_string(),
    };
    let mut steps = vec![Step::new(
        if of == Measure::Spend { "spend of the month" } else { "units of the month" },
        amount(total),
    )];
    for (index, band) in bands.iter().enumerate() {
        let units =
            if whole { if *band == reached { total } else { 0 } } else { inside(&bands, index, 0, total) };
        if units > 0 {
            let price = match band.price {
                BandPrice::Factor(factor) => format!("× {}", factor.decimal_text(12)),
                BandPrice::Unit(unit) => format!("at {} per million", unit.per_million()),
            };
            steps.push(Step::new(
                "in a band",
                format!("{} above {} {price}", amount(units), amount(band.above)),
            ));
        }
    }
    Ok(Some(rows.change(term, term.shown, changes, steps)))
}

/// True where the bands say what a row costs: without a price in the book a factor is a factor of nothing, and a line
/// beside the usage is a difference to nothing.
fn says(term: &Term, row: &Row, prices: impl IntoIterator<Item = BandPrice>) -> bool {
    let own = |price| matches!(price, BandPrice::Unit(_));
    row.unpriced() == 0 || (term.shown == Shown::Usage && prices.into_iter().all(own))
}

/// The band that a total reaches: the last one it lies above.
fn reached(bands: &[Band], total: i128) -> Band {
    bands.iter().rev().find(|band| band.above < total).or(bands.first()).copied().unwrap_or(BASE)
}

/// How much of `(before, before + now]` lies in a band.
fn inside(bands: &[Band], index: usize, before: i128, now: i128) -> i128 {
    let from = bands[index].above.max(before);
    let to = bands.get(index + 1).map_or(before + now, |next| next.above.min(before + now));
    (to - from).max(0)
}

fn priced(amount: Money, quantity: i128, price: BandPrice) -> Result<Money> {
    match price {
        BandPrice::Factor(factor) => scale(amount, factor),
        BandPrice::Unit(unit) => crate::rate::amount(unit, quantity),
    }
}

fn by_quantity(
    term: &Term,
    rows: &Rows,
    instant: &[usize],
    bands: &[Band],
    before: i128,
    now: i128,
) -> Result<Vec<(usize, Money)>> {
    let mut left = rows.metered(instant);
    // Units of each leaf in each band.
    let mut units: Vec<Vec<i128>> = vec![Vec::new(); instant.len()];
    for index in 0..bands.len() {
        let parts = split_units(inside(bands, index, before, now), &left);
        for ((units, left), part) in units.iter_mut().zip(&mut left).zip(parts) {
            units.push(part);
            *left = left.saturating_sub(part.unsigned_abs());
        }
    }
    let mut changes = Vec::new();
    for (index, units) in instant.iter().zip(units) {
        let used = bands.iter().zip(&units).filter(|(_, units)| **units > 0);
        if !says(term, &rows.rows[*index], used.map(|(band, _)| band.price)) {
            continue;
        }
        let amount = rows.rows[*index].amount;
        let (mut rest, mut open, mut change) = (amount, units.iter().sum::<i128>(), Money::ZERO);
        for (band, units) in bands.iter().zip(units) {
            let share = part(rest, units, open);
            change += priced(share, units, band.price)? - share;
            rest -= share;
            open -= units;
        }
        changes.push((*index, change));
    }
    Ok(changes)
}

fn by_spend(
    rows: &Rows,
    instant: &[usize],
    bands: &[Band],
    before: i128,
    now: i128,
) -> Result<Vec<(usize, Money)>> {
    // The effect up to an amount is rounded, not each step to it: so the steps add up to the month's.
    let up_to = |spend: i128| -> Result<Money> {
        let mut effect = 0i128;
        for (index, band) in bands.iter().enumerate() {
            let BandPrice::Factor(factor) = band.price else { continue };
            let off = inside(bands, index, 0, spend).checked_mul(hundredths_off(factor));
            effect = off.and_then(|off| effect.checked_add(off)).ok_or_else(too_large)?;
        }
        Ok(Money::from_pico(-div_half_even(effect, PER_HUNDREDTH)))
    };
    let effect = up_to(before + now)? - up_to(before)?;
    let weights: Vec<u128> =
        instant.iter().map(|index| rows.rows[*index].amount.pico().unsigned_abs()).collect();
    Ok(instant.iter().copied().zip(effect.split(&weights)).collect())
}

/// Percentages have at most two decimals.
const PER_HUNDREDTH: i128 = 10_000;

fn hundredths_off(factor: Ratio) -> i128 {
    (factor.denominator() - factor.numerator()) * PER_HUNDREDTH / factor.denominator()
}

fn too_large() -> Error {
    Error::Internal("a volume band is too large".to_owned())
}
