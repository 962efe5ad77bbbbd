//! An account's usage by quarter of an hour beside its bill by day, so that any clock can be tried by addition alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::money::Money;
use crate::period::{Day, Period};
use crate::rate::clock::Clock;
use crate::rate::log::{Log, Slots};
use crate::rate::{self, Account, Leaf, Owner};
use crate::reconcile::{BillKey, CellKey, State, quantity};
use crate::vocabulary::Meter;

const MILLION: i128 = 1_000_000;

/// What the bill says of one key: a count where it or a usage report states one, else money.
struct Point {
    cell: usize,
    /// Whose usage it is, where the bill tells.
    owner: Owner,
    counted: bool,
    wanted: i128,
    /// In money; nothing is allowed where units are counted.
    bound: i128,
}

/// What the days of a clock are looked at in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// Every key of the bill on its own.
    Keys,
    /// The counts of each meter, of all models and owners: which of them served it does not matter.
    Meters,
}

/// Usage of one slot.
struct Part {
    leaf: usize,
    at: i64,
    quantity: i128,
    amount: Money,
}

pub struct Table {
    period: Period,
    pub grouping: Grouping,
    pub cells: Vec<CellKey>,
    points: Vec<Point>,
    /// Leaf and day of the period to point.
    places: Vec<Vec<Option<usize>>>,
    parts: Vec<Part>,
    whole_day: Vec<bool>,
    /// Whose each leaf is.
    owners: Vec<Owner>,
    /// Days of UTC on which the log has anything at all.
    logged: BTreeSet<Day>,
}

/// Cells and points by what they stand for.
#[derive(Default)]
struct Places {
    cells: BTreeMap<(CellKey, Option<Meter>), usize>,
    points: BTreeMap<BillKey, usize>,
}

/// What is left of one model-day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    /// Sum of the absolute differences, in money.
    pub open: i128,
    pub bound: i128,
    /// The larger side.
    pub size: i128,
    /// A count is missed, however small its money.
    miscounted: bool,
}

impl Left {
    pub fn ties(&self) -> bool {
        !self.miscounted && self.open <= self.bound
    }
}

/// Usage that another clock carries over an edge of the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Edges {
    pub into: Money,
    pub out_of: Money,
}

impl Table {
    /// `None` where the bill has no days, or usage without a price makes money incomparable.
    pub fn new(state: &State, log: &Log, account: &Account, grouping: Grouping) -> Result<Option<Table>> {
        let Slots { leaves, owners, counts } = log.slots(account, |key| state.owner_of(key));
        let mut table = Table {
            period: state.period,
            grouping,
            cells: Vec::new(),
            points: Vec::new(),
            places: vec![vec![None; state.period.days().count()]; leaves.len()],
            parts: Vec::new(),
            whole_day: leaves.iter().map(|leaf| leaf.whole_day).collect(),
            logged: log.days().clone(),
            owners: owners.clone(),
        };
        let mut places = Places::default();
        let mut known: BTreeMap<BillKey, Option<usize>> = BTreeMap::new();
        let units: Vec<_> = leaves.iter().map(|leaf| state.ratio(leaf)).collect();
        for (index, leaf) in leaves.iter().enumerate() {
            for (place, day) in state.period.days().enumerate() {
                let key = state.key_of(&Leaf { day, ..leaf.clone() }, owners[index]);
                let point = *known.entry(key.clone()).or_insert_with(|| table.point(state, key, &mut places));
                let priced = units[index].is_some()
                    || point.and_then(|point| table.points.get(point)).is_some_and(|point| point.counted);
                table.places[index][place] = point.filter(|_| priced);
            }
        }
        for key in state.billed.keys().filter(|key| key.cell.account == *account) {
            if !known.contains_key(key) {
                let point = table.point(state, key.clone(), &mut places);
                known.insert(key.clone(), point);
            }
        }
        for (leaf, at, quantity) in counts {
            let amount = units[leaf].map_or(Ok(Money::ZERO), |unit| rate::amount(unit, quantity))?;
            table.parts.push(Part { leaf, at, quantity, amount });
        }
        Ok((!table.points.is_empty()).then_some(table))
    }

    fn point(&mut self, state: &State, key: BillKey, places: &mut Places) -> Option<usize> {
        if key.cell.first != key.cell.last || !state.covers(&key.cell) || state.accepted.contains(&key) {
            return None;
        }
        let bill = state.bill(&key);
        let stated = quantity::billed(state, &key).filter(|(_, known)| known.is_counted());
        let place = match self.grouping {
            Grouping::Keys => key,
            // A line that is not there counts nothing.
            Grouping::Meters if stated.is_none() && bill.lines > 0 => return None,
            Grouping::Meters => {
                let cell = CellKey { model: None, ..key.cell };
                BillKey { meter: key.meter, ..BillKey::first_of(&cell) }
            }
        };
        // What is wrong with one meter of all is no reason to doubt the others.
        let meter = place.meter.filter(|_| self.grouping == Grouping::Meters);
        let cell = *places.cells.entry((place.cell.clone(), meter)).or_insert_with(|| {
            self.cells.push(place.cell.clone());
            self.cells.len() - 1
        });
        let counted = stated.is_some() || self.grouping == Grouping::Meters;
        let owner = place.owner;
        let point = *places.points.entry(place).or_insert_with(|| {
            self.points.push(Point { cell, owner, counted, wanted: 0, bound: 0 });
            self.points.len() - 1
        });
        let wanted = stated.map_or(if counted { 0 } else { bill.amount.pico() }, |(count, _)| count);
        self.points[point].wanted += wanted;
        self.points[point].bound += bill.bound.pico();
        Some(point)
    }

