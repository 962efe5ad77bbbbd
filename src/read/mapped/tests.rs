//! The documented example, one file of each container, and what must be refused. Sums are by hand.

use std::io::Write;

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::invoice::ModelScope;
use crate::vocabulary::{Meter, Tier};

fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/formats/mapped").join(name)
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

fn mapping(toml: &str) -> Mapping {
    toml::from_str(toml).unwrap()
}

/// The mapping in the `[[invoice]]` table of a page of the docs, read as `llmfin.toml` is read.
fn declared(invoices: &str) -> Mapping {
    let books = crate::books::Books::parse(&format!("[book]\nname = \"acme\"\n\n{invoices}")).unwrap();
    let tables = books.invoices.iter().filter_map(|invoice| invoice.mapping.clone());
    let mappings: Vec<Mapping> = tables.map(|table| table.try_into().unwrap()).collect();
    mappings.into_iter().next().unwrap()
}

fn read_bytes(bytes: &[u8], mapping: &Mapping) -> Result<Document> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read_mapped(&Source::file(file.path(), "costs"), mapping)
}

fn read(text: &str, toml: &str) -> Document {
    read_bytes(text.as_bytes(), &mapping(toml)).unwrap()
}

fn errors(result: Result<Document>) -> Vec<Diagnostic> {
    match result.unwrap_err() {
        Error::Input(diagnostics) => diagnostics,
        other => panic!("{other:?}"),
    }
}

fn accounted(document: &Document) -> u64 {
    document.lines.len() as u64 + document.empty_rows + document.out_of_scope + document.rejects.len() as u64
}

const SIMPLE: &str = "currency = \"USD\"\ncolumns = { amount = \"Amount\", date = \"Day\" }\n";

