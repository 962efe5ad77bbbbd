//! The usage table: the one documented shape in which any warehouse delivers usage, per request or summed.
//!
//! ```text
//! period_start,provider,served_model,requests,input,cache_read,output,logged_cost
//! 2026-10-01,anthropic,claude-sonnet-4-5,120,18400,96000,5210,0.413
//! ```

pub mod focus;
pub mod guard;
pub mod write;

use crate::columnar::ColumnType;
use crate::vocabulary::Meter;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    PeriodStart,
    Provider,
    Account,
    Key,
    RequestedModel,
    RoutedModel,
    ServedModel,
    ServiceTier,
    Region,
    PromptTokensFrom,
    Outcome,
    CallType,
    CountSource,
    Reading,
    Stream,
    WholeDay,
    RequestId,
    Requests,
    Meter(Meter),
    LoggedCost,
    LoggedRequests,
    Team,
    Feature,
    Environment,
    Customer,
    Deploy,
    Cube,
}

/// One column of the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub field: Field,
    pub column_type: ColumnType,
    /// The column must be there; its cells may still be empty where the row does not say.
    pub required: bool,
    pub meaning: &'static str,
}

/// Columns before the meters, and after them.
const BEFORE: &[(&str, Field, ColumnType, bool, &str)] = &[
    (
        "period_start",
        Field::PeriodStart,
        ColumnType::Instant,
        true,
        "start of the request or of the summed period, UTC: an instant, or a day",
    ),
    ("provider", Field::Provider, ColumnType::Text, true, "upstream as the log names it, or the seller's id"),
    (
        "account",
        Field::Account,
        ColumnType::Text,
        false,
        "account at the provider; stands for `key` where that is empty",
    ),
    ("key", Field::Key, ColumnType::Text, false, "gateway key: alias where there is one, else its hash"),
    (
        "requested_model",
        Field::RequestedModel,
        ColumnType::Text,
        false,
        "model or alias the client asked for",
    ),
    ("routed_model", Field::RoutedModel, ColumnType::Text, false, "alias or deployment that served"),
    ("served_model", Field::ServedModel, ColumnType::Text, true, "model that answered"),
    ("service_tier", Field::ServiceTier, ColumnType::Text, false, "empty means standard"),
    ("region", Field::Region, ColumnType::Text, false, "`global`, `geo:us`, a cloud region, or empty"),
    (
        "prompt_tokens_from",
        Field::PromptTokensFrom,
        ColumnType::Count,
        false,
        "every request of the row has at least this many prompt tokens: it selects the context price",
    ),
    ("outcome", Field::Outcome, ColumnType::Text, false, "empty means success"),
    ("call_type", Field::CallType, ColumnType::Text, false, "empty means generation"),
    ("count_source", Field::CountSource, ColumnType::Text, false, "who counted; empty means provider"),
    ("reading", Field::Reading, ColumnType::Text, false, "how the counters were read; empty means inclusive"),
    ("stream", Field::Stream, ColumnType::Flag, false, "true or false; empty means false"),
    (
        "whole_day",
        Field::WholeDay,
        ColumnType::Flag,
        false,
        "true: a sum over the whole UTC day, as where `period_start` is a bare date; the hour is unknown",
    ),
    (
        "request_id",
        Field::RequestId,
        ColumnType::Text,
        false,
        "set on rows of one request: a second row with the same id is a duplicate",
    ),
    ("requests", Field::Requests, ColumnType::Count, false, "empty means 1"),
];
const AFTER: &[(&str, Field, ColumnType, bool, &str)] = &[
    ("logged_cost", Field::LoggedCost, ColumnType::Money, false, "cost the gateway wrote; empty is not zero"),
    (
        "logged_requests",
        Field::LoggedRequests,
        ColumnType::Count,
        false,
        "requests that carried a cost; empty means all of them where there is a cost",
    ),
    ("team", Field::Team, ColumnType::Text, false, "who the usage was for"),
    ("feature", Field::Feature, ColumnType::Text, false, ""),
    ("environment", Field::Environment, ColumnType::Text, false, ""),
    ("customer", Field::Customer, ColumnType::Text, false, ""),
    ("deploy", Field::Deploy, ColumnType::Text, false, ""),
    (
        "cube",
        Field::Cube,
        ColumnType::Text,
        false,
        "`rating` or `attribution` in tables llmfin wrote; empty: the row counts in both",
    ),
];

/// Every column, in the order they are written.
pub fn columns() -> Vec<Column> {
    let fixed =
        |(name, field, column_type, required, meaning): &(&str, Field, ColumnType, bool, &'static str)| {
            Column {
                name: (*name).to_owned(),
                field: *field,
                column_type: *column_type,
                required: *required,
                meaning,
            }
        };
    let meter = |meter: &Meter| Column {
        name: column_name(*meter),
        field: Field::Meter(*meter),
        column_type: ColumnType::Count,
        required: false,
        meaning: meter.unit(),
    };
    let before = BEFORE.iter().map(fixed);
    before.chain(Meter::ALL.iter().map(meter)).chain(AFTER.iter().map(fixed)).collect()
}

/// `cache_write.5m` is the column `cache_write_5m`.
pub fn column_name(meter: Meter) -> String {
    meter.id().replace('.', "_")
}

/// The cube a row belongs to. One table holds one of them, so that nobody sums usage twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Rating,
    Attribution,
}

impl Part {
    pub const fn id(self) -> &'static str {
        match self {
            Part::Rating => "rating",
            Part::Attribution => "attribution",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_snake_case() {
        let mut names: Vec<String> = columns().into_iter().map(|column| column.name).collect();
        assert!(
            names
                .iter()
                .all(|name| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        );
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.contains(&"cache_write_5m".to_owned()));
    }

    #[test]
    fn every_column_is_documented() {
        let page = include_str!("../../docs/formats/normalised.md");
        for column in columns() {
            assert!(page.contains(&format!("`{}`", column.name)), "{} is not on the page", column.name);
        }
    }
}
