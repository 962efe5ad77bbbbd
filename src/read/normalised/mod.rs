//! The usage table (see [`crate::usage_table`]) from CSV and parquet: what any warehouse can deliver.
//!
//! ```text
//! period_start,provider,served_model,requests,input,cache_read,output,logged_cost
//! 2026-10-01,anthropic,claude-sonnet-4-5,120,18400,96000,5210,0.413
//! ```

mod assemble;
mod header;
#[cfg(test)]
mod tests;
mod values;

use std::borrow::Cow;

use super::cell::is_absent;
use super::source::{Sample, SampleKind, Source};
use super::{UsageFormat, UsageOptions, UsageRead};
use crate::columnar::{Block, Cells, Share, column_names, read_blocks};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::usage_table::guard::unguard;
use crate::usage_table::{Column, columns};
use assemble::Assembler;

pub static CSV: UsageFormat = UsageFormat {
    id: "llmfin-usage-csv",
    family: "llmfin",
    about: "usage table of llmfin, from any warehouse, as CSV",
    sniff: |sample| sample.kind == SampleKind::Text && is_usage_table(sample),
    read: read_csv,
};

pub static PARQUET: UsageFormat = UsageFormat {
    id: "llmfin-usage-parquet",
    family: "llmfin",
    about: "usage table of llmfin, from any warehouse, as parquet",
    sniff: |sample| sample.kind == SampleKind::Parquet && is_usage_table(sample),
    read: read_parquet,
};

const BLOCK_ROWS: usize = 4096;

fn is_usage_table(sample: &Sample) -> bool {
    sample.has_columns(&["period_start", "provider", "served_model"])
}

fn read_parquet(source: &Source, options: &UsageOptions) -> Result<UsageRead> {
    let schema = columns();
    let names = column_names(source)?;
    let notes = header::check(&names, &schema, &source.origin())?;
    let wanted: Vec<&str> = schema.iter().map(|column| column.name.as_str()).collect();
    // Ids are kept in one place, in file order; sums can be shared out.
    let ids = names.iter().any(|name| name.eq_ignore_ascii_case("request_id"));
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = match options.threads {
        // One who looks on sees the rows in their order.
        _ if ids || options.onlooker.is_some() => 1,
        0 => cores(),
        threads => threads,
    };
    let read_share = |index: usize| -> Result<Assembler> {
        let mut assembler = Assembler::new(options);
        read_blocks(source, &wanted, Share { index, of: threads }, &mut |block| {
            let place = |row: usize| Origin::new(source.name.clone(), block.first_row + row as u64, 0);
            assembler.block(block, &place);
            Ok(())
        })?;
        Ok(assembler)
    };
    let parts: Vec<Result<Assembler>> = std::thread::scope(|scope| {
        let handles: Vec<_> = (1..threads).map(|index| scope.spawn(move || read_share(index))).collect();
        let first = read_share(0);
        let rest = handles.into_iter().map(|handle| {
            handle.join().unwrap_or_else(|_| Err(Error::Internal("a reading thread failed".into())))
        });
        std::iter::once(first).chain(rest).collect()
    });
    let mut whole = Assembler::new(options);
    for part in parts {
        whole.merge(part?);
    }
    Ok(whole.finish(&source.origin(), notes))
}

fn read_csv(source: &Source, options: &UsageOptions) -> Result<UsageRead> {
    let schema = columns();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(source.open()?);
    let mut header = csv::ByteRecord::new();
    reader.read_byte_record(&mut header).map_err(|error| unreadable(source, &error))?;
    let names: Vec<String> =
        header.iter().map(|cell| text(cell).trim_start_matches('\u{feff}').trim().to_owned()).collect();
    let notes = header::check(&names, &schema, &Origin::new(source.name.clone(), 1, 0))?;
    let mut assembler = Assembler::new(options);
    let mut records: Vec<csv::ByteRecord> = Vec::with_capacity(BLOCK_ROWS);
    loop {
        let mut record = csv::ByteRecord::new();
        let more = reader.read_byte_record(&mut record).map_err(|error| unreadable(source, &error))?;
        if more {
            if record.len() == names.len() {
                records.push(record);
            } else {
                let reason = format!("{} fields where the header has {}", record.len(), names.len());
                assembler.reject(place(source, &record), "ragged-row", reason, None);
            }
        }
        if records.len() == BLOCK_ROWS || (!more && !records.is_empty()) {
            let columns = schema.iter().map(|column| csv_column(&records, &names, column)).collect();
            let block = Block { first_row: 1, rows: records.len(), columns };
            assembler.block(&block, &|row| place(source, &records[row]));
            records.clear();
        }
        if !more {
            return Ok(assembler.finish(&source.origin(), notes));
        }
    }
}

fn csv_column<'r>(records: &'r [csv::ByteRecord], names: &[String], column: &Column) -> Option<Cells<'r>> {
    let index = names.iter().position(|name| name.eq_ignore_ascii_case(&column.name))?;
    let mut texts = Vec::with_capacity(records.len());
    let codes = records
        .iter()
        .map(|record| {
            let cell = text(record.get(index)?);
            // CSV has no null of its own: what parquet leaves out, exporters write as a word.
            if is_absent(&cell) {
                return None;
            }
            texts.push(match cell {
                Cow::Borrowed(text) => Cow::Borrowed(unguard(text)),
                Cow::Owned(text) => Cow::Owned(unguard(&text).to_owned()),
            });
            Some(texts.len() as u32 - 1)
        })
        .collect();
    Some(Cells::Texts { codes, texts })
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn place(source: &Source, record: &csv::ByteRecord) -> Origin {
    Origin::new(source.name.clone(), record.position().map_or(0, csv::Position::line), 0)
}

fn unreadable(source: &Source, error: &csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    Diagnostic::error(
        "unreadable-csv",
        Origin::new(source.name.clone(), line, 0),
        format!("cannot read as CSV: {error}"),
    )
    .help("export or copy the file again; a cut transfer is the usual reason")
    .into()
}
