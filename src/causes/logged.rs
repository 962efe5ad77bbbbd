//! The first bridge, logged → priced: what the log itself proves about the gateway's own figure.
//!
//! Rows that are no provider calls leave with the cost the gateway gave them. For the rest, the gateway's cost is
//! re-priced with one of its known mistakes; a mistake is named only where it reproduces the logged cost.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Fact, Fix, Scope, Status};
use crate::error::Result;
use crate::money::{Money, Ratio};
use crate::rate::{self, DayUsage, Leaf, Rater};
use crate::reconcile::CellKey;
use crate::vocabulary::{Meter, Outcome, Reading, Tier};

/// A finding of the first bridge, with `priced − logged` by cell.
#[derive(Debug, Clone)]
pub struct LoggedFinding {
    pub cause: &'static str,
    pub status: Status,
    pub scope: Scope,
    pub cells: BTreeMap<CellKey, Money>,
    pub facts: Vec<Fact>,
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

/// A mistake a gateway is known to make, as the cost it would have logged.
struct Mistake {
    cause: &'static str,
    what: &'static str,
    cost: fn(&Rater, &DayUsage) -> Result<Option<Money>>,
}

static MISTAKES: &[Mistake] = &[
    Mistake {
        cause: "rate.missing_model",
        what: "the gateway had no price and logged zero",
        cost: |_, _| Ok(Some(Money::ZERO)),
    },
    Mistake {
        cause: "terms.discount",
        what: "the gateway priced at list, without the contract",
        cost: list_cost,
    },
    Mistake {
        cause: "cls.reasoning_dropped",
        what: "the gateway priced the answer without its reasoning tokens, which the record's own total shows",
        cost: |rater, row| match row.reading {
            Reading::ReasoningExclusive | Reading::BothExclusive => {
                cost(rater, row, |meter| (meter != Meter::OutputReasoning).then_some(meter))
            }
            _ => Ok(None),
        },
    },
    Mistake {
        cause: "cls.cache_double",
        what: "the gateway priced cache tokens a second time as input",
        cost: |rater, row| {
            fn cached(meter: Meter) -> bool {
                meter == Meter::CacheRead || meter.is_cache_write()
            }
            if !row.sums.meters.iter().any(|(meter, _)| cached(meter)) {
                return Ok(None);
            }
            let again = cost(rater, row, |meter| cached(meter).then_some(Meter::Input))?;
            Ok(again.zip(cost(rater, row, Some)?).map(|(again, once)| again + once))
        },
    },
    Mistake {
        cause: "cls.cache_read_as_input",
        what: "the gateway priced cache reads at the input rate",
        cost: |rater, row| {
            if row.sums.meters.get(Meter::CacheRead) == 0 {
                return Ok(None);
            }
            cost(rater, row, |meter| Some(if meter == Meter::CacheRead { Meter::Input } else { meter }))
        },
    },
    Mistake {
        cause: "rate.service_tier",
        what: "the gateway priced the standard tier although the record names another",
        cost: |rater, row| {
            if row.tier == Tier::Standard {
                return Ok(None);
            }
            cost(rater, &DayUsage { tier: Tier::Standard, ..row.clone() }, Some)
        },
    },
    Mistake {
        cause: "rate.region_uplift",
        what: "the gateway priced without the region that the record names",
        cost: |rater, row| {
            if row.region.is_empty() || &*row.region == "global" {
                return Ok(None);
            }
            cost(rater, &DayUsage { region: "global".into(), ..row.clone() }, Some)
        },
    },
    Mistake {
        cause: "cls.tool_fee",
        what: "the gateway priced tokens only, without per-call fees",
        cost: |rater, row| {
            if row.sums.meters.iter().all(|(meter, _)| meter.is_token()) {
                return Ok(None);
            }
            cost(rater, row, |meter| meter.is_token().then_some(meter))
        },
    },
];

/// Cost of a row with its meters renamed (`None` drops one); `None` when any part has no price.
fn cost(rater: &Rater, row: &DayUsage, rename: fn(Meter) -> Option<Meter>) -> Result<Option<Money>> {
    let mut sums: BTreeMap<Meter, i128> = BTreeMap::new();
    for (meter, count) in row.sums.meters.iter() {
        if let Some(meter) = rename(meter) {
            *sums.entry(meter).or_default() += i128::from(count);
        }
    }
    let mut total = Money::ZERO;
    for (meter, count) in sums {
        let Some(unit) = rater.ratio(&row.leaf(meter)) else { return Ok(None) };
        total += rate::amount(unit, count)?;
    }
    Ok(Some(total))
}

/// Cost of a row at list, where a contract makes another of it.
fn list_cost(rater: &Rater, row: &DayUsage) -> Result<Option<Money>> {
    if rater.book.terms().is_empty() {
        return Ok(None);
    }
    let mut total = Money::ZERO;
    for (leaf, count) in row.leaves() {
        let Ok(list) = rater.book.list_price(&leaf.query()) else { return Ok(None) };
        total += rate::amount(list.unit, count)?;
    }
    Ok(Some(total))
}

/// Binary floats in the log: each row is off by at most one step of 10⁻¹² after reading, plus one for our rounding.
fn float_noise(row: &DayUsage) -> Money {
    Money::from_pico(i128::from(row.sums.logged_rows) + 1)
}

/// Walks every day row once. `cell_of` gives the cell that a leaf is compared in. A row whose per-call fees are billed
/// in a cell of their own has that part of its cost there, as the book prices it; the rest, and any difference, stays
/// with its tokens.
pub fn bridge(usage: &[DayUsage], rater: &Rater, cell_of: impl Fn(&Leaf) -> CellKey) -> Result<LoggedBridge> {
    let mut book: BTreeMap<(&'static str, &'static str, Option<Arc<str>>), Open> = BTreeMap::new();
    let mut cells: BTreeMap<CellKey, LoggedCell> = BTreeMap::new();
    let mut counted: BTreeMap<Leaf, i128> = BTreeMap::new();
    for row in usage {
        let cell = cell_of(&row.leaf(Meter::Input));
        let (mut logged, mut ours, mut complete) = (row.sums.logged, Money::ZERO, true);
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
                let shared = cells.entry(home).or_default();
                shared.logged += amount;
                shared.priced += amount;
                logged -= amount;
            }
        }
        let sums = cells.entry(cell.clone()).or_default();
        sums.logged += logged;
        sums.priced += ours;
        let difference = ours - logged;
        if difference.is_zero() {
            continue;
        }
        match name(rater, row, difference, complete)? {
            Some((cause, what, status)) => {
                let model = (!matches!(
                    cause,
                    "qty.duplicate" | "qty.failed_priced" | "qty.gateway_cache_priced" | "round.float"
                ))
                .then(|| row.model.clone());
                book.entry((cause, what, model))
                    .or_insert_with(|| Open::new(what, status))
                    .add(row, &cell, difference);
            }
            None => sums.unexplained += difference,
        }
    }
    Ok(LoggedBridge {
        findings: book.into_iter().map(|((cause, ..), open)| open.close(cause)).collect(),
        cells,
    })
}

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

