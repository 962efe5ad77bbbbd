//! Sums are those of `invoices-cloud-expected.csv`, computed by hand from the rates of the sample files.

use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::invoice::{BillLine, ModelScope};
use crate::read::source::Source;
use crate::vocabulary::ChargeCategory;

pub(super) fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats/focus").join(name)
}

fn document(name: &str) -> Document {
    read_csv(&Source::file(fixture(name), name)).unwrap()
}

pub(super) fn from_bytes(bytes: &[u8]) -> Result<Document> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read_csv(&Source::file(file.path(), "focus.csv"))
}

fn accounted(document: &Document) -> u64 {
    document.lines.len() as u64 + document.empty_rows + document.out_of_scope + document.rejects.len() as u64
}

/// `model meter tier region quantity amount` of a line.
fn summary(line: &BillLine) -> String {
    let model = match &line.model {
        ModelScope::One(model) => model,
        ModelScope::All => "*",
        ModelScope::None => "-",
    };
    format!(
        "{} {model} {} {} {} {} {}",
        line.period.first,
        line.meter.map_or("-", |meter| meter.id()),
        line.tier.map_or("-", |tier| tier.id()),
        line.region.as_deref().unwrap_or("-"),
        line.quantity.map_or("-".to_owned(), |quantity| quantity.to_string()),
        line.amount.unwrap(),
    )
}

pub(super) fn summaries(document: &Document) -> Vec<String> {
    document.lines.iter().map(summary).collect()
}

#[test]
fn aws_rows_give_the_cells_of_the_cost_and_usage_report() {
    let document = document("focus-1.2-aws.csv");
    assert_eq!(document.provider, Some("aws-bedrock"));
    // 29.66578805 on the AWS invoice and 41.25 on the marketplace invoice.
    assert_eq!(document.lines_total().to_string(), "70.91578805");
    let lines = summaries(&document);
    for expected in [
        "2026-08-03 claude-sonnet-4-6 input standard us-west-2 17330 0.0514701",
        "2026-08-03 claude-sonnet-4-6 output standard us-west-2 68579 1.01839815",
        "2026-08-03 claude-sonnet-4-6 cache_write.5m standard us-west-2 831740 3.08783475",
        "2026-08-03 claude-sonnet-4-6 cache_read standard us-west-2 9120400 2.7087588",
        "2026-08-03 claude-opus-4-6 input standard global 2210000 9.945",
        "2026-08-03 claude-opus-4-8 cache_write.5m standard us-west-2 1629500 10.08253125",
        "2026-08-04 claude-haiku-4-5 cache_write.1h standard us-east-1 455250 0.901395",
        "2026-08-04 nova-pro input standard us-east-1 1200000 0.864",
        "2026-08-03 claude-haiku-4-5 input standard global 41250000 41.25",
        "2026-07-30 claude-sonnet-4-6 output standard us-west-2 - -0.75",
    ] {
        assert!(lines.iter().any(|line| line == expected), "{expected} not in {lines:#?}");
    }
    let by_category = |category: ChargeCategory| -> String {
        let of = document.lines.iter().filter(|line| line.category == category);
        of.filter_map(|line| line.amount).sum::<crate::money::Money>().to_string()
    };
    assert_eq!(by_category(ChargeCategory::Tax), "5.65");
    assert_eq!(by_category(ChargeCategory::Credit), "-3.00");
    assert_eq!(by_category(ChargeCategory::Adjustment), "-1.25");
    let tax = document.lines.iter().find(|line| line.category == ChargeCategory::Tax).unwrap();
    assert_eq!(
        (tax.period.first.to_string(), tax.period.last.to_string()),
        ("2026-08-01".into(), "2026-08-31".into())
    );
    let correction = document.diagnostics.iter().find(|diagnostic| diagnostic.code == "correction").unwrap();
    assert_eq!(correction.origin.to_string(), "focus-1.2-aws.csv:16");
}

#[test]
fn microsoft_blocks_become_tokens_in_spite_of_the_pricing_quantity() {
    let document = document("focus-1.2-azure.csv");
    assert_eq!((document.provider, document.currency.as_deref()), (Some("azure-openai"), Some("EUR")));
    assert_eq!(
        summaries(&document),
        [
            "2026-08-03 Azure OpenAI GPT5 5.4 input standard global 12500000 28.796875",
            "2026-08-03 Azure OpenAI GPT5 5.4 cache_read standard global 88062500 20.2873984375",
            "2026-08-03 Azure OpenAI GPT5 5.4 output standard datazone:swedencentral 3200000 48.6552",
            "2026-08-04 Azure Deepseek Models V4 Pro cache_read standard global 51000000 6.8144925",
            "2026-08-31 - - - - - -0.0039659375",
        ]
    );
    assert_eq!(document.lines_total().to_string(), "104.55");
    assert!(document.diagnostics.iter().any(|diagnostic| diagnostic.code == "block-size"));
}

