//! Bills whose days begin elsewhere, and months that only look like it. The bill is made here by integer arithmetic
//! from prices typed in by hand and from where each day begins in UTC.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use llmfin::causes::Status;
use llmfin::close::assemble::assemble;
use llmfin::close::check;
use llmfin::close::document::{Bridge, Finding, Reconciliation};
use llmfin::close::inputs::CloseInputs;
use llmfin::diagnostic::{Diagnostic, Origin};
use llmfin::invoice::{BillLine, DocumentKind};
use llmfin::money::Money;
use llmfin::period::{Day, Month, read_instant};
use llmfin::pricebook::Pricebook;
use llmfin::vocabulary::Meter;

use crate::world::{Calls, cubes, document, inputs, line};

const MODELS: [&str; 2] = ["gpt-5-mini", "gpt-5-nano"];

/// In 10^-12 dollars a token: gpt-5-mini 0.25 and 2.00 a million, gpt-5-nano 0.05 and 0.40.
fn unit(model: &str, meter: Meter) -> i128 {
    match (model, meter) {
        ("gpt-5-mini", Meter::Input) => 250_000,
        ("gpt-5-mini", _) => 2_000_000,
        (_, Meter::Input) => 50_000,
        _ => 400_000,
    }
}

static BOOK: LazyLock<Pricebook> = LazyLock::new(|| Pricebook::shipped().unwrap());

/// Usage of one hour.
#[derive(Debug, Clone)]
pub struct Hour {
    pub model: &'static str,
    pub at: i64,
    pub tokens: [(Meter, u64); 2],
}

impl Hour {
    fn amount(&self) -> i128 {
        self.tokens.iter().map(|(meter, count)| unit(self.model, *meter) * i128::from(*count)).sum()
    }
}

/// A month with the days beside it, busy by day and quiet by night, every hour different.
pub fn usage(month: &str) -> Vec<Hour> {
    let month: Month = month.parse().unwrap();
    let (first, last) = (month.first().previous(), month.last().next());
    let mut seed = 7u64;
    let mut random = move |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    let mut hours = Vec::new();
    for day in (first.days()..=last.days()).map(Day::from_days) {
        for hour in 0..24 {
            for model in MODELS {
                let busy = if (8..20).contains(&hour) { 5 } else { 1 };
                let tokens = [
                    (Meter::Input, busy * (20_000 + random(90_000))),
                    (Meter::Output, busy * (1_000 + random(9_000))),
                ];
                hours.push(Hour { model, at: day.start() + hour * 3600, tokens });
            }
        }
    }
    hours
}

/// How finely the bill speaks.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bill {
    Quantities,
    Amounts,
    ModelDays,
}

/// The bill of a month whose days begin so many seconds before midnight UTC, by day.
fn bill(hours: &[Hour], month: &str, bill: Bill, ahead: impl Fn(Day) -> i64) -> Vec<BillLine> {
    let month: Month = month.parse().unwrap();
    let mut sums: BTreeMap<(Day, &str, Option<Meter>), (i128, i128)> = BTreeMap::new();
    for hour in hours {
        let begun = |day: &Day| day.start() - ahead(*day) <= hour.at;
        let Some(day) = month.period().days().take_while(begun).last() else { continue };
        if day.next().start() - ahead(day.next()) <= hour.at {
            continue;
        }
        for (meter, count) in hour.tokens {
            let shown = (bill != Bill::ModelDays).then_some(meter);
            let sum = sums.entry((day, hour.model, shown)).or_default();
            sum.0 += i128::from(count);
            sum.1 += i128::from(count) * unit(hour.model, meter);
        }
    }
    let made = |((day, model, meter), (count, pico)): ((Day, &str, Option<Meter>), (i128, i128))| {
        let quantity = (bill == Bill::Quantities).then_some(count);
        let amount = Money::from_pico(pico).plain();
        let mut line = line(model, &day.to_string(), meter.unwrap_or(Meter::Input), quantity, &amount);
        line.meter = meter;
        line
    };
    sums.into_iter().map(made).collect()
}

