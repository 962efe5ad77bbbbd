//! What quantity did the provider bill? Stated on the bill, counted by its usage report, or implied by an exact
//! amount; never guessed. With it, a difference splits into quantity and rate without a residue.

use std::collections::{BTreeMap, BTreeSet};

use super::billed::Billed;
use super::grain::{BillKey, CellKey};
use super::owners::Owner;
use super::sides::Sides;
use super::state::State;
use crate::money::{Money, Ratio, div_half_even};
use crate::vocabulary::Meter;

/// How a billed quantity is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// The bill prints it.
    Stated,
    /// The provider's usage report counts it.
    Witnessed,
    /// The exact amount is a whole number of units at the book's price.
    Implied,
    /// The amount over the book's price, as far as the bill's rounding tells.
    Reckoned,
    /// The bill covers the day and has no line for it.
    Absent,
}

impl Known {
    /// The provider counts it, on the bill or in its usage report.
    pub const fn is_counted(self) -> bool {
        matches!(self, Known::Stated | Known::Witnessed)
    }

    pub const fn words(self) -> &'static str {
        match self {
            Known::Stated => "quantity on the bill",
            Known::Witnessed => "quantity in the provider's usage report",
            Known::Implied => "quantity implied by the exact amount",
            Known::Reckoned => "quantity reckoned from the rounded amount",
            Known::Absent => "no such line on the bill",
        }
    }
}

/// Logged and billed quantity under one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub logged: i128,
    pub billed: i128,
    pub known: Known,
    /// Units that the bill's rounding leaves open on either side; 0 unless reckoned.
    pub within: i128,
}

impl Gap {
    /// Positive: billed more than logged.
    pub fn difference(self) -> i128 {
        self.billed - self.logged
    }
}

/// The billed quantity under a key, if anything proves it.
pub fn billed(state: &State, key: &BillKey) -> Option<(i128, Known)> {
    proven(state, key, &state.bill(key))
}

/// The same where their bill is at hand.
fn proven(state: &State, key: &BillKey, bill: &Billed) -> Option<(i128, Known)> {
    if bill.lines > 0
        && let Some(quantity) = bill.quantity
    {
        return Some((quantity, Known::Stated));
    }
    if let Some(quantity) = state.witnessed_quantity(key) {
        return Some((quantity, Known::Witnessed));
    }
    if bill.lines == 0 {
        return key.meter.filter(|_| state.covers(&key.cell)).map(|_| (0, Known::Absent));
    }
    // Only an amount of one meter that is exact to the last step can stand for a quantity.
    if key.meter.is_none() || bill.bound > Money::STEP {
        return None;
    }
    let unit = one_unit(state, key)?;
    let quantity = unit.whole_quantity(bill.amount).or_else(|| nearest(unit, bill.amount, bill.bound, 4))?;
    Some((quantity, Known::Implied))
}

/// The price of a key, where all that was logged under it has the same: an amount of two prices counts nothing.
fn one_unit(state: &State, key: &BillKey) -> Option<Ratio> {
    let mut leaves = state.logged.get(key).into_iter().flat_map(|leaves| leaves.keys());
    match leaves.next() {
        Some(leaf) => {
            state.unit(key, leaf).filter(|unit| leaves.all(|leaf| state.unit(key, leaf) == Some(*unit)))
        }
        None => state.unit(key, &state.model_leaf(key)?),
    }
}

/// The whole quantity whose price is `amount` within `bound`, where one more would cost beyond `steps` bounds.
pub fn nearest(unit: Ratio, amount: Money, bound: Money, steps: i128) -> Option<i128> {
    if unit.is_zero() || bound.is_zero() {
        return None;
    }
    // Below 10^-9 a unit the amounts of neighbouring quantities could not be told apart.
    let quantity = units(unit, amount)?;
    let (exact, _) = unit.amount(quantity).ok()?;
    let step = unit.amount(1).ok()?.0;
    ((exact - amount).abs() <= bound && step.pico() > steps * bound.pico()).then_some(quantity)
}

