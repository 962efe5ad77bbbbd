//! Files of a few lines through the real program, without books: what each makes of the month is worked out beside it.

#![expect(clippy::unwrap_used, reason = "a test that cannot write its files should stop there")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// A million tokens in and a tenth of that out of gpt-5-mini: 0.25 + 0.20 at its prices.
const LOG: &str = "period_start,provider,served_model,requests,input,output,logged_cost\n\
                   2026-10-05,openai,gpt-5-mini,10,1000000,100000,0.45\n";
const HEAD: &str =
    "start_time,start_time_iso,amount_value,amount_currency,line_item,quantity,quantity_unit\n";

/// A line of OpenAI's cost export for 2026-10-05.
fn line(amount: &str, item: &str, quantity: &str) -> String {
    format!("1791158400,,{amount},usd,\"{item}\",{quantity},tokens\n")
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_llmfin"));
    command.args(["reconcile", "--month", "2026-10"]).args(arguments).current_dir(folder);
    command.env_remove("LLMFIN_DIR").env("COLUMNS", "200").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The document of a log beside a bill of these lines, and the page that people get.
fn compared(logs: &[&str], bill: &[String]) -> (Value, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bill.csv"), format!("{HEAD}{}", bill.concat())).unwrap();
    let mut arguments = Vec::new();
    let names: Vec<String> = (0..logs.len()).map(|index| format!("log{index}.csv")).collect();
    for (name, log) in names.iter().zip(logs) {
        fs::write(folder.path().join(name), log).unwrap();
        arguments.extend(["--usage", name]);
    }
    arguments.extend(["--invoice", "openai=bill.csv"]);
    let page = text(&run(folder.path(), &arguments).stdout);
    arguments.extend(["-O", "json"]);
    let output = run(folder.path(), &arguments);
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    (document, page)
}

/// The amounts under the heading about what nothing explains.
fn unexplained(page: &str) -> Vec<&str> {
    let part = page.split("What nothing explains").nth(1).unwrap_or_default();
    let part = part.split("What could not be tested").next().unwrap_or_default();
    let words = part.lines().filter_map(|line| line.split_whitespace().next());
    words.filter(|word| word.contains('.') && word.parse::<rust_decimal::Decimal>().is_ok()).collect()
}

#[test]
fn a_month_of_many_models_is_shown_on_one_screen() {
    // Forty models that nothing has a price for, each billed at 1.00.
    let names: Vec<String> = (10..50).map(|index| format!("custom-model-{index}")).collect();
    let mut log = "period_start,provider,served_model,requests,input,output,logged_cost\n".to_owned();
    names.iter().for_each(|name| log.push_str(&format!("2026-10-05,openai,{name},10,1000000,0,1.00\n")));
    let bill: Vec<String> =
        names.iter().map(|name| line("1.00", &format!("{name}, input"), "1000000")).collect();
    let (document, page) = compared(&[&log], &bill);
    assert_eq!(document["totals"]["billed"], "40.00");
    assert_eq!(document["unpriced"].as_array().unwrap().len(), 40);
    let own = page.lines().filter(|line| line.contains("a model has no price: custom-model-")).count();
    assert_eq!(own, 30);
    assert!(page.contains("10.00  a model has no price: 10 more\n"), "{page}");
    assert!(page.contains("custom-model-17, and 32 more, billed at 32.00.\n"), "{page}");
    assert!(page.lines().all(|line| line.chars().count() <= 200));
}

#[test]
fn cents_that_do_not_add_up_are_said_to_be_rounded() {
    // 1.016 x 0.25 + 0.1 x 2 = 0.454, seen as 0.45; billed 0.458, seen as 0.46; the 0.004 between them as 0.00.
    let log = LOG.replace("1000000", "1016000");
    let bill = |output: &str| {
        [line("0.254", "gpt-5-mini, input", "1016000"), line(output, "gpt-5-mini, output", "100000")]
    };
    let (document, page) = compared(&[&log], &bill("0.204"));
    assert_eq!(
        (&document["totals"]["priced"], &document["totals"]["billed"]),
        (&"0.454".into(), &"0.458".into())
    );
    assert_eq!(page.matches("shown rounded").count(), 1, "{page}");
    let (_, page) = compared(&[&log], &bill("0.20"));
    assert!(!page.contains("shown rounded"), "{page}");
}

#[test]
fn a_file_that_is_there_twice_counts_once() {
    let bill = [line("0.25", "gpt-5-mini, input", "1000000"), line("0.20", "gpt-5-mini, output", "100000")];
    let (document, _) = compared(&[LOG, LOG], &bill);
    assert_eq!(document["totals"]["priced"], "0.45");
    assert_eq!(document["totals"]["unexplained_gross"], "0");
    let count = |name: &str| -> u64 {
        let inputs = document["inputs"].as_array().unwrap().iter();
        inputs
            .filter(|input| input["path"].as_str().unwrap().starts_with("log"))
            .map(|input| input[name].as_u64().unwrap())
            .sum()
    };
    // Two rows of ten requests each.
    assert_eq!((count("rows"), count("used"), count("duplicates")), (20, 10, 10));
    let said = document["diagnostics"].as_array().unwrap();
    assert!(said.iter().any(|note| note["code"] == "identical-files"), "{said:?}");
}

#[test]
fn what_nothing_explains_is_listed_to_the_last_charge() {
    // No bill for the log's 0.45, no log for 3.50 of another model, and a line that says nothing: gross 4.95.
    let other = "1791331200,,3.50,usd,\"gpt-5.5, input\",700000,tokens\n".to_owned();
    let odd = "1791417600,,1.00,usd,unknown thing,,\n".to_owned();
    let (document, page) = compared(&[LOG], &[other.clone(), odd.clone()]);
    assert_eq!(document["totals"]["unexplained_gross"], "4.95");
    assert_eq!(unexplained(&page), ["3.50", "1.00", "-0.45"], "{page}");

    // With charges alone the list is there as well, and what it leaves out is in its last sentence.
    let tied = [line("0.25", "gpt-5-mini, input", "1000000"), line("0.20", "gpt-5-mini, output", "100000")];
    let odd = |amount: &str, name: &str| format!("1791417600,,{amount},usd,{name},,\n");
    let odd = [
        odd("4.00", "one"),
        odd("3.00", "two"),
        odd("2.00", "three"),
        odd("0.50", "four"),
        odd("0.25", "five"),
    ];
    let (document, page) = compared(&[LOG], &[tied.as_slice(), odd.as_slice()].concat());
    assert_eq!(document["totals"]["unexplained_gross"], "9.75");
    assert_eq!(unexplained(&page), ["4.00", "3.00", "2.00"], "{page}");
    assert!(page.contains("2 more, 0.75 by size"), "{page}");
}

#[test]
fn a_line_below_zero_keeps_its_money() {
    let bill = [
        line("0.25", "gpt-5-mini, input", "1000000"),
        line("-0.05", "gpt-5-mini, input", "-200000"),
        line("0.20", "gpt-5-mini, output", "100000"),
    ];
    let (document, _) = compared(&[LOG], &bill);
    let totals = &document["totals"];
    assert_eq!((&totals["billed"], &totals["delta"]), (&Value::from("0.40"), &Value::from("-0.05")));
    assert_eq!(document["invoices"][0]["lines_total"], "0.40");
    let input = &document["cells"][0]["meters"][0];
    assert_eq!(input["quantity_billed"], "800000", "{input}");
}

#[test]
fn where_the_counts_agree_the_price_is_named() {
    let bill = [line("0.30", "gpt-5-mini, input", "1000000"), line("0.24", "gpt-5-mini, output", "100000")];
    let (_, page) = compared(&[LOG], &bill);
    assert!(page.contains("log and openai count the same: only the price differs"), "{page}");
    assert!(page.contains("a bill of one day only"), "{page}");
}

#[test]
fn a_log_without_a_cost_did_not_log_zero() {
    let log = LOG.replace(",logged_cost", "").replace(",0.45", "");
    let bill = [line("0.25", "gpt-5-mini, input", "1000000"), line("0.20", "gpt-5-mini, output", "100000")];
    let (_, page) = compared(&[&log], &bill);
    assert!(page.starts_with("2026-10: billed 0.45 USD, expected 0.45, logged unknown\n"), "{page}");
    assert!(!page.contains("LOGGED by the gateway"), "{page}");
}

#[test]
fn a_bill_without_rows_is_told_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log.csv"), LOG).unwrap();
    let focus = "BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ServiceName,ChargeDescription\n";
    for head in [HEAD, focus] {
        fs::write(folder.path().join("bill.csv"), head).unwrap();
        let output = run(folder.path(), &["--usage", "log.csv", "--invoice", "openai=bill.csv"]);
        let said = text(&output.stderr);
        assert!(said.contains("bill.csv: the file has a header and no rows"), "{said}");
    }
}

