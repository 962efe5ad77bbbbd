//! The shipped prices of Azure OpenAI, xAI, Groq and Cohere against what those sellers publish themselves.

use super::shipped_test::{at, book, price, query};
use super::*;

#[test]
fn azure_as_its_retail_meters_say() {
    let book = book();
    for (line, expected) in [
        // https://prices.azure.com/api/retail/prices on 2026-08-11, `retailPrice` per 1K or 1M:
        // `gpt 4.1 Inp glbl` 0.002, `… Data Zone` 0.0022, `… regnl` 0.0022 in eastus, 0.00242 in swedencentral,
        // 0.00264 in northeurope, 0.00275 in usgovvirginia.
        ("azure-openai gpt-4.1 input standard 0 global 2026-08-11", "2"),
        ("azure-openai gpt-4.1 input standard 0 datazone:us 2026-08-11", "2.2"),
        ("azure-openai gpt-4.1 input standard 0 datazone:swedencentral 2026-08-11", "2.2"),
        ("azure-openai gpt-4.1 input standard 0 regional:eastus 2026-08-11", "2.2"),
        ("azure-openai gpt-4.1 input standard 0 regional:swedencentral 2026-08-11", "2.42"),
        ("azure-openai gpt-4.1 input standard 0 swedencentral 2026-08-11", "2.42"),
        ("azure-openai gpt-4.1 input standard 0 regional:northeurope 2026-08-11", "2.64"),
        ("azure-openai gpt-4.1 input standard 0 regional:usgovvirginia 2026-08-11", "2.75"),
        ("azure-openai gpt-4.1 output batch 0 global 2026-08-11", "4"),
        // One meter name, two prices: `GPT 5.1 opt Dz` 11 in Europe and the United States, 12 in Asia.
        ("azure-openai gpt-5.1 output standard 0 datazone:eu 2026-08-11", "11"),
        ("azure-openai gpt-5.1 output standard 0 datazone:japaneast 2026-08-11", "12"),
        ("azure-openai gpt-5.1 output standard 0 datazone:usgovvirginia 2026-08-11", "13.75"),
        // `5.4 longco inp Gl` 5, `5.4 pp opt Gl` 30, `gpt-4o-rt-aud-1217 Inp glbl` 0.04 per 1K.
        ("azure-openai gpt-5.4 input standard 272001 global 2026-08-11", "5"),
        ("azure-openai gpt-5.4 output priority 0 global 2026-08-11", "30"),
        ("azure-openai gpt-4o-realtime-preview-2024-12-17 input.audio standard 0 global 2026-08-11", "40"),
        // `Provisioned Managed … Unit` per hour: 1, 1.1, 1.1 then 1.2 in Asia, 2.2 in Sweden Central.
        ("azure-openai gpt-5.1 capacity.hour provisioned 0 global 2026-08-11", "1000000"),
        ("azure-openai gpt-5.1 capacity.hour provisioned 0 datazone:eu 2026-08-11", "1100000"),
        ("azure-openai gpt-5.1 capacity.hour provisioned 0 datazone:asia 2026-07-31", "1100000"),
        ("azure-openai gpt-5.1 capacity.hour provisioned 0 datazone:asia 2026-08-01", "1200000"),
        ("azure-openai gpt-5.1 capacity.hour provisioned 0 regional:swedencentral 2026-08-11", "2200000"),
        // https://azure.microsoft.com/en-us/blog/gpt-5-6-now-available-in-microsoft-foundry/: Luna and Terra follow
        // OpenAI's cut, Sol costs 4 and 20 from 2026-09-01 through at least 2026-11-30.
        ("azure-openai gpt-5.6-luna input standard 0 global 2026-07-31", "1"),
        ("azure-openai gpt-5.6-luna input standard 0 global 2026-08-01", "0.2"),
        ("azure-openai gpt-5.6-terra output standard 0 global 2026-08-01", "12"),
        ("azure-openai gpt-5.6-sol output standard 0 global 2026-08-31T23:59:59Z", "30"),
        ("azure-openai gpt-5.6-sol output standard 0 global 2026-09-01", "20"),
        ("azure-openai gpt-5.6-sol input standard 272001 datazone:us 2026-09-01", "8.8"),
        // What Azure does not sell has no price.
        ("azure-openai gpt-5.5-pro input batch 0 global 2026-08-11", "NoRow"),
        ("azure-openai gpt-5.4-maxi input standard 0 global 2026-08-11", "UnknownModel"),
    ] {
        assert_eq!(price(&book, line), expected, "{line}");
    }
}

