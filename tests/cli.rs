//! The binary as people run it: the cases of `tests/cmd/`, and the reference pages, which must be what it really says.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_llmfin");

#[test]
fn transcripts() {
    trycmd::TestCases::new()
        .case("README.md")
        .case("docs/concepts/pricebook.md")
        .env("COLUMNS", "100")
        .case("tests/cmd/*.toml")
        .case("tests/cmd/*.trycmd")
        .case("tests/cmd/errors/*.trycmd")
        .run();
}

/// Compares a page of the documentation with what it should be; `LLMFIN_OVERWRITE=1 cargo test` writes it.
fn page(path: &str, wanted: &str) {
    let overwrite = std::env::var_os("LLMFIN_OVERWRITE").is_some();
    if overwrite {
        std::fs::create_dir_all(Path::new(path).parent().expect("folder")).expect("docs");
        std::fs::write(path, wanted).expect("page");
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(found == wanted, "{path} is out of date; run `LLMFIN_OVERWRITE=1 cargo test --test cli`");
}

fn help(arguments: &[&str]) -> String {
    let output = Command::new(BINARY)
        .args(arguments)
        .arg("--help")
        .env_clear()
        .env("COLUMNS", "100")
        .output()
        .expect("runs");
    assert!(output.status.success());
    String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
}

/// The commands that a help lists.
fn commands(help: &str) -> impl Iterator<Item = &str> {
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A line of its own is indented by two; the rest of a long description by more.
    let lines = lines.filter(|line| !line.starts_with("   "));
    lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help")
}

#[test]
fn the_command_reference_is_the_real_help() {
    let main = help(&[]);
    let mut text = format!(
        "# Command reference\n\nWritten by a test from the help of the program.\n\n```text\n{main}\n```\n"
    );
    for name in commands(&main) {
        let group = help(&[name]);
        write!(text, "\n## llmfin {name}\n\n```text\n{group}\n```\n").unwrap();
        for command in commands(&group) {
            write!(text, "\n### llmfin {name} {command}\n\n```text\n{}\n```\n", help(&[name, command]))
                .unwrap();
        }
    }
    page("docs/reference/cli.md", &text);
}

#[test]
fn the_example_of_the_books_page_is_the_tested_one() {
    let full = std::fs::read_to_string("fixtures/books/full/llmfin.toml").unwrap();
    let found = std::fs::read_to_string("docs/reference/books.md").unwrap();
    let (before, rest) = found.split_once("```toml\n").unwrap();
    let (_, after) = rest.split_once("```\n").unwrap();
    page("docs/reference/books.md", &format!("{before}```toml\n{full}```\n{after}"));
}

#[test]
fn the_examples_of_the_grains_page_are_tested_books() {
    let page = std::fs::read_to_string("docs/guide/invoice-grains.md").unwrap();
    let folders = std::fs::read_dir("tests/cmd/invoice-grains.in").unwrap();
    let books =
        folders.map(|folder| std::fs::read_to_string(folder.unwrap().path().join("llmfin.toml")).unwrap());
    let books: Vec<String> = books.collect();
    let examples: Vec<&str> =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), books.len());
    for example in examples {
        assert!(books.iter().any(|book| book.ends_with(example)), "no tested books end with:\n{example}");
    }
}

#[test]
fn the_version_is_told_without_books() {
    let output = Command::new(BINARY).arg("--version").current_dir(std::env::temp_dir()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("llmfin {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_piped_table_is_as_wide_as_a_mail_or_as_columns_says() {
    let widest = |columns: Option<&str>| {
        let mut command = Command::new(BINARY);
        command.arg("formats").env_remove("COLUMNS");
        let output = command.envs(columns.map(|columns| ("COLUMNS", columns))).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let table = text.lines().filter(|line| line.starts_with('─'));
        table.map(|line| line.chars().count()).max().unwrap_or(0)
    };
    assert!((90..=100).contains(&widest(None)), "{}", widest(None));
    assert!(widest(Some("80")) <= 80);
}

#[test]
fn the_list_of_causes_fits_the_screen() {
    let output = Command::new(BINARY).arg("explain").env("COLUMNS", "100").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    let listed = |id| text.lines().filter(|line| line.split(' ').next() == Some(id)).count();
    for cause in llmfin::causes::catalogue::CAUSES {
        assert_eq!(listed(cause.id), 1, "{}", cause.id);
    }
}

#[cfg(unix)]
#[test]
fn a_reader_that_stops_early_is_no_error() {
    let mut child = Command::new(BINARY)
        .args(["schema", "books"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
}

#[test]
fn the_table_of_causes_is_the_catalogue() {
    use llmfin::causes::catalogue::{CAUSES, GROUPS, in_group};
    let detected = CAUSES.iter().filter(|cause| cause.is_detected()).count();
    let mut text = format!(
        "# Causes\n\nWritten by a test from the catalogue. {} causes are known why log and bill differ, each with a\n\
         page; {detected} causes are detected. `llmfin explain` lists them, `llmfin explain rate.stale` prints a page.\n\n",
        CAUSES.len()
    );
    for sentence in llmfin::report::causes::legend() {
        writeln!(text, "- {sentence}").unwrap();
    }
    for (group, about) in GROUPS {
        let about = format!("{}{}", about[..1].to_uppercase(), &about[1..]);
        writeln!(
            text,
            "\n## {group}: {about}\n\n| cause | what it is | proof | bill | found |\n|---|---|---|---|---|"
        )
        .unwrap();
        for cause in in_group(group) {
            let (id, title, found) =
                (cause.id, cause.title(), if cause.is_detected() { "yes" } else { "no" });
            let (proof, bill) = (cause.evidence.id(), cause.grain.id());
            writeln!(text, "| [{id}](../causes/{id}.md) | {title} | {proof} | {bill} | {found} |").unwrap();
        }
    }
    page("docs/concepts/causes.md", &text);
}

#[test]
fn the_readme_counts_the_causes_right() {
    let detected = llmfin::causes::catalogue::CAUSES.iter().filter(|cause| !cause.family.is_empty()).count();
    for page in ["README.md", "CHANGELOG.md"] {
        let text = std::fs::read_to_string(page).unwrap();
        assert!(text.contains(&format!("{detected} causes are detected")), "{page}: it is {detected}");
    }
}