/// Twelve days of one model at 1.1 times its price: an uplift of ten per cent in the United States and one in the European
/// Union are the same.
#[test]
fn the_same_cause_told_in_another_way_is_a_rival_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = LOG.lines().next().unwrap().to_owned() + "\n";
    let mut bill = HEAD.to_owned();
    for day in 1..=12u64 {
        // 5 and 30 a million, so 5.5 and 33 on the bill: in units of 10^-7 and 10^-6.
        let (input, output) = (1_000_000 + 97 * day, 100_000 + 31 * day);
        let decimals =
            |amount: u64, unit: u64, width: usize| format!("{}.{:0width$}", amount / unit, amount % unit);
        let cost = decimals(input * 5 + output * 30, 1_000_000, 6);
        log += &format!("2026-10-{day:02},openai,gpt-5.5,10,{input},{output},{cost}\n");
        let start = 1_790_812_800 + (day - 1) * 86_400;
        let (billed_input, billed_output) =
            (decimals(input * 55, 10_000_000, 7), decimals(output * 33, 1_000_000, 6));
        bill += &format!("{start},,{billed_input},usd,\"gpt-5.5, input\",{input},tokens\n");
        bill += &format!("{start},,{billed_output},usd,\"gpt-5.5, output\",{output},tokens\n");
    }
    fs::write(folder.path().join("log.csv"), log).unwrap();
    fs::write(folder.path().join("bill.csv"), bill).unwrap();
    run(
        folder.path(),
        &["--usage", "log.csv", "--invoice", "openai=bill.csv", "--patch-dir", "fixes", "-O", "json"],
    );
    let readme = fs::read_to_string(folder.path().join("fixes/README.txt")).unwrap();
    assert!(readme.contains("fits as well as its rivals do"), "{readme}");
    assert!(!readme.contains(" or ;"), "{readme}");
}

