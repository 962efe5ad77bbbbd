//! `schedules.toml`: windows of the week in which another price holds, and the holidays they depend on.
//!
//! ```toml
//! [[schedule]]
//! id = "night"
//! [[schedule.version]]
//! from = 2026-08-16T16:00:00Z
//! zone = "UTC"
//! weekday_zone = "Asia/Shanghai"
//! complement_of = [{ hours = "01:00-04:00", days = "Mon-Fri" }]
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Datelike, NaiveDate, Timelike};
use chrono_tz::Tz;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::calendars::{self, Calendar, Calendars};
use super::names::read_from;
use super::text::{Text, suggest};
use crate::diagnostic::Diagnostic;
use crate::period::{SECONDS_PER_DAY, SECONDS_PER_SLOT};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchedulesFile {
    #[serde(default)]
    calendar: Vec<calendars::Entry>,
    #[serde(default)]
    schedule: Vec<ScheduleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleEntry {
    id: Spanned<String>,
    #[serde(default)]
    version: Vec<VersionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionEntry {
    from: Spanned<Datetime>,
    /// Whose clock the hours are read on.
    zone: Option<Spanned<String>>,
    /// Whose calendar the days are read on.
    weekday_zone: Option<Spanned<String>>,
    holidays: Option<Spanned<String>>,
    windows: Option<Spanned<Vec<WindowEntry>>>,
    complement_of: Option<Spanned<Vec<WindowEntry>>>,
    /// Id in `sources.toml`.
    #[serde(rename = "source")]
    _source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowEntry {
    hours: Option<Spanned<String>>,
    days: Option<Spanned<String>>,
}

/// Whether a window is open at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    pub open: bool,
    /// True where an unverified or unknown holiday decides.
    pub doubtful: bool,
}

/// A named window: what it was when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub id: Box<str>,
    /// By `from`.
    versions: Vec<Version>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    from: i64,
    zone: Tz,
    weekday_zone: Tz,
    holidays: Option<Arc<Calendar>>,
    /// Open outside the windows instead of inside.
    complement: bool,
    windows: Vec<Window>,
}

/// Days, or hours of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    /// Start and end by the clock, in seconds; past midnight where the end is not after the start.
    hours: Option<(i64, i64)>,
    days: Days,
}

/// Weekdays as bits, Monday first, then holidays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days(u8);

const EVERY_DAY: Days = Days(0xff);
const HOLIDAYS: Days = Days(1 << 7);
const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

pub(super) type Schedules = BTreeMap<Box<str>, Arc<Schedule>>;

impl Schedule {
    /// First instant at which the schedule says anything.
    pub fn start(&self) -> i64 {
        self.versions.first().map_or(i64::MAX, |version| version.from)
    }

    /// Before its first version a window is closed.
    pub fn at(&self, instant: i64) -> State {
        let index = self.versions.partition_point(|version| version.from <= instant);
        let version = index.checked_sub(1).and_then(|index| self.versions.get(index));
        version.map_or(State { open: false, doubtful: false }, |version| version.state(instant))
    }

    /// Instants `t` with `first < t <= last` at which the window opens, closes or becomes doubtful. Edges lie on
    /// slots of 15 minutes, which the reader makes sure of.
    pub fn edges(&self, first: i64, last: i64) -> Vec<i64> {
        if self.versions.is_empty() {
            return Vec::new();
        }
        let first = first.max(self.start() - 1);
        let mut edges = Vec::new();
        let mut before = self.at(first);
        let mut slot = first.div_euclid(SECONDS_PER_SLOT) * SECONDS_PER_SLOT + SECONDS_PER_SLOT;
        while slot <= last {
            let now = self.at(slot);
            if now != before {
                edges.push(slot);
            }
            before = now;
            slot += SECONDS_PER_SLOT;
        }
        edges
    }
}

/// Days of two schedules that are compared: every weekday in every season, and a year of holidays.
const COMPARED: i64 = 400 * SECONDS_PER_DAY;

/// First instant at which both are open, after the later of them began.
pub(super) fn overlap(one: &Schedule, other: &Schedule) -> Option<i64> {
    let last = |schedule: &Schedule| schedule.versions.last().map(|version| version.from);
    let first = one.start().max(other.start());
    let end = last(one)?.max(last(other)?) + COMPARED;
    (first..end).step_by(SECONDS_PER_SLOT as usize).find(|slot| one.at(*slot).open && other.at(*slot).open)
}