#[test]
fn the_mapping_on_the_page_of_the_books_is_one() {
    let page = include_str!("../../../docs/reference/books.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let table: toml::Table = rest.split_once("```").unwrap().0.parse().unwrap();
    let mapped = table["invoice"].as_array().unwrap().iter().filter_map(|invoice| invoice.get("mapping"));
    let mappings: Vec<Mapping> = mapped.map(|table| table.clone().try_into().unwrap()).collect();
    let document = read_bytes(b"usage_date,cost_usd\n2026-10-01,1.25\n", &mappings[0]).unwrap();
    assert_eq!((mappings.len(), document.lines_total().to_string()), (1, "1.25".to_owned()));
}

#[test]
fn models_by_the_names_of_the_api() {
    let mapping = "currency = \"USD\"\ncolumns = { amount = \"Amount\", date = \"Day\", model = \"Model\" }\n\
                   models = { \"Chat grok-4.7\" = \"grok-4.7\" }\n";
    let document = read("Day,Model,Amount\n2026-10-01,Chat grok-4.7,1\n2026-10-01,grok-4.5,2\n", mapping);
    let models: Vec<&ModelScope> = document.lines.iter().map(|line| &line.model).collect();
    assert_eq!(models, [&ModelScope::One("grok-4.7".into()), &ModelScope::One("grok-4.5".into())]);
}

#[test]
fn the_documented_example() {
    let page = include_str!("../../../docs/formats/mapped.md");
    assert!(page.contains(&fixture("example.csv")) && page.contains(&fixture("example.toml")));
    let document =
        read_bytes(fixture("example.csv").as_bytes(), &declared(&fixture("example.toml"))).unwrap();
    assert_eq!((document.kind.id(), document.provider), ("invoice", Some("azure-openai")));
    assert_eq!((document.rows, accounted(&document), document.rejects.len()), (5, 5, 0));
    // 3.12625 + 1.20 + 0.50 = 4.82625, plus 19 % of it
    assert_eq!(document.lines_total().to_string(), "5.7432375");
    assert_eq!(document.stated_total, Some(document.lines_total()));
    let first = &document.lines[0];
    assert_eq!(
        (first.meter, first.tier, first.quantity),
        (Some(Meter::Input), Some(Tier::Standard), Some(1_250_500))
    );
    assert_eq!((first.period.first.to_string(), first.origin.line), ("2026-10-01".to_owned(), 3));
    let (third, tax) = (&document.lines[2], &document.lines[3]);
    assert_eq!(
        (third.meter, third.tier, third.quantity),
        (Some(Meter::CacheRead), Some(Tier::Batch), Some(4_000_000))
    );
    assert_eq!((tax.category, &tax.model), (ChargeCategory::Tax, &ModelScope::None));
}

#[test]
fn json_lines_keep_their_digits_and_lose_no_row() {
    let toml = "provider = \"openai\"\ncurrency = \"usd\"\namount_unit = \"cents\"\n[columns]\ndate = \"at\"\n\
                model = \"model\"\nmeter = \"class\"\nquantity = \"tokens\"\namount = \"usd_cents\"\n";
    let document = read(&fixture("usage.jsonl"), toml);
    let first = &document.lines[0];
    // 23:30 at -02:00 is the next day in UTC; 3.6 cents.
    assert_eq!(
        (first.period.first.to_string(), first.amount.unwrap().to_string()),
        ("2026-10-06".into(), "0.036".into())
    );
    assert_eq!((first.quantity, document.lines[1].quantity), (Some(12_000), None));
    assert_eq!((document.rounded_amounts, document.lines[1].rounding_bound), (1, crate::money::Money::STEP));
    assert_eq!(
        (document.lines[2].meter, document.lines[2].amount.unwrap().to_string()),
        (None, "0.015".into())
    );
    let codes: Vec<_> = document.rejects.iter().map(|reject| (reject.code, reject.origin.line)).collect();
    assert_eq!(codes, [("not-json", 6), ("missing-amount", 5)]);
    assert_eq!((document.rows, accounted(&document)), (5, 5));
    assert!(document.diagnostics.iter().any(|diagnostic| diagnostic.code == "unmapped-meter"));
    let array =
        format!("[\n{}]", "{\"Day\": \"2026-10-01\", \"Amount\": 1.10},\n".repeat(2).trim_end_matches(",\n"));
    let document = read(&array, SIMPLE);
    assert_eq!((document.lines_total().to_string(), document.lines[1].origin.line), ("2.20".into(), 3));
}

#[test]
fn an_answer_of_an_api_gives_its_rows_and_fields_inside_fields_by_path() {
    let answer = "{\n\"data\": [\n\
                  {\"at\": {\"day\": \"2026-10-01\"}, \"cost\": {\"value\": 1.10, \"unit\": \"usd\"}},\n\
                  {\"at\": {\"day\": \"2026-10-02\"}, \"cost\": {\"value\": null}},\n\
                  {\"at\": {\"day\": \"2026-10-02\"}, \"cost\": {\"value\": 2.5}}],\n\"has_more\": true}\n";
    let toml = "currency = \"USD\"\ncolumns = { amount = \"cost.value\", date = \"at.day\" }\n";
    let document = read(answer, toml);
    let codes: Vec<_> = document.rejects.iter().map(|reject| (reject.code, reject.origin.line)).collect();
    assert_eq!((document.lines_total().to_string(), codes), ("3.60".into(), vec![("missing-amount", 4)]));
    assert_eq!(document.diagnostics[0].code, "truncated-export");
    let errors = errors(read_bytes(answer.as_bytes(), &mapping(&toml.replace("cost.value", "cost"))));
    assert_eq!(errors[0].help.as_deref(), Some("amount = \"cost.unit\""));
    // A single row with a list of its own is a row.
    let document = read("{\"Day\": \"2026-10-01\", \"Amount\": 4, \"data\": []}\n", SIMPLE);
    assert_eq!((document.rows, document.lines_total().to_string()), (1, "4.00".into()));
}

#[test]
fn a_workbook_gives_the_declared_sheet_by_stored_values() {
    let toml = "document = \"invoice\"\nsheet = \"Invoice\"\nheader_row = 4\ncurrency = \"USD\"\ntotal = \"B2\"\n\
                columns = { amount = \"Amount\", date = \"Day\", text = \"Item\", category = \"Kind\" }\n\
                skip = { Item = \"Thank you\" }\n";
    let source = Source::file(path("invoice.xlsx"), "invoice.xlsx");
    let document = read_mapped(&source, &mapping(toml)).unwrap();
    // The formula 0.1+0.2 is stored as 0.30000000000000004.
    let amounts: Vec<String> = document.lines.iter().map(|line| line.amount.unwrap().to_string()).collect();
    assert_eq!(amounts, ["0.30", "12.50", "0.35"]);
    assert_eq!((document.rounded_amounts, document.stated_total), (1, Some(document.lines_total())));
    assert_eq!(document.lines[0].period.first.to_string(), "2026-10-05");
    assert_eq!((document.rows, accounted(&document), document.empty_rows), (4, 4, 1));
    let errors = errors(read_mapped(&source, &mapping(SIMPLE)));
    assert_eq!(errors[0].help.as_deref(), Some("sheet = \"Invoice\" or sheet = \"Notes\""));
}

#[test]
fn an_unknown_column_names_those_there_are() {
    let errors = errors(read_bytes(b"Date,Amount (USD)\n", &mapping(SIMPLE)));
    assert_eq!(
        errors[0].to_string(),
        "error: costs:1: no column `Amount`; the columns are `Date`, `Amount (USD)`"
    );
    assert_eq!(errors[0].help.as_deref(), Some("amount = \"Amount (USD)\""));
    assert_eq!(errors[1].help.as_deref(), Some("date = \"Date\""));
}

#[test]
fn another_decimal_sign_is_a_reject_with_the_remedy() {
    let document = read("Day;Amount\n2026-10-01;1,23\n2026-10-02;\n;\n2026-10-03;2.5\n", SIMPLE);
    assert_eq!((document.lines_total().to_string(), document.empty_rows), ("2.50".into(), 1));
    let codes: Vec<_> = document.rejects.iter().map(|reject| (reject.code, reject.origin.line)).collect();
    assert_eq!(codes, [("bad-amount", 2), ("missing-amount", 3)]);
    let remedy = document.diagnostics.iter().find(|diagnostic| diagnostic.code == "number-format").unwrap();
    assert_eq!(remedy.help.as_deref(), Some("decimal = \",\", or thousands = \",\""));
}

#[test]
fn declarations_that_make_no_sense_are_all_named() {
    let toml = "provider = \"acme\"\ntimezone = \"Mars\"\ndecimal = \",\"\nthousands = \",\"\ndate_format = \"%Q\"\ncolumns = {}\n";
    let errors = errors(read_bytes(b"a,b\n", &mapping(toml)));
    assert_eq!(errors.len(), 6, "{errors:#?}");
    assert!(toml::from_str::<Mapping>("columns = {}\ncolour = 1").is_err());
    assert!(toml::from_str::<Mapping>("columns = { amout = \"A\" }").is_err());
}

#[test]
fn constants_stand_in_for_columns() {
    let toml = "model = \"m\"\nperiod = [\"2026-10-01\", \"2026-10-31\"]\nrounding = \"0.005\"\n\
                columns = { amount = \"A\", currency = \"C\", number = \"N\" }";
    let document = read("A,C,N\n1.00,eur,7\n", toml);
    let line = &document.lines[0];
    assert_eq!(
        (&line.model, line.period.last.to_string()),
        (&ModelScope::One("m".into()), "2026-10-31".into())
    );
    assert_eq!((document.currency.as_deref(), document.number.as_deref()), (Some("EUR"), Some("7")));
    assert_eq!(line.rounding_bound.to_string(), "0.005");
    assert_eq!(errors(read_bytes(b"A,C,N\n1,EUR,7\n1,USD,7\n", &mapping(toml)))[0].origin.line, 3);
}

#[test]
fn a_tool_that_names_no_model_is_charged_for_whatever_called_it() {
    let columns = "columns = { date = \"Day\", model = \"Model\", meter = \"Meter\", amount = \"Cost\" }";
    let text = "Day,Model,Meter,Cost\n\
                2026-10-05,gpt-5-mini,input,0.25\n\
                2026-10-05,,web_search,0.04\n\
                2026-10-05,,input,0.10\n";
    let document = read(text, &format!("currency = \"USD\"\n{columns}"));
    let scopes: Vec<&ModelScope> = document.lines.iter().map(|line| &line.model).collect();
    // Tokens without a model are nobody's: that is a charge to ask about.
    assert_eq!(scopes, [&ModelScope::One("gpt-5-mini".into()), &ModelScope::All, &ModelScope::None]);
}

#[test]
fn the_schema_names_every_key() {
    let schema = schemars::schema_for!(Mapping).to_value().to_string();
    for key in ["quantity_per", "date_format", "credit-purchase", "cache_write.5m"] {
        assert!(schema.contains(key), "{key}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn damage_never_panics_and_no_row_is_lost(
        which in 0usize..3,
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let name = ["example.csv", "usage.jsonl", "invoice.xlsx"][which];
        let mappings = [
            declared(&fixture("example.toml")),
            mapping("columns = { date = \"at\", amount = \"usd_cents\", quantity = \"tokens\" }"),
            mapping("sheet = \"Invoice\"\nheader_row = 4\ncolumns = { amount = \"Amount\", date = \"Day\" }"),
        ];
        let mut bytes = std::fs::read(path(name)).unwrap();
        for (at, byte) in hits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(document) = read_bytes(&bytes, &mappings[which]) {
            prop_assert_eq!(document.rows, accounted(&document));
        }
    }

    /// Any amount written with grouping and decimal sign of its own reads back to itself.
    #[test]
    fn written_amounts_read_back(cents in -10_000_000_000i64..10_000_000_000, comma: bool) {
        let amount = crate::money::Money::from_pico(i128::from(cents) * 10_000_000_000);
        let english = amount.grouped(2);
        let (text, decimal, thousands) = if comma {
            (english.replace(',', "_").replace('.', ",").replace('_', "."), ',', '.')
        } else {
            (english, '.', ',')
        };
        let toml = format!("decimal = \"{decimal}\"\nthousands = \"{thousands}\"\n{SIMPLE}");
        let document = read(&format!("Day;Amount\n2026-10-01;{text}\n"), &toml);
        prop_assert_eq!(document.lines_total(), amount);
    }
}
