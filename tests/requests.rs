//! The requests of a finding, named one by one: id, time, file and line, from every shape of log, each row once and the rest
//! counted.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files should stop there")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What `explain --finding` says of the first finding with a cause.
fn finding(folder: &Path, files: &str, cause: &str) -> Value {
    let run = |arguments: &str| -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_llmfin"));
        command.args(arguments.split_whitespace()).current_dir(folder).env_remove("LLMFIN_DIR");
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
    };
    let document = run(&format!("reconcile --month 2026-10 {files} -O json"));
    let findings = document["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding.get("requests").is_none()), "nobody asked for rows");
    let found = findings.iter().find(|finding| finding["cause"] == cause);
    let id =
        found.unwrap_or_else(|| panic!("no {cause} in {findings:#?}"))["id"].as_str().unwrap().to_owned();
    run(&format!("explain --finding {id} --month 2026-10 {files} -O json"))
}

/// `id at origin requests` of each request that is shown, and how many more there are.
fn shown(finding: &Value) -> (Vec<String>, u64) {
    let requests = &finding["requests"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let row = |row: &Value| {
        format!("{} {} {} {}", text(&row["id"]), text(&row["at"]), text(&row["origin"]), row["requests"])
    };
    (requests["shown"].as_array().unwrap().iter().map(row).collect(), requests["more"].as_u64().unwrap())
}

fn story(name: &str, files: &str, cause: &str) -> (Vec<String>, u64) {
    shown(&finding(&Path::new("fixtures/stories").join(name), files, cause))
}

#[test]
fn repeated_rows_are_named_and_not_the_calls_they_repeat() {
    let files = "--usage litellm-payload:log.jsonl --invoice openai=cost.csv";
    // Lines 3 and 4 are the calls, 5 and 6 the same again.
    assert_eq!(
        story("qty.duplicate", files, "qty.duplicate"),
        (
            vec![
                "chatcmpl-8e6c0e312f70371967e8de39 2026-10-07T11:21Z log.jsonl:5 1".to_owned(),
                "chatcmpl-42e659ebb1dc46147aa630e7 2026-10-07T12:28Z log.jsonl:6 1".to_owned(),
            ],
            0
        )
    );
}

#[test]
fn streams_without_usage_are_named() {
    let files = "--usage litellm-payload:log.jsonl --invoice openai=cost.csv";
    let (rows, more) = story("qty.stream_no_usage", files, "qty.stream_no_usage");
    assert_eq!((rows.len(), more), (3, 0));
    assert_eq!(rows[0], "chatcmpl-eecc0fe84ca8b24a5458af58 2026-10-22T14:10Z log.jsonl:4 1");
}

#[test]
fn sums_are_named_by_their_row() {
    let files = "--usage llmfin-usage-csv:usage.csv --invoice openai=cost.csv";
    assert_eq!(
        story("rate.batch", files, "rate.batch"),
        (vec!["- 2026-10-12 usage.csv:3 312".to_owned(), "- 2026-10-14 usage.csv:6 314".to_owned()], 0)
    );
}

/// Two files of spend logs: `a.csv` with a header and thirty failed calls that the gateway priced, `b.json` with an array of
/// one that `a.csv` has already and one of its own.
#[test]
fn rows_of_several_files_are_counted_as_when_they_were_summed() {
    let place = tempfile::tempdir().unwrap();
    let id = |number: u32| format!("chatcmpl-{number:02}");
    let at = |number: u32| format!("2026-10-06T09:{number:02}:00Z");
    let mut csv = "request_id,call_type,spend,startTime,endTime,model,custom_llm_provider,prompt_tokens,completion_tokens,total_tokens,status,metadata\n".to_owned();
    for number in 1..=30 {
        csv += &format!(
            "{},acompletion,0.01,{at},{at},gpt-5.4,openai,0,0,0,failure,\"{{\"\"status\"\": \"\"failure\"\"}}\"\n",
            id(number),
            at = at(number)
        );
    }
    let row = |number: u32| {
        format!(
            r#"{{"request_id": "{}", "call_type": "acompletion", "spend": 0.01, "startTime": "{at}", "endTime": "{at}", "model": "gpt-5.4", "custom_llm_provider": "openai", "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, "status": "failure", "metadata": {{"status": "failure"}}}}"#,
            id(number),
            at = at(number)
        )
    };
    fs::write(place.path().join("a.csv"), csv).unwrap();
    fs::write(place.path().join("b.json"), format!("[\n{},\n{}\n]\n", row(30), row(31))).unwrap();
    let bill = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,project_name,organization_id,organization_name\n\
                1791244800,1791331200,2026-10-06T00:00:00+00:00,2026-10-07T00:00:00+00:00,0,usd,\"gpt-5.4-2026-03-05, input\",proj_a,a,org-acme,Acme\n";
    fs::write(place.path().join("cost.csv"), bill).unwrap();
    let found = finding(place.path(), "--usage a.csv b.json --invoice openai=cost.csv", "qty.failed_priced");
    let (rows, more) = shown(&found);
    // Twenty of the thirty-one: the header is line 1, and the row of `b.json` that repeats is no failed call of its own.
    assert_eq!((rows.len(), more), (20, 11));
    assert_eq!(rows[0], "chatcmpl-01 2026-10-06T09:01Z a.csv:2 1");
    assert_eq!(rows[19], "chatcmpl-20 2026-10-06T09:20Z a.csv:21 1");
    let repeated = finding(place.path(), "--usage a.csv b.json --invoice openai=cost.csv", "qty.duplicate");
    assert_eq!(shown(&repeated), (vec!["chatcmpl-30 2026-10-06T09:30Z b.json:2 1".to_owned()], 0));
}

/// What was never written has no line: the finding says so.
#[test]
fn requests_that_no_log_has_are_not_named() {
    let files = "--usage litellm-payload:log.jsonl --invoice openai=cost.csv --invoice openai=usage.json";
    let folder = Path::new("fixtures/stories/qty.dropped_rows-counted");
    let page = fs::read_to_string(folder.join("README.md")).unwrap();
    let command = page.lines().find_map(|line| line.strip_prefix("command: reconcile --month 2026-10 "));
    let found = finding(folder, command.unwrap_or(files), "qty.dropped_rows");
    assert_eq!(shown(&found), (Vec::new(), 0));
    assert_eq!(found["requests"]["note"], "these requests are in no log file, so none of them can be named");
}
