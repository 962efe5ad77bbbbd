//! One sheet of an XLSX workbook as rows of cells. Formulas give the value the spreadsheet stored for them; macros are
//! never looked at. A double becomes its shortest decimal text; no arithmetic is done on it.

use std::io::{Cursor, Read};

use calamine::{DataRef, Reader, Xlsx};

use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};
use crate::read::cell::{Cell, Form};
use crate::read::source::Source;

/// Bytes of the file, bytes it may unpack to, and cells it may hold.
const MAX_FILE: u64 = 64 << 20;
const MAX_UNPACKED: u64 = 1 << 30;
const MAX_CELLS: u64 = 20_000_000;

/// Rows of the sheet with their number; rows without any cell are left out.
pub fn read_sheet(source: &Source, sheet: Option<&str>) -> Result<Vec<(u64, Vec<Cell>)>> {
    let mut bytes = Vec::new();
    source
        .open()?
        .take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io(source.name.as_ref(), error))?;
    if bytes.len() as u64 > MAX_FILE || unpacked(&bytes).is_none_or(|size| size > MAX_UNPACKED) {
        let message = "not a workbook, or larger than 64 MiB (1 GiB unpacked)";
        return Err(refused(source, message, "save the sheet as CSV and give that"));
    }
    let broken = |error: calamine::XlsxError| {
        refused(
            source,
            &format!("not a readable workbook: {error}"),
            "save it again as .xlsx, or the sheet as CSV",
        )
    };
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(broken)?;
    let names = workbook.sheet_names();
    let name = match (sheet, names.as_slice()) {
        (Some(sheet), names) if names.iter().any(|name| name == sheet) => sheet.to_owned(),
        (None, [only]) => only.clone(),
        (_, names) => {
            let message = match sheet {
                Some(sheet) => format!("no sheet `{sheet}`"),
                None => "the workbook has several sheets".to_owned(),
            };
            let help =
                names.iter().map(|name| format!("sheet = \"{name}\"")).collect::<Vec<_>>().join(" or ");
            return Err(refused(source, &message, &help));
        }
    };
    let mut cells = workbook.worksheet_cells_reader(&name).map_err(broken)?;
    let (mut rows, mut seen) = (Vec::<(u64, Vec<Cell>)>::new(), 0u64);
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        let ((row, column), value) = (cell.get_position(), read_value(cell.get_value()));
        let number = u64::from(row) + 1;
        if rows.last().is_none_or(|(last, _)| *last != number) {
            rows.push((number, Vec::new()));
        }
        let Some((_, cells)) = rows.last_mut() else { continue };
        let column = column as usize;
        // Columns a row leaves out are cells too, once they are in memory.
        seen += column.saturating_sub(cells.len()) as u64 + 1;
        if seen > MAX_CELLS || column >= 16_384 {
            return Err(refused(source, "the sheet has too many cells", "save the used part as CSV"));
        }
        if cells.len() <= column {
            cells.resize(column + 1, Cell::default());
        }
        cells[column] = value;
    }
    Ok(rows)
}

fn refused(source: &Source, message: &str, help: &str) -> Error {
    Diagnostic::error("unreadable-workbook", source.origin(), message).help(help).into()
}

fn read_value(value: &DataRef) -> Cell {
    let number = |text: String| Cell { text, form: Form::Number };
    match value {
        DataRef::Int(value) => number(value.to_string()),
        DataRef::Float(value) => number(value.to_string()),
        DataRef::String(text) => Cell::text(text.as_str()),
        DataRef::SharedString(text) => Cell::text(*text),
        DataRef::Bool(value) => Cell::text(value.to_string()),
        DataRef::DateTime(value) if value.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
            let mut text = format!("{year:04}-{month:02}-{day:02}");
            if (hour, minute, second) != (0, 0, 0) {
                text.push_str(&format!(" {hour:02}:{minute:02}:{second:02}"));
            }
            Cell { text, form: Form::Date }
        }
        DataRef::DateTimeIso(text) => Cell { text: text.clone(), form: Form::Date },
        DataRef::DateTime(value) => number(value.to_string()),
        DataRef::DurationIso(text) => Cell::text(text.as_str()),
        // `#REF!` stays text, so that an amount made of it is refused by name instead of read as nothing.
        DataRef::Error(error) => Cell::text(error.to_string()),
        DataRef::Empty => Cell::default(),
    }
}

/// Unpacked size by the central directory of the archive.
fn unpacked(bytes: &[u8]) -> Option<u64> {
    let word = |at: usize| Some(u64::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    let long = |at: usize| Some(u64::from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)));
    let end = memchr::memmem::rfind(bytes, b"PK\x05\x06")?;
    let (count, mut at) = (word(end + 10)?, long(end + 16)? as usize);
    let mut total = 0;
    for _ in 0..count {
        (bytes.get(at..at + 4)? == b"PK\x01\x02").then_some(())?;
        total += long(at + 24)?;
        at += 46 + (word(at + 28)? + word(at + 30)? + word(at + 32)?) as usize;
    }
    Some(total)
}
