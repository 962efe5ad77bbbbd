//! Would a fix have held in an earlier month? The month as compared today, beside the same with the fix: model-days whose
//! sides came closer, and model-days that it would have broken.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Backtest, Cell, Finding, Reconciliation, Verdict};
use super::history::PastFinding;
use crate::money::Money;
use crate::period::{Day, Month};

/// A cell by what it is about: a fix may give it another group.
type Place<'d> = (&'d str, Option<&'d str>, Option<&'d str>, Day, Day);

#[derive(Default, Clone, Copy)]
struct Side {
    priced: Money,
    open: Money,
    bound: Money,
}

/// Compares a month before and after the fix of `finding`.
pub fn compare(month: Month, finding: &Finding, before: &Reconciliation, after: &Reconciliation) -> Backtest {
    let wanted = PastFinding::from(finding);
    let stood = |document: &Reconciliation| -> Money {
        let same = document.findings.iter().filter(|found| PastFinding::from(*found).is_like(&wanted));
        same.map(|found| found.amount).sum()
    };
    let mut cells: BTreeMap<Place, [Side; 2]> = BTreeMap::new();
    for (index, document) in [before, after].into_iter().enumerate() {
        let rounding = document.findings.iter().filter(|finding| finding.cause == "round.line");
        let rounding: BTreeSet<&str> = rounding.map(|finding| finding.id.as_str()).collect();
        for cell in &document.cells {
            cells.entry(place(cell)).or_default()[index] = side(cell, &rounding);
        }
    }
    let (mut changed, mut mended, mut broken) = (0, 0, 0);
    let (mut open_before, mut open_after) = (Money::ZERO, Money::ZERO);
    for [before, after] in cells.into_values().filter(|[before, after]| before.priced != after.priced) {
        changed += 1;
        open_before += before.open;
        open_after += after.open;
        let bound = before.bound.max(after.bound);
        if after.open > before.open + bound {
            broken += 1;
        } else if before.open > after.open + bound {
            mended += 1;
        }
    }
    let verdict = match (changed, broken) {
        (0, _) => Verdict::NoEffect,
        (_, 0) => Verdict::Held,
        _ => Verdict::Broken,
    };
    Backtest {
        month,
        verdict,
        amount: stood(before),
        changed,
        mended,
        broken,
        open_before,
        open_after,
        why: None,
    }
}

/// A month on which the fix need not or cannot be tried, and why; the amount is what the month's own close says of the
/// cause.
pub fn untried(month: Month, verdict: Verdict, amount: Money, why: &str) -> Backtest {
    Backtest {
        month,
        verdict,
        amount,
        changed: 0,
        mended: 0,
        broken: 0,
        open_before: Money::ZERO,
        open_after: Money::ZERO,
        why: Some(why.to_owned()),
    }
}

fn place(cell: &Cell) -> Place<'_> {
    (&cell.provider, cell.account.as_deref(), cell.model.as_deref(), cell.from, cell.to)
}

/// What of a cell needs a cause, or has none: each part by its size, because a wrong fix would be explained by its
/// opposite, and two causes may hide each other. Rounding needs none.
fn side(cell: &Cell, rounding: &BTreeSet<&str>) -> Side {
    let parts = cell.findings.iter().filter(|part| !rounding.contains(part.id.as_str()));
    Side {
        priced: cell.priced,
        open: parts.map(|part| part.amount.abs()).sum::<Money>() + cell.unexplained.abs(),
        bound: cell.rounding_bound,
    }
}
