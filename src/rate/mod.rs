//! What should this usage cost? The rating cube at day grain, names resolved, priced from the book.
//!
//! Quantities are summed first and multiplied by their unit price once: a [`Leaf`] is everything a unit price
//! depends on, and each leaf's amount is rounded once.

pub mod clock;
pub mod log;
mod rater;
#[cfg(test)]
mod tests;
pub mod traffic;
pub mod writes;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use self::clock::Clock;
use crate::error::{Error, Result};
use crate::money::{Money, Ratio};
use crate::period::{Day, Period};
use crate::pricebook::{PriceQuery, Pricebook};
use crate::usage::cube::{Cubes, Name, RatingKey, Sums};
use crate::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Tier};
pub use rater::Rater;
pub use traffic::{TrafficFilter, TrafficRule, TrafficSet};

/// Who is billed: one account at one seller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    pub provider: Arc<str>,
    /// `None` when the books and the bills name no account.
    pub id: Option<Arc<str>>,
}

impl Ord for Account {
    fn cmp(&self, other: &Account) -> Ordering {
        compare(Some(&self.provider), Some(&other.provider))
            .then_with(|| compare(self.id.as_ref(), other.id.as_ref()))
    }
}
/// `SELLER/ACCOUNT`, as it is written on the command line.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.id {
            Some(id) => write!(f, "{}/{id}", self.provider),
            None => f.write_str(&self.provider),
        }
    }
}
impl PartialOrd for Account {
    fn partial_cmp(&self, other: &Account) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of texts, without reading text that both sides share.
pub fn compare(a: Option<&Arc<str>>, b: Option<&Arc<str>>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if Arc::ptr_eq(a, b) => Ordering::Equal,
        _ => a.cmp(&b),
    }
}

/// A deployment, inference profile or gateway alias that stands for a model, from a day on; where it names a region or
/// tier, that is what the deployment is sold at, whatever the log says.
#[derive(Debug, Clone)]
pub struct ModelMapping {
    pub logged: Arc<str>,
    pub seller: Option<Arc<str>>,
    pub model: Arc<str>,
    pub from: Option<Day>,
    pub region: Option<Arc<str>>,
    pub tier: Option<Tier>,
}

/// Sums of one day for everything that prices, proofs and scopes depend on.
#[derive(Debug, Clone)]
pub struct DayUsage {
    pub account: Account,
    /// The book's id, or the logged name in lower case where the book does not know it.
    pub model: Arc<str>,
    pub day: Day,
    /// First instant of the price segment: the day's start, or a price change inside the day.
    pub at: i64,
    /// Of the usage only the day is known.
    pub whole_day: bool,
    pub key: Arc<str>,
    pub requested: Arc<str>,
    pub routed: Arc<str>,
    pub served: Arc<str>,
    pub region: Arc<str>,
    pub tier: Tier,
    /// A prompt size inside the context band.
    pub prompt: u64,
    pub outcome: Outcome,
    pub call_type: CallType,
    pub source: CountSource,
    pub reading: Reading,
    pub stream: bool,
    pub sums: Sums,
    /// The row before a rule about its traffic changed it.
    pub as_logged: Option<Box<DayUsage>>,
}

/// Everything a unit price depends on, for one account, model and day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leaf {
    pub account: Account,
    pub model: Arc<str>,
    pub day: Day,
    pub meter: Meter,
    pub tier: Tier,
    pub region: Arc<str>,
    pub prompt: u64,
    pub at: i64,
    pub whole_day: bool,
}

impl Leaf {
    pub fn query(&self) -> PriceQuery<'_> {
        PriceQuery {
            seller: &self.account.provider,
            model: &self.model,
            meter: self.meter,
            tier: self.tier,
            region: &self.region,
            prompt: self.prompt,
            at: self.at,
        }
    }
}

impl DayUsage {
    pub fn leaf(&self, meter: Meter) -> Leaf {
        Leaf {
            account: self.account.clone(),
            model: self.model.clone(),
            day: self.day,
            meter,
            tier: self.tier,
            region: self.region.clone(),
            prompt: self.prompt,
            at: self.at,
            whole_day: self.whole_day,
        }
    }

    pub fn leaves(&self) -> impl Iterator<Item = (Leaf, i128)> + '_ {
        self.sums.meters.iter().map(|(meter, count)| (self.leaf(meter), i128::from(count)))
    }
}

/// Whose usage it is, where keys of the log are known on the bill; 0 is nobody in particular.
pub type Owner = u16;
pub const NOBODY: Owner = 0;

/// Which account pays for a log row: the source's own, the one that lists the key, or the seller's only one.
pub struct Accounts {
    /// Accounts known from books and bills.
    pub known: Vec<Account>,
    /// Gateway keys that the books assign, to one account of each seller.
    pub keys: BTreeMap<Arc<str>, BTreeSet<Account>>,
}

/// The id of nobody's usage: the seller bills several accounts, and nothing says which of them pays.
const UNASSIGNED: &str = "unassigned";

