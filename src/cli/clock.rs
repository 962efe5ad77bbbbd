//! The one place that reads a clock: it decides which month or day is meant when none is named, and which is to come.

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::period::{Day, Month};

pub fn last_complete_month() -> Month {
    month_before(chrono::Utc::now().timestamp())
}

/// The UTC day it is.
pub fn today() -> Day {
    Day::of_instant(chrono::Utc::now().timestamp())
}

/// Refuses a day on which a list cannot have been read yet; the days that the book knows are past.
pub fn not_to_come(day: Day, known_at: Day) -> Result<()> {
    let today = today().max(known_at);
    if day <= today {
        return Ok(());
    }
    let message = format!("{day} is to come");
    let help = format!("name the day the list was downloaded, {today} at the latest");
    Err(Diagnostic::error("day-to-come", Origin::file("--retrieved"), message).help(help).into())
}

/// The month before the one that holds an instant, in seconds since the epoch.
fn month_before(now: i64) -> Month {
    Day::of_instant(now).month().previous()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_in_progress_is_not_complete() {
        // 2026-10-31T23:59:59Z and one second later.
        assert_eq!(month_before(1_793_491_199).to_string(), "2026-09");
        assert_eq!(month_before(1_793_491_200).to_string(), "2026-10");
    }
}
