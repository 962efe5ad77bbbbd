//! The rules of the layout, read from the source itself: who may import whom, where floats and columns may be, how
//! long a file may get, and that every format has its page.

use std::fs;
use std::path::{Path, PathBuf};

/// Layer of each module, lowest first. A module may import its own layer's earlier entries and every layer below.
const LAYERS: &[(&str, u32)] = &[
    ("money", 0),
    ("period", 0),
    ("vocabulary", 0),
    ("diagnostic", 0),
    ("error", 0),
    ("parallel", 0),
    ("inert", 0),
    ("invoice", 10),
    ("usage", 10),
    ("pricebook", 10),
    ("books", 10),
    ("columnar", 20),
    ("usage_table", 20),
    ("read", 20),
    ("collect", 20),
    ("rate", 30),
    ("contract", 31),
    ("reconcile", 31),
    ("causes", 32),
    ("review", 32),
    ("close", 33),
    ("fixes", 34),
    ("report", 40),
    ("render", 50),
    ("cli", 60),
];

/// Files that may go round a rule, each with its reason.
const MAY_USE_FLOATS: &[(&str, &str)] =
    &[("src/read/workbook.rs", "a workbook stores doubles; they become their shortest decimal text here")];

const LONGEST: usize = 500;

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("folder of the crate") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(Path::new("src"), &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| (path.display().to_string(), fs::read_to_string(path).expect("UTF-8 source")))
        .collect()
}

/// The lines of a file before its tests, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The words of a line of code.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|char: char| !char.is_alphanumeric() && char != '_')
}

fn layer(module: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// `crate::read::source` → `read`, for every such path in a line, braces of one level included.
fn imports(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split('}').next().unwrap_or("");
                found.extend(list.split(',').filter_map(|path| words(path.trim()).next()));
            }
            None => found.extend(words(rest).next()),
        }
    }
    found
}

fn allowed(list: &[(&str, &str)], file: &str) -> bool {
    list.iter().any(|(name, _)| *name == file)
}

fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn imports_point_downward() {
    let mut problems = Vec::new();
    for (file, text) in sources() {
        let module = file.strip_prefix("src/").unwrap().split(['/', '.']).next().unwrap();
        if ["lib", "main"].contains(&module) {
            continue;
        }
        let Some(own) = layer(module) else {
            problems.push(format!("{file}: module `{module}` has no layer in tests/architecture.rs"));
            continue;
        };
        for (line, text) in code(&text) {
            for import in imports(text) {
                let Some(other) = layer(import) else { continue };
                if other > own {
                    problems
                        .push(format!("{file}:{line}: `{module}` imports `{import}`, which lies above it"));
                }
                let may_render = other < 10 || text.contains("report::sheet") || import == "render";
                if module == "render" && !may_render {
                    problems.push(format!("{file}:{line}: a renderer knows only sheets, not `{import}`"));
                }
            }
        }
    }
    assert_none(problems);
}

#[test]
fn columns_have_one_door() {
    let mut problems = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| !file.starts_with("src/columnar")) {
        for (line, text) in code(&text) {
            if words(text).any(|word| matches!(word, "arrow_array" | "arrow_schema" | "parquet"))
                && (text.contains("parquet::") || text.contains("arrow_"))
            {
                problems.push(format!("{file}:{line}: arrow and parquet belong to src/columnar"));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn no_binary_float_near_money() {
    let mut problems = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| !allowed(MAY_USE_FLOATS, file)) {
        for (line, text) in code(&text) {
            if words(text).any(|word| matches!(word, "f32" | "f64" | "as_f64" | "to_f64")) {
                problems.push(format!(
                    "{file}:{line}: a binary float; money and quantities are integers or decimals"
                ));
            }
        }
    }
    assert_none(problems);
}

#[test]
fn files_stay_short_and_say_what_they_are_for() {
    let mut problems = Vec::new();
    for (file, text) in sources() {
        let lines = text.lines().count();
        if lines > LONGEST {
            problems.push(format!("{file}: {lines} lines, more than {LONGEST}; one idea a file"));
        }
        if !text.starts_with("//! ") {
            problems.push(format!("{file}: begin with `//!` and what the file is for"));
        }
    }
    assert_none(problems);
}

#[test]
fn only_the_edge_knows_the_clock_the_terminal_and_the_environment() {
    let mut problems = Vec::new();
    for (file, text) in sources().into_iter().filter(|(file, _)| !file.starts_with("src/cli/")) {
        for (line, text) in code(&text) {
            for word in ["Utc::now", "Local::now", "SystemTime", "env::var", "is_terminal", "terminal_size"] {
                if text.contains(word) {
                    problems.push(format!("{file}:{line}: `{word}` belongs to src/cli"));
                }
            }
        }
    }
    assert_none(problems);
}

#[test]
fn every_format_has_its_page_and_every_page_its_format() {
    let usage = llmfin::read::USAGE_FORMATS.iter().map(|format| format.id);
    let ids: Vec<&str> = usage.chain(llmfin::read::DOCUMENT_FORMATS.iter().map(|format| format.id)).collect();
    let pages: Vec<String> = fs::read_dir("docs/formats")
        .unwrap()
        .map(|page| fs::read_to_string(page.unwrap().path()).unwrap())
        .collect();
    let problems: Vec<String> = ids
        .iter()
        .filter(|id| llmfin::cli::pages::format(id).is_none())
        .map(|id| format!("no page in docs/formats names `{id}`"))
        .chain(
            pages
                .iter()
                .filter(|page| {
                    !page.contains("`mapped`") && !ids.iter().any(|id| page.contains(&format!("`{id}`")))
                })
                .map(|page| format!("a page describes no format: {}", page.lines().next().unwrap_or(""))),
        )
        .collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), ids.len(), "two formats share an id");
    assert_none(problems);
}
