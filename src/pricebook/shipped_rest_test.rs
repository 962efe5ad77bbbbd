//! The shipped book against prices read by hand: Mistral, DeepSeek, the routers, and fees of OpenAI and Anthropic.

use super::*;
use crate::period::read_instant;

fn at(text: &str) -> i64 {
    read_instant(text).unwrap().0
}

/// `seller name meter tier prompt region instant`: the price per million of what the name meant then.
fn price(book: &Pricebook, line: &str) -> String {
    let [seller, name, meter, tier, prompt, region, when] =
        line.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
    let at = at(when);
    let Some(model) = book.resolve(seller, name, at) else { return "UnknownModel".to_owned() };
    let query = PriceQuery {
        seller,
        model,
        meter: Meter::parse(meter).unwrap(),
        tier: Tier::parse(tier).unwrap(),
        region,
        prompt: prompt.parse().unwrap(),
        at,
    };
    match book.price(&query) {
        Ok(priced) => priced.unit.per_million(),
        Err(reason) => format!("{reason:?}"),
    }
}

fn check(cases: &[(&str, &str)]) {
    let book = Pricebook::shipped().unwrap();
    for (line, expected) in cases {
        assert_eq!(price(&book, line), *expected, "{line}");
    }
}

/// <https://api-docs.deepseek.com/quick_start/pricing> and its news of 2025-08-21 and 2025-09-29.
#[test]
fn deepseek_by_the_hour() {
    check(&[
        // The launch discount ended at 16:00 UTC, the night discount began at 16:30 UTC.
        ("deepseek deepseek-chat input standard 0 global 2025-02-08T15:59:59Z", "0.14"),
        ("deepseek deepseek-chat input standard 0 global 2025-02-08T16:00Z", "0.27"),
        ("deepseek deepseek-chat input standard 0 global 2025-02-26T16:29:59Z", "0.27"),
        ("deepseek deepseek-chat input standard 0 global 2025-02-26T16:30Z", "0.135"),
        ("deepseek deepseek-reasoner output standard 0 global 2025-03-01T00:29:59Z", "0.55"),
        ("deepseek deepseek-reasoner output standard 0 global 2025-03-01T00:30Z", "2.19"),
        // One flat price from 2025-09-05 16:00 UTC, night or day.
        ("deepseek deepseek-reasoner cache_read standard 0 global 2025-09-05T15:59:59Z", "0.14"),
        ("deepseek deepseek-reasoner cache_read standard 0 global 2025-09-05T16:00Z", "0.07"),
        ("deepseek deepseek-chat output standard 0 global 2025-09-06T00:15Z", "1.68"),
        ("deepseek deepseek-chat output standard 0 global 2025-09-29", "0.42"),
        ("deepseek deepseek-chat output standard 0 global 2026-07-24T16:00Z", "Ended"),
        // Two prices a day from 2026-08-16 16:00 UTC; the instant before still has the flat one.
        ("deepseek deepseek-v4-pro output standard 0 global 2026-08-16T15:59:59Z", "0.87"),
        ("deepseek deepseek-v4-pro output standard 0 global 2026-08-16T16:00Z", "1.98"),
        ("deepseek deepseek-v4-pro output standard 0 global 2026-08-17T00:59:59Z", "1.98"),
        ("deepseek deepseek-v4-pro output standard 0 global 2026-08-17T01:00Z", "3.96"),
        ("deepseek deepseek-v4-pro output standard 0 global 2026-08-17T04:00Z", "1.98"),
        ("deepseek deepseek-v4-pro output standard 0 global 2026-08-17T09:59:59Z", "3.96"),
        ("deepseek deepseek-v4-flash input standard 0 global 2026-08-17T10:00Z", "0.22"),
        // Saturday the 22nd still has peak hours; from Sunday the 23rd in Beijing weekends have none.
        ("deepseek deepseek-v4-flash input standard 0 global 2026-08-22T07:00Z", "0.44"),
        ("deepseek deepseek-v4-flash input standard 0 global 2026-08-23T07:00Z", "0.22"),
        ("deepseek deepseek-v4-flash input standard 0 global 2026-08-24T07:00Z", "0.44"),
        ("deepseek deepseek-v4-flash input standard 0 global 2026-08-29T02:00Z", "0.22"),
        // V4.1 Flash, under its new name and the old one.
        ("deepseek deepseek-v4-flash input standard 0 global 2026-09-10T03:59:59Z", "0.44"),
        ("deepseek deepseek-v4-flash input standard 0 global 2026-09-10T04:00Z", "0.15"),
        ("deepseek deepseek-flash input standard 0 global 2026-09-10T06:00Z", "0.3"),
        ("deepseek deepseek-v4-flash cache_read standard 0 global 2026-10-12T02:00Z", "0.006"),
        // Mid-Autumn Festival and National Day: Friday and Thursday without peak hours.
        ("deepseek deepseek-flash output standard 0 global 2026-09-25T02:00Z", "0.6"),
        ("deepseek deepseek-flash output standard 0 global 2026-09-24T02:00Z", "1.2"),
        ("deepseek deepseek-v4-pro input standard 0 global 2026-10-01T07:00Z", "0.66"),
        ("deepseek deepseek-v4-pro input standard 0 global 2026-10-09T07:00Z", "1.32"),
        // Searches made by the server: free until the end of October in Beijing.
        ("deepseek deepseek-flash web_search standard 0 global 2026-10-31T15:59:59Z", "0"),
        ("deepseek deepseek-flash web_search standard 0 global 2026-10-31T16:00Z", "750"),
    ]);
}

