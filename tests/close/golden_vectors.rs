//! Single calls from public bug reports, worked out by hand there: the right figure, the wrong one, and the mechanism.

use crate::world::{Calls, cubes, inputs};
use llmfin::close::assemble::assemble;
use llmfin::money::Money;
use llmfin::pricebook::Pricebook;
use llmfin::vocabulary::Meter;

/// Prices one call and returns (priced, cause, amount) of the bridge logged → priced.
fn first_bridge(
    provider: &str,
    model: &str,
    day: &str,
    meters: &[(Meter, u64)],
    logged: &str,
) -> (String, String, String) {
    let book = Pricebook::shipped().unwrap();
    let call = Calls { logged: Some(logged), ..Calls::of(provider, model, day, meters) };
    let document = assemble(&inputs(&book, &day[..7], cubes(&[call]), Vec::new())).unwrap();
    let [finding] = document.findings.as_slice() else { panic!("{:?}", document.findings) };
    (document.totals.priced.plain(), finding.cause.clone(), finding.amount.plain())
}

#[test]
fn cache_writes_billed_a_second_time_as_input() {
    // BerriAI/litellm#9812: 3 × 3 + 12,304 × 3.75 + 550 × 15 = 54,399 millionths; the report shows 0.091311.
    let meters = [(Meter::Input, 3), (Meter::CacheWrite5m, 12_304), (Meter::Output, 550)];
    let found = first_bridge("anthropic", "claude-3-7-sonnet-20250219", "2025-04-02", &meters, "0.091311");
    assert_eq!(found, ("0.054399".into(), "cls.cache_double".into(), "-0.036912".into()));
}

#[test]
fn cached_tokens_at_the_full_rate() {
    // BerriAI/litellm#27191: 2,618 × 2.5 + 3,456 × 0.25 + 285 × 15 = 11,684; wrong 6,074 × 2.5 + 285 × 15 = 19,460.
    let meters = [(Meter::Input, 6_074 - 3_456), (Meter::CacheRead, 3_456), (Meter::Output, 285)];
    let found = first_bridge("openai", "gpt-5.4", "2026-05-04", &meters, "0.019460");
    assert_eq!(found, ("0.011684".into(), "cls.cache_read_as_input".into(), "-0.007776".into()));
}

#[test]
fn cached_tokens_at_the_full_rate_in_streams_only() {
    // BerriAI/litellm#11789: 4 × 0.8 + 2,455 × 0.08 + 23 × 4 = 291.6; wrong 2,459 × 0.8 + 23 × 4 = 2,059.2.
    let meters = [(Meter::Input, 4), (Meter::CacheRead, 2_455), (Meter::Output, 23)];
    let found = first_bridge("anthropic", "claude-3-5-haiku-20241022", "2025-06-17", &meters, "0.0020592");
    assert_eq!(found, ("0.0002916".into(), "cls.cache_read_as_input".into(), "-0.0017676".into()));
}

#[test]
fn cents_are_not_dollars() {
    // langwatch/langwatch#6977: "41280.000000" in cents is 412.80.
    assert_eq!(Money::read_cents("41280.000000").unwrap().amount.plain(), "412.80");
}
