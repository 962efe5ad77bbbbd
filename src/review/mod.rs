//! What is done to a price book: checked, compared, shown, brought in and out.

pub mod check;
pub mod diff;
pub mod export;
pub mod format;
pub mod import;
pub mod memo;
pub mod percent;
pub mod quote;
pub mod show;
pub mod steps;
pub mod volume;