impl Account {
    /// True where several accounts of the seller may pay for the usage.
    pub fn is_unassigned(&self) -> bool {
        self.id.as_deref() == Some(UNASSIGNED)
    }
}

impl Accounts {
    fn of(&self, provider: &str, source: Option<&Arc<str>>, key: &str) -> Account {
        let mut paying = self.keys.get(key).into_iter().flatten();
        if let Some(account) = paying.find(|account| &*account.provider == provider) {
            return account.clone();
        }
        let mut candidates = self.known.iter().filter(|account| &*account.provider == provider);
        if let Some(id) = source {
            let named = candidates.clone().find(|account| account.id.as_ref() == Some(id));
            return named
                .cloned()
                .unwrap_or_else(|| Account { provider: provider.into(), id: Some(id.clone()) });
        }
        match (candidates.next(), candidates.next()) {
            (Some(only), None) => only.clone(),
            (None, _) => Account { provider: provider.into(), id: None },
            (Some(_), Some(_)) => Account { provider: provider.into(), id: Some(UNASSIGNED.into()) },
        }
    }
}

/// What the books say of a logged row: who pays, what its names mean, what its traffic really was, what it costs.
#[derive(Clone, Copy)]
pub struct Meanings<'a> {
    pub accounts: &'a Accounts,
    pub mappings: &'a [ModelMapping],
    pub traffic: &'a [TrafficRule],
    pub book: &'a Pricebook,
}

/// Sums `cubes` to the period's days of UTC. `source` is the account the books give the log source, if any.
pub fn day_rows(
    cubes: &Cubes,
    source: Option<&Arc<str>>,
    period: Period,
    meanings: Meanings,
) -> Vec<DayUsage> {
    rows_by(&Clock::utc(), cubes, source, period, meanings)
}

/// Sums `cubes` to the period's days of a clock.
fn rows_by(
    clock: &Clock,
    cubes: &Cubes,
    source: Option<&Arc<str>>,
    period: Period,
    meanings: Meanings,
) -> Vec<DayUsage> {
    let mut days: BTreeMap<(Day, RatingKey), (i64, Sums)> = BTreeMap::new();
    let mut segments = Segments { cubes, meanings, period, cache: BTreeMap::new() };
    for (key, sums) in &cubes.rating {
        // Of a whole day no hour is known, so no other clock can cut it.
        let day = if key.whole_day { key.day() } else { clock.day(key.at()) };
        if !period.contains(day) {
            continue;
        }
        let at = segments.start(key, clock);
        let slot = (at / crate::period::SECONDS_PER_SLOT) as u32;
        let entry = days.entry((day, RatingKey { slot, ..*key })).or_insert((at, Sums::default()));
        entry.1.add(sums);
    }
    let mut texts: BTreeMap<u32, Arc<str>> = BTreeMap::new();
    let mut text = |name: u32| -> Arc<str> {
        texts.entry(name).or_insert_with(|| cubes.names.text(name).into()).clone()
    };
    days.into_iter()
        .map(|((day, key), (at, sums))| {
            let mut row = row_of(&mut text, &key, day, at, source, meanings);
            row.sums = sums;
            traffic::apply(meanings.traffic, meanings.book, &mut row);
            writes::count_free_as_input(meanings.book, &mut row);
            row
        })
        .collect()
}

/// A row of a cube with its names resolved, still without sums.
fn row_of(
    text: &mut impl FnMut(u32) -> Arc<str>,
    key: &RatingKey,
    day: Day,
    at: i64,
    source: Option<&Arc<str>>,
    meanings: Meanings,
) -> DayUsage {
    let provider = text(key.provider);
    let seller =
        crate::vocabulary::Seller::find(&provider).map_or(provider.clone(), |seller| seller.id.into());
    let (served, routed, gateway_key) = (text(key.served), text(key.routed), text(key.key));
    let meant = resolve(meanings, &seller, &served, &routed, at);
    DayUsage {
        account: meanings.accounts.of(&seller, source, &gateway_key),
        model: meant.model.clone(),
        day,
        at,
        whole_day: key.whole_day,
        key: gateway_key,
        requested: text(key.requested),
        routed,
        served,
        region: meant.region_of(text(key.region)),
        tier: meant.tier_of(key.tier),
        prompt: meanings.book.band_prompt(key.band),
        outcome: key.outcome,
        call_type: key.call_type,
        source: key.source,
        reading: key.reading,
        stream: key.stream,
        sums: Sums::default(),
        as_logged: None,
    }
}

