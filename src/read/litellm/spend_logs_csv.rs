//! Rows of LiteLLM's `LiteLLM_SpendLogs` table as CSV from `psql`, with JSON cells.
//!
//! `request_id,call_type,spend,startTime,metadata,request_tags`
//! `chatcmpl-1,acompletion,0.024,2026-05-14 09:31:07.412,"{""usage_object"": {…}}","[""env:prod""]"`

use super::attribution::Plan;
use super::call::{Sellers, call};
use super::row::{Row, SLOTS, Slot, decode_metadata, metadata_fields, scan_metadata};
use super::spend_logs::COLUMNS;
use crate::error::Result;
use crate::read::json_scan::{Fields, Quotes};
use crate::read::lines::{Batch, BlockReader, Engine, Shape};
use crate::read::source::Source;
use crate::read::{UsageFormat, UsageOptions, UsageRead};

pub static FORMAT: UsageFormat = UsageFormat {
    id: "litellm-spend-logs-csv",
    family: "litellm",
    about: "LiteLLM spend-log rows by SQL, as CSV with a header and JSON cells",
    sniff: |sample| sample.has_columns(&["request_id", "spend", "startTime"]),
    read,
};

pub(super) struct Form {
    /// The slot of each column, where it is wanted.
    columns: Vec<Option<Slot>>,
    metadata: Fields,
    plan: Plan,
}

pub(super) struct Reader<'f> {
    form: &'f Form,
    sellers: Sellers,
    quotes: Quotes,
    inner_quotes: Quotes,
    /// Cells whose doubled quotes had to be halved, one buffer a slot.
    cells: Vec<Vec<u8>>,
    decoded: Vec<u8>,
}

fn read(source: &Source, options: &UsageOptions) -> Result<UsageRead> {
    let form = Form::new(source, options)?;
    Engine::new(source, options).blocks(Shape::Csv, || form.reader())
}

impl Form {
    pub(super) fn new(source: &Source, options: &UsageOptions) -> Result<Form> {
        let slot = |name: &str| {
            let name = name.trim_matches(['"', ' ']);
            COLUMNS.iter().find(|(column, _)| column.eq_ignore_ascii_case(name)).map(|(_, slot)| *slot)
        };
        let columns = source.sample()?.first_line().split(',').map(slot).collect();
        Ok(Form { columns, metadata: metadata_fields(), plan: Plan::new(&options.tags)? })
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            form: self,
            sellers: Sellers::default(),
            quotes: Quotes::default(),
            inner_quotes: Quotes::default(),
            cells: vec![Vec::new(); SLOTS],
            decoded: Vec::new(),
        }
    }
}

impl BlockReader for Reader<'_> {
    fn read(&mut self, block: &[u8], header: bool, batch: &mut Batch) {
        let mut quotes = std::mem::take(&mut self.quotes);
        quotes.index_plain(block);
        let mut at = 0;
        let mut skip = header;
        while at < block.len() {
            let start = at;
            let (mut row, mut fields) = (Row::new(true), 0);
            let mut cells = std::mem::take(&mut self.cells);
            let outcome = split(block, &quotes, &mut at, |index, cell, doubled| {
                fields = index + 1;
                if let Some(Some(slot)) = self.form.columns.get(index) {
                    let buffer = &mut cells[*slot as usize];
                    buffer.clear();
                    if doubled {
                        halve(cell, buffer);
                    } else {
                        row.slots[*slot as usize] = cell;
                    }
                }
            });
            let line = batch.lines;
            batch.lines += memchr::memchr_iter(b'\n', &block[start..at.min(block.len())]).count() as u64;
            let blank = block[start..at.min(block.len())].trim_ascii().is_empty();
            if !blank && !std::mem::take(&mut skip) {
                for (slot, cell) in row.slots.iter_mut().zip(&cells) {
                    if !cell.is_empty() {
                        *slot = cell;
                    }
                }
                if outcome.is_err() {
                    batch.reject(line, 0, "malformed-csv", "a quoted cell without end");
                } else if fields != self.form.columns.len() {
                    let reason = format!("{fields} cells where the header has {}", self.form.columns.len());
                    batch.reject(line, 0, "malformed-csv", reason);
                } else {
                    let mut decoded = std::mem::take(&mut self.decoded);
                    if row.has(Slot::Metadata) {
                        decode_metadata(row.raw(Slot::Metadata), &mut decoded);
                        scan_metadata(&decoded, &mut self.inner_quotes, &self.form.metadata, &mut row);
                    }
                    match call(&row, &self.form.plan, &mut self.sellers, |kind, name| {
                        batch.note(kind, line, name)
                    }) {
                        Ok(call) => batch.call(&call, line),
                        Err(bad) => batch.reject(line, 0, bad.code, bad.reason),
                    }
                    self.decoded = decoded;
                }
            }
            cells.iter_mut().for_each(Vec::clear);
            self.cells = cells;
        }
        self.quotes = quotes;
    }
}

/// A quoted cell without end.
struct Unclosed;

/// Splits the record at `at` into cells and moves `at` behind it. A cell is given without its outer quotes, and with a
/// flag where quotes in it are doubled.
fn split<'a>(
    block: &'a [u8],
    quotes: &Quotes,
    at: &mut usize,
    mut each: impl FnMut(usize, &'a [u8], bool),
) -> std::result::Result<(), Unclosed> {
    let mut index = 0;
    loop {
        if block.get(*at) == Some(&b'"') {
            let start = *at + 1;
            let (mut from, mut doubled) = (start, false);
            let close = loop {
                let Some(quote) = quotes.next(from) else {
                    *at = block.len();
                    return Err(Unclosed);
                };
                if block.get(quote + 1) != Some(&b'"') {
                    break quote;
                }
                doubled = true;
                from = quote + 2;
            };
            each(index, &block[start..close], doubled);
            *at = close + 1;
        } else {
            let rest = &block[*at..];
            let length = rest.iter().position(|byte| matches!(byte, b',' | b'\n')).unwrap_or(rest.len());
            each(index, rest[..length].trim_ascii_end(), false);
            *at += length;
        }
        index += 1;
        // What stands between a closing quote and the comma is no part of a cell.
        while *at < block.len() && !matches!(block[*at], b',' | b'\n') {
            *at += 1;
        }
        match block.get(*at) {
            Some(b',') => *at += 1,
            _ => {
                *at += 1;
                return Ok(());
            }
        }
    }
}

/// Copies a cell with every doubled quote once.
fn halve(cell: &[u8], buffer: &mut Vec<u8>) {
    let mut rest = cell;
    while let Some(quote) = memchr::memchr(b'"', rest) {
        buffer.extend_from_slice(&rest[..=quote]);
        rest = rest.get(quote + 2..).unwrap_or(&[]);
    }
    buffer.extend_from_slice(rest);
}
