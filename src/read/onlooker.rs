//! A look at single rows on their way into the sums: a log is too large to keep, so the few rows that a person wants named
//! are looked up by reading their files once more.

use crate::diagnostic::Origin;
use crate::usage::cube::{Names, RatingKey};

/// One row as it was counted, or a sum of several requests where the file has sums.
#[derive(Debug)]
pub struct CountedRow<'r> {
    /// Empty where the file gives none.
    pub id: &'r str,
    pub key: &'r RatingKey,
    /// Of the key.
    pub names: &'r Names,
    /// Seconds since the epoch; of a whole day its first.
    pub at: i64,
    pub requests: u64,
    pub origin: Origin,
}

/// Is shown every row that is counted, in the order of the file.
pub trait Onlooker: std::fmt::Debug + Send + Sync {
    fn see(&self, row: &CountedRow<'_>);
}
