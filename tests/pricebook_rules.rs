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
    for entry in fs::read_dir(from).expect("fixture") {
        let path = entry.expect("fixture").path();
        let target = to.join(path.file_name().expect("fixture"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::create_dir_all(to).expect("fixture");
            fs::copy(&path, target).expect("fixture");
        }
    }
}

/// The rule's folders, each a whole book, and its other files.
fn books(id: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("fixture");
    let rule = Path::new(FIXTURES).join(id);
    for entry in fs::read_dir(&rule).expect("fixture") {
        let path = entry.expect("fixture").path();
        let target = dir.path().join(path.file_name().expect("fixture"));
        if path.is_dir() {
            copy(&Path::new(FIXTURES).join("base"), &target);
            copy(&path, &target);
        } else {
            fs::copy(path, target).expect("fixture");
        }
    }
    dir
}

/// The books of a rule by name: `bad`, `bad-zero`, `before`, `good`.
fn folders(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("fixture").map(|entry| entry.expect("fixture"));
    let mut names: Vec<String> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().expect("fixture"))
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
        .expect("fixture")
}

/// `prices/openai.csv:2:5: message`, with the findings' ids, and the exit code.
fn check(folder: &Path, book: &str, arguments: &[&str]) -> (Vec<(String, String, String)>, i32) {
    let output = run(folder, &[&[book, "--as-of", AS_OF, "-O", "json"], arguments].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    let document: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"));
    let findings =
        document["findings"].as_array().expect("fixture").iter().filter(|found| found["waived"] == false);
    let findings = findings.map(|found| {
        let text = |key: &str| found[key].as_str().unwrap_or("").to_owned();
        assert!(found["help"].as_str().is_some_and(|help| !help.is_empty()), "{found}");
        let file =
            text("file").strip_prefix(&format!("{book}/")).map_or_else(|| text("file"), ToOwned::to_owned);
        let place = format!("{file}:{}:{}: {}", found["line"], found["column"], text("message"));
        (text("rule"), text("level"), place)
    });
    (findings.collect(), output.status.code().expect("fixture"))
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

#[test]
fn the_rules_are_all_there_and_their_ids_are_used() {
    let ids: Vec<String> = rules().iter().map(|rule| rule.id.to_owned()).collect();
    let all: Vec<String> = (1..=32).map(|number| format!("PB{number:03}")).collect();
    assert_eq!(ids, all);
    // Readers write the ids of their problems by hand.
    let files = fs::read_dir("src/pricebook").unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.is_file()) {
        let text = fs::read_to_string(file).unwrap();
        for (at, _) in text.match_indices("\"PB") {
            let id = &text[at + 1..at + 6];
            assert!(ids.iter().any(|known| known == id), "{id}");
        }
    }
}

/// The page on the rules: what breaks each, the case it was learned from, what to do, and a line that breaks it.
#[test]
fn the_page_on_the_rules_is_the_registry() {
    let mut page = "# Rules of the price book\n\n\
        Written by a test from the program. `llmfin pricebook check` runs them; `--rule PB007` runs one of them. An error ends it \
        with exit code 1, a warning only with `--strict`. [A price book in CI](../guide/pricebook-ci.md) shows how to use them.\n\n\
        | id | level | breaks it | waiver |\n|---|---|---|---|\n"
        .to_owned();
    for rule in rules() {
        let waiver = if rule.waivable { "yes" } else { "" };
        page.push_str(&format!(
            "| [{0}](#{1}) | {2} | {3} | {waiver} |\n",
            rule.id,
            rule.id.to_lowercase(),
            rule.level.id(),
            rule.title
        ));
    }
    for rule in rules() {
        let expected = fs::read_to_string(format!("{FIXTURES}/{}/bad/expected", rule.id)).unwrap();
        let example = expected.lines().next().unwrap();
        let (id, level) = (rule.id, rule.level.id());
        let title: String = rule.title[..1].to_uppercase() + &rule.title[1..];
        page.push_str(&format!(
            "\n## {id}\n\n**{level}**: {title}.\n\n{}\n\n{}\n\n```text\n{level}[{id}]: {example}\n```\n",
            rule.why, rule.remedy
        ));
    }
    let path = "docs/reference/pricebook-rules.md";
    if std::env::var_os("LLMFIN_OVERWRITE").is_some() {
        fs::write(path, &page).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == page,
        "{path} is out of date; run `LLMFIN_OVERWRITE=1 cargo test --test pricebook_rules`"
    );
}

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
    let output =
        Command::new("git").args(identity).args(arguments).current_dir(folder).output().expect("fixture");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The commands of the workflow in the guide, run on a pull request that edits an old row and on one that appends.
#[cfg(unix)]
#[test]
fn the_workflow_of_the_guide_stops_a_pull_request_that_edits_an_old_row() {
    let guide = fs::read_to_string("docs/guide/pricebook-ci.md").unwrap();
    let (_, rest) = guide.split_once("```yaml\n").unwrap();
    let (workflow, _) = rest.split_once("```\n").unwrap();
    let commands: Vec<&str> = workflow
        .lines()
        .filter_map(|line| line.trim().strip_prefix("run: ").or(Some(line.trim())))
        .filter(|line| line.starts_with("llmfin "))
        .collect();
    assert_eq!(commands.len(), 2, "{commands:?}");
    let dir = tempfile::tempdir().unwrap();
    let book = dir.path().join("pricebooks");
    copy(&Path::new(FIXTURES).join("base"), &book);
    copy(&Path::new(FIXTURES).join("PB021/before"), &book);
    git(dir.path(), &["init", "-q"]);
    git(dir.path(), &["add", "-A"]);
    git(dir.path(), &["commit", "-qm", "the book"]);
    git(dir.path(), &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let binary = Path::new(env!("CARGO_BIN_EXE_llmfin")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let run = |change: &str| {
        copy(&Path::new(FIXTURES).join("PB021").join(change), &book);
        let mut codes = Vec::new();
        let mut said = String::new();
        for command in &commands {
            let mut shell = Command::new("bash");
            shell
                .args(["-c", command])
                .current_dir(dir.path())
                .env("PATH", &path)
                .env("GITHUB_BASE_REF", "main");
            let output = shell.output().unwrap();
            codes.push(output.status.code().unwrap());
            said.push_str(&String::from_utf8_lossy(&output.stdout));
            said.push_str(&String::from_utf8_lossy(&output.stderr));
        }
        (codes, said)
    };
    let (codes, said) = run("bad");
    assert_eq!(codes, [1, 0], "{said}");
    assert!(said.contains("::error file=pricebooks/prices/openai.csv,line=2,col=31,title=PB021::"), "{said}");
    let diff = fs::read_to_string(dir.path().join("diff.md")).unwrap();
    assert!(diff.contains("1.2"), "{diff}");
    let (codes, said) = run("good");
    assert_eq!(codes, [0, 0], "{said}");
    // The pull request that adds the folder.
    git(dir.path(), &["checkout", "-q", "--orphan", "empty"]);
    git(dir.path(), &["rm", "-rqf", "--cached", "."]);
    git(dir.path(), &["commit", "-q", "--allow-empty", "-m", "no book yet"]);
    git(dir.path(), &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let (codes, said) = run("good");
    assert_eq!(codes, [0, 0], "{said}");
    let diff = fs::read_to_string(dir.path().join("diff.md")).unwrap();
    assert!(diff.contains("new model") && !diff.contains("gpt-"), "{diff}");
}

/// What `--known-at` with the last day of a closed month says stays as it was.
#[test]
fn a_row_recorded_in_a_closed_month_is_new_only_where_the_month_is_open() {
    let dir = books("PB021");
    let ledger = dir.path().join("good/prices/openai.csv");
    let earlier = fs::read_to_string(&ledger).unwrap().replace("2026-02-01,1,", "2026-01-20,1,");
    fs::write(ledger, earlier).unwrap();
    let arguments =
        |closed: &'static str| ["--rule", "PB021", "--against", "before", "--closed-through", closed];
    assert_eq!(check(dir.path(), "good", &arguments("2025-12")), (vec![], 0));
    let (found, code) = check(dir.path(), "good", &arguments("2026-01"));
    assert_eq!((found.len(), code), (1, 1));
    assert!(
        found[0].2.starts_with("prices/openai.csv:3:58: ")
            && found[0].2.ends_with("recorded on 2026-01-20, but 2026-01 is closed"),
        "{found:?}"
    );
}

/// What the guide on prices shows is typed as it stands, each block to the file named before it.
#[test]
fn the_lines_of_the_guide_pass_the_check() {
    let guide = fs::read_to_string("docs/guide/updating-prices.md").unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("ours/prices")).unwrap();
    for (name, fence) in [
        ("sources.toml", "```toml\n"),
        ("prices/openai.csv", "```csv\n"),
        ("prices/anthropic.csv", "```csv\n"),
    ] {
        let (_, rest) = guide.split_once(&format!("`{name}`, with")).unwrap();
        let block = rest.split_once(fence).and_then(|(_, rest)| rest.split_once("```")).unwrap().0;
        fs::write(dir.path().join("ours").join(name), block).unwrap();
    }
    let output = run(dir.path(), &["ours", "--as-of", "2026-08-22", "--strict"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "0 errors, 0 warnings\n", "{said}");
}

#[test]
fn what_is_waived_is_counted_and_a_waiver_that_is_not_needed_is_a_warning() {
    let dir = books("PB015");
    let verbose = run(dir.path(), &["good", "--as-of", AS_OF, "-v"]);
    let text = String::from_utf8(verbose.stdout).unwrap();
    assert!(
        text.contains("note[PB015]: good/prices/openai.csv:4:31: ") && text.contains("(waived)"),
        "{text}"
    );
    assert!(text.ends_with("0 errors, 0 warnings, 1 waived\n"), "{text}");
    let ledger = dir.path().join("good/prices/openai.csv");
    let dearer = fs::read_to_string(&ledger).unwrap().replace(",0.9,", ",1.1,");
    fs::write(ledger, dearer).unwrap();
    let (found, code) = check(dir.path(), "good", &[]);
    let place = "prices/openai.csv:4:78: the waiver of PB015 is not needed".to_owned();
    assert_eq!((found, code), (vec![("PB015".to_owned(), "warning".to_owned(), place)], 0));
    assert_eq!(check(dir.path(), "good", &["--strict"]).1, 1);
    assert_eq!(check(dir.path(), "good", &["--rule", "PB007"]).0, []);
}
