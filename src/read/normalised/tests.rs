//! What was written reads back to the same cubes, in both forms; what is wrong has its line.

use proptest::prelude::*;

use super::*;
use crate::money::Money;
use crate::usage::cube::{AttributionKey, Band, Cubes, RatingKey, Sums};
use crate::usage_table::Part;
use crate::usage_table::write::{Form, write_table};
use crate::vocabulary::*;

const BANDS: [Band; 2] =
    [Band { tokens: 128_000, inclusive: true }, Band { tokens: 200_000, inclusive: false }];

fn options() -> UsageOptions {
    UsageOptions { bands: BANDS.to_vec(), ..UsageOptions::default() }
}

fn csv(text: &str) -> Result<UsageRead> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    read_csv(&Source::file(file.path(), "usage.csv"), &options())
}

#[test]
fn rows_are_summed_and_refusals_have_their_line() {
    let read = csv(
        "period_start,provider,served_model,service_tier,requests,input,cache_write_5m,output,logged_cost,team\n\
         2026-10-01T00:00:00Z,anthropic,claude,,3,100,7,20,0.5,search\n\
         2026-10-01T00:14:59Z,anthropic,claude,standard,1,10,,2,,search\n\
         2026-10-01,anthropic,claude,prioritty,1,10,,2,0.25,\n\
         2026-10-01,anthropic,claude,,1,-4,,2,,\n\
         yesterday,anthropic,claude,,1,4,,2,,\n\
         2026-10-01,anthropic\n",
    )
    .unwrap();
    let (key, sums) = read.cubes.rating.first_key_value().unwrap();
    assert_eq!((read.cubes.rating.len(), key.day().to_string()), (1, "2026-10-01".into()));
    assert_eq!((sums.requests, sums.logged_rows, sums.logged.plain()), (4, 3, "0.50".into()));
    assert_eq!(
        (sums.meters.get(Meter::Input), sums.meters.get(Meter::CacheWrite5m), sums.meters.get(Meter::Output)),
        (110, 7, 22)
    );
    assert_eq!((read.rows, read.rejected), (8, 4));
    let rejects: Vec<String> = read
        .rejects
        .iter()
        .map(|reject| format!("{} {} {}", reject.origin, reject.code, reject.reason))
        .collect();
    assert_eq!(
        rejects,
        [
            "usage.csv:4 unknown-word `service_tier`: `prioritty` is not known; did you mean `priority`?",
            "usage.csv:5 bad-count `input`: `-4` is not a whole count",
            "usage.csv:6 bad-instant `period_start`: `yesterday` is not a day or an instant",
            "usage.csv:7 ragged-row 2 fields where the header has 10",
        ]
    );
    assert_eq!(read.rejects[0].amount, Some("0.25".parse().unwrap()));
}

#[test]
fn the_words_for_nothing_are_empty_cells_and_a_name_like_them_comes_back() {
    let read = csv("period_start,provider,served_model,region,team,input,cache_read,logged_cost\n\
         2026-10-01,openai,gpt-5,NULL,'NULL,100,null,N/A\n")
    .unwrap();
    assert_eq!(read.rejected, 0);
    let (key, sums) = read.cubes.rating.first_key_value().unwrap();
    assert_eq!((read.cubes.names.text(key.region), sums.meters.get(Meter::CacheRead)), ("", 0));
    assert_eq!((sums.meters.get(Meter::Input), sums.logged_rows), (100, 0));
    let team = read.cubes.attribution.first_key_value().unwrap().0.team;
    assert_eq!(read.cubes.names.text(team), "NULL");
}

#[test]
fn what_is_billed_for_tokens_names_its_model() {
    let read = csv("period_start,provider,served_model,outcome,input,storage_gb_day,logged_cost,cube\n\
         2026-10-01,openai,,,100,,0.5,\n2026-10-01,openai,NULL,,,,0.5,\n\
         2026-10-01,openai,,failed,100,,,\n2026-10-01,openai,,,,3,,\n2026-10-01,openai,,,100,,,rating\n")
    .unwrap();
    let rejects: Vec<String> =
        read.rejects.iter().map(|reject| format!("{} {}", reject.origin, reject.reason)).collect();
    let reason = "`served_model` is empty: write the model, or the alias that `[[model]]` maps";
    assert_eq!(rejects, [format!("usage.csv:2 {reason}"), format!("usage.csv:3 {reason}")]);
    assert_eq!((read.rows, read.rejects[0].amount), (5, Some("0.5".parse().unwrap())));
}

#[test]
fn a_bare_date_or_a_flag_is_usage_of_a_whole_day() {
    let read = csv("period_start,provider,served_model,whole_day,input\n\
         2026-10-01,deepseek,m,,1\n2026-10-01T00:00:00Z,deepseek,m,,2\n2026-10-01T00:00:00Z,deepseek,m,true,4\n")
    .unwrap();
    let sums: Vec<(bool, u64)> =
        read.cubes.rating.iter().map(|(key, sums)| (key.whole_day, sums.meters.get(Meter::Input))).collect();
    assert_eq!(sums, [(false, 2), (true, 5)]);
}

#[test]
fn a_misspelt_meter_stops_the_run() {
    let Err(Error::Input(errors)) = csv("period_start,provider,served_model,cache_write_5\n") else {
        panic!()
    };
    assert_eq!(errors[0].message, "unknown column `cache_write_5`");
    assert!(errors[0].help.as_ref().unwrap().contains("`cache_write_5m`"));
    let read = csv("period_start,provider,served_model,x_region\n2026-10-01,a,b,c\n").unwrap();
    assert_eq!((read.rows, read.diagnostics[0].code), (1, "unknown-columns"));
}

