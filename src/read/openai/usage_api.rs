//! Pages of `GET /v1/organization/usage/<endpoint>`: a second witness of quantity, never cost.
//!
//! ```text
//! {"object":"organization.usage.completions.result","input_tokens":61440,"input_cached_tokens":0,…,"model":"gpt-5.6-sol"}
//! {"object":"organization.usage.web_searches.result","num_requests":412,"num_model_requests":377,…}
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::usage;
use crate::error::Result;
use crate::invoice::{Document, DocumentKind};
use crate::read::DocumentFormat;
use crate::read::gather::{Gather, Refused, Said};
use crate::read::pages::{self, Found, scalar};
use crate::read::source::{Sample, Source};

pub static FORMAT: DocumentFormat = DocumentFormat {
    id: "openai-usage-api",
    family: "openai",
    about: "OpenAI organisation Usage API, pages of any endpoint (JSON)",
    kind: DocumentKind::Usage,
    sniff,
    read,
};

fn sniff(sample: &Sample) -> bool {
    sample.has_json_keys(&["results"]) && sample.text.contains("\"organization.usage.")
}

fn read(source: &Source) -> Result<Document> {
    let mut gather = Gather::new(Document::new(FORMAT.id, FORMAT.kind, Some("openai")));
    pages::read(source, &mut gather, said)?;
    gather.finish()
}

fn said(gather: &mut Gather, found: &Found) -> std::result::Result<Said, Refused> {
    let fields: BTreeMap<Cow<str>, &RawValue> = pages::result(found)?;
    let get = |name: &str| fields.get(name).and_then(|raw| scalar(raw));
    let object = get("object").unwrap_or_default();
    let endpoint = object.strip_prefix("organization.usage.").and_then(|rest| rest.strip_suffix(".result"));
    usage::said(gather, &found.origin, found.period, endpoint.unwrap_or(&object), &get)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invoice::BillLine;
    use crate::read::testing::{document, fixture};
    use crate::vocabulary::{Meter, Tier};

    fn quantity(bill: &Document, wanted: impl Fn(&BillLine) -> bool) -> i128 {
        bill.lines.iter().filter(|line| wanted(line)).filter_map(|line| line.quantity).sum()
    }

    #[test]
    fn quantities_equal_what_the_cost_report_of_the_same_days_billed() {
        let usage = document(&FORMAT, &fixture("openai-usage-api", "completions.json"));
        let cost = document(&super::super::costs_api::FORMAT, &fixture("openai-costs-api", "captured.json"));
        for meter in [Meter::Input, Meter::CacheRead, Meter::CacheWriteOther, Meter::Output] {
            for tier in [Tier::Standard, Tier::Batch, Tier::Flex, Tier::Priority] {
                let same = |line: &BillLine| line.meter == Some(meter) && line.tier == Some(tier);
                assert_eq!(quantity(&usage, same), quantity(&cost, same), "{meter} {tier}");
            }
        }
        assert!(usage.lines.iter().all(|line| line.amount.is_none()));
        assert_eq!(usage.diagnostics, []);
    }

    #[test]
    fn tools_and_embeddings_have_meters_of_their_own() {
        let search = document(&FORMAT, &fixture("openai-usage-api", "web_search_calls.json"));
        assert_eq!(quantity(&search, |line| line.meter == Some(Meter::WebSearch)), 800);
        assert_eq!(search.lines.len(), 2, "num_model_requests repeats the completions endpoint");
        let embeddings = document(&FORMAT, &fixture("openai-usage-api", "embeddings.json"));
        assert_eq!(quantity(&embeddings, |line| line.meter == Some(Meter::Input)), 1_204_410);
        assert_eq!(quantity(&embeddings, |line| line.meter == Some(Meter::Request)), 310);
    }

    fn one(fields: &str) -> Document {
        document(
            &FORMAT,
            &format!(
                "{{\"data\":[{{\"start_time\":1782864000,\"end_time\":1782950400,\"results\":[{{\"object\":\
                 \"organization.usage.{fields}}}]}}],\"has_more\":false}}"
            ),
        )
    }

    #[test]
    fn every_endpoint_ends_in_a_meter_or_out_of_scope() {
        for (fields, meter, count) in [
            ("images.result\",\"images\":7", Meter::Image, 7),
            ("audio_transcriptions.result\",\"seconds\":61", Meter::SecondAudio, 61),
            ("audio_speeches.result\",\"characters\":9,\"num_model_requests\":2", Meter::Request, 2),
            ("file_searches.result\",\"num_requests\":3", Meter::FileSearch, 3),
            ("moderations.result\",\"input_tokens\":5", Meter::Input, 5),
        ] {
            assert_eq!(quantity(&one(fields), |line| line.meter == Some(meter)), count, "{fields}");
        }
        for fields in [
            "vector_stores.result\",\"usage_bytes\":7",
            "code_interpreter_sessions.result\",\"num_sessions\":1",
        ] {
            let usage = one(fields);
            assert_eq!((usage.out_of_scope, usage.diagnostics[0].code), (1, "usage-without-meter"));
        }
        assert_eq!(one("telepathy.result\",\"thoughts\":1").rejects[0].code, "unknown-endpoint");
    }

    #[test]
    fn nested_counters_become_disjoint_meters_or_a_reject() {
        let row = one(
            "completions.result\",\"input_tokens\":100,\"input_cached_tokens\":40,\"input_uncached_tokens\":50,\
             \"input_text_tokens\":30,\"input_audio_tokens\":15,\"input_image_tokens\":5,\"output_tokens\":20,\
             \"output_text_tokens\":8,\"output_audio_tokens\":12,\"input_cached_audio_tokens\":10",
        );
        let counts: Vec<(&str, i128)> =
            row.lines.iter().map(|line| (line.meter.unwrap().id(), line.quantity.unwrap())).collect();
        // 100 = 40 cached + 50 uncached + 10 written, of which audio and image are set apart.
        assert_eq!(
            counts,
            [
                ("input", 30),
                ("cache_read", 30),
                ("cache_write.other", 10),
                ("output", 8),
                ("input.audio", 15),
                ("cache_read.audio", 10),
                ("output.audio", 12),
                ("input.image", 5),
            ]
        );
        assert!(row.diagnostics.is_empty());
        for fields in [
            "\"input_tokens\":100,\"input_cached_tokens\":60,\"input_uncached_tokens\":50",
            "\"input_tokens\":100,\"input_cached_tokens\":101",
            "\"input_tokens\":100,\"input_uncached_tokens\":50,\"input_cache_write_tokens\":40",
            "\"output_tokens\":10,\"output_audio_tokens\":11",
        ] {
            let bad = one(&format!("completions.result\",{fields}"));
            assert!(bad.lines.is_empty() && bad.rejects[0].code == "counters-contradict", "{fields}");
        }
        assert_eq!(one("completions.result\",\"model\":\"gpt-5\"").rejects[0].code, "no-counts");
        let odd = one(
            "completions.result\",\"output_tokens\":10,\"output_text_tokens\":9,\"service_tier\":\"warp\"",
        );
        let codes: Vec<&str> = odd.diagnostics.iter().map(|d| d.code).collect();
        assert_eq!(codes, ["counters-do-not-nest", "unknown-tier"]);
    }
}
