//! One account as numbers: the two sides of every bill key, and the usage that stands under them, atom by atom.
//!
//! An atom is one meter of one usage row. A story changes what atoms cost or where they are billed; because atoms keep
//! their place, stories compose: the second sees what the first has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use super::change::{Became, Change};
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::Day;
use crate::rate::{self, Account, Leaf};
use crate::reconcile::owners::Owner;
use crate::reconcile::{BillKey, State, quantity};

/// One bill key, with what does not change while stories are tried.
#[derive(Debug, Clone)]
pub struct Side {
    pub key: BillKey,
    pub billed: i128,
    /// The bill has a line for it.
    pub has_line: bool,
    /// It has one for it, or for others' usage of the same meter on that day.
    pub spoken_of: bool,
    /// The account's bill speaks of its days at all.
    pub covered: bool,
    /// The count that the bill or a usage report states.
    pub counted: Option<i128>,
    /// Rounding of the bill and of our own amounts.
    pub bound: i128,
    /// An earlier family has set its price or taken its bill as it stands: nothing is moved there.
    pub set: bool,
}

/// One meter of one usage row.
#[derive(Debug, Clone, Copy)]
pub struct Atom {
    /// Index into the state's usage.
    pub row: u32,
    pub day: Day,
    pub quantity: i128,
    pub owner: Owner,
}

/// Where an atom stands at present.
#[derive(Debug, Clone)]
pub struct Place {
    pub leaf: Arc<Leaf>,
    pub(super) class: u32,
    pub side: u32,
    pub(super) unit: Ratio,
    pub status: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Free,
    /// A story took it off the bill.
    Gone,
    /// A story took some of it off the bill; so much is left.
    Lessened(i128),
    /// An earlier family has repriced or moved it: no story is told about it again.
    Settled,
}

/// An atom that a story moved.
#[derive(Debug, Clone)]
pub struct Moved {
    pub atom: u32,
    pub before: Place,
    pub after: Place,
}

/// The places of all atoms and what they sum to, after the stories so far.
#[derive(Debug, Clone)]
pub struct Node {
    /// Two nodes of one version have the same places.
    pub version: u64,
    pub places: Vec<Place>,
    /// By side, in 10^-12 and in units.
    pub priced: Vec<i128>,
    pub logged: Vec<i128>,
}

/// What a change makes of every leaf of one class.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    Same,
    Impossible,
    Gone,
    /// So many times on the log and once on the bill.
    Times(i128),
    Less,
    Unit(Ratio),
    Class(u32, Ratio),
}

pub struct Problem<'s, 'a> {
    pub state: &'s State<'a>,
    pub sides: Vec<Side>,
    index: BTreeMap<BillKey, u32>,
    pub atoms: Vec<Atom>,
    /// Priced amount and logged count of every side before any story.
    before: Vec<(i128, i128)>,
    /// One leaf for each class: leaves that every change treats alike.
    classes: Vec<Leaf>,
    class_index: BTreeMap<Leaf, u32>,
    /// Instants at which a model's prices change, by model.
    epochs: BTreeMap<Arc<str>, Option<Vec<i64>>>,
    /// Instants of the month at which prices of another model change, which may have served it.
    begins: BTreeSet<i64>,
    /// Versions of nodes so far.
    versions: u64,
    changes: BTreeMap<Change, u32>,
    turns: HashMap<(u32, u32), Turn>,
    places: HashMap<(u32, Day, Owner), u32>,
}

impl<'s, 'a> Problem<'s, 'a> {
    /// The account's bill keys, and the usage of the rows that `take` accepts.
    pub fn new(
        state: &'s State<'a>,
        account: &Account,
        take: impl Fn(&Arc<str>) -> bool,
    ) -> Result<(Problem<'s, 'a>, Node)> {
        let mut problem = Problem {
            state,
            sides: Vec::new(),
            index: BTreeMap::new(),
            atoms: Vec::new(),
            before: Vec::new(),
            classes: Vec::new(),
            class_index: BTreeMap::new(),
            epochs: BTreeMap::new(),
            begins: begins(state, account),
            versions: 0,
            changes: BTreeMap::new(),
            turns: HashMap::new(),
            places: HashMap::new(),
        };
        let mut node = Node { version: 0, places: Vec::new(), priced: Vec::new(), logged: Vec::new() };
        let keys = state.logged.keys().chain(state.billed.keys());
        for key in keys.filter(|key| key.cell.account == *account) {
            problem.side(key)?;
        }
        let rows = state
            .usage
            .iter()
            .enumerate()
            .filter(|(_, row)| row.account == *account && row.outcome.is_billable() && take(&row.model));
        for (index, row) in rows {
            let owner = state.owner_of(&row.key);
            for (key, leaf, quantity) in state.places(row) {
                let side = problem.side(&key)?;
                let Side { key, set, .. } = &problem.sides[side as usize];
                let unit = state.unit_before_factor(key, &leaf);
                let repriced = state.leaf_prices.get(key).is_some_and(|prices| prices.contains_key(&leaf));
                let settled = unit.is_none() || *set || repriced;
                let status = if settled { Standing::Settled } else { Standing::Free };
                let class = problem.class(&leaf);
                problem.atoms.push(Atom { row: index as u32, day: leaf.day, quantity, owner });
                node.places.push(Place {
                    leaf: Arc::new(leaf),
                    class,
                    side,
                    unit: unit.unwrap_or(Ratio::ZERO),
                    status,
                });
            }
        }
        problem.grow(&mut node);
        problem.settle(&mut node);
        Ok((problem, node))
    }