/// Peak prices stay what they are, although V4 Pro was announced to become V4.1 Flash on 2026-09-14.
#[test]
fn an_announcement_that_did_not_come_is_known_only_until_it_was_withdrawn() {
    let line = "deepseek deepseek-v4-pro output standard 0 global 2026-09-15T02:00Z";
    let believed = Pricebook::load(None, &[], Some("2026-09-12".parse().unwrap())).unwrap();
    assert_eq!(price(&believed, line), "1.2");
    assert_eq!(price(&Pricebook::shipped().unwrap(), line), "3.96");
}

/// <https://docs.mistral.ai/inference/pricing>, <https://docs.mistral.ai/resources/changelogs>,
/// <https://docs.mistral.ai/inference/regional-inference>.
#[test]
fn mistral_by_name_and_day() {
    check(&[
        // Three prices in a month.
        ("mistral mistral-large-4 input standard 0 global 2026-10-19", "0.68"),
        ("mistral mistral-large-4-0 input standard 0 global 2026-10-20", "1.36"),
        ("mistral mistral-large-4 input standard 0 global 2026-10-29", "0.7"),
        ("mistral mistral-large-4 output batch 0 global 2026-11-01", "1.05"),
        // What the moving names meant.
        ("mistral mistral-large-latest output standard 0 global 2024-05-01", "24"),
        ("mistral mistral-large-latest output standard 0 global 2025-12-01", "6"),
        ("mistral mistral-large-latest output standard 0 global 2025-12-02", "1.5"),
        ("mistral mistral-medium-latest input standard 0 global 2026-06-15", "0.4"),
        ("mistral mistral-medium-latest input standard 0 global 2026-06-16", "1.5"),
        ("mistral mistral-small-latest output standard 0 global 2026-03-15", "0.3"),
        ("mistral mistral-small-latest output standard 0 global 2026-03-16", "0.6"),
        ("mistral mistral/mistral-small-latest cache_read standard 0 geo:eu 2026-10-01", "0.0165"),
        // 1, 2 and 4 per 1,000 pages; half in batches, no more on regional endpoints.
        ("mistral mistral-ocr-latest page standard 0 global 2025-12-17", "1000"),
        ("mistral mistral-ocr-latest page standard 0 global 2025-12-18", "2000"),
        ("mistral mistral-ocr-latest page batch 0 geo:eu 2026-06-23", "2000"),
        // 0.003 a minute.
        ("mistral voxtral-mini-latest second.audio standard 0 global 2026-11-21", "50"),
        ("mistral zai-glm-5-3 input batch 0 global 2026-11-21", "NoRow"),
        ("mistral mistral-medium-2312 input standard 0 global 2025-06-16", "Ended"),
    ]);
}

