//! What is done to a price book: checked, compared, shown, brought in and out.

pub mod check;
pub mod diff;
pub mod format;
pub mod percent;
pub mod steps;
pub mod volume;
