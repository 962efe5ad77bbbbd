//! Who answers for the numbers, how exact they must be, and where they are booked.
//!
//! ```toml
//! [people.ann]
//! name = "Ann Lee"
//! role = "controller"
//! limits = { approve = "10000.00" }
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::value::{Amount, Currency, Factor, Percent, Zone};
use crate::period::Day;

/// One person of `[people]`; the key is the name the rest of the books use.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub name: String,
    pub role: Option<String>,
    /// Other names and addresses of the same person, so that nobody reviews themselves.
    #[serde(default)]
    pub aliases: Vec<String>,
    #[serde(default)]
    pub limits: Limits,
}

/// Largest amounts a person may decide on alone.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// A close.
    pub approve: Option<Amount>,
    /// An unexplained residual.
    pub accept: Option<Amount>,
}

/// `[owners]`: who is asked, by role, team and workload.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Owners {
    pub finance: Option<String>,
    pub platform: Option<String>,
    pub sponsor: Option<String>,
    pub teams: BTreeMap<String, String>,
    pub workloads: BTreeMap<String, String>,
}

/// A threshold is met by the greater of its two measures.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    pub amount: Option<Amount>,
    pub percent: Option<Percent>,
    /// So many smaller differences of one sign count as one that is large enough.
    pub count: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SignOff {
    /// Preparer, reviewer and approver must be different people.
    pub separate: Option<bool>,
    /// Billed amount above which an approver signs too.
    pub approve_above: Option<Amount>,
}

/// How un-invoiced usage leaves the next period again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccrualMethod {
    Reverse,
    TrueUp,
}

/// `[policy]`: versioned with the books, so a change is seen.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Smallest difference of a cell that must carry a cause.
    pub explain: Option<Threshold>,
    /// Smallest change against a comparative that must carry a comment.
    pub review: Option<Threshold>,
    /// Gross unexplained above which the month cannot be signed.
    pub post: Option<Threshold>,
    pub sign_off: SignOff,
    /// Zone of the ledger's period end, where it is not the accounting zone of the book.
    pub zone: Option<Zone>,
    /// Days at each end of a month that the cut-off report shows.
    pub cut_off_days: Option<u32>,
    pub accrual: Option<AccrualMethod>,
    /// Days after the end of the month in which a cause first stood until its fix is due; 30 where left out.
    pub fix_days: Option<u32>,
}

/// `[fx]`: dated rates, from a file or written here.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Fx {
    pub file: Option<String>,
    /// Who publishes the rates.
    pub source: Option<String>,
    pub rates: Vec<FxRate>,
}

/// One unit of `currency` in the currency of the books.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FxRate {
    pub from: Day,
    pub currency: Currency,
    pub rate: Factor,
}

/// `[ledger]`: what the general ledger shows, and which of its accounts are meant.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ledger {
    pub trial_balance: Option<String>,
    pub accounts: LedgerAccounts,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LedgerAccounts {
    pub cost_of_revenue: Option<String>,
    pub research_and_development: Option<String>,
    pub accrued: Option<String>,
    pub prepaid: Option<String>,
    pub payable: Option<String>,
    pub tax: Option<String>,
}
