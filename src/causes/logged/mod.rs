//! The first bridge, logged → priced: what the log itself proves about the gateway's own figure.
//!
//! Rows that are no provider calls leave with the cost the gateway gave them. For the rest, the gateway's cost is
//! re-priced with one of its known mistakes; a mistake is named only where it reproduces the logged cost, on enough
//! days, and with its rivals where others reproduce the same rows.

mod alone;
mod beneath;
mod choices;
mod decide;
mod figure;
mod finding;
mod number;
mod parents;
mod recorded;
#[cfg(test)]
mod tests;
mod twofold;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fact, Fix, Scope, Status};
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::rate::{self, Account, DayUsage, Leaf, Rater};
use crate::reconcile::CellKey;
use crate::vocabulary::{Meter, Outcome, Tier};
use alone::{Beside, by_itself};
use beneath::Marked;
use choices::{Choice, Known};
use decide::{Decided, Ground, Open, Story, decide};
use figure::Figure;
use finding::Draft;
use twofold::{Likely, Places, Shifted};

/// A finding of the first bridge, with `priced − logged` by cell.
#[derive(Debug, Clone)]
pub struct LoggedFinding {
    pub cause: &'static str,
    pub status: Status,
    pub scope: Scope,
    pub cells: BTreeMap<CellKey, Money>,
    pub facts: Vec<Fact>,
    pub rivals: Vec<String>,
    pub decides: Option<String>,
    pub fix: Option<Fix>,
}

/// One model-day of the first bridge.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoggedCell {
    pub logged: Money,
    pub priced: Money,
    pub unexplained: Money,
}

pub struct LoggedBridge {
    pub findings: Vec<LoggedFinding>,
    pub cells: BTreeMap<CellKey, LoggedCell>,
}

/// Rows with one finding: its cause, and the model where it is a model's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    cause: &'static str,
    status: Status,
    rivals: Vec<&'static str>,
    /// `None` for causes that speak of rows, whoever pays for them.
    account: Option<Account>,
    model: Option<Arc<str>>,
}

impl Named {
    fn new(cause: &'static str, status: Status, rivals: Vec<&'static str>, row: &DayUsage) -> Named {
        Named {
            cause,
            status,
            rivals,
            account: (!OF_ANY_ACCOUNT.contains(&cause)).then(|| row.account.clone()),
            model: (!OF_ANY_ACCOUNT.contains(&cause) && !OF_ANY_MODEL.contains(&cause))
                .then(|| row.model.clone()),
        }
    }
}

type Drafts = BTreeMap<Named, Draft>;

/// A row whose cost is not ours, still without a reason.
struct Difference<'a> {
    row: &'a DayUsage,
    cell: CellKey,
    amount: Money,
    /// Its fees that are billed in cells of their own.
    fees: Vec<(CellKey, Money)>,
}

/// Walks every day row once. `cell_of` gives the cell that a leaf is compared in, `not_billed` the cells of which the bill
/// was found to leave failed calls out. A row whose per-call fees are billed
/// in a cell of their own has that part of its cost there, as the book prices it; the rest, and any difference, stays
/// with its tokens.
pub fn bridge(
    usage: &[DayUsage],
    rater: &Rater,
    cell_of: impl Fn(&Leaf) -> CellKey,
    not_billed: &BTreeSet<CellKey>,
) -> Result<LoggedBridge> {
    let priced: BTreeSet<(&Account, &Arc<str>)> = usage
        .iter()
        .filter(|row| row.outcome == Outcome::Success && !row.sums.logged.is_zero())
        .map(|row| (&row.account, &row.model))
        .collect();
    let mut drafts = Drafts::new();
    let mut cells: BTreeMap<CellKey, LoggedCell> = BTreeMap::new();
    let mut counted: BTreeMap<Leaf, i128> = BTreeMap::new();
    let mut open: BTreeMap<Account, Vec<Difference>> = BTreeMap::new();
    for row in usage {
        let cell = cell_of(&row.leaf(Meter::Input));
        let (mut logged, mut ours, mut complete) = (row.sums.logged, Money::ZERO, true);
        let mut fees = Vec::new();
        for (leaf, count) in row.leaves().filter(|_| row.outcome.is_billable()) {
            let Some(unit) = rater.ratio(&leaf) else {
                complete = false;
                continue;
            };
            let amount = part(&mut counted, &leaf, unit, count)?;
            let home = cell_of(&leaf);
            if home == cell {
                ours += amount;
            } else {
                let shared = cells.entry(home.clone()).or_default();
                shared.logged += amount;
                shared.priced += amount;
                logged -= amount;
                fees.push((home, amount));
            }
        }
        let sums = cells.entry(cell.clone()).or_default();
        sums.logged += logged;
        sums.priced += ours;
        let amount = ours - logged;
        if amount.is_zero() {
            continue;
        }
        // A row without a cost says nothing of the gateway's prices: absent is not zero.
        if row.sums.logged_rows == 0 {
            sums.unexplained += amount;
            continue;
        }
        let beside = Beside {
            priced: priced.contains(&(&row.account, &row.model)),
            not_billed: not_billed.contains(&cell),
        };
        match by_itself(rater, row, amount, complete, beside) {
            Some((cause, what, status)) => {
                let named = Named::new(cause, status, Vec::new(), row);
                drafts.entry(named).or_default().add(&[what.to_owned()], row, &cell, amount);
            }
            // The book has the price of every hour; which hour it was is what the log does not say.
            None if !complete && has_no_hour(rater, row) => sums.unexplained += amount,
            None => {
                open.entry(row.account.clone()).or_default().push(Difference { row, cell, amount, fees });
            }
        }
    }
    let mut known = Known::new(usage);
    for differences in open.into_values() {
        explain(rater, &mut known, usage, &differences, &mut drafts, &mut cells)?;
    }
    let findings = drafts.into_iter().map(|(named, draft)| draft.close(&named)).collect();
    Ok(LoggedBridge { findings, cells })
}

