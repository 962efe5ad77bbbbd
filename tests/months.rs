//! Two months of the same books, through the real program: what recurs, who is asked by when, and the check that fails
//! until a fix is applied. Every amount is worked out below.

#![expect(clippy::unwrap_used, reason = "a test that cannot write its books should stop there")]

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Midnight UTC of the first day of each month.
const SEPTEMBER: (&str, u64) = ("2026-09", 1_788_220_800);
const OCTOBER: (&str, u64) = ("2026-10", 1_790_812_800);
const DAY: u64 = 86_400;

const BOOKS: &str = r#"
[book]
name = "two months"

[[source]]
name = "gateway"
files = ["logs/{month}/**"]

[[account]]
provider = "openai"
id = "org-two"
projects = ["proj_gateway"]

[[invoice]]
provider = "openai"
account = "org-two"
files = ["invoices/{month}/cost.csv"]

[people.dana]
name = "Dana"

[people.ilya]
name = "Ilya"

[owners]
finance = "dana"
platform = "ilya"
"#;

/// On day `d` of eight the gateway uses `d` × `scale` million input tokens and a tenth of that as output of gpt-5-mini:
/// at 0.25 and 2.00 a million that is 16.20 × `scale` in the month. The bill has the input at 0.30, 1.80 × `scale` more,
/// and 0.2 million output tokens a day of a project that is not the gateway's: 3.20 × `scale`.
fn month(books: &Path, (name, start): (&str, u64), scale: u64) {
    let mut log = "period_start,provider,served_model,requests,input,output,logged_cost\n".to_owned();
    let mut bill =
        "start_time,end_time,start_time_iso,amount_value,amount_currency,line_item,project_id,quantity\n"
            .to_owned();
    for day in 1..=8 {
        let (input, output) = (day * scale * 1_000_000, day * scale * 100_000);
        let cost = dollars(45 * day * scale);
        writeln!(log, "{name}-{day:02}T12:00:00Z,openai,gpt-5-mini,10,{input},{output},{cost}").unwrap();
        let (from, to) = (start + (day - 1) * DAY, start + day * DAY);
        let mut line = |item: &str, project: &str, count: u64, hundredths: u64| {
            let amount = dollars(hundredths);
            writeln!(bill, "{from},{to},,{amount},usd,\"gpt-5-mini-2025-08-07, {item}\",{project},{count}")
                .unwrap();
        };
        line("input", "proj_gateway", input, 30 * day * scale);
        line("output", "proj_gateway", output, 20 * day * scale);
        line("output", "proj_lab", 200_000 * scale, 40 * scale);
    }
    for (folder, file, text) in [("logs", "usage.csv", &log), ("invoices", "cost.csv", &bill)] {
        let folder = books.join(folder).join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(file), text).unwrap();
    }
}

fn dollars(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn run(books: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmfin"));
    command.arg("-q").arg("-C").arg(books).args(arguments).env_remove("LLMFIN_DIR").env("COLUMNS", "250");
    command.output().unwrap()
}

fn json(books: &Path, arguments: &[&str]) -> Value {
    let output = run(books, arguments);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Cause, amount, months, amount in all of them, the first, owner and due day.
fn followed(document: &Value) -> Vec<[String; 7]> {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let finding = |finding: &Value| {
        let recurs = &finding["recurs"];
        [
            &finding["cause"],
            &finding["amount"],
            &recurs["months"],
            &recurs["amount"],
            &recurs["since"],
            &finding["owner"],
            &finding["due"],
        ]
        .map(word)
    };
    document["findings"].as_array().unwrap().iter().map(finding).collect()
}

fn check(books: &Path) -> (Option<i32>, Vec<[String; 3]>) {
    let output = run(books, &["check", "fixes", "--month", "2026-10", "-O", "csv"]);
    let (shown, errors) = (text(&output.stdout), text(&output.stderr));
    assert_ne!(output.status.code(), Some(2), "{errors}");
    let row = |line: &str| -> [String; 3] {
        let cells: Vec<String> = line.splitn(4, ',').map(ToOwned::to_owned).collect();
        [cells[1].clone(), cells[2].clone(), cells[3].trim_matches('"').to_owned()]
    };
    (output.status.code(), shown.lines().skip(1).map(row).collect())
}

/// Month, verdict, what the cause came to there, cells changed, mended and broken, and what is open before and after.
fn tried(books: &Path, finding: &str) -> [String; 8] {
    let found =
        json(books, &["explain", "--finding", finding, "--month", "2026-10", "--backtest", "-O", "json"]);
    let [test] = found["backtests"].as_array().unwrap().as_slice() else { panic!("{found}") };
    ["month", "verdict", "amount", "changed", "mended", "broken", "open_before", "open_after"]
        .map(|name| test[name].as_str().map_or_else(|| test[name].to_string(), ToOwned::to_owned))
}

/// Books with the files of September, and of October with twice the traffic.
fn two_months() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("llmfin.toml"), BOOKS).unwrap();
    month(folder.path(), SEPTEMBER, 1);
    month(folder.path(), OCTOBER, 2);
    folder
}

