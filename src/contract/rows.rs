//! The leaves of one account with their running cost, which the terms change one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Effect, ModelCost, Statement, Step};
use crate::error::{Error, Result};
use crate::money::{Money, ONE, Ratio};
use crate::pricebook::Priced;
use crate::pricebook::terms::{Shown, Term};
use crate::rate::{self, Account, Leaf, Rater};
use crate::vocabulary::PriceStatus;

/// One leaf.
pub(super) struct Row {
    pub leaf: Leaf,
    pub quantity: i128,
    /// What is still counted: free units and units of reserved capacity are not.
    pub metered: i128,
    list: Money,
    /// Cost under the terms so far.
    pub amount: Money,
    /// The part of `amount` that the bill's usage lines show.
    usage_line: Money,
    /// Covered by credits so far.
    pub drawn: Money,
    /// `None` where the book has no price.
    priced: Option<Priced>,
    /// True where the contract names the price itself.
    pub own_price: bool,
    /// The term that says what the usage costs where the book does not.
    pub decided: Option<Arc<str>>,
}

impl Row {
    /// Units whose cost nobody says: not free, unknown.
    pub fn unpriced(&self) -> i128 {
        if self.priced.is_some() || self.decided.is_some() { 0 } else { self.metered }
    }
}

pub(super) struct Rows {
    /// In time order, and within one instant in the order of leaves.
    pub rows: Vec<Row>,
    /// Fees for capacity, which minimums and commitments count as well.
    pub fees: Money,
}

impl Rows {
    /// The account's leaves at list and at their unit prices, with what the terms inside those prices did.
    pub fn new(rater: &Rater, leaves: &[(&Leaf, i128)], terms: &[&Term]) -> Result<(Rows, Vec<Effect>)> {
        let mut parts: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Money>> = BTreeMap::new();
        let mut rows = Vec::with_capacity(leaves.len());
        for (leaf, quantity) in leaves {
            let (list, priced) = (rater.book.list_price(&leaf.query()).ok(), rater.unit(leaf).ok());
            let cost = |unit: Ratio| rate::amount(unit, *quantity);
            let (mut list_amount, mut amount, mut own_price) = (Money::ZERO, Money::ZERO, false);
            if let (Some(list), Some(priced)) = (&list, &priced) {
                list_amount = cost(list.unit)?;
                amount = cost(priced.unit)?;
                own_price = list.row != priced.row;
                // Step by step, so that each factor has what it took off and the steps add up.
                let mut running = list_amount;
                let mut step = |term: &Arc<str>, next: Money| {
                    let models = parts.entry(term.clone()).or_default();
                    *models.entry(leaf.model.clone()).or_default() += next - running;
                    running = next;
                };
                if own_price {
                    step(&priced.row.to_string().into(), amount);
                } else {
                    let mut unit = list.unit;
                    for (term, factor) in priced.factors.iter().skip(list.factors.len()) {
                        unit = unit.checked_mul(*factor).ok_or_else(too_large)?;
                        step(term, cost(unit)?);
                    }
                }
            }
            rows.push(Row {
                leaf: (*leaf).clone(),
                quantity: *quantity,
                metered: *quantity,
                list: list_amount,
                amount,
                usage_line: amount,
                drawn: Money::ZERO,
                priced,
                own_price,
                decided: None,
            });
        }
        rows.sort_by(|a, b| (a.leaf.at, &a.leaf).cmp(&(b.leaf.at, &b.leaf)));
        let effects = terms.iter().filter(|term| term.in_unit_price()).map(|term| {
            let models = parts.remove(&term.id).unwrap_or_default();
            let steps = vec![Step::new("part of each unit price", term.kind.id())];
            effect(term, Shown::Usage, models.values().sum(), models, steps)
        });
        let effects = effects.collect();
        Ok((Rows { rows, fees: Money::ZERO }, effects))
    }

    /// Indices of the rows a term speaks of, in time order.
    pub fn of(&self, term: &Term) -> Vec<usize> {
        let holds = |row: &Row| term.holds(&row.leaf.model, row.leaf.meter, row.leaf.tier, row.leaf.at);
        (0..self.rows.len()).filter(|index| holds(&self.rows[*index])).collect()
    }

    /// Rows cut where their instant changes.
    pub fn instants(&self, indices: &[usize]) -> Vec<Vec<usize>> {
        let at = |index: &usize| self.rows[*index].leaf.at;
        indices.chunk_by(|a, b| at(a) == at(b)).map(<[usize]>::to_vec).collect()
    }

