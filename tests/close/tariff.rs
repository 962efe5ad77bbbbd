//! Prices by other hours: a change of price by another clock or a day off, and hours of a tariff read otherwise.

use std::collections::BTreeMap;

use llmfin::causes::Status;
use llmfin::close::assemble::assemble;
use llmfin::close::check;
use llmfin::close::document::{Bridge, Reconciliation};
use llmfin::invoice::DocumentKind;
use llmfin::money::Money;
use llmfin::period::Day;
use llmfin::pricebook::files::BookFile;
use llmfin::pricebook::{Layer, Pricebook};
use llmfin::vocabulary::Meter;

use crate::calendar::{Hour, at, usage};
use crate::world::{Calls, cubes, document, inputs, line};

/// Model m costs 1 and 4 a million, and twice that from the given day on, or from 06:00 to 10:00 UTC.
fn book(from: &str, window: &str) -> Pricebook {
    read_book(&[("*", 1, "2026-01-01", "listed"), (window, 2, from, "listed")])
}

/// Window, factor on 1 and 4 a million, first day and status of the prices of m.
fn read_book(prices: &[(&str, u32, &str, &str)]) -> Pricebook {
    let mut rows =
        "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source\n".to_owned();
    for (window, factor, from, status) in prices {
        for (meter, price) in [("input", factor), ("output", &(4 * factor))] {
            rows += &format!(
                "m,{meter},standard,0,global,{window},{price},1000000,USD,{from},2026-01-01,1,{status},s\n"
            );
        }
    }
    let files = [
        ("book.toml", "name = \"t\"\nbase = \"none\"\n"),
        ("models.toml", "[[model]]\nid = \"m\"\nseller = \"deepseek\"\n"),
        (
            "schedules.toml",
            "[[schedule]]\nid = \"peak\"\n[[schedule.version]]\nfrom = 2026-01-01\nzone = \"UTC\"\nwindows = [{ hours = \"06:00-10:00\" }]\n",
        ),
        ("prices/deepseek.csv", &rows),
    ];
    let files = files.map(|(name, content)| BookFile {
        layer: Layer::Overlay,
        name: name.into(),
        shown: name.into(),
        content: content.to_owned().into(),
    });
    let reading = Pricebook::read(files.into(), Vec::new(), None);
    assert_eq!(reading.problems, []);
    reading.book
}

/// The month under a book, billed by day and meter with the calls that cost twice.
fn close(book: &Pricebook, hours: &[Hour], twice: impl Fn(&Hour) -> bool) -> Reconciliation {
    let mut sums: BTreeMap<(Day, Meter), i128> = BTreeMap::new();
    for hour in hours {
        let day = Day::of_instant(hour.at);
        for (meter, count) in hour.tokens {
            let unit = if meter == Meter::Input { 1_000_000 } else { 4_000_000 };
            let unit = if twice(hour) { 2 * unit } else { unit };
            *sums.entry((day, meter)).or_default() += unit * i128::from(count);
        }
    }
    sums.retain(|(day, _), _| day.to_string().starts_with("2026-10"));
    let lines = sums.into_iter().map(|((day, meter), pico)| {
        line("m", &day.to_string(), meter, None, &Money::from_pico(pico).plain())
    });
    let calls: Vec<Calls> = hours
        .iter()
        .map(|hour| {
            let day = Day::of_instant(hour.at);
            let slot = ((hour.at - day.start()) / 900) as u32;
            Calls { slot, ..Calls::of("deepseek", "m", &day.to_string(), &hour.tokens) }
        })
        .collect();
    let documents = vec![document("deepseek", DocumentKind::Cost, lines.collect())];
    let mut closed = assemble(&inputs(book, "2026-10", cubes(&calls), documents)).unwrap();
    check(&closed).unwrap();
    closed.findings.retain(|finding| finding.bridge == Bridge::PricedBilled);
    closed
}

fn hours() -> Vec<Hour> {
    usage("2026-10").into_iter().filter(|hour| hour.model == "gpt-5-mini").collect()
}

/// What the calls between two instants cost before the change.
fn cost(hours: &[Hour], from: &str, to: &str) -> Money {
    let inside = |hour: &&Hour| (at(from)..at(to)).contains(&hour.at);
    let tokens = hours.iter().filter(inside).flat_map(|hour| hour.tokens);
    let unit = |meter| if meter == Meter::Input { 1_000_000 } else { 4_000_000 };
    Money::from_pico(tokens.map(|(meter, count)| unit(meter) * i128::from(count)).sum())
}

fn told(closed: &Reconciliation) -> Vec<(&str, Status, Money)> {
    closed.findings.iter().map(|found| (found.cause.as_str(), found.status, found.amount)).collect()
}