#[test]
fn a_fix_is_tried_on_the_month_before() {
    let folder = two_months();
    let books = folder.path();
    run(books, &["close", "--month", "2026-09"]);

    // At 0.30 the eight days of September tie as well: 1.80 less to explain, beside the 3.20 of the other project.
    assert_eq!(tried(books, "F2"), ["2026-09", "held", "1.80", "8", "8", "0", "5.00", "3.20"]);
    // Whose the project is changes no price.
    assert_eq!(tried(books, "F1"), ["2026-09", "not-testable", "3.20", "0", "0", "0", "0", "0"]);

    // Had September been billed at the book's price, the new one would break each of its days by as much.
    let bill = books.join("invoices/2026-09/cost.csv");
    let text = fs::read_to_string(&bill).unwrap();
    let listed = |line: &str| match line.split(',').collect::<Vec<_>>().as_slice() {
        [from, to, iso, _, usd, model, " input\"", project, count] => {
            let hundredths = count.parse::<u64>().unwrap() * 25 / 1_000_000;
            format!("{from},{to},{iso},{},{usd},{model}, input\",{project},{count}\n", dollars(hundredths))
        }
        _ => format!("{line}\n"),
    };
    fs::write(&bill, text.lines().map(listed).collect::<String>()).unwrap();
    assert_eq!(tried(books, "F2")[..2], ["2026-09", "not-testable"]);
    run(books, &["close", "--month", "2026-09"]);
    assert_eq!(tried(books, "F2"), ["2026-09", "broken", "0", "8", "0", "8", "3.20", "5.00"]);

    // The pack says the same.
    run(books, &["close", "--month", "2026-10", "--backtest"]);
    let waterfall = fs::read_to_string(books.join("closes/2026-10/v1/03-variance-waterfall.csv")).unwrap();
    assert!(waterfall.contains("the fix would have broken 8 cells of 2026-09"), "{waterfall}");
}

#[test]
fn a_cause_is_followed_from_month_to_month_until_its_fix_is_applied() {
    let folder = two_months();
    let books = folder.path();

    // The first month: nothing before it; due thirty days after its end.
    let first = json(books, &["close", "--month", "2026-09", "-O", "json"]);
    assert_eq!(
        followed(&first),
        [
            ["cov.bypass", "3.20", "1", "3.20", "2026-09", "ilya", "2026-10-30"],
            ["rate.stale", "1.80", "1", "1.80", "2026-09", "dana", "2026-10-30"],
        ]
    );
    assert_eq!(first["totals"]["unexplained_gross"], "0");
    assert_eq!(
        check(books),
        (Some(0), vec![["closes: 1".into(), "true".into(), "no cause stood in two of them".into()]])
    );

    // The second: both again, twice as large, due when they were due.
    let second = json(books, &["close", "--month", "2026-10", "-O", "json"]);
    assert_eq!(
        followed(&second),
        [
            ["cov.bypass", "6.40", "2", "9.60", "2026-09", "ilya", "2026-10-30"],
            ["rate.stale", "3.60", "2", "5.40", "2026-09", "dana", "2026-10-30"],
        ]
    );
    let (code, rows) = check(books);
    let todo = |amount: &str, owner: &str, finding: &str| {
        format!(
            "2 months since 2026-09, {amount} together, {owner} by 2026-10-30 (overdue); apply what `llmfin explain --finding {finding} --month 2026-10` says"
        )
    };
    let bypass = ["cov.bypass: proj_lab".to_owned(), "false".to_owned(), todo("9.60", "ilya", "F1")];
    let stale = ["rate.stale: gpt-5-mini".to_owned(), "false".to_owned(), todo("5.40", "dana", "F2")];
    assert_eq!((code, rows), (Some(1), vec![bypass.clone(), stale]));

    // The price is added: the same files no longer show it, the other cause still stands.
    fs::create_dir_all(books.join("prices/prices")).unwrap();
    fs::write(books.join("prices/book.toml"), "name = \"two\"\n").unwrap();
    let source =
        "[[source]]\nid = \"order-form\"\nurl = \"https://example.org/order\"\nretrieved = 2026-09-01\n";
    fs::write(books.join("prices/sources.toml"), source).unwrap();
    let row = "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source\n\
               gpt-5-mini,input,standard,0,global,*,0.30,1000000,USD,2026-09-01,2026-09-01,1,listed,order-form\n";
    fs::write(books.join("prices/prices/openai.csv"), row).unwrap();
    fs::write(
        books.join("llmfin.toml"),
        BOOKS.replace("name = \"two months\"", "name = \"two months\"\npricebook = \"prices\""),
    )
    .unwrap();
    let (code, rows) = check(books);
    let gone =
        "2 months since 2026-09, 5.40 together; the fix is applied: compared again, 2026-10 does not show it";
    assert_eq!(
        (code, rows),
        (Some(1), vec![bypass, ["rate.stale: gpt-5-mini".into(), "true".into(), gone.into()]])
    );

    // Files that are not those of the close prove nothing about it.
    month(books, OCTOBER, 3);
    let (code, rows) = check(books);
    assert_eq!(
        (code, rows.iter().map(|row| row[1].as_str()).collect::<Vec<_>>()),
        (Some(1), vec!["false", "false"])
    );
}