fn close(hours: &[Hour], month: &str, bill: Vec<BillLine>) -> Reconciliation {
    close_with(hours, month, bill, |_| ())
}

/// The same after a change of what is given.
fn close_with(
    hours: &[Hour],
    month: &str,
    bill: Vec<BillLine>,
    change: impl Fn(&mut CloseInputs),
) -> Reconciliation {
    let calls: Vec<Calls> = hours
        .iter()
        .map(|hour| {
            let day = Day::of_instant(hour.at);
            let slot = ((hour.at - day.start()) / 900) as u32;
            Calls { slot, ..Calls::of("openai", hour.model, &day.to_string(), &hour.tokens) }
        })
        .collect();
    let documents = vec![document("openai", DocumentKind::Cost, bill)];
    let mut inputs = inputs(&BOOK, month, cubes(&calls), documents);
    change(&mut inputs);
    let mut closed = assemble(&inputs).unwrap();
    check(&closed).unwrap();
    // The gateway's own cost is no matter here.
    closed.findings.retain(|finding| finding.bridge == Bridge::PricedBilled);
    closed
}

fn fact<'f>(finding: &'f Finding, name: &str) -> Option<&'f str> {
    finding.evidence.iter().find(|fact| fact.name.contains(name)).map(|fact| fact.value.as_str())
}

pub fn at(text: &str) -> i64 {
    read_instant(text).unwrap().0
}

fn between(hours: &[Hour], from: &str, to: &str) -> i128 {
    let inside = |hour: &&Hour| (at(from)..at(to)).contains(&hour.at);
    hours.iter().filter(inside).map(Hour::amount).sum()
}

#[test]
fn one_clock_ties_out_the_whole_month() {
    // The evening of 31 October in Los Angeles is 1 November in UTC; its morning of 1 October begins at 07:00.
    for grain in [Bill::Quantities, Bill::Amounts, Bill::ModelDays] {
        let hours = usage("2026-10");
        let closed = close(&hours, "2026-10", bill(&hours, "2026-10", grain, |_| -7 * 3600));
        assert!(closed.totals.unexplained_gross.is_zero(), "{grain:?} {:#?}", closed.totals);
        let [finding] = &closed.findings[..] else { panic!("{grain:?} {:#?}", closed.findings) };
        assert_eq!((finding.cause.as_str(), finding.status), ("time.zone_bucket", Status::Exact));
        let into = between(&hours, "2026-11-01T00:00", "2026-11-01T07:00");
        let out_of = between(&hours, "2026-10-01T00:00", "2026-10-01T07:00");
        assert_eq!(finding.amount, Money::from_pico(into - out_of));
        assert_eq!(fact(finding, "midnight of"), Some("UTC-07:00 (America/Los_Angeles)"));
        assert_eq!(fact(finding, "before the period"), Some(&*Money::from_pico(into).to_string()));
        assert_eq!(fact(finding, "in the period, billed"), Some(&*Money::from_pico(out_of).to_string()));
    }
}

#[test]
fn a_zone_is_followed_through_its_change() {
    // Berlin is two hours ahead of UTC up to 25 October 2026 and one hour from the 26th on.
    let berlin = |day: Day| if day.to_string().as_str() <= "2026-10-25" { 7200 } else { 3600 };
    let hours = usage("2026-10");
    let closed = close(&hours, "2026-10", bill(&hours, "2026-10", Bill::Amounts, berlin));
    assert!(closed.totals.unexplained_gross.is_zero());
    assert_eq!(fact(&closed.findings[0], "midnight of"), Some("Europe/Berlin"));
    let into = between(&hours, "2026-09-30T22:00", "2026-10-01T00:00");
    let out_of = between(&hours, "2026-10-31T23:00", "2026-11-01T00:00");
    assert_eq!(closed.findings[0].amount, Money::from_pico(into - out_of));
    // Los Angeles leaves summer time on 1 November: its first day begins at 07:00 UTC, the others at 08:00.
    let los_angeles = |day: Day| if day.to_string().as_str() <= "2026-11-01" { -25_200 } else { -28_800 };
    let hours = usage("2026-11");
    let closed = close(&hours, "2026-11", bill(&hours, "2026-11", Bill::ModelDays, los_angeles));
    assert!(closed.totals.unexplained_gross.is_zero());
    assert_eq!(fact(&closed.findings[0], "midnight of"), Some("America/Los_Angeles"));
    // India is five hours and a half ahead.
    let closed = close(&hours, "2026-11", bill(&hours, "2026-11", Bill::Quantities, |_| 19_800));
    assert_eq!(closed.findings[0].cause, "time.zone_bucket");
}

