//! Windows of the week against hours read from the seller's page, and against a clock walked minute by minute.

use proptest::prelude::*;

use super::calendars::Calendars;
use super::schedules::*;
use super::text::Text;
use crate::period::{Day, SECONDS_PER_DAY, read_instant};
use crate::pricebook::{NoPrice, PriceQuery, Pricebook, files};
use crate::vocabulary::{Meter, Tier};

fn at(text: &str) -> i64 {
    read_instant(text).unwrap().0
}

fn read_all(toml: &str) -> (Schedules, Vec<String>) {
    let (mut calendars, mut schedules, mut problems) = (Calendars::new(), Schedules::new(), Vec::new());
    read(&Text::new("schedules.toml", toml), &mut calendars, &mut schedules, &mut problems);
    assert!(problems.iter().all(|problem| problem.help.is_some()));
    (schedules, problems.iter().map(ToString::to_string).collect())
}

fn shipped() -> Schedules {
    read_all(include_str!("../../pricebooks/schedules.toml")).0
}

/// `open`, `shut`, or either with `?` where a holiday nobody confirmed decides.
fn state(schedule: &Schedule, instant: &str) -> &'static str {
    match schedule.at(at(instant)) {
        State { open: true, doubtful: false } => "open",
        State { open: false, doubtful: false } => "shut",
        State { open: true, doubtful: true } => "open?",
        State { open: false, doubtful: true } => "shut?",
    }
}

#[test]
fn deepseek_windows_are_those_of_its_page() {
    let schedules = shipped();
    for (id, instant, expected) in [
        // 16:30 to 00:30, every night, until 2025-09-05 16:00.
        ("deepseek-offpeak-2025", "2025-02-26T16:29:59Z", "shut"),
        ("deepseek-offpeak-2025", "2025-02-26T16:30:00Z", "open"),
        ("deepseek-offpeak-2025", "2025-02-27T00:29:59Z", "open"),
        ("deepseek-offpeak-2025", "2025-02-27T00:30:00Z", "shut"),
        ("deepseek-offpeak-2025", "2025-09-04T16:30:00Z", "open"),
        ("deepseek-offpeak-2025", "2025-09-05T16:30:00Z", "shut"),
        // Peak at 01:00 to 04:00 and 06:00 to 10:00 every day of the first week, a Saturday among them.
        ("deepseek-offpeak", "2026-08-16T15:59:59Z", "shut"),
        ("deepseek-offpeak", "2026-08-16T16:00:00Z", "open"),
        ("deepseek-offpeak", "2026-08-17T00:59:59Z", "open"),
        ("deepseek-offpeak", "2026-08-17T01:00:00Z", "shut"),
        ("deepseek-offpeak", "2026-08-17T03:59:59Z", "shut"),
        ("deepseek-offpeak", "2026-08-17T04:00:00Z", "open"),
        ("deepseek-offpeak", "2026-08-17T06:00:00Z", "shut"),
        ("deepseek-offpeak", "2026-08-17T10:00:00Z", "open"),
        ("deepseek-offpeak", "2026-08-22T08:00:00Z", "shut"),
        // From Sunday 2026-08-23 in Beijing the weekend is off-peak.
        ("deepseek-offpeak", "2026-08-23T08:00:00Z", "open"),
        ("deepseek-offpeak", "2026-08-24T08:00:00Z", "shut"),
        ("deepseek-offpeak", "2026-08-29T02:00:00Z", "open"),
        // Mid-Autumn is a Friday, National Day runs to Wednesday; Sunday 2026-09-20 is worked but stays a Sunday.
        ("deepseek-offpeak", "2026-09-24T08:00:00Z", "shut"),
        ("deepseek-offpeak", "2026-09-25T08:00:00Z", "open?"),
        ("deepseek-offpeak", "2026-09-25T12:00:00Z", "open"),
        ("deepseek-offpeak", "2026-09-26T08:00:00Z", "open"),
        ("deepseek-offpeak", "2026-09-20T08:00:00Z", "open"),
        ("deepseek-offpeak", "2026-10-07T08:00:00Z", "open?"),
        ("deepseek-offpeak", "2026-10-08T08:00:00Z", "shut"),
        ("deepseek-offpeak", "2026-10-10T08:00:00Z", "open"),
        // Nobody entered the holidays of 2027: a weekday may be one, a weekend is off-peak anyhow.
        ("deepseek-offpeak", "2027-01-04T08:00:00Z", "shut?"),
        ("deepseek-offpeak", "2027-01-04T12:00:00Z", "open"),
        ("deepseek-offpeak", "2027-01-03T08:00:00Z", "open"),
    ] {
        assert_eq!(state(&schedules[id], instant), expected, "{id} {instant}");
    }
}

