//! The unit price of a leaf, worked out once.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::{OnceLock, PoisonError, RwLock};

use foldhash::fast::FixedState;
use hashbrown::{Equivalent, HashMap};

use super::Leaf;
use crate::money::Ratio;
use crate::pricebook::{NoPrice, PriceQuery, Pricebook, Priced};
use crate::vocabulary::{Meter, Seller};

/// Unit prices, remembered.
pub struct Rater<'a> {
    pub book: &'a Pricebook,
    /// Leaves that the month as a whole gives another price than their row: see [`crate::contract`].
    contracted: BTreeMap<Leaf, Priced>,
    cache: RwLock<HashMap<Known, Answer, FixedState>>,
    /// The book below the user's own rows, once someone asked for it.
    shipped: OnceLock<Option<Pricebook>>,
}

type Answer = Result<Priced, NoPrice>;

/// A leaf as far as its price depends on it: all but its day, and its account only where terms of a contract ask for it.
#[derive(Clone, Copy)]
struct Asked<'l> {
    leaf: &'l Leaf,
    account: Option<&'l str>,
}

/// The same, remembered: the leaf's account is one that it was asked for.
struct Known {
    leaf: Leaf,
    by_account: bool,
}

impl Known {
    fn asked(&self) -> Asked<'_> {
        let account = self.leaf.account.id.as_deref().filter(|_| self.by_account);
        Asked { leaf: &self.leaf, account }
    }
}

impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Leaf { account, model, day: _, meter, tier, region, prompt, at, whole_day } = self.leaf;
        (&account.provider, self.account, model, meter, tier, region, prompt, at, whole_day).hash(state);
    }
}
impl Hash for Known {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.asked().hash(state);
    }
}
impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        self.asked().equivalent(other)
    }
}
impl Eq for Known {}
impl Equivalent<Known> for Asked<'_> {
    fn equivalent(&self, known: &Known) -> bool {
        let Asked { leaf: other, account: theirs } = known.asked();
        let Leaf { account, model, day: _, meter, tier, region, prompt, at, whole_day } = self.leaf;
        (*at, *meter, *tier, *prompt, *whole_day)
            == (other.at, other.meter, other.tier, other.prompt, other.whole_day)
            && (model, region, &account.provider) == (&other.model, &other.region, &other.account.provider)
            && self.account == theirs
    }
}

impl<'a> Rater<'a> {
    pub fn new(book: &'a Pricebook) -> Rater<'a> {
        Rater { book, contracted: BTreeMap::new(), cache: Default::default(), shipped: OnceLock::new() }
    }

    /// The same prices, but for leaves that the contract prices by the month.
    pub fn contracted(self, contracted: BTreeMap<Leaf, Priced>) -> Rater<'a> {
        Rater { contracted, ..self }
    }

    pub fn unit(&self, leaf: &Leaf) -> Answer {
        self.look(leaf, Clone::clone)
    }

    /// What `read` takes from the answer, which is worked out once.
    fn look<T>(&self, leaf: &Leaf, read: impl Fn(&Answer) -> T) -> T {
        if let Some(contracted) = self.contracted.get(leaf) {
            return read(&Ok(contracted.clone()));
        }
        let by_account = !self.book.terms().is_empty();
        let asked = Asked { leaf, account: leaf.account.id.as_deref().filter(|_| by_account) };
        if let Some(known) = self.cache.read().unwrap_or_else(PoisonError::into_inner).get(&asked) {
            return read(known);
        }
        let priced = self.price(leaf);
        let answer = read(&priced);
        let known = Known { leaf: leaf.clone(), by_account };
        self.cache.write().unwrap_or_else(PoisonError::into_inner).insert(known, priced);
        answer
    }

    /// Usage of a whole day has the price that holds all day, or none.
    fn price(&self, leaf: &Leaf) -> Answer {
        let account = leaf.account.id.as_deref();
        if leaf.whole_day {
            return self.book.price_of_day(account, &PriceQuery { at: leaf.day.start(), ..leaf.query() });
        }
        self.book.price_for(account, &leaf.query())
    }

    /// The leaf's price per unit; `None` where the book has none, which is never the same as zero.
    pub fn ratio(&self, leaf: &Leaf) -> Option<Ratio> {
        self.look(leaf, |answer| answer.as_ref().ok().map(|priced| priced.unit))
    }

    /// The price per unit before any contract.
    pub fn list(&self, leaf: &Leaf) -> Option<Ratio> {
        match self.book.terms().is_empty() {
            true => self.ratio(leaf),
            false => self.book.list_price(&leaf.query()).ok().map(|priced| priced.unit),
        }
    }

    /// The list price that a row of the user's own replaces, or would.
    pub fn shipped(&self, leaf: &Leaf) -> Option<Ratio> {
        let book = self.shipped.get_or_init(|| self.book.below_overlay()).as_ref()?;
        book.list_price(&leaf.query()).ok().map(|priced| priced.unit)
    }

    /// True where the month as a whole gives the leaf its price, which no leaf beside it shares.
    pub fn is_contracted(&self, leaf: &Leaf) -> bool {
        self.contracted.contains_key(leaf)
    }

    /// True where a bill calls the leaf's prompt long and a long-context row prices it.
    pub fn is_long_context(&self, leaf: &Leaf) -> bool {
        leaf.prompt > 0 && leaf.prompt > Seller::long_prompt(&leaf.account.provider) && {
            let of = |prompt| {
                let input = Leaf { meter: Meter::Input, prompt, ..leaf.clone() };
                self.look(&input, |answer| answer.as_ref().ok().map(|priced| priced.row.clone()))
            };
            of(leaf.prompt) != of(0)
        }
    }
}
