//! The whole log of a comparison, by the day of any clock: what a bill whose days begin elsewhere is compared with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::clock::Clock;
use super::{Account, DayUsage, Leaf, Meanings, Owner, Segments, row_of, rows_by, traffic, writes};
use crate::period::{Day, Period};
use crate::usage::cube::{Cubes, Name, RatingKey, Sums};
use crate::vocabulary::Seller;

/// The sources that are counted, with what the books say about them.
pub struct Log<'a> {
    /// Cubes with the account that the books give their source.
    pub sources: Vec<(&'a Cubes, Option<&'a Arc<str>>)>,
    pub period: Period,
    pub meanings: Meanings<'a>,
    /// Every other clock with the rows it cuts, once someone asked for them.
    clocks: Vec<(Clock, OnceLock<Vec<DayUsage>>)>,
    days: OnceLock<BTreeSet<Day>>,
    payers: OnceLock<BTreeMap<Account, Payer<'a>>>,
}

/// The rows of one account's cubes, by source.
type Payer<'a> = BTreeMap<usize, Vec<(&'a RatingKey, &'a Sums)>>;

/// Billable usage of one account before it is cut into days.
#[derive(Debug, Default)]
pub struct Slots {
    /// Everything a unit price depends on; the day is the period's first and means nothing.
    pub leaves: Vec<Leaf>,
    /// Whose each leaf is.
    pub owners: Vec<Owner>,
    /// Leaf, first instant of the 15-minute slot, quantity.
    pub counts: Vec<(usize, i64, i128)>,
}

impl<'a> Log<'a> {
    pub fn new(
        sources: Vec<(&'a Cubes, Option<&'a Arc<str>>)>,
        period: Period,
        meanings: Meanings<'a>,
    ) -> Log<'a> {
        let clocks = Clock::all(period).into_iter().map(|clock| (clock, OnceLock::new())).collect();
        Log { sources, period, meanings, clocks, days: OnceLock::new(), payers: OnceLock::new() }
    }

    /// Usage by days of UTC, in the order of accounts.
    pub fn rows(&self) -> Vec<DayUsage> {
        self.cut(&Clock::utc())
    }

    fn cut(&self, clock: &Clock) -> Vec<DayUsage> {
        let cut = |(cubes, source): &(&Cubes, Option<&Arc<str>>)| {
            rows_by(clock, cubes, *source, self.period, self.meanings)
        };
        let mut rows: Vec<DayUsage> = self.sources.iter().flat_map(cut).collect();
        rows.sort_by(|a, b| a.account.cmp(&b.account));
        rows
    }

    pub fn clocks(&self) -> impl Iterator<Item = &Clock> {
        self.clocks.iter().map(|(clock, _)| clock)
    }

    /// Usage of one account by the days of another clock; none where the clock is not one of [`Log::clocks`].
    pub fn rows_by(&self, clock: &Clock, account: &Account) -> &[DayUsage] {
        let Some((_, cell)) = self.clocks.iter().find(|(known, _)| known == clock) else { return &[] };
        let rows = cell.get_or_init(|| self.cut(clock));
        let first = rows.partition_point(|row| row.account < *account);
        let last = rows.partition_point(|row| row.account <= *account);
        &rows[first..last]
    }

    /// Days of UTC on which any source has a row of any kind, beside the period too.
    pub fn days(&self) -> &BTreeSet<Day> {
        let keys = || self.sources.iter().flat_map(|(cubes, _)| cubes.rating.keys());
        self.days.get_or_init(|| keys().map(RatingKey::day).collect())
    }

    /// An account's billable usage slot by slot, from a day before the period to a day after it; by the owners of its keys.
    pub fn slots(&self, account: &Account, owner: impl Fn(&str) -> Owner) -> Slots {
        let mut slots = Slots::default();
        let payers = self.payers.get_or_init(|| self.payers());
        for (source, rows) in payers.get(account).into_iter().flatten() {
            let (cubes, source) = &self.sources[*source];
            let mut segments =
                Segments { cubes, meanings: self.meanings, period: self.period, cache: BTreeMap::new() };
            let mut texts: BTreeMap<u32, Arc<str>> = BTreeMap::new();
            let mut text = |name: u32| -> Arc<str> {
                texts.entry(name).or_insert_with(|| cubes.names.text(name).into()).clone()
            };
            // The same call in another slot of the same price has the same names.
            let mut known: BTreeMap<RatingKey, DayUsage> = BTreeMap::new();
            let mut index: BTreeMap<(Leaf, Owner), usize> = BTreeMap::new();
            for (key, sums) in rows {
                let at = segments.last_change(key).unwrap_or_else(|| self.around().first.start());
                let at = if key.whole_day { key.at() } else { at };
                let slot = (at / crate::period::SECONDS_PER_SLOT) as u32;
                let named = known
                    .entry(RatingKey { slot, ..**key })
                    .or_insert_with(|| row_of(&mut text, key, self.period.first, at, *source, self.meanings));
                let mut row = DayUsage { sums: **sums, day: key.day(), ..named.clone() };
                traffic::apply(self.meanings.traffic, self.meanings.book, &mut row);
                writes::count_free_as_input(self.meanings.book, &mut row);
                let owner = owner(&row.key);
                for (leaf, count) in row.leaves() {
                    let leaf = Leaf { day: self.period.first, ..leaf };
                    let place = *index.entry((leaf.clone(), owner)).or_insert_with(|| {
                        slots.leaves.push(leaf);
                        slots.owners.push(owner);
                        slots.leaves.len() - 1
                    });
                    slots.counts.push((place, key.at(), count));
                }
            }
        }
        slots
    }

    /// A day of another clock reaches into the days beside the period.
    fn around(&self) -> Period {
        Period { first: self.period.first.previous(), last: self.period.last.next() }
    }

    /// A log holds many accounts, and each of them asks for its own.
    fn payers(&self) -> BTreeMap<Account, Payer<'a>> {
        let around = self.around();
        let mut all: BTreeMap<Account, Payer> = BTreeMap::new();
        for (index, (cubes, source)) in self.sources.iter().enumerate() {
            // Who pays depends on few names.
            let mut rows: BTreeMap<(Name, Name), Vec<(&RatingKey, &Sums)>> = BTreeMap::new();
            let inside = |key: &RatingKey| around.contains(key.day()) && key.outcome.is_billable();
            for (key, sums) in cubes.rating.iter().filter(|(key, _)| inside(key)) {
                rows.entry((key.provider, key.key)).or_default().push((key, sums));
            }
            for ((provider, key), rows) in rows {
                let provider = cubes.names.text(provider);
                let seller = Seller::find(provider).map_or(provider, |seller| seller.id);
                let account = self.meanings.accounts.of(seller, *source, cubes.names.text(key));
                all.entry(account).or_default().entry(index).or_default().extend(rows);
            }
        }
        // As the cube has them.
        let sources = all.values_mut().flat_map(BTreeMap::values_mut);
        sources.for_each(|rows| rows.sort_unstable_by_key(|(key, _)| *key));
        all
    }
}
