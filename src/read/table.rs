//! Rows of a CSV document by header name, each with its line: a byte-order mark, CRLF and quoting are read away,
//! unknown columns are named once, and a row with another number of fields than the header is a reject.
//!
//! ```text
//! start_time,amount_value,line_item
//! 1782864000,9.2105650000000000,"gpt-5.5-2026-04-23, input"
//! ```

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::invoice::Reject;
use crate::read::source::Source;

/// A CSV document in memory.
pub struct Table {
    file: Arc<str>,
    text: String,
    header: Vec<String>,
}

/// One row; cells are trimmed text by column name.
pub struct Row<'t> {
    pub origin: Origin,
    header: &'t [String],
    cells: csv::StringRecord,
}

impl Table {
    /// Reads the document and its header. Columns are found by name whatever their order or case.
    pub fn read(source: &Source) -> Result<Table> {
        let mut table = Table { file: source.name.clone(), text: source.text()?, header: Vec::new() };
        let mut cells = csv::StringRecord::new();
        if matches!(reader(&table.text).read_record(&mut cells), Ok(true)) {
            table.header = cells.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
        }
        if table.header.is_empty() {
            return Err(Diagnostic::error("empty-file", source.origin(), "the file has no header line")
                .help("export it again")
                .into());
        }
        for (index, name) in table.header.iter().enumerate() {
            if !name.is_empty() && table.header[..index].contains(name) {
                let message = format!("column `{name}` occurs twice");
                return Err(Diagnostic::error(
                    "duplicate-column",
                    Origin::new(table.file.clone(), 1, 0),
                    message,
                )
                .help("delete the column that does not belong, or export the file again")
                .into());
            }
        }
        Ok(table)
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    pub fn has(&self, column: &str) -> bool {
        self.header.iter().any(|name| name == column)
    }

    /// An error that names every one of `columns` the header lacks.
    pub fn require(&self, columns: &[&str]) -> Result<()> {
        let missing: Vec<&str> = columns.iter().copied().filter(|column| !self.has(column)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("missing column `{}`", missing.join("`, `"));
        Err(Diagnostic::error("missing-column", Origin::new(self.file.clone(), 1, 0), message)
            .excerpt(self.header.join(",").chars().take(200).collect::<String>(), None)
            .help("export the file again with all columns, or name its format: `llmfin formats` lists them")
            .into())
    }

    /// A note naming the columns outside `known`, which are not read.
    pub fn unknown_columns(&self, known: &[&str]) -> Option<Diagnostic> {
        let unknown: Vec<&str> =
            self.header.iter().map(String::as_str).filter(|name| !known.contains(name)).collect();
        (!unknown.is_empty()).then(|| {
            let message = format!("{} columns not read: `{}`", unknown.len(), unknown.join("`, `"));
            Diagnostic::note("unknown-columns", Origin::new(self.file.clone(), 1, 0), message)
        })
    }

    /// Every row after the header. Blank lines are no rows; a row that does not fit the header is a reject.
    pub fn rows(&self) -> impl Iterator<Item = std::result::Result<Row<'_>, Reject>> {
        let mut reader = reader(&self.text);
        let (mut line, mut counted) = (1u64, 0usize);
        let mut first = true;
        std::iter::from_fn(move || {
            loop {
                let mut cells = csv::StringRecord::new();
                // Text is UTF-8 and the reader is flexible: nothing but the end stops it.
                if !matches!(reader.read_record(&mut cells), Ok(true)) {
                    return None;
                }
                // The reader's own line number lags behind CRLF and blank lines: count from the bytes.
                let bytes = self.text.as_bytes();
                let mut start = cells.position().map_or(0, |place| place.byte() as usize);
                while bytes.get(start).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
                    start += 1;
                }
                line += (counted..start).filter(|at| ends_line(bytes, *at)).count() as u64;
                counted = start;
                if std::mem::take(&mut first) {
                    continue;
                }
                let end = (reader.position().byte() as usize).min(bytes.len());
                let quotes = bytes[start..end].iter().filter(|byte| **byte == b'"').count();
                return Some(self.row(Origin::new(self.file.clone(), line, 0), cells, quotes % 2 == 0));
            }
        })
    }

