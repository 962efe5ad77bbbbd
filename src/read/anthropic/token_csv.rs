//! The token export of the Console: month files have a row a day, day files a row an hour, hour files a row a minute.
//!
//! ```text
//! usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,…
//! 2026-07-01 02:00,claude-sonnet-5,chat-prod,Default,standard,≤ 200k,137344,39406,0,734706,29371,13,global,
//! ```

use super::{key, long_context, region, tier, usage, workspace};
use crate::error::Result;
use crate::invoice::{BillLine, Document, DocumentKind, ModelScope};
use crate::read::DocumentFormat;
use crate::read::gather::{Gather, Refused, Said, bucket};
use crate::read::source::{Sample, Source};
use crate::read::table::{Row, Table};

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "anthropic-token-csv",
    family: "anthropic",
    about: "Anthropic Console, Usage > Export (CSV)",
    kind: DocumentKind::Usage,
    sniff,
    read,
};

const COUNTS: usage::Columns = [
    "usage_input_tokens_no_cache",
    "usage_input_tokens_cache_write_5m",
    "usage_input_tokens_cache_write_1h",
    "usage_input_tokens_cache_read",
    "usage_output_tokens",
    "web_search_count",
];

const DIMENSIONS: [&str; 8] = [
    "usage_date_utc",
    "model_version",
    "api_key",
    "workspace",
    "usage_type",
    "context_window",
    "inference_geo",
    "speed",
];

fn sniff(sample: &Sample) -> bool {
    sample.has_columns(&["usage_date_utc", "model_version"])
}

fn read(source: &Source) -> Result<Document> {
    let table = Table::read(source)?;
    table.require(&["usage_date_utc", "model_version"])?;
    table.require(&COUNTS[..5])?;
    let mut gather = Gather::new(Document::new(FORMAT.id, FORMAT.kind, Some("anthropic")));
    gather.document.diagnostics.extend(table.unknown_columns(&[&DIMENSIONS[..], &COUNTS[..]].concat()));
    for row in table.rows() {
        match row {
            Err(reject) => gather.reject(reject),
            Ok(row) => {
                let said = said(&mut gather, &row);
                gather.row(&row.origin, said, None);
            }
        }
    }
    gather.finish()
}

fn said(gather: &mut Gather, row: &Row) -> std::result::Result<Said, Refused> {
    let period = bucket(row.get("usage_date_utc"), None)?;
    let mut line = BillLine::new(row.origin.clone(), "", period);
    line.model = row.filled("model_version").map_or(ModelScope::All, |model| ModelScope::One(model.into()));
    line.tier = tier(gather, &row.origin, row.filled("usage_type"), row.filled("speed"));
    line.region = region(row.filled("inference_geo"));
    line.long_context = long_context(gather, &row.origin, row.filled("context_window"));
    line.project = workspace(row.filled("workspace"));
    line.key = key(row.filled("api_key"));
    usage::said(&line, &COUNTS, &|name| row.filled(name).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::testing::{document, fixture, quantities};
    use crate::vocabulary::{Meter, Tier};

    #[test]
    fn the_hourly_file_sums_to_its_day_of_the_monthly_file() {
        let month = document(&FORMAT, &fixture("anthropic-token-csv", "month.csv"));
        let day = document(&FORMAT, &fixture("anthropic-token-csv", "day.csv"));
        assert_eq!((month.rows, day.rows), (6, 9));
        assert_eq!(quantities(&day, "2026-07-01"), quantities(&month, "2026-07-01"));
        // Sonnet 412033 + Haiku 1204110 + Opus 90114.
        assert_eq!(quantities(&month, "2026-07-01")[&Meter::Input], 1_706_257);
        assert_eq!(month.covers.unwrap().days().count(), 3);
        assert!(month.diagnostics.is_empty() && month.rejects.is_empty());
    }

    #[test]
    fn files_of_2025_have_fewer_columns_and_say_less() {
        let usage = document(&FORMAT, &fixture("anthropic-token-csv", "columns_11.csv"));
        let first = &usage.lines[0];
        assert_eq!((first.region.as_deref(), first.long_context), (None, None));
        assert_eq!((first.tier, first.project.as_deref()), (Some(Tier::Standard), Some("")));
        assert_eq!(quantities(&usage, "2025-07-14")[&Meter::WebSearch], 2);
    }

    #[test]
    fn negative_counts_are_rejects() {
        let text = fixture("anthropic-token-csv", "columns_11.csv").replace("120331", "-1");
        let usage = document(&FORMAT, &text);
        assert_eq!((usage.rejects[0].code, usage.rejects[0].origin.line), ("negative-tokens", 2));
    }
}
