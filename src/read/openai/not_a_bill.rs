//! OpenAI files that look like a bill and are none, or do not say what they are: recognised, and refused with help.
//!
//! ```text
//! {"object":"credit_summary","total_granted":150.0,"total_used":112.37,…}
//! {"object":"page","data":[{"object":"bucket","start_time":…,"results":[]}],"has_more":false}
//! ```

use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::invoice::{Document, DocumentKind};
use crate::read::DocumentFormat;
use crate::read::source::{Sample, Source};

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "openai-not-a-bill",
    family: "openai",
    about: "recognised and refused: credit grants, estimate CSV, pages with only empty results",
    kind: DocumentKind::Cost,
    sniff,
    read,
};

fn sniff(sample: &Sample) -> bool {
    is_credit_summary(sample) || is_dashboard_estimate(sample) || is_empty_page(sample)
}

fn read(source: &Source) -> Result<Document> {
    let sample = source.sample()?;
    let (code, message, help) = if is_credit_summary(&sample) {
        (
            "credit-summary",
            "this is the list of credit grants: balances, not usage",
            "export the cost data: Usage > Export > Cost data, grouped by line item",
        )
    } else if is_dashboard_estimate(&sample) {
        (
            "unverified-format",
            "this dashboard CSV (`usage_date_utc,model,usage_type,cost_usd`) is not known well enough to be billed from",
            "export the cost data instead: Usage > Export > Cost data, grouped by line item",
        )
    } else {
        (
            "ambiguous-pages",
            "every bucket is empty: cost and usage pages look alike",
            "name the format: `--invoice openai=openai-costs-api:PATH` or `--invoice openai=openai-usage-api:PATH`",
        )
    };
    Err(Diagnostic::error(code, source.origin(), message).help(help).into())
}

fn is_credit_summary(sample: &Sample) -> bool {
    sample.has_json_keys(&["credit_summary", "total_granted"])
}

fn is_dashboard_estimate(sample: &Sample) -> bool {
    sample.has_columns(&["usage_date_utc", "model", "usage_type", "cost_usd"])
        && !sample.has_columns(&["token_type"])
}

fn is_empty_page(sample: &Sample) -> bool {
    sample.has_json_keys(&["page", "data", "bucket", "results"]) && !sample.text.contains("\"organization.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::DOCUMENT_FORMATS;
    use crate::read::testing::{detected, fixture};

    #[test]
    fn refusals_name_what_to_do() {
        let empty = "{\"object\":\"page\",\"data\":[{\"object\":\"bucket\",\"start_time\":1782864000,\
                     \"end_time\":1782950400,\"results\":[]}],\"has_more\":false,\"next_page\":null}";
        for (text, message) in [
            (fixture("openai-not-a-bill", "credit_grants.json"), "this is the list of credit grants"),
            ("usage_date_utc,model,usage_type,cost_usd\n".to_owned(), "this dashboard CSV"),
            (empty.to_owned(), "every bucket is empty"),
        ] {
            assert_eq!(detected(DOCUMENT_FORMATS, &text), ["openai-not-a-bill"]);
            let error = crate::read::testing::read(&FORMAT, text.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
        }
        let named = crate::read::testing::read(&super::super::costs_api::FORMAT, empty.as_bytes()).unwrap();
        assert_eq!((named.rows, named.empty_rows), (1, 1));
    }
}
