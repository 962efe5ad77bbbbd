//! The shipped prices of the clouds against what AWS and Google publish themselves.

use super::PriceQuery;
use super::shipped_test::{at, book, price, query};

#[test]
fn amazon_bedrock() {
    let book = book();
    for (line, expected) in [
        // https://aws.amazon.com/bedrock/pricing/: from Claude 4.5 on, 10 percent above the global profile elsewhere.
        ("anthropic.claude-sonnet-4-5-20250929-v1:0 input standard 0 global 2026-10-01", "3"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0 input standard 0 geo:us 2026-10-01", "3.3"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0 input standard 0 us-east-1 2026-10-01", "3.3"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0 output standard 0 eu-central-1 2026-10-01", "16.5"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0 cache_read standard 0 geo:jp 2026-10-01", "0.33"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0 input batch 0 geo:eu 2026-10-01", "1.65"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0 input standard 200001 geo:us 2026-02-01", "6.6"),
        ("anthropic.claude-opus-5 output standard 0 ap-southeast-2 2026-10-01", "27.5"),
        ("anthropic.claude-opus-5 cache_write.other standard 0 global 2026-10-01", "6.25"),
        ("anthropic.claude-haiku-5-5 input standard 0 us-gov-west-1 2026-11-25", "0.12"),
        ("openai.gpt-5.6-terra output standard 0 us-gov-west-1 2026-11-25", "16.2"),
        // Before that the price is the calling region's, with or without a profile.
        ("anthropic.claude-sonnet-4-20250514-v1:0 input standard 0 geo:us 2026-01-01", "3"),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0 output standard 0 us-west-2 2026-01-01", "15"),
        ("amazon.nova-pro-v1:0 input standard 0 geo:us 2026-01-01", "0.8"),
        ("amazon.nova-pro-v1:0 input standard 0 geo:eu 2026-01-01", "1.05"),
        // Nothing says what older models cost elsewhere.
        ("amazon.titan-embed-text-v2:0 input standard 0 eu-west-1 2026-10-01", "NoRegion"),
        ("amazon.nova-pro-v1:0 input standard 0 global 2026-01-01", "NoRegion"),
        ("openai.gpt-5.5 input standard 0 us-east-1 2026-10-01", "NoRegion"),
        // "Claude 3.5 Sonnet v2 (Public Extended Access, Effective 1 Dec 2025)": twice the price.
        ("anthropic.claude-3-5-sonnet-20241022-v2:0 input standard 0 us-east-1 2025-11-30", "3"),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0 input standard 0 us-east-1 2025-12-01", "6"),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0 cache_write.5m standard 0 us-east-1 2026-02-03", "7.5"),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0 output batch 0 us-east-1 2025-12-01", "15"),
        // https://aws.amazon.com/about-aws/whats-new/2026/08/bedrock-openai-gpt-56-sol-reduced-pricing/
        ("openai.gpt-5.6-sol input standard 0 global 2026-08-20", "5"),
        ("openai.gpt-5.6-sol input standard 0 global 2026-08-21", "4"),
        ("openai.gpt-5.6-sol output standard 272001 global 2026-08-21", "30"),
        ("openai.gpt-5.6-sol output standard 272001 geo:us 2026-08-21", "33"),
        ("openai.gpt-5.6-sol cache_write.30m standard 0 us-east-1 2026-10-01", "5.5"),
        // https://aws.amazon.com/about-aws/whats-new/2026/07/openai-gpt-terra-luna-pricing-bedrock/: 80 percent off.
        ("openai.gpt-5.6-luna input standard 0 us-east-1 2026-07-29", "1.1"),
        ("openai.gpt-5.6-luna input standard 0 us-east-2 2026-07-30", "0.22"),
        ("openai.gpt-5.6-luna output standard 272001 global 2026-10-01", "1.8"),
        // No surcharge for the 1M window of Claude 4.6 there; five times the price above 100K for Haiku 5.5.
        ("anthropic.claude-opus-4-6-v1 input standard 300000 eu-west-1 2026-03-01", "5.5"),
        ("anthropic.claude-haiku-5-5 output standard 100001 geo:us 2026-10-08", "2.75"),
        // https://aws.amazon.com/bedrock/service-tiers: flex half, priority 1.75 times.
        ("amazon.nova-pro-v1:0 input flex 0 us-east-1 2026-11-20", "0.4"),
        ("amazon.nova-pro-v1:0 output priority 0 us-east-1 2026-11-20", "5.6"),
        ("openai.gpt-oss-120b-1:0 output priority 0 us-east-1 2026-10-01", "1.05"),
        // The AWS price list: 0.00002 for 1,000 tokens.
        ("amazon.titan-embed-text-v2:0 input standard 0 us-east-1 2026-10-01", "0.02"),
        ("meta.llama3-1-405b-instruct-v1:0 output standard 0 us-east-1 2024-08-01", "16"),
    ] {
        assert_eq!(price(&book, &format!("aws-bedrock {line}")), expected, "{line}");
    }
    // A log that names neither profile nor region: the price of a region, unverified.
    for (model, expected) in [
        ("anthropic.claude-sonnet-4-6", "3.3"),
        ("amazon.nova-pro-v1:0", "0.8"),
        ("deepseek.r1-v1:0", "1.35"),
    ] {
        let line = format!("aws-bedrock {model} input standard 0 global 2026-10-01");
        let priced = book.price(&PriceQuery { region: "", ..query(&line) }).unwrap();
        assert_eq!((&*priced.unit.per_million(), priced.unverified), (expected, true), "{model}");
    }
}

