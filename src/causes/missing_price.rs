//! Missing prices: usage and bill agree that it was used, and the book has no row for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Fact, Fix, Patch, Scope, Status, noise};
use crate::error::Result;
use crate::money::{Money, ONE, Ratio};
use crate::period::Day;
use crate::pricebook::NoPrice;
use crate::rate::{Account, Leaf};
use crate::reconcile::quantity::Known;
use crate::reconcile::{BillKey, Edit, State, quantity};
use crate::vocabulary::{Meter, Tier};

/// Days on which usage that is billed together with priced usage must cost the same a unit.
const DAYS: usize = 3;
/// A day with few rows may be so many times as noisy as the account.
const NOISIER: i128 = 4;

/// A key with usage that has no price.
struct Lack {
    key: BillKey,
    /// One leaf without a price, for the draft of a row.
    leaf: Leaf,
    /// How much of such usage, and what the bill has for it.
    count: i128,
    amount: Money,
    /// How far the amount may be off by rounding and by noise in what is billed with it.
    bound: i128,
    /// Usage with a price is billed under the same key.
    mixed: bool,
}

/// Usage and bill agree that it was used; the book has no price for it.
pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut found: BTreeMap<(Account, Arc<str>, &'static str), Vec<Lack>> = BTreeMap::new();
    for key in state.logged.keys().filter(|key| state.open.contains(&key.cell)) {
        if let Some(model) = key.cell.model.clone()
            && let Some((cause, lack)) = lack(state, key)?
        {
            found.entry((key.cell.account.clone(), model, cause)).or_default().push(lack);
        }
    }
    let mut patches = Vec::new();
    for ((account, model, cause), mut lacks) in found {
        keep_one_price(&mut lacks);
        if !lacks.is_empty() {
            patches.push(missing_patch(state, &account, &model, cause, lacks));
        }
    }
    Ok(patches)
}

fn lack(state: &State, key: &BillKey) -> Result<Option<(&'static str, Lack)>> {
    let bill = state.bill(key);
    if bill.lines == 0 || bill.amount.is_zero() || state.accepted.contains(key) {
        return Ok(None);
    }
    let leaves = &state.logged[key];
    let (mut reasons, mut count, mut first) = (Vec::new(), 0i128, None);
    for (leaf, quantity) in leaves {
        if state.unit(key, leaf).is_none() {
            reasons.extend(state.rater.unit(leaf).err());
            count += quantity;
            first.get_or_insert(leaf);
        }
    }
    let Some(leaf) = first.filter(|_| count > 0) else { return Ok(None) };
    // The book has the prices; a row more would not help.
    if reasons.contains(&NoPrice::Hourly) {
        return Ok(None);
    }
    let cause =
        if reasons.contains(&NoPrice::UnknownModel) { "rate.missing_model" } else { "rate.missing_class" };
    let logged = state.logged_quantity(key);
    // Where the provider counts another quantity, part of the amount is not the missing price's.
    let counted = quantity::billed(state, key).filter(|(_, known)| *known != Known::Implied);
    let near = |billed: i128| (billed - logged).abs() <= NOISIER * quantity::slack(state, logged);
    if !counted.is_none_or(|(billed, _)| near(billed)) {
        return Ok(None);
    }
    let mixed = reasons.len() < leaves.len();
    let amount = bill.amount - state.priced(key)?;
    if !mixed {
        count = counted.map_or(count, |(billed, _)| billed);
    }
    let bound = bill.bound.pico() + leaves.len() as i128 + noise::share(state.noise, bill.amount.pico());
    let leaf = leaf.clone();
    Ok(Some((cause, Lack { key: key.clone(), leaf, count, amount, bound, mixed })))
}

/// Where priced usage is billed under the same key, what the bill has beyond it must be one price on every day: that of the
/// median.
fn keep_one_price(lacks: &mut Vec<Lack>) {
    let price = |a: &&Lack, b: &&Lack| (a.amount.pico() * b.count).cmp(&(b.amount.pico() * a.count));
    let mut mixed: Vec<&Lack> = lacks.iter().filter(|lack| lack.mixed).collect();
    mixed.sort_by(price);
    let Some((amount, count)) = mixed.get(mixed.len() / 2).map(|lack| (lack.amount.pico(), lack.count))
    else {
        return;
    };
    let holds = |lack: &Lack| {
        let off = (lack.amount.pico() * count - amount * lack.count).abs();
        amount > 0 && off <= lack.bound * count && lack.amount.pico() > 4 * lack.bound
    };
    let held = mixed.iter().filter(|lack| holds(lack)).count();
    let enough = held >= DAYS && held * 3 >= mixed.len() * 2;
    lacks.retain(|lack| !lack.mixed || (enough && holds(lack)));
}

fn missing_patch(
    state: &State,
    account: &Account,
    model: &Arc<str>,
    cause: &'static str,
    lacks: Vec<Lack>,
) -> Patch {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let mut sums: BTreeMap<(Meter, Tier), (Money, i128, Leaf)> = BTreeMap::new();
    let mut origin = String::new();
    let mut mixed = 0;
    for Lack { key, leaf, count, amount, mixed: among, .. } in &lacks {
        scope.cover(&key.cell);
        scope.meters.insert(leaf.meter);
        scope.tiers.extend(key.tier);
        mixed += usize::from(*among);
        if origin.is_empty() {
            origin = state.bill(key).origin.to_string();
        }
        let entry = sums.entry((leaf.meter, leaf.tier)).or_insert((Money::ZERO, 0, leaf.clone()));
        entry.0 += *amount;
        entry.1 += count;
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
    if mixed > 0 {
        facts.push(Fact::new("days on which what is billed beside priced usage has this price", mixed));
    }
    let what = if cause == "rate.missing_model" { "the model" } else { "these meters" };
    Patch {
        name: format!("missing price {cause} {account:?} {model}"),
        cause,
        status: if mixed > 0 { Status::Probable } else { Status::Proven },
        scope,
        edits: lacks.into_iter().map(|lack| Edit::Accept { key: lack.key }).collect(),
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
