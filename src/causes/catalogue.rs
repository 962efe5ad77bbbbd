//! The catalogue: one row and one page per cause. The id is the same in code, documents, pages and on the command line.

use Evidence::{Field, Outside, Pattern};
use Grain::{Any, Meter, ModelDay, ModelMonth, Quantity};

/// What the best proof of a cause rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// A field of the log or of the bill says it.
    Field,
    /// No field does: prices, counts and days have to fit.
    Pattern,
    /// Neither file can show it: a contract, another export or a setting does.
    Outside,
}

impl Evidence {
    pub const fn id(self) -> &'static str {
        match self {
            Evidence::Field => "field",
            Evidence::Pattern => "pattern",
            Evidence::Outside => "outside",
        }
    }
}

/// The coarsest bill on which a cause can be tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// Any bill, even one total.
    Any,
    ModelMonth,
    ModelDay,
    /// An amount for each meter of a model and day.
    Meter,
    /// The same with quantities.
    Quantity,
}

impl Grain {
    pub const fn id(self) -> &'static str {
        match self {
            Grain::Any => "any",
            Grain::ModelMonth => "model-month",
            Grain::ModelDay => "model-day",
            Grain::Meter => "meter",
            Grain::Quantity => "quantity",
        }
    }
}

/// A cause as people read about it.
pub struct Cause {
    pub id: &'static str,
    /// The patch family that tests it; empty where it is documented and not yet detected.
    pub family: &'static str,
    pub evidence: Evidence,
    pub grain: Grain,
    /// The page, as printed by `llmfin explain ID` and kept in `docs/causes/`.
    pub page: &'static str,
}

impl Cause {
    /// The title: what stands after the id in the page's first line.
    pub fn title(&self) -> &'static str {
        let line = self.page.lines().next().unwrap_or("");
        line.split_once(": ").map_or(line, |(_, title)| title)
    }

    pub fn find(id: &str) -> Option<&'static Cause> {
        CAUSES.iter().find(|cause| cause.id == id)
    }

    /// What tells two causes apart, as the page of either says it under `Look-alikes`: `the keys. Lost rows belong to …`.
    pub fn separates(one: &str, other: &str) -> Option<String> {
        let said = |page: &Cause, id: &str| {
            let (_, rest) = page.page.split_once("## Look-alikes\n")?;
            let (section, _) = rest.split_once("\n## ")?;
            section.split("\n- ").find_map(|item| {
                let text = item.split_whitespace().collect::<Vec<_>>().join(" ");
                let (names, what) = text.trim_start_matches("- ").split_once("Separated by")?;
                let mut words = names.split([' ', ',']).map(|word| word.trim_end_matches('.'));
                words.any(|word| word == id).then(|| what.trim_start_matches([':', ' ']).to_owned())
            })
        };
        let (one, other) = (Cause::find(one)?, Cause::find(other)?);
        said(one, other.id).or_else(|| said(other, one.id))
    }

    pub const fn is_detected(&self) -> bool {
        !self.family.is_empty()
    }

    /// What stands before the dot of its id.
    pub fn group(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(group, _)| group)
    }
}

/// The groups of causes in the order in which people read them, with what goes wrong in each.
pub static GROUPS: &[(&str, &str)] = &[
    ("rate", "the unit price is wrong"),
    ("qty", "the count is wrong"),
    ("cls", "tokens stand under the wrong meter"),
    ("map", "the cost stands under the wrong model"),
    ("time", "the cost stands in the wrong period"),
    ("cov", "traffic is on one side only"),
    ("terms", "what was agreed beside the price list"),
    ("unit", "the unit of money is wrong"),
    ("fx", "the currency is converted wrongly"),
    ("round", "digits are cut or rounded"),
    ("inv", "the document itself"),
];

/// The causes of a group, by id.
pub fn in_group(group: &str) -> impl Iterator<Item = &'static Cause> {
    CAUSES.iter().filter(move |cause| cause.group() == group)
}

