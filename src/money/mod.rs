//! Exact money. Everything that owns, adds, multiplies or splits an amount lives here.
//!
//! An amount is a 128-bit count of 10⁻¹² currency units, so every sum is exact and an overflow is an error
//! instead of a lost digit. `rust_decimal` carries what people write (prices, factors); it never adds money.

mod decimal;

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use decimal::DecimalText;
pub use decimal::read_count;

/// Decimals kept by [`Money`].
pub const SCALE: u32 = 12;
/// Units of 10⁻¹² in one currency unit.
pub const ONE: i128 = 1_000_000_000_000;
/// Largest absolute amount: below 10¹⁵ currency units, so that 10¹¹ such amounts still sum inside 128 bits.
const LIMIT: i128 = 1_000_000_000_000_000 * ONE;

/// What can go wrong with a number that claims to be money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("`{0}` is not a decimal number")]
    NotANumber(String),
    #[error("`{0}` is outside ±10^15")]
    OutOfRange(String),
    #[error("amount overflows 128 bits")]
    Overflow,
}

/// An exact amount in units of 10⁻¹² of one currency. The currency is the document's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i128);

/// An amount read from text, with what reading it cost in precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadMoney {
    pub amount: Money,
    /// True when the text had more than 12 significant decimals and was rounded half-even.
    pub rounded: bool,
    /// Decimals written in the text (after the exponent is applied), at most [`SCALE`]; trailing zeros count.
    pub decimals: u32,
}

impl Money {
    pub const ZERO: Money = Money(0);
    /// The smallest step: 10⁻¹².
    pub const STEP: Money = Money(1);

    /// Wraps a raw count of 10⁻¹² units.
    pub const fn from_pico(units: i128) -> Money {
        Money(units)
    }

    /// The raw count of 10⁻¹² units.
    pub const fn pico(self) -> i128 {
        self.0
    }

    pub const fn abs(self) -> Money {
        Money(self.0.abs())
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Reads decimal text exactly: sign, digits, point, optional exponent (`0E-6176`, `5.6e-05`, 34 digits).
    /// More than 12 decimals are rounded half-even and reported.
    pub fn read(text: &str) -> Result<ReadMoney, MoneyError> {
        let parts = DecimalText::parse(text).ok_or_else(|| MoneyError::NotANumber(text.to_owned()))?;
        let (units, rounded) =
            parts.to_scale(SCALE as i64).ok_or_else(|| MoneyError::OutOfRange(text.to_owned()))?;
        if units.abs() >= LIMIT {
            return Err(MoneyError::OutOfRange(text.to_owned()));
        }
        Ok(ReadMoney { amount: Money(units), rounded, decimals: parts.decimals() })
    }

    /// Reads an amount stated in hundredths (cents) of the currency.
    pub fn read_cents(text: &str) -> Result<ReadMoney, MoneyError> {
        let mut parts = DecimalText::parse(text).ok_or_else(|| MoneyError::NotANumber(text.to_owned()))?;
        parts.exponent -= 2;
        let (units, rounded) =
            parts.to_scale(SCALE as i64).ok_or_else(|| MoneyError::OutOfRange(text.to_owned()))?;
        if units.abs() >= LIMIT {
            return Err(MoneyError::OutOfRange(text.to_owned()));
        }
        Ok(ReadMoney { amount: Money(units), rounded, decimals: parts.decimals() })
    }

    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).map(Money)
    }

    /// `whole / parts` with the remainder spread by largest remainder, so that the parts add up to the whole.
    /// Weights must not be negative; with no weight at all the first part takes everything.
    pub fn split(self, weights: &[u128]) -> Vec<Money> {
        split_units(self.0, weights).into_iter().map(Money).collect()
    }

    /// Rounds half-even to `decimals` places, for printing or booking only.
    pub fn round(self, decimals: u32) -> Money {
        if decimals >= SCALE {
            return self;
        }
        let unit = 10i128.pow(SCALE - decimals);
        Money(div_half_even(self.0, unit) * unit)
    }

    /// Plain decimal text with at least two decimals, thousands not grouped: `412.10`, `-0.000125`, `0`.
    pub fn plain(self) -> String {
        if self.0 == 0 {
            return "0".to_owned();
        }
        let digits = format!("{:013}", self.0.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - SCALE as usize);
        let fraction = fraction.trim_end_matches('0');
        let sign = if self.0 < 0 { "-" } else { "" };
        format!("{sign}{whole}.{fraction:0<2}")
    }

    /// Text for people: rounded half-even to `decimals` and grouped by thousands: `-1,234.50`.
    pub fn grouped(self, decimals: u32) -> String {
        let rounded = self.round(decimals);
        let digits = format!("{:013}", rounded.0.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - SCALE as usize);
        let text = thousands(whole);
        let sign = if rounded.0 < 0 { "-" } else { "" };
        if decimals == 0 {
            format!("{sign}{text}")
        } else {
            format!("{sign}{text}.{}", &fraction[..decimals as usize])
        }
    }
}

