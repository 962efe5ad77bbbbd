//! What a change of a slice does, by day and side. A slice is made ready once for all its changes: atoms that every change
//! treats alike are summed first.

use std::collections::BTreeSet;
use std::ops::Range;

use super::change::{Became, Change};
use super::problem::{Atom, Node, Place, Problem, Standing, Turn};
use crate::error::Result;
use crate::money::Ratio;
use crate::period::Day;

/// What a story does to one side on one day of usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    pub day: Day,
    pub side: u32,
    pub money: i128,
    pub count: i128,
}

/// Atoms of one day, side and class at one price.
#[derive(Debug)]
struct Group {
    day: Day,
    side: u32,
    /// Position in [`Groups::classes`].
    class: usize,
    unit: Ratio,
    /// No story is told about it.
    settled: bool,
    quantity: i128,
    /// What it costs at present.
    priced: i128,
    /// What each of its atoms is a multiple of.
    multiple: i128,
    /// Positions in [`Groups::atoms`].
    atoms: Range<usize>,
}

/// The atoms of a slice as a node has them, in the order of days and sides.
#[derive(Debug, Default)]
pub struct Groups {
    classes: Vec<u32>,
    groups: Vec<Group>,
    atoms: Vec<u32>,
}

impl Groups {
    pub fn new(problem: &Problem, node: &Node, atoms: &[u32]) -> Result<Groups> {
        let place = |atom: u32| &node.places[atom as usize];
        let quantity = |atom: u32| problem.atoms[atom as usize].quantity;
        let mut atoms: Vec<u32> = atoms
            .iter()
            .copied()
            .filter(|atom| place(*atom).status != Standing::Gone && quantity(*atom) != 0)
            .collect();
        let order = |atom: u32| {
            let Place { class, side, status, .. } = place(atom);
            let Atom { day, owner, .. } = problem.atoms[atom as usize];
            (day, *side, *class, owner, *status != Standing::Free)
        };
        atoms.sort_by_key(|atom| order(*atom));
        let classes: BTreeSet<u32> = atoms.iter().map(|atom| place(*atom).class).collect();
        let classes: Vec<u32> = classes.into_iter().collect();
        let mut groups = Vec::new();
        let mut first = 0;
        for alike in atoms.chunk_by(|a, b| order(*a) == order(*b) && place(*a).unit == place(*b).unit) {
            let (day, side, class, _, settled) = order(alike[0]);
            let unit = place(alike[0]).unit;
            let mut group = Group {
                day,
                side,
                class: classes.partition_point(|known| *known < class),
                unit,
                settled,
                quantity: 0,
                priced: 0,
                multiple: 0,
                atoms: first..first + alike.len(),
            };
            first += alike.len();
            for atom in alike {
                let quantity = quantity(*atom);
                group.quantity += quantity;
                group.priced += problem.amount(unit, quantity, day)?;
                group.multiple = gcd(group.multiple, quantity);
            }
            groups.push(group);
        }
        Ok(Groups { classes, groups, atoms })
    }
}

impl Groups {
    /// How often these days begin anew after a day that has a count which cannot have been logged so many times. By chance
    /// every other day can; what is logged twice is so from a day on.
    pub fn interrupted(&self, days: &[Day], times: i128) -> usize {
        let mut interrupted = 0;
        let mut last = None;
        for group in &self.groups {
            let held = days.binary_search(&group.day).is_ok();
            if !held && group.multiple % times != 0 {
                last = last.map(|_| false);
            } else if held {
                interrupted += usize::from(last == Some(false));
                last = Some(true);
            }
        }
        interrupted
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

impl Problem<'_, '_> {
    /// What a change of the slice's atoms does, by day and side; `None` where it is no possible story, empty where it
    /// changes nothing.
    pub fn touches(
        &mut self,
        node: &mut Node,
        slice: &Groups,
        change: &Change,
    ) -> Result<Option<Vec<Touch>>> {
        let id = self.change_id(change);
        let turns: Vec<Turn> = slice.classes.iter().map(|class| self.turn(id, change, *class)).collect();
        let mut touches: Vec<Touch> = Vec::new();
        // Days with usage that the change speaks of and that is settled already, or cannot be so priced, in order.
        let mut settled: Vec<Day> = Vec::new();
        for group in &slice.groups {
            let Group { day, side, quantity, priced, .. } = *group;
            let turn = turns[group.class];
            if matches!(turn, Turn::Same) {
                continue;
            }
            // A tier or region that is sold from another day on is no story of this one, and what the log cannot have counted
            // twice, or beside an input that holds it, is none of its day.
            let cannot_be = match turn {
                Turn::Impossible => change.is_modifier(),
                Turn::Times(times) => group.multiple % times != 0,
                Turn::Less => slice.atoms[group.atoms.clone()]
                    .iter()
                    .any(|atom| self.held(*atom, change) > self.atoms[*atom as usize].quantity),
                _ => false,
            };
            if group.settled || cannot_be {
                if settled.last() != Some(&day) {
                    settled.push(day);
                }
                continue;
            }
            let mut push = |side, money, count| match touches
                .last_mut()
                .filter(|last| last.day == day && last.side == side)
            {
                Some(last) => {
                    last.money += money;
                    last.count += count;
                }
                None => touches.push(Touch { day, side, money, count }),
            };
            match turn {
                Turn::Same => {}
                Turn::Impossible => return Ok(None),
                Turn::Gone => push(side, -priced, -quantity),
                Turn::Less => {
                    let held = slice.atoms[group.atoms.clone()].iter().map(|atom| self.held(*atom, change));
                    let less: i128 = held.sum();
                    push(side, self.amount(group.unit, quantity - less, day)? - priced, -less);
                }
                Turn::Times(times) => {
                    let left = quantity / times;
                    push(side, self.amount(group.unit, left, day)? - priced, left - quantity)
                }
                Turn::Unit(unit) => push(side, self.amount(unit, quantity, day)? - priced, 0),
                Turn::Class(class, unit) => {
                    let after = self.amount(unit, quantity, day)?;
                    let first = slice.atoms[group.atoms.start];
                    let (now, owner) = (&node.places[first as usize].leaf, self.atoms[first as usize].owner);
                    let state = self.state;
                    let leaf = || match change.of(state, now) {
                        Became::Leaf(other) => other,
                        _ => (**now).clone(),
                    };
                    let Some(to) = self.place_of(class, leaf, day, owner)? else { return Ok(None) };
                    if to == side {
                        push(side, after - priced, 0);
                    } else {
                        push(side, -priced, -quantity);
                        push(to, after, quantity);
                    }
                }
            }
        }
        self.grow(node);
        touches.sort_by_key(|touch| (touch.day, touch.side));
        touches.dedup_by(|next, kept| {
            let same = (next.day, next.side) == (kept.day, kept.side);
            if same {
                kept.money += next.money;
                kept.count += next.count;
            }
            same
        });
        touches.retain(|touch| {
            (touch.money != 0 || touch.count != 0) && settled.binary_search(&touch.day).is_err()
        });
        Ok(Some(touches))
    }
}
