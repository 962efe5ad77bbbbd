//! What could not be tested with the files given, in words, and which export would settle it: a table of conditions
//! over the shape of each account's bill, usage report and log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::document::{Limit, NO_COST};
use super::inputs::CloseInputs;
use crate::causes::catalogue::{CAUSES, Cause, Grain};
use crate::invoice::{DocumentKind, ModelScope};
use crate::money::Money;
use crate::period::Day;
use crate::rate::{Account, DayUsage};
use crate::reconcile::Line;
use crate::vocabulary::{Meter, Tier};

/// What the files of one account tell apart.
#[derive(Debug, Default)]
struct Shape {
    /// Usage lines on the bill.
    billed: bool,
    /// Billable calls in the log.
    logged: bool,
    invoice: bool,
    export: bool,
    /// Some amount covers every model.
    all_models: bool,
    /// Models with amounts over more than a day.
    long: BTreeSet<Arc<str>>,
    /// Days with an amount of their own.
    days: BTreeSet<Day>,
    /// Models with amounts over every meter.
    all_meters: BTreeSet<Arc<str>>,
    /// Models with an amount whose quantity neither the bill prints nor a usage report counts.
    uncounted: BTreeSet<Arc<str>>,
    models: BTreeSet<Arc<str>>,
    /// The largest rounding of one line.
    rounding: Money,
    /// Projects, workspaces or keys on the bill.
    identities: bool,
    /// The books say which of them are the gateway's.
    declared: bool,
    tier_billed: bool,
    region_billed: bool,
    tier_logged: bool,
    region_logged: bool,
    /// Some rows of the log stand for a whole day.
    whole_days: bool,
    logged_cost: bool,
}

/// One thing that cannot be tested: when, in which words, and what would change it.
struct Condition {
    /// What could not be tested, or nothing where it could.
    what: fn(&Shape) -> Option<String>,
    settles: &'static str,
    /// The grain that is missing: causes that need it stay untested.
    grains: &'static [Grain],
    /// Other causes that stay untested, or cannot be told apart, for it.
    causes: &'static [&'static str],
}

