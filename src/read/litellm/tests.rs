//! LiteLLM's forms against values worked out by hand, and the promises every reader makes.

use std::collections::BTreeMap;
use std::io::Write;

use super::*;
use crate::error::Error;
use crate::read::lines::{Engine, Shape};
use crate::read::source::Source;
use crate::read::{USAGE_FORMATS, UsageOptions, UsageRead};
use crate::usage::cube::{RatingKey, Sums};
use crate::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Tier};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/formats");

fn fixture(name: &str) -> String {
    std::fs::read_to_string(format!("{FIXTURES}/{name}")).unwrap()
}

/// Reads bytes as a file whose format is detected.
fn detect(bytes: &[u8]) -> (String, crate::error::Result<UsageRead>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let source = Source::file(file.path(), "logs/a");
    let sample = source.sample().unwrap();
    let format = USAGE_FORMATS.iter().find(|format| (format.sniff)(&sample)).expect("a known format");
    (format.id.to_owned(), (format.read)(&source, &UsageOptions::default()))
}

fn read(text: &str) -> UsageRead {
    detect(text.as_bytes()).1.unwrap()
}

fn cell(read: &UsageRead) -> (RatingKey, Sums) {
    assert_eq!((read.cubes.rating.len(), read.rejected), (1, 0), "{:?}", read.rejects);
    read.cubes.rating.iter().next().map(|(key, sums)| (*key, *sums)).unwrap()
}

fn name(read: &UsageRead, name: u32) -> &str {
    read.cubes.names.text(name)
}

/// The records of every sample, alone: as JSON lines, or with the CSV header.
fn records(file: &str) -> BTreeMap<String, String> {
    match file {
        "litellm/standard_logging_payload.jsonl" => fixture("litellm-payload/standard_logging_payload.jsonl")
            .lines()
            .map(|line| {
                (
                    serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().into(),
                    line.into(),
                )
            })
            .collect(),
        _ => {
            let rows: Vec<serde_json::Value> =
                serde_json::from_str(&fixture("litellm-spend-logs/spend_logs.json")).unwrap();
            rows.into_iter()
                .map(|row| (row["request_id"].as_str().unwrap().to_owned(), row.to_string()))
                .collect()
        }
    }
}

fn csv_records() -> BTreeMap<String, String> {
    let text = fixture("litellm-spend-logs-csv/spend_logs.pg.csv");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let one = |row: &csv::StringRecord| {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&rows[0]).unwrap();
        writer.write_record(row).unwrap();
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    };
    rows[1..].iter().map(|row| (row[0].to_owned(), one(row))).collect()
}

