//! Exact comparison of prices, and how a row is named in a message.

use std::cmp::Ordering;

use crate::money::Ratio;
use crate::pricebook::PriceRow;
use crate::review::format::instant;
use crate::review::steps::{Key, Ladder, Ladders, per, per_text, price_text};
use crate::vocabulary::Meter;

/// `a / b`; `None` where `b` is zero.
pub fn quotient(a: Ratio, b: Ratio) -> Option<Ratio> {
    a.over(b)
}

/// A ratio against a bound of so many thousandths.
pub fn against(ratio: Ratio, thousandths: i128) -> Ordering {
    // Prices are short decimals: a product past 128 bits is larger than any bound.
    match (ratio.numerator().checked_mul(1000), ratio.denominator().checked_mul(thousandths)) {
        (Some(left), Some(right)) => left.cmp(&right),
        (None, _) => Ordering::Greater,
        (_, None) => Ordering::Less,
    }
}

/// True where the ratio lies within so many thousandths of `wanted`.
pub fn near(ratio: Ratio, wanted: Ratio, thousandths: i128) -> bool {
    quotient(ratio, wanted).is_some_and(|share| {
        against(share, 1000 - thousandths).is_ge() && against(share, 1000 + thousandths).is_le()
    })
}

pub fn compare(a: Ratio, b: Ratio) -> Ordering {
    match quotient(a, b) {
        Some(share) => against(share, 1000),
        None if a.is_zero() => Ordering::Equal,
        None => Ordering::Greater,
    }
}

/// `0.25 per 1M`
pub fn price(row: &PriceRow) -> String {
    let Some(unit) = row.unit else { return "no price".to_owned() };
    format!("{} per {}", price_text(unit, per(row)), per_text(per(row)))
}

/// `gpt-5-mini input batch at 0.25 per 1M from 2025-08-07`
pub fn named(row: &PriceRow) -> String {
    format!("{} at {} from {}", what(row), price(row), instant(row.from))
}

/// `gpt-5-mini input batch`
pub fn what(row: &PriceRow) -> String {
    format!("{} {}", row.model, Key::of("", row).short())
}

/// The same key with another meter.
pub fn sibling<'l, 'b>(ladders: &'l Ladders<'b>, key: &Key, meter: Meter) -> Option<&'l Ladder<'b>> {
    ladders.get(&Key { meter, ..key.clone() })
}

/// Both prices at every instant from which both hold and one of them is new.
pub fn meetings<'b>(a: &Ladder<'b>, b: &Ladder<'b>) -> Vec<Meeting<'b>> {
    let starts = a.steps.iter().chain(&b.steps).map(|(from, _)| *from);
    let mut met: Vec<Meeting> = starts
        .filter_map(|at| {
            let (left, right) = (a.at(at)?, b.at(at)?);
            Some(Meeting { at, left, right, a: left.unit?, b: right.unit? })
        })
        .collect();
    met.sort_by_key(|meeting| meeting.at);
    met.dedup_by_key(|meeting| meeting.at);
    met
}

/// Two rows in force at the same time, with their prices.
#[derive(Debug, Clone, Copy)]
pub struct Meeting<'b> {
    pub at: i64,
    pub left: &'b PriceRow,
    pub right: &'b PriceRow,
    pub a: Ratio,
    pub b: Ratio,
}

impl Meeting<'_> {
    /// The left price as a share of the right one.
    pub fn share(&self) -> Option<Ratio> {
        quotient(self.a, self.b)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(text: &str) -> Ratio {
        Ratio::from_decimal(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn prices_compare_by_value() {
        assert_eq!(compare(ratio("0.5"), ratio("0.25")), Ordering::Greater);
        assert_eq!(compare(ratio("0.1"), ratio("3")), Ordering::Less);
        assert_eq!(compare(ratio("0"), ratio("0")), Ordering::Equal);
        assert_eq!(compare(ratio("1"), ratio("0")), Ordering::Greater);
        // 33 for 3.3, and 1 or 2 percent beside it.
        assert!(near(ratio("10.2"), ratio("10"), 20) && !near(ratio("10.21"), ratio("10"), 20));
        assert!(near(ratio("9.8"), ratio("10"), 20) && !near(ratio("9.79"), ratio("10"), 20));
    }
}
