//! Sums as people write them: `call 1: 12,276 x 5 + 6,144 x 0.50 = 64,452`, checked in exact fractions. `~` instead of
//! `=` means rounded to the decimals that are printed, half up. Lines that start with `#` are words.

use std::collections::BTreeSet;

use llmfin::money::{Money, ONE};

#[derive(Clone, Copy, PartialEq, Eq)]
struct Fraction(i128, i128);

impl Fraction {
    fn new(numerator: i128, denominator: i128) -> Fraction {
        let (mut a, mut b) = (numerator.abs(), denominator.abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let sign = if denominator < 0 { -1 } else { 1 };
        let by = a.max(1) * sign;
        Fraction(numerator / by, denominator / by)
    }

    fn plus(self, other: Fraction, sign: i128) -> Fraction {
        Fraction::new(self.0 * other.1 + sign * other.0 * self.1, self.1 * other.1)
    }

    fn times(self, other: Fraction) -> Fraction {
        Fraction::new(self.0 * other.0, self.1 * other.1)
    }

    /// To so many decimals, half up.
    fn rounded(self, decimals: u32) -> Fraction {
        let scale = 10i128.pow(decimals);
        let twice = 2 * self.0.abs() * scale + self.1;
        Fraction::new(self.0.signum() * (twice / (2 * self.1)), scale)
    }
}

/// What every line comes to, without signs; the first line that is wrong ends it.
pub fn results(lines: &[String]) -> Result<BTreeSet<Money>, String> {
    let mut results = BTreeSet::new();
    for line in lines.iter().filter(|line| !line.starts_with('#')) {
        results.extend(result(line).ok_or_else(|| format!("this does not add up: {line}"))?);
    }
    Ok(results)
}

/// `Some(None)` for a right line whose result has more decimals than money.
fn result(line: &str) -> Option<Option<Money>> {
    let (_, sum) = line.rsplit_once(": ")?;
    let (sum, printed, exact) = match sum.rsplit_once(" = ") {
        Some((sum, printed)) => (sum, printed, true),
        None => sum.rsplit_once(" ~ ").map(|(sum, printed)| (sum, printed, false))?,
    };
    let mut rest = sum.trim();
    let value = terms(&mut rest)?;
    let mut wanted = printed;
    let wanted = term(&mut wanted)?;
    let decimals = printed.split_once('.').map_or(0, |(_, decimals)| decimals.len() as u32);
    let value = if exact { value } else { value.rounded(decimals) };
    let pico = (ONE % value.1 == 0).then(|| Money::from_pico((value.0 * (ONE / value.1)).abs()));
    (rest.is_empty() && value == wanted).then_some(pico)
}

fn terms(rest: &mut &str) -> Option<Fraction> {
    let mut value = term(rest)?;
    loop {
        let sign = match rest.get(..3) {
            Some(" + ") => 1,
            Some(" - ") => -1,
            _ => return Some(value),
        };
        *rest = &rest[3..];
        value = value.plus(term(rest)?, sign);
    }
}

fn term(rest: &mut &str) -> Option<Fraction> {
    let mut value = factor(rest)?;
    loop {
        let multiply = match rest.get(..3) {
            Some(" x ") => true,
            Some(" / ") => false,
            _ => return Some(value),
        };
        *rest = &rest[3..];
        let by = factor(rest)?;
        if !multiply && by.0 == 0 {
            return None;
        }
        value = value.times(if multiply { by } else { Fraction::new(by.1, by.0) });
    }
}

fn factor(rest: &mut &str) -> Option<Fraction> {
    if let Some(inner) = rest.strip_prefix('(') {
        *rest = inner;
        let value = terms(rest)?;
        *rest = rest.strip_prefix(')')?;
        return Some(value);
    }
    let negative = rest.strip_prefix('-');
    let text = negative.unwrap_or(rest);
    let end = text.find(|letter: char| !letter.is_ascii_digit() && !",.".contains(letter));
    let (number, after) = text.split_at(end.unwrap_or(text.len()));
    *rest = after;
    let digits = number.replace(',', "");
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len() as u32);
    let whole: i128 = digits.replace('.', "").parse().ok()?;
    Some(Fraction::new(if negative.is_some() { -whole } else { whole }, 10i128.pow(decimals)))
}

#[test]
fn sums_are_checked_to_the_last_digit() {
    let right = ["a: 1,200 x 2.5 - 3 x (4 + 1) = 2,985", "b: -7 / 2 = -3.5", "c, d: 388.04 x 0.015 ~ 5.82"];
    for line in right {
        assert!(result(line).is_some(), "{line}");
    }
    for line in ["a: 1 + 1 = 3", "b: 388.04 x 0.015 = 5.82", "c: 1 / 0 = 0", "d: 1 +2 = 3", "e"] {
        assert!(result(line).is_none(), "{line}");
    }
}
