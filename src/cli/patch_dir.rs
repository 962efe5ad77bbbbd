//! What would end the findings of a reconciliation: the rows of prices told beside each, and with `--patch-dir DIR` all
//! fixes, written as one folder that was not there before.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::gather;
use super::global::Global;
use super::ui::{Ui, unwritable};
use crate::books::Books;
use crate::close::document::{Finding, Reconciliation};
use crate::close::inputs::CloseInputs;
use crate::close::requests::Search;
use crate::collect::{self, InputReport};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::fixes::{self, File};
use crate::period::Month;
use crate::pricebook::files::{self, BookFile};

/// Where the fixes go, if they are written, and the price book folder that they go on from.
pub struct PatchDir {
    dir: Option<PathBuf>,
    own: Vec<BookFile>,
    closed: Option<Month>,
}

impl PatchDir {
    pub fn new(
        dir: Option<&Path>,
        global: &Global,
        books: Option<&Books>,
        closed: Option<Month>,
    ) -> Result<PatchDir> {
        let own =
            gather::overlay(global, books).as_deref().map(files::folder).transpose()?.unwrap_or_default();
        Ok(PatchDir { dir: dir.map(Path::to_owned), own, closed })
    }

    /// Puts rows of prices beside what to do: of the finding that is asked for, else of all that have no rivals.
    pub fn tell(
        &self,
        document: &mut Reconciliation,
        inputs: &CloseInputs,
        asked: Option<&str>,
    ) -> Result<()> {
        let rows = fixes::price_rows(&fixes::Context::new(document, inputs, &self.own, self.closed), asked)?;
        for (id, text) in rows {
            let finding = document.findings.iter_mut().find(|finding| finding.id == id);
            if let Some(fix) = finding.and_then(|finding| finding.fix.as_mut()) {
                fix.patch = Some(text);
            }
        }
        Ok(())
    }

    /// Names the requests of the findings that are written about or asked for: their files are read once more for it.
    pub fn name_requests(
        &self,
        document: &mut Reconciliation,
        inputs: &CloseInputs,
        logs: &[InputReport],
        asked: Option<&str>,
    ) -> Result<()> {
        let wanted = |finding: &Finding| {
            let asked = asked.is_some_and(|asked| asked.eq_ignore_ascii_case(&finding.id));
            (asked || self.dir.is_some()) && fixes::names_requests(finding)
        };
        let search = Search::new(document, inputs, wanted);
        collect::again(logs, |file| search.onlooker(&file.source_name, &file.outcomes))?;
        search.add_to(document);
        Ok(())
    }

    /// Writes the folder, if there is one, and names its files.
    pub fn write(&self, document: &Reconciliation, inputs: &CloseInputs, ui: &Ui) -> Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        let files = fixes::files(&fixes::Context::new(document, inputs, &self.own, self.closed))?;
        if files.is_empty() {
            ui.status("no finding has a fix that could be written");
            return Ok(());
        }
        put(dir, &files).map_err(|error| unwritable(dir, &error))?;
        ui.status(&format!("{} files written to {}:", files.len(), dir.display()));
        for file in &files {
            ui.status(&format!("  {}  {}", file.path, file.findings.join(" ")));
        }
        Ok(())
    }
}

/// Refuses a place that holds something: fixes of two runs must not mix.
pub fn free(dir: &Path) -> Result<()> {
    let origin = || Origin::file(dir.display().to_string());
    match fs::read_dir(dir).map(Iterator::count) {
        Ok(0) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Ok(_) => {
            let help = format!("name a new folder: --patch-dir {}-2", dir.display());
            Err(Diagnostic::error("folder-in-use", origin(), "the folder is not empty").help(help).into())
        }
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            let help = format!("name a new folder: --patch-dir {}-fixes", dir.display());
            Err(Diagnostic::error("folder-in-use", origin(), "it is a file").help(help).into())
        }
        Err(error) => Err(Error::io(dir.display().to_string(), error)),
    }
}

/// Writes beside the place under a temporary name and renames: a killed run leaves nothing in it.
pub fn put(dir: &Path, files: &[File]) -> io::Result<()> {
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let fresh = tempfile::Builder::new().prefix(".writing-").tempdir_in(parent)?;
    for file in files {
        let path = fresh.path().join(&file.path);
        fs::create_dir_all(path.parent().unwrap_or(fresh.path()))?;
        let mut written = fs::File::create(path)?;
        written.write_all(file.content.as_bytes())?;
        written.sync_all()?;
    }
    #[cfg(unix)]
    fs::set_permissions(fresh.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    if dir.is_dir() {
        // It is empty: a full one was refused, and this refuses it again.
        fs::remove_dir(dir)?;
    }
    fs::rename(fresh.path(), dir)?;
    // It has its place now, and must outlive its guard.
    let _ = fresh.keep();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_written_whole_and_never_over_another() {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("fixes");
        let file = |path: &str| File { path: path.into(), content: "x".into(), findings: Vec::new() };
        free(&dir).unwrap();
        fs::create_dir(&dir).unwrap();
        free(&dir).unwrap();
        put(&dir, &[file("README.txt"), file("pricebook/prices/openai.csv")]).unwrap();
        assert_eq!(fs::read_to_string(dir.join("pricebook/prices/openai.csv")).unwrap(), "x");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert!(free(&dir).unwrap_err().to_string().contains("not empty"));
        assert!(put(&dir, &[file("README.txt")]).is_err());
        assert!(dir.join("pricebook").is_dir());
        assert!(free(&dir.join("README.txt")).is_err());
    }
}
