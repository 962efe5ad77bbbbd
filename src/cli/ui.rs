//! The only place that prints: data to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::diagnostics;
use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::error::{Error, Result};
use crate::render::{printable, wrap};

/// Columns of a table that no terminal shows.
const PIPED: u16 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Ui {
    pub color: Color,
    pub quiet: bool,
    pub verbose: bool,
}

impl Ui {
    /// Columns to write tables in: those of the terminal that shows them, else `COLUMNS`, else what a mail can hold.
    pub fn width(&self, to_file: bool) -> u16 {
        let terminal = if to_file { None } else { terminal() };
        let declared = || std::env::var("COLUMNS").ok()?.parse().ok();
        terminal.or_else(declared).filter(|width| *width > 0).unwrap_or(PIPED)
    }

    /// Writes a page of the documentation as it is, and on a terminal in the terminal's width.
    pub fn page(&self, path: Option<&Path>, text: &str) -> Result<()> {
        let width = if path.is_none() { terminal() } else { None };
        self.output(path, &wrap::page(text, width.filter(|width| *width > 0)))
    }

    /// Writes data to standard output. A reader that has seen enough (`| head`) is no error.
    pub fn data(&self, text: &str) -> Result<()> {
        self.output(None, text)
    }

    /// Writes data to `path`, or to standard output. A run that stops half-way leaves the former file.
    pub fn output(&self, path: Option<&Path>, text: &str) -> Result<()> {
        self.stream(path, |sink| sink.write_all(text.as_bytes()))
    }

    /// The same for data that is made while it is written.
    pub fn stream(
        &self,
        path: Option<&Path>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        match path {
            None => match buffered(&mut io::stdout().lock(), write) {
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::io("<stdout>", error)),
                _ => Ok(()),
            },
            Some(path) => replace_with(path, write).map_err(|error| unwritable(path, &error)),
        }
    }

    /// Errors always; warnings unless `-q`; notes with `-v`, and their number without.
    pub fn diagnostics(&self, diagnostics: &[Diagnostic]) {
        let shown: Vec<Diagnostic> = diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.level == Level::Error || !self.quiet)
            .cloned()
            .collect();
        self.stderr(&diagnostics::render(&shown, self.verbose));
    }

    /// Diagnostics that are the answer of a command, all of them, with colours where standard output shows them.
    pub fn findings(&self, findings: &[Diagnostic]) -> String {
        let text = diagnostics::all(findings);
        let colours = match self.color {
            Color::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            Color::Always => true,
            Color::Never => false,
        };
        if colours { text } else { anstream::adapter::strip_str(&text).to_string() }
    }

    /// One line about what happened, unless `-q`.
    pub fn status(&self, text: &str) {
        if !self.quiet {
            self.stderr(&format!("{}\n", printable(text)));
        }
    }

    /// One line about how it happened, with `-v`.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.status(text);
        }
    }

    /// The one error that ended the run.
    pub fn error(&self, error: &anyhow::Error) {
        match error.downcast_ref::<Error>() {
            Some(Error::Input(problems)) => self.diagnostics(problems),
            Some(error) => self.stderr(&format!("error: {}\n", printable(&error.to_string()))),
            None => self.stderr(&format!("error: {}\n", printable(&format!("{error:#}")))),
        }
    }

    /// A bar over `bytes` of input, shown only on a terminal.
    pub fn progress(&self, bytes: u64) -> Progress {
        let target = if self.quiet || !io::stderr().is_terminal() {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        let bar = ProgressBar::with_draw_target(Some(bytes), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}  {wide_msg}") {
            bar.set_style(style);
        }
        Progress(bar)
    }

    /// What cannot be said on standard error cannot be said at all.
    fn stderr(&self, text: &str) {
        let choice = match self.color {
            Color::Auto => AutoStream::choice(&io::stderr()),
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let _ = AutoStream::new(io::stderr(), choice).lock().write_all(text.as_bytes());
    }
}

/// Columns of the terminal that shows standard output.
fn terminal() -> Option<u16> {
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0)
}

/// How far reading has come.
#[derive(Debug, Clone)]
pub struct Progress(ProgressBar);

impl Progress {
    pub fn file(&self, name: &str) {
        self.0.set_message(printable(name));
    }
    /// Runs `work` while the bar follows a counter of bytes; without a bar to show, it only runs.
    pub fn while_counting<T: Send>(&self, bytes: &AtomicU64, work: impl FnOnce() -> T + Send) -> T {
        if self.0.is_hidden() {
            return work();
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    self.0.set_position(bytes.load(Ordering::Relaxed));
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            let result = work();
            done.store(true, Ordering::Relaxed);
            result
        })
    }
    pub fn done(&self) {
        self.0.finish_and_clear();
    }
}

impl crate::collect::Watch for Progress {
    fn started(&self, name: &str, _: u64) {
        self.file(name);
    }
}

/// Why a file or folder cannot be written, and what to type.
pub fn unwritable(path: &Path, error: &io::Error) -> Error {
    // Temporary names are of no use to anyone: the kind says it all.
    let kind = error.kind();
    let reason = match kind {
        io::ErrorKind::NotFound => "its folder is missing".to_owned(),
        _ => kind.to_string(),
    };
    let message = format!("cannot be written: {reason}");
    let diagnostic = Diagnostic::error("cannot-write", Origin::file(path.display().to_string()), message);
    let folder = path.ancestors().skip(1).find(|folder| !folder.as_os_str().is_empty());
    let help = match (kind, folder) {
        (io::ErrorKind::NotFound, Some(folder)) => format!("`mkdir -p {}`", folder.display()),
        (io::ErrorKind::StorageFull, _) => "make room on the disk".to_owned(),
        _ => "name a place you may write to; what was there is unchanged".to_owned(),
    };
    diagnostic.help(help).into()
}

fn buffered(sink: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut sink = io::BufWriter::with_capacity(1 << 16, sink);
    write(&mut sink)?;
    sink.flush()
}

/// Writes a file under a temporary name in its own folder, then renames it.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, |sink| sink.write_all(bytes))
}

fn replace_with(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // A link stands for its file; a device or pipe is written to, never replaced.
    let target = path.canonicalize();
    let path = target.as_deref().unwrap_or(path);
    if path.metadata().is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        return buffered(&mut std::fs::OpenOptions::new().write(true).open(path)?, write);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.prefix(".llmfin-").tempfile_in(folder)?;
    buffered(&mut file, write)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("none/report.csv"), b"x").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_keeps_pointing_and_a_device_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("report.csv"), folder.path().join("latest.csv"));
        std::fs::write(&path, "one").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, b"two").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two");
        replace(Path::new("/dev/null"), b"x").unwrap();
        assert!(!Path::new("/dev/null").is_file());
    }
}
