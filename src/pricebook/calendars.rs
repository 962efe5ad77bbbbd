//! Holidays by date, as a government or seller announced them, for schedules that treat them apart.
//!
//! ```toml
//! [[calendar]]
//! id = "cn-public"
//! years = [2026]
//! holiday = [{ name = "National Day", first = 2026-10-01, last = 2026-10-07, source = "cn-holidays-2026" }]
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::names::read_from;
use super::text::Text;
use crate::diagnostic::Diagnostic;
use crate::period::Day;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    id: String,
    /// The years whose holidays are all here.
    years: Vec<i32>,
    /// The seller does not say that it means exactly these days, or since when.
    #[serde(default)]
    unverified: bool,
    #[serde(default)]
    holiday: Vec<Holiday>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holiday {
    #[serde(rename = "name")]
    _name: String,
    first: Spanned<Datetime>,
    last: Spanned<Datetime>,
    /// Id in `sources.toml`.
    #[serde(rename = "source")]
    _source: String,
}

/// The holidays of some years.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Calendar {
    years: BTreeSet<i32>,
    days: BTreeSet<NaiveDate>,
    unverified: bool,
}

pub(super) type Calendars = BTreeMap<Box<str>, Arc<Calendar>>;

impl Calendar {
    pub fn holds(&self, day: NaiveDate) -> bool {
        self.days.contains(&day)
    }

    /// True where the answer may be wrong: a holiday the seller did not confirm, or a year nobody has entered.
    pub fn doubts(&self, day: NaiveDate) -> bool {
        !self.years.contains(&day.year()) || (self.unverified && self.holds(day))
    }
}

/// A calendar with the id of an earlier one replaces it.
pub(super) fn read(text: &Text, entry: Entry, calendars: &mut Calendars, problems: &mut Vec<Diagnostic>) {
    let mut days = BTreeSet::new();
    for holiday in &entry.holiday {
        let (Some(first), Some(last)) =
            (read_from(text, &holiday.first, problems), read_from(text, &holiday.last, problems))
        else {
            continue;
        };
        let (first, last) = (Day::of_instant(first), Day::of_instant(last));
        let run: Vec<NaiveDate> =
            (first.days()..=last.days()).map_while(|day| Day::from_days(day).date()).collect();
        if run.is_empty() || run.len() > 31 || run.iter().any(|day| !entry.years.contains(&day.year())) {
            problems.push(
                text.error("PB025", holiday.first.span(), "no run of holidays in the calendar's years")
                    .help("write first and last day, at most a month, and name the year under `years`"),
            );
            continue;
        }
        days.extend(run);
    }
    let calendar = Calendar { years: entry.years.into_iter().collect(), days, unverified: entry.unverified };
    calendars.insert(entry.id.into(), Arc::new(calendar));
}
