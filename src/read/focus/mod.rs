//! FOCUS 1.0 to 1.4 "cost and usage" exports, as CSV and as parquet: the shape AWS, Microsoft and others share.
//!
//! ```text
//! BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ConsumedQuantity,ConsumedUnit,SkuMeter,…
//! 3.75,USD,Usage,2026-08-03T00:00:00Z,1250000,Tokens,Input Tokens,…
//! ```
//!
//! `BilledCost` is the amount: it is the only column that adds up to an invoice.

#[cfg(test)]
mod clouds_test;
mod gather;
mod google;
mod header;
mod meter;
mod model;
mod quantity;
mod row;
mod scope;
#[cfg(test)]
mod tests;
mod tools;

pub(crate) use quantity::whole;

use crate::columnar;
use crate::diagnostic::Origin;
use crate::error::Result;
use crate::invoice::{Document, DocumentKind};
use crate::read::DocumentFormat;
use crate::read::records::records;
use crate::read::source::{Sample, SampleKind, Source};
use gather::Gather;
use header::Header;

pub static FOCUS_CSV: DocumentFormat = DocumentFormat {
    id: "focus-csv",
    family: "focus",
    about: "FOCUS 1.0 to 1.4 cost and usage, CSV",
    kind: DocumentKind::Cost,
    sniff: |sample: &Sample| {
        sample.kind == SampleKind::Text && sample.has_columns(&["BilledCost", "ChargePeriodStart"])
    },
    read: read_csv,
};

/// Like the CSV form; the columns are the same.
pub static FOCUS_PARQUET: DocumentFormat = DocumentFormat {
    id: "focus-parquet",
    family: "focus",
    about: "FOCUS 1.0 to 1.4 cost and usage, parquet",
    kind: DocumentKind::Cost,
    sniff: |sample: &Sample| {
        sample.kind == SampleKind::Parquet && sample.has_columns(&["BilledCost", "ChargePeriodStart"])
    },
    read: read_parquet,
};

fn read_csv(source: &Source) -> Result<Document> {
    let text = source.text()?;
    let mut gather: Option<Gather> = None;
    records(source, &text, b',', &mut |line, record| match &mut gather {
        None => {
            gather = Some(Gather::new("focus-csv", source, Header::read(source, record.iter(), line)?));
            Ok(())
        }
        Some(gather) => {
            let cells: Vec<&str> = record.iter().collect();
            gather.row(Origin::new(source.name.clone(), line, 0), &cells)
        }
    })?;
    gather.ok_or_else(|| header::unusable(source, 1, "the file has no header line"))?.finish()
}

fn read_parquet(source: &Source) -> Result<Document> {
    let names = columnar::column_names(source)?;
    let header = Header::read(source, names.iter().map(String::as_str), 0)?;
    // Columns that nothing here looks at may be of types that have no text: they stay unread, but count as present.
    let wanted: Vec<&str> = names.iter().map(String::as_str).filter(|name| header::is_read(name)).collect();
    let places: Vec<Option<usize>> =
        names.iter().map(|name| wanted.iter().position(|wanted| wanted == name)).collect();
    let mut gather = Gather::new("focus-parquet", source, header);
    columnar::read_table(source, &wanted, &mut |row| {
        let cell = |place: &Option<usize>| place.and_then(|place| row.get(place)).unwrap_or("");
        gather.row(row.origin(source), &places.iter().map(cell).collect::<Vec<_>>())
    })?;
    gather.finish()
}
