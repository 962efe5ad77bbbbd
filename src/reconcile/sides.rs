//! One cell of a comparison: each of its keys with what stands on both sides, found once for all that is asked of it.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::billed::{Billed, Identity};
use super::few::Few;
use super::grain::{BillKey, CellKey};
use super::owners::Owner;
use super::state::State;
use crate::error::Result;
use crate::money::Money;
use crate::rate::Leaf;

/// One key and what either side has under it.
pub struct Sides<'s> {
    pub key: &'s BillKey,
    pub logged: Option<&'s Few<Leaf, i128>>,
    billed: Option<&'s Few<Identity, Billed>>,
}

impl Sides<'_> {
    pub fn logged_quantity(&self) -> i128 {
        self.logged.map_or(0, |leaves| leaves.values().sum())
    }

    /// How far our amount may be off: half a step for each that we rounded.
    fn roundings(&self) -> Money {
        Money::from_pico((self.logged.map_or(0, Few::len) as i128 + 1) / 2)
    }
}

/// What is each owner's of a cell.
pub fn by_owner(cell: Vec<Sides>) -> BTreeMap<Owner, Vec<Sides>> {
    let mut parts: BTreeMap<Owner, Vec<Sides>> = BTreeMap::new();
    for sides in cell {
        parts.entry(sides.key.owner).or_default().push(sides);
    }
    parts
}

impl State<'_> {
    /// The keys of one cell that either side knows, in order.
    pub fn sides_of<'s>(&'s self, cell: &CellKey) -> Vec<Sides<'s>> {
        let first = BillKey::first_of(cell);
        let logged = self.logged.range::<BillKey, _>(&first..);
        let mut logged = logged.take_while(|(key, _)| key.cell == *cell).peekable();
        let billed = self.billed.range::<BillKey, _>(&first..);
        let mut billed = billed.take_while(|(key, _)| key.cell == *cell).peekable();
        let mut all = Vec::new();
        loop {
            let order = match (logged.peek(), billed.peek()) {
                (Some((ours, _)), Some((theirs, _))) => ours.cmp(theirs),
                (Some(_), None) => Ordering::Less,
                _ => Ordering::Greater,
            };
            let ours = if order.is_le() { logged.next() } else { None };
            let theirs = if order.is_ge() { billed.next() } else { None };
            let key = ours.map(|(key, _)| key).or(theirs.map(|(key, _)| key));
            let Some(key) = key else { return all };
            all.push(Sides { key, logged: ours.map(|ours| ours.1), billed: theirs.map(|theirs| theirs.1) });
        }
    }

    /// The bill of one key, without excluded identities.
    pub fn bill_at(&self, sides: &Sides) -> Billed {
        self.sum(sides.key, sides.billed)
    }

    /// Our estimate for one key.
    pub fn priced_of(&self, sides: &Sides) -> Result<Money> {
        match sides.logged {
            _ if self.accepted.contains(sides.key) => Ok(self.bill_at(sides).amount),
            Some(leaves) => self.price(sides.key, leaves),
            None => Ok(Money::ZERO),
        }
    }

    /// True where the bill has lines for the same as a key, of other owners.
    pub fn has_lines_beside(&self, key: &BillKey) -> bool {
        let of_cell = self.billed.range(BillKey::first_of(&key.cell)..);
        let mut of_cell = of_cell.take_while(|(other, _)| other.cell == key.cell).map(|(other, _)| other);
        self.apart && of_cell.any(|other| other.owner != key.owner && other.of_all() == key.of_all())
    }

    /// What was logged under the other meters of a key.
    pub(super) fn beside<'s>(&'s self, key: &'s BillKey) -> impl Iterator<Item = &'s Leaf> {
        let of_cell = self.logged.range(BillKey::first_of(&key.cell)..);
        of_cell
            .take_while(|(other, _)| other.cell == key.cell)
            .filter(|(other, _)| {
                (other.owner, other.tier, &other.region, other.long_context)
                    == (key.owner, key.tier, &key.region, key.long_context)
            })
            .flat_map(|(_, leaves)| leaves.keys())
    }

    /// Keys of one cell that either side knows.
    pub fn keys_of(&self, cell: &CellKey) -> BTreeSet<BillKey> {
        self.sides_of(cell).into_iter().map(|sides| sides.key.clone()).collect()
    }

    /// What one cell was billed.
    pub fn billed_amount(&self, cell: &CellKey) -> Money {
        self.billed_of(&self.sides_of(cell))
    }

    pub fn billed_of(&self, sides: &[Sides]) -> Money {
        sides.iter().map(|sides| self.bill_at(sides).amount).sum()
    }

    /// `billed − priced` of one cell.
    pub fn delta(&self, cell: &CellKey) -> Result<Money> {
        self.delta_of(&self.sides_of(cell))
    }

    pub fn delta_of(&self, sides: &[Sides]) -> Result<Money> {
        let mut delta = Money::ZERO;
        for sides in sides {
            delta += self.bill_at(sides).amount - self.priced_of(sides)?;
        }
        Ok(delta)
    }

    /// The same by owner.
    pub fn deltas(&self, cell: &CellKey) -> Result<BTreeMap<Owner, Money>> {
        let mut deltas = BTreeMap::new();
        for (owner, sides) in by_owner(self.sides_of(cell)) {
            deltas.insert(owner, self.delta_of(&sides)?);
        }
        Ok(deltas)
    }

    /// How far a cell may be off by rounding alone: the bill's own, and ours.
    pub fn rounding_bound(&self, cell: &CellKey) -> Money {
        self.bound_of(&self.sides_of(cell))
    }

    pub fn bound_of(&self, cell: &[Sides]) -> Money {
        cell.iter().map(|sides| self.bill_at(sides).bound + sides.roundings()).sum()
    }
}
