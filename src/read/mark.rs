//! What a row with the id of an earlier one is: that row again, another state of the same answer, or another call. Ids are not
//! unique everywhere, and a call that was made is never left out because another one has its id.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::usage::Meters;
use crate::vocabulary::Outcome;

/// States of one answer are written within this many seconds of each other.
const CLOSE: u64 = 3_600;

const COUNTERS: u32 = 16;
const NAME: u32 = 12;
const SECONDS: u32 = 24;

/// Short hashes of a row's counters, model and key, and the second it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mark(pub u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// The counters are equal.
    Again,
    /// One model, one key, within the hour, other counters.
    Restated,
}

impl Repeat {
    pub fn outcome(self) -> Outcome {
        match self {
            Repeat::Again => Outcome::Duplicate,
            Repeat::Restated => Outcome::Restated,
        }
    }
}

impl Mark {
    /// `model` may have the prefix of a provider. An empty name says nothing.
    pub fn of(meters: &Meters, model: &str, key: &str, at: i64) -> Mark {
        let model = model.rsplit('/').next().unwrap_or(model);
        let seconds = at.rem_euclid(1 << SECONDS) as u64;
        let parts = [(NAME, name(model)), (NAME, name(key)), (SECONDS, seconds)];
        let counters = short(COUNTERS, FixedState::default().hash_one(meters));
        Mark(parts.into_iter().fold(counters, |mark, (bits, part)| mark << bits | part))
    }

    /// What a row with this mark is after one with `first` and the same id; nothing where it is another call.
    pub fn after(self, first: Mark) -> Option<Repeat> {
        let ([counters, model, key, seconds], [first_counters, first_model, first_key, first_seconds]) =
            (self.parts(), first.parts());
        if counters == first_counters {
            return Some(Repeat::Again);
        }
        let agree = |one: u64, other: u64| one == other || one == 0 || other == 0;
        let apart = short(SECONDS, seconds.wrapping_sub(first_seconds));
        let close = apart <= CLOSE || apart >= (1 << SECONDS) - CLOSE;
        (agree(model, first_model) && agree(key, first_key) && close).then_some(Repeat::Restated)
    }

    /// Model, key and hour.
    pub fn place(self) -> u64 {
        let [_, model, key, seconds] = self.parts();
        (((model << NAME) | key) << SECONDS) | (seconds / CLOSE)
    }

    fn parts(self) -> [u64; 4] {
        [
            self.0 >> (NAME + NAME + SECONDS),
            short(NAME, self.0 >> (NAME + SECONDS)),
            short(NAME, self.0 >> SECONDS),
            short(SECONDS, self.0),
        ]
    }
}

fn short(bits: u32, hash: u64) -> u64 {
    hash & ((1 << bits) - 1)
}

/// Zero is the name that is not said.
fn name(text: &str) -> u64 {
    if text.is_empty() { 0 } else { short(NAME, FixedState::default().hash_one(text)).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Meter;

    const NOON: i64 = 1_790_856_000;

    fn mark(output: u64, model: &str, key: &str, at: i64) -> Mark {
        let mut meters = Meters::default();
        meters.set(Meter::Output, output);
        Mark::of(&meters, model, key, at)
    }

    #[test]
    fn only_states_of_one_answer_restate_it() {
        let first = mark(9, "gpt-5.5", "app", NOON);
        let after = |output, model, key, at| mark(output, model, key, at).after(first);
        assert_eq!(after(9, "gpt-5-mini", "other", NOON + 90_000), Some(Repeat::Again));
        for at in [NOON, NOON + 3_600, NOON - 3_600] {
            assert_eq!(after(159, "openai/gpt-5.5", "app", at), Some(Repeat::Restated), "{at}");
        }
        // A row that does not say its key or model.
        assert_eq!(after(159, "", "", NOON), Some(Repeat::Restated));
        for other in [
            after(159, "gpt-5-mini", "app", NOON),
            after(159, "gpt-5.5", "nightly", NOON),
            after(159, "gpt-5.5", "app", NOON + 3_601),
            after(159, "gpt-5.5", "app", NOON - 3_601),
        ] {
            assert_eq!(other, None);
        }
    }
}
