//! Findings of the first bridge while rows are added to them.

use std::collections::{BTreeMap, BTreeSet};

use super::{LoggedFinding, Named};
use crate::causes::{Fact, Fix, Scope};
use crate::money::Money;
use crate::period::Day;
use crate::rate::{Account, DayUsage};
use crate::reconcile::CellKey;

/// Words of one finding beyond these are counted only.
const WORDS: usize = 4;

#[derive(Default)]
pub(super) struct Draft {
    whats: BTreeSet<String>,
    scope: Scope,
    accounts: BTreeSet<Account>,
    cells: BTreeMap<CellKey, Money>,
    days: BTreeSet<Day>,
    rows: u64,
    logged: Money,
}

impl Draft {
    pub fn add(&mut self, whats: &[String], row: &DayUsage, cell: &CellKey, difference: Money) {
        self.whats.extend(whats.iter().cloned());
        *self.cells.entry(cell.clone()).or_default() += difference;
        self.accounts.insert(row.account.clone());
        self.scope.models.insert(row.model.clone());
        if !row.key.is_empty() {
            self.scope.keys.insert(row.key.clone());
        }
        self.scope.days(row.day, row.day);
        self.days.insert(row.day);
        self.rows += row.sums.requests;
        self.logged += row.sums.logged;
    }

    pub fn close(mut self, named: &Named) -> LoggedFinding {
        // Rows of several accounts are about none of them.
        if self.accounts.len() == 1 {
            self.scope.account = self.accounts.pop_first();
        }
        let more = self.whats.len().saturating_sub(WORDS);
        let mut facts: Vec<Fact> =
            self.whats.iter().take(WORDS).map(|what| Fact::new("what", what)).collect();
        if more > 0 {
            facts.push(Fact::new("other ways to put it that fit as well", more));
        }
        facts.push(Fact::new("rows with such a difference", self.rows));
        facts.push(Fact::new("days", self.days.len()));
        facts.push(Fact::new("cost the gateway logged for them", self.logged));
        let fix = fix(named.cause);
        LoggedFinding {
            cause: named.cause,
            status: named.status,
            scope: self.scope,
            cells: self.cells,
            facts,
            rivals: named.rivals.iter().map(ToString::to_string).collect(),
            decides: (!named.rivals.is_empty())
                .then(|| "the price entry and the settings the gateway used for these calls".to_owned()),
            fix: fix.map(|text| Fix { kind: "gateway", text: text.to_owned(), patch: String::new() }),
        }
    }
}

/// What to change at the gateway.
fn fix(cause: &str) -> Option<&'static str> {
    Some(match cause {
        "round.float" => return None,
        "qty.duplicate" => "deduplicate the export by request id; look at callback redelivery at these times",
        "qty.gateway_cache_priced" => "set the cost of response-cache hits to zero in the gateway",
        "qty.failed_priced" => "do not price failed calls without usage",
        "qty.retry_unlogged" => {
            "give failed attempts with tokens their cost: the provider charges what was used"
        }
        "cls.reasoning_dropped" => {
            "read `total_tokens` or add the reasoning counter to the output on this route"
        }
        "cls.reasoning_double" => "the output counter contains the reasoning tokens: do not add them again",
        "cls.reasoning_only" => "price the whole output counter, not its reasoning part",
        "cls.cache_write_lost" | "rate.missing_class" | "rate.missing_model" => {
            "add the price where it is missing"
        }
        "cls.modality" => "price audio, image and video tokens at their own rates, from the usage details",
        "cls.tool_fee" => "charge tool fees by the calls that the answer counts, not by the tools offered",
        "rate.cache_ttl" => "price cache writes by their lifetime, which the usage object splits",
        "rate.stale" => "update the gateway's price entry of this model, and date it",
        "rate.platform_twin" => "price the model at the seller that bills it, not at another one",
        "rate.unit_scale" => {
            "correct the unit of the gateway's price entry: per token, per thousand or per million"
        }
        "rate.service_tier" | "rate.batch" | "rate.speed_premium" => {
            "price the tier that served, as the answer says it"
        }
        "rate.region_uplift" => "price the region that served",
        "rate.context_band" => {
            "price the whole request at the rate of its prompt size, as the seller does now"
        }
        "map.fuzzy_match" | "map.deployment_name" => {
            "map this name to its own model instead of the nearest name"
        }
        "map.fallback" | "map.alias_repointed" => {
            "price the model that answered, not the one that was asked for"
        }
        "map.finetune_base" => "add the price of the fine-tune",
        "map.cost_field_misread" => {
            "compute the cost from tokens and prices instead of the upstream's cost field"
        }
        "terms.internal_margin" => {
            "keep the mark-up apart from the cost: it is charged on, never billed to us"
        }
        "terms.reserved_capacity" => "price tokens on reserved capacity at zero; its hours are billed",
        "terms.discount" => {
            "give the gateway and the price book the same contract, or use `priced` instead of its figure"
        }
        _ => "correct the gateway's cost calculation, or use `priced` instead of its figure",
    })
}