#[test]
fn every_sample_record_gives_the_classes_worked_out_by_hand() {
    let expected = fixture("litellm-expected.csv");
    let mut reader = csv::Reader::from_reader(expected.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let csv_rows = csv_records();
    let mut checked = 0;
    for row in reader.records() {
        let row: BTreeMap<&str, String> =
            headers.iter().zip(row.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect();
        let forms = [Some(&records(&row["file"])[&row["record"]]), csv_rows.get(&row["record"])];
        for text in forms.into_iter().flatten() {
            let read = read(text);
            let (key, sums) = cell(&read);
            for (column, meter) in [
                ("in_uncached", Meter::Input),
                ("cache_read", Meter::CacheRead),
                ("cache_write_5m", Meter::CacheWrite5m),
                ("cache_write_1h", Meter::CacheWrite1h),
                ("cache_write_other", Meter::CacheWriteOther),
                ("in_audio", Meter::InputAudio),
                ("in_image", Meter::InputImage),
                ("out_text", Meter::Output),
                ("out_reasoning", Meter::OutputReasoning),
                ("out_audio", Meter::OutputAudio),
                ("out_image", Meter::OutputImage),
            ] {
                let count = row[column].parse().unwrap_or(0);
                assert_eq!(sums.meters.get(meter), count, "{} {column}", row["record"]);
            }
            assert_eq!(sums.logged, row["logged_usd"].parse().unwrap());
            assert_eq!(name(&read, key.served), row["model"]);
            let provider = crate::vocabulary::Seller::find(&row["provider"]).unwrap().id;
            assert_eq!(name(&read, key.provider), provider);
            assert_eq!(
                key.outcome.is_billable(),
                row["billable"] == "yes",
                "{} {:?}",
                row["record"],
                key.outcome
            );
            let reading = if row["quality"] == "usage-missing" {
                Reading::InclusiveInferred
            } else {
                Reading::Inclusive
            };
            assert_eq!(key.reading, reading, "{}", row["record"]);
            checked += 1;
        }
    }
    // 18 JSON records, and every one of them but the failure of a single attempt has its row in the CSV too.
    assert_eq!(checked, 18 + 17);
}

#[test]
fn all_layouts_of_the_same_rows_give_the_same_cubes() {
    let array = fixture("litellm-spend-logs/spend_logs.json");
    let rows: Vec<serde_json::Value> = serde_json::from_str(&array).unwrap();
    let (format, whole) = detect(array.as_bytes());
    let whole = whole.unwrap();
    assert_eq!(format, "litellm-spend-logs");
    assert_eq!((whole.rows, whole.rejected), (rows.len() as u64, 0));

    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let envelope = serde_json::json!({"data": rows, "total": 3, "page": 1, "page_size": 50}).to_string();
    let as_text: String = rows
        .iter()
        .map(|row| {
            let mut row = row.clone();
            // Once encoded, and twice.
            row["metadata"] = row["metadata"].to_string().into();
            row["request_tags"] = row["request_tags"].to_string().into();
            row["metadata"] = row["metadata"].to_string().into();
            format!("{row}\r\n\r\n")
        })
        .collect();
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(lines.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let gzip = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    for bytes in [
        lines.as_bytes(),
        envelope.as_bytes(),
        as_text.as_bytes(),
        format!("\u{feff}{lines}").as_bytes(),
        lines.trim_end().as_bytes(),
        &utf16,
        &gzip,
        &rows.iter().map(|row| serde_json::to_string_pretty(row).unwrap()).collect::<String>().into_bytes(),
    ] {
        let (_, read) = detect(bytes);
        let read = read.unwrap();
        assert_eq!(read.cubes, whole.cubes);
        assert_eq!(read.ids, whole.ids);
    }
    let csv = read(&fixture("litellm-spend-logs-csv/spend_logs.pg.csv"));
    assert_eq!(csv.cubes, whole.cubes);
    assert!(csv.diagnostics.iter().any(|diagnostic| diagnostic.code == "time-without-zone"));
    let single = read(&fixture(
        "litellm-payload/s3/2026-05-14/time-09-31-07-412233_chatcmpl-CXa1b2C3d4E5f6G7h8I9j0K1l2M3n.json",
    ));
    assert_eq!(cell(&single).1.meters.get(Meter::CacheRead), 9216);
}

/// A payload line with some members replaced.
fn payload(changes: serde_json::Value) -> String {
    let mut row: serde_json::Value = serde_json::from_str(
        fixture("litellm-payload/standard_logging_payload.jsonl").lines().next().unwrap(),
    )
    .unwrap();
    fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
        match (into, from) {
            (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
                for (key, value) in from {
                    merge(into.entry(key).or_insert(serde_json::Value::Null), value);
                }
            }
            (into, from) => *into = from,
        }
    }
    merge(&mut row, changes);
    row.to_string()
}

#[test]
fn row_kinds() {
    let none = serde_json::json!({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "response_cost": 0,
        "metadata": {"usage_object": null}});
    let with = |base: &serde_json::Value, key: &str, value: serde_json::Value| {
        let mut changes = base.clone();
        changes[key] = value;
        cell(&read(&payload(changes))).0
    };
    let full = serde_json::json!({});
    assert_eq!(with(&none, "stream", true.into()).outcome, Outcome::StreamWithoutUsage);
    assert_eq!(with(&none, "status", "failure".into()).outcome, Outcome::Failed);
    assert_eq!(with(&none, "call_type", "call_mcp_tool".into()).outcome, Outcome::NotACall);
    let poll = with(&none, "call_type", "aretrieve_batch".into());
    assert_eq!((poll.outcome, poll.call_type), (Outcome::NotACall, CallType::Poll));
    let batch = with(&full, "call_type", "aretrieve_batch".into());
    assert_eq!(
        (batch.outcome, batch.call_type, batch.tier),
        (Outcome::Success, CallType::Batch, Tier::Batch)
    );
    assert_eq!(with(&full, "status", "failure".into()).outcome, Outcome::FailedWithUsage);
    let gone = cell(&read(&payload(
        serde_json::json!({"status": "failure", "error_information": {"error_code": "499"}}),
    )))
    .0;
    assert_eq!((gone.outcome, gone.source), (Outcome::FailedWithUsage, CountSource::Estimated));
    assert_eq!(with(&full, "cache_hit", true.into()).outcome, Outcome::CacheHit);
    assert_eq!(with(&full, "id", "x_cache_hit1778751190.5".into()).outcome, Outcome::CacheHit);
    assert_eq!(
        with(&full, "metadata", serde_json::json!({"used_client_oauth_token": true})).outcome,
        Outcome::OtherPayer
    );
    assert_eq!(
        with(&full, "metadata", serde_json::json!({"usage_object": null})).source,
        CountSource::TotalsOnly
    );
    assert_eq!(with(&full, "total_tokens", 99.into()).reading, Reading::IdentityFailed);
    // Asked for is not served.
    assert_eq!(
        with(&full, "model_parameters", serde_json::json!({"service_tier": "priority"})).tier,
        Tier::Standard
    );
    assert_eq!(with(&full, "cost_breakdown", serde_json::json!({"service_tier": "flex"})).tier, Tier::Flex);
    assert_eq!(
        with(&full, "metadata", serde_json::json!({"usage_object": {"speed": "fast"}})).tier,
        Tier::Fast
    );
}

/// Spend-log rows of `model` with these further fields and no counts, one a line.
fn uncounted(rows: &[(&str, &str)]) -> UsageRead {
    let row = |(number, (model, more)): (usize, &(&str, &str))| {
        format!(
            r#"{{"request_id": "r{number}", "call_type": "acompletion", "spend": 0, "startTime": "2026-05-01T09:00:00Z", "endTime": "2026-05-01T09:00:07Z", "model": "{model}", "custom_llm_provider": "openai", "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "status": "success"{more}}}"#
        )
    };
    read(&rows.iter().enumerate().map(row).collect::<Vec<_>>().join("\n"))
}

#[test]
fn answers_without_counts_are_told() {
    const NONE: &str = "without tokens and cost";
    let told = |read: &UsageRead, code: &str| {
        let found = read.diagnostics.iter().find(|told| told.code == code);
        found.map(|told| (told.origin.line, told.message.clone()))
    };
    let streamed = r#", "completionStartTime": "2026-05-01T09:00:02Z""#;
    let whole = r#", "completionStartTime": "2026-05-01T09:00:07Z""#;
    let rows = [("gpt-5.5", streamed), ("gpt-5.5", ""), ("openai/gpt-5-mini", ""), ("gpt-5.5", whole)];
    let read = uncounted(&rows);
    // The first is known as a stream, and the last is known as none.
    assert_eq!(
        told(&read, "no-usage"),
        Some((2, format!("2 rows succeeded {NONE}, and nothing tells a stream: gpt-5.5, gpt-5-mini")))
    );
    assert_eq!(
        told(&read, "no-usage-no-stream"),
        Some((4, format!("1 row succeeded {NONE}, in no stream: gpt-5.5")))
    );
    let outcomes: Vec<Outcome> = read.cubes.rating.keys().map(|key| key.outcome).collect();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Outcome::StreamWithoutUsage).count(), 1);
    // Models are listed up to six.
    let many = ["m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"].map(|model| (model, ""));
    assert!(told(&uncounted(&many), "no-usage").unwrap().1.ends_with(": m0, m1, m2, m3, m4, m5 and more"));
    assert_eq!(told(&uncounted(&[("gpt-5.5", streamed)]), "no-usage"), None);
}