impl Version {
    fn state(&self, instant: i64) -> State {
        let Some(calendar) = &self.holidays else {
            return State { open: self.open(instant, |_| false), doubtful: false };
        };
        let open = self.open(instant, |day| calendar.holds(day));
        // Doubt matters only where the other answer would open or close the window.
        let doubtful = open != self.open(instant, |day| calendar.holds(day) != calendar.doubts(day));
        State { open, doubtful }
    }

    fn open(&self, instant: i64, holiday: impl Fn(NaiveDate) -> bool) -> bool {
        let clock = local(instant, self.zone).map_or(0, |now| i64::from(now.num_seconds_from_midnight()));
        let inside = self.windows.iter().any(|window| {
            let since = window.hours.map_or(0, |(start, _)| (clock - start).rem_euclid(SECONDS_PER_DAY));
            // Hours past midnight belong to the day on which the window opened.
            window.hours.is_none_or(|(start, end)| since < (end - start).rem_euclid(SECONDS_PER_DAY))
                && (window.days == EVERY_DAY || {
                    let opened = local(instant - since, self.weekday_zone).map(|now| now.date_naive());
                    opened.is_some_and(|day| window.days.hold(day, holiday(day)))
                })
        });
        inside != self.complement
    }
}

impl Days {
    fn hold(self, day: NaiveDate, holiday: bool) -> bool {
        let bit = if holiday { HOLIDAYS.0 } else { 1 << day.weekday().num_days_from_monday() };
        self.0 & bit != 0
    }
}

fn local(instant: i64, zone: Tz) -> Option<DateTime<Tz>> {
    DateTime::from_timestamp(instant, 0).map(|utc| utc.with_timezone(&zone))
}

const CODE: &str = "PB025";

/// Adds one `schedules.toml`. A calendar or schedule with the id of an earlier one replaces it.
pub(super) fn read(
    text: &Text,
    calendars: &mut Calendars,
    schedules: &mut Schedules,
    problems: &mut Vec<Diagnostic>,
) {
    let Some(file) = text.toml::<SchedulesFile>(problems) else { return };
    for entry in file.calendar {
        calendars::read(text, entry, calendars, problems);
    }
    for entry in file.schedule {
        let id: Box<str> = entry.id.get_ref().as_str().into();
        if entry.version.is_empty() {
            let message = format!("schedule `{id}` has no version");
            problems.push(
                text.error(CODE, entry.id.span(), message).help("add a [[schedule.version]] with `from`"),
            );
        }
        let mut versions = Vec::new();
        for version in &entry.version {
            versions.extend(read_version(text, version, calendars, problems));
        }
        versions.sort_by_key(|version| version.from);
        if let Some(pair) = versions.windows(2).find(|pair| pair[0].from == pair[1].from) {
            let message = format!(
                "schedule `{id}` has two versions from {}",
                crate::period::Day::of_instant(pair[0].from)
            );
            problems.push(text.error(CODE, entry.id.span(), message).help("keep one of the two"));
        }
        schedules.insert(id.clone(), Arc::new(Schedule { id, versions }));
    }
}

fn read_version(
    text: &Text,
    entry: &VersionEntry,
    calendars: &Calendars,
    problems: &mut Vec<Diagnostic>,
) -> Option<Version> {
    let before = problems.len();
    let from = read_from(text, &entry.from, problems)?;
    if from % SECONDS_PER_SLOT != 0 {
        let message = format!("`{}` is not on a quarter of an hour", entry.from.get_ref());
        problems.push(
            text.error(CODE, entry.from.span(), message)
                .help("usage is summed by 15 minutes: write an instant on :00, :15, :30 or :45"),
        );
    }
    let (windows, complement) = match (&entry.windows, &entry.complement_of) {
        (Some(windows), None) => (windows, false),
        (None, Some(windows)) => (windows, true),
        _ => {
            problems.push(
                text.error(CODE, entry.from.span(), "a version says either when it is open or when it is not")
                    .help("write `windows = [{ hours = \"16:30-00:30\" }]` or `complement_of = […]`; `windows = []` is never open"),
            );
            return None;
        }
    };
    let by_hour = windows.get_ref().iter().any(|window| window.hours.is_some());
    let by_day = entry.holidays.is_some() || windows.get_ref().iter().any(|window| window.days.is_some());
    let zone = read_zone(text, entry.zone.as_ref(), by_hour, "zone", windows, problems);
    let weekday_zone =
        read_zone(text, entry.weekday_zone.as_ref(), by_day, "weekday_zone", windows, problems);
    let holidays = entry.holidays.as_ref().and_then(|name| {
        let found = calendars.get(name.get_ref().as_str()).cloned();
        if found.is_none() {
            let help = suggest(name.get_ref(), calendars.keys().map(|id| &**id));
            let message = format!("no calendar `{}`", name.get_ref());
            problems.push(text.error(CODE, name.span(), message).help(help));
        }
        found
    });
    let windows: Vec<Window> =
        windows.get_ref().iter().filter_map(|window| read_window(text, window, problems)).collect();
    (problems.len() == before).then_some(Version { from, zone, weekday_zone, holidays, complement, windows })
}