#[test]
fn a_night_belongs_to_the_day_it_began_on_and_follows_the_clock() {
    let (schedules, problems) = read_all(
        r#"
[[calendar]]
id = "bank"
years = [2026]
holiday = [{ name = "x", first = 2026-05-04, last = 2026-05-04, source = "s" }]
[[schedule]]
id = "friday-night"
version = [{ from = 2026-01-01, zone = "Europe/London", weekday_zone = "Europe/London", windows = [{ hours = "22:00-06:00", days = "Fri" }] }]
[[schedule]]
id = "weekend"
version = [{ from = 2026-01-01, weekday_zone = "Asia/Shanghai", holidays = "bank", windows = [{ days = "Sat-Sun,holidays" }] }]
[[schedule]]
id = "evening"
version = [{ from = 2026-01-01, zone = "America/New_York", windows = [{ hours = "18:00-24:00" }] }]
"#,
    );
    assert_eq!(problems, [""; 0]);
    for (id, instant, expected) in [
        // 2026-01-02 is a Friday; London is at UTC in winter and an hour ahead in summer.
        ("friday-night", "2026-01-02T21:45:00Z", "shut"),
        ("friday-night", "2026-01-02T22:00:00Z", "open"),
        ("friday-night", "2026-01-03T05:59:59Z", "open"),
        ("friday-night", "2026-01-03T06:00:00Z", "shut"),
        ("friday-night", "2026-01-03T22:00:00Z", "shut"),
        ("friday-night", "2026-01-02T05:00:00Z", "shut"),
        ("friday-night", "2026-07-03T21:00:00Z", "open"),
        ("friday-night", "2026-07-03T20:59:59Z", "shut"),
        // Saturday begins in Shanghai at 16:00 UTC on Friday. Monday 2026-05-04 is a holiday.
        ("weekend", "2026-01-02T15:59:59Z", "shut"),
        ("weekend", "2026-01-02T16:00:00Z", "open"),
        ("weekend", "2026-01-04T16:00:00Z", "shut"),
        ("weekend", "2026-05-03T16:00:00Z", "open"),
        ("weekend", "2026-05-04T16:00:00Z", "shut"),
        // New York put its clock forward on 2026-03-08.
        ("evening", "2026-03-07T23:00:00Z", "open"),
        ("evening", "2026-03-08T22:00:00Z", "open"),
        ("evening", "2026-03-09T04:00:00Z", "shut"),
    ] {
        assert_eq!(state(&schedules[id], instant), expected, "{id} {instant}");
    }
}

