//! Helpers for the tests of document readers: read text as a file, and check that every row is accounted for.

use std::collections::{BTreeMap, BTreeSet};

use super::DocumentFormat;
use super::source::Source;
use crate::error::Result;
use crate::invoice::Document;
use crate::money::Money;

/// A sample file under `fixtures/formats/`.
pub fn fixture(format: &str, file: &str) -> String {
    let path = format!("{}/fixtures/formats/{format}/{file}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Reads bytes as a file named `bill`.
pub fn read(format: &DocumentFormat, bytes: &[u8]) -> Result<Document> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    (format.read)(&Source::file(file.path(), "bill"))
}

/// Reads text that the format must recognise and accept, and checks the count of its rows.
pub fn document(format: &DocumentFormat, text: &str) -> Document {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let source = Source::file(file.path(), "bill");
    assert!((format.sniff)(&source.sample().unwrap()), "{} does not recognise the file", format.id);
    let document = (format.read)(&source).unwrap();
    assert_eq!(document.rows, accounted(&document));
    document
}

/// Rows that ended somewhere: `rows` must equal this.
pub fn accounted(document: &Document) -> u64 {
    let rows: BTreeSet<_> = document.lines.iter().map(|line| &line.origin).collect();
    rows.len() as u64 + document.empty_rows + document.out_of_scope + document.rejects.len() as u64
}

/// Amounts by first day, as plain text.
pub fn by_day(document: &Document) -> Vec<(String, String)> {
    let mut days = BTreeMap::<_, Money>::new();
    for line in &document.lines {
        *days.entry(line.period.first).or_default() += line.amount.unwrap_or_default();
    }
    days.into_iter().map(|(day, amount)| (day.to_string(), amount.plain())).collect()
}
