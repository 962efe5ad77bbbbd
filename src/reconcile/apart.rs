//! One account with what is one owner's told apart from what is another's, and the same again of everybody together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::billed::Identity;
use super::edit::Edit;
use super::few::Few;
use super::grain::{BillKey, CellKey};
use super::owners::{NOBODY, Owner, Owners};
use super::state::{State, side};
use crate::money::Ratio;
use crate::rate::{DayUsage, Leaf, writes};

impl<'a> State<'a> {
    /// Where the usage of a row meets the bill.
    pub fn places<'r>(&'r self, row: &'r DayUsage) -> impl Iterator<Item = (BillKey, Leaf, i128)> + 'r {
        let owner = self.owner_of(&row.key);
        row.leaves().map(move |(leaf, quantity)| (self.key_of(&leaf, owner), leaf, quantity))
    }

    /// Whose a key of the log is, where they are told apart.
    pub fn owner_of(&self, key: &str) -> Owner {
        if self.apart { self.owners.of_key(key) } else { NOBODY }
    }

    pub fn key_of(&self, leaf: &Leaf, owner: Owner) -> BillKey {
        let key = self.grain(&leaf.account).of_leaf(leaf, self.rater.is_long_context(leaf));
        self.owners.part(key, owner)
    }

    /// The same usage of another model, under the meter that this one charges.
    pub fn served_by(&self, model: &Arc<str>, leaf: &Leaf) -> Leaf {
        let there = Leaf { model: model.clone(), ..leaf.clone() };
        Leaf { meter: writes::charged_as(self.rater.book, &there), ..there }
    }

    /// Where the usage of a key is billed if it is another model's, whose lines may tell other things apart.
    pub fn as_model(&self, key: &BillKey, model: &Arc<str>) -> BillKey {
        match self.model_leaf(key) {
            Some(leaf) => self.key_of(&self.served_by(model, &leaf), key.owner),
            None => {
                BillKey { cell: CellKey { model: Some(model.clone()), ..key.cell.clone() }, ..key.clone() }
            }
        }
    }

