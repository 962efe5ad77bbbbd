//! PB024 and PB025: promises that run out, and windows of the day.

use super::numbers::{named, what};
use super::{Context, Findings, Rule, on_reading};
use crate::diagnostic::Level;
use crate::period::Day;
use crate::vocabulary::PriceStatus;

pub const RULES: &[Rule] = &[
    Rule {
        id: "PB024",
        level: Level::Error,
        title: "a scheduled or promotional price is past its day and nobody confirmed it, or a promotion names no end",
        why: "Two lists raised Claude Sonnet 5 on 2026-09-01 as announced; the rise had been withdrawn. GPT-5.6 Sol was cheaper \
              \"at least through\" a day, and a list reverted too early.",
        remedy: "Read the page again, then add a row: the next price, or the same one as `listed` or with a later `until`. \
                 A promotion says `2026-08-31` or `>=2026-11-21` under `until`.",
        waivable: false,
        check: overdue,
    },
    Rule {
        id: "PB025",
        level: Level::Error,
        title: "a window is unknown, overlaps another, leaves its zone or weekday calendar open, or has no version for a row's start",
        why: "DeepSeek's weekends became off-peak on 2026-08-23; its pages do not agree whose weekday that is.",
        remedy: "Name the schedule's `zone`, and `weekday_zone` where days matter; give each change a version of its own.",
        waivable: false,
        check: on_reading,
    },
];

fn overdue(context: &Context, findings: &mut Findings) {
    let now = context.as_of.next().start() - 1;
    for ladder in context.ladders.values() {
        for (_, row) in &ladder.steps {
            if row.status == PriceStatus::Promo && row.until.is_none() {
                findings.row(
                    row,
                    "until",
                    format!("the promotion of {} names no end", what(row)),
                    "write its last day, 2026-08-31, or the earliest one, >=2026-11-21",
                );
            }
        }
        // Only the price that holds can mislead; what followed has settled the rest.
        let Some(row) = ladder.at(now).filter(|row| row.unit.is_some()) else { continue };
        // A page read after the day has shown that the price still holds.
        let read = context.book.evidence(&row.source).map(|evidence| evidence.retrieved);
        let confirmed_after = |day: Day| read.is_some_and(|read| read > day);
        let (day, promised) = match (row.status, row.until) {
            (PriceStatus::Promo, Some(until)) => {
                (until.day, if until.at_least { "at least until" } else { "until" })
            }
            (PriceStatus::Scheduled, _) => (Day::of_instant(row.from).previous(), "scheduled and due after"),
            _ => continue,
        };
        if context.as_of > day && !confirmed_after(day) {
            let message = format!("{}, {promised} {day}, and nobody confirmed it since", named(row));
            findings.row(row, "status", message, "read the page, and add a row that says what holds now");
        }
    }
}
