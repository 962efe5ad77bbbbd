//! Prices requests by the million: what a name, tier and prompt size cost over time is worked out once, as a step function,
//! and every further request is a search in it. The answers are those of [`Pricebook::price`].

use std::hash::{Hash, Hasher};

use foldhash::fast::FixedState;
use hashbrown::{Equivalent, HashMap};

use super::{Named, NoPrice, PriceQuery, Pricebook};
use crate::money::{Money, ONE, Ratio};
use crate::period::SECONDS_PER_DAY;
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, Seller, Tier};

/// A request, as far as its prices depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub seller: &'static str,
    /// Any name of the model.
    pub name: &'a str,
    /// What the name says where it is left out, else standard.
    pub tier: Option<Tier>,
    /// What the name says where it is left out.
    pub region: Option<&'a str>,
    /// Tokens of the whole prompt.
    pub prompt: u64,
    pub at: i64,
    /// Only the day is known, and `at` is its midnight.
    pub whole_day: bool,
}

/// The price of a meter from an instant on.
#[derive(Debug, Clone)]
pub struct Point<'b> {
    from: i64,
    /// What the name means; nothing where the seller has no such model.
    pub model: Option<&'b str>,
    pub unit: Result<Ratio, NoPrice>,
    pub unverified: bool,
    /// 10⁻¹² currency units per unit, where that is whole.
    pico: Option<i128>,
    /// A window of the day decides too: no point of a curve holds for long.
    hourly: bool,
}

impl Point<'_> {
    /// `quantity × unit`, and whether it was rounded.
    pub fn amount(&self, quantity: Ratio) -> Result<(Money, bool), NoPrice> {
        let whole = self.pico.filter(|_| quantity.denominator() == 1);
        if let Some(pico) = whole.and_then(|pico| pico.checked_mul(quantity.numerator()))
            && let Some(money) = Money::from_pico(pico).checked_add(Money::ZERO)
        {
            return Ok((money, false));
        }
        let amount = self.unit?.checked_mul(quantity).and_then(|amount| amount.amount(1).ok());
        amount.ok_or(NoPrice::NoRow)
    }
}

#[derive(PartialEq, Eq)]
struct Key {
    seller: &'static str,
    name: Box<str>,
    tier: Option<Tier>,
    region: Option<Box<str>>,
    band: u8,
}

/// The same without owning it.
struct Lookup<'a>(Ask<'a>, u8);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.seller, &*self.name, self.tier, self.region.as_deref(), self.band).hash(state);
    }
}
impl Hash for Lookup<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.0.seller, self.0.name, self.0.tier, self.0.region, self.1).hash(state);
    }
}
impl Equivalent<Key> for Lookup<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        (self.0.seller, self.0.name, self.0.tier, self.0.region, self.1)
            == (key.seller, &*key.name, key.tier, key.region.as_deref(), key.band)
    }
}

/// Over time, by meter; empty until it is asked for.
type Curves<'b> = [Vec<Point<'b>>; Meter::COUNT];

/// A book and what was asked of it before.
pub struct Pricer<'b> {
    pub book: &'b Pricebook,
    bands: Vec<Band>,
    places: HashMap<Key, usize, FixedState>,
    curves: Vec<Curves<'b>>,
    /// The last answer that no curve holds.
    hourly: Option<Point<'b>>,
}

impl<'b> Pricer<'b> {
    pub fn new(book: &'b Pricebook) -> Pricer<'b> {
        Pricer { book, bands: book.bands(), places: HashMap::default(), curves: Vec::new(), hourly: None }
    }

    /// Everything that requests like this one cost, to be asked for meter by meter.
    pub fn place(&mut self, ask: &Ask) -> usize {
        let band = Band::index(&self.bands, ask.prompt);
        if let Some(place) = self.places.get(&Lookup(*ask, band)) {
            return *place;
        }
        let key = Key {
            seller: ask.seller,
            name: ask.name.into(),
            tier: ask.tier,
            region: ask.region.map(Into::into),
            band,
        };
        self.places.insert(key, self.curves.len());
        self.curves.push(std::array::from_fn(|_| Vec::new()));
        self.curves.len() - 1
    }

    /// The price of one meter of the request, which [`place`](Self::place) found.
    pub fn point(&mut self, place: usize, ask: &Ask, meter: Meter) -> &Point<'b> {
        if self.curves[place][meter.index()].is_empty() {
            self.curves[place][meter.index()] = self.curve(ask, meter);
        }
        // The first point holds since ever.
        let curve = &self.curves[place][meter.index()];
        let next = curve.partition_point(|point| point.from <= ask.at);
        let (point, end) = (&curve[next.saturating_sub(1)], ask.at + SECONDS_PER_DAY);
        let changes = ask.whole_day && curve.get(next).is_some_and(|next| next.from < end);
        if !point.hourly && !changes {
            return point;
        }
        let point = self.fresh(ask, meter, ask.at, ask.whole_day);
        self.hourly.insert(point)
    }

    fn by_the_hour(&self, seller: &str, model: &str, meter: Meter) -> bool {
        let meters = [Some(meter), Seller::price_parent(seller, meter)].into_iter().flatten();
        meters.into_iter().any(|meter| {
            self.book.has_window(seller, model, meter) || self.book.has_window(seller, "*", meter)
        })
    }

    fn curve(&self, ask: &Ask, meter: Meter) -> Vec<Point<'b>> {
        let meanings = self.book.meanings(ask.seller, ask.name);
        let mut instants: Vec<i64> = meanings.iter().map(|(from, _)| *from).collect();
        instants.push(i64::MIN);
        for model in meanings.iter().filter_map(|(_, model)| *model) {
            instants.extend(self.book.row_changes(ask.seller, model, i64::MIN, i64::MAX));
        }
        instants.sort_unstable();
        instants.dedup();
        instants.into_iter().map(|at| self.fresh(ask, meter, at, false)).collect()
    }

    /// The price at an instant or of the day it begins, without looking at any curve.
    fn fresh(&self, ask: &Ask, meter: Meter, at: i64, whole_day: bool) -> Point<'b> {
        let Some(Named { model, region, tier }) = self.book.resolve_name(ask.seller, ask.name, at) else {
            let unit = Err(NoPrice::UnknownModel);
            return Point { from: at, model: None, unit, unverified: false, pico: None, hourly: false };
        };
        let region = ask.region.map(Into::into).or(region).unwrap_or_default();
        let query = PriceQuery {
            seller: ask.seller,
            model,
            meter,
            tier: ask.tier.or(tier).unwrap_or(Tier::Standard),
            region: &region,
            prompt: ask.prompt,
            at,
        };
        let priced = if whole_day { self.book.price_of_day(None, &query) } else { self.book.price(&query) };
        let unverified = priced.as_ref().is_ok_and(|priced| priced.unverified);
        let unit = priced.map(|priced| priced.unit);
        let scaled = unit.ok().and_then(|unit| unit.checked_mul(Ratio::new(ONE, 1)?));
        let pico = scaled.filter(|scaled| scaled.denominator() == 1).map(Ratio::numerator);
        let hourly = self.by_the_hour(ask.seller, model, meter);
        Point { from: at, model: Some(model), unit, unverified, pico, hourly }
    }
}
