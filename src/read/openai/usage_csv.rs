//! The completions usage export of the usage dashboard: 24 columns of counts, written as `59200.0`, and no money.
//!
//! ```text
//! start_time,…,project_id,num_model_requests,user_id,api_key_id,model,batch,service_tier,input_tokens,…
//! 1782864000,…,proj_…,736.0,,,gpt-5.5-2026-04-23,False,default,3682197.0,103969.0,3068160.0,614037.0,…
//! ```

use super::{cost_csv, usage};
use crate::error::Result;
use crate::invoice::{Document, DocumentKind};
use crate::read::DocumentFormat;
use crate::read::gather::{Gather, Said};
use crate::read::source::{Sample, Source};
use crate::read::table::Table;

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "openai-usage-csv",
    family: "openai",
    about: "OpenAI dashboard, Usage > Export > Activity data, completions (CSV)",
    kind: DocumentKind::Usage,
    sniff,
    read,
};

const COLUMNS: [&str; 25] = [
    "start_time",
    "end_time",
    "start_time_iso",
    "end_time_iso",
    "project_id",
    "num_model_requests",
    "user_id",
    "api_key_id",
    "model",
    "batch",
    "service_tier",
    "input_tokens",
    "output_tokens",
    "input_cached_tokens",
    "input_cache_write_tokens",
    "input_uncached_tokens",
    "input_text_tokens",
    "output_text_tokens",
    "input_cached_text_tokens",
    "input_audio_tokens",
    "input_cached_audio_tokens",
    "output_audio_tokens",
    "input_image_tokens",
    "input_cached_image_tokens",
    "output_image_tokens",
];

fn sniff(sample: &Sample) -> bool {
    sample.has_columns(&["start_time_iso", "num_model_requests", "input_tokens"])
}

fn read(source: &Source) -> Result<Document> {
    let table = Table::read(source)?;
    let mut gather = Gather::new(Document::new(FORMAT.id, FORMAT.kind, Some("openai")));
    if !cost_csv::is_collapsed(&table) {
        table.require(&[cost_csv::start(&table), "num_model_requests", "input_tokens"])?;
    }
    gather.document.diagnostics.extend(table.unknown_columns(&COLUMNS));
    for row in table.rows() {
        match row {
            Err(reject) => gather.reject(reject),
            Ok(row) => {
                let get = |name: &str| row.filled(name).map(str::to_owned);
                let said = cost_csv::days(&row).and_then(|period| {
                    if cost_csv::is_gap(&row) {
                        gather.cover(period);
                        return Ok(Said::Nothing);
                    }
                    usage::said(&mut gather, &row.origin, period, "completions", &get)
                });
                gather.row(&row.origin, said, None);
            }
        }
    }
    gather.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoice::ModelScope;
    use crate::read::testing::{document, fixture, read as read_bytes};
    use crate::vocabulary::{Meter, Tier};

    #[test]
    fn equal_rows_add_up_gaps_are_zero_and_unnamed_cache_writes_are_found() {
        let usage = document(&FORMAT, &fixture("openai-usage-csv", "completions.csv"));
        assert_eq!((usage.rows, usage.empty_rows, usage.rejects.len()), (14, 1, 0));
        assert_eq!(usage.covers.unwrap().last.to_string(), "2026-07-04");
        let sum = |model: &str, day: &str, meter: Meter| -> i128 {
            usage
                .lines
                .iter()
                .filter(|line| line.model == ModelScope::One(model.into()) && line.meter == Some(meter))
                .filter(|line| line.period.first.to_string() == day)
                .filter_map(|line| line.quantity)
                .sum()
        };
        // Two rows of the same day, model and key: 614037 + 1228076.
        assert_eq!(sum("gpt-5.5-2026-04-23", "2026-07-01", Meter::Input), 1_842_113);
        assert_eq!(sum("gpt-5.5-2026-04-23", "2026-07-01", Meter::Request), 2_210);
        // 61440 input − 40960 uncached − 0 cached; billed as $0.128 at 1.25 × $5.00 a million.
        assert_eq!(sum("gpt-5.6-sol", "2026-07-01", Meter::CacheWriteOther), 20_480);
        let batch = usage.lines.iter().find(|line| line.tier == Some(Tier::Batch)).unwrap();
        assert_eq!((batch.key.as_deref(), batch.project.is_some()), (None, true));
    }

    #[test]
    fn the_collapsed_header_reads_as_usage_where_it_is_named_so() {
        let empty =
            read_bytes(&FORMAT, fixture("openai-usage-csv", "completions_usage_empty.csv").as_bytes());
        assert_eq!(empty.unwrap().rows, 0);
    }
}