#[test]
fn an_edge_that_was_not_exported_stays_open() {
    let hours = usage("2026-10");
    let exported: Vec<Hour> = hours.iter().filter(|hour| hour.at < at("2026-11-01T00:00")).cloned().collect();
    let lines = bill(&hours, "2026-10", Bill::Amounts, |_| -7 * 3600);
    let closed = close(&exported, "2026-10", lines);
    let [finding] = &closed.findings[..] else { panic!("{:#?}", closed.findings) };
    assert_eq!((finding.cause.as_str(), finding.status), ("time.zone_bucket", Status::Exact));
    assert_eq!(fact(finding, "cannot be tested"), Some("2026-10-31"));
    let missing = between(&hours, "2026-11-01T00:00", "2026-11-01T07:00");
    assert_eq!(closed.totals.unexplained, Money::from_pico(missing));
    assert_eq!(closed.totals.unexplained_gross, Money::from_pico(missing));
}

/// Two calls of 03:00 and 12:00 UTC a day, at 0.25 a million input tokens. In California the first is of the day before.
#[test]
fn the_month_moves_by_its_edges_only() {
    let call = |day: u32, hour: i64, millions: u64| {
        let month = if day == 32 { "2026-11-01".to_owned() } else { format!("2026-10-{day:02}") };
        let at = at(&month) + hour * 3600;
        Hour { model: "gpt-5-mini", at, tokens: [(Meter::Input, millions * 1_000_000), (Meter::Output, 0)] }
    };
    let mut hours = vec![call(1, 3, 4), call(32, 3, 8)];
    // Millions at 03:00 and 12:00 of days that differ.
    for (day, night, noon) in
        [(1, 0, 10), (2, 6, 12), (3, 2, 8), (4, 7, 9), (5, 1, 11), (6, 4, 10), (31, 3, 5)]
    {
        hours.extend([call(day, 3, night), call(day, 12, noon)]);
    }
    hours.retain(|hour| hour.tokens[0].1 > 0);
    let mut lines = bill(&hours, "2026-10", Bill::Quantities, |_| -7 * 3600);
    lines.retain(|line| line.quantity != Some(0));
    // 10 + 6 million tokens of 1 October by the clock of California.
    assert_eq!(lines[0].amount.unwrap().plain(), "4.00");
    let closed = close(&hours, "2026-10", lines);
    assert!(closed.totals.unexplained_gross.is_zero());
    let [finding] = &closed.findings[..] else { panic!("{:#?}", closed.findings) };
    // 8 million of 1 November are in, 4 million of 1 October are out: (8 − 4) × 0.25.
    assert_eq!((finding.cause.as_str(), finding.amount.plain()), ("time.zone_bucket", "1.00".to_owned()));
    // Between 03:00 and noon there is no usage: every clock in between cuts the same days.
    assert!(fact(finding, "same days").is_some_and(|clocks| clocks.contains("America/Los_Angeles")));
}