#[test]
fn token_keys_of_the_standard_name_model_and_meter() {
    let document = document("focus-1.4-tokens.csv");
    // The tier is the last word of each `SkuPriceId`.
    assert_eq!((document.provider, document.number.as_deref()), (None, Some("SOL-202608-17")));
    assert_eq!(
        summaries(&document),
        [
            "2026-08-03 neptune-5.0 input standard - 1250000 3.75",
            "2026-08-03 neptune-5.0 cache_read standard - 18500000 5.55",
            "2026-08-03 neptune-5.0 cache_write.other standard - 800000 3.00",
            "2026-08-03 neptune-5.0 output standard - 410000 6.15",
            "2026-08-03 neptune-5.0 cache_storage.token_hour - - 2400 0.0024",
        ]
    );
    assert_eq!(document.lines_total().to_string(), "18.4524");
}

#[test]
fn real_files_and_their_oddities() {
    let document = document("focus-1.0-with-real-quirks.csv");
    assert_eq!(document.provider, None);
    assert_eq!(
        summaries(&document),
        [
            "2024-09-18 Claude3Sonnet input standard us-west-2 1000 0.003",
            "2024-09-18 - - - - - -2.6137",
            "2024-09-18 Azure OpenAI gpt 4o 1120 input standard global 10000000 25.00",
            "2024-09-18 - - - - - 0.136",
        ]
    );
    assert!(document.diagnostics.iter().any(|diagnostic| diagnostic.code == "time-without-zone"));
}

#[test]
fn virtual_currency_is_no_token_and_no_money() {
    let document = document("focus-1.2-virtual-currency.csv");
    assert_eq!(document.lines_total().to_string(), "200.00");
    assert_eq!(document.lines[0].category, ChargeCategory::Purchase);
    assert!(document.lines[1..].iter().all(|line| line.quantity.is_none() && line.meter.is_none()));
}

#[test]
fn the_documented_example() {
    let text = std::fs::read_to_string(fixture("example.csv")).unwrap();
    assert!(include_str!("../../../docs/formats/focus.md").contains(&text));
    let document = document("example.csv");
    assert_eq!((document.provider, document.number.as_deref()), (Some("openai"), Some("INV-1")));
    assert_eq!(
        summaries(&document),
        [
            "2026-10-01 gpt-5.4 input - - 1000000 2.50",
            "2026-10-01 gpt-5.4 output - - 40000 0.60",
            "2026-09-30 gpt-5.4 input - - - -0.10",
            "2026-10-01 - - - - - 0.57",
        ]
    );
    assert_eq!((document.out_of_scope, document.out_of_scope_amount.to_string()), (1, "9.99".into()));
    assert_eq!(document.covers.map(|covers| covers.first.to_string()).as_deref(), Some("2026-10-01"));
}

#[test]
fn csv_is_recognised_by_its_columns() {
    for (name, format) in [("example.csv", "focus-csv"), ("focus-1.2-azure.csv", "focus-csv")] {
        let sample = Source::file(fixture(name), name).sample().unwrap();
        let found: Vec<&str> = crate::read::DOCUMENT_FORMATS
            .iter()
            .filter(|candidate| (candidate.sniff)(&sample))
            .map(|candidate| candidate.id)
            .collect();
        assert_eq!(found, [format], "{name}");
    }
}

/// The file was written by another parquet implementation, with the column types AWS uses: doubles, timestamps, maps.
#[test]
fn parquet_reads_as_the_csv_of_the_same_rows() {
    let read = read_parquet(&Source::file(fixture("focus-1.2-aws.parquet"), "aws.parquet")).unwrap();
    let csv = document("focus-1.2-aws.csv");
    assert_eq!(summaries(&read), summaries(&csv));
    assert_eq!((read.format, read.provider, read.rows), ("focus-parquet", csv.provider, csv.rows));
    assert_eq!(read.lines_total().to_string(), "70.91578805");
    assert_eq!(read.lines[0].origin.to_string(), "aws.parquet:1");
    let texts = |document: &Document| document.lines.iter().map(|line| line.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&read), texts(&csv));
}