#[test]
fn azure_regions_stand_in_for_no_other() {
    let book = book();
    for (line, expected) in [
        // The meters of GPT-5.5 are `… Gl` and `… Dz`: global and data zone alone.
        ("azure-openai gpt-5.5 input standard 0 global 2026-08-11", "5"),
        ("azure-openai gpt-5.5 input standard 0 regional:swedencentral 2026-08-11", "NoRegion"),
        ("azure-openai gpt-5.5 input standard 0 swedencentral 2026-08-11", "NoRegion"),
        // `gpt 4.1 Inp regnl` has no meter in West Europe, and no data zone lies in Brazil.
        ("azure-openai gpt-4.1 input standard 0 regional:westeurope 2026-08-11", "NoRegion"),
        ("azure-openai gpt-4.1 input standard 0 datazone:brazilsouth 2026-08-11", "NoRegion"),
        ("azure-openai gpt-4.1 input standard 0 datazone:westeurope 2026-08-11", "2.2"),
        ("azure-openai gpt-4.1 input standard 0 eastus9 2026-08-11", "NoRegion"),
    ] {
        assert_eq!(price(&book, line), expected, "{line}");
    }
}

#[test]
fn a_cut_that_was_published_late_was_not_known_earlier() {
    // The meters still had the old price on 2026-08-11 and the new one, back to the first of the month, a day later.
    let then = Pricebook::load(None, &[], Some("2026-08-11".parse().unwrap())).unwrap();
    let line = "azure-openai gpt-5.6-luna input standard 0 global 2026-08-05";
    assert_eq!(price(&then, line), "1");
    let priced = book().price(&query(line)).unwrap();
    assert_eq!((priced.unit.per_million(), priced.unverified), ("0.2".to_owned(), false));
    let zone =
        book().price(&query("azure-openai gpt-5.6-luna input standard 0 datazone:eu 2026-08-05")).unwrap();
    assert!(zone.unverified, "no source says when the meters of the data zones changed");
}

#[test]
fn xai_groq_and_cohere_as_their_pages_say() {
    let book = book();
    for (line, expected) in [
        // https://docs.x.ai/developers/pricing: "Long context >= 200k tokens", all tokens at the higher rate.
        ("xai grok-4.7 input standard 199999 global 2026-11-01", "2"),
        ("xai grok-4.7 input standard 200000 global 2026-11-01", "4"),
        ("xai grok-4.7 output standard 200000 global 2026-11-01", "12"),
        ("xai grok-4.5 cache_read standard 0 global 2026-11-01", "0.3"),
        ("xai grok-4.6 cache_read standard 0 global 2026-11-01", "0.5"),
        // The same page: US regional endpoint 1.1x; web search 5 per 1,000 calls, collections 2.50.
        ("xai grok-4.6 input standard 0 geo:us 2026-11-01", "2.2"),
        ("xai grok-4.6 web_search standard 0 global 2026-11-01", "5000"),
        ("xai grok-4.6 file_search standard 0 global 2026-11-01", "2500"),
        // https://docs.x.ai/developers/models/grok-4.20-0309: batches at a 20 percent discount.
        ("xai grok-4.20-0309-reasoning input batch 0 global 2026-11-01", "1"),
        ("xai grok-4.6 output batch 0 global 2026-11-01", "4.8"),
        // Grok 4.20 before and after 2026-04-30.
        ("xai grok-4.20-0309-reasoning output standard 0 global 2026-04-29", "6"),
        ("xai grok-4.20-0309-reasoning output standard 0 global 2026-04-30", "2.5"),
        // https://docs.x.ai/developers/migration/may-15-retirement: until 12:00 Pacific.
        ("xai grok-4-0709 input standard 127999 global 2026-05-15T18:59:59Z", "3"),
        ("xai grok-4-0709 input standard 128000 global 2026-05-15T18:59:59Z", "6"),
        ("xai grok-4-0709 input standard 0 global 2026-05-15T19:00:00Z", "Ended"),
        // https://console.groq.com/docs/models and its page of deprecations.
        ("groq openai/gpt-oss-120b output standard 0 global 2026-10-01", "0.6"),
        ("groq openai/gpt-oss-20b input standard 0 global 2026-10-01", "0.075"),
        ("groq qwen/qwen3-32b input standard 0 global 2026-07-16", "0.29"),
        ("groq qwen/qwen3-32b input standard 0 global 2026-07-17", "Ended"),
        // 0.111 an hour.
        ("groq whisper-large-v3 second.audio standard 0 global 2026-11-21", "30.833333333"),
        // https://cohere.com/pricing
        ("cohere command-a-03-2025 output standard 0 global 2026-01-01", "10"),
        ("cohere command-r7b-12-2024 input standard 0 global 2026-01-01", "0.0375"),
        ("cohere rerank-v3.5 request standard 0 global 2026-11-21", "2000"),
    ] {
        assert_eq!(price(&book, line), expected, "{line}");
    }
}

