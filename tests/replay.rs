//! A month closed before a price was known better: its numbers come back byte for byte, and the next close tells what
//! the new knowledge would move as a memo.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its books should stop there")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const LEDGER: &str = "\
model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source
m,input,standard,0,global,*,1,1000000,USD,2026-01-01,2026-01-01,1,listed,page
";
/// Half as dear again from the middle of September, and the book learns of it in October.
const LATER: &str = "m,input,standard,0,global,*,1.5,1000000,USD,2026-09-15,2026-10-10,1,listed,page\n";

fn books() -> tempfile::TempDir {
    let books = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = books.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "llmfin.toml",
        "[book]\nname = \"t\"\npricebook = \"book\"\n[[source]]\nname = \"g\"\nfiles = [\"logs/{month}/*.csv\"]\n",
    );
    write("book/book.toml", "name = \"own\"\nbase = \"none\"\n");
    write("book/models.toml", "[[model]]\nid = \"m\"\nseller = \"openai\"\n");
    write(
        "book/sources.toml",
        "[[source]]\nid = \"page\"\nurl = \"https://example.com\"\nretrieved = 2026-01-01\n",
    );
    write("book/prices/openai.csv", LEDGER);
    let header = "period_start,provider,served_model,input\n";
    let log = |lines: &str| format!("{header}{lines}");
    write(
        "logs/2026-09/a.csv",
        &log("2026-09-05T10:00:00Z,openai,m,3000000\n2026-09-20T10:00:00Z,openai,m,2000000\n"),
    );
    write("logs/2026-10/a.csv", &log("2026-10-20T10:00:00Z,openai,m,4000000\n"));
    books
}

/// Standard output as JSON, and what was said beside it.
fn close(books: &Path, month: &str, more: &[&str]) -> (Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_llmfin"))
        .args(["-C", books.to_str().unwrap(), "close", "--month", month, "--exit-zero", "-O", "json"])
        .args(more)
        .env_clear()
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (serde_json::from_slice(&output.stdout).unwrap_or(Value::Null), said)
}

fn pack(books: &Path, month: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(books.join("closes").join(month).join("v1")).unwrap();
    entries
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect()
}

fn learn(books: &Path) {
    std::fs::write(books.join("book/prices/openai.csv"), format!("{LEDGER}{LATER}")).unwrap();
}

#[test]
fn later_knowledge_is_a_memo_and_the_close_stays_as_it_was() {
    let books = books();
    let books = books.path();
    let (september, _) = close(books, "2026-09", &[]);
    // 5 million tokens at 1 a million.
    assert_eq!(september["totals"]["priced"], "5.00");
    assert_eq!(september["memos"], Value::Array(Vec::new()));
    let closed = pack(books, "2026-09");

    learn(books);
    let (october, _) = close(books, "2026-10", &[]);
    assert_eq!(october["totals"]["priced"], "6.00");
    assert_eq!(october["memos"].as_array().unwrap().len(), 1);
    let memo = &october["memos"][0];
    // The 2 million tokens of the 20th, at half a dollar more a million.
    for (field, wanted) in [
        ("month", "2026-09"),
        ("known_at", "2026-01-01"),
        ("class", "price change"),
        ("model", "m"),
        ("old", "1"),
        ("new", "1.5"),
        ("from", "2026-09-15"),
        ("amount", "1.00"),
        ("recorded", "2026-10-10"),
    ] {
        assert_eq!(memo[field], wanted, "{field}");
    }
    assert!(memo["row"].as_str().unwrap().ends_with("book/prices/openai.csv:3"), "{memo}");
    let memos = String::from_utf8(pack(books, "2026-10")["08-price-memos.csv"].clone()).unwrap();
    assert!(memos.lines().nth(1).unwrap().starts_with("2026-09,price change,openai,m,input,"), "{memos}");
    assert!(pack(books, "2026-09") == closed, "an earlier close was touched");

    // The same document again, and September as it was closed.
    assert_eq!(close(books, "2026-10", &[]).0, october);
    let (again, said) = close(books, "2026-09", &["--known-at", "2026-01-01"]);
    assert_eq!(again, september);
    assert!(said.contains("prices as known at 2026-01-01\n"), "{said}");
    for (name, bytes) in &closed {
        assert!(pack(books, "2026-09")[name] == *bytes, "{name} is not what was closed");
    }
}

#[test]
fn a_draft_may_take_newer_prices_and_says_so_and_a_signed_close_may_not() {
    let books = books();
    let books = books.path();
    close(books, "2026-09", &[]);
    learn(books);
    let (september, said) = close(books, "2026-09", &[]);
    assert_eq!(september["totals"]["priced"], "6.00");
    let replaced = "prices as known at 2026-10-10; the draft before it knew those of 2026-01-01";
    assert!(said.contains(replaced), "{said}");
    // What the close knew already is no memo.
    assert_eq!(close(books, "2026-10", &[]).0["memos"], Value::Array(Vec::new()));

    let manifest = books.join("closes/2026-09/v1/manifest.json");
    let text =
        std::fs::read_to_string(&manifest).unwrap().replace("\"state\": \"draft\"", "\"state\": \"signed\"");
    std::fs::write(&manifest, text).unwrap();
    let before = pack(books, "2026-09");
    let (none, said) = close(books, "2026-09", &[]);
    assert_eq!(none, Value::Null);
    assert!(said.contains("this close is signed and stays as it is"), "{said}");
    assert!(pack(books, "2026-09") == before);
}

#[test]
fn an_edited_row_is_noticed() {
    let books = books();
    let books = books.path();
    close(books, "2026-09", &[]);
    std::fs::write(books.join("book/prices/openai.csv"), LEDGER.replace(",1,1000000", ",2,1000000")).unwrap();
    let (october, _) = close(books, "2026-10", &[]);
    let codes: Vec<&Value> =
        october["diagnostics"].as_array().unwrap().iter().map(|said| &said["code"]).collect();
    assert!(codes.iter().any(|code| **code == "book-edited"), "{codes:?}");
}

#[test]
fn a_price_that_is_absent_then_or_now_is_a_memo_without_an_amount() {
    let books = books();
    let books = books.path();
    close(books, "2026-09", &[]);
    // The book learns that there was no price from the 15th on: the 2 million tokens of the 20th are not free.
    let ended = LATER.replace(",1.5,", ",,").replace("listed", "ended");
    std::fs::write(books.join("book/prices/openai.csv"), format!("{LEDGER}{ended}")).unwrap();
    let (october, _) = close(books, "2026-10", &[]);
    assert_eq!(october["memos"].as_array().unwrap().len(), 1);
    let memo = &october["memos"][0];
    assert_eq!((&memo["amount"], &memo["unpriced"]), (&Value::Null, &Value::from("2000000")));
    let sheet = String::from_utf8(pack(books, "2026-10")["08-price-memos.csv"].clone()).unwrap();
    assert!(sheet.lines().nth(1).unwrap().contains(",2026-09-15,,2000000,2026-01-01,"), "{sheet}");
    assert!(!sheet.contains("-2.00"), "{sheet}");
}

#[test]
fn a_close_that_does_not_say_what_it_knew_is_told() {
    let books = books();
    let books = books.path();
    close(books, "2026-09", &[]);
    let path = books.join("closes/2026-09/v1/reconciliation.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"known_at\": \"2026-01-01\"", "\"known_at\": null")).unwrap();
    learn(books);
    let (october, _) = close(books, "2026-10", &[]);
    assert_eq!(october["memos"], Value::Array(Vec::new()));
    let notes = october["diagnostics"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["code"] == "book-undated"), "{notes:?}");
}