    /// Gives a node the sides that were met since it was made.
    pub(super) fn grow(&self, node: &mut Node) {
        for (priced, logged) in &self.before[node.priced.len()..] {
            node.priced.push(*priced);
            node.logged.push(*logged);
        }
    }

    /// Atoms whose leaf has lost usage to an earlier family are settled: which of them it took is not known.
    fn settle(&self, node: &mut Node) {
        let mut sums: BTreeMap<(u32, &Leaf), i128> = BTreeMap::new();
        for (atom, place) in self.atoms.iter().zip(&node.places) {
            *sums.entry((place.side, &*place.leaf)).or_default() += atom.quantity;
        }
        let lost: Vec<bool> = node
            .places
            .iter()
            .map(|place| {
                let leaves = self.state.logged.get(&self.sides[place.side as usize].key);
                let have = leaves.and_then(|leaves| leaves.get(&*place.leaf)).copied().unwrap_or(0);
                sums.get(&(place.side, &*place.leaf)).is_some_and(|sum| have < *sum)
            })
            .collect();
        for (place, lost) in node.places.iter_mut().zip(lost) {
            if lost {
                place.status = Standing::Settled;
            }
        }
    }

    fn side(&mut self, key: &BillKey) -> Result<u32> {
        if let Some(known) = self.index.get(key) {
            return Ok(*known);
        }
        let bill = self.state.bill(key);
        let leaves = self.state.logged.get(key).map_or(0, |leaves| leaves.len());
        let counted =
            quantity::billed(self.state, key).filter(|(_, known)| *known != quantity::Known::Implied);
        let index = self.sides.len() as u32;
        self.sides.push(Side {
            key: key.clone(),
            billed: bill.amount.pico(),
            has_line: bill.lines > 0,
            spoken_of: bill.lines > 0 || self.state.has_lines_beside(key),
            covered: bill.lines > 0 || self.state.covers(&key.cell),
            counted: counted.map(|(count, _)| count),
            bound: (bill.bound + Money::from_pico(leaves as i128 + 1)).pico(),
            set: self.state.prices.contains_key(key) || self.state.accepted.contains(key),
        });
        self.before.push((self.state.priced(key)?.pico(), self.state.logged_quantity(key)));
        self.index.insert(key.clone(), index);
        Ok(index)
    }

    /// Leaves of one class have one price now and one after every change: those of one model, meter, tier, region and
    /// prompt between two changes of the model's prices. Usage known by day only is a class of its day.
    fn class(&mut self, leaf: &Leaf) -> u32 {
        let mut key = leaf.clone();
        if !leaf.whole_day && !self.state.rater.is_contracted(leaf) {
            let book = self.state.rater.book;
            let last = self.state.period.last.next().start();
            let begins = &self.begins;
            let epochs = self.epochs.entry(leaf.model.clone()).or_insert_with(|| {
                let seller = &leaf.account.provider;
                let own = book.row_changes(seller, &leaf.model, i64::MIN, last);
                // Prices by the hour differ inside a day, and each instant is a class of its own.
                let eve = last - 86_400;
                let steps = own.iter().filter(|at| **at > eve).count();
                let hourly = book.price_changes(seller, &leaf.model, eve, last).len() > steps;
                let all: BTreeSet<i64> = own.into_iter().chain(begins.iter().copied()).collect();
                (!hourly).then(|| all.into_iter().collect())
            });
            if let Some(epochs) = epochs {
                let before = epochs.partition_point(|at| *at <= leaf.at);
                key.at = before.checked_sub(1).map_or(i64::MIN, |last| epochs[last]);
                key.day = self.state.period.first;
            }
        }
        if let Some(known) = self.class_index.get(&key) {
            return *known;
        }
        let index = self.classes.len() as u32;
        self.classes.push(leaf.clone());
        self.class_index.insert(key, index);
        index
    }

    pub fn change_id(&mut self, change: &Change) -> u32 {
        if let Some(known) = self.changes.get(change) {
            return *known;
        }
        let next = self.changes.len() as u32;
        self.changes.insert(change.clone(), next);
        next
    }

