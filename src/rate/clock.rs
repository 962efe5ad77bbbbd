//! Clocks by which a day may be cut: a fixed distance from UTC, or a zone with its daylight-saving time.

use std::sync::Arc;

use chrono::{DateTime, Offset};
use chrono_tz::Tz;

use crate::period::{Day, Period};

/// Zones that exports and consoles are set to.
const ZONES: [Tz; 15] = [
    Tz::America__Los_Angeles,
    Tz::America__Denver,
    Tz::America__Chicago,
    Tz::America__New_York,
    Tz::America__Sao_Paulo,
    Tz::Europe__London,
    Tz::Europe__Berlin,
    Tz::Europe__Helsinki,
    Tz::Asia__Dubai,
    Tz::Asia__Kolkata,
    Tz::Asia__Kathmandu,
    Tz::Asia__Shanghai,
    Tz::Asia__Tokyo,
    Tz::Australia__Sydney,
    Tz::Pacific__Auckland,
];

/// Offsets that some clock on earth has: whole hours, and these half ones.
const HOURS: std::ops::RangeInclusive<i64> = -12..=14;
const HALF_HOURS: [i64; 9] = [-19, -7, -5, 7, 9, 11, 13, 19, 21];

/// Where days begin: seconds ahead of UTC, from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock {
    /// In order of time; the first holds before it too.
    steps: Vec<(i64, i64)>,
    /// `UTC-07:00`, with the zones that keep it in these days.
    name: Arc<str>,
}

impl Clock {
    pub fn utc() -> Clock {
        Clock::fixed(0)
    }

    /// A fixed distance, in seconds.
    pub fn fixed(offset: i64) -> Clock {
        Clock { steps: vec![(i64::MIN, offset)], name: offset_text(offset).into() }
    }

    /// The zone in its own days of the period.
    fn zone(zone: Tz, period: Period) -> Clock {
        let offset = |at: i64| {
            let local = DateTime::from_timestamp(at, 0).map(|utc| utc.with_timezone(&zone));
            local.map_or(0, |local| i64::from(local.offset().fix().local_minus_utc()))
        };
        let (first, last) = (period.first.previous().start(), period.last.next().next().start());
        let mut steps: Vec<(i64, i64)> = Vec::new();
        for at in (first..last).step_by(1800) {
            let offset = offset(at);
            if !period.contains(Day::of_instant(at + offset)) {
                continue;
            }
            if steps.last().is_none_or(|(_, known)| *known != offset) {
                steps.push((at, offset));
            }
        }
        let name = zone.name().into();
        Clock { steps, name }
    }

    /// Every clock but UTC, each once: a zone without a change in these days is its distance from UTC.
    pub fn all(period: Period) -> Vec<Clock> {
        let zones: Vec<Clock> = ZONES.iter().map(|zone| Clock::zone(*zone, period)).collect();
        let fixed = HOURS.map(|hours| 2 * hours).chain(HALF_HOURS).map(|half_hours| half_hours * 1800);
        let quarters = zones.iter().filter_map(Clock::constant).filter(|offset| offset % 1800 != 0);
        let mut offsets: Vec<i64> = fixed.chain(quarters).filter(|offset| *offset != 0).collect();
        // Those that people live by first, then the nearest.
        let lived = |offset: i64| zones.iter().any(|zone| zone.constant() == Some(offset));
        offsets.sort_by_key(|offset| (!lived(*offset), offset.abs(), *offset));
        offsets.dedup();
        let fixed = offsets.into_iter().map(|offset| {
            let names: Vec<&str> =
                zones.iter().filter(|zone| zone.constant() == Some(offset)).map(|zone| &*zone.name).collect();
            let text = offset_text(offset);
            let name = if names.is_empty() { text } else { format!("{text} ({})", names.join(", ")) };
            Clock { name: name.into(), ..Clock::fixed(offset) }
        });
        fixed.chain(zones.iter().filter(|zone| zone.constant().is_none()).cloned()).collect()
    }

    fn constant(&self) -> Option<i64> {
        let offset = self.steps.first()?.1;
        (self.steps.len() == 1).then_some(offset)
    }

    /// Seconds ahead of UTC.
    pub fn offset(&self, at: i64) -> i64 {
        let after = self.steps.partition_point(|(from, _)| *from <= at);
        self.steps.get(after.saturating_sub(1)).map_or(0, |(_, offset)| *offset)
    }

    pub fn day(&self, at: i64) -> Day {
        Day::of_instant(at + self.offset(at))
    }

    /// First instant of the day that holds an instant, as the clock stood then.
    pub fn midnight(&self, at: i64) -> i64 {
        self.day(at).start() - self.offset(at)
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

fn offset_text(offset: i64) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    let minutes = offset.abs() / 60;
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::{Month, read_instant};

    fn clocks(month: &str) -> Vec<Clock> {
        Clock::all(month.parse::<Month>().unwrap().period())
    }

    fn named(month: &str, name: &str) -> Clock {
        clocks(month).into_iter().find(|clock| clock.name().contains(name)).unwrap()
    }

    fn day(clock: &Clock, at: &str) -> String {
        clock.day(read_instant(at).unwrap().0).to_string()
    }

    #[test]
    fn a_zone_without_a_change_is_its_distance() {
        // Los Angeles leaves summer time on 1 November 2026 at 09:00 UTC, two hours after its October ends.
        assert_eq!(named("2026-10", "Los_Angeles").name(), "UTC-07:00 (America/Los_Angeles)");
        assert_eq!(named("2026-12", "Los_Angeles").name(), "UTC-08:00 (America/Los_Angeles)");
        assert_eq!(named("2026-11", "Los_Angeles").name(), "America/Los_Angeles");
        assert_eq!(named("2026-10", "Kathmandu").name(), "UTC+05:45 (Asia/Kathmandu)");
        assert_eq!(named("2026-10", "UTC+06:30").name(), "UTC+06:30");
        // UTC itself, and what nobody's clock shows.
        let none = ["UTC+00:00", "UTC+01:30"];
        assert!(clocks("2026-10").iter().all(|clock| !none.contains(&clock.name())));
    }

    #[test]
    fn days_of_a_zone_follow_its_change() {
        // Berlin leaves summer time on 25 October 2026 at 01:00 UTC: that day has 25 hours.
        let berlin = named("2026-10", "Berlin");
        assert_eq!(day(&berlin, "2026-10-24T21:59:59Z"), "2026-10-24");
        assert_eq!(day(&berlin, "2026-10-24T22:00:00Z"), "2026-10-25");
        assert_eq!(day(&berlin, "2026-10-25T22:59:59Z"), "2026-10-25");
        assert_eq!(day(&berlin, "2026-10-25T23:00:00Z"), "2026-10-26");
        assert_eq!(day(&Clock::fixed(-25_200), "2026-11-01T06:59:59Z"), "2026-10-31");
    }
}