/// A month to come, so that no clock takes it for the last complete one.
const JANUARY: (&str, u64) = ("2031-01", 1_924_992_000);
const FEBRUARY: (&str, u64) = ("2031-02", 1_927_670_400);

#[test]
fn without_a_month_the_newest_close_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    let books = folder.path();
    fs::write(books.join("llmfin.toml"), BOOKS).unwrap();
    for at in [JANUARY, FEBRUARY] {
        month(books, at, 1);
        run(books, &["close", "--month", at.0]);
    }
    let output = run(books, &["check", "fixes"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("--month 2031-02"), "{}", text(&output.stdout));
}

#[test]
fn a_pack_that_cannot_be_read_is_told_and_stops_no_other_month() {
    let folder = two_months();
    let books = folder.path();
    run(books, &["close", "--month", "2026-09"]);
    fs::write(books.join("closes/2026-09/v1/reconciliation.json"), "{\"month\": ").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmfin"));
    command.arg("-C").arg(books).args(["reconcile", "--month", "2026-10"]).env_remove("LLMFIN_DIR");
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said.matches("left out of the history").count(), 1, "{said}");
    // Nothing can be said of fixes without it.
    let (code, rows) = check(books);
    assert_eq!((code, rows[0][1].as_str()), (Some(1), "false"), "{rows:?}");
}

/// The books before anybody told them whose account it is.
fn without_account() -> String {
    let (before, rest) = BOOKS.split_once("[[account]]").unwrap();
    let (_, after) = rest.split_once("[[invoice]]").unwrap();
    format!("{before}[[invoice]]{}", after.replace("account = \"org-two\"\n", ""))
}

#[test]
fn an_account_that_the_books_learn_of_mends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let books = folder.path();
    fs::write(books.join("llmfin.toml"), without_account()).unwrap();
    for (at, scale) in [(SEPTEMBER, 1), (OCTOBER, 2)] {
        month(books, at, scale);
        run(books, &["close", "--month", at.0]);
    }
    let stale = |rows: &[[String; 3]]| -> [String; 3] {
        rows.iter().find(|row| row[0].starts_with("rate.stale")).unwrap_or_else(|| panic!("{rows:?}")).clone()
    };
    assert_eq!(stale(&check(books).1)[1], "false");

    fs::write(books.join("llmfin.toml"), BOOKS).unwrap();
    let (code, rows) = check(books);
    assert_eq!((code, stale(&rows)[1].as_str()), (Some(1), "false"), "{rows:?}");
    let again = json(books, &["reconcile", "--month", "2026-10", "-O", "json"]);
    let found = followed(&again);
    let found = found.iter().find(|found| found[0] == "rate.stale").unwrap();
    // 1.80 of September and 3.60 of October.
    assert_eq!(found[2..5], ["2", "5.40", "2026-09"]);

    // A rule that takes the traffic out of the estimate is no fix: all 32.40 of it stands on the bill without a log.
    let wrong = "\n[[traffic]]\nname = \"wrong\"\nseller = \"openai\"\nfrom = \"2026-09-01\"\n\
                 filter = { model = [\"gpt-5-mini\"] }\nset = { billed = false }\n";
    fs::write(books.join("llmfin.toml"), format!("{BOOKS}{wrong}")).unwrap();
    let (code, rows) = check(books);
    assert_eq!((code, stale(&rows)[1].as_str()), (Some(1), "false"), "{rows:?}");
    assert!(stale(&rows)[2].contains("are still to explain"), "{rows:?}");
}
