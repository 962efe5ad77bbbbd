//! Files of the books by pattern: `logs/{month}/**/*.jsonl`. `*` and `?` stay inside a folder, `**` crosses folders.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::period::Month;

/// What a pattern found, in the order of the paths.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// Name relative to the books, with `/`, and where it is.
    pub files: Vec<(String, PathBuf)>,
    /// Hidden files, editor backups and links out of the books that matched and were left alone.
    pub ignored: Vec<String>,
}

/// Why a pattern cannot be used, or `None`.
pub fn problem(pattern: &str) -> Option<String> {
    if pattern.is_empty() {
        return Some("a path is missing".to_owned());
    }
    if pattern.starts_with('/') || pattern.contains('\\') || pattern.get(1..3) == Some(":/") {
        return Some(format!("`{pattern}` is not a path inside the books"));
    }
    if pattern.split('/').any(|part| part == "..") {
        return Some(format!("`{pattern}` leaves the books"));
    }
    let rest = pattern.replace("{month}", "");
    rest.contains(['{', '}']).then(|| format!("`{pattern}` has a placeholder other than `{{month}}`"))
}

/// The files below `root` that match any of `patterns`.
pub fn find(root: &Path, patterns: &[String], month: Option<Month>) -> Result<Found> {
    let patterns: Vec<Vec<Token>> = patterns
        .iter()
        .map(|pattern| match month {
            Some(month) => tokens(&pattern.replace("{month}", &month.to_string())),
            None => tokens(pattern),
        })
        .collect();
    let mut found = Found::default();
    let inside = root.canonicalize().map_err(|error| Error::io(root.display().to_string(), error))?;
    walk(&inside, &inside, "", &patterns, &mut found)?;
    Ok(found)
}

fn walk(root: &Path, folder: &Path, prefix: &str, patterns: &[Vec<Token>], found: &mut Found) -> Result<()> {
    let fail = |error| Error::io(folder.display().to_string(), error);
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder).and_then(Iterator::collect).map_err(fail)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        // A name that is not text cannot be written in a pattern either.
        let Some(file_name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let name = format!("{prefix}{file_name}");
        let path = entry.path();
        let hidden = file_name.starts_with('.');
        let kind = entry.file_type().map_err(fail)?;
        let linked = kind.is_symlink();
        // A link may lead out of the books; what it leads to decides.
        let outside = || !path.canonicalize().is_ok_and(|target| target.starts_with(root));
        if kind.is_dir() || (linked && path.is_dir()) {
            // A linked folder is not entered: it may be a loop, and its files are found where they are.
            if !hidden && !linked && patterns.iter().any(|pattern| enters(pattern, &format!("{name}/"))) {
                walk(root, &path, &format!("{name}/"), patterns, found)?;
            }
        } else if patterns.iter().any(|pattern| matches(pattern, &name)) {
            if hidden || is_backup(&file_name) || outside() {
                found.ignored.push(name);
            } else {
                found.files.push((name, path));
            }
        }
    }
    Ok(())
}

fn is_backup(name: &str) -> bool {
    name.ends_with('~')
        || name.starts_with('#')
        || [".swp", ".bak", ".tmp", ".part", ".crdownload"].iter().any(|end| name.ends_with(end))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    Any,
    /// `*`
    Run,
    /// `**`, with the `/` that follows it.
    Folders,
}

