//! Reads decimals as people and programs write them, `0.02579200`, `5.6e-05`, `0E-6176`, without a float.

use super::SCALE;

/// A decimal number taken apart without a float: sign, significant digits, power of ten.
pub(super) struct DecimalText {
    negative: bool,
    digits: u128,
    pub exponent: i64,
    /// A digit beyond the 38 that fit was not zero.
    sticky: bool,
}

impl DecimalText {
    pub fn parse(text: &str) -> Option<DecimalText> {
        let bytes = text.trim().as_bytes();
        let (negative, rest) = match bytes.first()? {
            b'-' => (true, &bytes[1..]),
            b'+' => (false, &bytes[1..]),
            _ => (false, bytes),
        };
        let (mut digits, mut exponent, mut seen, mut point, mut sticky, mut full) =
            (0u128, 0i64, false, false, false, false);
        let mut index = 0;
        while index < rest.len() {
            match rest[index] {
                digit @ b'0'..=b'9' => {
                    seen = true;
                    match (!full)
                        .then(|| digits.checked_mul(10).and_then(|d| d.checked_add(u128::from(digit - b'0'))))
                        .flatten()
                    {
                        Some(next) if next < 10u128.pow(38) => {
                            digits = next;
                            exponent -= i64::from(point);
                        }
                        // Past 38 digits the value keeps its magnitude; a lost non-zero digit is remembered.
                        _ => {
                            full = true;
                            sticky |= digit != b'0';
                            exponent += i64::from(!point);
                        }
                    }
                }
                b'.' if !point => point = true,
                b'e' | b'E' if seen => {
                    let tail = std::str::from_utf8(&rest[index + 1..]).ok()?;
                    let power: i64 = tail.strip_prefix('+').unwrap_or(tail).parse().ok()?;
                    if tail.starts_with("+-") || power.abs() > 1_000_000 {
                        return None;
                    }
                    exponent = exponent.checked_add(power)?;
                    index = rest.len();
                    continue;
                }
                _ => return None,
            }
            index += 1;
        }
        seen.then_some(DecimalText { negative, digits, exponent, sticky })
    }

    /// Value × 10^scale as an integer, half-even; `None` if it does not fit.
    pub fn to_scale(&self, scale: i64) -> Option<(i128, bool)> {
        if self.digits == 0 {
            return Some((0, self.sticky));
        }
        let shift = self.exponent + scale;
        let (units, rounded) = if shift >= 0 {
            let ten = 10u128.checked_pow(u32::try_from(shift).ok()?)?;
            (i128::try_from(self.digits.checked_mul(ten)?).ok()?, self.sticky)
        } else {
            match u32::try_from(-shift).ok().and_then(|power| 10u128.checked_pow(power)) {
                None => (0, true),
                Some(ten) => {
                    let (quotient, remainder) = (self.digits / ten, self.digits % ten);
                    let half = ten / 2;
                    let up = remainder > half || (remainder == half && (self.sticky || quotient % 2 == 1));
                    (i128::try_from(quotient + u128::from(up)).ok()?, remainder != 0 || self.sticky)
                }
            }
        };
        Some((if self.negative { -units } else { units }, rounded))
    }

    pub fn decimals(&self) -> u32 {
        (-self.exponent).clamp(0, i64::from(SCALE)) as u32
    }
}

/// Reads a whole count: `59200`, `59200.0`, `5.92e4`. A fraction, a sign or text is refused.
pub fn read_count(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    if !bytes.is_empty() && bytes.len() < 19 && bytes.iter().all(u8::is_ascii_digit) {
        return Some(bytes.iter().fold(0u64, |n, digit| n * 10 + u64::from(digit - b'0')));
    }
    let parts = DecimalText::parse(text)?;
    if parts.negative && parts.digits != 0 {
        return None;
    }
    let (units, rounded) = parts.to_scale(0)?;
    (!rounded).then_some(())?;
    u64::try_from(units).ok().filter(|count| *count < 1_000_000_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_accept_integral_floats_only() {
        assert_eq!(read_count("59200.0"), Some(59200));
        assert_eq!(read_count("5.92e4"), Some(59200));
        assert_eq!(read_count("-1"), None);
        assert_eq!(read_count("1.5"), None);
        assert_eq!(read_count(""), None);
    }
}