#[test]
fn google_gemini_api() {
    let book = book();
    for (line, expected) in [
        // https://ai.google.dev/gemini-api/docs/pricing: "$0.75 through December 31, 2026. $1.50 starting January 1, 2027."
        ("gemini-3.6-flash input standard 0 global 2026-08-12", "1.5"),
        ("gemini-3.6-flash input standard 0 global 2026-08-13", "0.75"),
        ("gemini-3.6-flash input batch 0 global 2026-08-12", "0.75"),
        ("gemini-3.8-flash output standard 0 global 2026-12-31T23:59:59Z", "3.75"),
        ("gemini-3.8-flash output standard 0 global 2027-01-01", "7.5"),
        ("gemini-3.8-flash output.reasoning priority 0 global 2026-10-01", "6.75"),
        ("gemini-3.8-flash cache_storage.token_hour standard 0 global 2026-10-01", "0.5"),
        // https://ai.google.dev/gemini-api/docs/generate-content/latest-model: 2 and 10 until 2026-11-30, then 4 and 20.
        ("gemini-4-argon input standard 0 global 2026-10-12", "NoRow"),
        ("gemini-4-argon input standard 0 global 2026-11-30", "2"),
        ("gemini-4-argon input standard 500000 global 2026-12-01", "4"),
        ("gemini-4-argon output flex 0 global 2026-12-01", "10"),
        // "$1.25, prompts <= 200k tokens", "$2.50, prompts > 200k tokens"; "$0.30 (text / image / video)", "$1.00 (audio)".
        ("gemini-2.5-pro input standard 200000 global 2026-10-01", "1.25"),
        ("gemini-2.5-pro output standard 200001 global 2026-10-01", "15"),
        ("gemini-2.5-pro input flex 200001 global 2026-10-05", "1.25"),
        ("gemini-2.5-flash input standard 0 global 2026-10-01", "0.3"),
        ("gemini-2.5-flash input.audio standard 0 global 2026-10-01", "1"),
        ("gemini-2.5-flash input.audio batch 0 global 2026-10-20", "0.5"),
        // "$120.00 (images)", and "Text input $0.20" of the embedding model.
        ("gemini-3-pro-image output.image standard 0 global 2026-10-01", "120"),
        ("gemini-embedding-2 input standard 0 global 2026-10-01", "0.2"),
        // 35 for 1,000 grounded prompts up to 2.5; 14 for 1,000 queries from 3 on, since 2026-01-05.
        ("gemini-2.5-flash web_search batch 0 global 2026-10-01", "35000"),
        ("gemini-3-flash-preview web_search standard 0 global 2026-01-04", "NoRow"),
        ("gemini-3-flash-preview web_search standard 0 global 2026-01-05", "14000"),
        // https://developers.googleblog.com/en/gemini-15-flash-updates-google-ai-studio-gemini-api/
        ("gemini-1.5-flash input standard 128000 global 2024-08-12", "0.075"),
        ("gemini-1.5-flash output standard 128001 global 2024-08-12", "0.6"),
        ("gemini-1.5-flash output standard 0 global 2025-09-29", "Ended"),
        // https://ai.google.dev/gemini-api/docs/changelog: shut down on 2026-06-01.
        ("gemini-2.0-flash input standard 0 global 2026-05-31", "0.1"),
        ("gemini-2.0-flash input standard 0 global 2026-06-01", "Ended"),
    ] {
        assert_eq!(price(&book, &format!("google-gemini-api {line}")), expected, "{line}");
    }
    let line = "google-gemini-api gemini-4-argon input standard 0 global 2026-12-01";
    assert!(book.price(&query(line)).unwrap().unverified, "an announced price is no price yet");
}

