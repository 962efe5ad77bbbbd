//! What is done to a price book: checked, compared, shown, brought in and out.

pub mod format;
pub mod import;
