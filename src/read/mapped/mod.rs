//! Any table whose columns the books name: CSV, JSON lines, a JSON array or answer, or one sheet of a workbook.
//!
//! ```text
//! columns = { date = "Day", model = "Model", meter = "Token type", quantity = "Tokens", amount = "Amount" }
//! decimal = ","
//! meters = { Prompt = "input", Completion = "output" }
//! ```
//!
//! Nothing is guessed: a number written otherwise than declared is a reject, never a figure a hundred times too large.

mod date;
mod json;
mod line;
mod mapping;
mod number;
mod table;
#[cfg(test)]
mod tests;

pub use mapping::{AmountUnit, Columns, DocumentWord, Mapping, TableKind};

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::error::Result;
use crate::invoice::{Document, Reject};
use crate::period::Period;
use crate::read::source::Source;
use crate::vocabulary::ChargeCategory;
use line::Reader;
use table::Table;

/// Id of the format in documents and messages; it is never detected, only declared.
pub const FORMAT: &str = "mapped";
/// Code of the note about rows that the mapping declares as totals.
const SKIPPED: &str = "skipped-row";

/// Reads `source` the way `mapping` declares.
pub fn read_mapped(source: &Source, mapping: &Mapping) -> Result<Document> {
    let rules = mapping.check(source)?;
    let mut table = Table::read(source, mapping)?;
    let reader = Reader::new(source, mapping, &rules, &table)?;
    let mut document = Document::new(FORMAT, mapping.document.kind(), rules.provider);
    document.currency = mapping.currency.as_deref().map(|code| code.to_ascii_uppercase().into());
    document.rows = (table.rows.len() + table.rejects.len()) as u64;
    document.rejects.append(&mut table.rejects);
    document.stated_total = reader.stated_total(&table)?;
    let mut remarks: BTreeMap<(&'static str, String), (u64, Origin, Option<String>)> = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    for row in &table.rows {
        let origin = Origin::new(source.name.clone(), row.line, 0);
        let mut remark = |code, message: String, help: Option<String>| {
            remarks.entry((code, message)).or_insert((0, origin.clone(), help)).0 += 1;
        };
        if row.cells.iter().all(|cell| cell.text.trim().is_empty()) {
            document.empty_rows += 1;
            continue;
        }
        if reader.is_declared_footer(row) {
            remark(SKIPPED, "rows the mapping declares as totals".to_owned(), None);
            document.empty_rows += 1;
            continue;
        }
        match reader.line(row, origin.clone(), &mut remark) {
            Err(refused) => {
                if let Some(help) = refused.help {
                    remark(
                        "number-format",
                        "numbers are not written as the mapping declares".to_owned(),
                        Some(help),
                    );
                }
                let (code, reason, amount) = (refused.code, refused.reason, refused.amount);
                document.rejects.push(Reject { origin, code, reason, amount });
            }
            Ok(read) => {
                if let Some(code) = read.currency {
                    match &document.currency {
                        None => document.currency = Some(code.into()),
                        Some(first) if **first == *code => {}
                        Some(first) => {
                            let message = format!("the currency changes from `{first}` to `{code}`");
                            return Err(Diagnostic::error("several-currencies", origin, message)
                                .help("split the file, so that each has one currency")
                                .into());
                        }
                    }
                }
                document.rounded_amounts += u64::from(read.rounded);
                numbers.extend(read.number);
                if read.line.category == ChargeCategory::Usage {
                    let period = read.line.period;
                    document.covers = Some(document.covers.map_or(period, |covers: Period| Period {
                        first: covers.first.min(period.first),
                        last: covers.last.max(period.last),
                    }));
                }
                document.lines.push(read.line);
            }
        }
    }
    document.number = numbers.pop_first().filter(|_| numbers.is_empty());
    document.diagnostics = remarks
        .into_iter()
        .map(|((code, message), (times, origin, help))| {
            // A declared total is as expected; everything else is not.
            let level = if code == SKIPPED { Level::Note } else { Level::Warning };
            Diagnostic { help, ..Diagnostic::new(level, code, origin, format!("{message} (rows: {times})")) }
        })
        .collect();
    if table.continued {
        let message = "the answer says that more of it follows";
        document.diagnostics.push(
            Diagnostic::warning("truncated-export", source.origin(), message)
                .help("fetch what follows too, and save each answer as a file of its own"),
        );
    }
    Ok(document)
}