#[test]
fn what_looks_like_another_clock_is_none() {
    let hours = usage("2026-10");
    let day = |hour: &Hour| Day::of_instant(hour.at).date().unwrap();
    let on = |hour: &Hour| day(hour).to_string();
    let weekend = |hour: &Hour| ((Day::of_instant(hour.at).days() + 4) % 7 + 7) % 7 % 6 == 0;
    let decoys: [(&str, Vec<Hour>); 5] = [
        ("plain", hours.clone()),
        ("weekends without usage", hours.iter().filter(|hour| !weekend(hour)).cloned().collect()),
        (
            "a launch",
            hours
                .iter()
                .filter(|hour| hour.model == "gpt-5-mini" || on(hour).as_str() > "2026-10-12")
                .cloned()
                .collect(),
        ),
        (
            "twice the traffic",
            hours
                .iter()
                .cloned()
                .map(|mut hour| {
                    if on(&hour).as_str() > "2026-10-12" {
                        hour.tokens.iter_mut().for_each(|(_, count)| *count *= 2);
                    }
                    hour
                })
                .collect(),
        ),
        (
            "a quiet last day",
            hours
                .iter()
                .filter(|hour| on(hour) != "2026-10-31" || hour.at % 86_400 < 7200)
                .cloned()
                .collect(),
        ),
    ];
    for (what, hours) in decoys {
        let closed = close(&hours, "2026-10", bill(&hours, "2026-10", Bill::Amounts, |_| 0));
        assert!(closed.findings.is_empty(), "{what} {:#?}", closed.findings);
    }
    // Rows lost on the edge days only.
    let lost: Vec<Hour> = hours
        .iter()
        .filter(|hour| !["2026-10-01", "2026-10-31"].contains(&&*on(hour)) || hour.at % 86_400 > 18_000)
        .cloned()
        .collect();
    let closed = close(&lost, "2026-10", bill(&hours, "2026-10", Bill::Amounts, |_| 0));
    assert!(
        closed.findings.iter().all(|finding| finding.cause != "time.zone_bucket"),
        "{:#?}",
        closed.findings
    );
}

/// The month without the days from one to another, which are left out of the log.
fn without(hours: &[Hour], from: &str, to: &str) -> Vec<Hour> {
    hours.iter().filter(|hour| !(at(from)..at(to)).contains(&hour.at)).cloned().collect()
}

fn told(closed: &Reconciliation) -> Vec<(&str, Status, Money)> {
    let told = |finding: &'_ Finding| (finding.status, finding.amount);
    closed.findings.iter().map(|finding| (finding.cause.as_str(), told(finding).0, told(finding).1)).collect()
}

#[test]
fn days_that_were_not_logged_are_what_the_bill_has_on_them() {
    let hours = usage("2026-10");
    for grain in [Bill::Quantities, Bill::Amounts, Bill::ModelDays] {
        let lines = || bill(&hours, "2026-10", grain, |_| 0);
        // Two days inside the month, then the last one.
        for (from, to) in [("2026-10-13", "2026-10-15"), ("2026-10-31", "2026-11-02")] {
            let closed = close(&without(&hours, from, to), "2026-10", lines());
            let lost = Money::from_pico(between(&hours, from, to.min("2026-11-01")));
            assert_eq!(told(&closed), [("qty.missing_day", Status::Proven, lost)], "{grain:?} {from}");
            assert!(closed.totals.unexplained_gross.is_zero());
        }
        // Twelve days before the first row: the gateway may not have been in use.
        let closed = close(&without(&hours, "2026-09-29", "2026-10-13"), "2026-10", lines());
        let [finding] = &closed.findings[..] else { panic!("{:#?}", closed.findings) };
        assert_eq!((finding.status, &*finding.rivals), (Status::Ambiguous, &["cov.bypass".to_owned()][..]));
    }
    // A bill of a few cents on a day without usage is somebody else's: not a day like the others.
    let mut lines = bill(&hours, "2026-10", Bill::Amounts, |_| 0);
    lines.retain(|line| line.period.first != "2026-10-13".parse().unwrap());
    lines.push(line("gpt-5-mini", "2026-10-13", Meter::Input, None, "0.02"));
    let closed = close(&without(&hours, "2026-10-13", "2026-10-14"), "2026-10", lines);
    assert_eq!((told(&closed), closed.totals.unexplained.plain()), (vec![], "0.02".to_owned()));
}