#[test]
fn a_model_day_beyond_its_own_rounding_is_open_whatever_the_others_have_to_spare() {
    let folder = tempfile::tempdir().unwrap();
    // Thirty days in whole cents leave half a cent open each, 0.15 together; one more line is 0.10 too high.
    let mut log = "period_start,provider,served_model,requests,input,logged_cost\n".to_owned();
    let mut bill = "usage_date_utc,model,token_type,cost_usd,cost_type\n".to_owned();
    for day in 1..=30 {
        log += &format!("2026-10-{day:02},anthropic,claude-opus-5,1,20000,0.10\n");
        bill += &format!("2026-10-{day:02},Claude Opus 5,input_no_cache,0.10,token\n");
    }
    let run = |bill: &str| {
        fs::write(
            folder.path().join("log.csv"),
            format!("{log}2026-10-31,anthropic,claude-opus-5,1,20000,0.10\n"),
        )
        .unwrap();
        fs::write(folder.path().join("claude_api_cost.csv"), bill).unwrap();
        run(folder.path(), &["--usage", "log.csv", "--invoice", "anthropic=claude_api_cost.csv"])
    };
    let tied = run(&format!("{bill}2026-10-31,Claude Opus 5,input_no_cache,0.10,token\n"));
    assert_eq!(tied.status.code(), Some(0), "{}", text(&tied.stderr));
    let open = run(&format!("{bill}2026-10-31,Claude Opus 5,input_no_cache,0.20,token\n"));
    assert_eq!(open.status.code(), Some(1), "{}", text(&open.stdout));
    assert!(text(&open.stdout).contains("0.10  unexplained"), "{}", text(&open.stdout));
}

#[test]
fn a_price_of_the_models_own_is_shown_before_the_one_for_every_model() {
    let price = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llmfin"));
        text(&command.arg("pricebook").args(arguments).env_remove("LLMFIN_DIR").output().unwrap().stdout)
    };
    let shown =
        price(&["show", "gpt-4.1", "--seller", "openai", "--meter", "web_search", "--at", "2026-10-10"]);
    // Searches of gpt-4.1 cost 25 a thousand whatever the context, those of other models 10.
    assert!(shown.lines().any(|line| line.starts_with("web_search") && line.contains("25")), "{shown}");
}
