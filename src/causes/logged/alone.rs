//! What one row says by itself, or beside what is known of its model.

use super::{float_noise, has_no_hour};
use crate::causes::Status;
use crate::money::Money;
use crate::rate::{DayUsage, Rater};
use crate::vocabulary::Outcome;

/// What is known of a row's model beside the row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    /// The gateway gave other calls of it a cost.
    pub priced: bool,
    /// The bill leaves failed calls of its day out.
    pub not_billed: bool,
}

/// What one row says without looking at any other.
pub(super) fn by_itself(
    rater: &Rater,
    row: &DayUsage,
    difference: Money,
    complete: bool,
    beside: Beside,
) -> Option<(&'static str, &'static str, Status)> {
    let outcome = match row.outcome {
        Outcome::Duplicate => {
            Some(("qty.duplicate", "rows that were counted before, by their id or their file"))
        }
        Outcome::Restated => {
            Some(("qty.partial_snapshot", "rows whose id was counted before, with other counts"))
        }
        Outcome::CacheHit => {
            Some(("qty.gateway_cache_priced", "answers from the gateway's own cache, logged with a cost"))
        }
        Outcome::Failed => Some(("qty.failed_priced", "failed calls without usage, logged with a cost")),
        // No token was counted, so no provider was paid, whatever the reader made of the cost.
        Outcome::FailedWithUsage if row.sums.meters.is_zero() => {
            Some(("qty.failed_priced", "failed calls without usage, logged with a cost"))
        }
        Outcome::OtherPayer => Some(("cov.other_payer", "calls paid by the client's own credential")),
        Outcome::NotACall => Some(("inv.non_usage", "bookkeeping rows that are no model calls")),
        _ => None,
    };
    if let Some((cause, what)) = outcome {
        return Some((cause, what, Status::Proven));
    }
    if difference.abs() <= float_noise(row) {
        return Some(("round.float", "binary floating point in the gateway's cost", Status::Proven));
    }
    if !complete {
        if has_no_hour(rater, row) {
            return None;
        }
        let unknown = row
            .leaves()
            .any(|(leaf, _)| rater.unit(&leaf).err() == Some(crate::pricebook::NoPrice::UnknownModel));
        let cause = if unknown { "rate.missing_model" } else { "rate.missing_class" };
        return Some((cause, "the gateway logged a cost, the book has no price", Status::Proven));
    }
    if !row.sums.logged.is_zero() {
        return None;
    }
    Some(match beside {
        // It has the price: an attempt that failed costs what it used all the same, unless the bill leaves it out.
        Beside { priced: true, not_billed } if row.outcome == Outcome::FailedWithUsage => {
            let cause = if not_billed { "qty.failed_priced" } else { "qty.retry_unlogged" };
            (
                cause,
                "failed attempts with tokens, logged at no cost by a gateway that prices the model",
                Status::Proven,
            )
        }
        _ => ("rate.missing_model", "the gateway had no price and logged zero", Status::Exact),
    })
}
