//! `llmfin pricebook check`: which rules of the price book are broken, where, and what to do.

use std::path::{Path, PathBuf};

use super::ci;
use crate::cli::inputs::Input;
use crate::cli::stored::Store;
use crate::cli::{clock, closes, gather, global::Global, ui::Ui};
use crate::diagnostic::{Diagnostic, Level, Origin, nearest};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS, Error, Result};
use crate::period::{Day, Month};
use crate::pricebook::files::{self, BookFile};
use crate::pricebook::{Pricebook, Reading};
use crate::render::OutputFormat;
use crate::report::sheet::{Column, Kind, Sheet};
use crate::review::check::document::CheckDocument;
use crate::review::check::{self, Context, Cross, Report, Rule};
use crate::review::import;

/// Check a price book against the rules PB001 to PB032
///
/// Exits with 1 if a rule of level error is broken, and with 2 if the book could not be checked.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  llmfin pricebook check
  llmfin pricebook check pricebooks --strict
  llmfin pricebook check pricebooks --rule PB007 --rule PB008
  llmfin pricebook check pricebooks --against origin/main --closed-through 2026-10
  llmfin pricebook check --usage logs/
  llmfin pricebook check --cross model_prices_and_context_window.json --retrieved 2026-11-23
  llmfin pricebook check pricebooks -O github")]
pub struct Args {
    /// Folder of the book [default: that of the books, else the shipped book]
    pub dir: Option<PathBuf>,
    /// Rule to check, such as PB007; may be repeated [default: all of them]
    #[arg(long = "rule", value_name = "ID")]
    pub rules: Vec<String>,
    /// Day that ages are counted to [default: today]
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Day>,
    /// Git revision, or folder, whose lines must still be there
    #[arg(long, value_name = "REV|DIR")]
    pub against: Option<String>,
    /// Last closed month, whose rows are only corrected in the open [default: the last one closed in the books]
    #[arg(long, value_name = "MONTH", requires = "against")]
    pub closed_through: Option<Month>,
    /// Say which stored usage has no price: that of the books, or of the logs named
    #[arg(long, value_name = "[FORMAT:]PATH", num_args = 0..)]
    pub usage: Option<Vec<Input>>,
    /// Public price list to hold against the book: LiteLLM's map, genai-prices' data or models.dev's catalogue
    #[arg(long, value_name = "FILE")]
    pub cross: Option<PathBuf>,
    /// Day the list was downloaded [default: that of `--as-of`]
    #[arg(long, value_name = "DATE", requires = "cross")]
    pub retrieved: Option<Day>,
    /// Exit with 1 for warnings too
    #[arg(long)]
    pub strict: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let rules = match args.rules.as_slice() {
        [] => check::rules(),
        ids => ids.iter().map(|id| rule(id)).collect::<Result<_>>()?,
    };
    // A folder that is named is checked by itself.
    let books = if args.dir.is_none() { gather::books_if_any(global)? } else { None };
    let folder = args.dir.clone().or_else(|| gather::overlay(global, books.as_ref()));
    let own = folder.as_deref().map_or_else(|| Ok(files::shipped()), files::folder)?;
    let before = args.against.as_deref().map(|named| before(named, folder.as_deref(), &own)).transpose()?;
    let Reading { book, problems } = Pricebook::read(own.clone(), Vec::new(), global.known_at);
    let usage = match &args.usage {
        None => None,
        Some(named) => {
            let store = Store::open(global, named, global.month)?;
            Some(store.volume(&store.read(&book, ui)?).days(&book))
        }
    };
    let closed = args
        .closed_through
        .or_else(|| books.as_ref().and_then(|_| closes::months(&global.dir).last().copied()));
    let as_of = args.as_of.unwrap_or_else(clock::today);
    let cross =
        args.cross.as_deref().map(|list| cross(list, &book, args.retrieved.unwrap_or(as_of))).transpose()?;
    let context = Context {
        cross: cross.as_ref(),
        before: before.as_deref(),
        closed_through: closed,
        usage: usage.as_deref(),
        ..Context::new(&own, &book, as_of)
    };
    let report = check::run(&context, problems, &rules);
    write(args, global, ui, &context, &report, &rules)?;
    let failed = report.count(Level::Error) > 0 || (args.strict && report.count(Level::Warning) > 0);
    Ok(if failed { EXIT_FINDINGS } else { EXIT_CLEAN })
}

fn write(
    args: &Args,
    global: &Global,
    ui: &Ui,
    context: &Context,
    report: &Report,
    rules: &[&'static Rule],
) -> anyhow::Result<()> {
    let text = match global.format() {
        OutputFormat::Table => text(report, ui),
        OutputFormat::Json => {
            let document = CheckDocument::new(context, report, args.against.clone());
            serde_json::to_string_pretty(&document)? + "\n"
        }
        OutputFormat::Junit => ci::junit(report, rules, args.strict),
        OutputFormat::Github => ci::github(report),
        _ => return Ok(global.write(ui, &[sheet(report)])?),
    };
    Ok(ui.output(global.output(), &text)?)
}

fn rule(id: &str) -> Result<&'static Rule> {
    let rules = check::rules();
    rules.iter().find(|rule| rule.id.eq_ignore_ascii_case(id)).copied().ok_or_else(|| {
        let help = match nearest(id, rules.iter().map(|rule| rule.id)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "rules are PB001 to PB032; `llmfin explain PB001` shows one".to_owned(),
        };
        Error::from(
            Diagnostic::error("unknown-rule", Origin::file("--rule"), format!("no rule has the id `{id}`"))
                .help(help),
        )
    })
}

/// The files at a revision of the folder's repository, or of another folder.
fn before(named: &str, folder: Option<&Path>, own: &[BookFile]) -> Result<Vec<BookFile>> {
    match folder {
        _ if Path::new(named).is_dir() => files::folder(Path::new(named)),
        Some(folder) => {
            let files = files::at_revision(folder, named)?;
            Ok(if files.is_empty() { files::nothing_of(own) } else { files })
        }
        None => {
            let message = "the shipped book has no earlier revision";
            let problem = Diagnostic::error("no-revision", Origin::file("--against"), message);
            Err(problem
                .help("name the folder to compare: `llmfin pricebook check pricebooks --against main`")
                .into())
        }
    }
}

fn cross(list: &Path, book: &Pricebook, retrieved: Day) -> Result<Cross> {
    clock::not_to_come(retrieved, book.known_at())?;
    let name = list.display().to_string();
    let text = std::fs::read_to_string(list).map_err(|error| Error::io(name.clone(), error))?;
    let context = import::Context { book, retrieved, sellers: &[] };
    Cross::read(&name, &text, &context)
}

fn text(report: &Report, ui: &Ui) -> String {
    let mut shown = report.findings.clone();
    if ui.quiet {
        shown.retain(|finding| finding.level == Level::Error);
    }
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
