//! PB020 and PB021: what was written stays, and a closed month is only corrected in the open. Compared with the book as
//! it was at a revision, or with another folder.

use std::collections::BTreeMap;

use super::{Context, Findings, Rule, closed_rules};
use crate::diagnostic::Level;
use crate::period::{Day, read_instant};
use crate::pricebook::COLUMNS;
use crate::pricebook::Pricebook;
use crate::pricebook::files::BookFile;
use crate::review::steps::{Key, Ladders, ladders};

pub const RULES: &[Rule] = &[
    Rule {
        id: "PB020",
        level: Level::Error,
        title: "a row that starts in a closed month is added, edited or removed without `rev` and a reason, or a rule that \
                holds in it (factor, alias, schedule, region, name, source) is another one",
        why: "A price that is entered for October in November changes what October's close was computed from.",
        remedy: "Leave the row of the closed month as it is and add one of the next `rev` (2 at least) with the reason under \
                 `note`; reports then show the correction as a memo. Leave a rule as it is too: end it after the closed \
                 month, and add an entry that starts then.",
        waivable: false,
        check: closed_months,
    },
    Rule {
        id: "PB021",
        level: Level::Error,
        title: "a line that was in the ledger has changed or vanished, or a new one claims to have been known earlier",
        why: "Public lists overwrite: on 2026-03-11 one of them dropped its retired models, and last year's usage had no price.",
        remedy: "Put the line back and append a row: a change with its own `from`, a correction with the next `rev`. \
                 Only `ack` and `waiver` may be filled in later. `recorded` of a new row is the day it is written, which is \
                 after the last closed month.",
        waivable: false,
        check: append_only,
    },
];

/// Columns a reviewer signs in afterwards.
const SIGNED_LATER: [&str; 2] = ["ack", "waiver"];

/// A line of a ledger as cells by column, instants and whole numbers by value: writing it otherwise is no change.
struct Line {
    number: u64,
    cells: Vec<String>,
}

type Identity = Vec<String>;

impl Line {
    fn cell(&self, column: &str) -> &str {
        COLUMNS
            .iter()
            .position(|known| *known == column)
            .and_then(|at| self.cells.get(at))
            .map_or("", |cell| cell)
    }

    /// What makes the row this row: its key, `from` and `rev`.
    fn identity(&self) -> Identity {
        ["model", "meter", "tier", "ctx", "region", "window", "from", "rev"]
            .iter()
            .map(|column| self.cell(column).to_owned())
            .collect()
    }

    /// Columns whose cells differ, with both: `price 0.25 for 0.2`.
    fn changes(&self, old: &Line) -> Vec<(&'static str, String)> {
        let stable = COLUMNS.iter().filter(|column| !SIGNED_LATER.contains(column));
        stable
            .filter(|column| self.cell(column) != old.cell(column))
            .map(|column| (*column, format!("{column} `{}` was `{}`", self.cell(column), old.cell(column))))
            .collect()
    }
}

fn lines(file: &BookFile) -> Vec<Line> {
    let body = file.body();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body.as_bytes());
    let mut records = reader.records().map_while(Result::ok);
    let Some(header) = records.next() else { return Vec::new() };
    let (mut number, mut counted) = (1, 0);
    records
        .map(|record| {
            let byte = record.position().map_or(0, |position| position.byte() as usize);
            let start = byte + body[byte..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            number += body[counted..start].matches('\n').count() as u64;
            counted = start;
            let cells = COLUMNS.iter().map(|column| {
                let at = header.iter().position(|name| name == *column);
                let cell = at.and_then(|at| record.get(at)).unwrap_or("");
                match *column {
                    "from" => read_instant(cell).map_or(cell.to_owned(), |(at, _)| at.to_string()),
                    "rev" | "per" => cell.trim_start_matches('0').to_owned(),
                    _ => cell.to_owned(),
                }
            });
            Line { number, cells: cells.collect() }
        })
        .collect()
}

