//! Which files hold the usage and the bills, and how one is matched with the other.
//!
//! ```toml
//! [[source]]
//! name = "gateway"
//! files = ["logs/{month}/**"]
//! ```

use schemars::JsonSchema;
use serde::Deserialize;

use super::value::{Amount, Currency, Provider, Zone};
use crate::invoice::DocumentKind;
use crate::period::Day;
use crate::vocabulary::Tier;

/// `[book]`: whose books these are.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Book {
    pub name: String,
    #[serde(default)]
    pub currency: Currency,
    /// Accounting zone: it produces cut-off entries and never moves a cell.
    #[serde(default)]
    pub timezone: Zone,
    pub entity: Option<String>,
    /// Folder whose price book files overlay the shipped one.
    pub pricebook: Option<String>,
    /// Files with negotiated terms.
    #[serde(default)]
    pub contracts: Vec<String>,
}

/// Whether a source is counted, or only witnesses what another one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Primary,
    Witness,
}

/// `[[source]]`: gateway logs.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsageSource {
    pub name: String,
    /// Patterns of paths inside the books; `{month}` stands for `2026-10`.
    pub files: Vec<String>,
    /// Format id of `llmfin formats`; detected by content where left out.
    pub format: Option<String>,
    /// Account that pays for all of it, as `ID` or `PROVIDER/ID`.
    pub account: Option<String>,
    pub role: Option<Role>,
}

/// `[[invoice]]`: what a provider charged.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceSource {
    pub provider: Provider,
    pub account: Option<String>,
    pub files: Vec<String>,
    #[serde(default)]
    pub kind: InvoiceKind,
    pub format: Option<String>,
    pub number: Option<String>,
    pub date: Option<Day>,
    pub due: Option<Day>,
    pub total: Option<Amount>,
    pub tax: Option<Amount>,
    /// Of the file as received, in hex.
    pub sha256: Option<String>,
    /// Column mapping of an export that has no format of its own.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub mapping: Option<toml::Table>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceKind {
    #[default]
    Cost,
    Invoice,
    Usage,
    CreditPurchase,
}

impl From<InvoiceKind> for DocumentKind {
    fn from(kind: InvoiceKind) -> DocumentKind {
        match kind {
            InvoiceKind::Cost => DocumentKind::Cost,
            InvoiceKind::Invoice => DocumentKind::Invoice,
            InvoiceKind::Usage => DocumentKind::Usage,
            InvoiceKind::CreditPurchase => DocumentKind::CreditPurchase,
        }
    }
}

/// `[[account]]`: a billing account of a provider and the log traffic it pays for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    pub provider: Provider,
    pub id: String,
    /// Gateway keys whose calls this account pays for.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Names of `[[source]]` tables whose calls this account pays for.
    #[serde(default)]
    pub sources: Vec<String>,
    /// Projects, workspaces or API key names of the bill that the gateway uses; billed lines of any other one are
    /// proven to bypass it. Empty: not known.
    #[serde(default)]
    pub projects: Vec<String>,
}

/// `[[model]]`: a deployment, inference profile or alias that only the gateway knows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelAlias {
    pub logged: String,
    pub seller: Provider,
    pub model: String,
    /// First day on which the name meant this model.
    pub from: Option<Day>,
    /// Where the deployment is sold, as the price book writes it: `global`, `datazone:eu`, `geo:us`, `eu-west-1`. It
    /// outranks the region in the log.
    pub region: Option<String>,
    /// The tier the deployment is sold at; it outranks the tier in the log.
    pub tier: Option<Tier>,
}
