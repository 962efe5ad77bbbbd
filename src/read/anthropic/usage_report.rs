//! Pages of `GET /v1/organizations/usage_report/messages`: a second witness of quantity, never cost.
//!
//! ```text
//! {"uncached_input_tokens":412033,"cache_creation":{"ephemeral_5m_input_tokens":118220,"ephemeral_1h_input_tokens":0},
//!  "cache_read_input_tokens":2204118,"output_tokens":88114,"server_tool_use":{"web_search_requests":41},…}
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::{long_context, region, tier, usage};
use crate::error::Result;
use crate::invoice::{BillLine, Document, DocumentKind, ModelScope};
use crate::read::DocumentFormat;
use crate::read::gather::{Gather, Refused, Said};
use crate::read::pages::{self, Found, scalar};
use crate::read::source::{Sample, Source};

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "anthropic-usage-report",
    family: "anthropic",
    about: "Anthropic Admin API, messages usage report pages (JSON)",
    kind: DocumentKind::Usage,
    sniff,
    read,
};

const COUNTS: usage::Columns = [
    "uncached_input_tokens",
    "cache_creation.ephemeral_5m_input_tokens",
    "cache_creation.ephemeral_1h_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "server_tool_use.web_search_requests",
];

type Fields<'t> = BTreeMap<Cow<'t, str>, &'t RawValue>;

fn sniff(sample: &Sample) -> bool {
    sample.has_json_keys(&["starting_at", "results", "uncached_input_tokens", "cache_creation"])
}

fn read(source: &Source) -> Result<Document> {
    let mut gather = Gather::new(Document::new(FORMAT.id, FORMAT.kind, Some("anthropic")));
    pages::read(source, &mut gather, said)?;
    gather.finish()
}

fn said(gather: &mut Gather, found: &Found) -> std::result::Result<Said, Refused> {
    let fields: Fields = pages::result(found)?;
    let get = |path: &str| -> Option<String> {
        let Some((outer, inner)) = path.split_once('.') else { return scalar(fields.get(path)?) };
        let nested: Fields = serde_json::from_str(fields.get(outer)?.get()).ok()?;
        scalar(nested.get(inner)?)
    };
    let mut line = BillLine::new(found.origin.clone(), "", found.period);
    line.model = get("model").map_or(ModelScope::All, |model| ModelScope::One(model.into()));
    line.tier = tier(gather, &found.origin, get("service_tier").as_deref(), get("speed").as_deref());
    line.region = region(get("inference_geo").as_deref());
    line.long_context = long_context(gather, &found.origin, get("context_window").as_deref());
    line.project = get("workspace_id").map(Arc::from);
    line.key = get("api_key_id").map(Arc::from);
    usage::said(&line, &COUNTS, &get)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::testing::{document, fixture, quantities};
    use crate::vocabulary::{Meter, Tier};

    #[test]
    fn the_report_counts_what_the_console_counts_and_the_batches_besides() {
        let report = document(&FORMAT, &fixture("anthropic-usage-report", "messages.json"));
        let console =
            document(&super::super::token_csv::FORMAT, &fixture("anthropic-token-csv", "month.csv"));
        let mut without_batches = report.clone();
        without_batches.lines.retain(|line| line.tier != Some(Tier::Batch));
        for day in ["2026-07-01", "2026-07-02", "2026-07-03"] {
            assert_eq!(quantities(&without_batches, day), quantities(&console, day), "{day}");
        }
        assert!(report.lines.len() > without_batches.lines.len());
        assert_eq!(quantities(&report, "2026-07-01")[&Meter::CacheWrite1h], 40_960);
        assert_eq!((report.diagnostics.len(), report.rejects.len()), (0, 0));
        assert!(report.lines.iter().all(|line| line.key.is_none() && line.project.is_some()));
    }
}