/// How many units come nearest to an amount; `None` where a unit costs nothing.
fn units(unit: Ratio, amount: Money) -> Option<i128> {
    let price = unit.numerator().checked_mul(crate::money::ONE).filter(|price| *price > 0)?;
    Some(div_half_even(amount.pico().checked_mul(unit.denominator())?, price))
}

/// How many of so many counts the noise of the log leaves open: what differs by no more agrees. None in a quiet log.
pub const fn slack(state: &State, counted: i128) -> i128 {
    counted.abs() * state.noise / 1_000_000
}

/// True where a count is off by no more than so many times the noise of the log, and what rounding leaves open of it.
pub fn quiet(state: &State, gap: &Gap, times: i128) -> bool {
    gap.difference().abs() <= times * slack(state, gap.billed) + gap.within
}

/// Both counts by key.
pub type Gaps = BTreeMap<BillKey, Gap>;

/// The quantity table of one cell: every key with proof on the bill side.
pub fn gaps(state: &State, cell: &CellKey) -> Gaps {
    counted(state, cell, |_, _| None)
}

/// The same, and where nothing proves a count, what the amount comes to at the book's price: for whoever compares counts
/// that both sides of an exchange have to show.
pub fn reckoned(state: &State, cell: &CellKey) -> Gaps {
    counted(state, cell, |key, bill| reckon(state, key, bill))
}

/// The counts of a cell's bill with how far each is open; `else_count` is asked where nothing proves one.
fn counted(
    state: &State,
    cell: &CellKey,
    else_count: impl Fn(&BillKey, &Billed) -> Option<(i128, i128)>,
) -> Gaps {
    let gap = |sides: &Sides| {
        let (key, bill) = (sides.key, state.bill_at(sides));
        let (billed, known, within) = match proven(state, key, &bill) {
            Some((count, known)) => (count, known, 0),
            None => else_count(key, &bill).map(|(count, within)| (count, Known::Reckoned, within))?,
        };
        Some((key.clone(), Gap { logged: sides.logged_quantity(), billed, known, within }))
    };
    state.sides_of(cell).iter().filter_map(gap).collect()
}

/// The count and what rounding leaves open of it: one price for all of a key.
fn reckon(state: &State, key: &BillKey, bill: &Billed) -> Option<(i128, i128)> {
    if key.meter.is_none() || bill.lines == 0 || state.accepted.contains(key) {
        return None;
    }
    let unit = one_unit(state, key)?;
    Some((units(unit, bill.amount)?, units(unit, bill.bound)? + 1))
}

/// The same by owner.
pub fn by_owner(gaps: Gaps) -> BTreeMap<Owner, Gaps> {
    let mut parts: BTreeMap<Owner, Gaps> = BTreeMap::new();
    for (key, gap) in gaps {
        parts.entry(key.owner).or_default().insert(key, gap);
    }
    parts
}

/// The same of everybody together: what one owner's few rows leave open, many rows do not.
pub fn of_all<'g>(gaps: impl Iterator<Item = (&'g BillKey, &'g Gap)>) -> Gaps {
    let mut sums = Gaps::new();
    for (key, gap) in gaps {
        let none = Gap { logged: 0, billed: 0, within: 0, ..*gap };
        let sum = sums.entry(key.of_all()).or_insert(none);
        sum.logged += gap.logged;
        sum.billed += gap.billed;
        sum.within += gap.within;
        sum.known = sum.known.max(gap.known);
    }
    sums
}

/// What each owner has less under one key and more under another: its part of what they exchange together.
pub fn exchanged(gaps: &Gaps, from: &BillKey, to: &BillKey) -> Vec<(BillKey, BillKey, i128)> {
    let owners: BTreeSet<Owner> = gaps.keys().map(|key| key.owner).collect();
    let part = |owner: Owner| {
        let (from, to) = (BillKey { owner, ..from.clone() }, BillKey { owner, ..to.clone() });
        let (less, more) = (gaps.get(&from)?, gaps.get(&to)?);
        let count = (-less.difference()).min(more.difference()).min(less.logged);
        (count > 0).then_some((from, to, count))
    };
    owners.into_iter().filter_map(part).collect()
}

