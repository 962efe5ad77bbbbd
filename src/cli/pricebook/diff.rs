//! `llmfin pricebook diff`: what two books price differently, from when, and the dollars it moves.

mod sheets;

use std::collections::BTreeSet;

use crate::cli::closes;
use crate::cli::gather;
use crate::cli::global::Global;
use crate::cli::inputs::Input;
use crate::cli::stored::Store;
use crate::cli::ui::Ui;
use crate::diagnostic::{Diagnostic, Level};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS, Result};
use crate::period::Month;
use crate::render::OutputFormat;
use crate::review::diff::{self, Closed, Side, rules};
use crate::review::volume::{Moved, moved};
use sheets::Compared;

/// Compare two price books: what they price differently, and from when
///
/// A and B are each a folder, `shipped`, a git revision of the other side's folder, `REV:FOLDER`, or any of them as
/// known on a day: `pricebooks@2026-11-03`; `@2026-11-03` alone is the other side's book on that day. Rows that never
/// hold make no difference; the order and form of lines do not either.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0  it ran; with `--exit-code`, the books are the same
  1  with `--exit-code`, they differ
  2  it could not run

Examples:
  llmfin pricebook diff origin/main pricebooks
  llmfin pricebook diff shipped our-prices -O md
  llmfin pricebook diff @2026-11-03 pricebooks --closed-through 2026-10
  llmfin pricebook diff HEAD~1 pricebooks -C acme --usage")]
pub struct Args {
    /// The older book
    #[arg(value_name = "A")]
    pub old: String,
    /// The newer book
    #[arg(value_name = "B")]
    pub new: String,
    /// Say the dollars that move on stored usage: of the books, or of the logs named
    #[arg(long, value_name = "[FORMAT:]PATH", num_args = 0..)]
    pub usage: Option<Vec<Input>>,
    /// Last month that is closed, beside those with a pack in the books
    #[arg(long, value_name = "MONTH")]
    pub closed_through: Option<Month>,
    /// Exit with 1 if the books differ
    #[arg(long)]
    pub exit_code: bool,
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let books = gather::books_if_any(global)?;
    let own = gather::overlay(global, books.as_ref());
    let contracts = gather::contracts(global, books.as_ref())?;
    let sides = [args.old.as_str(), args.new.as_str()];
    let [old, new] = diff::side::both(sides, own.as_deref(), &contracts, global.known_at)?;
    let left_out = old.problems.iter().chain(&new.problems).cloned();
    ui.diagnostics(
        &left_out.map(|problem| Diagnostic { level: Level::Warning, ..problem }).collect::<Vec<_>>(),
    );
    let prices = diff::prices(&old.book, &new.book);
    let rules = rules::compare(&old.rules, &new.rules);
    let closed = Closed { months: closes::months(&global.dir), through: args.closed_through };
    let moved = match &args.usage {
        Some(named) => Some(dollars(named, global, [&old, &new], &prices, ui)?),
        None => None,
    };
    let compared = Compared {
        sides: [&old, &new],
        prices: &prices,
        rules: &rules,
        closed: &closed,
        moved: moved.as_ref(),
    };
    let sheets = match global.format() {
        OutputFormat::Csv => vec![sheets::flat(&compared)],
        OutputFormat::Json => sheets::build(&compared),
        _ => sheets::for_people(&compared),
    };
    global.write(ui, &sheets)?;
    let differ = !(prices.is_empty() && rules.is_empty());
    Ok(if args.exit_code && differ { EXIT_FINDINGS } else { EXIT_CLEAN })
}

fn dollars(
    named: &[Input],
    global: &Global,
    [old, new]: [&Side; 2],
    prices: &[diff::Change],
    ui: &Ui,
) -> Result<Moved> {
    let store = Store::open(global, named, global.month)?;
    let after = store.read(&new.book, ui)?;
    // Cubes are cut at the boundaries of a book: the same ones need no second reading.
    let other = if old.book.bands() == new.book.bands() { None } else { Some(store.read(&old.book, ui)?) };
    let (after, before) = (store.volume(&after), store.volume(other.as_ref().unwrap_or(&after)));
    let months: BTreeSet<Month> = match global.month {
        Some(month) => BTreeSet::from([month]),
        None => after.months(),
    };
    moved((&old.book, &before), (&new.book, &after), &months, prices)
}
