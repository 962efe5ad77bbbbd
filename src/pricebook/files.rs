//! The files a book is made of: those inside the program, a folder's, a folder's at a git revision, and contracts.
//! Nothing is understood here; every other part reads a book from the same list of named texts.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::ledger;
use super::row::Layer;
use super::text::Text;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};

macro_rules! shipped {
    ($($name:literal),+ $(,)?) => {
        /// The shipped book, file by file, so that the program alone is enough.
        const SHIPPED: &[(&str, &str)] =
            &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/pricebooks/", $name)))),+];
    };
}
shipped![
    "book.toml",
    "models.toml",
    "modifiers.toml",
    "prices/anthropic.csv",
    "prices/aws-bedrock.csv",
    "prices/azure-openai.csv",
    "prices/cohere.csv",
    "prices/deepseek.csv",
    "prices/fireworks.csv",
    "prices/google-gemini-api.csv",
    "prices/google-vertex.csv",
    "prices/groq.csv",
    "prices/mistral.csv",
    "prices/openai.csv",
    "prices/openrouter.csv",
    "prices/perplexity.csv",
    "prices/together.csv",
    "prices/xai.csv",
    "schedules.toml",
    "sources.toml",
];

/// Files of a book beside its ledgers.
const RULES: [&str; 5] = ["book.toml", "models.toml", "modifiers.toml", "schedules.toml", "sources.toml"];

/// One file of one layer.
#[derive(Debug, Clone)]
pub struct BookFile {
    pub layer: Layer,
    /// The path inside the book: `prices/openai.csv`.
    pub name: String,
    /// What messages print.
    pub shown: String,
    pub content: Cow<'static, str>,
}

impl BookFile {
    /// The seller whose ledger the file is.
    pub fn ledger(&self) -> Option<&str> {
        self.name.strip_prefix("prices/")?.strip_suffix(".csv")
    }

    /// An error about bytes of the file, as counted behind a byte order mark, with its line shown and marked.
    pub fn error(&self, code: &'static str, range: Range<usize>, message: impl Into<String>) -> Diagnostic {
        self.text().error(code, range, message)
    }

    /// The text behind a byte order mark.
    pub fn body(&self) -> &str {
        self.content.strip_prefix('\u{feff}').unwrap_or(&self.content)
    }

    /// Bytes of one cell of a ledger's line; of its first one where the ledger has no such column.
    pub fn cell(&self, line: u64, column: &str) -> Range<usize> {
        let body = self.body();
        let header = body.lines().next().unwrap_or("");
        let index = header.split(',').position(|name| name == column).unwrap_or(0);
        let start = match line {
            0 | 1 => 0,
            _ => body.match_indices('\n').nth(line as usize - 2).map_or(body.len(), |(at, _)| at + 1),
        };
        ledger::cell_range(body, start, index)
    }

    pub(super) fn text(&self) -> Text<'_> {
        Text::new(&self.shown, self.body())
    }
}

/// What a folder was before it was there: no rows and no rules, over what its `book.toml` says.
pub fn nothing_of(own: &[BookFile]) -> Vec<BookFile> {
    own.iter().filter(|file| file.name == "book.toml").cloned().collect()
}

/// The book inside the program.
pub fn shipped() -> Vec<BookFile> {
    SHIPPED
        .iter()
        .map(|(name, content)| BookFile {
            layer: Layer::Shipped,
            name: (*name).to_owned(),
            shown: (*name).to_owned(),
            content: Cow::Borrowed(content),
        })
        .collect()
}

/// The files of a folder, as a layer over the shipped book.
pub fn folder(folder: &Path) -> Result<Vec<BookFile>> {
    let mut names: Vec<String> =
        RULES.iter().map(|name| (*name).to_owned()).filter(|name| folder.join(name).is_file()).collect();
    let prices = folder.join("prices");
    if prices.is_dir() {
        names.extend(files_in(&prices, "csv")?.into_iter().map(|name| format!("prices/{name}")));
    }
    if names.is_empty() {
        return Err(no_book(folder.display().to_string(), &prices));
    }
    names
        .into_iter()
        .map(|name| {
            let path = folder.join(&name);
            Ok(BookFile {
                layer: Layer::Overlay,
                shown: path.display().to_string(),
                content: read(&path)?,
                name,
            })
        })
        .collect()
}

