//! What a change would do to the bill, day by day, and whether the bill agrees.

use std::collections::BTreeMap;

use super::change::{Became, Change};
use super::slice::Slice;
use crate::error::Result;
use crate::money::Money;
use crate::period::Day;
use crate::rate;
use crate::reconcile::{BillKey, Edit, State, quantity};

/// One day of a hypothesis: the edits, and what they do to the priced side under each key.
#[derive(Debug, Default)]
pub struct DayEffect {
    pub edits: Vec<Edit>,
    money: BTreeMap<BillKey, Money>,
    counts: BTreeMap<BillKey, i128>,
    /// Something is said not to be charged: on a day without any bill, that would only be a missing bill.
    needs_bill: bool,
}

/// What a day says of a hypothesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Every key it touches ties out with it. `closed`: the gross difference that vanishes. `bits`: how unlikely that is
    /// by chance, as powers of two.
    Fits {
        closed: i128,
        bits: u32,
    },
    /// It moves too little that day to be seen.
    Silent,
    Contradicts,
}

/// A test of one day counts for at most this much: days of one series are not independent to the last digit.
const MOST_BITS: u32 = 16;

/// The two sides under one key.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    pub residual: Money,
    pub bound: Money,
    /// The billed count, where the bill or a usage report states one.
    counted: Option<i128>,
    logged: i128,
    billed: bool,
}

/// Standings, computed once for each key.
pub struct Standings<'s, 'a> {
    state: &'s State<'a>,
    known: BTreeMap<BillKey, Standing>,
}

impl<'s, 'a> Standings<'s, 'a> {
    pub fn new(state: &'s State<'a>) -> Standings<'s, 'a> {
        Standings { state, known: BTreeMap::new() }
    }

    pub fn of(&mut self, key: &BillKey) -> Result<Standing> {
        if let Some(known) = self.known.get(key) {
            return Ok(*known);
        }
        let bill = self.state.bill(key);
        let leaves = self.state.logged.get(key).map_or(0, |leaves| leaves.len());
        let counted =
            quantity::billed(self.state, key).filter(|(_, known)| *known != quantity::Known::Implied);
        let standing = Standing {
            residual: bill.amount - self.state.priced(key)?,
            bound: bill.bound + Money::from_pico(leaves as i128 + 1),
            counted: counted.map(|(count, _)| count),
            logged: self.state.logged_quantity(key),
            billed: bill.lines > 0,
        };
        self.known.insert(key.clone(), standing);
        Ok(standing)
    }
}

/// The effects of a change by the first day of the cells it touches; `None` where it is no possible story.
pub fn effects(state: &State, slice: &Slice, change: &Change) -> Result<Option<BTreeMap<Day, DayEffect>>> {
    let mut days: BTreeMap<Day, DayEffect> = BTreeMap::new();
    for ((key, leaf), quantity) in &slice.leaves {
        let became = change.of(state, leaf);
        if matches!(became, Became::Same) {
            continue;
        }
        // What an earlier claim moved away cannot be moved again.
        let have = state.logged.get(key).and_then(|leaves| leaves.get(leaf)).copied().unwrap_or(0);
        let Some(unit) = state.unit(key, leaf).filter(|_| have >= *quantity) else { return Ok(None) };
        let day = days.entry(key.cell.first).or_default();
        let before = rate::amount(unit, *quantity)?;
        let from = (key.clone(), leaf.clone());
        let (after, edit) = match became {
            Became::Same => continue,
            Became::Impossible => return Ok(None),
            // A price holds for the whole leaf, so a part of one cannot have another.
            Became::Price(_) if have != *quantity => return Ok(None),
            Became::Price(unit) => {
                let edit = Edit::Reprice { key: from.0, leaf: from.1, unit };
                (Some((key.clone(), rate::amount(unit, *quantity)?)), edit)
            }
            Became::Nothing => (None, Edit::Restate { less: Some(from), more: None, quantity: *quantity }),
            Became::Leaf(other) => {
                let to = state.key_of(&other);
                let Some(unit) = state.unit(&to, &other) else { return Ok(None) };
                let amount = rate::amount(unit, *quantity)?;
                let more = Some((to.clone(), other));
                (Some((to, amount)), Edit::Restate { less: Some(from), more, quantity: *quantity })
            }
        };
        *day.money.entry(key.clone()).or_default() -= before;
        if let Some((to, amount)) = after {
            *day.money.entry(to.clone()).or_default() += amount;
            if to != *key {
                *day.counts.entry(key.clone()).or_default() -= quantity;
                *day.counts.entry(to).or_default() += quantity;
            }
        } else {
            *day.counts.entry(key.clone()).or_default() -= quantity;
            day.needs_bill |= matches!(change, Change::NotBilled);
        }
        day.edits.push(edit);
    }
    Ok(Some(days))
}

impl DayEffect {
    pub fn keys(&self) -> impl Iterator<Item = &BillKey> {
        self.money.keys()
    }

    pub fn verdict(&self, standings: &mut Standings) -> Result<Verdict> {
        let rounding = Money::from_pico(self.edits.len() as i128 * 2);
        let (mut closed, mut bits, mut seen, mut fits) = (0i128, 0u32, false, true);
        for (key, effect) in &self.money {
            let standing = standings.of(key)?;
            let bound = standing.bound + rounding;
            seen |= effect.abs() > bound + bound;
            let after = standing.residual - *effect;
            fits &= after.abs() <= bound && (standing.billed || !self.needs_bill);
            // Counts that the bill or a report states must come out as well.
            let count = standing.logged + self.counts.get(key).copied().unwrap_or(0);
            fits &= standing.counted.is_none_or(|counted| counted == count);
            closed += standing.residual.pico().abs() - after.pico().abs();
            let steps = effect.pico().unsigned_abs() / bound.pico().unsigned_abs().max(1);
            bits += steps.checked_ilog2().unwrap_or(0);
        }
        Ok(match (seen, fits) {
            (true, true) => Verdict::Fits { closed, bits: bits.min(MOST_BITS) },
            (true, false) => Verdict::Contradicts,
            (false, _) => Verdict::Silent,
        })
    }
}
