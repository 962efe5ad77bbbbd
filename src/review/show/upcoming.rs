//! What a book says about the days to come: prices that start or end, promotions that run out, models that retire, names
//! that move and rules that change, with the dollars each moves at the volume of a past month.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::diff::rules::Rules;
use super::super::steps::{Key, Ladders};
use super::super::volume::Volume;
use crate::diagnostic::Origin;
use crate::error::Result;
use crate::money::Money;
use crate::period::{Day, Month, SECONDS_PER_DAY, read_instant};
use crate::pricebook::{NoPrice, PriceRow, Pricebook, Priced};
use crate::rate::{self, Leaf, Rater};

const WEEK: i64 = 7 * SECONDS_PER_DAY;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Price,
    PromotionEnds,
    PriceEnds,
    Retirement,
    AliasMove,
    Rule,
}

impl Kind {
    pub const fn id(self) -> &'static str {
        match self {
            Kind::Price => "price",
            Kind::PromotionEnds => "promotion ends",
            Kind::PriceEnds => "price ends",
            Kind::Retirement => "retirement",
            Kind::AliasMove => "alias move",
            Kind::Rule => "rule",
        }
    }
}

/// What an event is about, by which the usage it touches is found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    Key(Key),
    Model { seller: String, model: String },
    Name { seller: String, name: String, target: String },
    Rule { seller: String, kind: String, id: String },
}

/// Something that is going to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'b> {
    /// The first instant at which it is different.
    pub at: i64,
    /// It is different at that instant at the earliest.
    pub at_least: bool,
    pub kind: Kind,
    pub about: About,
    pub old: Option<&'b PriceRow>,
    /// None where nothing is announced.
    pub new: Option<&'b PriceRow>,
    /// What changes, where it is not a price.
    pub what: String,
}

/// Everything that changes after `now` and until `last`, in order of time.
pub fn events<'b>(
    book: &Pricebook,
    ladders: &Ladders<'b>,
    rules: &Rules,
    now: i64,
    last: i64,
) -> Vec<Event<'b>> {
    let within = |at: i64| now < at && at <= last;
    let mut events = Vec::new();
    for (key, ladder) in ladders {
        let event = |at, at_least, kind, new| Event {
            at,
            at_least,
            kind,
            about: About::Key(key.clone()),
            old: ladder.at(at - 1),
            new,
            what: String::new(),
        };
        for (from, row) in ladder.steps.iter().filter(|(from, _)| within(*from)) {
            let kind = if row.unit.is_some() { Kind::Price } else { Kind::PriceEnds };
            events.push(event(*from, false, kind, Some(*row)));
        }
        let running = ladder.steps.iter().filter(|(from, _)| *from <= last);
        for (_, row) in running {
            let Some(until) = row.until else { continue };
            let end = until.day.next().start();
            // A price that is announced for the very day says it all.
            let holds = ladder.at(end).is_some_and(|held| std::ptr::eq(held, *row));
            if within(end) && holds {
                events.push(event(end, until.at_least, Kind::PromotionEnds, None));
            }
            // It lasted longer than was promised: every day from tomorrow on can be the one.
            let in_force = ladder.at(now).is_some_and(|held| std::ptr::eq(held, *row));
            let tomorrow = Day::of_instant(now).next().start();
            if until.at_least && end <= now && in_force && within(tomorrow) {
                let what = format!("promised until {} at least, may end any day", until.day);
                events.push(Event { what, ..event(tomorrow, true, Kind::PromotionEnds, None) });
            }
        }
    }
    for seller in book.sellers() {
        for model in book.models(seller) {
            if let Some(day) = model.retired.filter(|day| within(day.start())) {
                let about = About::Model { seller: seller.to_owned(), model: model.id.to_string() };
                events.push(plain(day.start(), Kind::Retirement, about, String::new()));
            }
        }
    }
    for ((seller, name), targets) in &rules.aliases {
        for (from, target) in targets.iter().filter(|(from, _)| within(**from)) {
            let (seller, name, target) = (seller.clone(), name.clone(), target.clone());
            let what = format!("means {target}");
            events.push(plain(*from, Kind::AliasMove, About::Name { seller, name, target }, what));
        }
    }
    for (entry, fields) in rules.entries.iter().filter(|(entry, _)| is_rule(&entry.kind)) {
        for (path, value) in fields {
            let starts = path.rsplit('.').next() == Some("from");
            let at = read_instant(value).map(|(at, _)| at).filter(|at| within(*at));
            if let Some(at) = at.filter(|_| starts || path == "to") {
                let about = About::Rule {
                    seller: entry.seller.clone(),
                    kind: entry.kind.clone(),
                    id: entry.name.clone(),
                };
                let what = if starts { "starts" } else { "ends" };
                events.push(plain(at, Kind::Rule, about, what.to_owned()));
            }
        }
    }
    events.sort_by(|a, b| (a.at, a.kind, &a.about).cmp(&(b.at, b.kind, &b.about)));
    events
}

