//! How a bill may have read the hours of the book's prices, and which usage costs something else for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::instants::Instants;
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::SECONDS_PER_DAY;
use crate::rate::clock::Clock;
use crate::rate::{self, Leaf, Owner};
use crate::reconcile::{BillKey, State};

/// How the bill may have read the hours of a seller's prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A price of the book begins whole days later (or, negative, earlier).
    Days(i64),
    /// The price before a price change goes on after it, or the one after it held before.
    Kept,
    Early,
    /// The hours are those of another clock.
    By(Clock),
    /// At all hours the lower, or the higher, of the prices of the day, or of so many days around it.
    Flat {
        highest: bool,
        around: i64,
    },
}

/// Usage that a reading prices as of another instant.
pub struct Move {
    pub key: BillKey,
    pub leaf: Leaf,
    pub other: Leaf,
    pub quantity: i128,
    pub change: Money,
}

/// One model's prices over time.
pub struct Prices<'s, 'a> {
    pub state: &'s State<'a>,
    /// Every instant at which a price may change, from days before the period to days after it.
    pub changes: Vec<i64>,
    /// Noise of the log, in parts per million.
    pub floor: i128,
}

impl Prices<'_, '_> {
    fn segment(&self, at: i64) -> i64 {
        let before = self.changes.partition_point(|change| *change <= at);
        before.checked_sub(1).map_or(i64::MIN, |last| self.changes[last])
    }

    /// The same leaf as it is priced at another instant.
    fn leaf_at(&self, leaf: &Leaf, at: i64) -> Leaf {
        let at = self.segment(at).max(self.changes.first().map_or(at, |first| first - 1));
        Leaf { at, whole_day: false, ..leaf.clone() }
    }

    /// What a reading makes of a leaf used at an instant.
    fn read(&self, reading: &Reading, step: Option<i64>, leaf: &Leaf, at: i64) -> Leaf {
        match reading {
            Reading::Kept => self.leaf_at(leaf, step.map_or(at, |step| step - 1)),
            Reading::Early => self.leaf_at(leaf, step.unwrap_or(at)),
            Reading::Days(days) => self.leaf_at(leaf, at - days * SECONDS_PER_DAY),
            // Midnight of a clock ahead of UTC comes before that of UTC.
            Reading::By(clock) => self.leaf_at(leaf, at + clock.offset(at)),
            Reading::Flat { highest, around } => {
                let midnight = self.state.clock.midnight(at);
                let days = midnight - around * SECONDS_PER_DAY..midnight + (around + 1) * SECONDS_PER_DAY;
                let inside = self.changes.iter().filter(|change| days.contains(*change));
                let leaves = [midnight].into_iter().chain(inside.copied()).map(|at| self.leaf_at(leaf, at));
                let priced = leaves.filter_map(|leaf| Some((self.state.ratio(&leaf)?, leaf)));
                let less = |a: &Ratio, b: &Ratio| {
                    (a.numerator() * b.denominator()).cmp(&(b.numerator() * a.denominator()))
                };
                let ends = if *highest {
                    priced.max_by(|a, b| less(&a.0, &b.0))
                } else {
                    priced.min_by(|a, b| less(&a.0, &b.0))
                };
                ends.map_or_else(|| leaf.clone(), |(_, leaf)| leaf)
            }
        }
    }
}

/// Usage that a reading prices otherwise. With a step, only what crosses this price change and no other.
pub fn moves(
    prices: &Prices,
    step: Option<i64>,
    reading: &Reading,
    model: &Arc<str>,
    instants: &Instants,
) -> Result<Vec<Move>> {
    let state = prices.state;
    let mut sums: BTreeMap<(Leaf, Leaf, Owner), i128> = BTreeMap::new();
    for instant in instants.of_model(state, model).filter(|instant| !instant.leaf.whole_day) {
        let other =
            prices.read(reading, step, &Leaf { day: instant.day, ..instant.leaf.clone() }, instant.at);
        let crosses = |step: i64| {
            let (from, to) = (prices.segment(instant.at), prices.segment(other.at));
            from.max(to) == step && from.min(to) == prices.segment(step - 1)
        };
        if step.is_some_and(|step| !crosses(step)) {
            continue;
        }
        let leaf = instant.leaf_of_day(state);
        let (now, then) = (state.ratio(&leaf), state.ratio(&other));
        if now.is_some() && then.is_some() && now != then {
            *sums.entry((leaf, other, instant.owner)).or_default() += instant.quantity;
        }
    }
    let mut moves = Vec::new();
    for ((leaf, other, owner), quantity) in sums {
        let key = state.key_of(&leaf, owner);
        let (Some(now), Some(then)) = (state.unit(&key, &leaf), state.unit(&key, &other)) else { continue };
        let change = rate::amount(then, quantity)? - rate::amount(now, quantity)?;
        moves.push(Move { key, leaf, other, quantity, change });
    }
    Ok(moves)
}
