//! On which days does the bill agree with a hypothesis, and is that enough?

use std::collections::BTreeMap;

use super::effect::{DayEffect, Standings, Verdict};
use crate::error::Result;
use crate::period::Day;

/// Days that must fit, and their improbability together; every further run of days costs more.
const TESTS: usize = 3;
const BITS: u32 = 24;
const BITS_OF_A_RUN: u32 = 8;
/// A run below this is chance.
const FEWEST_BITS: u32 = 12;

/// The days on which a hypothesis holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    pub days: Vec<Day>,
    /// Gross difference that vanishes, in 10^-12.
    pub closed: i128,
    /// Once it holds, it holds on nearly every day on which it could be seen: 4 of 5.
    pub lasting: bool,
}

#[derive(Default)]
struct Run {
    days: Vec<Day>,
    closed: i128,
    bits: u32,
}

/// Maximal runs of fitting days; days on which nothing could be seen do not break one.
pub fn fit(days: &BTreeMap<Day, DayEffect>, standings: &mut Standings) -> Result<Option<Fit>> {
    let mut runs: Vec<Run> = vec![Run::default()];
    let mut against: Vec<Day> = Vec::new();
    for (day, effect) in days {
        match (effect.verdict(standings)?, runs.last_mut()) {
            (Verdict::Fits { closed, bits }, Some(run)) if closed > 0 => {
                run.days.push(*day);
                run.closed += closed;
                run.bits += bits;
            }
            (Verdict::Silent, _) => {}
            _ => {
                against.push(*day);
                runs.push(Run::default());
            }
        }
    }
    runs.retain(|run| run.bits >= FEWEST_BITS);
    let tests: usize = runs.iter().map(|run| run.days.len()).sum();
    let bits: u32 = runs.iter().map(|run| run.bits).sum();
    if tests < TESTS || bits < BITS + BITS_OF_A_RUN * (runs.len() as u32 - 1) {
        return Ok(None);
    }
    let closed = runs.iter().map(|run| run.closed).sum();
    let days: Vec<Day> = runs.into_iter().flat_map(|run| run.days).collect();
    let onset = days.first().copied();
    against.retain(|day| Some(*day) > onset);
    let lasting = against.len() * 4 <= days.len();
    Ok(Some(Fit { days, closed, lasting }))
}