/// Digits grouped by thousands: `1,234,567`.
pub fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.plain())
    }
}

impl FromStr for Money {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Money, MoneyError> {
        Money::read(text).map(|read| read.amount)
    }
}

// Sums panic-free in practice: every part is below 10^15 units, so 10^11 of them fit; saturating keeps even a
// hostile input from aborting, and `checked_sum` is what totals use.
impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}
impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        *self = *self + other;
    }
}
impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0.saturating_sub(other.0))
    }
}
impl SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        *self = *self - other;
    }
}
impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(parts: I) -> Money {
        parts.fold(Money::ZERO, Add::add)
    }
}
impl<'a> Sum<&'a Money> for Money {
    fn sum<I: Iterator<Item = &'a Money>>(parts: I) -> Money {
        parts.copied().sum()
    }
}

/// Money travels as a string of plain decimals, never as a JSON number.
impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.plain())
    }
}
impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
impl schemars::JsonSchema for Money {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,12})?$",
            "description": "plain decimal, unrounded, at most 12 decimals"
        })
    }
}

/// A non-negative exact rational: a price per unit, or a factor. Always in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ratio {
    numerator: i128,
    denominator: i128,
}

impl Ratio {
    pub const ONE: Ratio = Ratio { numerator: 1, denominator: 1 };
    pub const ZERO: Ratio = Ratio { numerator: 0, denominator: 1 };

