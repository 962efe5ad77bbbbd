//! The close pack: a folder of plain files, hashed in a manifest, the same bytes for the same inputs.
//!
//! Written beside its place under a temporary name and renamed, so a killed run leaves the former pack.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;
use sha2::{Digest, Sha256};

use super::reconcile;
use crate::close::document::Reconciliation;
use crate::error::{Error, Result};
use crate::period::Month;
use crate::render::{self, OutputFormat};
use crate::report::{REPORTS, story};

/// Version of the manifest's shape.
const MANIFEST: &str = "llmfin/manifest/1";

/// Writes `closes/MONTH/v1/` and returns its path.
pub fn write(books: &Path, month: Month, document: &Reconciliation, books_sha256: &str) -> Result<PathBuf> {
    let mut files: Vec<(String, String)> = vec![("00-summary.md".to_owned(), summary(document)?)];
    for report in REPORTS {
        let text = render::render(&[(report.build)(document)], OutputFormat::Csv, None)?;
        files.push((format!("{}.csv", report.name), text));
    }
    files.push(("reconciliation.json".to_owned(), reconcile::json(document)?));
    let previous = books.join("closes").join(month.previous().to_string()).join("v1").join("manifest.json");
    let previous = fs::read(previous).ok().map(|bytes| sha256(&bytes));
    files.push(("manifest.json".to_owned(), manifest(month, document, books_sha256, previous, &files)?));
    let folder = books.join("closes").join(month.to_string()).join("v1");
    put(&folder, &files).map_err(|error| Error::io(folder.display().to_string(), error))?;
    Ok(folder)
}

/// One page: the story, and how its figures lead to the schedules.
fn summary(document: &Reconciliation) -> Result<String> {
    let sheets = story::build(document);
    let mut text = format!("# Close {}: draft\n\n", document.month);
    text.push_str(&render::render(&sheets, OutputFormat::Markdown, None)?);
    text.push_str(&format!(
        "\nCurrency {}, accounting zone {}, price book `{}` (SHA-256 {}).\n",
        document.currency, document.timezone, document.pricebook.name, document.pricebook.sha256
    ));
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

fn put(folder: &Path, files: &[(String, String)]) -> io::Result<()> {
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent)?;
    let fresh = tempfile::Builder::new().prefix(".writing-").tempdir_in(parent)?;
    for (name, text) in files {
        fs::write(fresh.path().join(name), text)?;
    }
    let fresh = fresh.keep();
    #[cfg(unix)]
    fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    // A folder cannot be renamed over a full one: the former pack steps aside first and leaves last.
    let aside = parent.join(".former");
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    if folder.exists() {
        fs::rename(folder, &aside)?;
    }
    fs::rename(&fresh, folder)?;
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    Ok(())
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
}