#[test]
fn a_counter_by_another_name_stops_the_run() {
    let header = "period_start,provider,served_model,input_tokens,cached_tokens,cost_usd,note\n";
    let Err(Error::Input(errors)) = csv(header) else { panic!() };
    let said: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        said,
        ["input_tokens", "cached_tokens", "cost_usd"]
            .map(|name| format!("column `{name}` would not be counted"))
    );
    assert!(errors[1].help.as_ref().unwrap().starts_with("name it `cache_read`, or `x_cached_tokens`"));
}

#[test]
fn words_in_any_case_and_the_tier_that_sellers_call_default() {
    let read = csv("period_start,provider,served_model,service_tier,outcome,input\n\
         2026-10-01,openai,a,default,Success,1\n2026-10-01,openai,a,Priority,SUCCESS,2\n")
    .unwrap();
    let tiers: Vec<Tier> = read.cubes.rating.keys().map(|key| key.tier).collect();
    assert_eq!((read.rejected, tiers), (0, vec![Tier::Standard, Tier::Priority]));
}

#[test]
fn a_repeated_request_is_a_duplicate_and_a_big_sum_has_no_band() {
    let read = csv(
        "period_start,provider,served_model,request_id,requests,input,prompt_tokens_from\n\
         2026-10-01,a,b,r1,,150000,\n2026-10-01,a,b,r1,,150000,\n2026-10-01,a,b,,9,900000,\n2026-10-01,a,b,,9,900000,200001\n",
    )
    .unwrap();
    let seen: Vec<_> =
        read.cubes.rating.iter().map(|(key, sums)| (key.band, key.outcome, sums.requests)).collect();
    assert_eq!(
        seen,
        [
            (0, Outcome::Success, 9),
            (1, Outcome::Success, 1),
            (1, Outcome::Duplicate, 1),
            (2, Outcome::Success, 9)
        ]
    );
    assert_eq!((read.ids.0.len(), read.diagnostics[0].code), (1, "unknown-context-band"));
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "gpt-5", "=1+1", "-x", "'q", "a,\"b\"\n", "\ttab", "é", "NULL"])
        .prop_map(str::to_owned)
}

fn word<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

prop_compose! {
    fn sums()(requests in 0u64..9, counts in prop::collection::vec(0u64..1_000_000, Meter::COUNT),
              pico in 0i128..10i128.pow(20), logged_rows in 0u64..9) -> Sums {
        let logged = if logged_rows == 0 { Money::ZERO } else { Money::from_pico(pico) };
        let mut sums = Sums { requests, logged, logged_rows, ..Sums::default() };
        for (meter, count) in Meter::ALL.iter().zip(counts) {
            sums.meters.set(*meter, count);
        }
        sums
    }
}

prop_compose! {
    fn cubes()(rows in prop::collection::vec(
        (prop::collection::vec(name(), 11), 0u32..4_000_000, 0u8..3, word(Tier::ALL), word(Outcome::ALL),
         (word(CallType::ALL), word(CountSource::ALL), word(Reading::ALL), any::<(bool, bool)>()), sums()), 0..6)) -> Cubes {
        let mut cubes = Cubes::default();
        for (texts, slot, band, tier, outcome, (call_type, source, reading, (stream, whole_day)), sums) in rows {
            let n: Vec<u32> = texts.iter().map(|text| cubes.names.intern(text)).collect();
            let rating = RatingKey { slot, provider: n[0], key: n[1], requested: n[2], routed: n[3], served: n[4],
                region: n[5], tier, band, outcome, call_type, source, reading, stream, whole_day };
            cubes.rating.entry(rating).or_default().add(&sums);
            let attribution = AttributionKey { day: rating.day().days(), team: n[6], feature: n[7], environment: n[8],
                customer: n[9], deploy: n[10], provider: n[0], key: n[1], routed: n[3], served: n[4], region: n[5],
                tier, band, outcome };
            cubes.attribution.entry(attribution).or_default().add(&sums);
        }
        cubes
    }
}

/// The cubes with their names in order of the alphabet, so that equal cubes are equal values.
fn sorted(cubes: &Cubes) -> Cubes {
    let mut texts: Vec<&str> = (0..cubes.names.len()).map(|name| cubes.names.text(name as u32)).collect();
    texts.sort_unstable();
    let mut sorted = Cubes::default();
    for text in texts {
        sorted.names.intern(text);
    }
    sorted.merge(cubes);
    sorted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn what_was_written_reads_back(cubes in cubes(), parquet in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let mut back = Cubes::default();
        for part in [Part::Rating, Part::Attribution] {
            let target = folder.path().join(part.id());
            let form = if parquet { Form::Parquet } else { Form::Csv };
            write_table(&cubes, part, &BANDS, form, &target).unwrap();
            let source = Source::file(&target, part.id());
            let format = if parquet { &PARQUET } else { &CSV };
            prop_assert!((format.sniff)(&source.sample().unwrap()));
            let read = (format.read)(&source, &options()).unwrap();
            prop_assert_eq!(read.rejects, vec![]);
            prop_assert_eq!(read.rows, read.cubes.rating.values().map(|sums| sums.requests).sum::<u64>());
            back.merge(&read.cubes);
        }
        prop_assert_eq!(sorted(&back), sorted(&cubes));
    }
}
