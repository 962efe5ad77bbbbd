//! Prices of a model that no book has: whatever is priced from its rows moves with them, other tiers and long prompts too, and
//! usage that this model served in another one's place.

use std::sync::Arc;

use super::state::State;
use crate::money::Ratio;
use crate::period::Period;
use crate::rate::{Account, Leaf};
use crate::vocabulary::{Meter, Seller};

/// One meter of a model costs so many times what the book says, on some days.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewPrice {
    pub account: Account,
    pub model: Arc<str>,
    pub meter: Meter,
    pub days: Period,
    pub ratio: Ratio,
}

impl State<'_> {
    /// The leaf's price per unit under the prices that are told; `None` where the book has none.
    pub fn ratio(&self, leaf: &Leaf) -> Option<Ratio> {
        self.renewed(leaf, self.rater.ratio(leaf)?)
    }

    /// The same before any contract.
    pub fn list(&self, leaf: &Leaf) -> Option<Ratio> {
        self.renewed(leaf, self.rater.list(leaf)?)
    }

    /// True where a leaf has the price or, without one of its own, follows it.
    pub fn is_priced_by(&self, leaf: &Leaf, price: &NewPrice) -> bool {
        leaf.model == price.model
            && price.days.contains(leaf.day)
            && leaf.account.provider == price.account.provider
            && (leaf.meter == price.meter || self.follows(leaf, price.meter))
    }

    fn follows(&self, leaf: &Leaf, meter: Meter) -> bool {
        Seller::price_parent(&leaf.account.provider, leaf.meter) == Some(meter)
            && self.rater.list(leaf) == self.rater.list(&Leaf { meter, ..leaf.clone() })
    }

    fn renewed(&self, leaf: &Leaf, unit: Ratio) -> Option<Ratio> {
        let mut new = self.new_prices.iter().filter(|price| self.is_priced_by(leaf, price));
        new.try_fold(unit, |unit, price| unit.checked_mul(price.ratio))
    }
}
