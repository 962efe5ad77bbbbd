//! A file of the book as text, able to point at any byte of itself.

use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Origin, nearest};

/// Characters of a line that a diagnostic shows.
const EXCERPT: usize = 200;

/// A file's name, as messages show it, and its content.
#[derive(Debug, Clone)]
pub(super) struct Text<'a> {
    pub name: Arc<str>,
    pub content: &'a str,
}

impl<'a> Text<'a> {
    pub fn new(name: &str, content: &'a str) -> Text<'a> {
        Text { name: name.into(), content }
    }

    /// An error about `range` of the content, with its line shown and marked.
    pub fn error(&self, code: &'static str, range: Range<usize>, message: impl Into<String>) -> Diagnostic {
        let start = range.start.min(self.content.len());
        let (before, after) = self.content.split_at_checked(start).unwrap_or((self.content, ""));
        let line_start = before.rfind('\n').map_or(0, |index| index + 1);
        let line = before.matches('\n').count() + 1;
        let column = self.content[line_start..start].chars().count();
        let rest = after.find('\n').map_or(after.len(), |index| index);
        let whole = self.content[line_start..start + rest].trim_end_matches('\r');
        let marked =
            self.content.get(range).map_or(0, |text| text.lines().next().unwrap_or("").chars().count());
        let excerpt: String = whole.chars().take(EXCERPT).collect();
        let span = (column < EXCERPT).then_some((column, (column + marked.max(1)).min(EXCERPT)));
        Diagnostic::error(code, Origin::new(self.name.clone(), line as u64, column as u32 + 1), message)
            .excerpt(excerpt, span)
    }

    /// Reads TOML into `T`; what does not fit is one located problem.
    pub fn toml<T: serde::de::DeserializeOwned>(&self, problems: &mut Vec<Diagnostic>) -> Option<T> {
        toml::from_str(self.content)
            .map_err(|error| {
                let range = error.span().unwrap_or(0..0);
                let message = error.message().replace('\n', " ");
                let found = self.error("PB030", range.clone(), "a merge conflict was left in the file");
                if found.excerpt.as_deref().is_some_and(is_conflict) {
                    return problems.push(found.help(CONFLICT_HELP));
                }
                let help = match message.strip_prefix("missing field ") {
                    Some(field) => format!("add {field} to this table"),
                    None => "correct what is marked; the files in `pricebooks/` show the form".to_owned(),
                };
                let code = if message.starts_with("unknown ") { "PB001" } else { "PB030" };
                problems.push(self.error(code, range, message).help(help));
            })
            .ok()
    }
}

pub(super) const CONFLICT_HELP: &str = "keep the lines of both sides, and drop the markers";

/// True for the lines that git writes between two sides of a merge.
pub(super) fn is_conflict(line: &str) -> bool {
    ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().any(|marker| line.starts_with(marker))
}

/// ``did you mean `input`?`` where a word is close; otherwise the words themselves.
pub(super) fn suggest<'w>(wrong: &str, words: impl Iterator<Item = &'w str> + Clone) -> String {
    match nearest(wrong, words.clone()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => {
            let words: Vec<&str> = words.take(30).collect();
            format!("one of {}", words.join(", "))
        }
    }
}
