//! Single calls from public bug reports, worked out by hand there: the right figure, the wrong one, and the mechanism.

use crate::world::{Calls, cubes, inputs};
use llmfin::close::assemble::assemble;
use llmfin::money::Money;
use llmfin::pricebook::Pricebook;
use llmfin::usage::identity::{Counters, split};
use llmfin::vocabulary::{Meter, Reading};

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
fn cache_tokens_inside_the_input_and_beside_it() {
    // BerriAI/litellm#31282: 100 fresh, 700 written, 200 read at 1, 1.25 and 0.1: 995 input-equivalents; with cache tokens
    // inside the input as well 1,895. At 3 a million: 2,985 and 5,685 millionths.
    let meters = [(Meter::Input, 100), (Meter::CacheWrite5m, 700), (Meter::CacheRead, 200)];
    let found = first_bridge("anthropic", "claude-sonnet-4-5-20250929", "2026-05-04", &meters, "0.005685");
    assert_eq!(found, ("0.002985".into(), "cls.cache_double".into(), "-0.0027".into()));
}

#[test]
fn images_priced_as_text() {
    // ding113/claude-code-hub#663: 326 × 2 + 2,000 × 120 + 340 × 12 + 337 × 12 = 248,776; all of the answer as text:
    // 326 × 2 + 2,677 × 12 = 32,776, which the report shows as 0.0328.
    let meters = [
        (Meter::Input, 326),
        (Meter::OutputImage, 2_000),
        (Meter::Output, 340),
        (Meter::OutputReasoning, 337),
    ];
    let found = first_bridge("google-gemini-api", "gemini-3-pro-image", "2026-05-04", &meters, "0.032776");
    assert_eq!(found, ("0.248776".into(), "cls.modality".into(), "0.216".into()));
}

#[test]
fn reasoning_lost_between_the_total_and_its_parts() {
    // danny-avila/LibreChat#13014: 83,265 − 80,657 = 2,608 tokens of output, of which 766 were counted. At 1.25 and 10
    // a million: 80,657 × 1.25 + 2,608 × 10 = 126,901.25; with 766: 108,481.25.
    let counters = Counters {
        prompt: 80_657,
        completion: 766,
        total: Some(83_265),
        reasoning: 1_842,
        ..Counters::default()
    };
    let read = split(&counters);
    assert_eq!((read.visible + counters.reasoning, read.reading), (2_608, Reading::ReasoningExclusive));
    let meters =
        [(Meter::Input, read.uncached), (Meter::Output, read.visible), (Meter::OutputReasoning, 1_842)];
    let found = first_bridge("google-gemini-api", "gemini-2.5-pro", "2026-05-04", &meters, "0.10848125");
    assert_eq!(found, ("0.12690125".into(), "cls.reasoning_dropped".into(), "0.01842".into()));
}

#[test]
fn cents_are_not_dollars() {
    // langwatch/langwatch#6977: "41280.000000" in cents is 412.80.
    assert_eq!(Money::read_cents("41280.000000").unwrap().amount.plain(), "412.80");
}
