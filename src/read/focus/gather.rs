//! Collects the rows of a FOCUS file into one document: every row becomes a line, out of scope, empty or a reject.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::header::Header;
use super::row::{self, Cells};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::invoice::{Document, DocumentKind, Reject};
use crate::money::Money;
use crate::period::Period;
use crate::read::source::Source;
use crate::vocabulary::ChargeCategory;

pub struct Gather {
    file: Arc<str>,
    header: Header,
    document: Document,
    /// What was seen more than once is said once: code → sentence, times, first place.
    remarks: BTreeMap<&'static str, (&'static str, u64, Origin)>,
    corrections: Money,
    sellers: BTreeSet<&'static str>,
    invoices: BTreeSet<String>,
}

impl Gather {
    pub fn new(format: &'static str, source: &Source, header: Header) -> Gather {
        Gather {
            file: source.name.clone(),
            header,
            document: Document::new(format, DocumentKind::Cost, None),
            remarks: BTreeMap::new(),
            corrections: Money::ZERO,
            sellers: BTreeSet::new(),
            invoices: BTreeSet::new(),
        }
    }

    pub fn row(&mut self, origin: Origin, cells: &[&str]) -> Result<()> {
        self.document.rows += 1;
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            self.document.empty_rows += 1;
            return Ok(());
        }
        if cells.len() != self.header.width {
            let reason = format!("{} fields where the header has {}", cells.len(), self.header.width);
            self.document.rejects.push(Reject { origin, code: "column-count", reason, amount: None });
            return Ok(());
        }
        let cells = Cells { header: &self.header, cells };
        refuse_gateway_log(&cells, &origin)?;
        match row::read(&cells, origin.clone()) {
            Err(reject) => self.document.rejects.push(reject),
            Ok(charge) => {
                let amount = charge.line.amount.unwrap_or_default();
                let code = cells.get("BillingCurrency").unwrap_or("");
                if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
                    let reason = "BillingCurrency is not a three-letter national currency".to_owned();
                    let reject = Reject { origin, code: "bad-currency", reason, amount: Some(amount) };
                    self.document.rejects.push(reject);
                    return Ok(());
                }
                let code = code.to_ascii_uppercase();
                match &self.document.currency {
                    None => self.document.currency = Some(code.into()),
                    Some(first) if **first == *code => {}
                    Some(first) => return Err(two_currencies(origin, first, &code)),
                }
                self.document.rounded_amounts += u64::from(charge.rounded);
                if !charge.in_scope {
                    self.document.out_of_scope += 1;
                    self.document.out_of_scope_amount += amount;
                    return Ok(());
                }
                for (code, sentence) in charge.remarks {
                    self.remarks.entry(code).or_insert((sentence, 0, origin.clone())).1 += 1;
                }
                if charge.correction {
                    let sentence = "corrections of periods that were invoiced before keep their own days";
                    self.remarks.entry("correction").or_insert((sentence, 0, origin)).1 += 1;
                    self.corrections += amount;
                } else if charge.line.category == ChargeCategory::Usage {
                    self.document.covers = Some(widened(self.document.covers, charge.line.period));
                }
                self.sellers.extend(charge.seller);
                self.invoices.extend(cells.get("InvoiceId").map(str::to_owned));
                self.document.lines.push(charge.line);
            }
        }
        Ok(())
    }

    pub fn finish(mut self) -> Result<Document> {
        let version = self.header.version();
        let place = Origin::new(self.file.clone(), 1, 0);
        let diagnostics = &mut self.document.diagnostics;
        diagnostics.push(Diagnostic::note(
            "focus-version",
            place.clone(),
            format!("FOCUS {version} by its columns"),
        ));
        for (code, (sentence, times, first)) in self.remarks {
            let amount = if code == "correction" { format!(", {}", self.corrections) } else { String::new() };
            let message = format!("{sentence} (rows: {times}{amount})");
            diagnostics.push(Diagnostic::note(code, first, message));
        }
        if self.sellers.len() > 1 {
            let names: Vec<&str> = self.sellers.iter().copied().collect();
            let message = format!("rows of several sellers: `{}`", names.join("`, `"));
            diagnostics.push(
                Diagnostic::warning("several-sellers", place, message)
                    .help(format!("name the one to compare with: `--invoice {}={}`", names[0], self.file)),
            );
        }
        self.document.provider = self.sellers.first().copied().filter(|_| self.sellers.len() == 1);
        if self.invoices.len() == 1 {
            self.document.number = self.invoices.pop_first();
        }
        Ok(self.document)
    }
}

/// LiteLLM writes its own spend log in FOCUS columns. It is what the gateway believes, not what anybody billed.
fn refuse_gateway_log(cells: &Cells, origin: &Origin) -> Result<()> {
    let is = |column, text: &str| cells.get(column).is_some_and(|cell| cell.eq_ignore_ascii_case(text));
    if is("BillingAccountType", "API Key") && is("ConsumedUnit", "Requests") {
        let message =
            "this is LiteLLM's own FOCUS export: what the gateway logged, not what a provider billed";
        return Err(Diagnostic::error("gateway-log", origin.clone(), message)
            .help(format!(
                "give it as a log, `--usage {}`, and the provider's cost export as `--invoice`",
                origin.file
            ))
            .into());
    }
    Ok(())
}

fn two_currencies(origin: Origin, first: &str, second: &str) -> crate::error::Error {
    let message = format!("column `BillingCurrency` changes from `{first}` to `{second}`");
    Diagnostic::error("several-currencies", origin, message)
        .help("export one billing account at a time, so that each file has one currency")
        .into()
}

fn widened(covers: Option<Period>, period: Period) -> Period {
    covers.map_or(period, |covers| Period {
        first: covers.first.min(period.first),
        last: covers.last.max(period.last),
    })
}
