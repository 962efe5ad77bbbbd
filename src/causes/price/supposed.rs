//! New prices of a model on which something else is wrong too: they show on the days, or with the owners, that have nothing
//! else, and what is else shows once they are told.
//!
//! Which they are is only supposed: the account is explained once more with them told first, and that is kept where it is
//! shorter to write down.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::series::{Point, Series, runs_of, series};
use super::{Run, is_price, less_or_equal, ratio_of, row_to_confirm, tested};
use crate::causes::missing_price::draft_row;
use crate::causes::{Claim, Fact, Patch, Scope, Status, everywhere, fitted, modifiers, noise};
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::period::{Day, Period};
use crate::rate::{Account, Leaf};
use crate::reconcile::{Edit, NewPrice, State};
use crate::vocabulary::Meter;

/// Models of an account beyond which there is too much else to suppose.
const MODELS: usize = 6;
/// Prices of one model that are supposed in turn: those seen on the most days.
const MOST: usize = 3;

/// Prices of one model, as seen by someone on some days.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::causes) struct Seen {
    pub ratios: BTreeMap<Meter, Ratio>,
    pub days: BTreeSet<Day>,
}

/// Days on which someone paid the book's price, by model and meter. A price is everybody's.
type AtBook = BTreeMap<(Arc<str>, Meter), Vec<Point>>;

impl Seen {
    /// What both saw, if they agree.
    fn join(&mut self, other: &Seen) -> bool {
        let agree =
            other.ratios.iter().all(|(meter, ratio)| self.ratios.get(meter).is_none_or(|own| own == ratio));
        if agree {
            self.ratios.extend(&other.ratios);
            self.days.extend(&other.days);
        }
        agree
    }
}

/// The prices to suppose, one set after another: those that show where all is told but prices, and those that show where
/// nothing is told but what is about everything. `state`: before any claim.
pub fn suppositions(state: &State, account: &Account, claims: &[Claim]) -> Result<Vec<Vec<NewPrice>>> {
    let with = |tells: fn(&Claim) -> bool| -> Result<State> {
        let mut state = state.clone();
        for claim in claims.iter().filter(|claim| tells(claim)) {
            state.apply(&claim.patch.edits)?;
        }
        Ok(state)
    };
    let all = with(|claim| !is_of_prices(claim))?;
    let open = open_days(&all, account)?;
    if open.is_empty() || open.len() > MODELS {
        return Ok(Vec::new());
    }
    let mut models = seen_in(&all, account, &open)?;
    if claims.iter().any(|claim| !is_of_prices(claim) && !everywhere::is(claim)) {
        let bare = with(everywhere::is)?;
        for (model, seen) in seen_in(&bare, account, &open_days(&bare, account)?)? {
            models.entry(model).or_default().extend(seen);
        }
    }
    let mut sets: Vec<Vec<NewPrice>> = vec![Vec::new(); MOST];
    for (model, seen) in models {
        let mut known = BTreeSet::new();
        let new = seen.into_iter().filter(|(seen, _)| known.insert(seen.ratios.clone()));
        for (set, (seen, days)) in sets.iter_mut().zip(new) {
            let price = |(meter, ratio)| NewPrice {
                account: account.clone(),
                model: model.clone(),
                meter,
                days,
                ratio,
            };
            set.extend(seen.ratios.into_iter().map(price));
        }
    }
    sets.retain(|set| !set.is_empty());
    Ok(sets)
}

/// By model, new prices that a state shows and nobody refutes, those of the most days first.
fn seen_in(
    state: &State,
    account: &Account,
    open: &BTreeMap<Arc<str>, BTreeSet<Day>>,
) -> Result<BTreeMap<Arc<str>, Vec<(Seen, Period)>>> {
    let asked = |model: &Arc<str>| open.contains_key(model);
    let (by_meter, at_book) = by_meter(state, asked)?;
    let mut models: BTreeMap<Arc<str>, Vec<Seen>> = BTreeMap::new();
    for (model, seen) in by_meter.into_iter().chain(fitted::by_day(state, account, asked)?) {
        models.entry(model).or_default().push(seen);
    }
    let holding = |(model, seen): (Arc<str>, Vec<Seen>)| {
        let open = open.get(&model)?;
        let days = |seen: Seen| Some((around(&seen.days, open, &refuted(&model, &seen, &at_book))?, seen));
        Some((
            model.clone(),
            joined(seen).into_iter().filter_map(days).map(|(days, seen)| (seen, days)).collect(),
        ))
    };
    Ok(models.into_iter().filter_map(holding).collect())
}

