//! CSV records with the line each begins on.

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::read::source::Source;

/// Calls `each` with line number and fields of every record; blank lines are no records.
pub fn records(
    source: &Source,
    text: &str,
    delimiter: u8,
    each: &mut dyn FnMut(u64, &csv::StringRecord) -> Result<()>,
) -> Result<()> {
    let mut builder = csv::ReaderBuilder::new();
    let mut reader =
        builder.has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    loop {
        let (start, line) = (reader.position().byte() as usize, reader.position().line());
        // The reader steps over blank lines silently; the record begins after them.
        let rest = text.as_bytes().get(start..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
        let line = line + blank.filter(|byte| **byte == b'\n').count() as u64;
        match reader.read_record(&mut record) {
            Ok(true) => each(line, &record)?,
            Ok(false) => return Ok(()),
            Err(error) => {
                let origin = Origin::new(source.name.clone(), line, 0);
                return Err(Diagnostic::error("not-csv", origin, format!("not a CSV file: {error}"))
                    .help("export the file again as CSV")
                    .into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_blank_and_quoted_breaks() {
        let mut seen = Vec::new();
        let text = "a,b\r\n\r\n\"x\ny\",1\n\n\n2,3";
        let source = Source::file("t.csv", "t.csv");
        records(&source, text, b',', &mut |line, record| {
            seen.push((line, record.len()));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [(1, 2), (3, 2), (7, 2)]);
    }
}
