//! Rows of LiteLLM's `LiteLLM_SpendLogs` table as JSON: `/spend/logs`, `/spend/logs/v2`, or `row_to_json` lines.
//!
//! `{"request_id": "chatcmpl-…", "startTime": "2026-05-14T09:31:07.412", "spend": 0.024272, "metadata": {…}, …}`

use super::json;
use super::row::Slot;
use crate::read::UsageFormat;
use crate::read::json_scan::first_keys;

pub static FORMAT: UsageFormat = UsageFormat {
    id: "litellm-spend-logs",
    family: "litellm",
    about: "LiteLLM spend-log rows: the /spend/logs array, the /spend/logs/v2 envelope, or JSON lines by SQL",
    sniff: |sample| {
        let keys = first_keys(&sample.text);
        ["request_id", "spend", "startTime"].iter().all(|key| keys.contains(key))
    },
    read: |source, options| json::read(source, options, COLUMNS),
};

pub(super) const COLUMNS: &[(&str, Slot)] = &[
    ("request_id", Slot::Id),
    ("call_type", Slot::CallType),
    ("cache_hit", Slot::CacheHit),
    ("status", Slot::Status),
    ("custom_llm_provider", Slot::Provider),
    ("startTime", Slot::Start),
    ("endTime", Slot::End),
    ("completionStartTime", Slot::CompletionStart),
    ("model", Slot::Model),
    ("model_group", Slot::ModelGroup),
    ("api_base", Slot::ApiBase),
    ("spend", Slot::Cost),
    ("total_tokens", Slot::Total),
    ("prompt_tokens", Slot::Prompt),
    ("completion_tokens", Slot::Completion),
    ("end_user", Slot::EndUser),
    ("team_id", Slot::TeamId),
    ("organization_id", Slot::Organization),
    ("user", Slot::User),
    ("api_key", Slot::ApiKey),
    ("request_tags", Slot::Tags),
    ("metadata", Slot::Metadata),
];
