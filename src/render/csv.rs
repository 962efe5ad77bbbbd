//! CSV for spreadsheets and scripts: every digit, plain decimals, and no text that a spreadsheet would run.

use std::borrow::Cow;

use super::printable;
use crate::error::{Error, Result};
use crate::inert::is_hidden;
use crate::report::sheet::{Cell, Sheet};

pub fn render(sheet: &Sheet) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| Error::Internal(format!("csv of {}: {error}", sheet.name));
    writer.write_record(sheet.columns.iter().map(|column| column.name)).map_err(failed)?;
    for row in sheet.rows.iter().chain(&sheet.total) {
        writer.write_record(row.iter().map(|cell| text(cell).into_owned())).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::Internal(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Error::Internal(error.to_string()))
}

fn text(cell: &Cell) -> Cow<'_, str> {
    match cell {
        Cell::Text(text) => inert(text),
        Cell::Integer(number) => number.to_string().into(),
        Cell::Money(amount) => amount.plain().into(),
        Cell::Ratio(ratio) => ratio.into(),
        Cell::Day(day) => day.to_string().into(),
        Cell::Flag(flag) => if *flag { "true" } else { "false" }.into(),
        Cell::Empty => "".into(),
    }
}

/// Text that a spreadsheet would take for a formula is marked as text with an apostrophe; what would steer a terminal
/// goes, line breaks stay.
fn inert(text: &str) -> Cow<'_, str> {
    let text: Cow<str> = if text.contains(is_hidden) {
        text.split('\n').map(printable).collect::<Vec<_>>().join("\n").into()
    } else {
        text.into()
    };
    let formula = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    if text.trim_start().starts_with(formula) { format!("'{text}").into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sheet::{Column, Kind};

    #[test]
    fn amounts_stay_numbers_and_formulas_become_text() {
        let mut sheet = Sheet::new(
            "x",
            "",
            vec![Column::new("text", "Text", Kind::Text), Column::new("amount", "Amount", Kind::Money)],
        );
        sheet.rows = [
            "=HYPERLINK(\"http://a\")",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            " \n=1",
            "\u{1b}[2J=1",
            "plain, text",
        ]
        .map(|text| vec![text.into(), Cell::Money("-0.000125".parse().unwrap())])
        .to_vec();
        let text = render(&sheet).unwrap();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), 9);
        for row in &rows[..8] {
            assert!(row[0].starts_with('\'') && !row[0].contains('\u{1b}'), "{row:?}");
        }
        assert_eq!(&rows[8][0], "plain, text");
        assert_eq!(inert("abc\u{202e}gpj.exe\u{feff}"), "abcgpj.exe");
        assert!(rows.iter().all(|row| &row[1] == "-0.000125"));
    }
}
