//! The rows of a table file with their line, whatever the container: CSV, JSON lines, a JSON array, a workbook sheet.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::mapping::{Mapping, TableKind};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::invoice::Reject;
use crate::read::cell::{Cell, Form};
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
            TableKind::Jsonl => Table::json(source, &source.text()?),
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

    /// Objects, one a line or in one array. The columns are all keys that occur.
    fn json(source: &Source, text: &str) -> Table {
        let mut table = Table { header_line: 1, ..Table::default() };
        let mut columns = BTreeMap::new();
        let array = serde_json::from_str::<Vec<&RawValue>>(text).ok();
        let items: Vec<(u64, &str)> = match &array {
            Some(array) => {
                let (mut items, mut line, mut seen) = (Vec::new(), 1, 0);
                for item in array.iter().map(|item| item.get()) {
                    let start = item.as_ptr() as usize - text.as_ptr() as usize;
                    line += text[seen..start].matches('\n').count() as u64;
                    seen = start;
                    items.push((line, item));
                }
                items
            }
            None => text
                .lines()
                .enumerate()
                .map(|(index, line)| (index as u64 + 1, line.trim()))
                .filter(|(_, line)| !line.is_empty())
                .collect(),
        };
        for (line, item) in items {
            match serde_json::from_str::<Map<String, Value>>(item) {
                Ok(object) => {
                    let mut cells = Vec::new();
                    for (key, value) in object {
                        let next = columns.len();
                        let column = *columns.entry(key.clone()).or_insert(next);
                        if column == next {
                            table.header.push(key);
                        }
                        if cells.len() <= column {
                            cells.resize(column + 1, Cell::default());
                        }
                        cells[column] = json_cell(value);
                    }
                    table.rows.push(Row { line, cells });
                }
                Err(_) => table.rejects.push(Reject {
                    origin: Origin::new(source.name.clone(), line, 0),
                    code: "not-json",
                    reason: "the line is not a JSON object".to_owned(),
                    amount: None,
                }),
            }
        }
        for row in &mut table.rows {
            row.cells.resize(table.header.len(), Cell::default());
        }
        table
    }
}

/// A number keeps the digits the file wrote.
fn json_cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::default(),
        Value::String(text) => Cell::text(text),
        Value::Number(number) => Cell { text: number.to_string(), form: Form::Number },
        other => Cell::text(other.to_string()),
    }
}
