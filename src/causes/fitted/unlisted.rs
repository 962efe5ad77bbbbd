//! A meter without a price in the book, billed in one amount with meters that have one: the price that makes every day's
//! amount.
//!
//! The other meters are taken off the amount; what is left, over the count, is the price of that day. One written price
//! has to meet days enough to the last step, and the others but for the noise of the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{BITS_OF_A_PRICE, MORE_BITS, MORE_DAYS, seen_bits};
use crate::causes::missing_price::draft_row;
use crate::causes::price::{earlier, later, less_or_equal, simplest};
use crate::causes::{Fact, Fix, Patch, Scope, Status, noise};
use crate::error::Result;
use crate::money::{Money, ONE, Ratio};
use crate::pricebook::NoPrice;
use crate::rate::{self, Account, Leaf};
use crate::reconcile::{BillKey, Edit, State};
use crate::vocabulary::{Meter, Tier};

/// One amount in which a meter without a price is.
struct Point {
    key: BillKey,
    leaves: Vec<Leaf>,
    quantity: i128,
    /// What the priced meters leave of the amount.
    left: Money,
    /// What multiplies every price of its day.
    factor: Ratio,
    bound: Money,
    noise: Money,
}

impl Point {
    /// Unit prices that the amount allows.
    fn interval(&self) -> Option<(Ratio, Ratio)> {
        let list = Ratio::new(self.factor.denominator(), self.factor.numerator())?;
        let side = |amount: Money| {
            Ratio::quotient(amount.pico(), self.quantity)?.checked_mul(Ratio::new(1, ONE)?)?.checked_mul(list)
        };
        side(self.left - self.bound).zip(side(self.left + self.bound))
    }

    fn off(&self, unit: Ratio) -> Option<Money> {
        let unit = unit.checked_mul(self.factor)?;
        Some((self.left - rate::amount(unit, self.quantity).ok()?).abs())
    }

    fn exact(&self, unit: Ratio) -> bool {
        self.off(unit).is_some_and(|off| off <= self.bound)
    }

    fn nearly(&self, unit: Ratio) -> bool {
        self.off(unit).is_some_and(|off| off <= self.bound + self.noise)
    }
}

type Unlisted = (Account, Arc<str>, Meter, Tier);

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut found: BTreeMap<Unlisted, Vec<Point>> = BTreeMap::new();
    for key in state.logged.keys().filter(|key| state.open.contains(&key.cell)) {
        if let Some((meter, tier, point)) = point(state, key)? {
            let model = point.leaves[0].model.clone();
            found.entry((key.cell.account.clone(), model, meter, tier)).or_default().push(point);
        }
    }
    Ok(found
        .iter()
        .filter_map(|(what, points)| Some(patch(state, what, points, price(points)?)))
        .filter(|patch| !state.rejected.contains(&patch.name))
        .collect())
}

fn point(state: &State, key: &BillKey) -> Result<Option<(Meter, Tier, Point)>> {
    let bill = state.bill(key);
    if key.cell.first != key.cell.last || bill.lines == 0 {
        return Ok(None);
    }
    if state.accepted.contains(key) || key.cell.model.is_none() {
        return Ok(None);
    }
    let leaves = &state.logged[key];
    let unpriced: Vec<(&Leaf, &i128)> =
        leaves.iter().filter(|(leaf, _)| state.unit(key, leaf).is_none()).collect();
    let kinds: BTreeSet<(Meter, Tier)> = unpriced.iter().map(|(leaf, _)| (leaf.meter, leaf.tier)).collect();
    let quantity: i128 = unpriced.iter().map(|(_, quantity)| **quantity).sum();
    let (Some((meter, tier)), true) = (kinds.first().copied(), kinds.len() == 1 && quantity > 0) else {
        return Ok(None);
    };
    let unlisted = |leaf: &Leaf| {
        !matches!(state.rater.unit(leaf).err(), Some(NoPrice::UnknownModel | NoPrice::Hourly) | None)
    };
    if unpriced.len() == leaves.len() || !unpriced.iter().all(|(leaf, _)| unlisted(leaf)) {
        return Ok(None);
    }
    let point = Point {
        key: key.clone(),
        leaves: unpriced.iter().map(|(leaf, _)| (*leaf).clone()).collect(),
        quantity,
        left: bill.amount - state.priced(key)?,
        factor: state.factor(key.cell.first).unwrap_or(Ratio::ONE),
        bound: bill.bound + Money::from_pico(leaves.len() as i128 + 1),
        noise: Money::from_pico(noise::share(state.noise, bill.amount.pico())),
    };
    Ok(Some((meter, tier, point)))
}

