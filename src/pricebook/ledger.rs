//! Reads `prices/<seller>.csv`. Every malformed cell is a diagnostic of its own; a row with one is not used.
//!
//! ```csv
//! model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,basis,until,ack,free,waiver,source,confirmed,note
//! gpt-5.6-luna,input,standard,>272000,global,*,0.4,1000000,USD,2026-07-30,2026-07-30,1,listed,explicit,,,,,openai-changelog,,
//! ```

use std::ops::Range;

use super::names::AllNames;
use super::row::{Layer, PriceRow, is_region, read_ctx, read_decimal, read_digits, read_until};
use super::schedules::Schedules;
use super::text::{CONFLICT_HELP, Text, is_conflict, suggest};
use crate::diagnostic::{Diagnostic, Origin};
use crate::money::Ratio;
use crate::period::read_instant;
use crate::vocabulary::{Meter, PriceBasis, PriceStatus, Tier};

/// The columns of a ledger, in canonical order.
pub const COLUMNS: [&str; 21] = [
    "model",
    "meter",
    "tier",
    "ctx",
    "region",
    "window",
    "price",
    "per",
    "currency",
    "from",
    "recorded",
    "rev",
    "status",
    "basis",
    "until",
    "ack",
    "free",
    "waiver",
    "source",
    "confirmed",
    "note",
];
/// A ledger of one's own may leave these out.
const OPTIONAL: [&str; 7] = ["basis", "until", "ack", "free", "waiver", "confirmed", "note"];

/// The header of a ledger that has only what it must.
pub fn least_header() -> String {
    let columns: Vec<&str> = COLUMNS.into_iter().filter(|column| !OPTIONAL.contains(column)).collect();
    columns.join(",")
}

/// A row to append below a header, in its order of columns.
pub fn row_text(header: &str, cell: impl Fn(&str) -> String) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    writer.write_record(header.split(',').map(|column| cell(column.trim()))).expect("memory takes a record");
    let bytes = writer.into_inner().expect("memory is always flushed");
    String::from_utf8(bytes).expect("cells of a text are text")
}

/// Appends the ledger's rows to `rows` and what is wrong with the others to `problems`.
pub(super) fn read(
    text: &Text,
    layer: Layer,
    currency: &str,
    (seller, names): (&str, &AllNames),
    schedules: &Schedules,
    rows: &mut Vec<PriceRow>,
    problems: &mut Vec<Diagnostic>,
) {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.content.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut columns: Option<[Option<usize>; COLUMNS.len()]> = None;
    let (mut line, mut counted) = (1, 0);
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(error) => {
                let at = error.position().map_or(0, |position| position.byte() as usize);
                problems.push(
                    text.error("PB030", at..at + 1, error.to_string()).help(
                        "write one record a line, and quotes around a cell that holds a comma or a quote",
                    ),
                );
                break;
            }
        }
        // The reader's own place may be the line feed of the record before, and it counts that line as this one.
        let byte = record.position().map_or(0, |position| position.byte() as usize);
        let start =
            byte + text.content[byte..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += text.content[counted..start].matches('\n').count() as u64;
        counted = start;
        let Some(columns) = &columns else {
            match header(text, &record, problems) {
                Some(found) => columns = Some(found),
                None => return,
            }
            continue;
        };
        let mut cells = Cells { text, seller, names, schedules, record: &record, columns, start, problems };
        if let Some(row) = cells.row(Origin::new(text.name.clone(), line, 0), layer, currency) {
            rows.push(row);
        }
    }
    if columns.is_none() {
        problems.push(
            text.error("PB030", 0..0, "the ledger has no header line")
                .help(format!("start the file with `{}`", COLUMNS.join(","))),
        );
    }
}

fn header(
    text: &Text,
    record: &csv::StringRecord,
    problems: &mut Vec<Diagnostic>,
) -> Option<[Option<usize>; COLUMNS.len()]> {
    let before = problems.len();
    let mut found = [None; COLUMNS.len()];
    for (index, name) in record.iter().enumerate() {
        let slot = COLUMNS.iter().position(|column| *column == name).map(|column| &mut found[column]);
        let message = match slot {
            Some(slot @ None) => {
                *slot = Some(index);
                continue;
            }
            Some(Some(_)) => format!("column `{name}` appears twice"),
            None => format!("unknown column `{name}`"),
        };
        let help = suggest(name, COLUMNS.iter().copied());
        problems.push(text.error("PB001", cell_range(text.content, 0, index), message).help(help));
    }
    let missing: Vec<&str> = COLUMNS
        .iter()
        .zip(found)
        .filter(|(name, found)| found.is_none() && !OPTIONAL.contains(name))
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        problems.push(
            text.error("PB001", 0..0, format!("missing columns: {}", missing.join(", ")))
                .help(format!("start the file with `{}`", COLUMNS.join(","))),
        );
    }
    (problems.len() == before).then_some(found)
}