/// Causes that speak of rows, whatever account and model they name.
const OF_ANY_ACCOUNT: [&str; 6] = [
    "qty.duplicate",
    "qty.partial_snapshot",
    "qty.failed_priced",
    "qty.retry_unlogged",
    "qty.gateway_cache_priced",
    "round.float",
];
/// Causes that speak of an account, whatever model.
const OF_ANY_MODEL: [&str; 7] = [
    "rate.missing_model",
    "rate.platform_twin",
    "rate.unit_scale",
    "unit.minor_currency",
    "map.cost_field_misread",
    "terms.discount",
    "terms.internal_margin",
];

/// A row's part of its leaf's amount. A leaf is rounded once; where its unit price has no end in 12 decimals, the rows
/// that share it take what each adds to the rounded sum.
fn part(counted: &mut BTreeMap<Leaf, i128>, leaf: &Leaf, unit: Ratio, count: i128) -> Result<Money> {
    if unit.amount(1).is_ok_and(|(_, rounded)| !rounded) {
        return rate::amount(unit, count);
    }
    let before = counted.get(leaf).copied().unwrap_or(0);
    counted.insert(leaf.clone(), before + count);
    Ok(rate::amount(unit, before + count)? - rate::amount(unit, before)?)
}

fn has_no_hour(rater: &Rater, row: &DayUsage) -> bool {
    row.leaves().any(|(leaf, _)| rater.unit(&leaf).err() == Some(crate::pricebook::NoPrice::Hourly))
}

/// Binary floats in the log: each row is off by at most one step of 10⁻¹² after reading, plus one for our rounding.
fn float_noise(row: &DayUsage) -> Money {
    Money::from_pico(i128::from(row.sums.logged_rows) + 1)
}

/// Names what the account's open rows have in common, and what is left beneath a mark-up; the others stay unexplained.
fn explain(
    rater: &Rater,
    known: &mut Known,
    usage: &[DayUsage],
    differences: &[Difference],
    drafts: &mut Drafts,
    cells: &mut BTreeMap<CellKey, LoggedCell>,
) -> Result<()> {
    let rows: Vec<&DayUsage> = differences.iter().map(|difference| difference.row).collect();
    let likely = likely(rater, known, &rows)?;
    let mut stories = open(rater, known, &likely, &rows)?;
    parents::mark(&mut stories, &rows, usage);
    let mut decided = decide(&stories);
    let marked = beneath::marked(differences, &decided);
    let bare: Vec<&DayUsage> = marked.iter().map(|marked| &marked.row).collect();
    let likely_bare = self::likely(rater, known, &bare)?;
    let mut stories = open(rater, known, &likely_bare, &bare)?;
    // One factor is told already.
    stories.iter_mut().for_each(|row| row.stories.retain(|story| story.ground != Ground::Number));
    let below = decide(&stories);
    let mut seen: Vec<(&DayUsage, &Decided)> =
        decided.iter().map(|(at, decision)| (rows[*at], decision)).collect();
    seen.extend(below.iter().map(|(at, decision)| (bare[*at], decision)));
    let places = twofold::places(rater, &[&likely, &likely_bare], &seen)?;
    let mark_of: BTreeMap<usize, &Marked> = marked.iter().map(|marked| (marked.at, marked)).collect();
    // What is told of rows that are open by themselves: beneath a mark-up, and of two mistakes.
    let mut told: BTreeMap<usize, Vec<(Decided, Money)>> = BTreeMap::new();
    for (mark, decision) in below {
        let Marked { at, .. } = marked[mark];
        let [_, beneath] = marked[mark].parts(&differences[at]);
        told.insert(at, vec![(decision, beneath.amount)]);
    }
    let left: Vec<(usize, &DayUsage)> = (0..rows.len())
        .filter(|at| !decided.contains_key(at) && !told.contains_key(at))
        .filter(|at| differences[*at].fees.is_empty())
        .map(|at| (at, mark_of.get(&at).map_or(rows[at], |marked| &marked.row)))
        .collect();
    told.extend(twofold(rater, known, &left, |at| mark_of.contains_key(&at), &places)?);
    for (index, difference) in differences.iter().enumerate() {
        if let Some(decision) = decided.remove(&index) {
            settle(rater, decision, difference, drafts, cells)?;
            continue;
        }
        let Some(parts) = told.remove(&index) else {
            cells.entry(difference.cell.clone()).or_default().unexplained += difference.amount;
            continue;
        };
        let mut row = difference.row;
        if let Some(marked) = mark_of.get(&index) {
            let [own, _] = marked.parts(difference);
            settle(rater, marked.decision.clone(), &own, drafts, cells)?;
            row = &marked.row;
        }
        for (decision, amount) in parts {
            let part = Difference { row, cell: difference.cell.clone(), amount, fees: Vec::new() };
            settle(rater, decision, &part, drafts, cells)?;
        }
    }
    Ok(())
}