/// The customer's mapping first, then the book; a name neither knows keeps its own text.
fn resolve(meanings: Meanings, seller: &str, served: &str, routed: &str, at: i64) -> Meant {
    let Meanings { mappings, book, .. } = meanings;
    let mapped = |name: &str| {
        mappings
            .iter()
            .filter(|mapping| {
                &*mapping.logged == name && mapping.seller.as_deref().is_none_or(|wanted| wanted == seller)
            })
            .filter(|mapping| mapping.from.is_none_or(|from| from.start() <= at))
            .max_by_key(|mapping| mapping.from)
    };
    // A mapping names what was logged: the model that answered, or the alias when the model is the alias again.
    let name = mapped(served)
        .or_else(|| (book.resolve(seller, served, at).is_none()).then(|| mapped(routed)).flatten());
    let text = name.map_or(served, |mapping| &mapping.model);
    let Some(named) = book.resolve_name(seller, text, at) else {
        return Meant { model: unknown_name(text), ..Meant::default() };
    };
    // The served name may have lost what the routed one of the same model says.
    let routed = book.resolve_name(seller, routed, at).filter(|other| other.model == named.model);
    let (region, tier) = routed.map_or((None, None), |other| (other.region, other.tier));
    Meant {
        model: named.model.into(),
        sold_in: name.and_then(|mapping| mapping.region.clone()),
        sold_at: name.and_then(|mapping| mapping.tier),
        region: named.region.or(region).map(Into::into),
        tier: named.tier.or(tier),
    }
}

/// What the names of a row mean.
#[derive(Default)]
struct Meant {
    model: Arc<str>,
    /// The region and tier the customer's mapping states.
    sold_in: Option<Arc<str>>,
    sold_at: Option<Tier>,
    /// The region and tier the name itself says.
    region: Option<Arc<str>>,
    tier: Option<Tier>,
}

impl Meant {
    /// A mapping outranks the log, and the log what a name says. But what is called as `global` is sold as that: the
    /// host beside the name is only where the call came in.
    fn region_of(&self, logged: Arc<str>) -> Arc<str> {
        let said = self.region.clone().filter(|said| logged.is_empty() || **said == *"global");
        self.sold_in.clone().or(said).unwrap_or(logged)
    }

    fn tier_of(&self, logged: Tier) -> Tier {
        let said = self.tier.filter(|_| logged == Tier::Standard);
        self.sold_at.or(said).unwrap_or(logged)
    }
}

/// The form in which names the book does not know are compared: lower case, and fine-tunes at their base, which is
/// all that a bill shows of them (`ft:gpt-4.1-mini-2025-04-14:acme::B1x` and `ft-gpt-4.1-mini-2025-04-14`).
pub fn unknown_name(name: &str) -> Arc<str> {
    let lower = name.to_ascii_lowercase();
    match lower.strip_prefix("ft:").and_then(|rest| rest.split(':').next()) {
        Some(base) => format!("ft-{base}").into(),
        None => lower.into(),
    }
}

/// Where the days of the period are cut, by what the names mean: at price changes and at the edges of windows. Nearly
/// always there are none, so a day is one segment.
struct Segments<'a> {
    cubes: &'a Cubes,
    meanings: Meanings<'a>,
    period: Period,
    /// By provider, served and routed name, in order of time.
    cache: BTreeMap<(Name, Name, Name), Vec<i64>>,
}

impl Segments<'_> {
    /// First instant of the segment that holds the key's slot, on its day. Usage of a whole day is not cut.
    fn start(&mut self, key: &RatingKey, clock: &Clock) -> i64 {
        if key.whole_day {
            return key.day().start();
        }
        let midnight = clock.midnight(key.at());
        self.last_change(key).map_or(midnight, |change| change.max(midnight))
    }

    /// The last price change up to the key's slot, among those of the period.
    fn last_change(&mut self, key: &RatingKey) -> Option<i64> {
        let names = (key.provider, key.served, key.routed);
        if !self.cache.contains_key(&names) {
            self.cache.insert(names, self.changes(key));
        }
        let changes = &self.cache[&names];
        let before = changes.partition_point(|change| *change <= key.at());
        before.checked_sub(1).map(|last| changes[last])
    }

    fn changes(&self, key: &RatingKey) -> Vec<i64> {
        let text = |name| self.cubes.names.text(name);
        let seller = text(key.provider);
        let seller = crate::vocabulary::Seller::find(seller).map_or(seller, |seller| seller.id);
        // A day of another clock reaches into the days beside the period.
        let (first, last) = (self.period.first.previous().start(), self.period.last.next().next().start());
        // A name can mean several models in a period.
        let mut moves = vec![first];
        for name in [text(key.served), text(key.routed)] {
            moves.extend(self.meanings.book.meanings(seller, name).into_iter().map(|(from, _)| from));
        }
        moves.extend(self.meanings.mappings.iter().filter_map(|mapping| mapping.from).map(Day::start));
        moves.retain(|at| (first..last).contains(at));
        let mut models: BTreeSet<Arc<str>> = moves
            .iter()
            .map(|at| resolve(self.meanings, seller, text(key.served), text(key.routed), *at).model)
            .collect();
        models.extend(traffic::models(self.meanings.traffic, seller).cloned());
        let mut changes = moves;
        for model in models {
            changes.extend(self.meanings.book.price_changes(seller, &model, first, last));
        }
        changes.sort_unstable();
        changes.dedup();
        changes
    }
}

/// `quantity × unit`, rounded once.
pub fn amount(unit: Ratio, quantity: i128) -> Result<Money> {
    unit.amount(quantity)
        .map(|(money, _)| money)
        .map_err(|error| Error::Internal(format!("a leaf's amount: {error}")))
}
