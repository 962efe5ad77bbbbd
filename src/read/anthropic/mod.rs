//! What Anthropic exports about its own bill: cost and tokens, from the Console (CSV, dollars and cents rounded per
//! row) and from the Admin API (JSON, fractional cents). Days are UTC days.

pub mod cost_csv;
pub mod cost_report;
pub mod not_a_bill;
pub mod token_csv;
mod usage;
pub mod usage_report;

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Origin};
use crate::read::gather::{Gather, shown};
use crate::vocabulary::{Meter, Tier};

/// The cell, unless it says "does not apply".
fn applies(cell: Option<&str>) -> Option<&str> {
    cell.filter(|cell| !matches!(*cell, "" | "--"))
}

/// The Console names the default workspace where the API leaves it null; a blank cell says nothing.
fn workspace(cell: Option<&str>) -> Option<Arc<str>> {
    applies(cell).map(|name| if name == "Default" { "" } else { name }.into())
}

/// The name of the API key.
fn key(cell: Option<&str>) -> Option<Arc<str>> {
    applies(cell).map(Arc::from)
}

/// Token types of the Console CSV and of the API.
fn token_meter(token_type: &str) -> Option<Meter> {
    Some(match token_type {
        "input_no_cache" | "uncached_input_tokens" => Meter::Input,
        "input_cache_read" | "cache_read_input_tokens" => Meter::CacheRead,
        "input_cache_write_5m" | "cache_creation.ephemeral_5m_input_tokens" => Meter::CacheWrite5m,
        "input_cache_write_1h" | "cache_creation.ephemeral_1h_input_tokens" => Meter::CacheWrite1h,
        "output" | "output_tokens" => Meter::Output,
        _ => return None,
    })
}

/// Cost types that are billed without a model.
fn tool_meter(cost_type: &str) -> Option<Meter> {
    Some(match cost_type {
        "web_search" => Meter::WebSearch,
        "code_execution" => Meter::CodeExecHour,
        "session_usage" | "session" => Meter::SessionHour,
        _ => return None,
    })
}

/// `us` → `geo:us`; `not_available` says that the model has no choice of region, which is no region.
fn region(inference_geo: Option<&str>) -> Option<Arc<str>> {
    match applies(inference_geo)? {
        "not_available" => None,
        "global" => Some("global".into()),
        geo => Some(format!("geo:{}", geo.to_ascii_lowercase()).into()),
    }
}

/// Fast mode is a tier of its own here; everything else is in the service tier or usage type.
fn tier(gather: &mut Gather, origin: &Origin, service: Option<&str>, speed: Option<&str>) -> Option<Tier> {
    if applies(speed).is_some_and(|speed| speed.eq_ignore_ascii_case("fast")) {
        return Some(Tier::Fast);
    }
    let service = applies(service)?;
    match service.to_ascii_lowercase().as_str() {
        "message" | "messages" => Some(Tier::Standard),
        lower if lower.contains("batch") => Some(Tier::Batch),
        lower => Tier::read("anthropic", lower).or_else(|| {
            gather.remark(unknown("usage type or service tier", service, origin));
            None
        }),
    }
}

/// `≤ 200k` and `0-200k` are below the boundary, `> 200k` and `200k-1M` above it.
fn long_context(gather: &mut Gather, origin: &Origin, window: Option<&str>) -> Option<bool> {
    let window = applies(window)?;
    let lower = window.to_lowercase();
    let compact: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
    match compact.as_str() {
        "≤200k" | "<=200k" | "0-200k" => Some(false),
        ">200k" | "200k-1m" => Some(true),
        _ => {
            gather.remark(unknown("context window", window, origin));
            None
        }
    }
}

fn unknown(what: &str, text: &str, origin: &Origin) -> Diagnostic {
    let message = format!("{what} `{}` is not known; read as not distinguished", shown(text));
    Diagnostic::warning("unclassified-line-item", origin.clone(), message)
        .help("the amount is kept; `llmfin formats anthropic` lists the values known")
}
