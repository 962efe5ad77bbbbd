//! The two cubes: integer sums of calls by everything a price or an owner depends on. Mergeable, order-free.
//!
//! Every row of a log is in the rating cube exactly once (duplicates and cache hits too, under their outcome), so
//! `rows read = Σ requests + rejects` is checked, not assumed.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// The source knew only the day: the slot is its first, and the hour is unknown.
    pub whole_day: bool,
}

impl RatingKey {
    pub fn day(&self) -> Day {
        Day::of_instant(self.at())
    }
    /// First instant of the slot.
    pub fn at(&self) -> i64 {
        i64::from(self.slot) * SECONDS_PER_SLOT
    }
    /// The same key among other names.
    pub fn renamed(&self, to: impl Fn(Name) -> Name) -> RatingKey {
        RatingKey {
            provider: to(self.provider),
            key: to(self.key),
            requested: to(self.requested),
            routed: to(self.routed),
            served: to(self.served),
            region: to(self.region),
            ..*self
        }
    }
}

/// Two numbers at a time: rows are hashed too often for one at a time.
fn pair(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

impl Hash for RatingKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let words = [self.tier as u8, self.band, self.outcome as u8, self.call_type as u8];
        let proof = [self.source as u8, self.reading as u8, u8::from(self.stream), u8::from(self.whole_day)];
        state.write_u64(pair(self.slot, self.provider));
        state.write_u64(pair(self.key, self.requested));
        state.write_u64(pair(self.routed, self.served));
        state.write_u64(pair(self.region, u32::from_le_bytes(words)));
        state.write_u32(u32::from_le_bytes(proof));
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

impl AttributionKey {
    /// The same key among other names.
    pub fn renamed(&self, to: impl Fn(Name) -> Name) -> AttributionKey {
        AttributionKey {
            team: to(self.team),
            feature: to(self.feature),
            environment: to(self.environment),
            customer: to(self.customer),
            deploy: to(self.deploy),
            provider: to(self.provider),
            key: to(self.key),
            routed: to(self.routed),
            served: to(self.served),
            region: to(self.region),
            ..*self
        }
    }
}

impl Hash for AttributionKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let words = [self.tier as u8, self.band, self.outcome as u8, 0];
        state.write_u64(pair(self.day as u32, self.team));
        state.write_u64(pair(self.feature, self.environment));
        state.write_u64(pair(self.customer, self.deploy));
        state.write_u64(pair(self.provider, self.key));
        state.write_u64(pair(self.routed, self.served));
        state.write_u64(pair(self.region, u32::from_le_bytes(words)));
    }
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
            self.rating.entry(key.renamed(to)).or_default().add(sums);
        }
        for (key, sums) in &other.attribution {
            self.attribution.entry(key.renamed(to)).or_default().add(sums);
        }
    }

    /// The same rows, each of which was counted before.
    pub fn repeated(self) -> Cubes {
        let again = |outcome: Outcome| if outcome.is_repeat() { outcome } else { Outcome::Duplicate };
        let mut cubes = Cubes { names: self.names, ..Cubes::default() };
        for (key, sums) in self.rating {
            let key = RatingKey { outcome: again(key.outcome), ..key };
            cubes.rating.entry(key).or_default().add(&sums);
        }
        for (key, sums) in self.attribution {
            let key = AttributionKey { outcome: again(key.outcome), ..key };
            cubes.attribution.entry(key).or_default().add(&sums);
        }
        cubes
    }

    /// The same in less memory: maps that grew by insertion keep their leaves half empty.
    pub fn compact(&mut self) {
        self.rating = std::mem::take(&mut self.rating).into_iter().collect();
        self.attribution = std::mem::take(&mut self.attribution).into_iter().collect();
    }

    /// [`Cubes::merge`] of cubes that are not needed any more: the first of a source are simply moved.
    pub fn absorb(&mut self, other: Cubes) {
        if self.rating.is_empty() && self.attribution.is_empty() {
            *self = other;
        } else {
            self.merge(&other);
        }
    }
}
