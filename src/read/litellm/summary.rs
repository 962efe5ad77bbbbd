//! LiteLLM `/spend/logs` without `summarize=false`: one object a day and no tokens. Refused with the way out.
//!
//! `[{"startTime": "2026-05-14", "spend": 412.1, "users": {…}, "models": {…}}]`

use crate::diagnostic::Diagnostic;
use crate::read::UsageFormat;
use crate::read::json_scan::first_keys;

pub static FORMAT: UsageFormat = UsageFormat {
    id: "litellm-spend-summary",
    family: "litellm",
    about: "LiteLLM spend logs summarised by day: refused, they hold no tokens",
    sniff: |sample| {
        let keys = first_keys(&sample.text);
        ["spend", "users", "models"].iter().all(|key| keys.contains(key)) && !keys.contains(&"request_id")
    },
    read: |source, _| {
        Err(Diagnostic::error("summarised-spend-logs", source.origin(), "spend logs summarised by day hold no tokens")
            .help("ask again with `/spend/logs?start_date=…&end_date=…&summarize=false`, end date the first of the next month")
            .into())
    },
};
