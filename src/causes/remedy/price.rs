//! Ledger prices out of unit prices that re-priced usage, and a discount out of one factor on all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::version::siblings;
use super::{Discount, PriceStep};
use crate::causes::price::{earlier, later, simplest};
use crate::money::{Money, ONE, Ratio};
use crate::period::Day;
use crate::rate::Leaf;
use crate::reconcile::{BillKey, Edit, State, quantity};
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, Seller, Tier};

/// The key of a row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LedgerKey {
    pub seller: Arc<str>,
    pub model: Arc<str>,
    pub meter: Meter,
    pub tier: Option<Tier>,
    pub ctx: Option<Band>,
    pub region: Arc<str>,
}

/// What one unit of each leaf should cost at list.
type Wanted = BTreeMap<Leaf, Ratio>;

/// The rows that make the book price as the edits did: one where a price begins, one where it ends. None where the
/// same row would have to say two things.
pub fn steps(state: &State, edits: &[Edit]) -> Vec<PriceStep> {
    let wanted = wanted(state, edits).filter(|wanted| !wanted.is_empty() && of_everybody(state, edits));
    wanted.and_then(|wanted| ladders(state, &wanted)).unwrap_or_default()
}

fn ladders(state: &State, wanted: &Wanted) -> Option<Vec<PriceStep>> {
    let models: BTreeSet<(&Arc<str>, &Arc<str>)> =
        wanted.keys().map(|leaf| (&leaf.account.provider, &leaf.model)).collect();
    let used: BTreeSet<&Leaf> = state
        .logged
        .values()
        .flat_map(|leaves| leaves.keys())
        .filter(|leaf| models.contains(&(&leaf.account.provider, &leaf.model)))
        .collect();
    let (mut rows, mut factored) = (Ladders::default(), Vec::new());
    let mut keys: BTreeSet<LedgerKey> = BTreeSet::new();
    for leaf in used {
        let (key, factor) = basis(state, leaf)?;
        keys.insert(key.clone());
        match (key, factor) {
            (key, factor) if factor == Ratio::ONE => rows.add(key, state, wanted, leaf),
            (key, factor) => factored.push((leaf, key, factor)),
        }
    }
    let mut steps = rows.steps(state)?;
    // A price that a modifier makes of another row moves with it. Where it should not, it needs rows of its own.
    let apart: BTreeSet<LedgerKey> = factored
        .iter()
        .filter(|(leaf, key, factor)| {
            let moved = steps.iter().rev().find(|step| step.from <= leaf.day && LedgerKey::of(step) == *key);
            let follows = match moved {
                Some(step) => step.unit.checked_mul(*factor),
                None => state.rater.list(leaf),
            };
            follows != wanted.get(leaf).copied().or_else(|| state.rater.list(leaf))
        })
        .map(|(leaf, ..)| own_key(leaf, None))
        .collect();
    let mut rows = Ladders::default();
    for (leaf, key, _) in factored {
        if apart.contains(&own_key(leaf, None)) {
            rows.add(own_key(leaf, key.ctx), state, wanted, leaf);
        }
    }
    rows.every = true;
    steps.extend(rows.steps(state)?);
    steps.extend(siblings(state.rater.book, &steps, &keys));
    Some(steps)
}

impl LedgerKey {
    pub fn of(step: &PriceStep) -> LedgerKey {
        let PriceStep { seller, model, meter, tier, ctx, region, .. } = step.clone();
        LedgerKey { seller, model, meter, tier, ctx, region }
    }

    /// A price of this key from a day on, which the bill shows of a model that the book knows.
    pub fn step(self, from: Day, unit: Ratio) -> PriceStep {
        let LedgerKey { seller, model, meter, tier, ctx, region } = self;
        PriceStep { seller, model, meter, tier, ctx, region, from, unit, new_model: false, restored: false }
    }
}

/// The key of a row for nothing but this leaf.
fn own_key(leaf: &Leaf, ctx: Option<Band>) -> LedgerKey {
    let region = if leaf.region.is_empty() { "global".into() } else { leaf.region.clone() };
    let (seller, model) = (leaf.account.provider.clone(), leaf.model.clone());
    LedgerKey { seller, model, meter: leaf.meter, tier: Some(leaf.tier), ctx, region }
}

