//! How far a price moved, as an exact share printed to one decimal: `+25.0`, `-80.0`.

use crate::money::{Ratio, div_half_even};

/// `None` where the old price is zero or the share leaves 128 bits: no percentage says that.
pub fn percent(old: Ratio, new: Ratio) -> Option<String> {
    let share = new.checked_mul(Ratio::new(old.denominator(), Some(old.numerator()).filter(|n| *n > 0)?)?)?;
    let moved = share.numerator().checked_sub(share.denominator())?;
    let tenths = div_half_even(moved.checked_mul(1000)?, share.denominator());
    let sign = if moved < 0 { '-' } else { '+' };
    Some(format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(text: &str) -> Ratio {
        Ratio::from_decimal(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn shares_are_exact_and_rounded_once() {
        let of = |old, new| percent(ratio(old), ratio(new));
        assert_eq!(of("1", "0.2").as_deref(), Some("-80.0"));
        assert_eq!(of("0.2", "0.25").as_deref(), Some("+25.0"));
        assert_eq!(of("3", "4").as_deref(), Some("+33.3"));
        assert_eq!(of("3", "2").as_deref(), Some("-33.3"));
        assert_eq!(of("1000", "1000.4").as_deref(), Some("+0.0"));
        assert_eq!(of("2", "0").as_deref(), Some("-100.0"));
        assert_eq!(of("0", "2"), None);
    }
}
