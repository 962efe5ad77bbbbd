//! Every rule of the price book has a book that breaks it and a twin that does not: `fixtures/pricebook-rules/PB0xx/`.
//! `bad/` and `good/` hold the files that differ from `base/`; `expected` in each bad book is what is said of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use llmfin::diagnostic::Level;
use llmfin::review::check::rules;

const FIXTURES: &str = "fixtures/pricebook-rules";
const AS_OF: &str = "2026-02-01";

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::create_dir_all(to).unwrap();
            fs::copy(&path, target).unwrap();
        }
    }
}

/// The rule's folders, each a whole book, and its other files.
fn books(id: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let rule = Path::new(FIXTURES).join(id);
    for entry in fs::read_dir(&rule).unwrap() {
        let path = entry.unwrap().path();
        let target = dir.path().join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&Path::new(FIXTURES).join("base"), &target);
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
    dir
}

/// The books of a rule by name: `bad`, `bad-zero`, `before`, `good`.
fn folders(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.contains(&"bad".to_owned()) && names.contains(&"good".to_owned()), "{names:?}");
    names
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_llmfin"))
        .args(["pricebook", "check"])
        .args(arguments)
        .env_clear()
        .current_dir(folder)
        .output()
        .unwrap()
}

/// `prices/openai.csv:2:5: message`, with the findings' ids, and the exit code.
fn check(folder: &Path, book: &str, arguments: &[&str]) -> (Vec<(String, String, String)>, i32) {
    let output = run(folder, &[&[book, "--as-of", AS_OF, "-O", "json"], arguments].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    let document: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    let findings = document["findings"].as_array().unwrap().iter().filter(|found| found["waived"] == false);
    let findings = findings.map(|found| {
        let text = |key: &str| found[key].as_str().unwrap_or("").to_owned();
        assert!(found["help"].as_str().is_some_and(|help| !help.is_empty()), "{found}");
        let file =
            text("file").strip_prefix(&format!("{book}/")).map_or_else(|| text("file"), ToOwned::to_owned);
        let place = format!("{file}:{}:{}: {}", found["line"], found["column"], text("message"));
        (text("rule"), text("level"), place)
    });
    (findings.collect(), output.status.code().unwrap())
}

#[test]
fn every_rule_has_a_book_that_breaks_it_and_a_twin_that_does_not() {
    let mut wrong = Vec::new();
    for rule in rules() {
        let dir = books(rule.id);
        let arguments = fs::read_to_string(dir.path().join("args")).unwrap_or_default();
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let level = rule.level.id();
        for book in folders(dir.path()) {
            if book.starts_with("bad") {
                let only = ["--rule", rule.id];
                let (found, code) = check(dir.path(), &book, &[&only, arguments.as_slice()].concat());
                let shown: String = found.iter().map(|(_, _, place)| format!("{place}\n")).collect();
                let path = PathBuf::from(format!("{FIXTURES}/{}/{book}/expected", rule.id));
                if std::env::var_os("LLMFIN_OVERWRITE").is_some() {
                    fs::write(&path, &shown).unwrap();
                }
                let expected = fs::read_to_string(&path).unwrap_or_default();
                if shown != expected || shown.is_empty() {
                    wrong.push(format!("{} {book}:\n{shown}instead of\n{expected}", rule.id));
                }
                let wanted = i32::from(rule.level == Level::Error);
                if code != wanted || found.iter().any(|(id, of, _)| id != rule.id || of != level) {
                    wrong.push(format!("{} {book}: exit {code}, {found:?}", rule.id));
                }
            } else if book.starts_with("good") {
                // The twin is clean in every other respect too.
                let (found, code) = check(dir.path(), &book, &arguments);
                if code != 0 || !found.is_empty() {
                    wrong.push(format!("{} {book}: exit {code}, {found:?}", rule.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