#[test]
fn every_unclear_schedule_is_named() {
    let (_, problems) = read_all(
        r#"
[[schedule]]
id = "empty"
[[schedule]]
id = "a"
version = [{ from = 2026-01-01T00:10:00Z, windows = [{ hours = "01:00-04:00", days = "Mon" }] }]
[[schedule]]
id = "b"
version = [{ from = 2026-01-01, zone = "Asia/Shangai", windows = [{ hours = "01:10-04:00" }] }, { from = 2026-01-02 }]
[[schedule]]
id = "c"
version = [{ from = 2026-01-01, weekday_zone = "UTC", holidays = "cn", windows = [{ days = "Monday" }] }]
[[schedule]]
id = "d"
version = [{ from = 2026-01-01, windows = [] }, { from = 2026-01-01, windows = [] }]
[[calendar]]
id = "x"
years = [2026]
holiday = [{ name = "New Year", first = 2027-01-01, last = 2027-01-01, source = "s" }]
"#,
    );
    let shown: Vec<&str> =
        problems.iter().map(|line| line.strip_prefix("error: schedules.toml:").unwrap()).collect();
    assert_eq!(
        shown,
        [
            "19:41: no run of holidays in the calendar's years",
            "3:6: schedule `empty` has no version",
            "6:21: `2026-01-01T00:10:00Z` is not on a quarter of an hour",
            "6:53: `zone` is not set",
            "6:53: `weekday_zone` is not set",
            "9:40: `Asia/Shangai` is no time zone",
            "9:77: `01:10-04:00` are no hours",
            "9:106: a version says either when it is open or when it is not",
            "12:66: no calendar `cn`",
            "12:92: `Monday` are no days",
            "14:6: schedule `d` has two versions from 2026-01-01",
        ]
    );
}

/// The shipped rules with two rows of one model: what DeepSeek charges at peak hours, and half of it.
fn book(rows: &str) -> Pricebook {
    let header = "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source\n";
    let mut own = files::shipped();
    own.retain(|file| file.name == "schedules.toml" || file.name == "sources.toml");
    for (name, content) in [
        ("book.toml", "name = \"t\"\nbase = \"none\"\n".to_owned()),
        ("models.toml", "[[model]]\nid = \"m\"\nseller = \"deepseek\"\n".to_owned()),
        ("prices/deepseek.csv", format!("{header}{rows}")),
    ] {
        own.push(files::BookFile {
            layer: crate::pricebook::Layer::Overlay,
            name: name.into(),
            shown: name.into(),
            content: content.into(),
        });
    }
    let reading = Pricebook::read(own, Vec::new(), None);
    assert_eq!(reading.problems, []);
    reading.book
}

const ROWS: &str = "\
m,output,standard,0,global,*,0.28,1000000,USD,2026-04-24,2026-04-24,1,listed,s
m,output,standard,0,global,*,1.32,1000000,USD,2026-08-16T16:00Z,2026-08-16,1,listed,s
m,output,standard,0,global,deepseek-offpeak,0.66,1000000,USD,2026-08-16T16:00Z,2026-08-16,1,listed,s
m,output,standard,0,global,*,1.20,1000000,USD,2026-09-10,2026-09-10,1,listed,s
m,output,standard,0,global,deepseek-offpeak,0.60,1000000,USD,2026-09-10,2026-09-10,1,listed,s
m,output,standard,0,global,*,1.00,1000000,USD,2026-11-01,2026-11-01,1,listed,s
m,output,standard,0,global,deepseek-offpeak,,1000000,USD,2026-11-01,2026-11-01,1,ended,s
";

fn query(instant: i64) -> PriceQuery<'static> {
    PriceQuery {
        seller: "deepseek",
        model: "m",
        meter: Meter::Output,
        tier: Tier::Standard,
        region: "",
        prompt: 0,
        at: instant,
    }
}