/// One record, its place, and where its problems go.
struct Cells<'a> {
    text: &'a Text<'a>,
    seller: &'a str,
    names: &'a AllNames,
    schedules: &'a Schedules,
    record: &'a csv::StringRecord,
    columns: &'a [Option<usize>; COLUMNS.len()],
    start: usize,
    problems: &'a mut Vec<Diagnostic>,
}

impl<'a> Cells<'a> {
    fn index(&self, name: &str) -> Option<usize> {
        COLUMNS.iter().position(|column| *column == name).and_then(|column| self.columns[column])
    }

    fn cell(&self, name: &str) -> &'a str {
        self.index(name).and_then(|index| self.record.get(index)).unwrap_or("")
    }

    fn problem(&mut self, name: &str, what: &str, help: impl Into<String>) {
        self.problem_of(rule_of(name), name, what, help);
    }

    fn problem_of(&mut self, code: &'static str, name: &str, what: &str, help: impl Into<String>) {
        let range = cell_range(self.text.content, self.start, self.index(name).unwrap_or(0));
        let message = format!("{name} `{}` {what}", self.cell(name));
        self.problems.push(self.text.error(code, range, message).help(help));
    }

    /// A cell read by `read`; a cell it refuses is a problem with `help`.
    fn read<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>, what: &str, help: &str) -> Option<T> {
        let value = read(self.cell(name));
        if value.is_none() {
            self.problem(name, what, help);
        }
        value
    }

    fn word<T>(
        &mut self,
        name: &str,
        parse: fn(&str) -> Option<T>,
        words: impl Iterator<Item = &'static str> + Clone,
    ) -> Option<T> {
        let value = parse(self.cell(name));
        if value.is_none() {
            let help = suggest(self.cell(name), words);
            self.problem(name, "is not known", help);
        }
        value
    }

    /// A line that is no row at all.
    fn not_a_row(&mut self, width: usize) {
        let rest = &self.text.content[self.start..];
        let range = self.start..self.start + rest.find('\n').unwrap_or(rest.len());
        let (message, help) = if self.record.get(0).is_some_and(is_conflict) {
            ("a merge conflict was left in the file".to_owned(), CONFLICT_HELP)
        } else if self.text.content[range.clone()].contains('\t') {
            (
                "the row is separated by tabs".to_owned(),
                "separate the cells with commas; a spreadsheet saves that as CSV",
            )
        } else {
            (
                format!("the row has {} cells, the header {width}", self.record.len()),
                "quote a cell that holds a comma; keep empty cells as `,,`",
            )
        };
        self.problems.push(self.text.error("PB030", range, message).help(help));
    }

    /// The row, unless a cell is wrong. Every wrong cell is reported, so nothing returns early.
    fn row(&mut self, origin: Origin, layer: Layer, currency: &str) -> Option<PriceRow> {
        let before = self.problems.len();
        let width = self.columns.iter().flatten().count();
        if self.record.len() != width {
            self.not_a_row(width);
            return None;
        }
        let (names, model) = (self.names, self.cell("model"));
        let known = |seller: &str| names.get(seller).is_some_and(|names| names.models.contains_key(model));
        if model != "*" && !known(self.seller) {
            if let Some(other) = names.keys().find(|seller| known(seller)) {
                let help = format!("write the row to prices/{other}.csv");
                self.problem("model", &format!("is a model of {other}, not of {}", self.seller), help);
            } else {
                let own = names.get(self.seller);
                let at = read_instant(self.cell("from")).map_or(0, |(instant, _)| instant);
                let meant = own.and_then(|own| own.exact(&model.to_ascii_lowercase(), at));
                let ids = own.into_iter().flat_map(|own| own.models.keys());
                let help = match meant {
                    Some(id) => format!("write `{id}`, which it means then"),
                    None => suggest(model, ids.map(|id| &**id)),
                };
                self.problem("model", "is not in `models.toml`", help);
            }
        }
        let source = |text: &str| (!text.is_empty()).then_some(());
        self.read("source", source, "is empty", "name an entry of `sources.toml`");
        let meter = self.word("meter", Meter::parse, Meter::ALL.iter().map(|meter| meter.id()));
        let tier = match self.cell("tier") {
            "*" => Some(None),
            _ => self.word("tier", Tier::parse, Tier::ALL.iter().map(|tier| tier.id())).map(Some),
        };
        let ctx = self.read("ctx", read_ctx, "is no context boundary", "write `0`, `>272000` or `>=200000`");
        self.read(
            "region",
            |text| is_region(text).then_some(()),
            "is no region",
            "write `global`, `geo:us`, a cloud region such as `eu-west-1`, or `*`",
        );
        let window = self.cell("window");
        let schedule = self.schedules.get(window);
        if window != "*" && schedule.is_none() {
            let help = suggest(window, self.schedules.keys().map(|id| &**id).chain(["*"]));
            self.problem("window", "is no schedule of `schedules.toml`", help);
        }
        let per =
            self.read("per", |text| read_digits(text).filter(|per| *per > 0), "is no quantity", "1000000");
        self.read(
            "currency",
            |text| (text == currency).then_some(()),
            "is not the book's currency",
            currency,
        );
        let from = self.read(
            "from",
            |text| read_instant(text).map(|(instant, _)| instant),
            "is no instant",
            "write 2026-07-30 or 2026-08-16T16:00Z; a spreadsheet must hold the column as text",
        );
        if schedule.zip(from).is_some_and(|(schedule, from)| from < schedule.start()) {
            self.problem_of(
                "PB025",
                "window",
                "has no version at `from`",
                "add an earlier [[schedule.version]]",
            );
        }
        let recorded =
            self.read("recorded", |text| text.parse().ok(), "is no date", "write a date such as 2026-07-30");
        let rev = self.read(
            "rev",
            |text| read_digits(text).filter(|rev| (1..10_000).contains(rev)),
            "is no revision",
            "1 for the first row of a key and `from`, then 2, 3, …",
        );
        let status =
            self.word("status", PriceStatus::parse, PriceStatus::ALL.iter().map(|status| status.id()));
        let basis = match self.cell("basis") {
            "" => None,
            _ => self.word("basis", PriceBasis::parse, PriceBasis::ALL.iter().map(|basis| basis.id())),
        };
        let until = match self.cell("until") {
            "" => None,
            _ => self.read("until", read_until, "is no date", "write 2026-08-31, or >=2026-11-21"),
        };
        self.read(
            "free",
            |text| matches!(text, "" | "yes").then_some(()),
            "is neither `yes` nor empty",
            "`yes` marks a zero that is meant",
        );
        let unit = self.unit(status, per);
        if self.problems.len() > before {
            self.problems[before..].sort_by_key(|problem| problem.origin.column);
            return None;
        }
        let text = |name: &str| Box::from(self.cell(name));
        Some(PriceRow {
            model: text("model"),
            meter: meter?,
            tier: tier?,
            ctx: ctx?,
            region: text("region"),
            window: text("window"),
            unit,
            price: text("price"),
            per: per?,
            currency: text("currency"),
            from: from?,
            recorded: recorded?,
            rev: rev? as u32,
            status: status?,
            basis,
            until,
            ack: text("ack"),
            free: self.cell("free") == "yes",
            waiver: text("waiver"),
            source: text("source"),
            confirmed: text("confirmed"),
            note: text("note"),
            origin,
            layer,
        })
    }

    /// The unit price. `ended` and `withdrawn` have none, every other status must have one, and a zero must be meant.
    fn unit(&mut self, status: Option<PriceStatus>, per: Option<u64>) -> Option<Ratio> {
        if matches!(status, Some(PriceStatus::Ended | PriceStatus::Withdrawn)) {
            if !self.cell("price").is_empty() {
                self.problem("price", "on a row that ends a price", "leave the price empty");
            }
            return None;
        }
        let price = self.read(
            "price",
            |text| read_decimal(text, 12),
            "is no plain decimal",
            "write it as the source does: `0.25`, no sign, exponent, separator or currency",
        )?;
        if price.is_zero() && self.cell("free") != "yes" {
            self.problem(
                "price",
                "is not marked free",
                "write `yes` under `free` if the seller charges nothing",
            );
        }
        Ratio::price(price, per?)
    }
}

/// The rule a cell of the column breaks when it cannot be read.
fn rule_of(column: &str) -> &'static str {
    match column {
        "price" => "PB005",
        "per" => "PB006",
        "source" => "PB018",
        "window" => "PB025",
        "ctx" => "PB027",
        "currency" => "PB029",
        "from" | "recorded" | "rev" | "until" => "PB030",
        _ => "PB001",
    }
}

/// Bytes of the `index`th cell of the record that starts at `start`, quotes included.
pub(super) fn cell_range(content: &str, start: usize, index: usize) -> Range<usize> {
    let (mut begin, mut seen, mut quoted) = (start, 0, false);
    for (offset, byte) in content.bytes().enumerate().skip(start) {
        match byte {
            b'"' => quoted = !quoted,
            b',' | b'\n' if !quoted => {
                if seen == index || byte == b'\n' {
                    return begin..offset;
                }
                seen += 1;
                begin = offset + 1;
            }
            _ => {}
        }
    }
    begin..content.len()
}