macro_rules! cause {
    ($id:literal, $family:literal, $evidence:ident, $grain:ident) => {
        Cause {
            id: $id,
            family: $family,
            evidence: $evidence,
            grain: $grain,
            page: include_str!(concat!("../../docs/causes/", $id, ".md")),
        }
    };
}

/// Every cause, by id.
pub static CAUSES: &[Cause] = &[
    cause!("cls.cache_double", "logged cost", Field, Any),
    cause!("cls.cache_read_as_input", "meter move", Pattern, Quantity),
    cause!("cls.cache_write_lost", "logged cost", Pattern, Quantity),
    cause!("cls.convention_flip", "search", Pattern, ModelDay),
    cause!("cls.guardrail_addon", "charge", Pattern, Meter),
    cause!("cls.modality", "search", Field, Meter),
    cause!("cls.reasoning_double", "search", Field, Any),
    cause!("cls.reasoning_dropped", "logged cost", Field, Any),
    cause!("cls.reasoning_only", "logged cost", Field, Any),
    cause!("cls.storage_session", "charge", Field, Any),
    cause!("cls.sub_inference", "charge", Field, ModelDay),
    cause!("cls.tool_fee", "logged cost", Field, Meter),
    cause!("cov.account_scope", "coverage", Field, Any),
    cause!("cov.bypass", "coverage", Field, ModelDay),
    cause!("cov.other_payer", "record repair", Field, Any),
    cause!("cov.report_excludes", "", Field, Any),
    cause!("cov.truncated_export", "missing days", Field, ModelDay),
    cause!("fx.rate", "account factor", Outside, ModelMonth),
    cause!("inv.duplicate_line", "repeated lines", Field, Any),
    cause!("inv.footing", "charge", Field, Any),
    cause!("inv.non_usage", "charge", Field, Any),
    cause!("inv.provider_error", "", Outside, Quantity),
    cause!("map.alias_repointed", "mapping", Pattern, ModelDay),
    cause!("map.cost_field_misread", "logged cost", Pattern, ModelMonth),
    cause!("map.deployment_name", "logged cost", Field, ModelMonth),
    cause!("map.fallback", "mapping", Field, ModelDay),
    cause!("map.finetune_base", "search", Field, ModelDay),
    cause!("map.fuzzy_match", "search", Pattern, ModelDay),
    cause!("qty.dropped_rows", "uncounted", Pattern, Quantity),
    cause!("qty.duplicate", "record repair", Field, Any),
    cause!("qty.failed_priced", "record repair", Field, Any),
    cause!("qty.gateway_cache_priced", "record repair", Field, Any),
    cause!("qty.line_fanout", "search", Field, Any),
    cause!("qty.local_estimate", "uncounted", Field, Quantity),
    cause!("qty.missing_day", "missing days", Field, ModelDay),
    cause!("qty.output_only_on_disconnect", "uncounted", Field, Quantity),
    cause!("qty.partial_snapshot", "uncounted", Field, Any),
    cause!("qty.poll_duplicate", "record repair", Field, Any),
    cause!("qty.retry_unlogged", "uncounted", Field, Quantity),
    cause!("qty.rollup_duplicate", "search", Field, Any),
    cause!("qty.stream_no_usage", "record repair", Field, Quantity),
    cause!("rate.batch", "modifier", Field, ModelDay),
    cause!("rate.cache_ttl", "search", Field, Meter),
    cause!("rate.context_band", "modifier", Pattern, Meter),
    cause!("rate.effective_boundary", "tariff", Pattern, ModelDay),
    cause!("rate.intro_or_promo", "tariff", Pattern, ModelDay),
    cause!("rate.missing_class", "price row", Field, ModelDay),
    cause!("rate.missing_model", "price row", Field, Any),
    cause!("rate.platform_twin", "search", Pattern, ModelDay),
    cause!("rate.region_uplift", "modifier", Field, ModelDay),
    cause!("rate.service_tier", "modifier", Field, ModelDay),
    cause!("rate.speed_premium", "modifier", Field, ModelDay),
    cause!("rate.stale", "price row", Pattern, ModelDay),
    cause!("rate.time_of_day", "tariff", Pattern, ModelDay),
    cause!("rate.unit_scale", "account factor", Pattern, ModelMonth),
    cause!("round.float", "logged cost", Field, Any),
    cause!("round.increment", "increment", Pattern, Quantity),
    cause!("round.line", "rounding", Field, Any),
    cause!("terms.commit_shortfall", "charge", Outside, Any),
    cause!("terms.credit_refund", "charge", Field, Any),
    cause!("terms.discount", "price row", Outside, ModelMonth),
    cause!("terms.free_allowance", "charge", Outside, ModelDay),
    cause!("terms.internal_margin", "logged cost", Field, ModelMonth),
    cause!("terms.marketplace_unit", "charge", Outside, Any),
    cause!("terms.platform_fee", "charge", Field, Any),
    cause!("terms.reserved_capacity", "charge", Outside, Any),
    cause!("terms.tax", "charge", Field, Any),
    cause!("terms.volume_band", "charge", Outside, ModelDay),
    cause!("time.billing_instant", "calendar", Pattern, ModelDay),
    cause!("time.export_lag", "missing days", Outside, ModelDay),
    cause!("time.late_arrival", "late arrival", Field, ModelDay),
    cause!("time.restated_book", "", Field, Any),
    cause!("time.restated_export", "", Outside, Any),
    cause!("time.zone_bucket", "calendar", Pattern, ModelDay),
    cause!("unit.minor_currency", "account factor", Field, Any),
];