    /// `numerator / denominator` in lowest terms; `None` if the denominator is not positive.
    pub fn new(numerator: i128, denominator: i128) -> Option<Ratio> {
        if denominator <= 0 {
            return None;
        }
        let divisor = gcd(numerator.unsigned_abs(), denominator.unsigned_abs()) as i128;
        Some(Ratio { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// A published price: `price` currency units for every `per` units.
    pub fn price(price: Decimal, per: u64) -> Option<Ratio> {
        let decimal = Ratio::from_decimal(price)?;
        decimal.checked_mul(Ratio::new(1, i128::from(per))?)
    }

    pub fn from_decimal(value: Decimal) -> Option<Ratio> {
        Ratio::new(value.mantissa(), 10i128.checked_pow(value.scale())?)
    }

    /// The quotient of two amounts or quantities; `None` when the divisor is zero.
    pub fn quotient(dividend: i128, divisor: i128) -> Option<Ratio> {
        if divisor < 0 {
            Ratio::new(dividend.checked_neg()?, divisor.checked_neg()?)
        } else {
            Ratio::new(dividend, divisor)
        }
    }

    /// `self / whole`; `None` where the whole is zero.
    pub fn over(self, whole: Ratio) -> Option<Ratio> {
        self.checked_mul(Ratio::quotient(whole.denominator, whole.numerator)?)
    }

    pub const fn numerator(self) -> i128 {
        self.numerator
    }
    pub const fn denominator(self) -> i128 {
        self.denominator
    }
    pub const fn is_zero(self) -> bool {
        self.numerator == 0
    }

    pub fn checked_mul(self, other: Ratio) -> Option<Ratio> {
        // Cross-reduce first: it keeps the products as small as the result allows.
        let left = Ratio::new(self.numerator, other.denominator)?;
        let right = Ratio::new(other.numerator, self.denominator)?;
        Ratio::new(
            left.numerator.checked_mul(right.numerator)?,
            left.denominator.checked_mul(right.denominator)?,
        )
    }

    /// `quantity × self` as money, rounded half-even to 12 decimals once. The flag tells whether it was rounded.
    pub fn amount(self, quantity: i128) -> Result<(Money, bool), MoneyError> {
        // Nearly every price is a whole number of steps, and long division takes longer than all the rest.
        if let Some(units) = self.whole_steps().and_then(|steps| steps.checked_mul(quantity))
            && units.abs() < LIMIT
        {
            return Ok((Money(units), false));
        }
        // Lowest terms take longer than all the rest, and are needed only where the product would not fit.
        let plain = self.numerator.checked_mul(ONE).and_then(|scaled| scaled.checked_mul(quantity));
        let reduced = || {
            let rate = self.checked_mul(Ratio { numerator: ONE, denominator: 1 })?;
            rate.checked_mul(Ratio::new(quantity, 1)?).map(|product| (product.numerator, product.denominator))
        };
        let (dividend, divisor) = match plain {
            Some(dividend) => (dividend, self.denominator),
            None => reduced().ok_or(MoneyError::Overflow)?,
        };
        let units = div_half_even(dividend, divisor);
        if units.abs() >= LIMIT {
            return Err(MoneyError::Overflow);
        }
        Ok((Money(units), dividend % divisor != 0))
    }

    /// The rate as a whole number of money's smallest steps, where it is one.
    fn whole_steps(self) -> Option<i128> {
        let (one, denominator) = (ONE as u64, u64::try_from(self.denominator).ok()?);
        (one % denominator == 0)
            .then(|| i128::from(one / denominator))
            .and_then(|times| self.numerator.checked_mul(times))
    }

    /// The quantity that costs `amount` at this rate, if it is a whole number.
    pub fn whole_quantity(self, amount: Money) -> Option<i128> {
        if self.is_zero() {
            return None;
        }
        let scaled = Ratio::new(amount.pico(), ONE)?;
        let inverse = Ratio::new(self.denominator, self.numerator)?;
        let quantity = scaled.checked_mul(inverse)?;
        (quantity.denominator == 1).then_some(quantity.numerator)
    }

    /// Decimal text, exact where it terminates within `places`, otherwise rounded half-even to `places`.
    pub fn decimal_text(self, places: u32) -> String {
        let Some(scaled) = 10i128
            .checked_pow(places)
            .and_then(|ten| self.checked_mul(Ratio { numerator: ten, denominator: 1 }))
        else {
            return format!("{}/{}", self.numerator, self.denominator);
        };
        let digits = div_half_even(scaled.numerator, scaled.denominator);
        let text = format!("{:0width$}", digits.unsigned_abs(), width = places as usize + 1);
        let (whole, fraction) = text.split_at(text.len() - places as usize);
        let fraction = fraction.trim_end_matches('0');
        let sign = if digits < 0 { "-" } else { "" };
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    /// The price in published form, per million units: `0.25`.
    pub fn per_million(self) -> String {
        self.checked_mul(Ratio { numerator: 1_000_000, denominator: 1 })
            .map_or_else(|| format!("{}/{}", self.numerator, self.denominator), |ratio| ratio.decimal_text(9))
    }
}

/// Division rounded half to even; `divisor` is positive.
pub fn div_half_even(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend.div_euclid(divisor);
    let remainder = dividend.rem_euclid(divisor);
    match remainder.cmp(&(divisor - remainder)) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + (quotient & 1),
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

/// Largest-remainder split of `whole` over `weights`; the parts sum to the whole exactly.
pub fn split_units(whole: i128, weights: &[u128]) -> Vec<i128> {
    let mut parts = vec![0i128; weights.len()];
    let Some(first) = parts.first_mut() else { return parts };
    // Shares need 128-bit products: scale weights down until they fit beside the whole.
    let mut scaled: Vec<u128> = weights.to_vec();
    let magnitude = whole.unsigned_abs();
    while scaled
        .iter()
        .try_fold(0u128, |sum, w| sum.checked_add(*w))
        .is_none_or(|sum| magnitude.checked_mul(sum).is_none())
    {
        scaled.iter_mut().for_each(|weight| *weight >>= 1);
        if scaled.iter().all(|weight| *weight == 0) {
            break;
        }
    }
    let total: u128 = scaled.iter().sum();
    if total == 0 {
        *first = whole;
        return parts;
    }
    let mut remainders: Vec<(u128, usize)> = Vec::with_capacity(scaled.len());
    let mut given = 0u128;
    for (index, weight) in scaled.iter().enumerate() {
        let product = magnitude * weight;
        parts[index] = (product / total) as i128;
        given += product / total;
        remainders.push((product % total, index));
    }
    // Ties go to the earlier part, so the same input always gives the same split.
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in remainders.into_iter().take((magnitude - given) as usize) {
        parts[index] += 1;
    }
    if whole < 0 {
        parts.iter_mut().for_each(|part| *part = -*part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn reads_what_providers_write() {
        assert_eq!(money("0.02579200000000000000000000000000000").pico(), 25_792_000_000);
        assert_eq!(money("0E-6176"), Money::ZERO);
        assert_eq!(money("5.6e-05").pico(), 56_000_000);
        assert_eq!(Money::read_cents("123.78912").unwrap().amount, money("1.2378912"));
        assert_eq!(Money::read_cents("41280.000000").unwrap().amount, money("412.80"));
        assert!(Money::read("1,234.50").is_err());
        assert!(Money::read("").is_err());
        assert!(Money::read("1e99999").is_err());
        assert!(Money::read("1000000000000000").is_err());
        assert!(Money::read("NaN").is_err());
    }

    #[test]
    fn rounds_half_even_past_twelve_decimals_and_says_so() {
        let read = Money::read("0.0000000000005").unwrap();
        assert_eq!((read.amount.pico(), read.rounded), (0, true));
        assert_eq!(money("0.0000000000015").pico(), 2);
        assert_eq!(money("0.00000000000050000000000000000000000000000000000001").pico(), 1);
        assert!(!Money::read("0.8958740000000000").unwrap().rounded);
    }

    #[test]
    fn a_price_times_a_quantity_is_exact() {
        // 0.0125 per million is 1.25e-8 per token: nine decimals would lose it.
        let price = Ratio::price("0.0125".parse().unwrap(), 1_000_000).unwrap();
        assert_eq!(price.amount(1).unwrap(), (Money::from_pico(12_500), false));
        assert_eq!(price.whole_quantity(Money::from_pico(25_000)), Some(2));
        assert_eq!(price.whole_quantity(Money::from_pico(25_001)), None);
        assert_eq!(price.per_million(), "0.0125");
    }

    #[test]
    fn prints_for_machines_and_for_people() {
        assert_eq!(money("412.1").plain(), "412.10");
        assert_eq!(money("-0.000125").plain(), "-0.000125");
        assert_eq!(money("-1234567.505").grouped(2), "-1,234,567.50");
        assert_eq!(money("0").plain(), "0");
        assert_eq!(money("999").grouped(0), "999");
    }

    proptest! {
        #[test]
        fn text_round_trips(units in -1_000_000_000_000_000_000_000i128..1_000_000_000_000_000_000_000) {
            let amount = Money::from_pico(units);
            prop_assert_eq!(amount.plain().parse::<Money>().unwrap(), amount);
        }

        #[test]
        fn parts_sum_to_the_whole(units in any::<i64>(), weights in prop::collection::vec(any::<u64>(), 1..20)) {
            let weights: Vec<u128> = weights.into_iter().map(u128::from).collect();
            let parts = Money::from_pico(units.into()).split(&weights);
            prop_assert_eq!(parts.iter().sum::<Money>(), Money::from_pico(units.into()));
        }

        #[test]
        fn never_panics(text in "\\PC*") {
            let _ = Money::read(&text);
            let _ = read_count(&text);
        }
    }
}
