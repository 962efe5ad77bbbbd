//! Which written number is a factor that amounts allow: one of few decimals, or the quotient of two rates.

use super::{ONE, Point};
use crate::causes::price::{earlier, later, less_or_equal};
use crate::money::Ratio;

/// The number with the fewest decimals between two.
pub(super) fn simplest(low: i128, high: i128) -> i128 {
    let steps = (0..=9).map(|decimals| 10i128.pow(9 - decimals));
    let mut rounded = steps.map(|step| -(-low).div_euclid(step) * step);
    rounded.find(|factor| *factor > 0 && *factor <= high).unwrap_or(low)
}

/// The factor as it is written: in decimals, or as the quotient of two rates where no decimals meet all amounts.
pub(super) fn written(points: &[&Point], factor: i128) -> Option<Ratio> {
    let decimal = Ratio::new(factor, ONE)?;
    let mut ends: Option<(Ratio, Ratio)> = None;
    for point in points.iter().filter(|point| point.tells(0) && point.agrees(factor, 0)) {
        let low = Ratio::new(point.billed - point.bound, point.priced)?;
        let high = Ratio::new(point.billed + point.bound, point.priced)?;
        ends = Some(ends.map_or((low, high), |(least, most)| (later(least, low), earlier(most, high))));
    }
    let (low, high) = ends.filter(|(low, high)| less_or_equal(*low, *high))?;
    if less_or_equal(low, decimal) && less_or_equal(decimal, high) {
        return Some(decimal);
    }
    let quotient = plainest_between(low, high).filter(|quotient| quotient.denominator() <= QUOTIENT);
    Some(quotient.unwrap_or(decimal))
}

/// Rates have four decimals or five: their quotient has no larger denominator.
const QUOTIENT: i128 = 1_000_000;

/// The quotient with the smallest numbers between two.
fn plainest_between(low: Ratio, high: Ratio) -> Option<Ratio> {
    let whole = low.numerator().div_euclid(low.denominator());
    if low.numerator() == whole * low.denominator() {
        return Ratio::new(whole, 1);
    }
    let above = Ratio::new(whole + 1, 1)?;
    if less_or_equal(above, high) {
        return Some(above);
    }
    // Between the same whole numbers: one over what is beyond them, the other way round.
    let beyond = |end: Ratio| Ratio::new(end.denominator(), end.numerator() - whole * end.denominator());
    let rest = plainest_between(beyond(high)?, beyond(low)?)?;
    Ratio::new(whole.checked_mul(rest.numerator())?.checked_add(rest.denominator())?, rest.numerator())
}

#[cfg(test)]
mod tests {
    use super::super::tests::point;
    use super::*;

    #[test]
    fn a_quotient_of_two_rates() {
        // Booked at 1.0615 and paid at 1.0842: 10842/10615 has no end in decimals.
        let priced = [1_000_000_000_000, 2_718_281_828_459, 3_141_592_653_589];
        let points: Vec<Point> =
            priced.iter().map(|priced| point(0, "a", *priced, (priced * 10_842 + 5_307) / 10_615)).collect();
        let inside: Vec<&Point> = points.iter().collect();
        let factor = points[0].billed * ONE / points[0].priced;
        assert_eq!(written(&inside, factor), Ratio::new(10_842, 10_615));
        let short: Vec<Point> =
            priced.iter().map(|priced| point(0, "a", *priced, (priced * 88 + 50) / 100)).collect();
        assert_eq!(written(&short.iter().collect::<Vec<_>>(), ONE / 100 * 88), Ratio::new(88, 100));
    }
}