fn is_rule(kind: &str) -> bool {
    !matches!(kind, "book" | "source" | "model" | "seller")
}

fn plain<'b>(at: i64, kind: Kind, about: About, what: String) -> Event<'b> {
    Event { at, at_least: false, kind, about, old: None, new: None, what }
}

/// The dollars an event is about, at the volume of a month.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stake {
    /// What the usage it touches costs just before.
    pub spend: Money,
    /// How much more it costs just after; unknown where some of it has no price then.
    pub moves: Option<Money>,
}

type Unit = std::result::Result<Priced, NoPrice>;

/// A month's usage, to be priced at instants it was not made at.
pub struct Outlook<'o> {
    rater: Rater<'o>,
    book: &'o Pricebook,
    usage: Vec<(Arc<str>, Leaf, i128)>,
    keys: BTreeMap<&'o Origin, &'o Key>,
}

impl<'o> Outlook<'o> {
    pub fn new(book: &'o Pricebook, ladders: &'o Ladders, volume: &Volume, month: Month) -> Outlook<'o> {
        let rows =
            ladders.iter().flat_map(|(key, ladder)| ladder.rows.iter().map(move |row| (&row.origin, key)));
        let usage = volume.rows(month, book).into_iter().flat_map(|row| {
            let served = row.served.clone();
            row.leaves().map(|(leaf, quantity)| (served.clone(), leaf, quantity)).collect::<Vec<_>>()
        });
        Outlook { rater: Rater::new(book), book, usage: usage.collect(), keys: rows.collect() }
    }

    /// Each piece of usage is priced at its own weekday and hour in the week after the event and in the week before.
    pub fn stake(&self, event: &Event) -> Result<Stake> {
        let mut stake = Stake { spend: Money::ZERO, moves: Some(Money::ZERO) };
        for (served, leaf, quantity) in &self.usage {
            let after = event.at + (leaf.at - event.at).rem_euclid(WEEK);
            let (was, is) = (self.means(served, leaf, event.at - 1), self.means(served, leaf, event.at));
            let then = match &event.about {
                About::Name { target, .. } if was != is && *is == **target => is,
                About::Name { .. } => continue,
                _ => was.clone(),
            };
            let unit =
                |model, at| self.rater.unit(&Leaf { model, at, day: Day::of_instant(at), ..leaf.clone() });
            let (before, then) = (unit(was.clone(), after - WEEK), unit(then, after));
            if !self.touches(&event.about, &leaf.account.provider, &was, [&before, &then]) {
                continue;
            }
            let amount = |unit: &Unit| match unit {
                Ok(priced) => rate::amount(priced.unit, *quantity).map(Some),
                Err(_) => Ok(None),
            };
            let (was, is) = (amount(&before)?, amount(&then)?);
            stake.spend += was.unwrap_or_default();
            let known = event.kind != Kind::PromotionEnds && event.kind != Kind::Retirement;
            let moved = was.zip(is).filter(|_| known).map(|(was, is)| is - was);
            stake.moves = stake.moves.zip(moved).map(|(sum, moved)| sum + moved);
        }
        Ok(stake)
    }

    /// The model that the usage's name means at an instant; what the books map it to does not move.
    fn means(&self, served: &str, leaf: &Leaf, at: i64) -> Arc<str> {
        let resolve = |at| self.book.resolve(&leaf.account.provider, served, at);
        let named = resolve(leaf.at) == Some(&*leaf.model);
        resolve(at).filter(|_| named).map_or_else(|| leaf.model.clone(), Into::into)
    }

    fn touches(&self, about: &About, provider: &str, of: &str, units: [&Unit; 2]) -> bool {
        let either = |holds: &dyn Fn(&Priced) -> bool| {
            units.into_iter().filter_map(|unit| unit.as_ref().ok()).any(holds)
        };
        let of_row = |wanted: &dyn Fn(&Key) -> bool| {
            either(&|priced| self.keys.get(&priced.row).is_some_and(|key| wanted(key)))
        };
        match about {
            About::Key(key) => of_row(&|of| of == key),
            About::Model { seller, model } => seller == provider && model == of,
            About::Name { seller, .. } => seller == provider,
            About::Rule { kind, id, .. } if kind == "schedule" => of_row(&|of| *of.window == **id),
            About::Rule { id, .. } => {
                either(&|priced| priced.factors.iter().any(|(factor, _)| **factor == **id))
            }
        }
    }
}