    /// The comparison before any edit, with each owner's part of a key as a key of its own.
    pub fn told_apart(&self, owners: Arc<Owners>) -> State<'a> {
        let mut state = State { apart: !owners.is_empty(), owners, ..self.clone() };
        if state.apart {
            let rows = state.usage.iter().filter(|row| row.outcome.is_billable());
            let counts =
                rows.flat_map(|row| state.places(row)).map(|(key, leaf, count)| (key, (leaf, count)));
            state.logged =
                side(counts, |leaves: &mut Few<Leaf, i128>, (leaf, count)| *leaves.or_default(leaf) += count);
            state.billed = by_identity(&self.billed, &state.owners);
            state.later = by_identity(&self.later, &state.owners);
            state.witness = by_identity(&self.witness, &state.owners);
            let repeats = self.repeats.iter().flat_map(|(key, repeats)| {
                let owners = &state.owners;
                let part = |identity| owners.part(key.clone(), owners.of_identity(identity));
                repeats.iter().map(move |repeat| (part(&repeat.identity), repeat.clone()))
            });
            state.repeats = side(repeats, |repeats: &mut Vec<_>, repeat| repeats.push(repeat));
        }
        state
    }

    /// The same of everybody together. What an edit has settled for one owner and not for another is on neither side.
    pub fn together(&self) -> State<'a> {
        if !self.apart {
            return self.clone();
        }
        let mut state = State {
            apart: false,
            accepted: BTreeSet::new(),
            prices: BTreeMap::new(),
            leaf_prices: BTreeMap::new(),
            dropped: self.dropped.iter().map(BillKey::of_all).collect(),
            ..self.clone()
        };
        let mut settled: BTreeSet<BillKey> = BTreeSet::new();
        let priced = self.prices.keys().chain(self.leaf_prices.keys());
        let edited: BTreeSet<BillKey> = priced.chain(&self.accepted).map(BillKey::of_all).collect();
        for all in edited {
            let parts = self.parts(&all);
            let some = self.settled(&parts);
            if !some.is_empty() {
                settled.extend(some);
                continue;
            }
            if parts.iter().all(|part| self.accepted.contains(part)) {
                state.accepted.insert(all.clone());
            }
            for part in &parts {
                for leaf in self.logged.get(part).into_iter().flat_map(Few::keys) {
                    if let Some(price) = self.edited_price(part, leaf) {
                        state.leaf_prices.entry(all.clone()).or_default().insert(leaf.clone(), price);
                    }
                }
            }
        }
        fn join<K: Ord + Clone, V: Clone + Default>(
            of: &BTreeMap<BillKey, Few<K, V>>,
            settled: &BTreeSet<BillKey>,
            add: impl Fn(&mut V, &V),
        ) -> Arc<BTreeMap<BillKey, Few<K, V>>> {
            let mut sums: BTreeMap<BillKey, Few<K, V>> = BTreeMap::new();
            for (key, parts) in of.iter().filter(|(key, _)| !settled.contains(*key)) {
                let sum = sums.entry(key.of_all()).or_default();
                parts.iter().for_each(|(name, value)| add(sum.or_default(name.clone()), value));
            }
            Arc::new(sums)
        }
        state.logged = join(&self.logged, &settled, |sum, count| *sum += count);
        state.billed = join(&self.billed, &settled, |sum, line| *sum = line.clone());
        state.later = join(&self.later, &settled, |sum, line| *sum = line.clone());
        state.witness = join(&self.witness, &settled, |sum, count| *sum += count);
        let mut repeats: BTreeMap<BillKey, Vec<_>> = BTreeMap::new();
        for (key, found) in self.repeats.iter().filter(|(key, _)| !settled.contains(*key)) {
            repeats.entry(key.of_all()).or_default().extend(found.iter().cloned());
        }
        state.repeats = Arc::new(repeats);
        state
    }

    /// The parts of a key that either side has.
    pub fn parts(&self, all: &BillKey) -> BTreeSet<BillKey> {
        let range = all.of_all()..=BillKey { owner: Owner::MAX, ..all.clone() };
        let logged = self.logged.range(range.clone()).map(|(key, _)| key);
        logged.chain(self.billed.range(range).map(|(key, _)| key)).cloned().collect()
    }

    /// The parts of a key of which an edit has said what it has not said of the others.
    fn settled(&self, parts: &BTreeSet<BillKey>) -> BTreeSet<BillKey> {
        let accepted = |part: &BillKey| self.accepted.contains(part);
        let mut alike = parts.iter().all(accepted) || !parts.iter().any(accepted);
        let mut prices: BTreeMap<&Leaf, Option<Ratio>> = BTreeMap::new();
        for part in parts {
            for leaf in self.logged.get(part).into_iter().flat_map(Few::keys) {
                let price = self.edited_price(part, leaf);
                alike &= *prices.entry(leaf).or_insert(price) == price;
            }
        }
        let priced = |part: &BillKey| self.prices.contains_key(part) || self.leaf_prices.contains_key(part);
        parts.iter().filter(|part| !alike && (accepted(part) || priced(part))).cloned().collect()
    }

    /// What an edit of everybody together is of each: a price, or a bill taken as it stands.
    pub fn of_each(&self, edit: Edit) -> Vec<Edit> {
        let parts = |key: &BillKey| {
            let parts = self.parts(key);
            let settled = self.settled(&parts);
            parts.into_iter().filter(move |part| !settled.contains(part))
        };
        match edit {
            Edit::Price { key, unit } => {
                let parts = parts(&key).filter(|part| self.logged.contains_key(part));
                parts.map(|key| Edit::Price { key, unit }).collect()
            }
            Edit::Accept { key } => {
                let any = |part: &BillKey| self.logged.contains_key(part) || self.bill(part).lines > 0;
                parts(&key).filter(any).map(|key| Edit::Accept { key }).collect()
            }
            Edit::Reprice { key, leaf, unit } => {
                let has =
                    |part: &BillKey| self.logged.get(part).is_some_and(|leaves| leaves.contains_key(&leaf));
                let parts = parts(&key).filter(has);
                parts.map(|key| Edit::Reprice { key, leaf: leaf.clone(), unit }).collect()
            }
            other => vec![other],
        }
    }
}

