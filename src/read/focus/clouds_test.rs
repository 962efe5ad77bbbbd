//! What the clouds write into their rows. The texts are from their own price lists and exports; what each one means was
//! worked out by hand from the price behind it.

use super::tests::{fixture, from_bytes, summaries};
use crate::invoice::Document;
use crate::vocabulary::ChargeCategory;

/// A file of rows of one publisher: `columns` besides those that every row has.
fn rows(publisher: &str, columns: &str, rows: &[&str]) -> Document {
    let mut text = format!(
        "BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ServiceCategory,ProviderName,{columns}\n"
    );
    for row in rows {
        let (amount, cells) = row.split_once(',').unwrap();
        text += &format!(
            "{amount},USD,Usage,2026-10-01T00:00:00Z,2026-10-02T00:00:00Z,AI and Machine Learning,{publisher},{cells}\n"
        );
    }
    from_bytes(text.as_bytes()).unwrap()
}

fn google(cells: &[&str]) -> Document {
    rows(
        "Google Cloud",
        "ServiceName,SubAccountId,ChargeDescription,ConsumedQuantity,ConsumedUnit,RegionId",
        cells,
    )
}

fn aws(cells: &[&str]) -> Document {
    rows("AWS", "x_UsageType,ResourceId,ConsumedQuantity,ConsumedUnit,RegionId", cells)
}

fn microsoft(cells: &[&str]) -> Document {
    rows(
        "Microsoft",
        "x_SkuMeterSubcategory,SkuMeter,ConsumedQuantity,ConsumedUnit,ListUnitPrice,x_PricingBlockSize",
        cells,
    )
}

#[test]
fn every_known_sku_of_google_is_read() {
    let text = std::fs::read_to_string(fixture("google-skus.csv")).unwrap();
    for sku in text.lines().skip(1) {
        let [sku, model, meter, tier, context] = sku.split(',').collect::<Vec<_>>()[..] else {
            panic!("{sku}")
        };
        let unit = if meter.starts_with("cache_storage") { "Token-Hours" } else { "count" };
        let document = google(&[&format!("1,Vertex AI,p,{sku},1000,{unit},global")]);
        let tier = if tier.is_empty() { "-" } else { tier };
        let [line] = &document.lines[..] else { panic!("{sku}") };
        let expected = format!("2026-10-01 {model} {meter} {tier} global 1000 1.00");
        assert_eq!(summaries(&document)[0].to_lowercase(), expected, "{sku}");
        let long = if context.is_empty() { None } else { Some(context == "long") };
        assert_eq!(line.long_context, long, "{sku}");
    }
}

#[test]
fn grounding_storage_and_reserved_capacity_of_google_are_no_tokens() {
    let document = google(&[
        "0.35,Vertex AI,p,Gemini 2.5 Pro Grounding with Google Search - Predictions,10,Requests,global",
        "0.50,Vertex AI,p,Gemini 2.5 Pro Grounding with Google Maps - Predictions,20,Requests,global",
        "0.45,Vertex AI,,Gemini 2.5 Pro Context Cache Storage,100000,Token-Hours,global",
        "9.00,Vertex AI,p,Gemini 2.5 Pro Provisioned Throughput,1,count,global",
    ]);
    assert_eq!(
        summaries(&document),
        [
            "2026-10-01 Gemini 2.5 Pro web_search - global 10 0.35",
            "2026-10-01 - - - global - 0.50",
            "2026-10-01 Gemini 2.5 Pro cache_storage.token_hour - global 100000 0.45",
            "2026-10-01 - - - global - 9.00",
        ]
    );
}

#[test]
fn a_search_by_microsoft_is_counted_and_what_it_searches_is_stored() {
    let document = microsoft(&[
        // 45 calls at 2.50 a thousand, as an export with Azure's own units and as one with blocks has them.
        "0.1125,Azure OpenAI,file-search-tool-calls-glbl Calls,0.045,1K,2.5,",
        "0.1125,Azure OpenAI,file-search-tool-calls-glbl Calls,0.045,Units,2.5,1000",
        "0.35,Azure OpenAI,Assistants-File Search-glbl GB,3.5,1/Day,0.1,",
        "0.06,Azure OpenAI,Code-Interpreter-global Session,2,1,0.03,",
        "744,Azure OpenAI,Provisioned Managed Global Unit,744,Units,1,",
    ]);
    assert_eq!(
        summaries(&document),
        [
            "2026-10-01 * file_search - global 45 0.1125",
            "2026-10-01 * file_search - global 45 0.1125",
            "2026-10-01 * storage.gb_day - global - 0.35",
            "2026-10-01 * code_exec.session - global 2 0.06",
            "2026-10-01 - - - - - 744.00",
        ]
    );
}

