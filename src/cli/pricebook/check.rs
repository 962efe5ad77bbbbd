//! `llmfin pricebook check`: which rules of the price book are broken, where, and what to do.

use std::path::PathBuf;

use crate::books::{self, Books};
use crate::cli::{clock, global::Global, ui::Ui};
use crate::diagnostic::{Diagnostic, Level, Origin, nearest};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS, Error, Result};
use crate::period::Day;
use crate::pricebook::files::{self, BookFile};
use crate::pricebook::{Pricebook, Reading};
use crate::render::OutputFormat;
use crate::report::sheet::{Column, Kind, Sheet};
use crate::review::check::{self, Context, Report, Rule};

/// Check a price book against the rules PB001 to PB032
///
/// Exits with 1 if a rule of level error is broken, and with 2 if the book could not be checked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin pricebook check
  llmfin pricebook check pricebooks --strict
  llmfin pricebook check pricebooks --rule PB007 --rule PB008")]
pub struct Args {
    /// Folder of the book [default: that of the books, else the shipped book]
    pub dir: Option<PathBuf>,
    /// Rule to check, such as PB007; may be repeated [default: all of them]
    #[arg(long = "rule", value_name = "ID")]
    pub rules: Vec<String>,
    /// Day that ages are counted to [default: today]
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Day>,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub strict: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let only = args.rules.iter().map(|id| rule(id)).collect::<Result<Vec<_>>>()?;
    let own = own_files(args, global)?;
    let Reading { book, problems } = Pricebook::read(own.clone(), Vec::new(), global.known_at);
    let context = Context::new(&own, &book, args.as_of.unwrap_or_else(clock::today));
    let report = check::run(&context, problems, &only);
    match global.format() {
        OutputFormat::Table => ui.output(global.output(), &text(&report, ui))?,
        _ => global.write(ui, &[sheet(&report)])?,
    }
    let failed = report.count(Level::Error) > 0 || (args.strict && report.count(Level::Warning) > 0);
    Ok(if failed { EXIT_FINDINGS } else { EXIT_CLEAN })
}

fn rule(id: &str) -> Result<&'static Rule> {
    let rules = check::rules();
    rules.iter().find(|rule| rule.id.eq_ignore_ascii_case(id)).copied().ok_or_else(|| {
        let help = match nearest(id, rules.iter().map(|rule| rule.id)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                "rules are PB001 to PB032; docs/reference/pricebook-rules.md has a page on each".to_owned()
            }
        };
        Error::from(
            Diagnostic::error("unknown-rule", Origin::file("--rule"), format!("no rule has the id `{id}`"))
                .help(help),
        )
    })
}

/// The folder named, else the one that flags or books lay over the shipped book, else the shipped book.
fn own_files(args: &Args, global: &Global) -> Result<Vec<BookFile>> {
    if let Some(folder) = args.dir.as_ref().or(global.pricebook.as_ref()) {
        return files::folder(folder);
    }
    if global.dir.join(books::FILE).is_file() {
        let books = Books::load(&global.dir)?;
        if let Some(folder) = &books.book.pricebook {
            return files::folder(&books.dir.join(folder));
        }
    }
    Ok(files::shipped())
}

fn text(report: &Report, ui: &Ui) -> String {
    let mut shown = report.findings.clone();
    if ui.verbose {
        shown.extend(report.waived.iter().cloned().map(|mut waived| {
            waived.level = Level::Note;
            waived.message.push_str(" (waived)");
            waived
        }));
    }
    format!("{}{}\n", ui.findings(&shown), summary(report))
}

/// `2 errors, 1 warning, 3 waived`
fn summary(report: &Report) -> String {
    let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut parts =
        vec![counted(report.count(Level::Error), "error"), counted(report.count(Level::Warning), "warning")];
    if report.count(Level::Note) > 0 {
        parts.push(counted(report.count(Level::Note), "note"));
    }
    if !report.waived.is_empty() {
        parts.push(format!("{} waived", report.waived.len()));
    }
    parts.join(", ")
}

fn sheet(report: &Report) -> Sheet {
    let columns = vec![
        Column::new("rule", "Rule", Kind::Text),
        Column::new("level", "Level", Kind::Text),
        Column::new("place", "Where", Kind::Text),
        Column::new("message", "What", Kind::Text),
        Column::new("help", "What to do", Kind::Text),
    ];
    let mut sheet = Sheet::new("pricebook_check", "", columns);
    for finding in &report.findings {
        sheet.rows.push(vec![
            finding.code.into(),
            finding.level.id().into(),
            finding.origin.to_string().into(),
            finding.message.as_str().into(),
            finding.help.as_deref().into(),
        ]);
    }
    sheet.notes.push(summary(report));
    sheet
}
