//! Books under contract, through the real program: every figure that `fixtures/contracts/README.md` works out by hand.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its books should stop there")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_llmfin");
const BOOKS: &str = "fixtures/contracts";

fn run(books: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(BINARY);
    command.arg("-C").arg(books).args(arguments).args(["--month", "2026-10"]).env_remove("LLMFIN_DIR");
    command.output().unwrap()
}

fn document(books: &Path, code: i32) -> Value {
    let output = run(books, &["reconcile", "-O", "json"]);
    assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("null")
}

/// The books in a folder of their own, with one text replaced by another in some files.
fn changed(edits: &[(&str, &str, &str)]) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let books = tempfile::tempdir().unwrap();
    for part in ["contracts", "invoices", "logs", "pricebook"] {
        copy(&Path::new(BOOKS).join(part), &books.path().join(part));
    }
    std::fs::copy(Path::new(BOOKS).join("llmfin.toml"), books.path().join("llmfin.toml")).unwrap();
    for (file, old, new) in edits {
        let path = books.path().join(file);
        let content = std::fs::read_to_string(&path).unwrap();
        assert!(content.contains(old), "{file}: {old}");
        std::fs::write(path, content.replace(old, new)).unwrap();
    }
    books
}

/// List, contracted and billed of each account.
fn accounts(document: &Value) -> BTreeMap<&str, [&str; 3]> {
    list(&document["contract"])
        .iter()
        .map(|account| {
            let costs = ["list_cost", "contracted_cost", "billed_cost"].map(|cost| text(&account[cost]));
            (text(&account["provider"]), costs)
        })
        .collect()
}

fn findings(document: &Value) -> Vec<(&str, &str, &str)> {
    list(&document["findings"])
        .iter()
        .filter(|finding| finding["bridge"] == "priced-billed")
        .map(|finding| (text(&finding["cause"]), text(&finding["amount"]), text(&finding["status"])))
        .collect()
}

#[test]
fn list_contracted_and_billed_are_those_of_the_hand_computation() {
    let books = changed(&[]);
    let document = document(books.path(), 0);
    let expected = BTreeMap::from([
        ("anthropic", ["75.00", "67.50", "67.50"]),
        ("azure-openai", ["1800.00", "12000.00", "12000.00"]),
        ("google-gemini-api", ["28.50", "20.00", "7.50"]),
        ("openai", ["290.00", "280.00", "308.00"]),
    ]);
    assert_eq!(accounts(&document), expected);
    let effects: Vec<(&str, &str)> = list(&document["contract"])
        .iter()
        .flat_map(|account| list(&account["effects"]))
        .map(|effect| (text(&effect["name"]), text(&effect["amount"])))
        .collect();
    assert_eq!(
        effects,
        [
            ("marketplace_unit", "-7.50"),
            ("capacity", "-1800.00"),
            ("capacity", "12000.00"),
            ("free_allowance", "-21.00"),
            ("minimum", "12.50"),
            ("price", "-5.00"),
            ("percent_off_list", "-24.00"),
            ("volume_band", "-14.85"),
            ("launch credits", "-20.00"),
            ("commitment", "53.85"),
        ]
    );
    assert_eq!(
        findings(&document),
        [
            ("terms.reserved_capacity", "12000.00", "proven"),
            ("terms.commit_shortfall", "53.85", "proven"),
            ("terms.tax", "28.00", "proven"),
            ("terms.credit_refund", "-20.00", "proven"),
        ]
    );
    let totals = &document["totals"];
    let figures =
        ["logged", "priced", "billed", "delta", "explained", "unexplained_gross", "logged_unexplained"];
    let found = figures.map(|figure| text(&totals[figure]));
    assert_eq!(found, ["2193.50", "321.15", "12383.00", "12061.85", "12061.85", "0", "0"]);
    // The minimum is on no document: expected, zero, and moving nothing.
    let absent = list(&document["charges"]).iter().find(|charge| charge["amount"] == "0").unwrap();
    assert_eq!((text(&absent["expected"]), text(&absent["unexplained"])), ("12.50", "0"));
    assert!(list(&document["diagnostics"]).iter().any(|note| note["code"] == "expected-charge"));
}

