//! What stops a run. What a user can fix is carried as diagnostics; the rest is the system's message with its path.

use crate::diagnostic::Diagnostic;

/// It ran and everything ties out or is explained.
pub const EXIT_CLEAN: u8 = 0;
/// It ran, and something is unexplained beyond the threshold, a check failed, or usage has no price.
pub const EXIT_FINDINGS: u8 = 1;
/// It could not run.
pub const EXIT_FAILED: u8 = 2;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Inputs that cannot be used; each diagnostic says where and what to do.
    #[error("{}", summary(.0))]
    Input(Vec<Diagnostic>),
    #[error("{path}: {source}")]
    Io { path: String, source: std::io::Error },
    /// A promise of this program broken: a sum that does not foot, an overflow.
    #[error("internal: {0}")]
    Internal(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn io(path: impl Into<String>, source: std::io::Error) -> Error {
        Error::Io { path: path.into(), source }
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Error {
        Error::Input(vec![diagnostic])
    }
}

impl From<Box<Diagnostic>> for Error {
    fn from(diagnostic: Box<Diagnostic>) -> Error {
        Error::from(*diagnostic)
    }
}

fn summary(diagnostics: &[Diagnostic]) -> String {
    match diagnostics {
        [] => "input cannot be used".to_owned(),
        [one] => one.message.clone(),
        [first, rest @ ..] => format!("{} (and {} more)", first.message, rest.len()),
    }
}
