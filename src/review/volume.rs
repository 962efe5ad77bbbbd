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
use crate::rate::{self, Account, Accounts, DayUsage, Leaf, Meanings, ModelMapping, Rater, TrafficRule};
use crate::vocabulary::{Meter, Tier};

/// Usage as read for one book: its context boundaries cut the cubes.
pub struct Volume<'u> {
    pub sources: &'u [SourceUsage],
    pub accounts: &'u Accounts,
    pub mappings: &'u [ModelMapping],
    pub traffic: &'u [TrafficRule],
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

    /// Billable usage of every month, day by day.
    pub fn days(&self, book: &Pricebook) -> Vec<DayUsage> {
        self.months().into_iter().flat_map(|month| self.rows(month, book)).collect()
    }

    /// Billable usage of a month, day by day.
    pub fn rows(&self, month: Month, book: &Pricebook) -> Vec<DayUsage> {
        let days = |source: &SourceUsage| {
            let account = source.account.as_ref();
            let (accounts, mappings, traffic) = (self.accounts, self.mappings, self.traffic);
            let meanings = Meanings { accounts, mappings, traffic, book };
            rate::day_rows(&source.cubes, account, month.period(), meanings)
        };
        self.primary().flat_map(days).filter(|row| row.outcome.is_billable()).collect()
    }

    /// Billable quantities of a month by everything a price depends on.
    pub fn leaves(&self, month: Month, book: &Pricebook) -> BTreeMap<Leaf, i128> {
        let mut leaves = BTreeMap::new();
        for (leaf, quantity) in self.rows(month, book).iter().flat_map(DayUsage::leaves) {
            *leaves.entry(leaf).or_default() += quantity;
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
    /// The same, in units that one of the books has no price for: what they move is not known.
    pub unknown_by_change: Vec<BTreeMap<Month, i128>>,
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

/// A leaf's amount, its units without a price, and the keys of the rows that made it.
type Rated = BTreeMap<Same, (Money, i128, BTreeSet<Key>)>;

/// Prices the usage of `months` with both books and lays each difference to the change that made it.
pub fn moved(
    old: (&Pricebook, &Volume),
    new: (&Pricebook, &Volume),
    months: &BTreeSet<Month>,
    changes: &[Change],
) -> Result<Moved> {
    let mut moved = Moved {
        by_change: vec![BTreeMap::new(); changes.len()],
        unknown_by_change: vec![BTreeMap::new(); changes.len()],
        ..Moved::default()
    };
    for month in months {
        let before = rated(old.0, old.1, *month, &mut moved, false)?;
        let after = rated(new.0, new.1, *month, &mut moved, true)?;
        let all: BTreeSet<&Same> = before.keys().chain(after.keys()).collect();
        for same in all {
            let amount = |rated: &Rated| rated.get(same).map_or(Money::ZERO, |(amount, ..)| *amount);
            let unknown = |rated: &Rated| rated.get(same).map_or(0, |(_, units, _)| *units);
            let difference = amount(&after) - amount(&before);
            let unknown = unknown(&after).max(unknown(&before));
            if difference.is_zero() && unknown == 0 {
                continue;
            }
            // Usage that is another model's under the other book moves through its name.
            let change = before.get(same).zip(after.get(same)).and_then(|((.., old), (.., new))| {
                let moves =
                    |key: &Key| changes.iter().position(|change| change.key == *key && on(change, same.2));
                new.iter().chain(old).find_map(moves)
            });
            if let Some(months) = change.and_then(|index| moved.unknown_by_change.get_mut(index)) {
                *months.entry(*month).or_default() += unknown;
            }
            match change.and_then(|index| moved.by_change.get_mut(index)) {
                Some(months) => *months.entry(*month).or_default() += difference,
                None => moved.elsewhere += difference,
            }
        }
    }
    Ok(moved)
}

/// True where the change is one of price that reaches into the day.
fn on(change: &Change, day: Day) -> bool {
    let ends_before = change.to.is_some_and(|to| to <= day.start());
    change.columns.is_empty() && change.from < day.next().start() && !ends_before
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
        let unit = rater.unit(&leaf);
        let Leaf { account, model: of, day, meter, tier, region, prompt, .. } = leaf;
        let entry = rated.entry((account, of, day, meter, tier, region, prompt)).or_default();
        match unit {
            Ok(priced) => {
                let amount = rate::amount(priced.unit, quantity)?;
                let spent = moved.spent.entry((month, seller, model)).or_default();
                *(if after { &mut spent.after } else { &mut spent.before }) += amount;
                entry.0 += amount;
                entry.2.extend(rows.get(&priced.row).map(|key| (*key).clone()));
            }
            Err(_) => {
                entry.1 += quantity;
                let unpriced = moved.unpriced.entry((month, seller, model, meter, tier)).or_default();
                *(if after { &mut unpriced.after } else { &mut unpriced.before }) += quantity;
            }
        }
    }
    Ok(rated)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::period::{SECONDS_PER_SLOT, read_instant};
    use crate::pricebook::PriceQuery;
    use crate::review::diff::prices;
    use crate::review::diff::tests::{book, ledger};
    use crate::usage::cube::{Band, Cubes, RatingKey, Sums};
    use crate::vocabulary::{CallType, CountSource, Outcome, Reading};

    /// One piece of usage: slot of the month, model, meter, tier, region, prompt and quantity.
    type Piece = (i64, &'static str, Meter, Tier, &'static str, u64, u64);

    fn at(slot: i64) -> i64 {
        read_instant("2026-01-01").unwrap().0 + slot * SECONDS_PER_SLOT
    }

    fn source(book: &Pricebook, pieces: &[Piece]) -> Vec<SourceUsage> {
        let mut cubes = Cubes::default();
        for (slot, model, meter, tier, region, prompt, quantity) in pieces {
            let key = RatingKey {
                slot: (at(*slot) / SECONDS_PER_SLOT) as u32,
                provider: cubes.names.intern("openai"),
                key: 0,
                requested: 0,
                routed: 0,
                served: cubes.names.intern(model),
                region: cubes.names.intern(region),
                tier: *tier,
                band: Band::index(&book.bands(), *prompt),
                outcome: Outcome::Success,
                call_type: CallType::Generation,
                source: CountSource::Provider,
                reading: Reading::Inclusive,
                stream: false,
                whole_day: false,
            };
            let mut sums = Sums { requests: 1, ..Sums::default() };
            sums.meters.set(*meter, *quantity);
            cubes.rating.entry(key).or_default().add(&sums);
        }
        vec![SourceUsage { name: "g".into(), account: None, primary: true, cubes }]
    }

    /// The same usage priced piece by piece: whole dollars a million need no rounding at any step.
    fn priced(book: &Pricebook, pieces: &[Piece]) -> Money {
        let amount = |(slot, model, meter, tier, region, prompt, quantity): &Piece| {
            let query = PriceQuery {
                seller: "openai",
                model,
                meter: *meter,
                tier: *tier,
                region,
                prompt: *prompt,
                at: at(*slot),
            };
            let unit = book.price(&query).ok().map(|priced| priced.unit);
            unit.map_or(Money::ZERO, |unit| unit.amount(i128::from(*quantity)).unwrap().0)
        };
        pieces.iter().map(amount).sum()
    }

    fn pieces() -> impl Strategy<Value = Vec<Piece>> {
        let piece = (
            0i64..960,
            prop::sample::select(&["a", "b"][..]),
            prop::sample::select(&[Meter::Input, Meter::Output, Meter::OutputReasoning][..]),
            prop::sample::select(&[Tier::Standard, Tier::Batch][..]),
            prop::sample::select(&["", "global", "geo:us"][..]),
            99u64..102,
            1u64..1_000_000,
        );
        prop::collection::vec(piece, 1..40)
    }

    proptest! {
        #[test]
        fn what_moves_is_the_difference_of_the_two_prices_to_the_last_digit(
            old in ledger(), new in ledger(), pieces in pieces(),
        ) {
            let (old, new) = (book(&old.0, &old.1), book(&new.0, &new.1));
            let accounts = Accounts { known: Vec::new(), keys: BTreeMap::new() };
            let (before, after) = (source(&old, &pieces), source(&new, &pieces));
            let volume = |sources| Volume { sources, accounts: &accounts, mappings: &[], traffic: &[] };
            let (before, after) = (volume(&before), volume(&after));
            let changes = prices(&old, &new);
            let months = BTreeSet::from(["2026-01".parse::<Month>().unwrap()]);
            let moved = moved((&old, &before), (&new, &after), &months, &changes).unwrap();
            let total = moved.total();
            prop_assert_eq!(total.before, priced(&old, &pieces));
            prop_assert_eq!(total.after, priced(&new, &pieces));
            let laid: Money = moved.by_change.iter().flat_map(BTreeMap::values).sum();
            prop_assert_eq!(laid + moved.elsewhere, total.after - total.before);
            // Every piece is in a sum or said to have no price.
            let unpriced: i128 = moved.unpriced.values().map(|unpriced| unpriced.before).sum();
            let without = pieces.iter().filter(|piece| {
                let query = PriceQuery {
                    seller: "openai", model: piece.1, meter: piece.2, tier: piece.3, region: piece.4,
                    prompt: piece.5, at: at(piece.0),
                };
                old.price(&query).is_err()
            });
            prop_assert_eq!(unpriced, without.map(|piece| i128::from(piece.6)).sum::<i128>());
        }
    }
}