/// What the place of other rows and one mistake more make of rows that are left, by their index. Of a row with a mark-up one
/// factor is told already.
fn twofold(
    rater: &Rater,
    known: &Known,
    left: &[(usize, &DayUsage)],
    has_mark: impl Fn(usize) -> bool,
    places: &Places,
) -> Result<BTreeMap<usize, Vec<(Decided, Money)>>> {
    let shifted = twofold::shifted(left, places);
    let there: Vec<&DayUsage> = shifted.iter().map(|shifted| &shifted.row).collect();
    let mut stories = open(rater, known, &BTreeMap::new(), &there)?;
    for (row, shifted) in stories.iter_mut().zip(&shifted) {
        let marked = has_mark(shifted.at);
        row.stories.retain(|story| story.contract && !(marked && story.ground == Ground::Number));
    }
    let mut told = BTreeMap::new();
    for (position, mistake) in decide(&stories) {
        let Shifted { at, before, row, decision } = &shifted[position];
        if let Some([place, rest]) = twofold::parts(rater, before, row, &mistake)? {
            told.entry(*at).or_insert(vec![(decision.clone(), place), (mistake, rest)]);
        }
    }
    Ok(told)
}

/// What the rows of each model may have been priced by.
fn likely(rater: &Rater, known: &mut Known, rows: &[&DayUsage]) -> Result<Likely> {
    let mut models: BTreeMap<&Arc<str>, Vec<&DayUsage>> = BTreeMap::new();
    for row in rows {
        models.entry(&row.model).or_default().push(row);
    }
    let of_model = |(model, rows): (&Arc<str>, Vec<&DayUsage>)| {
        Ok((model.clone(), likely_choices(rater, known, &rows)?))
    };
    models.into_iter().map(of_model).collect()
}

/// Every row with the stories that reproduce it.
fn open(rater: &Rater, known: &Known, likely: &Likely, rows: &[&DayUsage]) -> Result<Vec<Open>> {
    let none = BTreeSet::new();
    let open = |row: &&DayUsage| {
        let stories = stories(rater, known, row, likely.get(&row.model).unwrap_or(&none))?;
        Ok(Open { day: row.day, model: row.model.clone(), stories, may_be_sum: false })
    };
    rows.iter().map(open).collect()
}

/// Rows of one model that are asked for every choice the book offers. The other rows are asked for what fits one of
/// these: what holds on fewer than one row in so many is not found.
const ASKED: usize = 32;

fn likely_choices(rater: &Rater, known: &mut Known, rows: &[&DayUsage]) -> Result<BTreeSet<Choice>> {
    let mut likely = BTreeSet::new();
    let step = rows.len().div_ceil(ASKED).max(1);
    for row in rows.iter().step_by(step) {
        for choice in known.offers(rater.book, row).iter() {
            if likely.contains(choice) {
                continue;
            }
            for contract in ways(rater, row)? {
                for figure in choice.figures(rater, row)? {
                    if fits(rater, row, contract, &figure)? {
                        likely.insert(choice.clone());
                    }
                }
            }
        }
    }
    Ok(likely)
}

/// A gateway rarely knows the contract: where there is one, every mistake can be one at list prices.
fn ways(rater: &Rater, row: &DayUsage) -> Result<Vec<bool>> {
    let plain = Figure::of(row);
    Ok(if plain.cost(rater, true)? == plain.cost(rater, false)? { vec![true] } else { vec![true, false] })
}

