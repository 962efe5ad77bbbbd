//! What the books know of some traffic and the log does not say.
//!
//! ```toml
//! [[traffic]]
//! name = "search runs in the US region"
//! seller = "anthropic"
//! from = "2026-10-12"
//! filter = { key = ["prod-search"] }
//! set = { region = "geo:us" }
//! ```

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::file::File;
use super::value::{Context, Provider};
use crate::period::Day;
use crate::vocabulary::{CallType, Meter, Outcome, Tier};

/// `[[traffic]]`: what holds for some traffic from a day on. For each thing that can be set, the first rule that sets it
/// decides.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    pub name: String,
    pub seller: Provider,
    pub from: Day,
    /// Last day in force.
    pub until: Option<Day>,
    #[serde(default)]
    pub filter: TrafficFilter,
    pub set: TrafficSet,
}

/// Which traffic of the seller: every key given must match, each text is written in full.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficFilter {
    pub account: Vec<String>,
    /// Gateway keys.
    pub key: Vec<String>,
    /// What the caller asked for; where the log has none, the deployment that was called.
    pub requested: Vec<String>,
    /// The price book's id, or the model as logged.
    pub model: Vec<String>,
    /// As logged; `""` where the log names none.
    pub region: Vec<String>,
    pub tier: Vec<Tier>,
    pub outcome: Vec<Outcome>,
    pub call_type: Vec<CallType>,
    pub stream: Option<bool>,
}

/// What is priced instead of what was logged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficSet {
    /// The model that answered.
    pub model: Option<String>,
    /// Where it was served, as the price book writes it: `global`, `geo:us`, `eu-west-1`.
    pub region: Option<String>,
    pub tier: Option<Tier>,
    /// The context row that prices its tokens: `0`, `>272000`, `>=200000`.
    pub ctx: Option<Context>,
    /// Meters that the log calls by another name: `{ "cache_write.5m" = "cache_write.1h" }`.
    pub meters: BTreeMap<Meter, Meter>,
    /// `false`: another pays for it, the seller does not bill it to these accounts.
    pub billed: Option<bool>,
}

/// What a schema cannot say about the rules of a file.
pub(super) fn check(rules: &[Traffic], file: &mut File) {
    for (index, rule) in rules.iter().enumerate() {
        let index = index.to_string();
        if rules.iter().take_while(|other| !std::ptr::eq(*other, rule)).any(|other| other.name == rule.name) {
            let message = format!("a second [[traffic]] is named `{}`", rule.name);
            file.report("duplicate-name", &["traffic", &index, "name"], message, None);
        }
        if rule.until.is_some_and(|until| until < rule.from) {
            let place = ["traffic", &index, "until"];
            file.report("inverted-dates", &place, "the rule ends before it begins", None);
        }
        if rule.set == TrafficSet::default() {
            let help = "write what holds for it: set = { region = \"geo:us\" }".to_owned();
            file.report("sets-nothing", &["traffic", &index, "set"], "the rule sets nothing", Some(help));
        }
    }
}