    fn row(
        &self,
        origin: Origin,
        cells: csv::StringRecord,
        closed: bool,
    ) -> std::result::Result<Row<'_>, Reject> {
        let (code, reason) = if !closed {
            let lines = cells.iter().map(|cell| cell.matches('\n').count()).sum::<usize>() + 1;
            let s = if lines == 1 { "" } else { "s" };
            ("open-quote", format!("a quote is not closed and runs over {lines} line{s}"))
        } else if cells.len() != self.header.len() {
            ("ragged-row", format!("{} fields where the header has {}", cells.len(), self.header.len()))
        } else {
            return Ok(Row { origin, header: &self.header, cells });
        };
        Err(Reject { origin, code, reason, amount: None })
    }
}

impl<'t> Row<'t> {
    /// The trimmed cell; empty where the column is missing or the cell is blank.
    pub fn get(&self, column: &str) -> &str {
        let index = self.header.iter().position(|name| name == column);
        index.and_then(|index| self.cells.get(index)).unwrap_or("").trim()
    }

    /// Every cell with its column name.
    pub fn cells(&self) -> impl Iterator<Item = (&str, &str)> {
        self.header.iter().map(String::as_str).zip(self.cells.iter().map(str::trim))
    }

    /// The cell, where it is not blank.
    pub fn filled(&self, column: &str) -> Option<&str> {
        Some(self.get(column)).filter(|cell| !cell.is_empty())
    }
}

/// True at the last byte of a line break: LF, CRLF or a CR alone, which ends records too.
fn ends_line(bytes: &[u8], at: usize) -> bool {
    bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
}

fn reader(text: &str) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Table::read(&Source::file(file.path(), "bill.csv")).unwrap()
    }

    #[test]
    fn rows_keep_their_line_through_bom_crlf_quotes_and_blank_lines() {
        let table = table("\u{feff}Day,Item\r\n1,\"a, b\"\r\n\r\n2,\"two\r\nlines\"\r\n3,c");
        let rows: Vec<String> = table
            .rows()
            .map(|row| row.map(|row| format!("{} {}={}", row.origin, row.get("day"), row.get("item"))))
            .collect::<std::result::Result<_, _>>()
            .unwrap();
        assert_eq!(rows, ["bill.csv:2 1=a, b", "bill.csv:4 2=two\r\nlines", "bill.csv:6 3=c"]);
    }

    #[test]
    fn a_carriage_return_alone_ends_a_line() {
        let table = table("a,b\r1,2\r3,4\r");
        let lines: Vec<u64> = table.rows().map(|row| row.map_or(0, |row| row.origin.line)).collect();
        assert_eq!(lines, [2, 3]);
    }

    #[test]
    fn a_row_that_does_not_fit_is_a_reject_with_its_line() {
        let table = table("a,b\n1,2\n3\n4,5,6\n7,\"8\n9,10\n");
        let rejects: Vec<String> = table
            .rows()
            .filter_map(std::result::Result::err)
            .map(|reject| format!("{} {}", reject.origin, reject.reason))
            .collect();
        assert_eq!(
            rejects,
            [
                "bill.csv:3 1 fields where the header has 2",
                "bill.csv:4 3 fields where the header has 2",
                "bill.csv:5 a quote is not closed and runs over 3 lines",
            ]
        );
    }

    #[test]
    fn columns_are_found_by_name_and_missing_or_unknown_ones_are_named() {
        let table = table("b,A,extra\n2,1,x\n");
        let row = table.rows().next().unwrap().ok().unwrap();
        assert_eq!((row.get("a"), row.get("b"), row.filled("missing")), ("1", "2", None));
        assert_eq!(table.require(&["a", "amount"]).unwrap_err().to_string(), "missing column `amount`");
        assert_eq!(table.unknown_columns(&["a", "b"]).unwrap().message, "1 columns not read: `extra`");
    }
}