/// The price that most days meet to the last step, if they are enough and two in three of all meet it but for noise: others
/// may have something else besides.
fn price(points: &[Point]) -> Option<Ratio> {
    let mut best: Option<(usize, Ratio)> = None;
    for (at, point) in points.iter().enumerate() {
        let Some((low, high)) = point.interval() else { continue };
        for other in &points[at + 1..] {
            let Some(interval) = other.interval() else { continue };
            let (low, high) = (later(low, interval.0), earlier(high, interval.1));
            if !less_or_equal(low, high) {
                continue;
            }
            let Some(unit) = simplest(low, high) else { continue };
            let exact = points.iter().filter(|point| point.exact(unit)).count();
            if best.is_none_or(|(most, _)| exact > most) {
                best = Some((exact, unit));
            }
        }
    }
    let (exact, unit) = best?;
    let bits: u32 =
        points.iter().filter(|point| point.exact(unit)).map(|point| seen_bits(point.left, point.bound)).sum();
    let nearly = points.iter().filter(|point| point.nearly(unit)).count();
    let enough = exact >= MORE_DAYS && bits >= BITS_OF_A_PRICE + MORE_BITS && nearly * 3 >= points.len() * 2;
    enough.then_some(unit)
}

fn patch(state: &State, what: &Unlisted, points: &[Point], unit: Ratio) -> Patch {
    let (account, model, meter, tier) = what;
    let mut scope = Scope::of(account);
    scope.meters.insert(*meter);
    scope.tiers.insert(*tier);
    let mut edits = Vec::new();
    for point in points {
        scope.cover(&point.key.cell);
        let price = |leaf: &Leaf| Edit::Reprice { key: point.key.clone(), leaf: leaf.clone(), unit };
        edits.extend(point.leaves.iter().map(price));
    }
    let exact = points.iter().filter(|point| point.exact(unit)).count();
    let origin = state.bill(&points[0].key).origin;
    let draft = draft_row(&points[0].leaves[0], unit, points[0].key.cell.first);
    Patch {
        name: format!("unlisted {account:?} {model} {meter} {tier}"),
        cause: "rate.missing_class",
        status: Status::Probable,
        scope,
        edits,
        facts: vec![
            Fact::new(format!("{meter} of {model}: billed without a price in the book"), points.len()),
            Fact::new(format!("{meter}: price implied by the bill, per million"), unit.per_million())
                .at(origin),
            Fact::new("days on which it makes the billed amount to the last step", exact),
            Fact::new("numbers fitted", 1),
        ],
        rivals: Vec::new(),
        decides: Some("the seller's price page, or billed quantities by token class".to_owned()),
        fix: Some(Fix {
            kind: "pricebook-row",
            text: "add a price for this meter from the seller's price page or your contract; the implied price is a cross-check, not a source".to_owned(),
            patch: draft,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::Day;

    fn point(day: &str, quantity: i128, left: Money) -> Point {
        let day: Day = day.parse().unwrap();
        let account = Account { provider: "openai".into(), id: None };
        let cell = crate::reconcile::CellKey { account, model: Some("m".into()), first: day, last: day };
        Point {
            key: BillKey::first_of(&cell),
            leaves: Vec::new(),
            quantity,
            left,
            factor: Ratio::ONE,
            bound: Money::from_pico(2),
            noise: Money::from_pico(10_000_000_000),
        }
    }

    /// Eight dollars a million: 1,000,003 tokens cost $8.000024, and so on.
    #[test]
    fn one_price_meets_the_days_and_a_noisy_one_does_not_speak_against_it() {
        let dollars = |text: &str| text.parse::<Money>().unwrap();
        let mut points = vec![
            point("2026-10-01", 1_000_003, dollars("8.000024")),
            point("2026-10-02", 777_777, dollars("6.222216")),
            point("2026-10-03", 500_001, dollars("4.009")),
            point("2026-10-04", 123_456, dollars("0.987648")),
        ];
        assert_eq!(price(&points).map(Ratio::per_million).as_deref(), Some("8"));
        // Two days prove nothing.
        points.truncate(2);
        assert_eq!(price(&points), None);
    }
}
