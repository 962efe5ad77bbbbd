//! One factor between the gateway's figure and ours, over models and classes: a mark-up, a discount of the gateway's own,
//! or a cost field of the upstream that means something else.

use super::decide::{Ground, Story};
use crate::money::{Money, Ratio, div_half_even};
use crate::rate::DayUsage;

/// Factors are written with at most this many decimals.
const DECIMALS: i128 = 10_000;
/// Factors beyond these are no mark-up: 0.05 to 10.
const RANGE: std::ops::RangeInclusive<i128> = DECIMALS / 20..=DECIMALS * 10;

/// Factors that come of reading an upstream's cost field wrongly: both of its sums added, credit units, its fee alone.
const MISREAD: [i128; 3] = [20_000, 17_000, 500];
/// Sellers that write a cost of their own into each answer.
const AGGREGATORS: [&str; 1] = ["openrouter"];

/// The stories of one row. `noise` is how far the logged cost may be off.
pub(super) fn stories(row: &DayUsage, ours: Money, noise: Money, contract: bool) -> Vec<Story> {
    let (logged, ours) = (row.sums.logged.pico(), ours.pico());
    // Where the noise is not far below the last decimal, some factor always fits.
    let far = noise.pico().saturating_mul(DECIMALS * 10) < ours;
    let Some(scaled) = logged.checked_mul(DECIMALS).filter(|_| ours > 0 && logged > 0 && far) else {
        return Vec::new();
    };
    let factor = div_half_even(scaled, ours);
    let back = ours.saturating_mul(factor);
    if factor == DECIMALS || !RANGE.contains(&factor) || (back - scaled).abs() > noise.pico() * DECIMALS {
        return Vec::new();
    }
    let Some(ratio) = Ratio::new(factor, DECIMALS) else { return Vec::new() };
    let words = ratio.decimal_text(4);
    let story = |cause, what| Story { ground: Ground::Number, contract, cause, what, factor: Some(ratio) };
    let (cause, meaning) = if factor > DECIMALS {
        ("terms.internal_margin", "a mark-up of its own")
    } else {
        ("terms.discount", "a discount of its own, which the price book does not have")
    };
    let own = story(cause, format!("the gateway's figure is {words} times the price: {meaning}"));
    let misread = MISREAD.contains(&factor).then(|| {
        let what = format!(
            "the gateway's figure is {words} times the price: it reads the upstream's cost field wrongly"
        );
        story("map.cost_field_misread", what)
    });
    match misread {
        Some(misread) if AGGREGATORS.contains(&&*row.account.provider) => vec![misread],
        Some(misread) => vec![own, misread],
        None => vec![own],
    }
}