#[test]
fn google_vertex() {
    let book = book();
    for (line, expected) in [
        // https://platform.claude.com/docs/en/build-with-claude/claude-on-vertex-ai: 10 percent from Sonnet 4.5 on.
        ("claude-sonnet-4-5@20250929 input standard 0 global 2026-10-01", "3"),
        ("claude-sonnet-4-5@20250929 input standard 0 europe-west1 2026-10-01", "3.3"),
        ("claude-sonnet-4-5@20250929 cache_write.other standard 0 us-east5 2026-10-01", "4.125"),
        ("claude-opus-4-1@20250805 input standard 0 us-east5 2026-10-01", "15"),
        ("claude-haiku-5-5 output standard 100001 geo:eu 2026-10-08", "2.75"),
        ("claude-opus-5-5 input batch 0 global 2026-10-01", "2"),
        // https://claude.com/blog/1m-context-ga: no surcharge since 2026-03-13.
        ("claude-opus-4-6 input standard 200001 global 2026-03-12", "10"),
        ("claude-opus-4-6 input standard 200001 global 2026-03-13", "5"),
        ("claude-opus-4-6 output batch 200001 us-east5 2026-10-04", "13.75"),
        // https://cloud.google.com/vertex-ai/generative-ai/pricing: 1.50 and 9.00 global, 1.65 and 9.90 elsewhere.
        ("gemini-3.5-flash input standard 0 us-central1 2026-06-01", "1.65"),
        ("gemini-3.5-flash output standard 0 global 2026-06-01", "9"),
        ("gemini-3.5-flash output standard 0 geo:eu 2026-06-01", "9.9"),
        ("gemini-2.5-flash output standard 0 europe-west4 2026-06-01", "2.5"),
        ("gemini-2.0-flash-001 input standard 0 us-central1 2025-06-01", "0.15"),
        // The previews of Gemini 3 have no other endpoint.
        ("gemini-3-flash-preview input standard 0 us-central1 2026-06-01", "NoRegion"),
        ("gemini-3-flash-preview web_search standard 0 us-central1 2026-06-01", "14000"),
        ("gemini-2.5-pro cache_read standard 0 global 2025-10-24", "0.3125"),
        ("gemini-2.5-pro cache_read standard 0 global 2025-10-25", "0.125"),
        ("gemini-3.1-pro-preview output priority 200001 global 2026-10-01", "32.4"),
    ] {
        assert_eq!(price(&book, &format!("google-vertex {line}")), expected, "{line}");
    }
    // Where it matters which endpoint was called and the log does not say.
    for (model, unverified) in [("claude-opus-5", true), ("gemini-2.5-flash", false)] {
        let line = format!("google-vertex {model} output standard 0 global 2026-10-01");
        let priced = book.price(&PriceQuery { region: "", ..query(&line) }).unwrap();
        assert_eq!(priced.unverified, unverified, "{model}");
    }
}

