//! The catalogue: one row and one page per cause. The id is the same in code, documents, pages and on the command line.

/// A cause as people read about it.
pub struct Cause {
    pub id: &'static str,
    /// The patch family that tests it; empty where it is documented and not yet detected.
    pub family: &'static str,
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
}

macro_rules! cause {
    ($id:literal, $family:literal) => {
        Cause { id: $id, family: $family, page: include_str!(concat!("../../docs/causes/", $id, ".md")) }
    };
}

/// Every cause with a page, by id.
pub static CAUSES: &[Cause] = &[
    cause!("cls.cache_double", "logged cost"),
    cause!("cls.cache_read_as_input", "meter move"),
    cause!("cls.reasoning_dropped", "logged cost"),
    cause!("cls.storage_session", "charge"),
    cause!("cls.tool_fee", "logged cost"),
    cause!("cov.bypass", "coverage"),
    cause!("cov.other_payer", "record repair"),
    cause!("inv.footing", "charge"),
    cause!("inv.non_usage", "charge"),
    cause!("map.alias_repointed", "mapping"),
    cause!("map.fallback", "mapping"),
    cause!("qty.dropped_rows", ""),
    cause!("qty.duplicate", "record repair"),
    cause!("qty.failed_priced", "record repair"),
    cause!("qty.gateway_cache_priced", "record repair"),
    cause!("qty.poll_duplicate", "record repair"),
    cause!("qty.stream_no_usage", "record repair"),
    cause!("rate.batch", "modifier"),
    cause!("rate.cache_ttl", "search"),
    cause!("rate.context_band", "modifier"),
    cause!("rate.missing_class", "price row"),
    cause!("rate.missing_model", "price row"),
    cause!("rate.region_uplift", "modifier"),
    cause!("rate.service_tier", "modifier"),
    cause!("rate.stale", "price row"),
    cause!("round.float", "logged cost"),
    cause!("round.line", "rounding"),
    cause!("terms.commit_shortfall", "charge"),
    cause!("terms.credit_refund", "charge"),
    cause!("terms.discount", "price row"),
    cause!("terms.free_allowance", "charge"),
    cause!("terms.platform_fee", "charge"),
    cause!("terms.reserved_capacity", "charge"),
    cause!("terms.tax", "charge"),
    cause!("terms.volume_band", "charge"),
    cause!("time.zone_bucket", ""),
    cause!("unit.minor_currency", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_its_headings_and_its_own_id() {
        for cause in CAUSES {
            assert!(cause.page.starts_with(&format!("# {}: ", cause.id)), "{}", cause.id);
            let headings: Vec<&str> =
                cause.page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
            let wanted = ["What it is", "How it shows", "How we prove it", "What to do", "Example"];
            assert_eq!(headings, wanted, "{}", cause.id);
            let documented_only = cause.page.contains("Not detected yet");
            assert_eq!(documented_only, cause.family.is_empty(), "{}", cause.id);
        }
        assert!(CAUSES.is_sorted_by_key(|cause| cause.id));
    }

    #[test]
    fn no_page_without_a_row() {
        for entry in std::fs::read_dir("docs/causes").unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(Cause::find(name.trim_end_matches(".md")).is_some(), "{name}");
        }
    }
}