type Named = (&'static str, &'static str, Status);

fn name(rater: &Rater, row: &DayUsage, difference: Money, complete: bool) -> Result<Option<Named>> {
    let outcome = match row.outcome {
        Outcome::Duplicate => Some(("qty.duplicate", "rows whose id was counted before")),
        Outcome::CacheHit => {
            Some(("qty.gateway_cache_priced", "answers from the gateway's own cache, logged with a cost"))
        }
        Outcome::Failed => Some(("qty.failed_priced", "failed calls without usage, logged with a cost")),
        // No token was counted, so no provider was paid, whatever the reader made of the cost.
        Outcome::FailedWithUsage if row.sums.meters.is_zero() => {
            Some(("qty.failed_priced", "failed calls without usage, logged with a cost"))
        }
        Outcome::OtherPayer => Some(("cov.other_payer", "calls paid by the client's own credential")),
        Outcome::NotACall => Some(("inv.non_usage", "bookkeeping rows that are no model calls")),
        _ => None,
    };
    if let Some((cause, what)) = outcome {
        return Ok(Some((cause, what, Status::Proven)));
    }
    if difference.abs() <= float_noise(row) {
        return Ok(Some(("round.float", "binary floating point in the gateway's cost", Status::Proven)));
    }
    if !complete {
        let zero = row.model_unknown(rater);
        let cause = if zero { "rate.missing_model" } else { "rate.missing_class" };
        return Ok(Some((cause, "the gateway logged a cost, the book has no price", Status::Proven)));
    }
    if let Some(before) = &row.as_logged
        && let Some(would) = cost(rater, before, Some)?
        && (would - row.sums.logged).abs() <= float_noise(row)
    {
        let what = "the gateway priced the traffic as it logged it, without what the books say of it";
        return Ok(Some((declared(row, before), what, Status::Proven)));
    }
    for mistake in MISTAKES {
        if mistake.cause == "rate.missing_model"
            && (row.sums.logged_rows == 0 || !row.sums.logged.is_zero())
            && row.sums.logged_rows > 0
        {
            continue;
        }
        if let Some(would) = (mistake.cost)(rater, row)?
            && (would - row.sums.logged).abs() <= float_noise(row)
        {
            return Ok(Some((mistake.cause, mistake.what, Status::Exact)));
        }
    }
    Ok(None)
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

impl DayUsage {
    fn model_unknown(&self, rater: &Rater) -> bool {
        self.leaves()
            .any(|(leaf, _)| rater.unit(&leaf).err() == Some(crate::pricebook::NoPrice::UnknownModel))
    }
}

struct Open {
    what: &'static str,
    status: Status,
    scope: Scope,
    cells: BTreeMap<CellKey, Money>,
    rows: u64,
    logged: Money,
}

impl Open {
    fn new(what: &'static str, status: Status) -> Open {
        Open { what, status, scope: Scope::default(), cells: BTreeMap::new(), rows: 0, logged: Money::ZERO }
    }

    fn add(&mut self, row: &DayUsage, cell: &CellKey, difference: Money) {
        *self.cells.entry(cell.clone()).or_default() += difference;
        self.scope.account.get_or_insert_with(|| row.account.clone());
        self.scope.models.insert(row.model.clone());
        if !row.key.is_empty() {
            self.scope.keys.insert(row.key.clone());
        }
        self.scope.days(row.day, row.day);
        self.rows += row.sums.requests;
        self.logged += row.sums.logged;
    }

    fn close(self, cause: &'static str) -> LoggedFinding {
        let facts = vec![
            Fact::new("what", self.what),
            Fact::new("rows", self.rows),
            Fact::new("cost the gateway logged for them", self.logged),
        ];
        let text = match cause {
            "qty.duplicate" => {
                "deduplicate the export by request id; look at callback redelivery at these times"
            }
            "qty.gateway_cache_priced" => "set the cost of response-cache hits to zero in the gateway",
            "qty.failed_priced" => "do not price failed calls without usage",
            "cls.reasoning_dropped" => {
                "read `total_tokens` or add the reasoning counter to the output on this route"
            }
            "rate.missing_model" | "rate.missing_class" => "add the price where it is missing",
            "terms.discount" => {
                "give the gateway the contract's prices, or use `priced` instead of its figure"
            }
            _ => "correct the gateway's cost calculation, or use `priced` instead of its figure",
        };
        LoggedFinding {
            cause,
            status: self.status,
            scope: self.scope,
            cells: self.cells,
            facts,
            fix: (cause != "round.float").then(|| Fix {
                kind: "gateway",
                text: text.to_owned(),
                patch: String::new(),
            }),
        }
    }
}
