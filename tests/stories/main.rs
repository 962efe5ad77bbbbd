//! Stories: a small month for each cause, with the dollars worked out by hand in its README.
//!
//! Three things are checked of each: its arithmetic is right, every expected dollar is a result of that arithmetic, and
//! the real program says exactly that. A story that is not explained yet states what is left and is `wanted`.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its stories should stop there")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use llmfin::causes::catalogue::CAUSES;
use llmfin::money::Money;
use serde_json::Value;

mod arithmetic;
mod expected;

use expected::{Claim, Expected};

const STORIES: &str = "fixtures/stories";

fn names() -> BTreeSet<String> {
    let entries = fs::read_dir(STORIES).unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

fn expected(name: &str) -> Expected {
    Expected::read(name, &fs::read_to_string(Path::new(STORIES).join(name).join("README.md")).unwrap())
}

/// Books keep a cache beside them, so a story runs in a copy of its folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What the story's last command says.
fn document(name: &str, expected: &Expected) -> Value {
    let folder = tempfile::tempdir().unwrap();
    copy(&Path::new(STORIES).join(name), folder.path());
    let run = |arguments: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llmfin"));
        command.args(arguments.split_whitespace()).current_dir(folder.path());
        let output = command.env_remove("LLMFIN_DIR").output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{name}: {errors}");
        output.stdout
    };
    expected.before.iter().for_each(|command| drop(run(command)));
    let answer = run(&format!("{} -O json", expected.command));
    serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn money(value: &Value) -> Money {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn found(document: &Value, bridge: &str) -> Vec<Claim> {
    let words = |value: &Value| -> BTreeSet<String> {
        list(value).iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    list(&document["findings"])
        .iter()
        .filter(|finding| finding["bridge"] == bridge)
        .map(|finding| Claim {
            cause: finding["cause"].as_str().unwrap().to_owned(),
            amount: money(&finding["amount"]),
            status: finding["status"].as_str().unwrap().to_owned(),
            rivals: words(&finding["rivals"]),
        })
        .collect()
}

/// Cells and charges whose parts do not add up.
fn sums(document: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let parts =
        |cell: &Value, name: &str| list(&cell[name]).iter().map(|part| money(&part["amount"])).sum::<Money>();
    let mut delta = Money::ZERO;
    for cell in list(&document["cells"]) {
        let of = |name: &str| money(&cell[name]);
        delta += of("delta");
        let first = of("logged") + parts(cell, "logged_findings") + of("logged_unexplained");
        let second = of("priced") + parts(cell, "findings") + of("unexplained");
        if first != of("priced") || second != of("billed") {
            wrong.push(format!("the cell of {} on {} does not add up", cell["model"], cell["day"]));
        }
    }
    delta += list(&document["charges"]).iter().map(|charge| money(&charge["amount"])).sum::<Money>();
    if delta != money(&document["totals"]["delta"]) {
        wrong.push(format!("cells and charges come to {delta}"));
    }
    wrong
}

/// Everything that is not as the story says.
fn differences(document: &Value, expected: &Expected) -> Vec<String> {
    let mut wrong = Vec::new();
    let totals = &document["totals"];
    for (name, amount) in &expected.totals {
        let got = money(&totals[name.as_str()]);
        if got != *amount {
            wrong.push(format!("{name} is {got}, not {amount}"));
        }
    }
    let mut found_all: BTreeMap<&str, Vec<Claim>> = BTreeMap::new();
    for bridge in ["logged-priced", "priced-billed"] {
        found_all.insert(bridge, found(document, bridge));
    }
    let sum = |bridge: &str| found_all[bridge].iter().map(|claim| claim.amount).sum::<Money>();
    let bridges = [
        ("logged", "priced", sum("logged-priced"), "logged_unexplained"),
        ("priced", "billed", sum("priced-billed"), "unexplained"),
    ];
    for (from, to, causes, rest) in bridges {
        if money(&totals[from]) + causes + money(&totals[rest]) != money(&totals[to]) {
            wrong.push(format!("{from} + {causes} of causes + {rest} is not {to}"));
        }
    }
    wrong.extend(sums(document));
    let mut memos: Vec<Money> = list(&document["memos"]).iter().map(|memo| money(&memo["amount"])).collect();
    let mut wanted = expected.memos.clone();
    memos.sort();
    wanted.sort();
    if memos != wanted {
        wrong.push(format!("memos are {memos:?}, not {wanted:?}"));
    }
    let bound = money(&totals["rounding_bound"]);
    for (bridge, mut claims) in found_all {
        for wanted in expected.claims.get(bridge).map_or(&[][..], Vec::as_slice) {
            match claims.iter().position(|claim| wanted.is_met_by(claim)) {
                Some(index) => drop(claims.remove(index)),
                None => wrong.push(format!("{bridge}: not found: {wanted}")),
            }
        }
        let extra = claims.iter().filter(|claim| claim.cause != "round.line" || claim.amount.abs() > bound);
        wrong.extend(extra.map(|claim| format!("{bridge}: not in the story: {claim}")));
    }
    wrong
}

#[test]
fn the_arithmetic_of_every_story_is_right_and_gives_its_dollars() {
    let mut wrong = Vec::new();
    for name in names() {
        let expected = expected(&name);
        let results = arithmetic::results(&expected.arithmetic).unwrap_or_else(|error| {
            wrong.push(format!("{name}: {error}"));
            BTreeSet::new()
        });
        let unfounded = expected.dollars().into_iter().filter(|amount| !results.contains(&amount.abs()));
        wrong.extend(unfounded.map(|amount| format!("{name}: no line gives {amount}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_story_is_told_to_the_last_cent() {
    let (waiting, wrong) = (Mutex::new(names()), Mutex::new(BTreeMap::new()));
    let work = || {
        loop {
            let Some(name) = waiting.lock().unwrap().pop_first() else { return };
            let expected = expected(&name);
            let differences = differences(&document(&name, &expected), &expected);
            if !differences.is_empty() {
                wrong.lock().unwrap().insert(name, differences.join("\n    "));
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let wrong = wrong.into_inner().unwrap();
    let lines: Vec<String> = wrong.into_iter().map(|(name, what)| format!("{name}\n    {what}")).collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn every_cause_that_is_detected_has_a_story() {
    let (mut told, mut wanted) = (BTreeSet::new(), BTreeMap::new());
    for name in names() {
        let expected = expected(&name);
        let claims = expected.claims.values().flatten();
        let causes: BTreeSet<String> = claims.map(|claim| claim.cause.clone()).collect();
        let about = name.split('-').next().unwrap().to_owned();
        let missing: BTreeSet<String> = expected.wanted.iter().map(|claim| claim.cause.clone()).collect();
        let named = [&causes, &missing, &expected.lookalikes];
        assert!(named.iter().any(|causes| causes.contains(&about)), "{name} is not about its own cause");
        told.extend(causes);
        told.extend(missing.iter().cloned());
        if !missing.is_empty() {
            wanted.insert(name, missing);
        }
    }
    eprintln!("{} stories, {} of them wanted:", names().len(), wanted.len());
    for (name, causes) in &wanted {
        eprintln!("    {name}: {}", causes.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    let detected = CAUSES.iter().filter(|cause| !cause.family.is_empty());
    let untold: Vec<&str> = detected.map(|cause| cause.id).filter(|id| !told.contains(*id)).collect();
    assert!(untold.is_empty(), "no story for {untold:?}");
}