/// The key of the row that prices a leaf, and the factor of the modifiers on it. `None` where a window decides: such a
/// price is not written by a day.
pub(super) fn basis(state: &State, leaf: &Leaf) -> Option<(LedgerKey, Ratio)> {
    let (book, seller) = (state.rater.book, &leaf.account.provider);
    let Ok(priced) = book.list_price(&leaf.query()) else { return Some((own_key(leaf, None), Ratio::ONE)) };
    let meters = [Some(leaf.meter), Seller::price_parent(seller, leaf.meter)];
    let row = meters
        .into_iter()
        .flatten()
        .flat_map(|meter| [&*leaf.model, "*"].map(|model| book.rows(seller, model, meter)))
        .flatten()
        .find(|row| row.origin == priced.row)?;
    let factor =
        priced.factors.iter().try_fold(Ratio::ONE, |product, (_, factor)| product.checked_mul(*factor))?;
    let key = LedgerKey {
        meter: row.meter,
        tier: row.tier,
        ctx: row.ctx,
        region: (&*row.region).into(),
        ..own_key(leaf, None)
    };
    (&*row.window == "*").then_some((key, factor))
}

/// Unit prices by ledger key and day, with whether an edit asked for them.
#[derive(Default)]
struct Ladders {
    days: BTreeMap<LedgerKey, BTreeMap<Day, (Option<Ratio>, bool)>>,
    /// Write every key, not only those with an edit.
    every: bool,
    torn: BTreeSet<LedgerKey>,
}

impl Ladders {
    fn add(&mut self, key: LedgerKey, state: &State, wanted: &Wanted, leaf: &Leaf) {
        let edited = wanted.get(leaf).copied();
        let unit = edited.or_else(|| state.rater.list(leaf));
        let day = self.days.entry(key.clone()).or_default().entry(leaf.day).or_insert((unit, false));
        if day.0 != unit {
            self.torn.insert(key);
        }
        day.1 |= edited.is_some();
    }

    fn steps(&self, state: &State) -> Option<Vec<PriceStep>> {
        let mut steps = Vec::new();
        for (key, days) in &self.days {
            if !self.every && !days.values().any(|(_, edited)| *edited) {
                continue;
            }
            if self.torn.contains(key) {
                return None;
            }
            let new_model = !state.rater.book.models(&key.seller).any(|known| *known.id == *key.model);
            let mut last: Option<Ratio> = None;
            for (day, (unit, edited)) in days {
                let Some(unit) = *unit else { continue };
                if last.is_some_and(|last| last != unit) || (last.is_none() && (*edited || self.every)) {
                    last = Some(unit);
                    let step = key.clone().step(*day, unit);
                    steps.push(PriceStep { new_model, restored: !edited, ..step });
                }
            }
        }
        Some(steps)
    }
}

/// A price is everybody's: where an edit gives it to what one owner used and not to the same of another, no row says so.
fn of_everybody(state: &State, edits: &[Edit]) -> bool {
    let mut priced: BTreeSet<(&BillKey, &Leaf)> = BTreeSet::new();
    for edit in edits {
        match edit {
            Edit::Reprice { key, leaf, .. } => {
                priced.insert((key, leaf));
            }
            Edit::Price { key, .. } | Edit::Accept { key } => {
                let leaves = state.logged.get(key).into_iter().flat_map(|leaves| leaves.keys());
                priced.extend(leaves.map(|leaf| (key, leaf)));
            }
            _ => {}
        }
    }
    let others = |(key, leaf): &(&BillKey, &Leaf)| {
        let parts = state.parts(key).into_iter();
        parts
            .filter(|part| state.logged.get(part).is_some_and(|leaves| leaves.contains_key(leaf)))
            .all(|part| priced.contains(&(&part, *leaf)))
    };
    !state.apart || priced.iter().all(others)
}

/// The list prices that the edits ask for; `None` where they do anything but price.
fn wanted(state: &State, edits: &[Edit]) -> Option<Wanted> {
    let (mut wanted, mut intervals) = (Wanted::new(), BTreeMap::new());
    for edit in edits {
        match edit {
            Edit::Price { key, unit } => {
                for leaf in state.logged.get(key)?.keys() {
                    wanted.insert(leaf.clone(), at_list(state, leaf, *unit)?);
                }
            }
            Edit::Reprice { leaf, unit, .. } => {
                wanted.insert(leaf.clone(), at_list(state, leaf, *unit)?);
            }
            Edit::Accept { key } => accepted(state, key, &mut intervals)?,
            _ => return None,
        }
    }
    for (low, high, leaves) in intervals.into_values() {
        let unit = simplest(low, high)?;
        wanted.extend(leaves.into_iter().map(|leaf| (leaf, unit)));
    }
    Some(wanted)
}

/// The list price behind a price that the contract's factors have lowered.
fn at_list(state: &State, leaf: &Leaf, unit: Ratio) -> Option<Ratio> {
    match (state.rater.list(leaf), state.rater.ratio(leaf)) {
        _ if state.rater.is_contracted(leaf) => None,
        (Some(list), Some(now)) if list != now => unit.checked_mul(list)?.over(now),
        _ => Some(unit),
    }
}

type Intervals = BTreeMap<LedgerKey, (Ratio, Ratio, Vec<Leaf>)>;