#[test]
fn their_names() {
    let book = book();
    for (seller, name, when, id) in [
        ("azure-openai", "azure/gpt-4o-2024-08-06", "2026-08-11", "gpt-4o-2024-08-06"),
        ("azure-openai", "azure/eu/gpt-5.1-2025-11-13", "2026-08-11", "gpt-5.1"),
        ("azure-openai", "gpt-35-turbo-16k-0613", "2025-01-01", "gpt-35-turbo-16k"),
        ("azure-openai", "Azure OpenAI GPT5 5.4", "2026-08-11", "gpt-5.4"),
        ("azure-openai", "Azure OpenAI gpt 4o 1120", "2026-08-11", "gpt-4o-2024-11-20"),
        ("azure-openai", "gpt-chat-latest", "2026-05-27", "chat-latest-2026-05-05"),
        ("azure-openai", "gpt-chat-latest", "2026-05-28", "chat-latest-2026-05-28"),
        ("groq", "openai/gpt-oss-120b", "2026-10-01", "openai/gpt-oss-120b"),
        ("groq", "groq/openai/gpt-oss-120b", "2026-10-01", "openai/gpt-oss-120b"),
        ("xai", "grok-4-latest", "2026-05-15T18:59:59Z", "grok-4-0709"),
        ("xai", "grok-4-0709", "2026-05-15T19:00:00Z", "grok-4.3"),
        ("xai", "xai/grok-code-fast-1", "2026-06-01", "grok-build-0.1"),
    ] {
        assert_eq!(book.resolve(seller, name, at(when)), Some(id), "{name}");
    }
    for (seller, name) in
        [("groq", "gpt-oss-120b"), ("azure-openai", "Azure Deepseek Models V4 Pro"), ("xai", "grok-5")]
    {
        assert_eq!(book.resolve(seller, name, at("2026-10-01")), None, "{name}");
    }
}

#[test]
fn every_row_of_theirs_has_a_source_and_a_basis_and_lies_in_canonical_order() {
    let book = book();
    // Meters of the price list, zone by zone and region by region; then what the lists add.
    for (seller, all) in [("azure-openai", 3001), ("xai", 201), ("groq", 70), ("cohere", 45)] {
        let mut rows: Vec<&PriceRow> = book.ledger(seller).collect();
        assert_eq!(rows.len(), all, "{seller}");
        for row in &rows {
            let evidence = book.evidence(&row.source);
            assert!(evidence.is_some_and(|found| found.url.starts_with("https://")), "{}", row.origin);
            assert!(row.basis.is_some(), "{}", row.origin);
        }
        rows.sort_by_key(|row| row.origin.line);
        assert!(
            rows.is_sorted_by_key(|row| (row.recorded, &row.model, row.key(), row.from, row.rev)),
            "{seller}"
        );
    }
}