fn fits(rater: &Rater, row: &DayUsage, contract: bool, figure: &Figure) -> Result<bool> {
    let noise = float_noise(row) + figure.rounding();
    let cost = figure.cost(rater, contract)?;
    Ok(cost.is_some_and(|cost| (cost - row.sums.logged).abs() <= noise))
}

/// Every story that reproduces the row's cost.
fn stories(rater: &Rater, known: &Known, row: &DayUsage, likely: &BTreeSet<Choice>) -> Result<Vec<Story>> {
    let mut found: BTreeSet<Story> = BTreeSet::new();
    let plain = Figure::of(row);
    for contract in ways(rater, row)? {
        let fits = |figure: &Figure| fits(rater, row, contract, figure);
        let story = |ground, cause, what: String| Story { ground, contract, cause, what, factor: None };
        if !contract && fits(&plain)? {
            let what = "the gateway priced at list, without the contract";
            found.insert(story(Ground::Recorded, "terms.discount", what.to_owned()));
            continue;
        }
        if let Some(before) = &row.as_logged
            && fits(&Figure::of(before))?
        {
            let what = "the gateway priced the traffic as it logged it, without what the books say of it";
            // The books say so: no other reading is looked for.
            return Ok(vec![story(Ground::Recorded, declared(row, before), what.to_owned())]);
        }
        for mistake in recorded::MISTAKES {
            if let Some(figure) = (mistake.figure)(row)
                && fits(&figure)?
            {
                found.insert(story(Ground::Recorded, mistake.cause, mistake.what.to_owned()));
            }
        }
        for (cause, what, figure) in recorded::looked_up(rater, row, known) {
            if fits(&figure)? {
                found.insert(story(Ground::Recorded, cause, what));
            }
        }
        for choice in likely {
            for figure in choice.figures(rater, row)? {
                if fits(&figure)? {
                    let (cause, what) = choice.story(rater, row)?;
                    found.insert(story(Ground::Book, cause, what));
                }
            }
        }
        if let Some(price) = plain.cost(rater, contract)? {
            found.extend(number::stories(row, price, float_noise(row) + plain.rounding(), contract));
        }
    }
    Ok(found.into_iter().collect())
}

/// The cause of a difference between a row and what a rule of the books made of it.
fn declared(row: &DayUsage, before: &DayUsage) -> &'static str {
    match () {
        () if row.model != before.model => "map.alias_repointed",
        () if row.region != before.region => "rate.region_uplift",
        () if row.tier == Tier::Batch && row.tier != before.tier => "rate.batch",
        () if row.tier != before.tier => "rate.service_tier",
        () if row.sums.meters.get(Meter::Input) != before.sums.meters.get(Meter::Input) => {
            "cls.cache_read_as_input"
        }
        () if row.sums.meters != before.sums.meters => "rate.cache_ttl",
        () => "rate.context_band",
    }
}

/// Books a decided row. Where the gateway priced at list, what the contract makes of it is a part of its own; fees that
/// it left out are missing in the cells they are billed in.
fn settle(
    rater: &Rater,
    decision: Decided,
    difference: &Difference,
    drafts: &mut Drafts,
    cells: &mut BTreeMap<CellKey, LoggedCell>,
) -> Result<()> {
    let Decided { cause, whats, contract, status, rivals, .. } = decision;
    let (row, cell, mut amount) = (difference.row, &difference.cell, difference.amount);
    let plain = Figure::of(row);
    let agreed =
        match (contract || cause == "terms.discount", plain.cost(rater, true)?, plain.cost(rater, false)?) {
            (false, Some(ours), Some(list)) => ours - list,
            _ => Money::ZERO,
        };
    let mut book = |cause, status, rivals, whats: &[String], cell: &CellKey, amount: Money| {
        let named = Named::new(cause, status, rivals, row);
        drafts.entry(named).or_default().add(whats, row, cell, amount);
    };
    if whats.iter().any(|what| what == recorded::NO_FEES) {
        for (home, fee) in &difference.fees {
            cells.entry(home.clone()).or_default().logged -= *fee;
            cells.entry(cell.clone()).or_default().logged += *fee;
            amount -= *fee;
            book(cause, status, rivals.clone(), &whats, home, *fee);
        }
    }
    if !(amount - agreed).is_zero() {
        book(cause, status, rivals, &whats, cell, amount - agreed);
    }
    if !agreed.is_zero() {
        let what = "the gateway priced at list, without the contract".to_owned();
        book("terms.discount", Status::Exact, Vec::new(), &[what], cell, agreed);
    }
    Ok(())
}
