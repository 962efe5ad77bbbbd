//! What OpenAI exports about its own bill: cost and usage, from the dashboard (CSV) and from the organisation API.
//! Amounts are dollars, days are UTC days.

pub mod cost_csv;
pub mod costs_api;
pub mod line_item;
pub mod not_a_bill;
mod usage;
pub mod usage_api;
pub mod usage_csv;

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Origin};
use crate::invoice::{BillLine, ModelScope};
use crate::money::Money;
use crate::period::Period;
use crate::read::focus::whole;
use crate::read::gather::{Gather, Refused, shown};
use crate::vocabulary::{ChargeCategory, Meter};

/// One cost row, as the CSV and the API both tell it; blank cells and nulls are `None`.
#[derive(Default)]
struct Cost<'a> {
    amount: Option<&'a str>,
    currency: Option<&'a str>,
    line_item: Option<&'a str>,
    project: Option<&'a str>,
    organization: Option<&'a str>,
    key: Option<&'a str>,
    quantity: Option<&'a str>,
    unit: Option<&'a str>,
}

impl Cost<'_> {
    /// Money the row shows, for the list of rejects.
    fn shows(&self) -> Option<Money> {
        self.amount.and_then(|text| text.parse().ok())
    }

    fn line(&self, gather: &mut Gather, origin: &Origin, period: Period) -> Result<BillLine, Refused> {
        let amount = self.amount.ok_or_else(|| ("no-amount", "the row has no amount".to_owned()))?;
        let mut line = BillLine::new(origin.clone(), self.line_item.unwrap_or_default(), period);
        line.account = self.organization.map(Arc::from);
        line.project = self.project.map(Arc::from);
        line.key = self.key.map(Arc::from);
        match self.line_item {
            // Not grouped by line item: the day's total over every model and meter.
            None => line.model = ModelScope::All,
            Some(text) => {
                let item = line_item::read(text);
                (line.model, line.meter, line.tier) = (item.model, item.meter, item.tier);
                line.long_context = item.long_context;
                if !item.classified {
                    gather.remark(unclassified(text, origin));
                }
            }
        }
        // A correction has a quantity below zero. One that cannot be read leaves the amount as it is.
        if let (Some(meter), Some(text)) = (line.meter, self.quantity)
            && let Some(size) = size_in(meter, self.unit)
        {
            line.quantity = whole(text, size);
            if line.quantity.is_none() {
                gather.remark(not_whole(origin));
            }
        }
        gather.amount(&mut line, Money::read(amount))?;
        if line.model == ModelScope::None && line.amount.is_some_and(|amount| amount < Money::ZERO) {
            line.category = ChargeCategory::Credit;
        }
        if let Some(currency) = self.currency {
            gather.currency(currency, origin);
        }
        Ok(line)
    }
}

/// How many of the meter's own unit one of the bill's is; `None` where the bill counts in a unit the meter does not have.
fn size_in(meter: Meter, unit: Option<&str>) -> Option<i128> {
    match unit {
        None => Some(1),
        Some("tokens") => meter.is_token().then_some(1),
        Some("1000_tokens") => meter.is_token().then_some(1000),
        Some(
            "duration_seconds" | "duration_minutes" | "duration_hours" | "gibibyte_hours" | "characters",
        ) => None,
        Some(_) => (!meter.is_token()).then_some(1),
    }
}

fn not_whole(origin: &Origin) -> Diagnostic {
    let message = "quantities that are no whole count are left out; the amounts are kept";
    Diagnostic::warning("quantity-not-whole", origin.clone(), message)
}

fn unclassified(text: &str, origin: &Origin) -> Diagnostic {
    let message = format!("line item `{}` is not in the known grammar", shown(text));
    Diagnostic::warning("unclassified-line-item", origin.clone(), message)
        .help("kept with its amount as a charge of its own; `llmfin formats openai` shows the grammar")
}
