//! What a gateway may have multiplied: counts, and the prices it looked up for them.

use crate::error::Result;
use crate::money::{Money, ONE, Ratio, div_half_even};
use crate::rate::{self, DayUsage, Leaf, Rater};
use crate::vocabulary::Meter;

/// Counts with the place in the book whose price each of them got.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    parts: Vec<(Leaf, i128)>,
    scale: Ratio,
    plus: Money,
}

impl Figure {
    /// The row as we price it.
    pub fn of(row: &DayUsage) -> Figure {
        Figure { parts: row.leaves().collect(), scale: Ratio::ONE, plus: Money::ZERO }
    }

    /// The same counts as other meters; `None` leaves one out.
    pub fn count(mut self, meter: impl Fn(Meter) -> Option<Meter>) -> Figure {
        self.parts.retain_mut(|(leaf, _)| match meter(leaf.meter) {
            Some(other) => {
                leaf.meter = other;
                true
            }
            None => false,
        });
        self
    }

    /// Some counts a second time, as the meters named.
    pub fn again(mut self, meter: impl Fn(Meter) -> Option<Meter>) -> Figure {
        let more: Vec<(Leaf, i128)> = self.clone().count(meter).parts;
        self.parts.extend(more);
        self
    }

    /// The prices of another place in the book.
    pub fn at(mut self, place: impl Fn(&mut Leaf)) -> Figure {
        self.parts.iter_mut().for_each(|(leaf, _)| place(leaf));
        self
    }

    /// The first `within` units of each part at one prompt size, what is left of it at the size it has.
    pub fn banded(mut self, within: impl Fn(Meter) -> i128, prompt: u64) -> Figure {
        let mut first = Vec::new();
        for (leaf, count) in &mut self.parts {
            let part = within(leaf.meter).min(*count);
            *count -= part;
            first.push((Leaf { prompt, ..leaf.clone() }, part));
        }
        self.parts.extend(first);
        self.parts.retain(|(_, count)| *count != 0);
        self
    }

    pub fn times(self, scale: Ratio) -> Figure {
        Figure { scale, ..self }
    }

    pub fn plus(self, plus: Money) -> Figure {
        Figure { plus, ..self }
    }

    /// What it comes to, with or without the contract; `None` where a part has no price.
    pub fn cost(&self, rater: &Rater, contract: bool) -> Result<Option<Money>> {
        let mut total = self.plus;
        for (leaf, count) in &self.parts {
            let unit = if contract { rater.ratio(leaf) } else { rater.list(leaf) };
            let Some(unit) = unit else { return Ok(None) };
            total += rate::amount(unit, *count)?;
        }
        Ok(scaled(total, self.scale))
    }

    /// How far the cost may be off by rounding: half a step for each part.
    pub fn rounding(&self) -> Money {
        Money::from_pico((self.parts.len() as i128 + 1) / 2)
    }
}

/// An amount times a factor; `None` where the product needs more digits than there are.
pub(super) fn scaled(amount: Money, scale: Ratio) -> Option<Money> {
    if scale == Ratio::ONE {
        return Some(amount);
    }
    let product = Ratio::new(amount.pico(), ONE)?.checked_mul(scale)?.checked_mul(Ratio::new(ONE, 1)?)?;
    Some(Money::from_pico(div_half_even(product.numerator(), product.denominator())))
}