/// The coarsest first: who has one total for a month needs no hint about meters.
static CONDITIONS: &[Condition] = &[
    Condition {
        what: |shape| (!shape.billed).then(|| "no bill: nothing of it was compared".to_owned()),
        settles: "the provider's cost export of the month",
        grains: &[],
        causes: &[],
    },
    Condition {
        what: |shape| (!shape.logged).then(|| "no logged usage: only the bill speaks".to_owned()),
        settles: "the log of the gateway or service that calls this account",
        grains: &[],
        causes: &[],
    },
    Condition {
        what: |shape| {
            shape
                .all_models
                .then(|| "one amount for all models: no cause can be told from another".to_owned())
        },
        settles: "the cost export by day and model (OpenAI: grouped by line item; Anthropic: grouped by description)",
        grains: &[Grain::ModelMonth, Grain::ModelDay, Grain::Meter, Grain::Quantity],
        causes: &[],
    },
    Condition {
        what: |shape| {
            let models = shape.some(&shape.long)?;
            Some(format!(
                "one amount over several days{models}: one cause a model at most, and no day on which it began"
            ))
        },
        settles: "the cost export by day",
        grains: &[Grain::ModelDay],
        causes: &[],
    },
    Condition {
        what: |shape| {
            let days = match shape.days.len() {
                1 => "one day",
                2 => "two days",
                _ => return None,
            };
            (shape.logged && shape.long.is_empty()).then(|| {
                format!(
                    "a bill of {days} only: that is too little to tell a new price or a factor from chance"
                )
            })
        },
        settles: "bill and log of more days: three at least",
        grains: &[],
        causes: &["rate.effective_boundary", "rate.stale", "terms.discount"],
    },
    Condition {
        what: |shape| {
            let models = shape.some(&shape.all_meters)?;
            Some(format!(
                "one amount for all meters{models}: causes of one meter show only through the mix of the days"
            ))
        },
        settles: "the cost export by meter (OpenAI: grouped by line item; Anthropic: the token columns of the cost report)",
        grains: &[Grain::Meter],
        causes: &[],
    },
    Condition {
        what: |shape| {
            let models = shape.some(&shape.uncounted)?;
            Some(format!(
                "no quantity of the provider's{models}: lost rows and a price change by the same factor look alike"
            ))
        },
        settles: "the provider's usage report of the month, or a cost export with quantities",
        grains: &[Grain::Quantity],
        causes: &["rate.stale"],
    },
    Condition {
        what: |shape| {
            (shape.billed && !shape.identities).then(|| {
                "no project or key on the bill: traffic past the gateway looks like lost rows".to_owned()
            })
        },
        settles: "the cost export grouped by project, workspace or API key as well",
        grains: &[],
        causes: &["cov.bypass", "qty.dropped_rows"],
    },
    Condition {
        what: |shape| {
            (shape.identities && !shape.declared)
                .then(|| "the books do not say whose the projects and keys of the bill are".to_owned())
        },
        settles: "`projects` in the `[[account]]` of llmfin.toml: those the gateway uses",
        grains: &[],
        causes: &["cov.bypass"],
    },
    Condition {
        what: |shape| {
            (shape.compared() && !shape.tier_billed && !shape.tier_logged)
                .then(|| "neither side says the service tier: flex and batch halve a price alike".to_owned())
        },
        settles: "the served `service_tier` and the batch id in the log, or the tier on the bill",
        grains: &[],
        causes: &["rate.batch", "rate.service_tier", "rate.speed_premium"],
    },
    Condition {
        what: |shape| {
            (shape.compared() && !shape.region_billed && !shape.region_logged)
                .then(|| "neither side says the region: an uplift of 10 % looks like a price rise".to_owned())
        },
        settles: "the endpoint or inference profile in the log, or the region on the bill",
        grains: &[],
        causes: &["rate.region_uplift"],
    },
    Condition {
        what: |shape| {
            (shape.logged && shape.whole_days).then(|| {
                "the log has sums of days: no call, hour or prompt size can be seen in it".to_owned()
            })
        },
        settles: "the gateway's log by request",
        grains: &[],
        causes: &[
            "qty.duplicate",
            "qty.failed_priced",
            "qty.gateway_cache_priced",
            "qty.poll_duplicate",
            "rate.context_band",
            "rate.time_of_day",
            "time.zone_bucket",
        ],
    },
    Condition {
        what: |shape| (shape.logged && !shape.logged_cost).then(|| NO_COST.to_owned()),
        settles: "the log with the gateway's cost beside each call",
        grains: &[],
        causes: &["cls.cache_double", "cls.tool_fee", "round.float"],
    },
    Condition {
        what: |shape| {
            (shape.export && !shape.invoice).then(|| {
                "no invoice beside the cost export: tax, credits and fees that only it shows are missing"
                    .to_owned()
            })
        },
        settles: "the invoice document, declared with `kind = \"invoice\"`",
        grains: &[],
        causes: &["inv.footing", "terms.credit_refund", "terms.platform_fee", "terms.tax"],
    },
    Condition {
        what: |shape| {
            // Half of a cent is what a printed cent may hide.
            let printed = shape.rounding + shape.rounding;
            (printed >= Money::from_pico(10_000_000_000)).then(|| {
                format!(
                    "the bill prints steps of {printed} a line: what is smaller cannot be told from rounding"
                )
            })
        },
        settles: "an export that keeps more decimals, such as the provider's cost API",
        grains: &[],
        causes: &["round.line"],
    },
];

impl Condition {
    /// The causes it hides, in the order of the catalogue.
    fn hidden(&self) -> impl Iterator<Item = &'static str> {
        let hidden = |cause: &&Cause| self.grains.contains(&cause.grain) || self.causes.contains(&cause.id);
        CAUSES.iter().filter(hidden).map(|cause| cause.id)
    }
}

impl Shape {
    const fn compared(&self) -> bool {
        self.billed && self.logged
    }

    /// Which of the models, in a few words: nothing where all, `None` where none.
    fn some(&self, models: &BTreeSet<Arc<str>>) -> Option<String> {
        let first = models.first()?;
        Some(match models.len() {
            all if all == self.models.len() => String::new(),
            1 => format!(" for {first}"),
            count => format!(" for {first} and {} more", count - 1),
        })
    }
}

/// What could not be tested, account by account.
pub(super) fn limits(
    inputs: &CloseInputs,
    usage: &[DayUsage],
    bill: &[Line],
    reports: &[Line],
) -> Vec<Limit> {
    let mut limits = Vec::new();
    for (account, shape) in shapes(inputs, usage, bill, reports) {
        for condition in CONDITIONS {
            let Some(what) = (condition.what)(&shape) else { continue };
            limits.push(Limit {
                provider: account.provider.to_string(),
                account: account.id.as_ref().map(ToString::to_string),
                what,
                settles: condition.settles.to_owned(),
                causes: condition.hidden().map(ToOwned::to_owned).collect(),
            });
        }
    }
    limits
}

