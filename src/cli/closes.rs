//! Packs of earlier closes, as they lie in the books: which months there are, and any file of the newest version.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::close::history::PastClose;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::period::Month;

/// Months with a close in the books.
pub fn months(books: &Path) -> BTreeSet<Month> {
    let closes = books.join("closes");
    let months = names(&closes).into_iter().filter(|name| newest(&closes.join(name)).is_some());
    months.filter_map(|name| name.parse().ok()).collect()
}

/// A JSON file of the newest pack of a month, where there is one.
pub fn read<T: for<'de> Deserialize<'de>>(books: &Path, month: Month, name: &str) -> Result<Option<T>> {
    let Some(folder) = newest(&books.join("closes").join(month.to_string())) else { return Ok(None) };
    let path = folder.join(name);
    let shown = path.display().to_string();
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| Error::io(shown.clone(), error))?,
    };
    let read = serde_json::from_slice(&bytes).map(Some);
    read.map_err(|error| {
        let diagnostic =
            Diagnostic::error("damaged-pack", Origin::file(shown), format!("cannot be read: {error}"));
        diagnostic.help("put the pack back as it was written; its manifest has the hash of every file").into()
    })
}

/// The closes before a month, oldest first, and what is said of packs that cannot be read.
pub fn before(books: &Path, month: Month) -> Result<(Vec<PastClose>, Vec<Diagnostic>)> {
    let earlier = months(books).into_iter().filter(|past| *past < month);
    let (mut closes, mut damaged) = (Vec::new(), Vec::new());
    for past in earlier {
        match read::<PastClose>(books, past, "reconciliation.json") {
            Ok(close) => closes.extend(close),
            Err(error) => damaged.extend(without(error)?),
        }
    }
    Ok((closes, damaged))
}

/// A damaged pack of an earlier month is no reason to stop another month: what it would have said is missing.
pub fn without(error: Error) -> Result<Vec<Diagnostic>> {
    match error {
        Error::Input(problems) => Ok(problems
            .into_iter()
            .map(|problem| {
                let message = format!("{}: its month is left out of the history", problem.message);
                let warning = Diagnostic::warning(problem.code, problem.origin, message);
                problem.help.into_iter().fold(warning, Diagnostic::help)
            })
            .collect()),
        error => Err(error),
    }
}

/// `v2` of `v1` and `v2`.
fn newest(folder: &Path) -> Option<PathBuf> {
    let versions = names(folder).into_iter();
    let versions = versions.filter_map(|name| name.strip_prefix('v')?.parse::<u32>().ok());
    versions.max().map(|version| folder.join(format!("v{version}")))
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