/// The count that two sides of an exchange agree on, each within its own rounding; the smaller one where they do not.
pub fn agreed(one: (i128, i128), other: (i128, i128)) -> i128 {
    let (low, high) = ((one.0 - one.1).max(other.0 - other.1), (one.0 + one.1).min(other.0 + other.1));
    if low <= high { (low + high) / 2 } else { one.0.min(other.0) }
}

/// Counts of one cell by owner and meter.
pub type ByMeter = BTreeMap<(Owner, Meter), i128>;

/// Billed minus logged by owner and meter, tiers and regions summed; `None` for a meter with a key that nothing proves.
pub fn by_meter(state: &State, cell: &CellKey) -> ByMeter {
    let known = gaps(state, cell);
    let mut sums: BTreeMap<(Owner, Meter), Option<i128>> = BTreeMap::new();
    for key in state.keys_of(cell) {
        let Some(meter) = key.meter else { continue };
        let gap = known.get(&key).map(|gap| gap.difference());
        let sum = sums.entry((key.owner, meter)).or_insert(Some(0));
        *sum = sum.zip(gap).map(|(a, b)| a + b);
    }
    sums.into_iter().filter_map(|(meter, sum)| Some((meter, sum?))).collect()
}

/// What is left of a cell's difference, gross, if the billed counts are taken for the logged ones: the part that only
/// prices can explain. `None` where a key is not counted, or its usage has more than one price.
pub fn rate_effect(state: &State, cell: &[Sides]) -> Option<Money> {
    let mut total = Money::ZERO;
    for sides in cell {
        let (key, bill) = (sides.key, state.bill_at(sides));
        let (count, known) = proven(state, key, &bill)?;
        if known == Known::Implied {
            return None;
        }
        let leaves = sides.logged.into_iter().flat_map(|leaves| leaves.keys());
        let mut units = leaves.map(|leaf| state.unit(key, leaf));
        let unit = match units.next() {
            Some(unit) => unit.filter(|_| units.all(|other| other == unit))?,
            None => state.unit(key, &state.model_leaf(key)?)?,
        };
        total += (bill.amount - crate::rate::amount(unit, count).ok()?).abs();
    }
    Some(total)
}

/// The exact, symmetric split of a difference: `Δ = Δq·(r₁+r₂)/2 + Δr·(q₁+q₂)/2`, by cell, where every key has a
/// quantity and a price on both sides. Returns the quantity part; the rate part is the rest.
pub fn quantity_effect(state: &State, cell: &[Sides]) -> Option<Money> {
    let mut total = Money::ZERO;
    for sides in cell {
        let bill = state.bill_at(sides);
        let (billed_quantity, _) = proven(state, sides.key, &bill)?;
        let logged_quantity = sides.logged_quantity();
        if billed_quantity == logged_quantity {
            continue;
        }
        let (billed_amount, priced) = (bill.amount, state.priced_of(sides).ok()?);
        // Δq·r: with one side empty, the whole amount is quantity at the other side's rate.
        let part = |amount: Money, quantity: i128| -> Option<Money> {
            if quantity == 0 {
                return None;
            }
            let ratio = Ratio::quotient(amount.pico(), quantity)?;
            let product = ratio.checked_mul(Ratio::new(billed_quantity - logged_quantity, 1)?)?;
            Some(Money::from_pico(div_half_even(product.numerator(), product.denominator())))
        };
        total += match (part(priced, logged_quantity), part(billed_amount, billed_quantity)) {
            (Some(a), Some(b)) => Money::from_pico(div_half_even((a + b).pico(), 2)),
            (Some(a), None) => a,
            (None, Some(b)) => b,
            (None, None) => Money::ZERO,
        };
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_is_what_both_sides_allow() {
        // 1,000 ± 200 on one side, 1,150 ± 30 on the other: 1,120 to 1,180.
        assert_eq!(agreed((1_000, 200), (1_150, 30)), 1_150);
        // Both known: the smaller, where the log has lost some.
        assert_eq!(agreed((995, 0), (1_000, 0)), 995);
    }
}
