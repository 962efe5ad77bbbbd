//! How much shorter does a story make the account of what is left? Differences are written down in binary digits
//! beyond rounding; a story has to save more of them than it takes to tell.
//!
//! Scores are whole sixteenths of a digit: no float, the same on every machine.

/// Sixteenths of a binary digit.
pub type Digits = i64;

pub const DIGIT: Digits = 16;

/// Digits needed to write a difference down, counted in steps of what rounding allows.
pub fn digits(difference: i128, bound: i128) -> Digits {
    let steps = difference.unsigned_abs() / bound.unsigned_abs().max(1);
    log2(steps + 1)
}

/// `16 · log2(n)`, the fraction taken as linear between powers of two.
pub fn log2(number: u128) -> Digits {
    let Some(whole) = number.checked_ilog2() else { return 0 };
    let sixteenths = if whole >= 4 { number >> (whole - 4) } else { number << (4 - whole) };
    Digits::from(whole) * DIGIT + (sixteenths as i64 & 15)
}

/// The runs of days (first, last; positions) that save the most, and what they save: each run costs `run`.
pub fn best_runs(gains: &[Digits], run: Digits) -> (Vec<(usize, usize)>, Digits) {
    // Best total before each position, outside and inside a run; and where the inside one began.
    let (mut outside, mut inside): (Digits, Option<(Digits, usize)>) = (0, None);
    let mut starts = vec![0usize; gains.len()];
    // For each position: does the best "outside after it" end a run there?
    let mut ends = vec![false; gains.len()];
    for (at, gain) in gains.iter().enumerate() {
        let fresh = outside - run;
        let (total, start) = match inside {
            Some((total, start)) if total >= fresh => (total, start),
            _ => (fresh, at),
        };
        starts[at] = start;
        inside = Some((total + gain, start));
        if total + gain > outside {
            outside = total + gain;
            ends[at] = true;
        }
    }
    let mut runs = Vec::new();
    let mut at = gains.len();
    while at > 0 {
        if ends[at - 1] {
            let start = starts[at - 1];
            runs.push((start, at - 1));
            at = start;
        } else {
            at -= 1;
        }
    }
    runs.reverse();
    (runs, outside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn logarithms_of_powers_are_whole() {
        assert_eq!(log2(1), 0);
        assert_eq!(log2(2), DIGIT);
        assert_eq!(log2(1 << 20), 20 * DIGIT);
        assert_eq!(log2(3), DIGIT + 8);
        assert_eq!(digits(0, 5), 0);
        assert_eq!(digits(-35, 5), 3 * DIGIT);
    }

    #[test]
    fn a_run_is_told_where_it_saves_more_than_it_costs() {
        assert_eq!(best_runs(&[-1, 5, 5, -2, 6, -9, 3], 4), (vec![(1, 4)], 10));
        assert_eq!(best_runs(&[9, -20, 9], 4), (vec![(0, 0), (2, 2)], 10));
        assert_eq!(best_runs(&[3, 3], 10), (vec![], 0));
    }

    proptest! {
        /// Against every subset of days, by brute force.
        #[test]
        fn no_other_choice_of_days_saves_more(gains in proptest::collection::vec(-9i64..9, 0..9), run in 0i64..6) {
            let (runs, total) = best_runs(&gains, run);
            let told: i64 = runs.iter().map(|(a, b)| gains[*a..=*b].iter().sum::<i64>() - run).sum();
            prop_assert_eq!(told, total);
            let best = (0u32..1 << gains.len()).map(|set| {
                let on = |at: usize| set >> at & 1 == 1;
                let starts = (0..gains.len()).filter(|at| on(*at) && (*at == 0 || !on(*at - 1))).count();
                let sum: i64 = gains.iter().enumerate().filter(|(at, _)| on(*at)).map(|(_, gain)| gain).sum();
                sum - run * starts as i64
            }).max().unwrap_or(0);
            prop_assert_eq!(total, best);
        }
    }
}