#[test]
fn a_bill_that_ends_early_says_why_or_names_both_reasons() {
    let hours = usage("2026-10");
    let until = |last: &str| {
        let mut lines = bill(&hours, "2026-10", Bill::Amounts, |_| 0);
        lines.retain(|line| line.period.first <= last.parse().unwrap());
        lines
    };
    let owed = |from: &str| Money::from_pico(-between(&hours, from, "2026-11-01"));
    let said = |code: &'static str| {
        move |inputs: &mut CloseInputs| {
            inputs.diagnostics.push(Diagnostic::warning(code, Origin::file("bill.csv"), "said"));
        }
    };
    let lag = close(&hours, "2026-10", until("2026-10-29"));
    assert_eq!(told(&lag), [("time.export_lag", Status::Ambiguous, owed("2026-10-30"))]);
    assert_eq!(lag.findings[0].rivals, ["cov.truncated_export"]);
    assert!(lag.totals.unexplained_gross.is_zero());
    let cut = close(&hours, "2026-10", until("2026-10-20"));
    assert_eq!(told(&cut), [("cov.truncated_export", Status::Ambiguous, owed("2026-10-21"))]);
    let pages = close_with(&hours, "2026-10", until("2026-10-20"), said("truncated-export"));
    assert_eq!(told(&pages), [("cov.truncated_export", Status::Proven, owed("2026-10-21"))]);
    let open = close_with(&hours, "2026-10", until("2026-10-30"), said("open-bucket"));
    assert_eq!(told(&open), [("time.export_lag", Status::Proven, owed("2026-10-31"))]);
    // Ten thousand rows and not one more.
    let full = |inputs: &mut CloseInputs| inputs.documents[0].document.rows = 10_000;
    let rows = close_with(&hours, "2026-10", until("2026-10-20"), full);
    assert_eq!(told(&rows)[0].1, Status::Probable);
    // A gap inside.
    let mut lines = until("2026-10-31");
    lines.retain(|line| line.period.first != "2026-10-13".parse().unwrap());
    let gap = close(&hours, "2026-10", lines);
    let missing = Money::from_pico(-between(&hours, "2026-10-13", "2026-10-14"));
    assert_eq!(told(&gap), [("qty.missing_day", Status::Probable, missing)]);
}

#[test]
fn what_the_next_bill_has_of_this_month_arrived_late() {
    let hours = usage("2026-10");
    for grain in [Bill::Quantities, Bill::Amounts, Bill::ModelDays] {
        let noon = at("2026-10-31T12:00");
        let (on_time, late): (Vec<Hour>, Vec<Hour>) = hours.iter().cloned().partition(|hour| hour.at < noon);
        let late = bill(&late, "2026-10", grain, |_| 0);
        let next = |inputs: &mut CloseInputs| {
            inputs.later.push(document("openai", DocumentKind::Cost, late.clone()));
        };
        let closed = close_with(&hours, "2026-10", bill(&on_time, "2026-10", grain, |_| 0), next);
        assert!(closed.totals.unexplained_gross.is_zero(), "{grain:?} {:#?}", closed.findings);
        let told = told(&closed);
        assert!(
            told.iter().all(|found| (found.0, found.1) == ("time.late_arrival", Status::Proven)),
            "{told:?}"
        );
        let missing = Money::from_pico(-between(&hours, "2026-10-31T12:00", "2026-11-01"));
        assert_eq!(closed.totals.explained, missing);
        // Without the next bill, short is not late.
        let alone = close(&hours, "2026-10", bill(&on_time, "2026-10", grain, |_| 0));
        assert!(alone.findings.iter().all(|finding| finding.cause != "time.late_arrival"));
    }
}