/// What became of the lines of one ledger.
struct Comparison<'a> {
    file: Option<&'a BookFile>,
    name: &'a str,
    /// New lines that differ from the old one of the same identity, with the differences.
    changed: Vec<(Line, Vec<(&'static str, String)>)>,
    vanished: Vec<Line>,
    added: Vec<Line>,
    /// The newest `recorded` of the old ledger.
    newest: Option<Day>,
}

fn compare<'a>(context: &'a Context, before: &'a [BookFile]) -> Vec<Comparison<'a>> {
    let ledgers = |files: &'a [BookFile]| files.iter().filter(|file| file.ledger().is_some());
    let mut compared = Vec::new();
    for old in ledgers(before) {
        let file = context.file(&old.name);
        let mut new: BTreeMap<Identity, Vec<Line>> = BTreeMap::new();
        for line in file.map(lines).unwrap_or_default() {
            new.entry(line.identity()).or_default().push(line);
        }
        let mut result = Comparison {
            file,
            name: &old.name,
            changed: Vec::new(),
            vanished: Vec::new(),
            added: Vec::new(),
            newest: None,
        };
        for line in lines(old) {
            result.newest = result.newest.max(line.cell("recorded").parse().ok());
            let same = new.get_mut(&line.identity()).filter(|same| !same.is_empty());
            let Some(same) = same else {
                result.vanished.push(line);
                continue;
            };
            let kept = same.iter().position(|new| new.changes(&line).is_empty()).unwrap_or(0);
            let new = same.remove(kept);
            let changes = new.changes(&line);
            if !changes.is_empty() {
                result.changed.push((new, changes));
            }
        }
        result.added = new.into_values().flatten().collect();
        compared.push(result);
    }
    for file in ledgers(context.own).filter(|file| before.iter().all(|old| old.name != file.name)) {
        let added = lines(file);
        compared.push(Comparison {
            file: Some(file),
            name: &file.name,
            changed: vec![],
            vanished: vec![],
            added,
            newest: None,
        });
    }
    compared
}

fn append_only(context: &Context, findings: &mut Findings) {
    let Some(before) = context.before else { return };
    for compared in compare(context, before) {
        if let Some(file) = compared.file {
            back_dated(context, file, &compared, findings);
        }
        let Some(file) = compared.file else {
            let message = format!("the ledger and its {} rows have vanished", compared.vanished.len());
            findings.file(
                compared.name,
                message,
                "put the file back; a model that is sold no more ends with an `ended` row",
            );
            continue;
        };
        for (line, changes) in &compared.changed {
            let columns = changes.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(", ");
            let column = changes.first().map_or("model", |(column, _)| column);
            let message = format!("a row that was in the ledger has changed: {columns}");
            findings.at(file, file.cell(line.number, column), message, append());
        }
        for line in &compared.vanished {
            let message = format!("the row {} has vanished: it was line {}", describe(line), line.number);
            findings.at(file, file.cell(line.number, "model"), message, append());
        }
    }
}

/// A row that is new and recorded before what was there would change what `--known-at` said, and a close with it.
fn back_dated(context: &Context, file: &BookFile, compared: &Comparison, findings: &mut Findings) {
    let recorded = |line: &Line| line.cell("recorded").parse::<Day>().ok();
    for line in &compared.added {
        let Some(day) = recorded(line) else { continue };
        let why = match (compared.newest, context.closed_through) {
            (_, Some(closed)) if day <= closed.last() => format!("{closed} is closed"),
            (Some(newest), _) if day < newest => format!("the ledger already knew rows of {newest}"),
            _ => continue,
        };
        let message = format!("{} is new and says that it was recorded on {day}, but {why}", describe(line));
        let help = format!("`recorded` is the day a row is written: {}", context.as_of);
        findings.at(file, file.cell(line.number, "recorded"), message, help);
    }
}

fn append() -> &'static str {
    "put the line back and append a row: a change with its own `from`, a correction with the next `rev`"
}

/// `gpt-5 input standard from 2025-08-07, rev 1, price 1.25`
fn describe(line: &Line) -> String {
    let from = line.cell("from").parse().map_or(line.cell("from").to_owned(), crate::review::format::instant);
    let cell = |column| line.cell(column);
    format!(
        "{} {} {} from {from}, rev {}, price `{}`",
        cell("model"),
        cell("meter"),
        cell("tier"),
        cell("rev"),
        cell("price")
    )
}

fn closed_months(context: &Context, findings: &mut Findings) {
    let (Some(before), Some(closed)) = (context.before, context.closed_through) else { return };
    closed_rules::check(context, before, closed, findings);
    let end = closed.last().next().start();
    let is_closed = |line: &Line| line.cell("from").parse::<i64>().is_ok_and(|from| from < end);
    let old = Pricebook::read(before.to_vec(), Vec::new(), None).book;
    let held = ladders(&old);
    for compared in compare(context, before) {
        let Some(file) = compared.file else { continue };
        for (line, _) in compared.changed.iter().filter(|(line, _)| is_closed(line)) {
            let message =
                format!("a row of a closed month was edited: {}; {closed} is closed", describe(line));
            findings.at(file, file.cell(line.number, "from"), message, correct());
        }
        for line in compared.vanished.iter().filter(|line| is_closed(line)) {
            let message =
                format!("a row of a closed month was removed: {}; {closed} is closed", describe(line));
            findings.at(file, file.cell(line.number, "from"), message, correct());
        }
        for line in compared.added.iter().filter(|line| is_closed(line)) {
            let missing = match () {
                () if line.cell("note").trim().is_empty() => "no reason under `note`",
                () if line.cell("rev") == "1" && was_priced(&held, file, line) => "rev 1",
                () => continue,
            };
            let message = format!(
                "{} is new, starts in a closed month ({closed} is closed) and has {missing}",
                describe(line)
            );
            findings.at(file, file.cell(line.number, "from"), message, correct());
        }
    }
}

fn correct() -> &'static str {
    "keep the old row, and write rev 2 or the next one and the reason under `note` of a new row"
}

/// True where the key already had a price at the row's start: the row then corrects what was closed.
fn was_priced(held: &Ladders, file: &BookFile, line: &Line) -> bool {
    let from = line.cell("from").parse().unwrap_or(i64::MIN);
    let is_key = |key: &Key| {
        Some(key.seller) == file.ledger()
            && *key.model == *line.cell("model")
            && key.meter.id() == line.cell("meter")
            && key.tier_text() == line.cell("tier")
            && key.ctx_text() == line.cell("ctx")
            && *key.region == *line.cell("region")
            && *key.window == *line.cell("window")
    };
    held.iter().any(|(key, ladder)| is_key(key) && ladder.at(from).is_some_and(|row| row.unit.is_some()))
}