impl Token {
    const fn repeats(self) -> bool {
        matches!(self, Token::Run | Token::Folders)
    }
    const fn meets(self, other: Token) -> bool {
        match (self, other) {
            (Token::Folders, _) | (_, Token::Folders) => true,
            (Token::Char(left), Token::Char(right)) => left == right,
            (Token::Char('/'), _) | (_, Token::Char('/')) => false,
            _ => true,
        }
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.trim_start_matches("./");
    while let Some(char) = rest.chars().next() {
        let (token, width) = if rest.starts_with("**/") {
            (Token::Folders, 3)
        } else if rest.starts_with("**") {
            (Token::Folders, 2)
        } else {
            match char {
                '*' => (Token::Run, 1),
                '?' => (Token::Any, 1),
                char => (Token::Char(char), char.len_utf8()),
            }
        };
        tokens.push(token);
        rest = &rest[width..];
    }
    tokens
}

fn matches(pattern: &[Token], name: &str) -> bool {
    // The text before the first wildcard decides nearly always.
    let mut chars = name.chars();
    let plain = pattern.iter().take_while(|token| matches!(token, Token::Char(_)));
    if !plain.copied().all(|token| chars.next().map(Token::Char) == Some(token)) {
        return false;
    }
    let name: Vec<Token> = name.chars().map(Token::Char).collect();
    meet(pattern, &name, false)
}

/// True where a file inside the folder (`logs/`) could still match.
fn enters(pattern: &[Token], folder: &str) -> bool {
    let folder: Vec<Token> = folder.chars().map(Token::Char).collect();
    meet(pattern, &folder, true)
}

/// True where some path matches both patterns.
pub fn overlap(left: &str, right: &str) -> bool {
    meet(&tokens(left), &tokens(right), false)
}

/// Walks two patterns together: `reached[j]` tells that the part of `left` so far and `right[..j]` share a text.
/// With `prefix`, `left` may go on after `right` has ended.
fn meet(left: &[Token], right: &[Token], prefix: bool) -> bool {
    let mut reached = vec![false; right.len() + 1];
    reached[0] = true;
    for (index, token) in right.iter().enumerate() {
        reached[index + 1] = reached[index] && token.repeats();
    }
    for token in left {
        if prefix && reached[right.len()] {
            return true;
        }
        let mut next = vec![false; right.len() + 1];
        next[0] = reached[0] && token.repeats();
        for (index, other) in right.iter().enumerate() {
            let both = token.meets(*other);
            next[index + 1] = (reached[index] && both)
                || (token.repeats() && (reached[index + 1] || (next[index] && both)))
                || (other.repeats() && (next[index] || (reached[index + 1] && both)));
        }
        reached = next;
    }
    reached[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stay_in_their_folder() {
        let matches = |pattern: &str, name: &str| matches(&tokens(pattern), name);
        assert!(matches("logs/**", "logs/a/b.jsonl") && matches("logs/**", "logs/b.jsonl"));
        assert!(matches("logs/**/*.jsonl", "logs/b.jsonl") && matches("logs/**/*.jsonl", "logs/a/c/b.jsonl"));
        assert!(!matches("logs/*.jsonl", "logs/a/b.jsonl"));
        assert!(matches("logs/?.csv", "logs/a.csv") && !matches("logs/?.csv", "logs/ab.csv"));
        assert!(!matches("logs/*", "logs/a/b") && !matches("logs", "logs/a") && !matches("a.csv", "b.csv"));
    }

    #[test]
    fn folders_are_entered_only_where_a_file_could_match() {
        let enters = |pattern: &str, folder: &str| enters(&tokens(pattern), folder);
        assert!(enters("logs/2026-10/**", "logs/") && enters("logs/2026-10/**", "logs/2026-10/"));
        assert!(enters("logs/2026-10/**", "logs/2026-10/deep/") && enters("**/a.csv", "any/"));
        assert!(
            !enters("logs/2026-10/**", "invoices/") && !enters("logs/2026-10/*.csv", "logs/2026-10/deep/")
        );
    }

    #[test]
    fn patterns_overlap_where_one_path_fits_both() {
        assert!(overlap("logs/{month}/**", "logs/{month}/litellm/*.jsonl"));
        assert!(overlap("*/a.csv", "invoices/?.csv") && overlap("a*c", "ab*"));
        assert!(
            !overlap("logs/a/*", "logs/b/*") && !overlap("x/*.csv", "x/*.jsonl") && !overlap("x/*", "x/y/z")
        );
    }

    #[test]
    fn paths_that_leave_the_books_are_named() {
        for bad in ["/etc/passwd", "../other/x.csv", "logs/../../x", "C:/x.csv", "logs/{day}/x", ""] {
            assert!(problem(bad).is_some(), "{bad}");
        }
        assert_eq!(problem("logs/{month}/**"), None);
        assert_eq!(problem("logs/a..b.csv"), None);
    }

    #[test]
    fn hidden_backup_and_outside_files_are_ignored_and_named() {
        let books = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        let folder = books.path().join("logs/2026-10");
        fs::create_dir_all(&folder).unwrap();
        for name in ["b.jsonl", "a.jsonl", ".DS_Store", "a.jsonl~", "c.jsonl.swp"] {
            fs::write(folder.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink(outside.path(), folder.join("link.jsonl")).unwrap();
        std::os::unix::fs::symlink(folder.join("a.jsonl"), folder.join("same.jsonl")).unwrap();
        std::os::unix::fs::symlink(books.path(), folder.join("loop")).unwrap();
        let found = find(books.path(), &["logs/{month}/**".to_owned()], "2026-10".parse().ok()).unwrap();
        let names: Vec<&str> = found.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["logs/2026-10/a.jsonl", "logs/2026-10/b.jsonl", "logs/2026-10/same.jsonl"]);
        assert_eq!(found.ignored.len(), 4);
        assert_eq!(
            find(books.path(), &["logs/{month}/**".to_owned()], "2026-09".parse().ok()).unwrap().files,
            []
        );
    }
}
