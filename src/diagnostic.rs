//! Where something was read, and what is wrong with it. Diagnostics are collected, never first-fail.

use std::fmt;

use serde::Serialize;

/// A place in an input file. `line` and `column` count from 1; 0 means the file as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Origin {
    pub file: std::sync::Arc<str>,
    pub line: u64,
    pub column: u32,
}

impl Origin {
    pub fn new(file: impl Into<std::sync::Arc<str>>, line: u64, column: u32) -> Origin {
        Origin { file: file.into(), line, column }
    }
    pub fn file(file: impl Into<std::sync::Arc<str>>) -> Origin {
        Origin::new(file, 0, 0)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Error,
    Warning,
    Note,
}

impl Level {
    pub const fn id(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// One thing a person should know, with the line it is about and a remedy that can be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub level: Level,
    /// Stable id in kebab case: `unknown-model`, `truncated-gzip`.
    pub code: &'static str,
    /// Lower case, no full stop, values in backticks.
    pub message: String,
    pub origin: Origin,
    /// The offending line, at most 200 characters, never prompt or completion text.
    pub excerpt: Option<String>,
    /// Characters of the excerpt to mark.
    pub span: Option<(usize, usize)>,
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn new(level: Level, code: &'static str, origin: Origin, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level, code, message: message.into(), origin, excerpt: None, span: None, help: None }
    }
    pub fn error(code: &'static str, origin: Origin, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Level::Error, code, origin, message)
    }
    pub fn warning(code: &'static str, origin: Origin, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Level::Warning, code, origin, message)
    }
    pub fn note(code: &'static str, origin: Origin, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Level::Note, code, origin, message)
    }
    /// The message after its place, where it has one.
    pub fn placed(&self) -> String {
        if self.origin.file.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.origin, self.message)
        }
    }
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }
    /// Shows `line` with `span` (character positions, end exclusive) marked.
    pub fn excerpt(mut self, line: impl Into<String>, span: Option<(usize, usize)>) -> Diagnostic {
        self.excerpt = Some(line.into());
        self.span = span;
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.level.id(), self.placed())
    }
}

/// The known word that `text` most likely misspells.
pub fn nearest<'a>(text: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase();
    let (distance, word) = known
        .map(|word| (strsim::osa_distance(&lower, &word.to_lowercase()), word))
        .min_by_key(|pair| pair.0)?;
    (distance <= (lower.chars().count() / 3).max(1)).then_some(word)
}
