//! Two terms that speak of the same thing need an order (`PB026`): ten percent off before a price band is not ten
//! percent off after it.

use super::Term;
use crate::diagnostic::Diagnostic;

/// Puts terms into stacking order and reports every pair that has none.
pub fn ties(terms: &mut [Term], problems: &mut Vec<Diagnostic>) {
    for (index, second) in terms.iter().enumerate() {
        for first in terms[..index].iter().filter(|first| first.overlaps(second)) {
            let (early, late) =
                if first.kind.phase() <= second.kind.phase() { (first, second) } else { (second, first) };
            let message = if first.order == second.order {
                format!(
                    "{} and the {} term at {} speak of the same usage in the same order",
                    second.kind.id(),
                    first.kind.id(),
                    first.id
                )
            } else if early.kind.phase() < late.kind.phase() && early.order > late.order {
                format!(
                    "{} applies before {} at {}, whatever their order",
                    early.kind.id(),
                    late.kind.id(),
                    late.id
                )
            } else {
                continue;
            };
            problems.push(
                Diagnostic::error("PB026", second.origin.clone(), message)
                    .help("give each its own `order`, the lower first; unit prices, then usage, then what is paid beside it"),
            );
        }
    }
    terms.sort_by_key(|term| term.order);
}

impl Term {
    /// True where both may apply to one unit of usage, or to one account's month.
    fn overlaps(&self, other: &Term) -> bool {
        let apart = |a: &[Box<str>], b: &[Box<str>], excluded: &[Box<str>]| {
            !a.is_empty()
                && a.iter().all(|model| (!b.is_empty() && !b.contains(model)) || excluded.contains(model))
        };
        self.seller == other.seller
            && (self.account.is_none() || other.account.is_none() || self.account == other.account)
            && self.to.is_none_or(|to| other.from < to)
            && other.to.is_none_or(|to| self.from < to)
            && !apart(&self.models, &other.models, &other.excludes)
            && !apart(&other.models, &self.models, &self.excludes)
            && (self.tier.is_none() || other.tier.is_none() || self.tier == other.tier)
            && match (&self.meters, &other.meters) {
                (Some(own), Some(others)) => own.overlap(others),
                _ => true,
            }
            && match (&self.kind, &other.kind) {
                (
                    super::Kind::Price { tier, ctx_rank, .. },
                    super::Kind::Price { tier: other_tier, ctx_rank: other_rank, .. },
                ) => tier == other_tier && ctx_rank == other_rank,
                _ => true,
            }
    }
}