#[cfg(test)]
mod tests {
    use super::*;

    const HEADINGS: [&str; 6] =
        ["What it is", "How it shows", "How we prove it", "Look-alikes", "What to do", "Example"];

    #[test]
    fn every_page_has_its_headings_and_its_own_id() {
        for cause in CAUSES {
            assert!(cause.page.starts_with(&format!("# {}: ", cause.id)), "{}", cause.id);
            let headings: Vec<&str> =
                cause.page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
            assert_eq!(headings, HEADINGS, "{}", cause.id);
            assert!(cause.page.lines().all(|line| line.chars().count() <= 100), "{}", cause.id);
        }
        assert!(CAUSES.is_sorted_by_key(|cause| cause.id));
    }

    #[test]
    fn a_page_says_where_nothing_detects_its_cause() {
        for cause in CAUSES {
            let (_, rest) = cause.page.split_once("## How we prove it\n").unwrap();
            let (proof, _) = rest.split_once("\n## ").unwrap();
            let said = proof.lines().filter(|line| line.starts_with("- Not detected yet: ")).count();
            assert_eq!(said, usize::from(!cause.is_detected()), "{}", cause.id);
            assert_eq!(cause.page.matches("Not detected yet").count(), said, "{}", cause.id);
        }
    }

    #[test]
    fn a_page_says_what_separates_its_look_alikes() {
        let keys = "the keys. Lost rows belong to known keys, bypass traffic has others.";
        assert_eq!(Cause::separates("qty.dropped_rows", "cov.bypass").as_deref(), Some(keys));
        // Of two in one line, and from the page of the other.
        let days =
            "a cut or a missing day is one-sided in whole, lost rows are spread over days that are there.";
        assert_eq!(Cause::separates("qty.dropped_rows", "qty.missing_day").as_deref(), Some(days));
        assert!(Cause::separates("rate.unit_scale", "rate.stale").is_some());
        assert_eq!(Cause::separates("rate.stale", "inv.footing"), None);
    }

    #[test]
    fn no_page_without_a_row() {
        for entry in std::fs::read_dir("docs/causes").unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(Cause::find(name.trim_end_matches(".md")).is_some(), "{name}");
        }
    }

    #[test]
    fn every_cause_is_in_a_group() {
        let grouped: usize = GROUPS.iter().map(|(group, _)| in_group(group).count()).sum();
        assert_eq!(grouped, CAUSES.len());
    }
}
