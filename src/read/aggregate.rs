//! Sums calls into the two cubes: many partial aggregates side by side, one ledger of ids in file order, one merge whose
//! result does not depend on how the rows were shared out.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::hash_table::{Entry, HashTable};
use sha2::{Digest, Sha256};

use super::ids::{self, Ledger};
use super::mark::{Mark, Repeat};
use crate::money::Money;
use crate::period::{Day, SECONDS_PER_SLOT};
use crate::read::IdSet;
use crate::usage::cube::{AttributionKey, Band, Cubes, Name, Names, RatingKey, Sums};
use crate::usage::{Call, Meters, counted_by};
use crate::vocabulary::{Meter, Outcome};

/// The meters that nearly every row has come first in the vocabulary.
const COMMON: usize = Meter::OutputReasoning as usize + 1;

/// [`Sums`] without the meters that hardly any row has: a third of its size.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    requests: u64,
    logged_rows: u64,
    logged: Money,
    common: [u64; COMMON],
}

/// One call with its names interned: all that is left once the line it came from is gone.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Hash of the request id, 0 where the row has none.
    id: u128,
    /// What tells a repeated row from a contradicting one, and that from another call.
    mark: Mark,
    rating: RatingKey,
    attribution: AttributionKey,
    cell: Cell,
    /// All meters, where some are not common.
    rare: Option<Box<Meters>>,
}

/// Cubes in the making, of some of the rows.
#[derive(Debug, Default)]
pub struct Aggregate {
    names: Names,
    bands: Arc<[Band]>,
    rating: Table<RatingKey>,
    attribution: Table<AttributionKey>,
}

/// Cells by key. They stay in the order they were first seen in, so that those of the hour at hand lie together.
#[derive(Debug)]
struct Table<Key> {
    /// Half the hash and the place of each cell.
    index: HashTable<(u32, u32)>,
    cells: Vec<(Key, Cell)>,
    /// The meters that are not common, by place.
    rare: BTreeMap<u32, Meters>,
}

impl<Key> Default for Table<Key> {
    fn default() -> Table<Key> {
        Table { index: HashTable::new(), cells: Vec::new(), rare: BTreeMap::new() }
    }
}

impl<Key: Hash + Eq + Copy> Table<Key> {
    fn add(&mut self, key: Key, row: &Prepared) {
        let half = FixedState::default().hash_one(key) as u32;
        let whole = |half: u32| u64::from(half) << 32 | u64::from(half);
        let cells = &mut self.cells;
        let same = |(other, place): &(u32, u32)| *other == half && cells[*place as usize].0 == key;
        let place = match self.index.entry(whole(half), same, |(half, _)| whole(*half)) {
            Entry::Occupied(entry) => entry.get().1,
            Entry::Vacant(entry) => {
                let place = cells.len() as u32;
                cells.push((key, Cell::default()));
                entry.insert((half, place));
                place
            }
        };
        let cell = &mut cells[place as usize].1;
        cell.requests += row.cell.requests;
        cell.logged_rows += row.cell.logged_rows;
        cell.logged += row.cell.logged;
        for (sum, count) in cell.common.iter_mut().zip(row.cell.common) {
            *sum = sum.saturating_add(count);
        }
        if let Some(meters) = &row.rare {
            self.rare.entry(place).or_default().add(meters);
        }
    }

    fn sums(&self, place: u32) -> Sums {
        let cell = &self.cells[place as usize].1;
        let mut meters = self.rare.get(&place).copied().unwrap_or_default();
        for (meter, count) in Meter::ALL.iter().zip(cell.common) {
            meters.set(*meter, count);
        }
        Sums { requests: cell.requests, meters, logged: cell.logged, logged_rows: cell.logged_rows }
    }
}

impl Prepared {
    pub fn key(&self) -> &RatingKey {
        &self.rating
    }
}

impl Aggregate {
    /// The names of the keys of its rows.
    pub fn names(&self) -> &Names {
        &self.names
    }

    pub fn new(bands: &[Band]) -> Aggregate {
        Aggregate { bands: bands.into(), ..Aggregate::default() }
    }

    pub fn prepare(&mut self, call: &Call) -> Prepared {
        let mut name = |text: &str| if text.is_empty() { 0 } else { self.names.intern(text) };
        let (provider, key, region) = (name(&call.provider), name(&call.key), name(&call.region));
        let (routed, served) = (name(&call.routed), name(&call.served));
        let band = Band::index(&self.bands, call.meters.prompt());
        let who = &call.attribution;
        Prepared {
            id: id_hash(call),
            mark: Mark::of(&call.meters, &call.served, &call.key, call.at),
            rating: RatingKey {
                slot: call.at.div_euclid(SECONDS_PER_SLOT).clamp(0, u32::MAX.into()) as u32,
                provider,
                key,
                requested: name(&call.requested),
                routed,
                served,
                region,
                tier: call.tier,
                band,
                outcome: call.outcome,
                call_type: call.call_type,
                source: counted_by(call.source, call.call_type, &call.meters),
                reading: call.reading,
                stream: call.stream,
                whole_day: false,
            },
            attribution: AttributionKey {
                day: Day::of_instant(call.at).days(),
                team: name(&who.team),
                feature: name(&who.feature),
                environment: name(&who.environment),
                customer: name(&who.customer),
                deploy: name(&who.deploy),
                provider,
                key,
                routed,
                served,
                region,
                tier: call.tier,
                band,
                outcome: call.outcome,
            },
            cell: Cell {
                requests: 1,
                logged_rows: u64::from(call.logged.is_some()),
                logged: call.logged.unwrap_or_default(),
                common: std::array::from_fn(|index| call.meters.get(Meter::ALL[index])),
            },
            rare: call.meters.iter().any(|(meter, _)| meter.index() >= COMMON).then(|| Box::new(call.meters)),
        }
    }

