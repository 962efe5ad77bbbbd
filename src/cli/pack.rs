//! The close pack: a folder of plain files, hashed in a manifest, the same bytes for the same inputs.
//!
//! Written beside its place under a temporary name and renamed, so a killed run leaves the former pack.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::reconcile;
use super::ui::unwritable;
use crate::close::document::Reconciliation;
use crate::error::{Error, Result};
use crate::period::Month;
use crate::render::{self, OutputFormat};
use crate::report::{REPORTS, story};

/// How the name of a pack that is being written starts.
const WRITING: &str = ".writing-";
/// Version of the manifest's shape.
const MANIFEST: &str = "llmfin/manifest/1";

fn folder(books: &Path, month: Month) -> PathBuf {
    books.join("closes").join(month.to_string()).join("v1")
}

/// Puts right what a killed run left of a month's pack.
pub fn restore(books: &Path, month: Month) -> Result<()> {
    let folder = folder(books, month);
    match folder.parent() {
        Some(parent) if parent.is_dir() => recover(&folder).map_err(|error| unwritable(&folder, &error)),
        _ => Ok(()),
    }
}

/// Writes `closes/MONTH/v1/` and returns its path.
pub fn write(books: &Path, month: Month, document: &Reconciliation, books_sha256: &str) -> Result<PathBuf> {
    let mut files: Vec<(String, String)> = vec![("00-summary.md".to_owned(), summary(document)?)];
    for report in REPORTS {
        let text = render::render(&[(report.build)(document)], OutputFormat::Csv, None)?;
        files.push((format!("{}.csv", report.name), text));
    }
    files.push(("reconciliation.json".to_owned(), reconcile::json(document)?));
    let previous = folder(books, month.previous()).join("manifest.json");
    let previous = fs::read(previous).ok().map(|bytes| sha256(&bytes));
    files.push(("manifest.json".to_owned(), manifest(month, document, books_sha256, previous, &files)?));
    let folder = folder(books, month);
    put(&folder, &files).map_err(|error| unwritable(&folder, &error))?;
    Ok(folder)
}

/// One page: the story, and how its figures lead to the schedules.
fn summary(document: &Reconciliation) -> Result<String> {
    let sheets = story::build(document);
    let mut text = format!("# Close {}: draft\n\n", document.month);
    text.push_str(&render::render(&sheets, OutputFormat::Markdown, None)?);
    text.push_str(&format!(
        "\nCurrency {}, accounting zone {}, price book `{}` as known at {} (SHA-256 {}).\n",
        document.currency,
        document.timezone,
        document.pricebook.name,
        document.pricebook.known_at.map_or_else(String::new, |day| day.to_string()),
        document.pricebook.sha256
    ));
    for accepted in document.diagnostics.iter().filter(|said| said.code == "pricebook-errors") {
        text.push_str(&format!("\nWarning: {}: {}.\n", accepted.origin, accepted.message));
    }
    text.push_str(
        "\nEvery figure leads to input rows in three joins at most: this page to `03-variance-waterfall.csv` by finding, \
         from there to `03-variance.csv` by finding and group, and to the files by the evidence in `reconciliation.json`.\n",
    );
    Ok(text)
}

/// What was read, by which rules, and what was written: names, sizes and hashes, in a fixed order, chained to the
/// month before where it was closed in the same books.
fn manifest(
    month: Month,
    document: &Reconciliation,
    books_sha256: &str,
    previous: Option<String>,
    files: &[(String, String)],
) -> Result<String> {
    let outputs: Vec<_> = files
        .iter()
        .map(|(name, text)| json!({ "path": name, "bytes": text.len(), "sha256": sha256(text.as_bytes()) }))
        .collect();
    let value = json!({
        "schema": MANIFEST,
        "month": month.to_string(),
        "state": "draft",
        "version": 1,
        "tool": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
        "parameters": {
            "currency": document.currency,
            "timezone": document.timezone,
            "pricebook": document.pricebook,
            "books_sha256": books_sha256,
        },
        "totals": document.totals,
        "inputs": document.inputs,
        "outputs": outputs,
        "previous_manifest_sha256": previous,
    });
    let mut text =
        serde_json::to_string_pretty(&value).map_err(|error| Error::Internal(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where the former pack stands while the new one takes its place.
fn aside(folder: &Path) -> PathBuf {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    folder.with_file_name(format!(".former-{name}"))
}

/// Clears up after a run that was killed: the former pack is put back where the new one did not arrive, and half
/// written ones go.
fn recover(folder: &Path) -> io::Result<()> {
    let aside = aside(folder);
    if aside.exists() {
        if folder.exists() { fs::remove_dir_all(&aside)? } else { fs::rename(&aside, folder)? }
    }
    for entry in fs::read_dir(folder.parent().unwrap_or(folder))? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(WRITING) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn put(folder: &Path, files: &[(String, String)]) -> io::Result<()> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent)?;
    recover(folder)?;
    let fresh = tempfile::Builder::new().prefix(WRITING).tempdir_in(parent)?;
    for (name, text) in files {
        let mut file = fs::File::create(fresh.path().join(name))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
    }
    #[cfg(unix)]
    fs::set_permissions(fresh.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    // A folder cannot be renamed over a full one: the former pack steps aside first and leaves last.
    let aside = aside(folder);
    if folder.exists() {
        fs::rename(folder, &aside)?;
    }
    if let Err(error) = fs::rename(fresh.path(), folder) {
        recover(folder)?;
        return Err(error);
    }
    // It has its place now, and must outlive its guard.
    let _ = fresh.keep();
    if aside.exists() { fs::remove_dir_all(&aside) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_replaced_whole() {
        let books = tempfile::tempdir().unwrap();
        let folder = books.path().join("closes/2026-10/v1");
        put(&folder, &[("a".into(), "1".into()), ("b".into(), "2".into())]).unwrap();
        put(&folder, &[("a".into(), "3".into())]).unwrap();
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "3");
        assert!(!folder.join("b").exists());
        assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn after_a_killed_run_the_former_pack_is_found_and_the_half_one_is_gone() {
        let books = tempfile::tempdir().unwrap();
        let folder = books.path().join("closes/2026-10/v1");
        put(&folder, &[("a".into(), "former".into())]).unwrap();
        // Killed between the two renames.
        fs::rename(&folder, aside(&folder)).unwrap();
        fs::create_dir(folder.with_file_name(".writing-x")).unwrap();
        recover(&folder).unwrap();
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "former");
        // Killed before the former pack was removed: the new one stays.
        fs::create_dir(aside(&folder)).unwrap();
        recover(&folder).unwrap();
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "former");
        assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_pack_that_cannot_be_written_leaves_the_former_and_says_so() {
        let books = tempfile::tempdir().unwrap();
        fs::write(books.path().join("closes"), "a file").unwrap();
        let folder = books.path().join("closes/2026-10/v1");
        assert!(put(&folder, &[("a".into(), "1".into())]).is_err());
    }
}