/// The same folder as it was at a revision of the git repository it lies in; no files where it held no book then.
pub fn at_revision(folder: &Path, revision: &str) -> Result<Vec<BookFile>> {
    let shown = |name: &str| format!("{revision}:{}", folder.join(name).display());
    // A revision that starts with a dash would be an option of git's.
    if revision.starts_with('-') {
        return Err(not_a_revision(revision, "it starts with a dash"));
    }
    let listing = git(folder, &["ls-tree", "-r", "-z", "--name-only", revision, "--", "."], revision)?;
    let listing = String::from_utf8_lossy(&listing);
    let names = listing.split('\0').filter(|name| {
        RULES.contains(name)
            || name.strip_prefix("prices/").is_some_and(|rest| rest.ends_with(".csv") && !rest.contains('/'))
    });
    let mut files = Vec::new();
    for name in names {
        let bytes = git(folder, &["show", &format!("{revision}:./{name}")], revision)?;
        let content = Cow::Owned(utf8(bytes, &shown(name))?);
        files.push(BookFile { layer: Layer::Overlay, name: name.to_owned(), shown: shown(name), content });
    }
    Ok(files)
}

fn git(folder: &Path, arguments: &[&str], revision: &str) -> Result<Vec<u8>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .output()
        .map_err(|error| Error::io("git", error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(not_a_revision(revision, said.lines().next().unwrap_or("git failed")))
}

fn not_a_revision(revision: &str, why: &str) -> Error {
    let message = format!("is no revision that can be read: {why}");
    Diagnostic::error("pricebook-revision", Origin::file(revision), message)
        .help("name a commit, tag or branch of the repository the book lies in: `origin/main`")
        .into()
}

fn no_book(shown: String, prices: &Path) -> Error {
    Diagnostic::error("pricebook-folder", Origin::file(shown), "holds no price book")
        .help(format!("put ledgers at {}/<seller>.csv", prices.display()))
        .into()
}

/// Lines of files, by the name messages print.
pub(super) type Lines = BTreeSet<(Arc<str>, u64)>;

/// Hash over layer, path and content of every file, by layer and path, so that it does not depend on the machine;
/// `without` the lines that were not known yet.
pub(super) fn hash<'f>(files: impl Iterator<Item = &'f BookFile>, without: &Lines) -> String {
    let mut files: Vec<(Layer, &str, Cow<str>)> =
        files.map(|file| (file.layer, file.name.as_str(), known(file, without))).collect();
    files.sort_unstable();
    let mut hasher = Sha256::new();
    for (layer, name, content) in files {
        hasher.update(format!("{layer:?}\0{name}\0{}\0", content.len()));
        hasher.update(&*content);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn known<'f>(file: &'f BookFile, without: &Lines) -> Cow<'f, str> {
    let shown: Arc<str> = file.shown.as_str().into();
    if !without.iter().any(|(name, _)| *name == shown) {
        return Cow::Borrowed(&file.content);
    }
    let lines = file.content.split_inclusive('\n').zip(1..);
    lines.filter(|(_, line)| !without.contains(&(shown.clone(), *line))).map(|(text, _)| text).collect()
}

/// A contract file, or every one of a folder.
pub fn contracts(path: &Path) -> Result<Vec<BookFile>> {
    let paths: Vec<PathBuf> = if path.is_dir() {
        files_in(path, "toml")?.into_iter().map(|name| path.join(name)).collect()
    } else {
        vec![path.to_owned()]
    };
    paths
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let name = format!("contracts/{name}");
            let shown = path.display().to_string();
            Ok(BookFile { layer: Layer::Overlay, name, shown, content: read(&path)? })
        })
        .collect()
}

/// Names of the files with an extension, sorted.
fn files_in(folder: &Path, extension: &str) -> Result<Vec<String>> {
    let failed = |error| Error::io(folder.display().to_string(), error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file()
            && path.extension().is_some_and(|found| found == extension)
            && let Some(name) = path.file_name().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn read(path: &Path) -> Result<Cow<'static, str>> {
    let shown = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Error::io(shown.clone(), error))?;
    utf8(bytes, &shown).map(Cow::Owned)
}

fn utf8(bytes: Vec<u8>, shown: &str) -> Result<String> {
    String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
        let origin = Origin::new(shown.to_owned(), line, 0);
        Diagnostic::error("PB030", origin, "the line is not UTF-8 text")
            .help(format!("save it again as UTF-8: iconv -f WINDOWS-1252 -t UTF-8 {shown}"))
            .into()
    })
}