/// <https://docs.perplexity.ai/getting-started/pricing>, <https://fireworks.ai/pricing>,
/// <https://openrouter.ai/models>, <https://www.together.ai/pricing>.
#[test]
fn routers() {
    check(&[
        ("openrouter anthropic/claude-sonnet-4.5 output standard 0 global 2026-10-01", "15"),
        ("openrouter openrouter/openai/gpt-5.4 input standard 272001 global 2026-10-01", "5"),
        ("openrouter anthropic/claude-opus-4.8:nitro input standard 0 global 2026-10-01", "5"),
        ("openrouter anthropic/claude-opus-4.8:free input standard 0 global 2026-10-01", "UnknownModel"),
        ("openrouter gpt-5.4 input standard 0 global 2026-10-01", "UnknownModel"),
        ("together openai/gpt-oss-120b output standard 0 global 2026-10-01", "0.6"),
        ("fireworks accounts/fireworks/models/kimi-k2p6 cache_read standard 0 global 2026-10-01", "0.16"),
        ("fireworks fireworks_ai/glm-5p3 output priority 0 global 2026-11-21", "5.5"),
        ("perplexity perplexity/sonar-pro output standard 0 global 2026-06-01", "15"),
        ("perplexity sonar-pro request standard 0 global 2026-06-01", "6000"),
        ("perplexity sonar-deep-research output.reasoning standard 0 global 2026-06-01", "3"),
    ]);
}

/// <https://developers.openai.com/api/docs/pricing>,
/// <https://developers.openai.com/api/docs/guides/ultrafast-mode>, <https://openai.com/api-priority-processing/>,
/// <https://platform.claude.com/docs/en/about-claude/pricing>.
#[test]
fn fees_and_other_kinds_of_models() {
    check(&[
        ("openai gpt-4o web_search standard 0 global 2026-10-01", "25000"),
        ("openai gpt-5 web_search standard 0 global 2026-10-01", "10000"),
        ("openai gpt-5 code_exec.session standard 0 global 2026-03-30", "30000"),
        ("openai gpt-5 code_exec.session standard 0 global 2026-03-31", "Ended"),
        ("openai gpt-5 code_exec.hour standard 0 global 2026-03-31", "90000"),
        ("openai gpt-5 storage.gb_day flex 0 geo:eu 2026-10-01", "100000"),
        ("openai gpt-image-2-2026-04-21 output.image standard 0 global 2026-10-01", "30"),
        ("openai tts-1-hd character standard 0 global 2026-10-01", "30"),
        ("openai whisper-1 second.audio standard 0 global 2026-10-01", "100"),
        ("openai gpt-realtime-2.1 output.audio standard 0 global 2026-11-21", "64"),
        ("openai gpt-6-astra output ultrafast 0 global 2026-09-28", "NoRow"),
        ("openai gpt-6-astra output ultrafast 300000 global 2026-09-29", "450"),
        ("openai gpt-5-nano input priority 0 global 2026-10-01", "NoRow"),
        // The launch price of long prompts, not the one after the cut of 2026-07-30.
        ("openai gpt-5.6-luna input flex 300000 global 2026-07-29", "1"),
        ("openai gpt-5.6-luna input flex 300000 global 2026-07-30", "0.2"),
        ("openai o4-mini cache_read flex 0 global 2026-10-01", "0.138"),
        ("anthropic claude-opus-5 consumption_unit standard 0 global 2026-11-25", "10000"),
        ("anthropic claude-opus-5 session.hour batch 0 geo:us 2026-10-01", "80000"),
    ]);
}
