//! Who the spend belongs to, and how much of it was planned: tags, rules, buckets, budgets.
//!
//! ```toml
//! [[rule]]
//! name = "search belongs to growth"
//! from = "2026-01-01"
//! filter = { feature = ["search", "search-*"] }
//! set = { team = "growth" }
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::value::{Amount, Percent};
use crate::period::{Day, Month};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dimension {
    Team,
    Feature,
    Environment,
    Customer,
    Deploy,
}

/// `[tags]`: where each dimension comes from, first hit wins; an empty list means the format's own default.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tags {
    pub team: Vec<String>,
    pub feature: Vec<String>,
    pub environment: Vec<String>,
    pub customer: Vec<String>,
    pub deploy: Vec<String>,
    /// Dimensions every call must carry.
    pub required: Vec<Dimension>,
    /// The only values a dimension may have.
    pub allowed: BTreeMap<Dimension, Vec<String>>,
}

/// What a rule or budget is about; every key given must match, `*` and `?` are wildcards.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Filter {
    pub provider: Vec<String>,
    pub account: Vec<String>,
    pub model: Vec<String>,
    pub key: Vec<String>,
    pub source: Vec<String>,
    pub team: Vec<String>,
    pub feature: Vec<String>,
    pub environment: Vec<String>,
    pub customer: Vec<String>,
    pub deploy: Vec<String>,
}

/// What a rule writes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Assignment {
    pub team: Option<String>,
    pub feature: Option<String>,
    pub environment: Option<String>,
    pub customer: Option<String>,
    pub deploy: Option<String>,
}

/// `[[rule]]`: the first rule in force that matches decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub name: String,
    pub from: Day,
    /// Last day in force.
    pub until: Option<Day>,
    #[serde(default)]
    pub filter: Filter,
    #[serde(default)]
    pub set: Assignment,
    pub bucket: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BucketKind {
    /// Takes what no rule and no tag places.
    Default,
    Shared,
    Overhead,
}

/// How a bucket is charged on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BucketPolicy {
    /// The owner bears it.
    Keep,
    /// Spread over the teams by the driver.
    Proportional,
    Even,
    /// Spread by `shares`.
    Fixed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Driver {
    Cost,
    Tokens,
    Requests,
}

/// `[[bucket]]`: spend that is nobody's own.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    pub name: String,
    pub kind: BucketKind,
    /// A person of `[people]`.
    pub owner: String,
    pub policy: BucketPolicy,
    pub driver: Option<Driver>,
    /// Share of each team under the `fixed` policy; they add up to 100%.
    #[serde(default)]
    pub shares: BTreeMap<String, Percent>,
    /// Largest share of total spend the bucket should hold.
    pub target: Option<Percent>,
    /// How it gets there, in words.
    pub plan: Option<String>,
}

/// `[[budget]]`: what may be spent a month.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    pub name: String,
    pub from: Month,
    /// Last month in force.
    pub until: Option<Month>,
    #[serde(default)]
    pub filter: Filter,
    /// Amount a month.
    pub month: Amount,
    /// Shares of the amount at which people are told, and at which spending stops.
    pub soft: Option<Percent>,
    pub hard: Option<Percent>,
    /// Further alert steps.
    #[serde(default)]
    pub ladder: Vec<Percent>,
    /// A person of `[people]`.
    pub approver: Option<String>,
}
