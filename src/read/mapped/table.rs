//! The rows of a table file with their line, whatever the container: CSV, JSON, a workbook sheet.

use super::json;
use super::mapping::{Mapping, TableKind};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::invoice::Reject;
use crate::read::cell::Cell;
use crate::read::records::records;
use crate::read::source::{SampleKind, Source};
use crate::read::workbook;

pub struct Row {
    pub line: u64,
    pub cells: Vec<Cell>,
}

#[derive(Default)]
pub struct Table {
    pub header: Vec<String>,
    pub header_line: u64,
    pub rows: Vec<Row>,
    /// Rows above the header, where a workbook keeps its letterhead and perhaps its total.
    pub above: Vec<Row>,
    pub rejects: Vec<Reject>,
    /// The file itself says that it is not all.
    pub continued: bool,
}

impl Table {
    pub fn read(source: &Source, mapping: &Mapping) -> Result<Table> {
        let sample = source.sample()?;
        let is_json = sample.text.trim_start().starts_with(['{', '[']);
        let detected = match sample.kind {
            SampleKind::Zip => TableKind::Xlsx,
            SampleKind::Text if is_json => TableKind::Jsonl,
            _ => TableKind::Csv,
        };
        let table = match mapping.kind.unwrap_or(detected) {
            TableKind::Csv => Table::csv(source, mapping)?,
            TableKind::Jsonl => json::read(source, &source.text()?),
            TableKind::Xlsx => Table::xlsx(source, mapping)?,
        };
        if table.header.is_empty() {
            let origin = Origin::new(source.name.clone(), mapping.header_row, 0);
            return Err(Diagnostic::error("no-header", origin, "no column names on this row")
                .help("header_row = the line that names the columns, from 1")
                .into());
        }
        Ok(table)
    }

    fn csv(source: &Source, mapping: &Mapping) -> Result<Table> {
        let text = source.text()?;
        // Lines above the header are letterhead, not CSV: they are cut off by line, not parsed.
        let skipped = mapping.header_row - 1;
        let body =
            (0..skipped).try_fold(text.as_str(), |rest, _| rest.split_once('\n').map(|(_, rest)| rest));
        let body = body.unwrap_or("");
        let first = body.lines().next().unwrap_or("");
        let delimiter = mapping.delimiter.unwrap_or_else(|| {
            let count = |delimiter: &char| first.matches(*delimiter).count();
            [',', ';', '\t', '|'].into_iter().rev().max_by_key(count).unwrap_or(',')
        });
        let mut table = Table { header_line: mapping.header_row, ..Table::default() };
        records(source, body, delimiter as u8, &mut |line, record| {
            let line = line + skipped;
            if table.header.is_empty() {
                table.header = record.iter().map(|name| name.trim().to_owned()).collect();
                table.header_line = line;
            } else if record.len() != table.header.len() {
                let reason = format!("{} fields where the header has {}", record.len(), table.header.len());
                let origin = Origin::new(source.name.clone(), line, 0);
                table.rejects.push(Reject { origin, code: "column-count", reason, amount: None });
            } else {
                table.rows.push(Row { line, cells: record.iter().map(Cell::text).collect() });
            }
            Ok(())
        })?;
        Ok(table)
    }

    fn xlsx(source: &Source, mapping: &Mapping) -> Result<Table> {
        let mut table = Table { header_line: mapping.header_row, ..Table::default() };
        for (line, mut cells) in workbook::read_sheet(source, mapping.sheet.as_deref())? {
            if line < mapping.header_row {
                table.above.push(Row { line, cells });
            } else if line == mapping.header_row {
                table.header = cells.into_iter().map(|cell| cell.text.trim().to_owned()).collect();
            } else {
                cells.resize(cells.len().max(table.header.len()), Cell::default());
                table.rows.push(Row { line, cells });
            }
        }
        Ok(table)
    }
}
