//! Are these the columns of the usage table? A misspelt meter would lose its tokens, so it stops the run.

use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{Error, Result};
use crate::usage_table::Column;

/// Notes about columns that are not read; an error where a column is missing, doubled or misspelt.
pub fn check(names: &[String], schema: &[Column], origin: &Origin) -> Result<Vec<Diagnostic>> {
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    let error = |code, message: String| Diagnostic::error(code, origin.clone(), message);
    let (mut errors, mut notes) = (Vec::new(), Vec::new());
    for column in schema.iter().filter(|column| column.required && !has(&column.name)) {
        errors.push(
            error("missing-column", format!("missing column `{}`", column.name))
                .help(format!("add `{}`: {}", column.name, column.meaning)),
        );
    }
    let absent: Vec<&str> =
        schema.iter().map(|column| column.name.as_str()).filter(|name| !has(name)).collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].iter().any(|earlier| earlier.eq_ignore_ascii_case(name)) {
            errors.push(
                error("duplicate-column", format!("column `{name}` occurs twice"))
                    .help("leave out the one that does not belong"),
            );
        } else if !schema.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
            let lower = name.to_ascii_lowercase();
            let similar = || nearest(&lower, absent.iter().copied());
            match (!lower.starts_with("x_")).then(similar).flatten() {
                Some(meant) => errors.push(
                    error("unknown-column", format!("unknown column `{name}`"))
                        .help(format!("did you mean `{meant}`? start other columns with `x_`")),
                ),
                None if !lower.starts_with("x_") && counts_something(&lower) => errors.push(
                    error("unknown-column", format!("column `{name}` would not be counted"))
                        .help(rename(&lower)),
                ),
                None => notes.push(Diagnostic::note(
                    "unknown-columns",
                    origin.clone(),
                    format!("column `{name}` is not part of the usage table and is not read"),
                )),
            }
        }
    }
    if errors.is_empty() { Ok(notes) } else { Err(Error::Input(errors)) }
}

/// Names of counts and costs in other tables, with the column that holds them here; the first that a name contains.
const MEANT: &[(&str, &str)] = &[
    ("cache_creation", "cache_write_5m` or `cache_write_1h"),
    ("cache_write", "cache_write_other"),
    ("cache_read", "cache_read"),
    ("cached", "cache_read"),
    ("reasoning_token", "output_reasoning"),
    ("thinking_token", "output_reasoning"),
    ("output_token", "output"),
    ("completion_token", "output"),
    ("tokens_completion", "output"),
    ("input_token", "input"),
    ("prompt_token", "input"),
    ("tokens_prompt", "input"),
    ("cost", "logged_cost"),
    ("spend", "logged_cost"),
];

fn counts_something(lower: &str) -> bool {
    lower.contains("token") || MEANT.iter().any(|(part, _)| lower.contains(part))
}

fn rename(lower: &str) -> String {
    let leave = format!("or `x_{lower}` to leave it out");
    match MEANT.iter().find(|(part, _)| lower.contains(part)) {
        // The parts of a row add up: what the prompt counter holds beside the input must not count twice.
        Some((_, "input")) => {
            format!(
                "name it `input`, less the tokens read from or written to a cache if it holds them, {leave}"
            )
        }
        Some((_, column)) => format!("name it `{column}`, {leave}"),
        None => format!("name the column of the usage table that it is, {leave}"),
    }
}
