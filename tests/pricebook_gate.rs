//! A book of one's own that breaks a rule at error level prices no close, unless the user says so; the pack says it then.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const BOOKS: &str = "[book]\nname = \"gate\"\npricebook = \"prices-of-ours\"\n\
    [[source]]\nname = \"gateway\"\nfiles = [\"logs/*.csv\"]\n\
    [[invoice]]\nprovider = \"openai\"\nfiles = [\"invoices/*.csv\"]\n";
const USAGE: &str =
    "period_start,provider,served_model,requests,input,output\n2026-10-06,openai,gpt-5-mini,10,1000000,0\n";
const BILL: &str = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id\n\
    1791244800,1791331200,2026-10-06T00:00:00+00:00,2026-10-07T00:00:00+00:00,2.5,usd,\"gpt-5-mini-2025-08-07, input\",p\n";
const HEAD: &str = "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source\n";

fn books(rows: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("fixture");
    for (name, text) in [
        ("llmfin.toml", BOOKS),
        ("logs/usage.csv", USAGE),
        ("invoices/openai.csv", BILL),
        ("prices-of-ours/prices/openai.csv", &format!("{HEAD}{rows}")),
        (
            "prices-of-ours/sources.toml",
            "[[source]]\nid = \"order\"\nurl = \"file:contracts/order.pdf\"\nretrieved = 2026-10-06\n",
        ),
    ] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("fixture")).expect("fixture");
        fs::write(path, text).expect("fixture");
    }
    dir
}

fn close(dir: &Path, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmfin"));
    command
        .args(["close", "--month", "2026-10"])
        .args(options)
        .current_dir(dir)
        .env_clear()
        .output()
        .expect("fixture")
}

fn pack(dir: &Path) -> serde_json::Value {
    let text = fs::read_to_string(dir.join("closes/2026-10/v1/reconciliation.json")).expect("fixture");
    serde_json::from_str(&text).expect("fixture")
}

fn accepted(document: &serde_json::Value) -> Vec<String> {
    let all = document["diagnostics"].as_array().expect("fixture").iter();
    all.filter(|found| found["code"] == "pricebook-errors")
        .map(|found| found["message"].as_str().expect("fixture").to_owned())
        .collect()
}

#[test]
fn a_book_with_errors_prices_a_close_only_where_the_user_says_so_and_the_pack_records_it() {
    // The list has 0.25, and 0.45 for priority: 2.5 is ten times as much, and more than the faster tier.
    let dir =
        books("gpt-5-mini,input,standard,0,global,*,2.5,1000000,USD,2026-10-05,2026-10-06,1,listed,order\n");
    let refused = close(dir.path(), &[]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains(
            "prices-of-ours: the price book breaks rules and prices nothing: 2 errors, PB007 1, PB015 1"
        ),
        "{said}"
    );
    assert!(said.contains("error[PB007]: ./prices-of-ours/prices/openai.csv:2:38: "), "{said}");
    assert!(said.contains("--accept-pricebook-errors"), "{said}");
    assert!(!dir.path().join("closes/2026-10/v1").exists());
    let taken = close(dir.path(), &["--accept-pricebook-errors"]);
    let said = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert_eq!(taken.status.code(), Some(0), "{said}");
    assert!(
        said.contains(
            "warning: prices-of-ours: prices with errors were accepted: 2 errors, PB007 1, PB015 1"
        ),
        "{said}"
    );
    let document = pack(dir.path());
    assert_eq!(accepted(&document), ["prices with errors were accepted: 2 errors, PB007 1, PB015 1"]);
    // 1,000,000 tokens at 2.5 per million: the row did price.
    assert_eq!(document["totals"]["priced"], "2.50");
}

#[test]
fn a_row_that_cannot_be_read_stops_a_close_and_is_left_out_where_that_is_accepted() {
    let dir = books(
        "gpt-5-mini,input,standard,0,global,*,2.5E-01,1000000,USD,2026-10-05,2026-10-06,1,listed,order\n",
    );
    assert_eq!(close(dir.path(), &[]).status.code(), Some(2));
    close(dir.path(), &["--accept-pricebook-errors"]);
    let document = pack(dir.path());
    let said = "prices with errors were accepted: 1 error, PB005 1; left out as unreadable: prices/openai.csv:2; \
                shipped prices and earlier rows stand in where there are any";
    assert_eq!(accepted(&document), [said]);
    // The shipped price.
    assert_eq!(document["totals"]["priced"], "0.25");
    let summary = fs::read_to_string(dir.path().join("closes/2026-10/v1/00-summary.md")).unwrap();
    assert!(summary.contains(&format!("\nWarning: prices-of-ours: {said}.\n")), "{summary}");
}

/// A row written tomorrow would else change what such a close knew.
#[test]
fn a_close_knows_no_day_after_the_newest_row() {
    let dir = books("");
    close(dir.path(), &[]);
    let newest = pack(dir.path());
    close(dir.path(), &["--known-at", "2999-01-01"]);
    assert_eq!(pack(dir.path())["pricebook"], newest["pricebook"]);
    assert!(newest["pricebook"]["known_at"].as_str().unwrap() < "2999", "{}", newest["pricebook"]);
}

#[test]
fn warnings_stop_nothing() {
    let dir =
        books("gpt-5-mini,input,standard,0,global,*,0.34,1000000,USD,2026-10-05,2026-10-06,1,listed,order\n");
    close(dir.path(), &[]);
    let document = pack(dir.path());
    assert_eq!((accepted(&document).len(), &document["totals"]["priced"]), (0, &"0.34".into()));
}

#[test]
fn the_shipped_book_keeps_its_rules() {
    let output = Command::new(env!("CARGO_BIN_EXE_llmfin"))
        .args(["pricebook", "check", "pricebooks", "--as-of", "2026-11-25", "-q"])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
