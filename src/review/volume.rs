//! Stored usage priced with one book and with another: what a difference between them moves, month by month.
//!
//! Priced as a close prices: summed first, multiplied once, so that a month's sum is the close's `priced` exactly.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::Change;
use super::steps::{Key, ladders};
use crate::collect::SourceUsage;
use crate::diagnostic::Origin;
use crate::error::Result;
use crate::money::Money;
use crate::period::{Day, Month};
use crate::pricebook::Pricebook;
use crate::rate::{self, Account, Accounts, Leaf, ModelMapping, Rater};
use crate::vocabulary::{Meter, Tier};

/// Usage as read for one book: its context boundaries cut the cubes.
pub struct Volume<'u> {
    pub sources: &'u [SourceUsage],
    pub accounts: &'u Accounts,
    pub mappings: &'u [ModelMapping],
}

impl Volume<'_> {
    fn primary(&self) -> impl Iterator<Item = &SourceUsage> {
        self.sources.iter().filter(|source| source.primary)
    }

    /// Months that hold usage.
    pub fn months(&self) -> BTreeSet<Month> {
        let days: BTreeSet<Day> =
            self.primary().flat_map(|source| source.cubes.rating.keys().map(|key| key.day())).collect();
        days.into_iter().map(Day::month).collect()
    }

    /// Billable quantities of a month by everything a price depends on.
    pub fn leaves(&self, month: Month, book: &Pricebook) -> BTreeMap<Leaf, i128> {
        let mut leaves = BTreeMap::new();
        for source in self.primary() {
            let account = source.account.as_ref();
            let days =
                rate::day_rows(&source.cubes, account, month.period(), self.accounts, self.mappings, book);
            for row in days.rows.iter().filter(|row| row.outcome.is_billable()) {
                for (leaf, quantity) in row.leaves() {
                    *leaves.entry(leaf).or_default() += quantity;
                }
            }
        }
        leaves
    }
}

/// One model's usage of one month under both books.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    pub before: Money,
    pub after: Money,
}

/// Quantities without a price under either book: unknown, not free.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unpriced {
    pub before: i128,
    pub after: i128,
}

/// What the difference between two books moves.
#[derive(Debug, Default)]
pub struct Moved {
    /// By month, seller and model.
    pub spent: BTreeMap<(Month, String, String), Spent>,
    pub unpriced: BTreeMap<(Month, String, String, Meter, Tier), Unpriced>,
    /// For each price change in its order, by month.
    pub by_change: Vec<BTreeMap<Month, Money>>,
    /// Through names, factors, schedules and terms: no one row's doing.
    pub elsewhere: Money,
}

impl Moved {
    pub fn total(&self) -> Spent {
        let sum = |of: fn(&Spent) -> Money| self.spent.values().map(of).sum();
        Spent { before: sum(|spent| spent.before), after: sum(|spent| spent.after) }
    }
}

/// Which leaves of two books are the same usage: a change inside a day cuts it in one book only.
type Same = (Account, std::sync::Arc<str>, Day, Meter, Tier, std::sync::Arc<str>, u64);

/// A leaf's amount and the keys of the rows that made it.
type Rated = BTreeMap<Same, (Money, BTreeSet<Key>)>;

/// Prices the usage of `months` with both books and lays each difference to the change that made it.
pub fn moved(
    old: (&Pricebook, &Volume),
    new: (&Pricebook, &Volume),
    months: &BTreeSet<Month>,
    changes: &[Change],
) -> Result<Moved> {
    let mut moved = Moved { by_change: vec![BTreeMap::new(); changes.len()], ..Moved::default() };
    for month in months {
        let before = rated(old.0, old.1, *month, &mut moved, false)?;
        let after = rated(new.0, new.1, *month, &mut moved, true)?;
        let all: BTreeSet<&Same> = before.keys().chain(after.keys()).collect();
        for same in all {
            let amount = |rated: &Rated| rated.get(same).map_or(Money::ZERO, |(amount, _)| *amount);
            let difference = amount(&after) - amount(&before);
            if difference.is_zero() {
                continue;
            }
            let keys = [&after, &before].into_iter().filter_map(|rated| rated.get(same));
            let keys: Vec<&Key> = keys.flat_map(|(_, keys)| keys).collect();
            let of = |change: &&Change| {
                change.columns.is_empty()
                    && change.from < same.2.next().start()
                    && change.to.is_none_or(|to| same.2.start() < to)
            };
            let change = keys
                .iter()
                .find_map(|key| changes.iter().position(|change| change.key == **key && of(&change)));
            match change.and_then(|index| moved.by_change.get_mut(index)) {
                Some(months) => *months.entry(*month).or_default() += difference,
                None => moved.elsewhere += difference,
            }
        }
    }
    Ok(moved)
}

fn rated(book: &Pricebook, volume: &Volume, month: Month, moved: &mut Moved, after: bool) -> Result<Rated> {
    let ladders = ladders(book);
    let rows: BTreeMap<&Origin, &Key> = ladders
        .iter()
        .flat_map(|(key, ladder)| ladder.rows.iter().map(move |row| (&row.origin, key)))
        .collect();
    let rater = Rater::new(book);
    let mut rated = Rated::new();
    for (leaf, quantity) in volume.leaves(month, book) {
        let (seller, model) = (leaf.account.provider.to_string(), leaf.model.to_string());
        match rater.unit(&leaf) {
            Ok(priced) => {
                let amount = rate::amount(priced.unit, quantity)?;
                let spent = moved.spent.entry((month, seller, model)).or_default();
                *(if after { &mut spent.after } else { &mut spent.before }) += amount;
                let Leaf { account, model, day, meter, tier, region, prompt, .. } = leaf;
                let entry = rated.entry((account, model, day, meter, tier, region, prompt)).or_default();
                entry.0 += amount;
                entry.1.extend(rows.get(&priced.row).map(|key| (*key).clone()));
            }
            Err(_) => {
                let key = (month, seller, model, leaf.meter, leaf.tier);
                let unpriced = moved.unpriced.entry(key).or_default();
                *(if after { &mut unpriced.after } else { &mut unpriced.before }) += quantity;
            }
        }
    }
    Ok(rated)
}
