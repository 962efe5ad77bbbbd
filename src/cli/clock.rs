//! The one place that reads a clock: it only decides which month or day is meant when none is named.

use crate::period::{Day, Month};

pub fn last_complete_month() -> Month {
    month_before(chrono::Utc::now().timestamp())
}

/// The UTC day it is.
pub fn today() -> Day {
    Day::of_instant(chrono::Utc::now().timestamp())
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
