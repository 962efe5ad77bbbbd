//! LiteLLM `StandardLoggingPayload`: what the `s3`, `gcs_bucket`, `azure_storage` and `generic_api` callbacks write.
//!
//! `{"id": "chatcmpl-…", "startTime": 1778751067.412, "response_cost": 0.024272, "prompt_tokens": 12480, …}`

use super::json;
use super::row::Slot;
use crate::read::UsageFormat;
use crate::read::json_scan::first_keys;

pub static FORMAT: UsageFormat = UsageFormat {
    id: "litellm-payload",
    family: "litellm",
    about: "LiteLLM callback payloads (StandardLoggingPayload): JSON lines, an array, or one object a file",
    sniff: |sample| {
        let keys = first_keys(&sample.text);
        ["id", "response_cost", "startTime"].iter().all(|key| keys.contains(key))
            && ["litellm_call_id", "model_map_information", "cost_breakdown", "model_group"]
                .iter()
                .any(|key| keys.contains(key))
    },
    read: |source, options| json::read(source, options, COLUMNS),
};

pub(super) const COLUMNS: &[(&str, Slot)] = &[
    ("id", Slot::Id),
    ("call_type", Slot::CallType),
    ("cache_hit", Slot::CacheHit),
    ("stream", Slot::Stream),
    ("status", Slot::Status),
    ("custom_llm_provider", Slot::Provider),
    ("startTime", Slot::Start),
    ("model", Slot::Model),
    ("model_group", Slot::ModelGroup),
    ("api_base", Slot::ApiBase),
    ("response_cost", Slot::Cost),
    ("total_tokens", Slot::Total),
    ("prompt_tokens", Slot::Prompt),
    ("completion_tokens", Slot::Completion),
    ("end_user", Slot::EndUser),
    ("request_tags", Slot::Tags),
    ("error_information.error_code", Slot::ErrorCode),
    ("cost_breakdown.service_tier", Slot::BillingTier),
    ("cost_breakdown.data_residency", Slot::Residency),
    ("cost_breakdown.vertex_location", Slot::VertexLocation),
];
