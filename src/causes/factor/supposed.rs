//! A factor that shows once something else is supposed: where two of a few models are wrong on every day, too few are left to
//! see it on.

use super::{Found, Point, plainest};
use crate::causes::search;
use crate::error::Result;
use crate::rate::Account;
use crate::reconcile::State;

/// The factor that shows once one part of the usage is supposed to have been served by another model. Only the factor is told;
/// the search has to find the rest.
pub(super) fn factor(
    state: &State,
    account: &Account,
    points: &[Point],
    known: Option<Found>,
    modelled: &dyn Fn(i128, i128) -> bool,
) -> Result<Option<Found>> {
    // Everything is at another price.
    let open = points.iter().filter(|point| point.tells(0)).count();
    if open * 2 < points.len() {
        return Ok(None);
    }
    let mut best = None;
    for supposition in search::suppose(state, account)? {
        let moved = |point: &Point| match supposition.get(&point.key) {
            Some(more) => Point { priced: point.priced + more, ..point.clone() },
            None => point.clone(),
        };
        let moved: Vec<Point> = points.iter().map(moved).filter(Point::is_beyond_rounding).collect();
        let found = plainest(&moved, state.period.last, modelled);
        let better = |found: &Found| best.as_ref().is_none_or(|best: &Found| found.saved > best.saved);
        best = found.filter(better).or(best);
    }
    let same =
        |found: &Found| known.is_some_and(|known| known.factor == found.factor && known.days == found.days);
    Ok(best.filter(|found| !same(found)))
}