#[test]
fn a_price_change_at_another_instant() {
    let (book, hours) = (book("2026-10-15", "*"), hours());
    let from = |instant: &'static str| move |hour: &Hour| hour.at >= at(instant);
    assert!(told(&close(&book, &hours, from("2026-10-15"))).is_empty());
    let less = |amount: Money| Money::ZERO - amount;
    // At midnight in California, seven hours of the day cost half.
    let west = close(&book, &hours, from("2026-10-15T07:00"));
    let saved = less(cost(&hours, "2026-10-15", "2026-10-15T07:00"));
    assert_eq!(told(&west), [("rate.effective_boundary", Status::Probable, saved)]);
    assert!(west.findings[0].evidence[0].value.ends_with("America/Los_Angeles)"));
    // A day later, and a day earlier.
    let late = close(&book, &hours, from("2026-10-16"));
    let saved = less(cost(&hours, "2026-10-15", "2026-10-16"));
    assert_eq!(told(&late), [("rate.effective_boundary", Status::Exact, saved)]);
    let early = close(&book, &hours, from("2026-10-14"));
    let more = cost(&hours, "2026-10-14", "2026-10-15");
    assert_eq!(told(&early), [("rate.effective_boundary", Status::Exact, more)]);
    for closed in [west, late, early] {
        assert!(closed.totals.unexplained_gross.is_zero());
    }
    // The old price for good is another cause.
    let stale = close(&book, &hours, |_| false);
    assert!(told(&stale).iter().all(|(cause, _, _)| *cause == "rate.stale"), "{:?}", told(&stale));
}

#[test]
fn at_the_end_of_the_month_the_old_price_may_go_on() {
    let hours = hours();
    let closed = close(&book("2026-10-31", "*"), &hours, |hour| hour.at >= at("2026-11-01"));
    let [(cause, status, _)] = told(&closed)[..] else { panic!("{:?}", told(&closed)) };
    assert_eq!((cause, status), ("rate.effective_boundary", Status::Ambiguous));
    assert_eq!(closed.findings[0].rivals, ["rate.stale"]);
}

#[test]
fn hours_of_a_tariff_read_otherwise() {
    let (book, hours) = (book("2026-01-01", "peak"), hours());
    let peak = |ahead: i64| move |hour: &Hour| (6 * 3600..10 * 3600).contains(&((hour.at + ahead) % 86_400));
    assert!(told(&close(&book, &hours, peak(0))).is_empty());
    let peaks: Vec<Hour> = hours.iter().filter(|hour| peak(0)(hour)).cloned().collect();
    let (all, dear) = (cost(&hours, "2026-10-01", "2026-11-01"), cost(&peaks, "2026-10-01", "2026-11-01"));
    // Everything at the low price saves the second half of the peak; everything at the high one costs the rest again.
    let low = close(&book, &hours, |_| false);
    assert_eq!(told(&low), [("rate.time_of_day", Status::Exact, Money::ZERO - dear)]);
    let high = close(&book, &hours, |_| true);
    assert_eq!(told(&high), [("rate.time_of_day", Status::Exact, all - dear)]);
    // The hours read by the clock of Shanghai.
    let east = close(&book, &hours, peak(8 * 3600));
    let [(cause, status, _)] = told(&east)[..] else { panic!("{:?}", told(&east)) };
    assert_eq!((cause, status), ("rate.time_of_day", Status::Exact));
    assert!(east.findings[0].evidence[0].value.ends_with("(Asia/Shanghai)"));
    assert!(east.totals.unexplained_gross.is_zero());
}

#[test]
fn one_of_two_price_changes_is_read_otherwise() {
    // Twice the price from the 15th to the 24th.
    let prices = [
        ("*", 1, "2026-10-01", "listed"),
        ("*", 2, "2026-10-15", "listed"),
        ("*", 1, "2026-10-25", "listed"),
    ];
    let (book, hours) = (read_book(&prices), hours());
    let late = close(&book, &hours, |hour| (at("2026-10-16")..at("2026-10-25")).contains(&hour.at));
    let saved = Money::ZERO - cost(&hours, "2026-10-15", "2026-10-16");
    assert_eq!(told(&late), [("rate.effective_boundary", Status::Exact, saved)]);
}

#[test]
fn a_promotion_that_is_kept_or_withheld() {
    let (book, hours) =
        (read_book(&[("*", 1, "2026-10-01", "promo"), ("*", 2, "2026-10-15", "listed")]), hours());
    let kept = close(&book, &hours, |hour| hour.at >= at("2026-10-20"));
    let saved = Money::ZERO - cost(&hours, "2026-10-15", "2026-10-20");
    assert_eq!(told(&kept), [("rate.intro_or_promo", Status::Exact, saved)]);
    let withheld = close(&book, &hours, |hour| hour.at >= at("2026-10-05"));
    let more = cost(&hours, "2026-10-05", "2026-10-15");
    assert_eq!(told(&withheld), [("rate.intro_or_promo", Status::Exact, more)]);
    for closed in [kept, withheld] {
        assert!(closed.totals.unexplained_gross.is_zero());
    }
}
