//! Sums calls into the two cubes: many partial aggregates side by side, one ledger of ids in file order, one merge whose
//! result does not depend on how the rows were shared out.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::FixedState;
use sha2::{Digest, Sha256};

use super::Call;
use super::cube::{AttributionKey, Band, Cubes, Name, Names, RatingKey, Sums};
use super::ids::IdTable;
use crate::money::Money;
use crate::period::{Day, SECONDS_PER_SLOT};
use crate::read::IdSet;
use crate::vocabulary::Outcome;

type Map<Key> = hashbrown::HashMap<Key, Sums, FixedState>;

/// One call with its names interned: all that is left once the line it came from is gone.
#[derive(Debug, Clone, Copy)]
pub struct Prepared {
    /// Hash of the request id, 0 where the row has none.
    id: u128,
    /// Hash of the counters, to tell a repeated row from a contradicting one.
    counters: u32,
    rating: RatingKey,
    attribution: AttributionKey,
    sums: Sums,
}

/// Cubes in the making, of some of the rows.
#[derive(Debug, Default)]
pub struct Aggregate {
    names: Names,
    bands: Arc<[Band]>,
    rating: Map<RatingKey>,
    attribution: Map<AttributionKey>,
}

impl Aggregate {
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
            counters: FixedState::default().hash_one(call.meters) as u32,
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
                source: call.source,
                reading: call.reading,
                stream: call.stream,
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
            sums: Sums {
                requests: 1,
                meters: call.meters,
                logged: call.logged.unwrap_or_default(),
                logged_rows: u64::from(call.logged.is_some()),
            },
        }
    }

    pub fn add(&mut self, row: &Prepared) {
        self.rating.entry(row.rating).or_default().add(&row.sums);
        self.attribution.entry(row.attribution).or_default().add(&row.sums);
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
        let (mut rating, mut attribution) = (Vec::new(), Vec::new());
        for part in parts {
            let map: Vec<Name> =
                (0..part.names.len()).map(|name| names.intern(part.names.text(name as Name))).collect();
            let to = |name: Name| map[name as usize];
            rating.extend(part.rating.into_iter().map(|(key, sums)| {
                let key = RatingKey {
                    provider: to(key.provider),
                    key: to(key.key),
                    requested: to(key.requested),
                    routed: to(key.routed),
                    served: to(key.served),
                    region: to(key.region),
                    ..key
                };
                (key, sums)
            }));
            attribution.extend(part.attribution.into_iter().map(|(key, sums)| {
                let key = AttributionKey {
                    team: to(key.team),
                    feature: to(key.feature),
                    environment: to(key.environment),
                    customer: to(key.customer),
                    deploy: to(key.deploy),
                    provider: to(key.provider),
                    key: to(key.key),
                    routed: to(key.routed),
                    served: to(key.served),
                    region: to(key.region),
                    ..key
                };
                (key, sums)
            }));
        }
        Cubes { names, rating: ordered(rating), attribution: ordered(attribution) }
    }
}

fn ordered<Key: Ord + Copy>(mut cells: Vec<(Key, Sums)>) -> BTreeMap<Key, Sums> {
    cells.sort_unstable_by_key(|(key, _)| *key);
    cells.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1.add(&next.1);
        }
        same
    });
    cells.into_iter().collect()
}

/// 128 bits of SHA-256: stable across versions, and no one can craft two ids that hide each other. Rows that are no
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
    let digest = hasher.finalize();
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    u128::from_be_bytes(half).max(1)
}

/// Who was first: rows must come in file order.
#[derive(Debug, Default)]
pub struct Ledger {
    ids: IdTable,
    known: Option<Arc<IdSet>>,
    pub duplicates: u64,
    /// Duplicates whose counters differ from those of the row that was kept.
    pub conflicting: u64,
    pub duplicate_logged: Money,
}

impl Ledger {
    pub fn new(known: Option<Arc<IdSet>>) -> Ledger {
        Ledger { known, ..Ledger::default() }
    }

    /// Marks the row as duplicate if its id was seen before, in this file or in an earlier one.
    pub fn admit(&mut self, row: &mut Prepared) {
        if row.id == 0 {
            return;
        }
        let earlier = self.known.as_ref().and_then(|known| {
            known.0.binary_search_by_key(&row.id, |(id, _)| *id).ok().map(|index| known.0[index].1)
        });
        let Some(counters) = self.ids.insert(row.id, row.counters).or(earlier) else { return };
        row.rating.outcome = Outcome::Duplicate;
        row.attribution.outcome = Outcome::Duplicate;
        self.duplicates += 1;
        self.conflicting += u64::from(counters != row.counters);
        self.duplicate_logged += row.sums.logged;
    }

    pub fn into_ids(self) -> IdSet {
        self.ids.into_set()
    }
}
