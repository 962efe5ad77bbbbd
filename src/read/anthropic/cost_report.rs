//! Pages of `GET /v1/organizations/cost_report` and of the Enterprise analytics report of the same name: amounts are
//! decimal strings of *cents* with fractions.
//!
//! ```text
//! {"currency":"USD","amount":"82.4066","workspace_id":null,"description":"Claude Sonnet 5 Usage - Input Tokens",
//!  "cost_type":"tokens","context_window":"0-200k","model":"claude-sonnet-5","service_tier":"standard",
//!  "token_type":"uncached_input_tokens","inference_geo":"global"}
//! ```

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{long_context, region, tier, token_meter, tool_meter, unknown};
use crate::error::Result;
use crate::invoice::{BillLine, Document, DocumentKind, ModelScope};
use crate::money::Money;
use crate::read::DocumentFormat;
use crate::read::gather::{Gather, Refused, Said, count};
use crate::read::pages::{self, Found, scalar};
use crate::read::source::{Sample, Source};

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "anthropic-cost-report",
    family: "anthropic",
    about: "Anthropic Admin API or Enterprise analytics, cost report pages (JSON)",
    kind: DocumentKind::Cost,
    sniff,
    read,
};

fn sniff(sample: &Sample) -> bool {
    sample.has_json_keys(&["starting_at", "results", "amount", "currency"])
}

fn read(source: &Source) -> Result<Document> {
    let mut gather = Gather::new(Document::new(FORMAT.id, FORMAT.kind, Some("anthropic")));
    pages::read(source, &mut gather, |gather, found| line(gather, found).map(Said::from))?;
    gather.finish()
}

#[derive(Deserialize)]
struct CostResult<'t> {
    #[serde(borrow, default)]
    amount: Option<&'t RawValue>,
    #[serde(borrow, default)]
    list_amount: Option<&'t RawValue>,
    currency: Option<String>,
    description: Option<String>,
    product: Option<String>,
    cost_type: Option<String>,
    model: Option<String>,
    token_type: Option<String>,
    context_window: Option<String>,
    service_tier: Option<String>,
    speed: Option<String>,
    inference_geo: Option<String>,
    workspace_id: Option<String>,
    #[serde(borrow, default)]
    requests: Option<&'t RawValue>,
}

fn line(gather: &mut Gather, found: &Found) -> std::result::Result<BillLine, Refused> {
    let cost: CostResult = pages::result(found)?;
    let text = cost.description.or(cost.product).or(cost.model.clone()).unwrap_or_default();
    let mut line = BillLine::new(found.origin.clone(), text, found.period);
    let cost_type = cost.cost_type.as_deref().unwrap_or_default();
    line.meter = match &cost.token_type {
        Some(token_type) => token_meter(token_type),
        None => tool_meter(cost_type),
    };
    line.model = match cost.model {
        Some(model) => ModelScope::One(model.into()),
        // No dimension at all is a day's total; a tool fee covers whatever models used the tool.
        None if line.meter.is_some() || cost_type.is_empty() => ModelScope::All,
        None => ModelScope::None,
    };
    if line.meter.is_none() && (cost.token_type.is_some() || line.model == ModelScope::None) {
        let what = cost.token_type.as_deref().unwrap_or(cost_type);
        gather.remark(unknown("charge", what, &found.origin));
    }
    line.tier = tier(gather, &found.origin, cost.service_tier.as_deref(), cost.speed.as_deref());
    line.region = region(cost.inference_geo.as_deref());
    line.long_context = long_context(gather, &found.origin, cost.context_window.as_deref());
    line.project = cost.workspace_id.map(Arc::from);
    // What stands beside the amount may be damaged; the amount counts all the same.
    let requests = cost.requests.and_then(scalar).and_then(|text| count(&text).ok());
    line.requests = requests.and_then(|count| u64::try_from(count).ok());
    let list = cost.list_amount.and_then(scalar).and_then(|text| Money::read_cents(&text).ok());
    line.list_amount = list.map(|list| list.amount);
    let amount = cost.amount.and_then(scalar);
    let amount = amount.ok_or_else(|| ("no-amount", "the result has no amount".to_owned()))?;
    gather.amount(&mut line, Money::read_cents(&amount))?;
    if let Some(currency) = &cost.currency {
        gather.currency(currency, &found.origin);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::testing::{by_day, document, fixture};
    use crate::vocabulary::{Meter, Tier};

    fn pages(files: &[&str]) -> Document {
        let text: String = files.iter().map(|file| fixture("anthropic-cost-report", file)).collect();
        document(&FORMAT, &text)
    }

    #[test]
    fn cents_grouped_and_ungrouped_give_the_totals_of_the_research() {
        let daily = [("2026-07-01", "12.5717767"), ("2026-07-02", "4.5044911"), ("2026-07-03", "0.000126")];
        for files in
            [&["cost_report_page1.json", "cost_report_page2.json"][..], &["cost_report_ungrouped.json"]]
        {
            let bill = pages(files);
            assert_eq!(by_day(&bill), daily.map(|(day, usd)| (day.to_owned(), usd.to_owned())), "{files:?}");
            assert_eq!(bill.lines_total().plain(), "17.0763938");
            assert_eq!((bill.rejects.len(), bill.rounded_amounts), (0, 0));
            assert_eq!(bill.diagnostics, []);
        }
    }

    #[test]
    fn dimensions_follow_the_grouping() {
        let bill = pages(&["cost_report_page1.json", "cost_report_page2.json"]);
        assert!(bill.lines.iter().all(|line| line.project.is_some()), "null is the default workspace here");
        let tool = |meter: Meter| bill.lines.iter().find(|line| line.meter == Some(meter)).unwrap();
        for meter in [Meter::WebSearch, Meter::CodeExecHour, Meter::SessionHour] {
            assert_eq!((tool(meter).model.clone(), tool(meter).tier), (ModelScope::All, None));
        }
        assert!(bill.lines.iter().any(|line| line.tier == Some(Tier::Batch)));
        let write = tool(Meter::CacheWrite1h);
        assert_eq!((write.region.as_deref(), write.long_context), (Some("geo:us"), Some(false)));

        let totals = pages(&["cost_report_ungrouped.json"]);
        assert!(totals.lines.iter().all(|line| line.model == ModelScope::All && line.project.is_none()));
    }

    #[test]
    fn the_first_of_two_pages_alone_is_truncated() {
        assert_eq!(pages(&["cost_report_page1.json"]).diagnostics[0].code, "truncated-export");
    }

    #[test]
    fn enterprise_amounts_are_cents_too_with_list_price_and_open_days() {
        let bill = pages(&["enterprise.json"]);
        assert_eq!(bill.lines[0].amount.unwrap().plain(), "412.80");
        assert_eq!(bill.lines[0].list_amount.unwrap().plain(), "516.00");
        assert_eq!((bill.lines[0].requests, &*bill.lines[0].text), (Some(1288), "claude_code"));
        assert_eq!(bill.lines[0].model, ModelScope::One("claude-opus-5".into()));
        assert_eq!((bill.empty_rows, bill.diagnostics[0].code), (1, "open-bucket"));
    }
}
