//! What people are shown of one finding: both halves of what moved, what separates its rivals, and lines that tell findings
//! apart.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files should stop there")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// What a story's own command prints, with `first` instead of `reconcile`.
fn shown(story: &str, first: &str) -> String {
    let folder = Path::new("fixtures/stories").join(story);
    let page = fs::read_to_string(folder.join("README.md")).unwrap();
    let command = page.lines().find_map(|line| line.strip_prefix("command: reconcile ")).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_llmfin"));
    program.args(first.split(' ')).args(command.split_whitespace());
    let output = program.current_dir(folder).env_remove("LLMFIN_DIR").output().unwrap();
    String::from_utf8(output.stdout).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_moved_model_is_worked_out_on_both_sides() {
    let text = shown("map.alias_repointed", "explain --finding F1");
    assert!(text.contains("The largest of them worked out: "), "{text}");
    assert!(text.contains("Its other half: "), "{text}");
    // A price has one side only.
    let text = shown("rate.stale", "explain --finding F1");
    assert!(text.contains("The largest of them worked out: ") && !text.contains("Its other half"), "{text}");
}

#[test]
fn rivals_come_with_what_separates_them() {
    let text = shown("qty.dropped_rows-counted", "explain --finding F1 -O md");
    assert!(text.contains("the keys. Lost rows belong to known keys, bypass traffic has others."), "{text}");
}

#[test]
fn findings_that_would_read_alike_say_their_meters() {
    let text = shown("cls.modality", "reconcile -O md");
    assert!(text.contains(", input") && text.contains(", output"), "{text}");
}
