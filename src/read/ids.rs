//! The ids of every request, in 27 to 40 bytes each: hash and counters in separate arrays, in shards that grow one at a
//! time and come out sorted.

use crate::read::IdSet;

const SHARDS: usize = 256;

/// A set of id hashes with the counters of the row that came first.
#[derive(Debug)]
pub struct IdTable {
    shards: Vec<Shard>,
}

/// Open addressing with linear probing; a zero hash is a free place.
#[derive(Debug, Default, Clone)]
struct Shard {
    hashes: Vec<u128>,
    counters: Vec<u32>,
    used: usize,
}

impl Default for IdTable {
    fn default() -> IdTable {
        IdTable { shards: vec![Shard::default(); SHARDS] }
    }
}

impl IdTable {
    /// Adds an id that is not zero; where it is there already, returns the counters of the first.
    pub fn insert(&mut self, hash: u128, counters: u32) -> Option<u32> {
        self.shards[(hash >> 120) as usize].insert(hash, counters)
    }

    pub fn into_set(self) -> IdSet {
        let mut set = Vec::with_capacity(self.shards.iter().map(|shard| shard.used).sum());
        for shard in self.shards {
            let start = set.len();
            set.extend(shard.hashes.into_iter().zip(shard.counters).filter(|(hash, _)| *hash != 0));
            set[start..].sort_unstable();
        }
        IdSet(set)
    }
}

impl Shard {
    fn insert(&mut self, hash: u128, counters: u32) -> Option<u32> {
        if self.used * 4 >= self.hashes.len() * 3 {
            self.grow();
        }
        let place = self.place(hash);
        if self.hashes[place] == hash {
            return Some(self.counters[place]);
        }
        self.hashes[place] = hash;
        self.counters[place] = counters;
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
            Shard { hashes: vec![0; size], counters: vec![0; size], used: self.used },
        );
        for (hash, counters) in old.hashes.into_iter().zip(old.counters).filter(|(hash, _)| *hash != 0) {
            let place = self.place(hash);
            self.hashes[place] = hash;
            self.counters[place] = counters;
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
        fn behaves_like_a_map(rows in prop::collection::vec((1u128..400, any::<u32>(), any::<bool>()), 0..800)) {
            let (mut table, mut map) = (IdTable::default(), BTreeMap::new());
            for (id, counters, high) in rows {
                let id = if high { id << 115 | id } else { id };
                let first = map.get(&id).copied();
                map.entry(id).or_insert(counters);
                prop_assert_eq!(table.insert(id, counters), first);
            }
            prop_assert_eq!(table.into_set().0, map.into_iter().collect::<Vec<_>>());
        }
    }
}
