//! On which days does the bill agree with a hypothesis, and is that enough?

use std::collections::BTreeMap;

use super::effect::{DayEffect, Standings, Verdict};
use crate::error::Result;
use crate::period::Day;

/// A run of days needs this many that fit, and together this much improbability; a shorter run is taken along only
/// beside a full one.
const TESTS: usize = 3;
const BITS: u32 = 24;

/// The days on which a hypothesis holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    pub days: Vec<Day>,
    /// Gross difference that vanishes, in 10^-12.
    pub closed: i128,
    /// It holds from its first day to the last day on which it could be seen.
    pub to_the_end: bool,
    pub runs: usize,
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
    let mut last_fits = false;
    for (day, effect) in days {
        match (effect.verdict(standings)?, runs.last_mut()) {
            (Verdict::Fits { closed, bits }, Some(run)) if closed > 0 => {
                run.days.push(*day);
                run.closed += closed;
                run.bits += bits;
                last_fits = true;
            }
            (Verdict::Silent, _) => {}
            _ => {
                runs.push(Run::default());
                last_fits = false;
            }
        }
    }
    if !runs.iter().any(|run| run.days.len() >= TESTS && run.bits >= BITS) {
        return Ok(None);
    }
    runs.retain(|run| run.bits >= BITS);
    let kept = runs.len();
    let closed = runs.iter().map(|run| run.closed).sum();
    let days = runs.into_iter().flat_map(|run| run.days).collect();
    Ok(Some(Fit { days, closed, to_the_end: kept == 1 && last_fits, runs: kept }))
}