    /// Quantity, amount and roundings under every point when days begin by this clock.
    fn sums(&self, clock: &Clock) -> Vec<(i128, i128, i128)> {
        let mut sums: Vec<(i128, i128, i128)> = vec![(0, 0, 0); self.points.len()];
        for part in &self.parts {
            let day = if self.whole_day[part.leaf] { Day::of_instant(part.at) } else { clock.day(part.at) };
            if !self.period.contains(day) {
                continue;
            }
            let place = (day.days() - self.period.first.days()) as usize;
            if let Some(point) = self.places[part.leaf][place] {
                let sum = &mut sums[point];
                sum.0 += part.quantity;
                sum.1 += part.amount.pico();
                // Each slot was rounded on its own.
                sum.2 += 1;
            }
        }
        sums
    }

    /// What the bill's money is of ours, in the middle, in millionths: a factor on everything hides no clock. Within a
    /// hundredth it is none.
    fn factor(&self, sums: &[(i128, i128, i128)]) -> i128 {
        let money = self.points.iter().zip(sums).filter(|(point, sum)| !point.counted && sum.1 > 0);
        let mut factors: Vec<i128> =
            money.map(|(point, sum)| point.wanted.saturating_mul(MILLION) / sum.1).collect();
        factors.sort_unstable();
        let middle = factors.get(factors.len() / 2).copied().unwrap_or(MILLION);
        if (middle - MILLION).abs() * 100 <= MILLION { MILLION } else { middle }
    }

    /// What is left of every model-day when days begin by this clock.
    pub fn left(&self, clock: &Clock) -> Vec<Left> {
        let mut left = vec![Left::default(); self.cells.len()];
        for (point, part) in self.points.iter().zip(self.left_of_points(clock)) {
            let cell = &mut left[point.cell];
            cell.miscounted |= part.miscounted;
            cell.open += part.open;
            cell.bound += part.bound;
            cell.size += part.size;
        }
        left
    }

    /// The owner and what is left of everything that the bill has a line or a count of its own for.
    pub fn by_owner(&self, clock: &Clock) -> impl Iterator<Item = (Owner, Left)> {
        self.points.iter().map(|point| point.owner).zip(self.left_of_points(clock))
    }

    /// The day of each of them.
    pub fn days_of_points(&self) -> Vec<Day> {
        self.points.iter().map(|point| self.cells[point.cell].first).collect()
    }

    fn left_of_points(&self, clock: &Clock) -> Vec<Left> {
        let sums = self.sums(clock);
        let factor = self.factor(&sums);
        let mut left = vec![Left::default(); self.points.len()];
        for ((cell, point), (quantity, amount, roundings)) in left.iter_mut().zip(&self.points).zip(sums) {
            if point.counted {
                let difference = (point.wanted - quantity).abs();
                cell.miscounted |= difference != 0;
                // The money of a count is that of the logged units; a unit where none was logged counts as a step.
                let unit = if quantity == 0 { 1 } else { amount / quantity };
                cell.open += difference * unit;
                cell.size += amount.max(point.wanted * unit);
            } else {
                let amount = if factor == MILLION { amount } else { amount / MILLION * factor };
                cell.open += (point.wanted - amount).abs();
                cell.bound += point.bound + roundings;
                cell.size += amount.max(point.wanted);
            }
        }
        left
    }

    /// Days at an edge of the period that this clock fills from days the log was not exported for.
    pub fn untold(&self, clock: &Clock) -> BTreeSet<Day> {
        let Period { first, last } = self.period;
        let mut untold = BTreeSet::new();
        if clock.offset(first.start()) > 0 && !self.logged.contains(&first.previous()) {
            untold.insert(first);
        }
        if clock.offset(last.next().start()) < 0 && !self.logged.contains(&last.next()) {
            untold.insert(last);
        }
        untold
    }

    pub fn edges(&self, clock: &Clock) -> Edges {
        self.edges_where(clock, |_| true)
    }

    /// The same of one owner.
    pub fn edges_of(&self, clock: &Clock, owner: Owner) -> Edges {
        self.edges_where(clock, |part| self.owners[part.leaf] == owner)
    }

    fn edges_where(&self, clock: &Clock, of: impl Fn(&Part) -> bool) -> Edges {
        let mut edges = Edges::default();
        for part in self.parts.iter().filter(|part| !self.whole_day[part.leaf] && of(part)) {
            let inside = |day| self.period.contains(day);
            match (inside(Day::of_instant(part.at)), inside(clock.day(part.at))) {
                (false, true) => edges.into += part.amount,
                (true, false) => edges.out_of += part.amount,
                _ => {}
            }
        }
        edges
    }
}