#[test]
fn names_regions_and_owners() {
    let read = |changes| {
        let read = read(&payload(changes));
        let (key, _) = cell(&read);
        let (who, _) = read.cubes.attribution.iter().next().unwrap();
        [
            key.provider,
            key.key,
            key.requested,
            key.routed,
            key.served,
            key.region,
            who.team,
            who.feature,
            who.environment,
            who.customer,
        ]
        .map(|name| read.cubes.names.text(name).to_owned())
    };
    assert_eq!(
        read(serde_json::json!({})),
        [
            "openai",
            "svc-support-prod",
            "gpt-5",
            "gpt-5",
            "gpt-5",
            "",
            "support-platform",
            "ticket-triage",
            "prod",
            "cust-0042"
        ]
    );
    let bedrock = read(serde_json::json!({
        "custom_llm_provider": "bedrock", "model": "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "model_group": "claude", "api_base": "https://bedrock-runtime.us-east-1.amazonaws.com/model/x/converse",
        "metadata": {"original_model_group": "smart", "user_api_key_team_alias": null, "user_api_key_alias": null},
        "request_tags": "[\"feature:a\\\"b\"]", "end_user": "user_1a_account_2b_session_3c",
    }));
    assert_eq!(bedrock[0], "aws-bedrock");
    assert!(bedrock[1].starts_with("0087"));
    assert_eq!(
        bedrock[2..6],
        ["smart", "claude", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us-east-1"]
    );
    assert_eq!(bedrock[6..], ["7d1f0c52-3a44-4d0e-9a63-5b1c2e8f9a10", "a\"b", "", "user_1a_account_2b"]);
    let azure = read(serde_json::json!({
        "custom_llm_provider": "azure", "model": "azure/eu/gpt-5.1", "model_group": "chat",
        "api_base": "https://acme.openai.azure.com/",
    }));
    assert_eq!([&azure[0], &azure[4], &azure[5]], ["azure-openai", "eu/gpt-5.1", "datazone:eu"]);
    let groq = read(serde_json::json!({"custom_llm_provider": "groq", "model": "openai/gpt-oss-120b"}));
    assert_eq!((&*groq[0], &*groq[4]), ("groq", "openai/gpt-oss-120b"));
    let own = read(serde_json::json!({"custom_llm_provider": "groq", "model": "groq/openai/gpt-oss-120b"}));
    assert_eq!((&*own[0], &*own[4]), ("groq", "openai/gpt-oss-120b"));
    let other = read(
        serde_json::json!({"custom_llm_provider": "hosted_vllm", "model": "meta/llama-4", "metadata": {"usage_object": {"inference_geo": "us"}}}),
    );
    assert_eq!((&*other[0], &*other[4], &*other[5]), ("hosted_vllm", "meta/llama-4", "geo:us"));
    let own = read(serde_json::json!({"metadata": {"internal_call_origin": "shadow_eval_judge"}}));
    assert_eq!(own[6..8], ["gateway", "shadow_eval_judge"]);
}

#[test]
fn bad_rows_are_listed_and_the_rest_is_kept() {
    let good = payload(serde_json::json!({}));
    let text = [
        good.clone(),
        String::new(),
        "[1, 2]".into(),
        payload(serde_json::json!({"id": "n", "prompt_tokens": -1})),
        payload(serde_json::json!({"id": "f", "prompt_tokens": 1.5})),
        payload(serde_json::json!({"id": "t", "startTime": null})),
        payload(serde_json::json!({"id": "c", "response_cost": "much"})),
        "\0\0\0\0".into(),
        good.replacen("\"id\"", "id", 1),
        payload(serde_json::json!({"id": "s", "prompt_tokens": "12480", "completion_tokens": 1904.0})),
        good[..good.len() / 2].to_owned(),
    ]
    .join("\n");
    let read = read(&text);
    assert_eq!((read.rows, read.rejected), (10, 8));
    assert_eq!(cell_count(&read), 2);
    let listed: Vec<String> =
        read.rejects.iter().map(|reject| format!("{} {}", reject.origin, reject.code)).collect();
    assert_eq!(
        listed[..7],
        [
            "logs/a:3:1 not-an-object",
            "logs/a:4 negative-tokens",
            "logs/a:5 bad-tokens",
            "logs/a:6 bad-time",
            "logs/a:7 bad-cost",
            "logs/a:8:1 nul-bytes",
            "logs/a:9:2 malformed-json",
        ]
    );
    assert!(listed[7].starts_with("logs/a:11:") && listed[7].ends_with("malformed-json"));
}

fn cell_count(read: &UsageRead) -> u64 {
    read.cubes.rating.values().map(|sums| sums.requests).sum()
}

#[test]
fn what_cannot_be_read_says_how_to_export_again() {
    let code = |text: &str| match detect(text.as_bytes()).1 {
        Err(Error::Input(diagnostics)) => {
            assert!(diagnostics[0].help.is_some());
            diagnostics[0].code
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        code(
            r#"[{"startTime": "2026-05-14", "spend": 412.1, "users": {"a": 1}, "models": {"gpt-5": 412.1}}]"#
        ),
        "summarised-spend-logs"
    );
    let line = r#"{"request_id": "a", "spend": 0, "startTime": "2026-05-14T09:31:07.412", "call_type": "acompletion", "model": "a \"b\" c"}"#;
    assert_eq!(cell_count(&read(line)), 1);
    assert_eq!(code(&line.replace('\\', "\\\\")), "doubled-backslashes");
}

#[test]
fn the_first_of_an_id_counts_whatever_the_threads_and_blocks() {
    let mut text = String::new();
    for index in 0..600u32 {
        let id = format!("id-{}", index % 250);
        let prompt = 12_480 + index / 500;
        let row =
            payload(serde_json::json!({"id": id, "prompt_tokens": prompt, "total_tokens": prompt + 1904,
            "model_group": format!("m{}", index % 7), "startTime": 1_778_751_067 + index % 250 * 60}));
        text.push_str(&row);
        text.push('\n');
        if index % 50 == 7 {
            text.push_str("{\"broken\n");
        }
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let source = Source::file(file.path(), "logs/a");
    let mut results = Vec::new();
    for (threads, block) in [(1, 1 << 20), (1, 9000), (2, 300), (3, 5000), (8, 9001)] {
        let options = UsageOptions { threads, ..UsageOptions::default() };
        let engine = Engine::new(&source, &options).with_block(block);
        results.push(json::read_lines(engine, &options, payload::COLUMNS).unwrap());
    }
    let first = &results[0];
    let count = |outcome| {
        first
            .cubes
            .rating
            .iter()
            .filter(|(key, _)| key.outcome == outcome)
            .map(|(_, sums)| sums.requests)
            .sum::<u64>()
    };
    // The rows of the second half have other counts: 100 of the 350 repeats.
    assert_eq!((count(Outcome::Success), count(Outcome::Duplicate)), (250, 250));
    assert_eq!(count(Outcome::Restated), 100);
    assert_eq!((first.rows, first.rejected, first.ids.0.len()), (612, 12, 250));
    let attributed: u64 = first.cubes.attribution.values().map(|sums| sums.requests).sum();
    assert_eq!(attributed, 600);
    for other in &results[1..] {
        assert_eq!(other.cubes, first.cubes);
        assert_eq!(
            (&other.ids, &other.rejects, &other.diagnostics),
            (&first.ids, &first.rejects, &first.diagnostics)
        );
    }
    let hash = Source::file(file.path(), "again").sha256().unwrap();
    assert_eq!(source.sha256().unwrap(), hash);
}

#[test]
fn csv_cells_may_hold_newlines_and_blocks_may_end_anywhere() {
    let mut text = String::from("request_id,spend,startTime,model,end_user,request_tags\n");
    for index in 0..300 {
        text.push_str(&format!(
            "r{index},5.6e-05,2026-05-14 09:31:07.4,openai/gpt-5,\"a \"\"b\"\"\nc, {}\",\"[\"\"env:prod\"\"]\"\n",
            index % 3
        ));
    }
    text.push_str("short,1\n\"open");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let source = Source::file(file.path(), "logs/a.csv");
    let options = UsageOptions { threads: 2, ..UsageOptions::default() };
    let form = spend_logs_csv::Form::new(&source, &options).unwrap();
    for block in [200, 333, 1 << 20] {
        let read =
            Engine::new(&source, &options).with_block(block).blocks(Shape::Csv, || form.reader()).unwrap();
        assert_eq!((read.rows, read.rejected), (302, 2), "{:?}", read.rejects);
        assert_eq!(read.rejects[0].origin.line, 602);
        let customers: Vec<&str> =
            read.cubes.attribution.keys().map(|key| read.cubes.names.text(key.customer)).collect();
        assert_eq!(customers, ["a \"b\"\nc, 0", "a \"b\"\nc, 1", "a \"b\"\nc, 2"]);
        let logged: crate::money::Money = read.cubes.rating.values().map(|sums| sums.logged).sum();
        assert_eq!(logged.plain(), "0.0168");
    }
}

#[test]
fn a_line_of_fifty_megabytes() {
    let mut text = payload(serde_json::json!({"messages": [{"content": "x\\\"".repeat(50 << 18)}]}));
    assert!(text.len() > 50 << 20);
    text.push('\n');
    text.push_str(&payload(serde_json::json!({"id": "b"})));
    assert_eq!(cell_count(&read(&text)), 2);
}