/// By model, the days on which a cell is open.
fn open_days(state: &State, account: &Account) -> Result<BTreeMap<Arc<str>, BTreeSet<Day>>> {
    let mut open: BTreeMap<Arc<str>, BTreeSet<Day>> = BTreeMap::new();
    for cell in state.open.iter().filter(|cell| cell.account == *account && cell.first == cell.last) {
        let Some(model) = &cell.model else { continue };
        let sides = state.sides_of(cell);
        let noise = noise::share(state.noise, state.billed_of(&sides).pico());
        if state.delta_of(&sides)?.abs() > state.bound_of(&sides) + Money::from_pico(noise) {
            open.entry(model.clone()).or_default().insert(cell.first);
        }
    }
    Ok(open)
}

/// Those that agree are one; those of the most days first.
fn joined(mut seen: Vec<Seen>) -> Vec<Seen> {
    seen.sort_by_key(|seen| (std::cmp::Reverse(seen.days.len()), seen.ratios.len()));
    let mut joined: Vec<Seen> = Vec::new();
    for seen in seen {
        if !joined.iter_mut().any(|known| known.join(&seen)) {
            joined.push(seen);
        }
    }
    joined.sort_by_key(|seen| std::cmp::Reverse(seen.days.len()));
    joined
}

/// The days on which someone paid what the book says and these prices do not.
fn refuted(model: &Arc<str>, seen: &Seen, at_book: &AtBook) -> BTreeSet<Day> {
    let mut days = BTreeSet::new();
    for (meter, ratio) in &seen.ratios {
        let points = at_book.get(&(model.clone(), *meter)).into_iter().flatten();
        let differs = |point: &&Point| point.unit.checked_mul(*ratio).is_some_and(|unit| !point.holds(unit));
        days.extend(points.filter(differs).map(|point| point.key.cell.first));
    }
    days
}

/// The days that were seen, those between, and open days beside them; `None` where one of them is refuted.
fn around(seen: &BTreeSet<Day>, open: &BTreeSet<Day>, refuted: &BTreeSet<Day>) -> Option<Period> {
    let (mut first, mut last) = (*seen.first()?, *seen.last()?);
    let may_hold = |day: &Day| open.contains(day) && !refuted.contains(day);
    while may_hold(&first.previous()) {
        first = first.previous();
    }
    while may_hold(&last.next()) {
        last = last.next();
    }
    refuted.range(first..=last).next().is_none().then_some(Period { first, last })
}

/// Prices that the amounts of single meters show, of everybody and of each owner.
fn by_meter(state: &State, asked: impl Fn(&Arc<str>) -> bool) -> Result<(Vec<(Arc<str>, Seen)>, AtBook)> {
    let (mut found, mut at_book) = (Vec::new(), AtBook::new());
    let together = state.apart.then(|| state.together());
    for state in std::iter::once(state).chain(&together) {
        let all = series(state)?;
        let mut seen: BTreeMap<(Series, Day), Seen> = BTreeMap::new();
        for (series, points) in all.iter().filter(|(series, _)| asked(&series.model)) {
            for point in points.iter().filter(|point| point.ties) {
                let of = (series.model.clone(), point.leaf.meter);
                at_book.entry(of).or_default().push(point.clone());
            }
            let runs = runs_of(points, state.noise).into_iter();
            let runs = runs.filter_map(|run| tested(state, series, points, run, &all));
            for run in runs.filter(Run::fitted) {
                let Some(ratio) = run.ratio_to_book() else { continue };
                let of_a_model = Series { meter: Meter::Input, ..series.clone() };
                let seen = seen.entry((of_a_model, run.days[0].key.cell.first)).or_default();
                seen.ratios.insert(run.days[0].leaf.meter, ratio);
                seen.days.extend(run.days.iter().map(|point| point.key.cell.first));
            }
        }
        found.extend(seen.into_iter().map(|((series, _), seen)| (series.model, seen)));
    }
    Ok((found, at_book))
}

fn is_of_prices(claim: &Claim) -> bool {
    is_price(&claim.patch.name) || fitted::is_fitted(&claim.patch.name)
}

/// One patch for each model with supposed prices.
pub fn propose(state: &State) -> Result<Vec<Patch>> {
    let mut models: BTreeMap<(&Account, &Arc<str>), Vec<&NewPrice>> = BTreeMap::new();
    for price in &state.supposed {
        models.entry((&price.account, &price.model)).or_default().push(price);
    }
    let mut patches = Vec::new();
    for ((account, model), prices) in models {
        patches.extend(patch(state, account, model, &prices)?);
    }
    Ok(patches)
}

