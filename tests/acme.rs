//! Acme, through the real program: every figure that `fixtures/acme` works out by hand, and the same bytes twice.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its books should stop there")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use llmfin::money::Money;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_llmfin");
const FINE_TUNE: &str = "ft:gpt-4.1-mini-2025-04-14:acme::B1x";

/// What the program writes to standard output, as JSON.
fn output(arguments: &[&str]) -> Value {
    let output = Command::new(BINARY).args(arguments).env_remove("LLMFIN_DIR").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

fn expected() -> Value {
    serde_json::from_str(&std::fs::read_to_string("fixtures/acme/expected.json").unwrap()).unwrap()
}

fn money(value: &Value) -> Money {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Provider, model, day and cause. A bill shows a fine-tune under its base, so that is the cell's model.
type Place = (String, String, String, String);

fn place(cell: &Value, cause: &str) -> Place {
    let model = cell["model"].as_str().unwrap_or_default();
    let model = if model == FINE_TUNE { "ft-gpt-4.1-mini-2025-04-14" } else { model };
    (text(&cell["provider"]), model.to_owned(), text(&cell["day"]), cause.to_owned())
}

fn found(document: &Value) -> BTreeMap<Place, Money> {
    let causes: BTreeMap<String, String> = list(&document["findings"])
        .iter()
        .map(|finding| (text(&finding["id"]), text(&finding["cause"])))
        .collect();
    let mut amounts = BTreeMap::new();
    for cell in list(&document["cells"]) {
        for finding in list(&cell["findings"]).iter().chain(list(&cell["logged_findings"])) {
            let place = place(cell, &causes[&text(&finding["id"])]);
            *amounts.entry(place).or_insert(Money::ZERO) += money(&finding["amount"]);
        }
    }
    amounts
}

/// The bill's lines for cache writes of the model, whose prompts are of two bands: each line counts once.
#[test]
fn usage_without_a_price_is_listed_with_what_the_bill_has_for_it() {
    let document = output(&["demo", "-O", "json"]);
    let usage = list(&document["unpriced"]).iter().find(|usage| usage["model"] == "gpt-5.6-sol").unwrap();
    let lines = ["4.3084", "4.161584", "4.303712", "5.318304", "5.045776"];
    let billed: Money = lines.iter().map(|line| line.parse::<Money>().unwrap()).sum();
    assert_eq!(money(&usage["billed"]), billed, "{usage}");
    let finding = |finding: &&Value| finding["cause"] == "rate.missing_class";
    assert_eq!(money(&list(&document["findings"]).iter().find(finding).unwrap()["amount"]), billed);

    let place = tempfile::tempdir().unwrap();
    let books = place.path().join("books");
    output(&["demo", "-O", "json", "--books", &books.display().to_string()]);
    let sheet = std::fs::read_to_string(books.join("closes/2026-10/v1/13-exceptions.csv")).unwrap();
    let row =
        sheet.lines().find(|line| line.contains("openai gpt-5.6-sol")).unwrap_or_else(|| panic!("{sheet}"));
    assert!(row.contains("23.137776") && row.ends_with("llmfin explain rate.missing_class"), "{row}");
}

#[test]
fn the_demo_finds_what_was_planted_to_the_last_decimal() {
    let (document, expected) = (output(&["demo", "-O", "json"]), expected());

    // The row with the planted 4.20 was printed to the cent as well; nothing on the bill parts the two.
    let mut rests = list(&document["cells"]).iter().filter(|cell| !money(&cell["unexplained"]).is_zero());
    let (Some(rest), None) = (rests.next(), rests.next()) else { panic!("not one unexplained cell") };
    let planted = &list(&expected["unexplained"])[0];
    assert_eq!(place(rest, ""), place(planted, ""));
    let printed = money(&rest["unexplained"]) - money(&planted["amount"]);
    assert!(printed.abs() <= money(&rest["rounding_bound"]), "{printed}");

    for name in ["logged", "priced", "billed", "delta"] {
        assert_eq!(money(&document["totals"][name]), money(&expected["totals"][name]), "{name}");
    }
    assert_eq!(
        money(&document["totals"]["unexplained"]),
        money(&expected["totals"]["unexplained"]) + printed
    );
    assert_eq!(money(&document["totals"]["explained"]), money(&expected["totals"]["explained"]) - printed);
    assert!(money(&document["totals"]["logged_unexplained_gross"]).is_zero());

    let mut sums: BTreeMap<String, Money> = BTreeMap::new();
    for finding in list(&document["findings"]) {
        let name = format!("{} {}", text(&finding["bridge"]), text(&finding["cause"]));
        *sums.entry(name).or_default() += money(&finding["amount"]);
    }
    *sums.get_mut("priced-billed round.line").unwrap() += printed;
    let wanted: BTreeMap<String, Money> = expected["per_cause"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, amount)| (name.clone(), money(amount)))
        .collect();
    assert_eq!(sums, wanted);

    let mut found = found(&document);
    found.insert(place(rest, "round.line"), printed);
    let mut planned: BTreeMap<Place, Money> = BTreeMap::new();
    for finding in list(&expected["findings"]) {
        for cell in list(&finding["cells"]) {
            *planned.entry(place(cell, &text(&finding["cause"]))).or_insert(Money::ZERO) +=
                money(&cell["amount"]);
        }
    }
    planned.retain(|_, amount| !amount.is_zero());
    assert_eq!(found, planned);

    let rows = &expected["rows"];
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for input in list(&document["inputs"]).iter().filter(|input| input["format"] == "litellm-payload") {
        for name in ["rows", "used", "not_billable", "duplicates", "outside_month", "rejected"] {
            *counts.entry(name).or_default() += input[name].as_u64().unwrap();
        }
    }
    let rows = |name: &str| rows[name].as_u64().unwrap();
    // The failures of case c carry a cost, so their rows stay in the cells; the first bridge takes the cost out.
    let failures = list(&expected["findings"]).iter().find(|finding| finding["case"] == "c").unwrap();
    let failures = failures["scope"]["rows"].as_u64().unwrap();
    let wanted = BTreeMap::from([
        ("rows", rows("total")),
        ("used", rows("in_cells") + failures),
        ("not_billable", rows("not_billable") - failures),
        ("duplicates", rows("duplicates")),
        ("outside_month", rows("outside_month")),
        ("rejected", rows("rejected")),
    ]);
    assert_eq!(counts, wanted);
}

#[test]
fn the_document_is_what_its_schema_says() {
    let schema = output(&["schema", "reconciliation"]);
    let document = output(&["demo", "-O", "json"]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut broken = document;
    broken["cells"][0]["delta"] = serde_json::json!(0.5);
    assert!(!validator.is_valid(&broken));
}

/// Every file below a folder, by its path in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[test]
fn two_runs_write_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let packs: Vec<BTreeMap<PathBuf, Vec<u8>>> = ["one", "two"]
        .map(|name| {
            let books = folder.path().join(name);
            output(&["demo", "-O", "json", "--books", books.to_str().unwrap()]);
            files(&books.join("closes"))
        })
        .into();
    let names = |pack: &BTreeMap<PathBuf, Vec<u8>>| pack.keys().cloned().collect::<BTreeSet<_>>();
    assert!(packs[0].len() > 3);
    assert_eq!(names(&packs[0]), names(&packs[1]));
    for (name, bytes) in &packs[0] {
        assert!(packs[1][name] == *bytes, "{} differs between two runs", name.display());
    }
}

#[test]
fn named_files_give_the_same_cells_as_the_books() {
    let folder = |path: &str| format!("fixtures/acme/{path}");
    let invoice =
        |provider: &str, name: &str| format!("{provider}={}", folder(&format!("invoices/2026-10/{name}")));
    let arguments = [
        "reconcile".to_owned(),
        "--month".to_owned(),
        "2026-10".to_owned(),
        "--usage".to_owned(),
        folder("logs/2026-10"),
        "--invoice".to_owned(),
        invoice("openai/org-acme", "cost_2026-10-01_2026-10-31.csv"),
        invoice("openai/org-acme", "completions_usage_2026-10-01_2026-10-31.csv"),
        invoice("anthropic/acme", "claude_api_cost_2026_10_01_to_2026_10_31.csv"),
        invoice("anthropic/acme", "claude_api_tokens_2026_10.csv"),
        "-O".to_owned(),
        "json".to_owned(),
    ];
    let named = output(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let books = output(&["demo", "-O", "json"]);
    let cells = |document: &Value| -> Vec<(Place, Vec<Value>)> {
        list(&document["cells"])
            .iter()
            .map(|cell| {
                let figures =
                    ["logged", "priced", "billed", "delta", "rounding_bound", "unexplained", "status"];
                (place(cell, ""), figures.iter().map(|name| cell[name].clone()).collect())
            })
            .collect()
    };
    assert_eq!(cells(&named), cells(&books));
    assert_eq!(found(&named), found(&books));
}
