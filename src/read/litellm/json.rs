//! LiteLLM records as JSON: one a line, or whole texts that hold an array, an envelope or single objects.
//!
//! `{"request_id": "msg_01", "spend": 0.04, …}` or `[{…}, {…}]` or `{"data": [{…}], "total": 2}`

use super::attribution::Plan;
use super::call::{Sellers, call};
use super::row::{Row, Slot, decode_metadata, metadata_fields, record_fields, scan_metadata};
use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::read::json_scan::{Fields, Quotes, Scan, Syntax, first_keys};
use crate::read::lines::{Batch, BlockReader, Engine, Shape};
use crate::read::source::{Sample, Source};
use crate::read::{UsageOptions, UsageRead};

const DOUBLED: &str = "doubled-backslashes";

/// What all threads read with.
struct Form {
    record: Fields,
    metadata: Fields,
    plan: Plan,
}

struct Reader<'f> {
    form: &'f Form,
    sellers: Sellers,
    quotes: Quotes,
    inner_quotes: Quotes,
    decoded: Vec<u8>,
}

impl Form {
    fn new(columns: &[(&'static str, Slot)], options: &UsageOptions) -> Result<Form> {
        let (record, metadata) = (record_fields(columns), metadata_fields());
        Ok(Form { record, metadata, plan: Plan::new(&options.tags)? })
    }

    fn reader(&self) -> Reader<'_> {
        Reader {
            form: self,
            sellers: Sellers::default(),
            quotes: Quotes::default(),
            inner_quotes: Quotes::default(),
            decoded: Vec::new(),
        }
    }
}

/// Reads a source in any of the JSON layouts.
pub fn read(source: &Source, options: &UsageOptions, columns: &[(&'static str, Slot)]) -> Result<UsageRead> {
    let engine = Engine::new(source, options);
    if is_lines(&source.sample()?) {
        return read_lines(engine, options, columns);
    }
    let form = Form::new(columns, options)?;
    let text = source.text()?;
    let (mut reader, mut quotes) = (form.reader(), Quotes::default());
    quotes.index(text.as_bytes());
    Ok(engine.records(|batch, flush| reader.whole(text.as_bytes(), &quotes, batch, flush)))
}

/// Reads one record a line.
pub fn read_lines(
    engine: Engine,
    options: &UsageOptions,
    columns: &[(&'static str, Slot)],
) -> Result<UsageRead> {
    let form = Form::new(columns, options)?;
    let read = engine.blocks(Shape::Lines, || form.reader())?;
    match read.rejects.iter().find(|reject| reject.code == DOUBLED) {
        Some(reject) => Err(Diagnostic::error(
            DOUBLED,
            reject.origin.clone(),
            "psql's text format doubled every backslash of this JSON",
        )
        .help("export with `psql -At -c 'SELECT row_to_json(t) FROM (…) t'`, or as CSV")
        .into()),
        None => Ok(read),
    }
}

/// One record a line, unless the first line is no record: an array, an envelope, or an object over several lines.
fn is_lines(sample: &Sample) -> bool {
    let text = sample.text.trim_start();
    if text.starts_with('[') || first_keys(text).contains(&"data") {
        return false;
    }
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or("");
    let mut quotes = Quotes::default();
    quotes.index(first.as_bytes());
    let whole =
        Scan::new(first.as_bytes(), &quotes, 0..first.len()).document(&Fields::new(&[]), &mut []).is_ok();
    whole || lines.next().is_none_or(|second| second.starts_with('{'))
}

impl BlockReader for Reader<'_> {
    fn read(&mut self, block: &[u8], _header: bool, batch: &mut Batch) {
        let mut quotes = std::mem::take(&mut self.quotes);
        quotes.index(block);
        let mut start = 0;
        while start < block.len() {
            let end = memchr::memchr(b'\n', &block[start..]).map_or(block.len(), |length| start + length);
            self.record(block, &quotes, start..end, batch.lines, batch);
            batch.lines += 1;
            start = end + 1;
        }
        self.quotes = quotes;
    }
}

impl Reader<'_> {
    fn record(
        &mut self,
        text: &[u8],
        quotes: &Quotes,
        range: std::ops::Range<usize>,
        line: u64,
        batch: &mut Batch,
    ) {
        if text[range.clone()].trim_ascii().is_empty() {
            return;
        }
        let mut row = Row::new(false);
        let start = range.start;
        if let Err(error) = Scan::new(text, quotes, range.clone()).document(&self.form.record, &mut row.slots)
        {
            return self.malformed(&text[range], start, error, line, batch);
        }
        let mut decoded = std::mem::take(&mut self.decoded);
        if row.has(Slot::Metadata) {
            decode_metadata(row.raw(Slot::Metadata), &mut decoded);
            scan_metadata(&decoded, &mut self.inner_quotes, &self.form.metadata, &mut row);
        }
        match call(&row, &self.form.plan, &mut self.sellers, |kind, name| batch.note(kind, line, name)) {
            Ok(call) => batch.call(&call, line),
            Err(bad) => batch.reject(line, 0, bad.code, bad.reason),
        }
        self.decoded = decoded;
    }

    fn malformed(&mut self, record: &[u8], start: usize, error: Syntax, line: u64, batch: &mut Batch) {
        let column = (error.at - start + 1).min(u32::MAX as usize) as u32;
        if memchr::memmem::find(record, b"\\\\").is_some() {
            let single = String::from_utf8_lossy(record).replace("\\\\", "\\");
            let mut quotes = Quotes::default();
            quotes.index(single.as_bytes());
            let mut slots = Row::new(false).slots;
            if Scan::new(single.as_bytes(), &quotes, 0..single.len())
                .document(&self.form.record, &mut slots)
                .is_ok()
            {
                return batch.reject(line, column, DOUBLED, "valid only with every doubled backslash halved");
            }
        }
        let (code, reason) = match record.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(0) => ("nul-bytes", "the line holds zero bytes, as after a crash of the writer"),
            Some(b'{') => ("malformed-json", error.what),
            _ => ("not-an-object", "the line is not a JSON object"),
        };
        batch.reject(line, column, code, reason);
    }

    /// Reads a text that is one or several JSON values: arrays of records, envelopes with `data`, records.
    fn whole(&mut self, text: &[u8], quotes: &Quotes, batch: &mut Batch, flush: &mut dyn FnMut(&mut Batch)) {
        let mut scan = Scan::new(text, quotes, 0..text.len());
        let (mut counted, mut lines) = (0, 0);
        let mut line_at = move |at: usize| {
            lines += memchr::memchr_iter(b'\n', &text[counted..at.max(counted)]).count() as u64;
            counted = at.max(counted);
            lines
        };
        // Every line is counted from the start of the text, so the batches add none.
        let mut each = |reader: &mut Reader<'_>, value: &[u8], at: usize| {
            let line = line_at(at);
            reader.record(text, quotes, at..at + value.len(), line, batch);
            if batch.pending() >= 1000 {
                flush(batch);
            }
        };
        let result = loop {
            let step = match scan.peek() {
                0 if scan.at() >= text.len() => break Ok(()),
                b'[' => scan.array(|value, at| each(self, value, at)),
                _ => scan.next_value().map(|(value, at)| {
                    let mut data = None;
                    // Not an object: `record` will say so.
                    let _ = Scan::new(text, quotes, at..at + value.len()).entries(|key, value, at| {
                        if key == b"data" && value.starts_with(b"[") {
                            data = Some(at..at + value.len());
                        }
                    });
                    match data {
                        Some(range) => {
                            // The value was stepped over whole, so its array is complete.
                            let _ = Scan::new(text, quotes, range).array(|value, at| each(self, value, at));
                        }
                        None => each(self, value, at),
                    }
                }),
            };
            if let Err(error) = step {
                break Err(error);
            }
        };
        if let Err(error) = result {
            let line = line_at(error.at);
            batch.reject(
                line,
                0,
                "malformed-json",
                format!("{}: the rest of the file is not read", error.what),
            );
        }
    }
}
