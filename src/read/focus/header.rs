//! The header of a FOCUS file: where each column is, and which version of the standard the columns show.

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::read::source::Source;

/// Columns of the standard that no cost-and-usage row can be read without.
const REQUIRED: &[&str] = &["BilledCost", "BillingCurrency", "ChargeCategory", "ChargePeriodStart"];

/// Columns whose cells are looked at, besides the required ones.
const READ: &[&str] = &[
    "BillingAccountId",
    "BillingAccountType",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedUnitPrice",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingQuantity",
    "ProviderName",
    "RegionId",
    "ResourceId",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "x_BilledUnitPrice",
    "x_CostType",
    "x_Model",
    "x_ModelId",
    "x_PricingBlockSize",
    "x_SkuMeterName",
    "x_SkuMeterSubcategory",
    "x_UsageType",
];

/// The newest version first: a file is of the first version one of whose own columns it has.
const VERSIONS: &[(&str, &[&str])] = &[
    ("1.4", &["InvoiceDetailId", "CommitmentProgramEligibilityDetails"]),
    ("1.3", &["ServiceProviderName", "HostProviderName", "AllocatedMethodId", "ContractApplied"]),
    ("1.2", &["InvoiceId", "PricingCurrency", "SubAccountType", "BillingAccountType"]),
    ("1.1", &["SkuMeter", "SkuPriceDetails", "ServiceSubcategory", "CapacityReservationId"]),
];

/// The names of the columns, of which the case does not matter.
pub struct Header {
    names: Vec<String>,
    pub width: usize,
}

impl Header {
    pub fn read<'a>(source: &Source, names: impl Iterator<Item = &'a str>, line: u64) -> Result<Header> {
        let mut header = Header { names: Vec::new(), width: 0 };
        for name in names {
            let name = name.trim();
            if header.has(name) && !name.is_empty() {
                return Err(unusable(source, line, &format!("column `{name}` occurs twice")));
            }
            header.names.push(name.to_owned());
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
        self.names.iter().position(|name| name.eq_ignore_ascii_case(column))
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

/// True where a cell of the column can change what a row means.
pub fn is_read(column: &str) -> bool {
    REQUIRED.iter().chain(READ).any(|name| name.eq_ignore_ascii_case(column))
}
