//! Helpers for the tests of document readers: read text as a file, and check that every row is accounted for.

use std::collections::{BTreeMap, BTreeSet};

use super::DocumentFormat;
use super::source::Source;
use crate::error::Result;
use crate::invoice::Document;
use crate::money::Money;
use crate::vocabulary::Meter;

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

/// Quantities of one day by meter.
pub fn quantities(document: &Document, day: &str) -> BTreeMap<Meter, i128> {
    let mut sums = BTreeMap::new();
    for line in document.lines.iter().filter(|line| line.period.first.to_string() == day) {
        if let (Some(meter), Some(quantity)) = (line.meter, line.quantity) {
            *sums.entry(meter).or_default() += quantity;
        }
    }
    sums
}

/// Ids of the formats that recognise a text.
pub fn detected(formats: &[&DocumentFormat], text: &str) -> Vec<&'static str> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let sample = Source::file(file.path(), "bill").sample().unwrap();
    formats.iter().filter(|format| (format.sniff)(&sample)).map(|format| format.id).collect()
}

#[test]
fn every_sample_file_is_recognised_by_its_format_alone() {
    for format in super::DOCUMENT_FORMATS {
        for (name, bytes) in samples(format.id) {
            let found = detected(super::DOCUMENT_FORMATS, &String::from_utf8_lossy(&bytes));
            // An empty range gives the same four columns for cost and usage.
            let expected = if name.ends_with("empty.csv") { "openai-cost-csv" } else { format.id };
            assert_eq!(found, [expected], "{}/{name}", format.id);
        }
    }
}

/// Name and bytes of the sample files of one format, in order.
fn samples(format: &str) -> BTreeMap<String, Vec<u8>> {
    let path = format!("{}/fixtures/formats/{format}", env!("CARGO_MANIFEST_DIR"));
    let Ok(files) = std::fs::read_dir(path) else { return BTreeMap::new() };
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.unwrap();
        (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap())
    };
    files.map(read).collect()
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 64, failure_persistence: None, ..Default::default() })]

    /// Damaged files never panic, and a document that is still read accounts for every row.
    #[test]
    fn damage_never_panics_and_never_loses_a_row(
        flips in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 0..8),
        cut in proptest::option::of(proptest::prelude::any::<proptest::sample::Index>()),
    ) {
        for format in super::DOCUMENT_FORMATS.iter().filter(|format| matches!(format.family, "openai" | "anthropic")) {
            for (name, mut bytes) in samples(format.id) {
                for (place, byte) in &flips {
                    let place = place.index(bytes.len());
                    bytes[place] = *byte;
                }
                if let Some(cut) = &cut {
                    bytes.truncate(cut.index(bytes.len()));
                }
                match read(format, &bytes) {
                    Ok(document) => assert_eq!(document.rows, accounted(&document), "{}/{name}", format.id),
                    Err(crate::error::Error::Input(diagnostics)) => {
                        assert!(diagnostics.iter().all(|diagnostic| diagnostic.help.is_some()), "{}/{name}", format.id);
                    }
                    Err(error) => panic!("{}/{name}: {error}", format.id),
                }
            }
        }
    }
}