    pub(super) fn turn(&mut self, id: u32, change: &Change, class: u32) -> Turn {
        if let Some(known) = self.turns.get(&(id, class)) {
            return *known;
        }
        let leaf = self.classes[class as usize].clone();
        let turn = match change.of(self.state, &leaf) {
            Became::Same => Turn::Same,
            Became::Impossible => Turn::Impossible,
            Became::Nothing => Turn::Gone,
            Became::Times(times) => Turn::Times(times),
            Became::Less => Turn::Less,
            Became::Price(unit) => Turn::Unit(unit),
            Became::Leaf(other) => match self.state.ratio(&other) {
                Some(unit) => Turn::Class(self.class(&other), unit),
                None => Turn::Impossible,
            },
        };
        self.turns.insert((id, class), turn);
        turn
    }

    /// Where a leaf of a class is billed on a day; `None` where an earlier family has set the price of that key.
    pub(super) fn place_of(
        &mut self,
        class: u32,
        leaf: impl Fn() -> Leaf,
        day: Day,
        owner: Owner,
    ) -> Result<Option<u32>> {
        let side = match self.places.get(&(class, day, owner)) {
            Some(known) => *known,
            None => {
                let key = self.state.key_of(&leaf(), owner);
                let side = self.side(&key)?;
                self.places.insert((class, day, owner), side);
                side
            }
        };
        Ok((!self.sides[side as usize].set).then_some(side))
    }

    /// What a quantity costs at a price of the book, with what multiplies everything of its day; in 10^-12.
    pub(super) fn amount(&self, unit: Ratio, quantity: i128, day: Day) -> Result<i128> {
        let unit = match self.state.factor(day) {
            // A product that needs more digits than there are is no price.
            Some(factor) => unit.checked_mul(factor).unwrap_or(unit),
            None => unit,
        };
        Ok(rate::amount(unit, quantity)?.pico())
    }

    /// What an atom's row counts under the meters that an overlap says its input holds.
    pub(super) fn held(&self, atom: u32, change: &Change) -> i128 {
        let Change::Overlap(held) = change else { return 0 };
        let row = &self.state.usage[self.atoms[atom as usize].row as usize];
        row.sums
            .meters
            .iter()
            .filter(|(meter, _)| held.holds(*meter))
            .map(|(_, count)| i128::from(count))
            .sum()
    }

    /// Makes a change true for the slice's atoms on some days. Returns the atoms it moved.
    pub fn apply(
        &mut self,
        node: &mut Node,
        atoms: &[u32],
        change: &Change,
        holds: impl Fn(Day) -> bool,
    ) -> Result<Vec<Moved>> {
        let id = self.change_id(change);
        let mut moved = Vec::new();
        for index in atoms {
            let Atom { day, quantity, owner, .. } = self.atoms[*index as usize];
            let before = node.places[*index as usize].clone();
            if before.status != Standing::Free || quantity == 0 || !holds(day) {
                continue;
            }
            let turn = self.turn(id, change, before.class);
            let mut after = before.clone();
            match turn {
                Turn::Same | Turn::Impossible => continue,
                Turn::Gone => after.status = Standing::Gone,
                Turn::Times(times) => after.status = Standing::Lessened(quantity / times),
                Turn::Less => after.status = Standing::Lessened(quantity - self.held(*index, change)),
                Turn::Unit(unit) => {
                    after.unit = unit;
                    // Its price is no longer that of its class.
                    after.status = Standing::Settled;
                }
                Turn::Class(class, unit) => {
                    let Became::Leaf(leaf) = change.of(self.state, &before.leaf) else { continue };
                    let Some(side) = self.place_of(class, || leaf.clone(), day, owner)? else { continue };
                    after = Place { leaf: Arc::new(leaf), class, side, unit, status: Standing::Free };
                }
            }
            self.grow(node);
            self.versions += 1;
            node.version = self.versions;
            node.priced[before.side as usize] -= self.amount(before.unit, quantity, day)?;
            node.logged[before.side as usize] -= quantity;
            let left = match after.status {
                Standing::Gone => 0,
                Standing::Lessened(left) => left,
                Standing::Free | Standing::Settled => quantity,
            };
            node.priced[after.side as usize] += self.amount(after.unit, left, day)?;
            node.logged[after.side as usize] += left;
            node.places[*index as usize] = after.clone();
            moved.push(Moved { atom: *index, before, after });
        }
        Ok(moved)
    }
}

/// When prices of the models on an account's bill change within the month, by the book or by what is told of it.
fn begins(state: &State, account: &Account) -> BTreeSet<i64> {
    let keys = state.billed.keys().filter(|key| key.cell.account == *account);
    let models: BTreeSet<&Arc<str>> = keys.filter_map(|key| key.cell.model.as_ref()).collect();
    let (first, last) = (state.period.first.start(), state.period.last.next().start());
    let rows = models
        .into_iter()
        .flat_map(|model| state.rater.book.row_changes(&account.provider, model, first, last));
    let told = state.new_prices.iter().flat_map(|price| [price.days.first, price.days.last.next()]);
    rows.chain(told.map(Day::start)).collect()
}