    pub fn add(&mut self, row: &Prepared) {
        self.rating.add(row.rating, row);
        self.attribution.add(row.attribution, row);
    }

    /// The cubes of all parts together. Names are numbered in the order of their text, so that the same rows give the
    /// same cubes whoever counted them.
    pub fn merge(parts: Vec<Aggregate>) -> Cubes {
        let texts: BTreeSet<&str> = parts
            .iter()
            .flat_map(|part| (0..part.names.len()).map(|name| part.names.text(name as Name)))
            .collect();
        let mut names = Names::default();
        for text in texts {
            names.intern(text);
        }
        let maps: Vec<Vec<Name>> = parts
            .iter()
            .map(|part| {
                (0..part.names.len()).map(|name| names.intern(part.names.text(name as Name))).collect()
            })
            .collect();
        let tables = parts.iter().map(|part| &part.rating).collect::<Vec<_>>();
        let rating =
            || ordered(&tables, |part, key: &RatingKey| key.renamed(|name| maps[part][name as usize]));
        let tables = parts.iter().map(|part| &part.attribution).collect::<Vec<_>>();
        let attribution =
            || ordered(&tables, |part, key: &AttributionKey| key.renamed(|name| maps[part][name as usize]));
        let few = parts.iter().map(|part| part.attribution.cells.len()).sum::<usize>() < WORTH_A_THREAD;
        let (rating, attribution) = if few { (rating(), attribution()) } else { both(rating, attribution) };
        Cubes { names, rating, attribution }
    }
}

/// Cells that take longer to sort than a thread to start.
const WORTH_A_THREAD: usize = 20_000;

/// Does two things at a time.
fn both<A: Send, B: Send>(one: impl FnOnce() -> A + Send, other: impl FnOnce() -> B) -> (A, B) {
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        match one.join() {
            Ok(one) => (one, other),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The cells of all tables by their new keys, those with the same key together.
fn ordered<Key: Ord + Copy + Hash>(
    tables: &[&Table<Key>],
    renamed: impl Fn(usize, &Key) -> Key,
) -> BTreeMap<Key, Sums> {
    let mut places: Vec<(Key, u32, u32)> =
        Vec::with_capacity(tables.iter().map(|table| table.cells.len()).sum());
    for (part, table) in tables.iter().enumerate() {
        let cells = table.cells.iter().zip(0u32..);
        places.extend(cells.map(|((key, _), place)| (renamed(part, key), part as u32, place)));
    }
    places.sort_unstable_by_key(|(key, ..)| *key);
    let same = places.chunk_by(|(one, ..), (other, ..)| one == other);
    same.map(|cells| {
        let mut sums = Sums::default();
        for (_, part, place) in cells {
            sums.add(&tables[*part as usize].sums(*place));
        }
        (cells[0].0, sums)
    })
    .collect()
}

/// 127 bits of SHA-256: stable across versions, and no one can craft two ids that hide each other. Rows that are no
/// calls and cost nothing are told apart by their second too: attempts that failed share the id of the call they
/// belong to, and must not hide it.
fn id_hash(call: &Call) -> u128 {
    if call.id.is_empty() {
        return 0;
    }
    let mut hasher = Sha256::new_with_prefix(call.id.as_bytes());
    if matches!(call.outcome, Outcome::Failed | Outcome::NotACall) {
        hasher.update([0]);
        hasher.update(call.at.to_le_bytes());
    }
    ids::first(&hasher.finalize())
}

/// The rows of one file that repeat others.
#[derive(Debug, Default)]
pub struct Repeats {
    ledger: Ledger,
    /// Duplicates whose counters differ from those of the row that was kept.
    pub conflicting: u64,
}

impl Repeats {
    pub fn new(known: Option<Arc<IdSet>>) -> Repeats {
        Repeats { ledger: Ledger::new(known), conflicting: 0 }
    }

    /// Marks the row as duplicate if its call was seen before, in this file or in an earlier one.
    pub fn admit(&mut self, row: &mut Prepared) {
        if row.id == 0 {
            return;
        }
        let Some(repeat) = self.ledger.repeats(row.id, row.mark) else { return };
        self.conflicting += u64::from(repeat == Repeat::Restated);
        row.rating.outcome = repeat.outcome();
        row.attribution.outcome = repeat.outcome();
    }

    /// Rows that have the id of an earlier one and are another call.
    pub fn others(&self) -> u64 {
        self.ledger.others
    }

    pub fn into_ids(self) -> IdSet {
        self.ledger.into_ids()
    }
}