#[test]
fn the_document_is_what_its_schema_says() {
    let schema = Command::new(BINARY).args(["schema", "reconciliation"]).output().unwrap();
    let schema: Value = serde_json::from_slice(&schema.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let books = changed(&[]);
    let document = document(books.path(), 0);
    let problems: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert_eq!(problems, Vec::<String>::new());
}

#[test]
fn the_pack_has_the_arithmetic_of_every_term() {
    let books = changed(&[]);
    assert_eq!(run(books.path(), &["close", "-q"]).status.code(), Some(0));
    let sheet = std::fs::read_to_string(books.path().join("closes/2026-10/v1/03-contract.csv")).unwrap();
    for line in [
        "openai,org,big,,,240.00,202.50,202.50,15.62,,",
        "openai,org,mini,,,50.00,43.65,43.65,12.7,,",
        "openai,org,,launch credits,-20.00,,-20.00,-20.00,,contracts/openai.toml:32,granted: 50.00; used before: 30.00; eligible usage: 246.15; used: 20.00; expires: 0",
        "openai,org,,commitment,53.85,,53.85,53.85,,contracts/openai.toml:41,committed: 1000.00; counted this month: 246.15; counted before: 700.00; shortfall: 53.85",
        "azure-openai,sub-1,,capacity,12000.00,,12000.00,12000.00,,contracts/others.toml:15,units: 50; hours: 240; rate of a unit and hour: 1",
        "Total,,,,10174.00,2193.50,12367.50,12383.00,-463.82,,",
    ] {
        assert!(sheet.lines().any(|found| found == line), "{line}\n{sheet}");
    }
}

#[test]
fn a_charge_that_is_not_what_the_contract_says_is_explained_up_to_the_contract() {
    let books = changed(&[
        ("invoices/2026-10/openai-invoice.csv", "Credit,-20.00", "Credit,-15.00"),
        ("llmfin.toml", "308.00", "313.00"),
    ]);
    let document = document(books.path(), 1);
    let credit = list(&document["charges"]).iter().find(|charge| charge["category"] == "Credit").unwrap();
    assert_eq!((text(&credit["expected"]), text(&credit["unexplained"])), ("-20.00", "5.00"));
    assert!(findings(&document).contains(&("terms.credit_refund", "-20.00", "proven")));
    assert_eq!(document["totals"]["unexplained"], "5.00");
}

#[test]
fn a_bill_at_list_is_told_apart_from_a_new_price() {
    let books = changed(&[
        ("invoices/2026-10/openai-cost.csv", "40000000,72.00", "40000000,80.00"),
        ("invoices/2026-10/openai-cost.csv", "5000000,36.00", "5000000,40.00"),
        ("invoices/2026-10/openai-cost.csv", "30000000,51.30", "30000000,60.00"),
        ("invoices/2026-10/openai-cost.csv", "30000000,43.20", "30000000,60.00"),
        ("invoices/2026-10/openai-invoice.csv", "Usage,246.15", "Usage,283.65"),
        ("llmfin.toml", "308.00", "345.50"),
    ]);
    let document = document(books.path(), 0);
    // Input: 8.00, 8.70 and 16.80 on three days; output: 4.00 on one.
    let found = findings(&document);
    let at_list = found.iter().find(|(cause, ..)| *cause == "terms.discount");
    assert_eq!(at_list, Some(&("terms.discount", "37.50", "exact")));
    assert_eq!(document["totals"]["unexplained"], "0");
}

#[test]
fn without_a_contract_contracted_is_list_and_the_report_says_so() {
    let books = changed(&[("llmfin.toml", "contracts = [\"contracts/*.toml\"]\n", "")]);
    run(books.path(), &["close", "-q"]);
    let sheet = run(books.path(), &["reconcile"]);
    assert!(!String::from_utf8_lossy(&sheet.stdout).contains("ContractedCost"));
    let document = document(books.path(), 1);
    for (_, [listed, contracted, _]) in accounts(&document) {
        assert_eq!(listed, contracted);
    }
    assert!(list(&document["contract"]).iter().all(|account| list(&account["effects"]).is_empty()));
}
