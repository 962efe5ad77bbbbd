//! The ids of every request, in 32 to 48 bytes each: hash and mark in separate arrays, in shards that grow one at a
//! time and come out sorted.

use std::sync::Arc;

use super::mark::{Mark, Repeat};
use crate::read::IdSet;

const SHARDS: usize = 256;

/// A set of id hashes with the mark of the row that came first.
#[derive(Debug)]
pub struct IdTable {
    shards: Vec<Shard>,
}

/// Who was first: rows must come in file order.
#[derive(Debug, Default)]
pub struct Ledger {
    ids: IdTable,
    known: Option<Arc<IdSet>>,
    /// Rows that have the id of an earlier one and are another call.
    pub others: u64,
}

impl Ledger {
    pub fn new(known: Option<Arc<IdSet>>) -> Ledger {
        Ledger { known, ..Ledger::default() }
    }

    /// What the row repeats, in this file or in an earlier one. Another call under an id that is taken has a place of its
    /// own.
    pub fn repeats(&mut self, mut id: u128, mark: Mark) -> Option<Repeat> {
        let mut other = false;
        while let Some(first) =
            self.known.as_ref().and_then(|known| known.find(id)).or_else(|| self.ids.insert(id, mark))
        {
            match mark.after(first) {
                Some(repeat) => return Some(repeat),
                None => (id, other) = (next(id, mark), true),
            }
        }
        self.others += u64::from(other);
        None
    }

    pub fn into_ids(self) -> IdSet {
        self.ids.into_set()
    }
}

/// The hash of an id: an even number above zero.
pub fn first(digest: &[u8]) -> u128 {
    let hash = digest.iter().take(16).fold(0u128, |hash, byte| hash << 8 | u128::from(*byte));
    (hash & !1).max(2)
}

/// Where another call of the same id goes, by its model, key and hour, so that it is found at once however many there are. An odd
/// number: those who look for ids know where to look further.
pub fn next(id: u128, mark: Mark) -> u128 {
    let place = u128::from(mark.place() + 1);
    (id.rotate_left(41) ^ place.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)) | 1
}

/// True of ids of calls that met another call under their own.
pub fn is_next(id: u128) -> bool {
    id & 1 == 1
}

impl IdSet {
    pub fn find(&self, id: u128) -> Option<Mark> {
        self.0.binary_search_by_key(&id, |(id, _)| *id).ok().map(|index| self.0[index].1)
    }
}

/// Open addressing with linear probing; a zero hash is a free place.
#[derive(Debug, Default, Clone)]
struct Shard {
    hashes: Vec<u128>,
    marks: Vec<Mark>,
    used: usize,
}

impl Default for IdTable {
    fn default() -> IdTable {
        IdTable { shards: vec![Shard::default(); SHARDS] }
    }
}

impl IdTable {
    /// Adds an id that is not zero; where it is there already, returns the mark of the first.
    pub fn insert(&mut self, hash: u128, mark: Mark) -> Option<Mark> {
        self.shards[(hash >> 120) as usize].insert(hash, mark)
    }

    pub fn into_set(self) -> IdSet {
        let mut set = Vec::with_capacity(self.shards.iter().map(|shard| shard.used).sum());
        for shard in self.shards {
            let start = set.len();
            set.extend(shard.hashes.into_iter().zip(shard.marks).filter(|(hash, _)| *hash != 0));
            set[start..].sort_unstable();
        }
        IdSet(set)
    }
}

impl Shard {
    fn insert(&mut self, hash: u128, mark: Mark) -> Option<Mark> {
        if self.used * 4 >= self.hashes.len() * 3 {
            self.grow();
        }
        let place = self.place(hash);
        if self.hashes[place] == hash {
            return Some(self.marks[place]);
        }
        self.hashes[place] = hash;
        self.marks[place] = mark;
        self.used += 1;
        None
    }

    /// Where `hash` is, or the free place where it belongs.
    fn place(&self, hash: u128) -> usize {
        let size = self.hashes.len();
        let mut place = ((u128::from(hash as u64) * size as u128) >> 64) as usize;
        while self.hashes[place] != 0 && self.hashes[place] != hash {
            place += 1;
            if place == size {
                place = 0;
            }
        }
        place
    }

    fn grow(&mut self) {
        let size = (self.hashes.len() * 3 / 2).max(16);
        let old = std::mem::replace(
            self,
            Shard { hashes: vec![0; size], marks: vec![Mark::default(); size], used: self.used },
        );
        for (hash, mark) in old.hashes.into_iter().zip(old.marks).filter(|(hash, _)| *hash != 0) {
            let place = self.place(hash);
            self.hashes[place] = hash;
            self.marks[place] = mark;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn behaves_like_a_map(rows in prop::collection::vec((1u128..400, any::<u64>(), any::<bool>()), 0..800)) {
            let (mut table, mut map) = (IdTable::default(), BTreeMap::new());
            for (id, mark, high) in rows {
                let id = if high { id << 115 | id } else { id };
                let first = map.get(&id).copied();
                map.entry(id).or_insert(Mark(mark));
                prop_assert_eq!(table.insert(id, Mark(mark)), first);
            }
            prop_assert_eq!(table.into_set().0, map.into_iter().collect::<Vec<_>>());
        }
    }
}