    /// Metered quantities, as weights.
    pub fn metered(&self, indices: &[usize]) -> Vec<u128> {
        indices.iter().map(|index| u128::try_from(self.rows[*index].metered).unwrap_or(0)).collect()
    }

    /// What a minimum or a commitment counts: contracted usage, and fees where the term is for everything.
    pub fn counted(&self, term: &Term) -> Money {
        let usage: Money = self.of(term).into_iter().map(|index| self.rows[index].amount).sum();
        if term.is_for_all_usage() { usage + self.fees } else { usage }
    }

    /// Units of each model that a term speaks of and whose cost nobody says.
    pub fn unpriced(&self, term: &Term) -> BTreeMap<Arc<str>, i128> {
        let mut units: BTreeMap<Arc<str>, i128> = BTreeMap::new();
        for row in self.of(term).into_iter().map(|index| &self.rows[index]).filter(|row| row.unpriced() > 0) {
            *units.entry(row.leaf.model.clone()).or_default() += row.unpriced();
        }
        units
    }

    /// Adds what a term did to some rows, inside the bill's usage lines or beside them.
    pub fn change(
        &mut self,
        term: &Term,
        shown: Shown,
        changes: Vec<(usize, Money)>,
        steps: Vec<Step>,
    ) -> Effect {
        let mut models: BTreeMap<Arc<str>, Money> = BTreeMap::new();
        for (index, change) in changes {
            let row = &mut self.rows[index];
            row.amount += change;
            if shown == Shown::Usage {
                row.usage_line += change;
            }
            *models.entry(row.leaf.model.clone()).or_default() += change;
        }
        effect(term, shown, models.values().sum(), models, steps)
    }

    /// Unit prices of the leaves whose usage line is not what their row says.
    pub fn prices(&self) -> Result<Vec<(Leaf, Priced)>> {
        let mut prices = Vec::new();
        for row in self.rows.iter().filter(|row| row.quantity != 0) {
            let unchanged = match &row.priced {
                Some(priced) => rate::amount(priced.unit, row.quantity)? == row.usage_line,
                None => row.decided.is_none(),
            };
            if unchanged {
                continue;
            }
            let unit = Ratio::quotient(row.usage_line.pico(), row.quantity)
                .and_then(|pico| pico.checked_mul(Ratio::new(1, ONE)?))
                .ok_or_else(too_large)?;
            let priced = row.priced.clone().unwrap_or(Priced {
                unit,
                row: crate::diagnostic::Origin::file(row.decided.clone().unwrap_or_default()),
                status: PriceStatus::Listed,
                factors: Vec::new(),
                unverified: false,
            });
            prices.push((row.leaf.clone(), Priced { unit, ..priced }));
        }
        Ok(prices)
    }

    /// The account's statement, its arithmetic computed again.
    pub fn statement(&self, account: &Account, effects: Vec<Effect>) -> Result<Statement> {
        let mut models: BTreeMap<Arc<str>, ModelCost> = BTreeMap::new();
        for row in &self.rows {
            let cost = models.entry(row.leaf.model.clone()).or_default();
            if row.priced.is_some() {
                cost.list = Some(cost.list.unwrap_or_default() + row.list);
            }
            if row.unpriced() == 0 {
                cost.contracted = Some(cost.contracted.unwrap_or_default() + row.amount);
            }
        }
        let list: Money = models.values().filter_map(|cost| cost.list).sum();
        let usage: Money = models.values().filter_map(|cost| cost.contracted).sum();
        let beside: Money =
            effects.iter().filter(|effect| effect.models.is_empty()).map(|effect| effect.amount).sum();
        let of_usage: Money = effects.iter().flat_map(|effect| effect.models.values()).sum();
        if list + of_usage != usage {
            return Err(Error::Internal(format!("the contract of {} does not foot", account.provider)));
        }
        Ok(Statement { account: account.clone(), list, usage, contracted: usage + beside, models, effects })
    }
}

pub(super) fn effect(
    term: &Term,
    shown: Shown,
    amount: Money,
    models: BTreeMap<Arc<str>, Money>,
    steps: Vec<Step>,
) -> Effect {
    Effect {
        term: term.id.clone(),
        name: term.name.clone(),
        kind: term.kind.id(),
        cause: term.kind.cause(),
        order: term.order,
        origin: term.origin.clone(),
        shown,
        line: term.line.clone(),
        amount,
        models,
        steps,
    }
}

fn too_large() -> Error {
    Error::Internal("a price of the contract is too large".to_owned())
}
