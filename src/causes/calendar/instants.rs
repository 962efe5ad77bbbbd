//! When the usage of an account was, model by model, each gateway key by itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::period::Day;
use crate::rate::log::{Log, Slots};
use crate::rate::{Account, Leaf, Owner};
use crate::reconcile::State;

pub struct Instants {
    slots: Slots,
    /// Whose each gateway key is.
    owners: Vec<Owner>,
    /// Positions in the counts of the slots.
    models: BTreeMap<Arc<str>, Vec<usize>>,
}

/// Usage of one leaf in one slot.
pub struct Instant<'i> {
    pub leaf: &'i Leaf,
    /// Its gateway key, by number.
    pub caller: Owner,
    pub owner: Owner,
    pub at: i64,
    pub day: Day,
    pub quantity: i128,
}

impl Instants {
    pub fn of(state: &State, log: &Log, account: &Account) -> Instants {
        let keys: RefCell<BTreeMap<String, Owner>> = RefCell::default();
        let owners: RefCell<Vec<Owner>> = RefCell::default();
        let slots = log.slots(account, |key| {
            let mut keys = keys.borrow_mut();
            if let Some(known) = keys.get(key) {
                return *known;
            }
            // Keys beyond the last number are one caller.
            let number = Owner::try_from(keys.len()).unwrap_or(Owner::MAX);
            keys.insert(key.to_owned(), number);
            if owners.borrow().len() == usize::from(number) {
                owners.borrow_mut().push(state.owner_of(key));
            }
            number
        });
        let mut models: BTreeMap<Arc<str>, Vec<usize>> = BTreeMap::new();
        for (position, (place, ..)) in slots.counts.iter().enumerate() {
            models.entry(slots.leaves[*place].model.clone()).or_default().push(position);
        }
        Instants { slots, owners: owners.into_inner(), models }
    }

    /// Usage of a model within the period, by the days of the bill.
    pub fn of_model(&self, state: &State, model: &str) -> impl Iterator<Item = Instant<'_>> {
        let positions = self.models.get(model).into_iter().flatten();
        let instants = positions.map(|position| self.instant(state, *position));
        instants.filter(|instant| state.period.contains(instant.day))
    }

    /// Usage of every model, of the days before and after the period too.
    pub fn all(&self, state: &State) -> impl Iterator<Item = Instant<'_>> {
        (0..self.slots.counts.len()).map(|position| self.instant(state, position))
    }

    fn instant(&self, state: &State, position: usize) -> Instant<'_> {
        let (place, at, quantity) = self.slots.counts[position];
        let caller = self.slots.owners[place];
        let owner = self.owners[usize::from(caller)];
        Instant { leaf: &self.slots.leaves[place], caller, owner, at, day: state.clock.day(at), quantity }
    }
}

impl Instant<'_> {
    /// As the day's rows were cut: at the last price change before, or at the day's beginning.
    pub fn leaf_of_day(&self, state: &State) -> Leaf {
        let at = self.leaf.at.max(state.clock.midnight(self.at));
        Leaf { day: self.day, at, ..self.leaf.clone() }
    }
}