fn shapes(
    inputs: &CloseInputs,
    usage: &[DayUsage],
    bill: &[Line],
    reports: &[Line],
) -> BTreeMap<Account, Shape> {
    let mut shapes: BTreeMap<Account, Shape> = BTreeMap::new();
    for document in &inputs.documents {
        let shape = shapes.entry(document.account.clone()).or_default();
        shape.export |= document.kind == DocumentKind::Cost;
        shape.invoice |= document.kind == DocumentKind::Invoice;
    }
    for row in usage.iter().filter(|row| row.outcome.is_billable()) {
        let shape = shapes.entry(row.account.clone()).or_default();
        shape.logged = true;
        shape.whole_days |= row.whole_day;
        shape.logged_cost |= row.sums.logged_rows > 0;
        shape.tier_logged |= row.tier != Tier::Standard;
        shape.region_logged |= !matches!(&*row.region, "" | "global");
    }
    let mut counted: BTreeMap<&Account, BTreeSet<(&Arc<str>, Meter)>> = BTreeMap::new();
    for line in reports {
        if let (Some(model), Some(meter)) = (&line.model, line.line.meter) {
            counted.entry(&line.account).or_default().insert((model, meter));
        }
    }
    for line in bill {
        let shape = shapes.entry(line.account.clone()).or_default();
        shape.add(line, counted.get(&line.account));
    }
    for (account, shape) in &mut shapes {
        shape.declared = inputs.gateway.get(account).is_some_and(|declared| !declared.is_empty());
    }
    shapes
}

impl Shape {
    fn add(&mut self, Line { line, model, .. }: &Line, counted: Option<&BTreeSet<(&Arc<str>, Meter)>>) {
        self.billed = true;
        self.rounding = self.rounding.max(line.rounding_bound);
        self.identities |= [&line.project, &line.key].into_iter().flatten().any(|text| !text.is_empty());
        self.tier_billed |= line.tier.is_some();
        self.region_billed |= line.region.is_some();
        let Some(model) = model else {
            self.all_models |= line.model == ModelScope::All && line.meter.is_none();
            return;
        };
        self.models.insert(model.clone());
        if line.period.first < line.period.last {
            self.long.insert(model.clone());
        } else {
            self.days.insert(line.period.first);
        }
        let reported = counted.is_some_and(|counted| {
            counted
                .iter()
                .any(|(known, meter)| *known == model && line.meter.is_none_or(|own| same(own, *meter)))
        });
        if line.quantity.is_none() && !reported {
            self.uncounted.insert(model.clone());
        }
        if line.meter.is_none() {
            self.all_meters.insert(model.clone());
        }
    }
}

/// True where a report that counts `counted` counts what the bill calls `billed`.
fn same(billed: Meter, counted: Meter) -> bool {
    billed == counted
        || (billed.is_cache_write() && counted.is_cache_write())
        || counted.parent() == Some(billed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_named_is_in_the_catalogue() {
        for cause in CONDITIONS.iter().flat_map(|condition| condition.causes) {
            assert!(Cause::find(cause).is_some(), "{cause}");
        }
    }

    #[test]
    fn a_bill_that_tells_everything_leaves_nothing_to_say() {
        let shape = Shape {
            billed: true,
            logged: true,
            invoice: true,
            export: true,
            identities: true,
            declared: true,
            tier_billed: true,
            region_logged: true,
            logged_cost: true,
            ..Shape::default()
        };
        assert!(CONDITIONS.iter().all(|condition| (condition.what)(&shape).is_none()));
    }

    #[test]
    fn what_holds_for_some_models_names_them() {
        let names =
            |models: &[&str]| -> BTreeSet<Arc<str>> { models.iter().map(|model| (*model).into()).collect() };
        let shape = Shape { models: names(&["a", "b", "c"]), ..Shape::default() };
        assert_eq!(shape.some(&names(&[])), None);
        assert_eq!(shape.some(&names(&["b"])).as_deref(), Some(" for b"));
        assert_eq!(shape.some(&names(&["a", "b"])).as_deref(), Some(" for a and 1 more"));
        assert_eq!(shape.some(&names(&["a", "b", "c"])).as_deref(), Some(""));
    }
}
