//! Missing prices: usage and bill agree that it was used, and the book has no row for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status};
use crate::error::Result;
use crate::money::{Money, ONE, Ratio};
use crate::period::Day;
use crate::pricebook::NoPrice;
use crate::rate::{Account, Leaf};
use crate::reconcile::{BillKey, Edit, State, quantity};
use crate::vocabulary::{Meter, Tier};

/// Usage and bill agree that it was used; the book has no price for it.
pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut found: BTreeMap<(Account, Arc<str>, &'static str), Vec<BillKey>> = BTreeMap::new();
    for key in state.logged.keys().filter(|key| state.open.contains(&key.cell)) {
        let Some(model) = key.cell.model.clone() else { continue };
        let bill = state.bill(key);
        if bill.lines == 0 || bill.amount.is_zero() || state.accepted.contains(key) {
            continue;
        }
        // Where the provider counts another quantity, part of the amount is not the missing price's.
        let counted = quantity::billed(state, key).map(|(count, _)| count);
        if counted.is_some_and(|count| count != state.logged_quantity(key)) {
            continue;
        }
        let reasons: Vec<NoPrice> = state.logged[key]
            .keys()
            .filter_map(|leaf| match state.unit(key, leaf) {
                Some(_) => None,
                None => state.rater.unit(leaf).err(),
            })
            .collect();
        // Where part of a key has a price, the bill's amount cannot be told apart: it stays unexplained.
        if reasons.is_empty() || reasons.len() < state.logged[key].len() {
            continue;
        }
        // The book has the prices; a row more would not help.
        if reasons.contains(&NoPrice::Hourly) {
            continue;
        }
        let cause = if reasons.contains(&NoPrice::UnknownModel) {
            "rate.missing_model"
        } else {
            "rate.missing_class"
        };
        found.entry((key.cell.account.clone(), model, cause)).or_default().push(key.clone());
    }
    Ok(found
        .into_iter()
        .map(|((account, model, cause), keys)| missing_patch(state, &account, &model, cause, keys))
        .collect())
}

fn missing_patch(
    state: &State,
    account: &Account,
    model: &Arc<str>,
    cause: &'static str,
    keys: Vec<BillKey>,
) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let mut sums: BTreeMap<(Meter, Tier), (Money, i128, Leaf)> = BTreeMap::new();
    let mut origin = String::new();
    for key in &keys {
        scope.cover(&key.cell);
        scope.meters.extend(key.meter);
        scope.tiers.extend(key.tier);
        let bill = state.bill(key);
        if origin.is_empty() {
            origin = bill.origin.to_string();
        }
        for leaf in state.logged[key].keys().take(1) {
            let count =
                quantity::billed(state, key).map_or_else(|| state.logged_quantity(key), |(count, _)| count);
            let entry = sums.entry((leaf.meter, leaf.tier)).or_insert((Money::ZERO, 0, leaf.clone()));
            entry.0 += bill.amount;
            entry.1 += count;
        }
    }
    let (mut facts, mut rows) =
        (vec![Fact::new("billed without a price in the book", model).at(origin)], Vec::new());
    for ((meter, tier), (amount, count, leaf)) in &sums {
        let unit =
            Ratio::quotient(amount.pico(), *count).and_then(|ratio| ratio.checked_mul(Ratio::new(1, ONE)?));
        facts.push(Fact::new(format!("{meter} ({tier}): {} billed", meter.unit().to_lowercase()), count));
        if let Some(unit) = unit {
            facts.push(Fact::new(format!("{meter} ({tier}): implied price per million"), unit.per_million()));
            rows.push(draft_row(leaf, unit, scope.first.unwrap_or(leaf.day)));
        }
    }
    let what = if cause == "rate.missing_model" { "the model" } else { "these meters" };
    Patch {
        name: format!("missing price {cause} {account:?} {model}"),
        cause,
        status: Status::Proven,
        scope,
        edits: keys.into_iter().map(|key| Edit::Accept { key }).collect(),
        facts,
        rivals: Vec::new(),
        decides: None,
        fix: Some(Fix {
            kind: "pricebook-row",
            text: format!(
                "add a price for {what} from the seller's price page or your contract; the implied price is a cross-check, not a source"
            ),
            patch: rows.concat(),
        }),
    }
}

/// A ledger row to complete with its source.
pub(super) fn draft_row(leaf: &Leaf, unit: Ratio, from: Day) -> String {
    let region = if leaf.region.is_empty() { "global" } else { &leaf.region };
    let cells = crate::pricebook::COLUMNS.map(|column| match column {
        "model" => leaf.model.to_string(),
        "meter" => leaf.meter.to_string(),
        "tier" => leaf.tier.to_string(),
        "ctx" => "0".to_owned(),
        "region" => region.to_owned(),
        "window" => "*".to_owned(),
        "price" => unit.per_million(),
        "per" => "1000000".to_owned(),
        "currency" => "USD".to_owned(),
        "from" | "recorded" => from.to_string(),
        "rev" => "1".to_owned(),
        "status" => "estimated".to_owned(),
        "source" => "SOURCE".to_owned(),
        _ => String::new(),
    });
    format!("{}\n", cells.join(","))
}
