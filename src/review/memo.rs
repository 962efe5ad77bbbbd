//! What later knowledge would move in a month that is closed: told as memos, because the close itself never moves.
//!
//! A close knows the prices recorded up to a day. Rows recorded after it may still be about its month; each that would
//! price the month's stored usage differently is a memo with the dollars it would move.

use super::diff::{self, Change, Class};
use super::steps::{Key, Ladders, ladders, per, price_text};
use super::volume::{Volume, moved};
use crate::diagnostic::Origin;
use crate::error::Result;
use crate::money::Money;
use crate::period::{Day, Month};
use crate::pricebook::{PriceRow, Pricebook};

/// One price of a closed month that is known better since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memo {
    /// The closed month.
    pub month: Month,
    /// Day up to which its close knew prices.
    pub known_at: Day,
    pub class: Class,
    pub key: Key,
    /// What the close used and what is known now, for `per` units; none where there is no price.
    pub old: Option<String>,
    pub new: Option<String>,
    pub per: u64,
    /// First instant of the difference.
    pub from: i64,
    /// How much more the month's stored usage would cost; none where one of the books has no price for some of it.
    pub amount: Option<Money>,
    /// Units that one of the books has no price for.
    pub unpriced: i128,
    pub recorded: Day,
    /// The row that says so.
    pub row: Origin,
}

/// Prices that differ inside the month between what its close knew and what is known now.
pub fn changes<'b>(then: &'b Pricebook, now: &'b Pricebook, month: Month) -> Vec<Change<'b>> {
    let mut changes = diff::prices(then, now);
    changes.retain(|change| change.class != Class::Metadata && change.touches(month));
    changes
}

/// The changes that move the month's usage, with their dollars.
pub fn memos(
    month: Month,
    changes: &[Change],
    then: (&Pricebook, &Volume),
    now: (&Pricebook, &Volume),
) -> Result<Vec<Memo>> {
    let moved = moved(then, now, &[month].into(), changes)?;
    let ladders = ladders(now.0);
    let known_at = then.0.known_at();
    let memo = |(index, change): (usize, &Change)| {
        let amount = moved.by_change[index].get(&month).copied().unwrap_or_default();
        let unpriced = moved.unknown_by_change[index].get(&month).copied().unwrap_or_default();
        if amount.is_zero() && unpriced == 0 {
            return None;
        }
        let row = reason(change, &ladders, known_at)?;
        let per = per(change.new.or(change.old)?);
        let text = |row: Option<&PriceRow>| row.and_then(|row| row.unit).map(|unit| price_text(unit, per));
        Some(Memo {
            month,
            known_at,
            class: change.class,
            key: change.key.clone(),
            old: text(change.old),
            new: text(change.new),
            per,
            from: change.from,
            // A price that is absent is not a price of zero.
            amount: (unpriced == 0).then_some(amount),
            unpriced,
            recorded: row.recorded,
            row: row.origin.clone(),
        })
    };
    Ok(changes.iter().enumerate().filter_map(memo).collect())
}

/// The row recorded since that made the change: the one that holds now, or the one that took the former away.
fn reason<'b>(change: &Change<'b>, ladders: &Ladders<'b>, known_at: Day) -> Option<&'b PriceRow> {
    let withdrawn =
        || ladders.get(&change.key).and_then(|ladder| ladder.decides(change.old?.from)).or(change.new);
    change.new.filter(|row| row.recorded > known_at).or_else(withdrawn)
}
