//! Anthropic files that look like a bill and are none, or do not say what they are: recognised, and refused with help.
//!
//! ```text
//! {"data":[{"date":"2026-07-01T00:00:00Z","actor":{…},"model_breakdown":[{"model":…,"estimated_cost":{…}}]}]}
//! {"data":[{"starting_at":"2026-07-01T00:00:00Z","ending_at":"2026-07-02T00:00:00Z","results":[]}],"has_more":false}
//! ```

use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::invoice::{Document, DocumentKind};
use crate::read::DocumentFormat;
use crate::read::source::{Sample, Source};

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "anthropic-not-a-bill",
    family: "anthropic",
    about: "recognised and refused: Claude Code analytics, pages with only empty results",
    kind: DocumentKind::Cost,
    sniff,
    read,
};

fn sniff(sample: &Sample) -> bool {
    is_claude_code(sample) || is_empty_page(sample)
}

fn read(source: &Source) -> Result<Document> {
    let (code, message, help) = if is_claude_code(&source.sample()?) {
        (
            "estimate-not-bill",
            "this is Claude Code analytics: its costs are estimates, and seats pay for some of them",
            "export the bill: Console > Cost > Export, or the Admin API's cost report grouped by description",
        )
    } else {
        (
            "ambiguous-pages",
            "every bucket is empty: cost and usage pages look alike",
            "name the format: `--invoice anthropic=anthropic-cost-report:PATH` or \
             `--invoice anthropic=anthropic-usage-report:PATH`",
        )
    };
    Err(Diagnostic::error(code, source.origin(), message).help(help).into())
}

fn is_claude_code(sample: &Sample) -> bool {
    sample.has_json_keys(&["actor", "model_breakdown"])
}

fn is_empty_page(sample: &Sample) -> bool {
    sample.has_json_keys(&["data", "starting_at", "results", "has_more"])
        && !sample.text.contains("\"amount\"")
        && !sample.text.contains("\"uncached_input_tokens\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::DOCUMENT_FORMATS;
    use crate::read::testing::{detected, fixture};

    #[test]
    fn refusals_name_what_to_do() {
        let empty = "{\"data\":[{\"starting_at\":\"2026-07-01T00:00:00Z\",\"ending_at\":\"2026-07-02T00:00:00Z\",\
                     \"results\":[]}],\"has_more\":false,\"next_page\":null}";
        for (text, message) in [
            (fixture("anthropic-not-a-bill", "claude_code.json"), "this is Claude Code analytics"),
            (empty.to_owned(), "every bucket is empty"),
        ] {
            assert_eq!(detected(DOCUMENT_FORMATS, &text), ["anthropic-not-a-bill"]);
            let error = crate::read::testing::read(&FORMAT, text.as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
        }
    }
}