#[test]
fn every_column_that_is_looked_at_is_read_from_parquet() {
    let sources = [
        include_str!("row.rs"),
        include_str!("scope.rs"),
        include_str!("model.rs"),
        include_str!("gather.rs"),
    ];
    for source in sources {
        for (_, rest) in source.match_indices(".get(\"").map(|(at, found)| source.split_at(at + found.len()))
        {
            let column = rest.split('"').next().unwrap();
            assert!(header::is_read(column), "{column}");
        }
    }
}

#[test]
fn versions_by_columns() {
    for (name, version) in [
        ("focus-1.0-with-real-quirks.csv", "1.0"),
        ("focus-1.2-aws.csv", "1.2"),
        ("focus-1.4-tokens.csv", "1.4"),
    ] {
        let note = &document(name).diagnostics[0];
        assert_eq!(
            (note.code, note.message.as_str()),
            ("focus-version", &*format!("FOCUS {version} by its columns"))
        );
    }
}

#[test]
fn a_gateways_own_export_is_no_invoice() {
    let error = read_csv(&Source::file(fixture("litellm-focus-export.csv"), "usage.csv")).unwrap_err();
    let Error::Input(diagnostics) = error else { panic!("{error:?}") };
    assert_eq!((diagnostics[0].code, diagnostics[0].origin.line), ("gateway-log", 2));
    assert!(diagnostics[0].help.as_deref().unwrap().contains("--usage usage.csv"));
}

const SMALL: &str = "BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ServiceCategory,ServiceName,ConsumedQuantity,ConsumedUnit,SkuMeter,x_ModelId\n";

#[test]
fn rows_of_other_services_are_counted_with_their_amount() {
    let rows = "12.34567890123456,USD,Usage,2026-08-03T00:00:00Z,2026-08-04T00:00:00Z,Compute,Amazon EC2,,,,\n\
                1.5E-3,USD,usage,2026-08-03T00:00:00Z,2026-08-04T00:00:00Z,AI and Machine Learning,LLM API,10.5,Tokens,output,m1\n\
                2,USD,Tax,2026-08-01T00:00:00Z,2026-09-01T00:00:00Z,Storage,Amazon S3,,,,\n\
                x,USD,Usage,2026-08-03T00:00:00Z,2026-08-04T00:00:00Z,Compute,EC2,,,,\n\
                3,USD,Usage,2026-08-03T00:00:00Z,2026-08-03T00:00:00Z,Compute,EC2,,,,\n\
                3,USD\n";
    let document = from_bytes(format!("{SMALL}{rows}").as_bytes()).unwrap();
    assert_eq!((document.rows, document.out_of_scope, document.rejects.len()), (6, 2, 3));
    // 12.345678901235 (rounded once) + 2
    assert_eq!(document.out_of_scope_amount.to_string(), "14.345678901235");
    assert_eq!(document.rounded_amounts, 1);
    assert_eq!(summaries(&document), ["2026-08-03 m1 output - - - 0.0015"]);
    assert!(document.diagnostics.iter().any(|diagnostic| diagnostic.code == "quantity-not-whole"));
    let codes: Vec<&str> = document.rejects.iter().map(|reject| reject.code).collect();
    assert_eq!(codes, ["bad-amount", "bad-period", "column-count"]);
    assert_eq!(document.rejects[2].origin.to_string(), "focus.csv:7");
}

#[test]
fn several_currencies_stop_the_file() {
    let row = |currency| format!("1,{currency},Usage,2026-08-03,2026-08-04,AI and Machine Learning,L,,,,\n");
    let error = from_bytes(format!("{SMALL}{}{}", row("USD"), row("EUR")).as_bytes()).unwrap_err();
    let Error::Input(diagnostics) = error else { panic!("{error:?}") };
    assert_eq!(
        diagnostics[0].to_string(),
        "error: focus.csv:3: column `BillingCurrency` changes from `USD` to `EUR`"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn damage_never_panics_and_no_row_is_lost(
        which in 0usize..3,
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
    ) {
        let names = ["focus-1.2-aws.csv", "focus-1.0-with-real-quirks.csv", "focus-1.4-tokens.csv"];
        let mut bytes = std::fs::read(fixture(names[which])).unwrap();
        for (at, byte) in hits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(document) = from_bytes(&bytes) {
            prop_assert_eq!(document.rows, accounted(&document));
        }
    }
}
