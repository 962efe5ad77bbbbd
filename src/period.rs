//! Days, months and instants. A billing day is a UTC day unless the seller says otherwise; nothing here reads a clock.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

pub const SECONDS_PER_DAY: i64 = 86_400;
/// The rating cube keeps time in slots of 15 minutes.
pub const SECONDS_PER_SLOT: i64 = 900;

/// A calendar day as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    pub const fn from_days(days: i32) -> Day {
        Day(days)
    }
    /// The UTC day that holds an instant, in seconds since the epoch.
    pub fn of_instant(seconds: i64) -> Day {
        Day(seconds.div_euclid(SECONDS_PER_DAY).clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Day> {
        NaiveDate::from_ymd_opt(year, month, day).map(Day::from_date)
    }
    pub fn from_date(date: NaiveDate) -> Day {
        Day(date.to_epoch_days())
    }
    pub const fn days(self) -> i32 {
        self.0
    }
    /// Midnight UTC at the start of the day, in seconds since the epoch.
    pub fn start(self) -> i64 {
        i64::from(self.0) * SECONDS_PER_DAY
    }
    pub const fn next(self) -> Day {
        Day(self.0 + 1)
    }
    pub const fn previous(self) -> Day {
        Day(self.0 - 1)
    }
    pub fn date(self) -> Option<NaiveDate> {
        NaiveDate::from_epoch_days(self.0)
    }
    pub fn month(self) -> Month {
        let date = self.date().unwrap_or_default();
        Month { year: date.year(), month: date.month() }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{}", date.format("%Y-%m-%d")),
            None => write!(f, "day {}", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = String;
    fn from_str(text: &str) -> Result<Day, String> {
        // `chrono` would accept `2026-1-2`; exports and people write ten characters.
        if text.len() != 10 {
            return Err(format!("`{text}` is not a date of the form 2026-10-31"));
        }
        NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .map(Day::from_date)
            .map_err(|_| format!("`{text}` is not a date of the form 2026-10-31"))
    }
}

/// A calendar month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    month: u32,
}

impl Month {
    pub fn new(year: i32, month: u32) -> Option<Month> {
        ((1..=12).contains(&month) && (1970..=9999).contains(&year)).then_some(Month { year, month })
    }
    pub fn first(self) -> Day {
        Day::from_ymd(self.year, self.month, 1).unwrap_or(Day(0))
    }
    pub fn last(self) -> Day {
        self.next().first().previous()
    }
    pub fn next(self) -> Month {
        if self.month == 12 {
            Month { year: self.year + 1, month: 1 }
        } else {
            Month { month: self.month + 1, ..self }
        }
    }
    pub fn previous(self) -> Month {
        if self.month == 1 {
            Month { year: self.year - 1, month: 12 }
        } else {
            Month { month: self.month - 1, ..self }
        }
    }
    pub fn period(self) -> Period {
        Period { first: self.first(), last: self.last() }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Month {
    type Err = String;
    fn from_str(text: &str) -> Result<Month, String> {
        let parse = || {
            let (year, month) = text.split_once('-')?;
            (year.len() == 4 && month.len() == 2).then_some(())?;
            Month::new(year.parse().ok()?, month.parse().ok()?)
        };
        parse().ok_or_else(|| format!("`{text}` is not a month of the form 2026-10"))
    }
}

/// A run of whole days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    pub first: Day,
    pub last: Day,
}

impl Period {
    pub fn contains(self, day: Day) -> bool {
        self.first <= day && day <= self.last
    }
    pub fn days(self) -> impl Iterator<Item = Day> {
        (self.first.0..=self.last.0).map(Day)
    }
}

/// Reads an instant to whole seconds since the epoch: RFC 3339 with a zone; `YYYY-MM-DD HH:MM[:SS[.f]]` or with
/// `T`, without a zone, which is UTC for every system that writes it so; a bare date is midnight UTC.
/// Returns the seconds and whether the text named its zone.
pub fn read_instant(text: &str) -> Option<(i64, bool)> {
    let bytes = text.as_bytes();
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = bytes.get(range)?;
        digits
            .iter()
            .all(u8::is_ascii_digit)
            .then(|| digits.iter().fold(0, |n, d| n * 10 + i64::from(d - b'0')))
    };
    let separator = |index: usize, wanted: &[u8]| bytes.get(index).is_some_and(|byte| wanted.contains(byte));
    (separator(4, b"-") && separator(7, b"-")).then_some(())?;
    let day = Day::from_ymd(number(0..4)? as i32, number(5..7)? as u32, number(8..10)? as u32)?;
    if bytes.len() == 10 {
        return Some((day.start(), false));
    }
    (separator(10, b"T ") && separator(13, b":")).then_some(())?;
    let (hour, minute) = (number(11..13)?, number(14..16)?);
    let mut index = 16;
    let mut second = 0;
    if separator(index, b":") {
        second = number(17..19)?;
        index = 19;
        if separator(index, b".,") {
            let digits = bytes[index + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            (digits > 0).then_some(())?;
            index += 1 + digits;
        }
    }
    (hour < 24 && minute < 60 && second <= 60).then_some(())?;
    let local = day.start() + hour * 3600 + minute * 60 + second;
    match bytes.get(index) {
        None => Some((local, false)),
        Some(b'Z' | b'z') if bytes.len() == index + 1 => Some((local, true)),
        Some(b' ') if &bytes[index..] == b" UTC" => Some((local, true)),
        Some(sign @ (b'+' | b'-')) => {
            let hours = number(index + 1..index + 3)?;
            let minutes = match bytes.len() - index {
                3 => 0,
                5 => number(index + 3..index + 5)?,
                6 if separator(index + 3, b":") => number(index + 4..index + 6)?,
                _ => return None,
            };
            (hours < 24 && minutes < 60).then_some(())?;
            let offset = hours * 3600 + minutes * 60;
            Some((if *sign == b'+' { local - offset } else { local + offset }, true))
        }
        Some(_) => None,
    }
}

macro_rules! text_form {
    ($type:ty, $name:literal, $pattern:literal) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}
text_form!(Day, "Day", "^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
text_form!(Month, "Month", "^[0-9]{4}-[0-9]{2}$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_know_their_ends() {
        let month: Month = "2026-10".parse().unwrap();
        assert_eq!(
            (month.first().to_string(), month.last().to_string()),
            ("2026-10-01".into(), "2026-10-31".into())
        );
        assert_eq!("2028-02".parse::<Month>().unwrap().last().to_string(), "2028-02-29");
        assert_eq!("2026-12".parse::<Month>().unwrap().next().to_string(), "2027-01");
        assert!("2026-13".parse::<Month>().is_err());
        assert!("26-1".parse::<Month>().is_err());
    }

    #[test]
    fn instants_in_every_form_the_exports_use() {
        let expected = 1_778_751_067; // 2026-05-14T09:31:07Z
        for (text, zoned) in [
            ("2026-05-14T09:31:07.412000Z", true),
            ("2026-05-14 09:31:07.4", false),
            ("2026-05-14T11:31:07+02:00", true),
            ("2026-05-14T05:31:07-0400", true),
            ("2026-05-14T09:31:07", false),
        ] {
            assert_eq!(read_instant(text), Some((expected, zoned)), "{text}");
        }
        assert_eq!(read_instant("2026-05-14"), Some((1_778_716_800, false)));
        assert_eq!(read_instant("2026-03-31 02:00"), Some((1_774_922_400, false)));
        for bad in
            ["", "2026-02-30", "2026-05-14T25:00:00Z", "yesterday", "2026-05-14T09:31:07.Z", "14/05/2026"]
        {
            assert_eq!(read_instant(bad), None, "{bad}");
        }
    }
}