/// What one unit cost on the bill where the book has no price, as narrow as all days make it.
fn accepted(state: &State, key: &BillKey, intervals: &mut Intervals) -> Option<()> {
    key.meter?;
    let bill = state.bill(key);
    let mut without: BTreeMap<&Leaf, i128> = BTreeMap::new();
    let (mut amount, mut alone) = (bill.amount, true);
    for (leaf, quantity) in state.logged.get(key)? {
        match state.rater.ratio(leaf) {
            Some(unit) => {
                amount -= crate::rate::amount(unit, *quantity).ok()?;
                alone = false;
            }
            None => {
                without.insert(leaf, *quantity);
            }
        }
    }
    let logged: i128 = without.values().sum();
    let count = quantity::billed(state, key).filter(|_| alone).map_or(logged, |(count, _)| count);
    let side = |amount: Money| Ratio::quotient(amount.pico(), count)?.checked_mul(Ratio::new(1, ONE)?);
    let (low, high) = (side(amount - bill.bound)?, side(amount + bill.bound)?);
    for leaf in without.into_keys() {
        let entry = intervals.entry(own_key(leaf, None)).or_insert((low, high, Vec::new()));
        (entry.0, entry.1) = (later(entry.0, low), earlier(entry.1, high));
        entry.2.push(leaf.clone());
    }
    Some(())
}

/// One factor below one on every price that the edits changed.
pub fn discount(state: &State, edits: &[Edit]) -> Option<Discount> {
    let (mut factor, mut leaves): (Option<Ratio>, BTreeSet<&Leaf>) = (None, BTreeSet::new());
    for edit in edits {
        let parts: Vec<(&Leaf, Ratio)> = match edit {
            Edit::Reprice { leaf, unit, .. } => vec![(leaf, *unit)],
            Edit::Price { key, unit } => state.logged.get(key)?.keys().map(|leaf| (leaf, *unit)).collect(),
            // A term has no end of its own; one that has ended needs its contract.
            Edit::Factor { days, .. } if days.last < state.period.last => return None,
            Edit::Factor { account, factor, days } => {
                let leaves = state.logged.values().flat_map(|leaves| leaves.keys());
                let leaves = leaves.filter(|leaf| leaf.account == *account && days.contains(leaf.day));
                leaves
                    .filter_map(|leaf| Some((leaf, state.rater.ratio(leaf)?.checked_mul(*factor)?)))
                    .collect()
            }
            _ => return None,
        };
        for (leaf, unit) in parts {
            let now = state.rater.ratio(leaf)?;
            let ratio = unit.over(now)?;
            if *factor.get_or_insert(ratio) != ratio {
                return None;
            }
            leaves.insert(leaf);
        }
    }
    let (factor, first) = (factor?, leaves.first()?);
    let off = Ratio::new(factor.denominator().checked_sub(factor.numerator())?, factor.denominator())?;
    let percent = off.checked_mul(Ratio::new(100, 1)?)?;
    let (account, from) = (&first.account, leaves.iter().map(|leaf| leaf.day).min()?);
    // Two percentages of one contract would have to say which comes first.
    if !of_everybody(state, edits) {
        return None;
    }
    let agreed = state.rater.book.terms().iter().any(|term| *term.seller == *account.provider);
    let written =
        percent.numerator() > 0 && 10_000 % percent.denominator() == 0 && percent.denominator() <= 100;
    if agreed || !written || leaves.iter().any(|leaf| leaf.account != *account) {
        return None;
    }
    let after = |leaf: &&Leaf| leaf.account == *account && leaf.day >= from;
    let used: Vec<&Leaf> = state.logged.values().flat_map(|leaves| leaves.keys()).filter(after).collect();
    // The term lasts: usage after the first day that keeps its price tells its limits apart, by model or by meter.
    let kept: Vec<&&Leaf> = used
        .iter()
        .filter(|leaf| !leaves.contains(*leaf) && leaf.meter.is_token() && has_price(state, leaf))
        .collect();
    let models: BTreeSet<Arc<str>> = leaves.iter().map(|leaf| leaf.model.clone()).collect();
    let meters: BTreeSet<Meter> = leaves.iter().map(|leaf| leaf.meter).collect();
    let models = if kept.is_empty() { BTreeSet::new() } else { models };
    let meters = if kept.iter().any(|leaf| models.contains(&leaf.model))
        || meters.iter().any(|meter| !meter.is_token())
    {
        meters
    } else {
        BTreeSet::new()
    };
    Some(Discount { account: account.clone(), from, percent, models, meters })
}

fn has_price(state: &State, leaf: &Leaf) -> bool {
    state.rater.ratio(leaf).is_some_and(|unit| !unit.is_zero())
}
