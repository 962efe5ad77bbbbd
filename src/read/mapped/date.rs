//! Days as the mapping declares them.

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use crate::period::{Day, Month, Period, read_instant};
use crate::read::cell::{Cell, Form};

/// The day (or month) a cell names. A time is converted to its UTC day: a time without a zone is in `zone`; a bare date
/// is a billing day as it stands, and so is midnight with an offset: it is where the seller begins that day.
pub fn read(cell: &Cell, format: Option<&str>, zone: Tz) -> Option<Period> {
    let text = cell.text.trim();
    let day = |day| Period { first: day, last: day };
    match format.filter(|_| cell.form == Form::Text) {
        None => {
            if let Ok(bare) = text.parse::<Day>() {
                return Some(day(bare));
            }
            if let Ok(month) = text.parse::<Month>() {
                return Some(month.period());
            }
            if let Some(labelled) = midnight(text) {
                return Some(day(labelled));
            }
            let (seconds, zoned) = read_instant(text)?;
            let naive = DateTime::from_timestamp(seconds, 0)?.naive_utc();
            if zoned { Some(day(Day::of_instant(seconds))) } else { local(naive, zone).map(day) }
        }
        Some(format) => {
            if let Ok(zoned) = DateTime::parse_from_str(text, format) {
                return Some(day(billing_day(zoned)));
            }
            if let Ok(naive) = NaiveDateTime::parse_from_str(text, format) {
                return local(naive, zone).map(day);
            }
            if let Ok(date) = NaiveDate::parse_from_str(text, format) {
                return Some(day(Day::from_date(date)));
            }
            let first = NaiveDate::parse_from_str(&format!("{text} 01"), &format!("{format} %d")).ok()?;
            Some(Day::from_date(first).month().period())
        }
    }
}

fn midnight(text: &str) -> Option<Day> {
    let at = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%F %T%:z"));
    at.ok().filter(|at| at.naive_local().time() == NaiveTime::MIN).map(billing_day)
}

fn billing_day(at: DateTime<FixedOffset>) -> Day {
    let local = at.naive_local();
    if local.time() == NaiveTime::MIN {
        Day::from_date(local.date())
    } else {
        Day::of_instant(at.timestamp())
    }
}

/// The UTC day of a local time; the first of two where clocks went back, none where they jumped over it.
fn local(naive: NaiveDateTime, zone: Tz) -> Option<Day> {
    zone.from_local_datetime(&naive).earliest().map(|instant| Day::of_instant(instant.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(text: &str, format: Option<&str>, zone: &str) -> Option<String> {
        read(&Cell::text(text), format, zone.parse().unwrap())
            .map(|period| format!("{}..{}", period.first, period.last))
    }

    #[test]
    fn dates_and_times() {
        let berlin = "Europe/Berlin";
        for (text, format, zone, expected) in [
            ("2026-10-03", None, berlin, "2026-10-03..2026-10-03"),
            ("2026-10-03 01:30", None, berlin, "2026-10-02..2026-10-02"),
            ("2026-10-03T01:30:00+02:00", None, "UTC", "2026-10-02..2026-10-02"),
            ("2026-10-03T00:00:00+02:00", None, "UTC", "2026-10-03..2026-10-03"),
            ("2026-10-03 00:00 +0800", Some("%Y-%m-%d %H:%M %z"), "UTC", "2026-10-03..2026-10-03"),
            ("2026-02", None, "UTC", "2026-02-01..2026-02-28"),
            ("03.10.2026", Some("%d.%m.%Y"), "UTC", "2026-10-03..2026-10-03"),
            ("10/03/2026 23:30", Some("%m/%d/%Y %H:%M"), "America/Los_Angeles", "2026-10-04..2026-10-04"),
            ("Oct 2026", Some("%b %Y"), "UTC", "2026-10-01..2026-10-31"),
        ] {
            assert_eq!(days(text, format, zone).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(days("10/03/2026", None, "UTC"), None);
        assert_eq!(days("13/03/2026", Some("%m/%d/%Y"), "UTC"), None);
        // 29 March 2026, 02:30 does not exist in Berlin.
        assert_eq!(days("2026-03-29 02:30", None, berlin), None);
    }
}
