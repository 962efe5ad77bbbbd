//! The header of a FOCUS file: where each column is, and which version of the standard the columns show.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::read::source::Source;

/// Columns of the standard that no cost-and-usage row can be read without.
const REQUIRED: &[&str] = &["BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart"];

/// The newest version first: a file is of the first version one of whose own columns it has.
const VERSIONS: &[(&str, &[&str])] = &[
    ("1.4", &["InvoiceDetailId", "CommitmentProgramEligibilityDetails"]),
    ("1.3", &["ServiceProviderName", "HostProviderName", "AllocatedMethodId", "ContractApplied"]),
    ("1.2", &["InvoiceId", "PricingCurrency", "SubAccountType", "BillingAccountType"]),
    ("1.1", &["SkuMeter", "SkuPriceDetails", "ServiceSubcategory", "CapacityReservationId"]),
];

/// Column positions by name, ignoring case.
pub struct Header {
    positions: BTreeMap<String, usize>,
    pub width: usize,
}

impl Header {
    pub fn read<'a>(source: &Source, names: impl Iterator<Item = &'a str>, line: u64) -> Result<Header> {
        let mut header = Header { positions: BTreeMap::new(), width: 0 };
        for name in names {
            let name = name.trim();
            if header.positions.insert(name.to_ascii_lowercase(), header.width).is_some() && !name.is_empty()
            {
                return Err(unusable(source, line, &format!("column `{name}` occurs twice")));
            }
            header.width += 1;
        }
        let missing: Vec<&str> =
            REQUIRED.iter().copied().filter(|name| header.position(name).is_none()).collect();
        if missing.is_empty() {
            Ok(header)
        } else {
            Err(unusable(source, line, &format!("missing column `{}`", missing.join("`, `"))))
        }
    }

    pub fn position(&self, column: &str) -> Option<usize> {
        self.positions.get(&column.to_ascii_lowercase()).copied()
    }

    fn has(&self, column: &str) -> bool {
        self.position(column).is_some()
    }

    /// The version of the standard, at least: exporters may leave columns out.
    pub fn version(&self) -> &'static str {
        if self.has("ServiceProviderName") && !self.has("ProviderName") {
            return "1.4";
        }
        let own = VERSIONS.iter().find(|(_, columns)| columns.iter().any(|column| self.has(column)));
        own.map_or("1.0", |(version, _)| version)
    }
}

pub fn unusable(source: &Source, line: u64, message: &str) -> Error {
    Diagnostic::error("not-focus", Origin::new(source.name.clone(), line, 0), message)
        .help("export FOCUS cost and usage (1.0 to 1.4) again with all columns of the standard")
        .into()
}
