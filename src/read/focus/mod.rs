//! FOCUS 1.0 to 1.4 "cost and usage" exports, as CSV and as parquet: the shape AWS, Microsoft and others share.
//!
//! ```text
//! BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ConsumedQuantity,ConsumedUnit,SkuMeter,…
//! 3.75,USD,Usage,2026-08-03T00:00:00Z,1250000,Tokens,Input Tokens,…
//! ```
//!
//! `BilledCost` is the amount: it is the only column that adds up to an invoice.

mod gather;
mod header;
mod meter;
mod model;
mod quantity;
mod row;
mod scope;
#[cfg(test)]
mod tests;

pub(crate) use quantity::whole;

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
