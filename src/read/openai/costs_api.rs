//! Pages of `GET /v1/organization/costs`, documented and captured shape: amounts in dollars, as numbers or as strings
//! of up to 34 digits (`"0E-6176"` is zero).
//!
//! ```text
//! {"object":"organization.costs.result","amount":{"value":9.210565,"currency":"usd"},
//!  "line_item":"gpt-5.5-2026-04-23, input","project_id":"proj_…","quantity":1842113,"quantity_unit":"tokens"}
//! ```

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Cost;
use crate::error::Result;
use crate::invoice::{Document, DocumentKind};
use crate::read::DocumentFormat;
use crate::read::gather::{Gather, Refused, Said};
use crate::read::pages::{self, Found, scalar};
use crate::read::source::{Sample, Source};

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "openai-costs-api",
    family: "openai",
    about: "OpenAI organisation Costs API, pages (JSON)",
    kind: DocumentKind::Cost,
    sniff,
    read,
};

fn sniff(sample: &Sample) -> bool {
    sample.has_json_keys(&["results", "organization.costs.result"])
}

fn read(source: &Source) -> Result<Document> {
    let mut gather = Gather::new(Document::new(FORMAT.id, FORMAT.kind, Some("openai")));
    pages::read(source, &mut gather, said)?;
    gather.finish()
}

#[derive(Deserialize)]
struct CostResult<'t> {
    #[serde(borrow, default)]
    amount: Option<Amount<'t>>,
    #[serde(default)]
    line_item: Option<String>,
    #[serde(default)]
    project_id: Option<String>,
    #[serde(default)]
    organization_id: Option<String>,
    #[serde(default)]
    api_key_id: Option<String>,
    #[serde(borrow, default)]
    quantity: Option<&'t RawValue>,
    #[serde(default)]
    quantity_unit: Option<String>,
}

#[derive(Deserialize)]
struct Amount<'t> {
    #[serde(borrow, default)]
    value: Option<&'t RawValue>,
    #[serde(default)]
    currency: Option<String>,
}

fn said(gather: &mut Gather, found: &Found) -> std::result::Result<Said, Refused> {
    let result: CostResult = pages::result(found)?;
    let (value, currency) = result.amount.map_or((None, None), |amount| (amount.value, amount.currency));
    let (value, quantity) = (value.and_then(scalar), result.quantity.and_then(scalar));
    let cost = Cost {
        amount: value.as_deref(),
        currency: currency.as_deref(),
        line_item: result.line_item.as_deref(),
        project: result.project_id.as_deref(),
        organization: result.organization_id.as_deref(),
        key: result.api_key_id.as_deref(),
        quantity: quantity.as_deref(),
        unit: result.quantity_unit.as_deref(),
    };
    cost.line(gather, &found.origin, found.period).map(Said::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoice::ModelScope;
    use crate::read::testing::{by_day, document, fixture};
    use crate::vocabulary::{ChargeCategory, Meter};

    fn daily() -> Vec<(String, String)> {
        [("2026-07-01", "32.22537815"), ("2026-07-02", "54.39386625"), ("2026-07-03", "1.77157")]
            .map(|(day, usd)| (day.to_owned(), usd.to_owned()))
            .to_vec()
    }

    #[test]
    fn both_shapes_and_every_way_to_join_pages_give_the_totals_of_the_research() {
        let (one, two) =
            (fixture("openai-costs-api", "page1.json"), fixture("openai-costs-api", "page2.json"));
        let line = |text: &str| text.lines().map(str::trim).collect::<String>();
        for (text, empty, last) in [
            (fixture("openai-costs-api", "captured.json"), 0, "2026-07-03"),
            (format!("{one}{two}"), 1, "2026-07-04"),
            (format!("[{one},{two}]"), 1, "2026-07-04"),
            (format!("{}\n{}\n", line(&one), line(&two)), 1, "2026-07-04"),
        ] {
            let bill = document(&FORMAT, &text);
            assert_eq!(by_day(&bill), daily());
            assert_eq!((bill.rounded_amounts, bill.rejects.len(), bill.empty_rows), (0, 0, empty));
            assert_eq!(bill.currency.as_deref(), Some("USD"));
            assert!(bill.diagnostics.iter().all(|d| d.code == "unclassified-line-item"));
            assert_eq!(bill.covers.unwrap().last.to_string(), last);
        }
    }

    #[test]
    fn quantities_are_the_uncached_part_in_the_unit_of_the_meter() {
        let bill = document(&FORMAT, &fixture("openai-costs-api", "captured.json"));
        let first = &bill.lines[0];
        assert_eq!((first.meter, first.quantity), (Some(Meter::Input), Some(1_842_113)));
        assert_eq!(first.amount.unwrap().plain(), "9.210565");
        let searches: i128 = bill
            .lines
            .iter()
            .filter(|line| line.meter == Some(Meter::WebSearch))
            .filter_map(|l| l.quantity)
            .sum();
        assert_eq!(searches, 800);
        let storage = bill.lines.iter().find(|line| &*line.text == "Vector storage").unwrap();
        assert_eq!(
            (storage.quantity, storage.project.as_deref()),
            (None, Some("")),
            "gibibyte-hours have no meter"
        );
    }

    #[test]
    fn a_page_that_is_not_the_last_is_a_truncated_export() {
        let bill = document(&FORMAT, &fixture("openai-costs-api", "page1.json"));
        assert!(bill.diagnostics.iter().any(|d| d.code == "truncated-export"));
    }

    #[test]
    fn unverified_strings_are_kept_and_flagged() {
        let bill = document(&FORMAT, &fixture("openai-costs-api", "unverified_strings.json"));
        // 0.25 + 0.06174 + 0.0016675 + 0.55 + 0.0125 + 0.42 + 1.84 − 5
        assert_eq!(bill.lines_total().plain(), "-1.8640925");
        let flagged = bill.diagnostics.iter().filter(|d| d.code == "unclassified-line-item").count();
        assert_eq!((bill.lines.len(), flagged), (8, 6));
        let credit = bill.lines.last().unwrap();
        assert_eq!((credit.category, credit.model.clone()), (ChargeCategory::Credit, ModelScope::None));
    }

    #[test]
    fn a_broken_file_says_where_and_a_broken_result_is_one_reject() {
        let page = |results: &str| {
            format!(
                "{{\"object\":\"page\",\"data\":[\n{{\"start_time\":1782864000,\"results\":[\n{results}]}}]}}"
            )
        };
        let result =
            "{\"object\":\"organization.costs.result\",\"amount\":{\"value\":1e-13,\"currency\":\"usd\"}}";
        let bill = document(&FORMAT, &page(&format!("{result},\n7,\n{{\"amount\":{{\"value\":null}}}}")));
        let rejects: Vec<String> = bill.rejects.iter().map(|r| format!("{} {}", r.origin, r.code)).collect();
        assert_eq!(rejects, ["bill:4:1 bad-shape", "bill:5:1 no-amount"]);
        assert_eq!((bill.rounded_amounts, bill.lines[0].amount.unwrap().plain()), (1, "0".to_owned()));

        let cut = &page(result)[..90];
        let error = crate::read::testing::read(&FORMAT, cut.as_bytes()).unwrap_err();
        let crate::error::Error::Input(diagnostics) = error else { panic!("not an input error") };
        assert_eq!((diagnostics[0].code, diagnostics[0].origin.line), ("bad-page", 3));
    }
}