fn by_identity<V: Clone + Default>(
    of: &BTreeMap<BillKey, Few<Identity, V>>,
    owners: &Owners,
) -> Arc<BTreeMap<BillKey, Few<Identity, V>>> {
    let lines = of.iter().flat_map(|(key, lines)| lines.iter().map(move |line| (key, line)));
    let parts = lines.map(|(key, (identity, value))| {
        (owners.part(key.clone(), owners.of_identity(identity)), (identity.clone(), value.clone()))
    });
    side(parts, |lines: &mut Few<Identity, V>, (identity, value)| *lines.or_default(identity) = value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Money;
    use crate::period::{Day, Period};
    use crate::pricebook::Pricebook;
    use crate::rate::{Account, Rater};
    use crate::reconcile::Billed;
    use crate::vocabulary::Meter;

    fn key(owner: Owner) -> BillKey {
        let day: Day = "2026-10-01".parse().unwrap();
        let account = Account { provider: "openai".into(), id: None };
        let cell = CellKey { account, model: Some("m".into()), first: day, last: day };
        BillKey { meter: Some(Meter::Input), owner, ..BillKey::first_of(&cell) }
    }

    fn identity(project: &str) -> Identity {
        Identity { project: Some(project.into()), key: None }
    }

    /// Two owners with 300 and 500 tokens, billed at 3 and 5.
    fn with_two_owners(check: impl Fn(State, Leaf)) {
        let book = Pricebook::read(Vec::new(), Vec::new(), None).book;
        let (grains, gateway) = (BTreeMap::new(), BTreeMap::new());
        let rater = Rater::new(&book);
        let first = key(NOBODY).cell.first;
        let period = Period { first, last: first };
        let mut state = State::new(&rater, &grains, &gateway, period, &[], &[], &[]).unwrap();
        let leaf = state.model_leaf(&key(1)).unwrap();
        state.apart = true;
        for (owner, project, tokens, dollars) in [(1, "a", 300, 3), (2, "b", 500, 5)] {
            state.count(key(owner), leaf.clone(), tokens);
            let billed = Billed { amount: Money::from_pico(dollars), lines: 1, ..Billed::default() };
            *Arc::make_mut(&mut state.billed).entry(key(owner)).or_default().or_default(identity(project)) =
                billed;
        }
        check(state, leaf);
    }

    #[test]
    fn everybody_together_is_the_sum_of_each() {
        with_two_owners(|state, _| {
            let together = state.together();
            assert_eq!(together.keys(), [key(NOBODY)].into());
            assert_eq!(together.logged_quantity(&key(NOBODY)), 800);
            assert_eq!(together.bill(&key(NOBODY)).amount, Money::from_pico(8));
            let unit = Ratio::new(1, 100).unwrap();
            let price = Edit::Price { key: key(NOBODY), unit };
            let each = [Edit::Price { key: key(1), unit }, Edit::Price { key: key(2), unit }];
            assert_eq!(state.of_each(price), each);
        });
    }

    #[test]
    fn what_is_settled_for_one_is_on_neither_side_of_all() {
        with_two_owners(|mut state, leaf| {
            let unit = Ratio::new(1, 100).unwrap();
            state.change(&Edit::Reprice { key: key(1), leaf: leaf.clone(), unit });
            let together = state.together();
            assert_eq!(together.logged_quantity(&key(NOBODY)), 500);
            assert_eq!(together.bill(&key(NOBODY)).amount, Money::from_pico(5));
            assert_eq!(state.of_each(Edit::Accept { key: key(NOBODY) }), [Edit::Accept { key: key(2) }]);
            // The same price for both is a price of all.
            state.change(&Edit::Reprice { key: key(2), leaf: leaf.clone(), unit });
            let together = state.together();
            assert_eq!(together.logged_quantity(&key(NOBODY)), 800);
            assert_eq!(together.unit(&key(NOBODY), &leaf), Some(unit));
        });
    }
}
