//! The two cubes: integer sums of calls by everything a price or an owner depends on. Mergeable, order-free.
//!
//! Every row of a log is in the rating cube exactly once (duplicates and cache hits too, under their outcome), so
//! `rows read = Σ requests + rejects` is checked, not assumed.

use std::collections::BTreeMap;

use super::Meters;
use crate::money::Money;
use crate::period::{Day, SECONDS_PER_SLOT};
use crate::vocabulary::{CallType, CountSource, Outcome, Reading, Tier};

/// Index into [`Names`].
pub type Name = u32;

/// Text stored once; keys hold its index. Index 0 is the empty text: "the row does not say".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    texts: Vec<Box<str>>,
    index: hashbrown::HashMap<Box<str>, Name, foldhash::fast::FixedState>,
}

impl Default for Names {
    fn default() -> Names {
        let mut names = Names { texts: Vec::new(), index: hashbrown::HashMap::default() };
        names.intern("");
        names
    }
}

impl Names {
    pub fn intern(&mut self, text: &str) -> Name {
        if let Some(name) = self.index.get(text) {
            return *name;
        }
        let name = self.texts.len() as Name;
        self.texts.push(text.into());
        self.index.insert(text.into(), name);
        name
    }
    pub fn text(&self, name: Name) -> &str {
        self.texts.get(name as usize).map_or("", |text| text)
    }
    pub fn len(&self) -> usize {
        self.texts.len()
    }
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

/// Everything a price, a cut-off or a proof can depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RatingKey {
    /// 15-minute slot since the epoch, UTC.
    pub slot: u32,
    pub provider: Name,
    pub key: Name,
    pub requested: Name,
    pub routed: Name,
    pub served: Name,
    pub region: Name,
    pub tier: Tier,
    /// Number of the book's context boundaries the prompt satisfies (see [`Band`]).
    pub band: u8,
    pub outcome: Outcome,
    pub call_type: CallType,
    pub source: CountSource,
    pub reading: Reading,
    pub stream: bool,
}

impl RatingKey {
    pub fn day(&self) -> Day {
        Day::of_instant(self.at())
    }
    /// First instant of the slot.
    pub fn at(&self) -> i64 {
        i64::from(self.slot) * SECONDS_PER_SLOT
    }
}

/// Sums over the calls of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    pub requests: u64,
    pub meters: Meters,
    pub logged: Money,
    /// Rows that carried a cost; the others wrote none, which is not the same as zero.
    pub logged_rows: u64,
}

impl Sums {
    pub fn add(&mut self, other: &Sums) {
        self.requests += other.requests;
        self.meters.add(&other.meters);
        self.logged += other.logged;
        self.logged_rows += other.logged_rows;
    }
}

/// Who the usage was for, by day and by the same price keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributionKey {
    /// Days since the epoch, UTC.
    pub day: i32,
    pub team: Name,
    pub feature: Name,
    pub environment: Name,
    pub customer: Name,
    pub deploy: Name,
    pub provider: Name,
    pub key: Name,
    pub routed: Name,
    pub served: Name,
    pub region: Name,
    pub tier: Tier,
    pub band: u8,
    pub outcome: Outcome,
}

/// A context boundary of the price book: the band a prompt is in is the number of boundaries it satisfies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Band {
    pub tokens: u64,
    /// `>=` where true, `>` otherwise.
    pub inclusive: bool,
}

impl Band {
    pub fn holds(self, prompt: u64) -> bool {
        if self.inclusive { prompt >= self.tokens } else { prompt > self.tokens }
    }
    /// Number of `bands` (sorted by tokens, inclusive first) that a prompt satisfies.
    pub fn index(bands: &[Band], prompt: u64) -> u8 {
        bands.iter().take_while(|band| band.holds(prompt)).count() as u8
    }
}

/// Both cubes of one file, one source or a whole month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cubes {
    pub names: Names,
    pub rating: BTreeMap<RatingKey, Sums>,
    pub attribution: BTreeMap<AttributionKey, Sums>,
}

impl Cubes {
    /// Adds another pair of cubes, translating its names.
    pub fn merge(&mut self, other: &Cubes) {
        let map: Vec<Name> = other.names.texts.iter().map(|text| self.names.intern(text)).collect();
        let to = |name: Name| map.get(name as usize).copied().unwrap_or(0);
        for (key, sums) in &other.rating {
            let key = RatingKey {
                provider: to(key.provider),
                key: to(key.key),
                requested: to(key.requested),
                routed: to(key.routed),
                served: to(key.served),
                region: to(key.region),
                ..*key
            };
            self.rating.entry(key).or_default().add(sums);
        }
        for (key, sums) in &other.attribution {
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
                ..*key
            };
            self.attribution.entry(key).or_default().add(sums);
        }
    }
}
