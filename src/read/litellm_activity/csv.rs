//! The usage export by day and model, the daily table from the database, and the old export that cannot be used.

use super::{Ledger, Name, Total, add};
use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::read::source::Source;
use crate::read::table::{Row, Table};
use crate::read::{UsageFormat, UsageOptions, UsageRead};
use crate::usage_table::guard::unguard;

pub static EXPORT: UsageFormat = UsageFormat {
    id: "litellm-activity-csv",
    family: "litellm",
    about: "LiteLLM usage export by day and model",
    sniff: |sample| sample.has_columns(&["date", "entity_id", "spend", "prompt_tokens", "api_requests"]),
    read: |source, options| {
        let table = Table::read(source)?;
        if !table.has("model") {
            return Err(Diagnostic::error(
                "no-model",
                source.origin(),
                "the export has no models, so it cannot be priced",
            )
            .help("export again with the type `daily_with_models`")
            .into());
        }
        let ledger = Ledger::new(EXPORT.id, options);
        read_rows(&table, ledger, source, |row| Total {
            name: Name {
                parts: cells(row, &["date", "entity_id", "api_key", "key_alias", "user_id", "model"]),
                unique: true,
            },
            team: either(row, "entity_alias", "entity_id"),
            ..total(row)
        })
    },
};

pub static DAILY_TABLE: UsageFormat = UsageFormat {
    id: "litellm-daily-table-csv",
    family: "litellm",
    about: "LiteLLM table LiteLLM_DailyUserSpend as CSV",
    sniff: |sample| {
        sample.has_columns(&[
            "date",
            "api_key",
            "model_group",
            "custom_llm_provider",
            "spend",
            "api_requests",
        ])
    },
    read: |source, options| {
        read_rows(&Table::read(source)?, Ledger::new(DAILY_TABLE.id, options), source, |row| Total {
            name: daily_name(row),
            provider: row.get("custom_llm_provider"),
            group: row.get("model_group"),
            team: row.get("team_id"),
            ..total(row)
        })
    },
};

pub static UI_EXPORT: UsageFormat = UsageFormat {
    id: "litellm-ui-export",
    family: "litellm",
    about: "old LiteLLM browser export: recognised and refused, its spend is not exact",
    sniff: |sample| sample.has_columns(&["Date", "Spend ($)", "Successful Requests"]),
    read: refuse,
};

fn refuse(source: &Source, _: &UsageOptions) -> Result<UsageRead> {
    let message = "this browser export rounds spend to 4 decimals and may repeat it for every model";
    Err(Diagnostic::error("not-for-money", source.origin(), message)
        .help("export usage again as `daily_with_models` from a current LiteLLM, or use the spend logs")
        .into())
}

fn total<'r>(row: &'r Row<'_>) -> Total<'r> {
    Total {
        date: row.get("date"),
        key: either(row, "key_alias", "api_key"),
        model: row.get("model"),
        spend: row.get("spend"),
        prompt: row.get("prompt_tokens"),
        completion: row.get("completion_tokens"),
        cache_read: row.get("cache_read_input_tokens"),
        cache_write: row.get("cache_creation_input_tokens"),
        successful: row.get("successful_requests"),
        failed: row.get("failed_requests"),
        ..Total::default()
    }
}

/// The primary key of the table. Without it, rows that differ in a column that was left out look alike.
fn daily_name<'r>(row: &'r Row<'_>) -> Name<'r> {
    match row.filled("id") {
        Some(id) => Name { parts: vec![id], unique: true },
        None => Name { parts: cells(row, &DIMENSIONS), unique: false },
    }
}

/// What the table sums by.
const DIMENSIONS: [&str; 9] = [
    "date",
    "user_id",
    "team_id",
    "api_key",
    "model",
    "model_group",
    "custom_llm_provider",
    "mcp_namespaced_tool_name",
    "endpoint",
];

fn cells<'r>(row: &'r Row<'_>, columns: &[&str]) -> Vec<&'r str> {
    columns.iter().map(|column| row.get(column)).collect()
}

/// The first filled cell, without the apostrophe the export puts before what looks like a formula.
fn either<'r>(row: &'r Row<'_>, first: &str, second: &str) -> &'r str {
    unguard(row.filled(first).unwrap_or(row.get(second)))
}

fn read_rows(
    table: &Table,
    mut ledger: Ledger<'_>,
    source: &Source,
    total: for<'r> fn(&'r Row<'_>) -> Total<'r>,
) -> Result<UsageRead> {
    table.require(&[
        "date",
        "model",
        "spend",
        "prompt_tokens",
        "completion_tokens",
        "successful_requests",
    ])?;
    let mut read = UsageRead::default();
    for row in table.rows() {
        match row {
            Ok(row) => add(&mut read, &mut ledger, &total(&row), &row.origin),
            Err(reject) => {
                read.rows += 1;
                read.rejected += 1;
                read.rejects.push(reject);
            }
        }
    }
    ledger.close(&mut read, source.origin())?;
    Ok(read)
}
