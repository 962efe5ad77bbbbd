//! Prices of a list, from the text of its numbers: `1e-07` for one token is `0.1` for a million.

use rust_decimal::prelude::*;
use serde_json::Value;

use crate::money::Ratio;

/// Digits that a double holds whatever they are; more are the noise of a calculation.
const TRUE_DIGITS: usize = 15;
const KEPT_DIGITS: u32 = 12;

/// A price for `per` units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amount {
    pub price: String,
    pub per: u64,
    pub unit: Ratio,
    /// `1.5000000000000002e-07` was cut to 12 digits.
    pub rounded: bool,
}

/// The number, or number in quotes, as a price for `per` units where the list states it for `of` units. `None` where it
/// is no amount, or none that a ledger can hold.
pub fn read(value: &Value, of: u64, per: u64) -> Option<Amount> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let scientific = text.contains(['e', 'E']);
    let stated = if scientific { Decimal::from_scientific(&text) } else { Decimal::from_str_exact(&text) };
    let stated = stated.ok().filter(|stated| !stated.is_sign_negative())?.normalize();
    let rounded = stated.mantissa().to_string().len() > TRUE_DIGITS;
    let mut price = stated.checked_mul(Decimal::from(per / of))?;
    if rounded {
        price = price.round_sf_with_strategy(KEPT_DIGITS, RoundingStrategy::MidpointNearestEven)?;
    }
    let price = price.normalize();
    let (whole, places) = (price.trunc().to_string().len(), price.scale());
    (whole <= 12 && places <= 12).then_some(())?;
    Some(Amount { unit: Ratio::price(price, per)?, price: price.to_string(), per, rounded })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_million(text: &str) -> Option<(String, bool)> {
        let value = serde_json::from_str(text).unwrap();
        read(&value, 1, 1_000_000).map(|amount| (amount.price, amount.rounded))
    }

    #[test]
    fn the_text_is_shifted_not_calculated() {
        for (text, price) in [
            ("1e-07", "0.1"),
            ("2.5e-6", "2.5"),
            ("0.00003", "30"),
            ("3E-05", "30"),
            ("0.0", "0"),
            ("\"1.25e-7\"", "0.125"),
            ("1.23456789012345e-05", "12.3456789012345"),
        ] {
            let wanted = (price != "12.3456789012345").then(|| (price.to_owned(), false));
            assert_eq!(per_million(text), wanted, "{text}");
        }
    }

    #[test]
    fn the_noise_of_binary_floats_is_cut_and_said() {
        for (text, price) in [
            ("1.5000000000000002e-07", "0.15"),
            ("9.499999999999999e-07", "0.95"),
            ("1.0000000000000001e-07", "0.1"),
            ("3.3333333333333335e-05", "33.3333333333"),
        ] {
            assert_eq!(per_million(text), Some((price.to_owned(), true)), "{text}");
        }
    }

    #[test]
    fn a_price_by_the_hour_comes_back_from_seconds() {
        let second = serde_json::from_str("0.0002833333333333333").unwrap();
        let amount = read(&second, 1, 3600).unwrap();
        assert_eq!((&*amount.price, amount.unit), ("1.02", Ratio::new(102, 360_000).unwrap()));
    }

    #[test]
    fn what_is_no_price_is_none() {
        for text in ["-1e-07", "\"free\"", "null", "true", "[1]", "1e-40", "1e12", "\"\""] {
            assert_eq!(per_million(text), None, "{text}");
        }
    }
}