fn read_zone(
    text: &Text,
    zone: Option<&Spanned<String>>,
    needed: bool,
    field: &str,
    windows: &Spanned<Vec<WindowEntry>>,
    problems: &mut Vec<Diagnostic>,
) -> Tz {
    match zone.map(|zone| (zone, zone.get_ref().parse::<Tz>())) {
        Some((_, Ok(zone))) => return zone,
        Some((zone, Err(_))) => problems.push(
            text.error(CODE, zone.span(), format!("`{}` is no time zone", zone.get_ref()))
                .help("write an IANA name: \"UTC\", \"Asia/Shanghai\""),
        ),
        None if needed => {
            problems.push(text.error(CODE, windows.span(), format!("`{field}` is not set")).help(format!(
                "say whose {} these are: {field} = \"UTC\"",
                if field == "zone" { "hours" } else { "days" }
            )))
        }
        None => {}
    }
    Tz::UTC
}

fn read_window(text: &Text, entry: &WindowEntry, problems: &mut Vec<Diagnostic>) -> Option<Window> {
    let hours = match &entry.hours {
        None => None,
        Some(hours) => {
            let read = hours_of(hours.get_ref());
            if read.is_none() {
                let message = format!("`{}` are no hours", hours.get_ref());
                problems.push(
                    text.error(CODE, hours.span(), message)
                        .help("write \"01:00-04:00\" or \"16:30-00:30\", on quarters of an hour"),
                );
            }
            read
        }
    };
    let days = match &entry.days {
        None => Some(EVERY_DAY),
        Some(days) => {
            let read = days_of(days.get_ref());
            if read.is_none() {
                let message = format!("`{}` are no days", days.get_ref());
                problems.push(
                    text.error(CODE, days.span(), message)
                        .help("write \"Mon-Fri\", \"Sat,Sun\" or \"Sat-Sun,holidays\""),
                );
            }
            read
        }
    };
    (hours.is_some() || entry.hours.is_none()).then_some(Window { hours, days: days? })
}

/// Seconds after midnight; midnight at the end is 0. A whole day is written without hours.
fn hours_of(hours: &str) -> Option<(i64, i64)> {
    let clock = |text: &str| -> Option<i64> {
        let (hour, minute) = text.split_once(':').filter(|_| text.len() == 5)?;
        let number = |text: &str| super::row::read_digits(text).and_then(|number| i64::try_from(number).ok());
        let (hour, minute) = (number(hour)?, number(minute)?);
        (minute < 60 && minute % 15 == 0 && hour * 60 + minute <= 24 * 60)
            .then_some(hour * 3600 + minute * 60)
    };
    let (start, end) = hours.split_once('-')?;
    let (start, end) = (clock(start)?, clock(end)?);
    (start != end % SECONDS_PER_DAY && start < SECONDS_PER_DAY).then_some((start, end % SECONDS_PER_DAY))
}

fn days_of(days: &str) -> Option<Days> {
    let index = |name: &str| NAMES.iter().position(|known| *known == name);
    let mut bits = 0;
    for part in days.split(',').map(str::trim) {
        if part == "holidays" {
            bits |= HOLIDAYS.0;
            continue;
        }
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (index(first)?, index(last)?);
        // `Sat-Mon` runs over the end of the week.
        let length = (last + 7 - first) % 7;
        bits |= (0..=length).map(|step| 1 << ((first + step) % 7)).sum::<u8>();
    }
    Some(Days(bits))
}