#[test]
fn names_as_gateways_and_bills_write_them() {
    let book = book();
    for (seller, name, when, id) in [
        ("aws-bedrock", "bedrock/anthropic.claude-sonnet-5", "2026-10-01", "anthropic.claude-sonnet-5"),
        (
            "aws-bedrock",
            "anthropic.claude-haiku-4-5-20251001-v1",
            "2026-10-01",
            "anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        // As the bill's resource and usage type are read.
        ("aws-bedrock", "claude-haiku-4-5", "2026-10-01", "anthropic.claude-haiku-4-5-20251001-v1:0"),
        ("aws-bedrock", "NovaPro", "2026-10-01", "amazon.nova-pro-v1:0"),
        ("aws-bedrock", "claude-3-5-sonnet", "2024-10-21", "anthropic.claude-3-5-sonnet-20240620-v1:0"),
        ("google-vertex", "vertex_ai/claude-sonnet-4-5", "2026-10-01", "claude-sonnet-4-5@20250929"),
        ("google-vertex", "publishers/google/models/gemini-2.5-flash", "2026-10-01", "gemini-2.5-flash"),
        ("google-vertex", "Gemini 2.5 Flash Lite", "2026-10-01", "gemini-2.5-flash-lite"),
        ("google-gemini-api", "models/gemini-2.5-pro", "2026-10-01", "gemini-2.5-pro"),
        ("google-gemini-api", "gemini/gemini-flash-latest", "2026-02-01", "gemini-3-flash-preview"),
        // https://ai.google.dev/gemini-api/docs/changelog, October 8, 2026: requests are routed to the next model.
        ("google-gemini-api", "gemini-3.5-flash", "2026-10-07", "gemini-3.5-flash"),
        ("google-gemini-api", "gemini-3.5-flash", "2026-10-08", "gemini-3.6-flash"),
        ("google-gemini-api", "gemini-3.7-flash", "2026-10-08", "gemini-3.8-flash"),
    ] {
        assert_eq!(book.resolve(seller, name, at(when)), Some(id), "{name}");
    }
    for (seller, name, id, region) in [
        (
            "aws-bedrock",
            "bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "geo:us",
        ),
        ("aws-bedrock", "jp.anthropic.claude-sonnet-4-6", "anthropic.claude-sonnet-4-6", "geo:jp"),
        ("aws-bedrock", "bedrock/us-west-2/amazon.nova-pro-v1", "amazon.nova-pro-v1:0", "us-west-2"),
        ("aws-bedrock", "bedrock_mantle/us-east-2/openai.gpt-5.5", "openai.gpt-5.5", "us-east-2"),
        (
            "aws-bedrock",
            "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
            "anthropic.claude-3-haiku-20240307-v1:0",
            "us-gov-west-1",
        ),
        (
            "google-vertex",
            "projects/p-1/locations/eu/publishers/google/models/gemini-3.5-flash",
            "gemini-3.5-flash",
            "geo:eu",
        ),
        (
            "google-vertex",
            "vertex_ai/projects/p-1/locations/us-east5/publishers/anthropic/models/claude-opus-4-6",
            "claude-opus-4-6",
            "us-east5",
        ),
    ] {
        let named = book.resolve_name(seller, name, at("2026-10-01")).unwrap();
        assert_eq!((named.model, named.region.as_deref()), (id, Some(region)), "{name}");
    }
    for (seller, name) in [
        ("aws-bedrock", "claude-opus"),
        ("aws-bedrock", "llama3-1"),
        ("google-vertex", "claude-opus-4-5@20251102"),
        ("google-gemini-api", "gemini-2.5"),
    ] {
        assert_eq!(book.resolve(seller, name, at("2026-10-01")), None, "{name}");
    }
}
