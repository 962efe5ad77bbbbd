//! Golden values by hand from the samples: three models on 2026-05-14, five requests of which one failed.

use super::*;
use crate::error::Error;
use crate::read::testing::fixture;
use crate::read::{UsageFormat, UsageOptions};

fn read(format: &UsageFormat, text: &str) -> crate::error::Result<UsageRead> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let source = crate::read::source::Source::file(file.path(), "activity");
    assert!((format.sniff)(&source.sample().unwrap()), "{}", format.id);
    (format.read)(&source, &UsageOptions::default())
}

#[test]
fn the_three_forms_give_the_same_sums() {
    for (format, file) in [
        (&JSON, "user_daily_activity.json"),
        (&DAILY_TABLE, "daily_user_spend.pg.csv"),
        (&EXPORT, "team-usage-2026-05-01-2026-05-31-daily_with_models.csv"),
    ] {
        let read = read(format, &fixture("litellm-activity", file)).unwrap();
        let mut seen: Vec<_> = read
            .cubes
            .rating
            .iter()
            .map(|(key, sums)| {
                assert_eq!(
                    (key.day().to_string(), key.source),
                    ("2026-05-14".into(), CountSource::TotalsOnly)
                );
                let meters: Vec<String> =
                    sums.meters.iter().map(|(meter, count)| format!("{meter} {count}")).collect();
                (
                    read.cubes.names.text(key.served),
                    key.outcome.id(),
                    sums.requests,
                    meters.join(", "),
                    sums.logged.plain(),
                )
            })
            .collect();
        seen.sort();
        assert_eq!(
            seen,
            [
                (
                    "anthropic/claude-sonnet-4-5-20250929",
                    "success",
                    1,
                    "input 212, cache_read 18432, cache_write.other 6144, output 845".to_owned(),
                    "0.0418806".to_owned()
                ),
                ("openai/gpt-5", "failed", 1, String::new(), "0".to_owned()),
                (
                    "openai/gpt-5",
                    "success",
                    2,
                    "input 6528, cache_read 18432, output 3808".to_owned(),
                    "0.024272".to_owned()
                ),
                (
                    "vertex_ai/gemini-2.5-flash",
                    "success",
                    1,
                    "input 1104, cache_read 4096, output 2060".to_owned(),
                    "0.00560408".to_owned()
                ),
            ],
            "{file}"
        );
        assert_eq!((read.rows, read.rejected, read.diagnostics.len()), (5, 0, 0));
    }
}

#[test]
fn exports_that_cannot_be_priced_are_refused_with_a_remedy() {
    let legacy = fixture("litellm-activity", "legacy_ui_team_usage_daily.csv");
    let Err(Error::Input(refused)) = read(&UI_EXPORT, &legacy) else { panic!() };
    assert_eq!(refused[0].code, "not-for-money");
    let daily = "date,entity_id,spend,prompt_tokens,completion_tokens,api_requests,successful_requests\n";
    let Err(Error::Input(refused)) = read(&EXPORT, daily) else { panic!() };
    assert!(refused[0].help.as_ref().unwrap().contains("daily_with_models"));
}

#[test]
fn a_day_that_does_not_add_up_says_so() {
    let text = fixture("litellm-activity", "user_daily_activity.json").replacen("0.07175668", "0.08", 1);
    let read = read(&JSON, &text).unwrap();
    assert_eq!(
        read.diagnostics[0].message,
        "2026-05-14: the models add up to 0.07175668 where the day says 0.08"
    );
}

/// Read after another file with these sums.
fn after(format: &UsageFormat, first: &str, then: &str) -> crate::error::Result<UsageRead> {
    let known = read(format, first).unwrap().ids;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), then).unwrap();
    let source = crate::read::source::Source::file(file.path(), "then");
    (format.read)(&source, &UsageOptions { known_ids: Some(known.into()), ..UsageOptions::default() })
}

fn requests(read: &UsageRead) -> (u64, u64) {
    let of = |repeat: bool| {
        let rows = read.cubes.rating.iter().filter(|(key, _)| key.outcome.is_repeat() == repeat);
        rows.map(|(_, sums)| sums.requests).sum()
    };
    (of(false), of(true))
}

#[test]
fn a_sum_that_was_there_before_counts_once() {
    for (format, file) in [
        (&JSON, "user_daily_activity.json"),
        (&DAILY_TABLE, "daily_user_spend.pg.csv"),
        (&EXPORT, "team-usage-2026-05-01-2026-05-31-daily_with_models.csv"),
    ] {
        let text = fixture("litellm-activity", file);
        let again = after(format, &text, &text).unwrap();
        assert_eq!((again.rows, requests(&again)), (5, (0, 5)), "{file}");
        let told: Vec<&str> = again.diagnostics.iter().map(|told| &*told.message).collect();
        assert_eq!(told, ["3 sums were there before with the same counts: each counts once"], "{file}");
    }
}

#[test]
fn the_primary_key_tells_rows_of_the_daily_table_apart() {
    let table = |rows: &[&str]| {
        format!(
            "id,date,api_key,model,model_group,custom_llm_provider,spend,prompt_tokens,completion_tokens,\
             api_requests,successful_requests\n{}\n",
            rows.join("\n")
        )
    };
    let row = |id: &str, prompt: u32| format!("{id},2026-05-14,k,gpt-5,gpt-5,openai,0.5,{prompt},10,2,2");
    // Two users of one key, each with the same counts; one of the rows is there twice.
    let twice = read(&DAILY_TABLE, &table(&[&row("a", 100), &row("b", 100), &row("a", 100)])).unwrap();
    assert_eq!((twice.rows, requests(&twice)), (6, (4, 2)));
    // The day went on between two exports.
    let grown = after(&DAILY_TABLE, &table(&[&row("a", 100)]), &table(&[&row("b", 100), &row("a", 170)]));
    let Err(Error::Input(refused)) = grown else { panic!("counted") };
    assert_eq!(
        refused[0].to_string(),
        "error: then:3: 1 sum was there before with other counts: the day had not ended yet"
    );
    // Without the key two rows of one file may be of two users, and the same two of the next file are they again.
    let pair = table(&[&row("", 100), &row("", 100)]);
    assert_eq!(requests(&read(&DAILY_TABLE, &pair).unwrap()), (4, 0));
    assert_eq!(requests(&after(&DAILY_TABLE, &pair, &pair).unwrap()), (0, 4));
}

#[test]
fn a_page_that_ends_inside_a_day_leaves_the_rest_to_the_next() {
    let first = fixture("litellm-activity", "user_daily_activity.json");
    let next = first.replace("24960", "24961");
    let next = after(&JSON, &first, &next).unwrap();
    assert_eq!(requests(&next), (3, 2));
    assert!(next.diagnostics.iter().any(|told| told.code == "divided-sums"), "{:?}", next.diagnostics);
}