#[test]
fn a_cache_write_of_unnamed_lifetime_is_five_minutes_of_claude_only() {
    let nova = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0";
    let document = aws(&[
        &format!("0.002,USE1-NovaPro-cache-write-input-token-count,{nova},10,1K tokens,us-east-1"),
        "0.033,USW2-Claude4.6Sonnet-cache-write-input-token-count,,8,1K tokens,us-west-2",
        // Capacity that is reserved for a model is none of its tokens.
        "7,USE1-anthropic.claude-opus-5-5-reserved-1-month-input-tokens-per-minute,,1,1K TPM Hour,us-east-1",
    ]);
    assert_eq!(
        summaries(&document),
        [
            "2026-10-01 nova-pro cache_write.other standard us-east-1 10000 0.002",
            "2026-10-01 Claude4.6Sonnet cache_write.5m standard us-west-2 8000 0.033",
            "2026-10-01 - - - us-east-1 - 7.00",
        ]
    );
}

#[test]
fn a_tier_is_read_wherever_a_row_names_it() {
    let tier = |publisher, sku: &str, described: &str, price: &str| {
        let columns =
            "SkuMeter,ChargeDescription,SkuPriceId,SkuPriceDetails,ConsumedQuantity,ConsumedUnit,x_ModelId";
        let row = format!("1,{sku},{described},{price},5,Tokens,gpt-5");
        let document = rows(publisher, columns, &[&row]);
        document.lines[0].tier.map(|tier| tier.id())
    };
    let keys = r#","{""ModelId"": ""gpt-5"", ""ServiceTier"": ""Flex""}""#;
    for (publisher, sku, described, price, expected) in [
        ("Microsoft", "Input Tokens", "gpt-5 Input Tokens Priority", ",", Some("priority")),
        ("Microsoft", "Input Tokens", "gpt-5 Input Tokens Batch", ",", Some("batch")),
        ("Microsoft", "Input Tokens", "gpt-5 Input Tokens", keys, Some("flex")),
        ("Google Cloud", "Input Tokens", "gpt-5 Input Tokens", "gpt-5-batch,", Some("batch")),
        // The meter's own word before those of the rest; the product's name says `PP` of all its meters.
        (
            "Microsoft",
            "5 Batch inp Gl Tokens",
            "Azure OpenAI PP FT - 5 Batch inp Gl Tokens",
            ",",
            Some("batch"),
        ),
        ("Microsoft", "5 inp Gl Tokens", "Azure OpenAI PP FT - 5 inp Gl Tokens", ",", Some("standard")),
        ("Solaris", "Input Tokens", "gpt-5 Input Tokens Batch", ",", Some("batch")),
        ("Solaris", "Input Tokens", "gpt-5 Input Tokens", ",", None),
    ] {
        assert_eq!(tier(publisher, sku, described, price), expected, "{described} {price}");
    }
}

#[test]
fn what_rounds_an_invoice_is_called_so() {
    let row = |amount: &str, category: &str, publisher: &str, kind: &str, described: &str| {
        let text = format!(
            "BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ServiceCategory,ProviderName,x_CostType,ChargeDescription\n\
             {amount},USD,{category},2026-10-31T00:00:00Z,2026-11-01T00:00:00Z,Other,{publisher},{kind},{described}\n"
        );
        let line = from_bytes(text.as_bytes()).unwrap().lines.remove(0);
        (line.category, line.text.to_string())
    };
    let rounding = (ChargeCategory::Adjustment, "Rounding adjustment".to_owned());
    assert_eq!(row("0.0039659375", "Adjustment", "Microsoft", "", ""), rounding);
    assert_eq!(row("-0.0039659375", "Adjustment", "Microsoft", "", ""), rounding);
    let plain = (ChargeCategory::Adjustment, "Adjustment".to_owned());
    // A cent or more is no rounding, and another publisher's adjustment could be anything.
    assert_eq!(row("0.01", "Adjustment", "Microsoft", "", ""), plain);
    assert_eq!(row("0.002", "Adjustment", "AWS", "", ""), plain);
}