#[test]
fn a_dated_price_and_a_window_work_together() {
    let book = book(ROWS);
    let price = |instant: &str| match book.price(&query(at(instant))) {
        Ok(priced) => {
            format!("{}{}", priced.unit.per_million(), if priced.unverified { "?" } else { "" })
        }
        Err(reason) => format!("{reason:?}"),
    };
    for (instant, expected) in [
        // A request of June at a peak hour of August is not priced at the peak price of August.
        ("2026-06-15T02:00:00Z", "0.28"),
        ("2026-08-16T15:59:59Z", "0.28"),
        ("2026-08-16T16:00:00Z", "0.66"),
        ("2026-08-17T02:00:00Z", "1.32"),
        ("2026-09-09T23:59:59Z", "0.66"),
        ("2026-09-10T00:00:00Z", "0.6"),
        ("2026-09-10T07:00:00Z", "1.2"),
        ("2026-10-05T07:00:00Z", "0.6?"),
        ("2026-10-05T11:00:00Z", "0.6"),
        // Where the price of the window ends, the price of every hour holds.
        ("2026-11-02T11:00:00Z", "1"),
        ("2026-04-23T00:00:00Z", "NoRow"),
    ] {
        assert_eq!(price(instant), expected, "{instant}");
    }
    // Tuesday 2026-08-18, then the first two price changes of the model.
    let day = at("2026-08-18");
    let hours: Vec<i64> = book
        .price_changes("deepseek", "m", day, day + SECONDS_PER_DAY)
        .iter()
        .map(|edge| (edge - day) / 3600)
        .collect();
    assert_eq!(hours, [1, 4, 6, 10]);
    assert_eq!(book.price(&query(at("2026-01-01"))), Err(NoPrice::NoRow));
}

#[test]
fn a_row_older_than_its_schedule_is_refused() {
    let toml = "name = \"t\"\n";
    let row = "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source\n\
               gpt-5,input,standard,0,global,deepseek-offpeak,3,1000000,USD,2026-01-01,2026-01-01,1,listed,s\n\
               gpt-5,input,standard,0,global,deepseek-ofpeak,3,1000000,USD,2026-01-01,2026-01-01,1,listed,s\n";
    let own = [("book.toml", toml), ("prices/openai.csv", row)].map(|(name, content)| files::BookFile {
        layer: crate::pricebook::Layer::Overlay,
        name: name.into(),
        shown: name.into(),
        content: content.into(),
    });
    let problems: Vec<String> = Pricebook::read(own.into(), Vec::new(), None)
        .problems
        .iter()
        .map(|problem| format!("{} {problem} ({})", problem.code, problem.help.as_deref().unwrap_or("")))
        .collect();
    assert_eq!(
        problems,
        [
            "PB025 error: prices/openai.csv:2:31: window `deepseek-offpeak` has no version at `from` (add an earlier [[schedule.version]])",
            "PB025 error: prices/openai.csv:3:31: window `deepseek-ofpeak` is no schedule of `schedules.toml` (did you mean `deepseek-offpeak`?)",
        ]
    );
}

#[test]
fn two_windows_of_one_price_may_not_be_open_at_once() {
    let schedule = |id: &str, from: &str, hours: &str| {
        format!(
            "[[schedule]]\nid = \"{id}\"\nversion = [{{ from = {from}, zone = \"UTC\", windows = [{{ hours = \"{hours}\" }}] }}]\n"
        )
    };
    let overlaps = |first: &str, second: &str| {
        let toml = schedule("a", "2026-01-01", first) + &schedule("b", "2026-02-01", second);
        let (schedules, _) = read_all(&toml);
        overlap(&schedules["a"], &schedules["b"])
    };
    assert_eq!(overlaps("22:00-06:00", "06:00-22:00"), None);
    assert_eq!(overlaps("22:00-06:15", "06:00-22:00"), Some(at("2026-02-01T06:00:00Z")));
    assert_eq!(overlap(&shipped()["deepseek-offpeak"], &shipped()["deepseek-offpeak-2025"]), None);
}

proptest! {
    /// Between two edges the answer never changes, and at each edge it does.
    #[test]
    fn edges_are_where_the_answer_changes(day in 20_681i32..20_820, minutes in 0i64..1440) {
        let schedule = &shipped()["deepseek-offpeak"];
        let (first, last) = (Day::from_days(day).start(), Day::from_days(day + 2).start());
        let edges = schedule.edges(first, last);
        for edge in &edges {
            prop_assert_ne!(schedule.at(*edge), schedule.at(*edge - 1));
        }
        let instant = first + minutes * 60;
        let since = edges.iter().copied().filter(|edge| *edge <= instant).max().unwrap_or(first);
        prop_assert_eq!(schedule.at(instant), schedule.at(since));
    }
}