fn patch(state: &State, account: &Account, model: &Arc<str>, prices: &[&NewPrice]) -> Result<Option<Patch>> {
    let mut scope = Scope::of(account);
    scope.models.insert(model.clone());
    let (mut facts, mut rows) = (Vec::new(), Vec::new());
    let from = prices[0].days.first;
    for price in prices {
        scope.meters.insert(price.meter);
        scope.days(price.days.first, price.days.last);
        let Some(leaf) = leaf(state, price) else { return Ok(None) };
        let book = state.rater.list(leaf);
        let unit = book.and_then(|book| book.checked_mul(price.ratio));
        let (Some(book), Some(unit), meter) = (book, unit, price.meter) else { return Ok(None) };
        facts.push(Fact::new(format!("{meter}: price in the book, per million"), book.per_million()));
        facts.push(Fact::new(format!("{meter}: price on the bill, per million"), unit.per_million()));
        facts.extend(ratio_of(unit, book).map(|ratio| Fact::new(format!("{meter}: rate ratio"), ratio)));
        rows.push(draft_row(leaf, unit, from));
    }
    let edits: Vec<Edit> = prices.iter().map(|price| Edit::NewPrice((*price).clone())).collect();
    let mut told = state.clone();
    let cells = told.apply(&edits)?.into_keys().map(|(cell, _)| cell).collect::<BTreeSet<_>>();
    let mut met = 0;
    for cell in &cells {
        met += usize::from(told.delta(cell)?.abs() <= told.rounding_bound(cell));
    }
    facts.push(Fact::new("days re-priced to the billed amount by these prices alone", met));
    facts.push(Fact::new("days on which something else is told, or left", cells.len() - met));
    facts.push(Fact::new("numbers fitted", prices.len()));
    // One ratio on everything is also a percentage off, or what a tier or region has.
    let ratios: BTreeSet<Ratio> = prices.iter().map(|price| price.ratio).collect();
    let mut rivals: Vec<&str> = Vec::new();
    if let [ratio] = Vec::from_iter(ratios)[..] {
        rivals.extend(less_or_equal(ratio, Ratio::ONE).then_some("terms.discount"));
        rivals.extend(modifiers(state.rater.book, &account.provider, ratio));
    }
    Ok(Some(Patch {
        name: format!("new prices {account:?} {model} {from}"),
        cause: "rate.stale",
        status: if rivals.is_empty() { Status::Probable } else { Status::Ambiguous },
        scope,
        edits,
        facts,
        rivals: rivals.into_iter().map(str::to_owned).collect(),
        decides: Some("the contract, or the seller's price page".to_owned()),
        fix: Some(row_to_confirm(model, from, rows.concat())),
    }))
}

/// Usage that has the price, that of the plainest kind first.
fn leaf<'s>(state: &'s State, price: &NewPrice) -> Option<&'s Leaf> {
    let leaves = state.logged.values().flat_map(|leaves| leaves.keys());
    let leaves = leaves.filter(|leaf| state.is_priced_by(leaf, price));
    leaves.min_by_key(|leaf| (leaf.tier, leaf.prompt, leaf.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: &[u32]) -> BTreeSet<Day> {
        days.iter().filter_map(|day| Day::from_ymd(2026, 10, *day)).collect()
    }

    fn seen(input: i128, output: Option<i128>, on: &[u32]) -> Seen {
        let ratio = |percent| Ratio::new(percent, 100).unwrap();
        let input = (Meter::Input, ratio(input));
        let ratios = [input].into_iter().chain(output.map(|output| (Meter::Output, ratio(output))));
        Seen { ratios: ratios.collect(), days: days(on) }
    }

    #[test]
    fn owners_that_pay_the_same_see_one_price_and_another_price_is_another() {
        let all =
            vec![seen(110, None, &[7, 8]), seen(110, Some(60), &[8, 9, 10]), seen(220, Some(120), &[11])];
        let joined = joined(all);
        assert_eq!(joined, [seen(110, Some(60), &[7, 8, 9, 10]), seen(220, Some(120), &[11])]);
    }

    #[test]
    fn a_price_holds_around_the_days_that_show_it_but_for_those_that_refute_it() {
        let around = |refuted: &[u32]| {
            let period = around(&days(&[7, 8]), &days(&[6, 7, 8, 9, 10, 12]), &days(refuted))?;
            Some((period.first, period.last))
        };
        let day = |day| Day::from_ymd(2026, 10, day).unwrap();
        assert_eq!(around(&[]), Some((day(6), day(10))), "the 11th ties out without it");
        assert_eq!(around(&[10]), Some((day(6), day(9))));
        assert_eq!(around(&[8]), None);
    }
}
