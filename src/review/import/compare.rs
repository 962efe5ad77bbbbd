//! A list against the book: what agrees, what differs and looks how, and what is new.

use std::collections::BTreeMap;

use super::{Context, Listing, Quote};
use crate::diagnostic::Origin;
use crate::money::Ratio;
use crate::period::Day;
use crate::pricebook::{NoPrice, PriceQuery, PriceRow, Priced, ctx_rank};
use crate::review::quote::reason;
use crate::vocabulary::{Meter, PriceStatus, Tier};

/// A price of the list that the book contradicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub quote: Quote,
    /// The book's price of one unit; none where the book says that it is no longer sold.
    pub ours: Option<Ratio>,
    /// The book's row, or the list's other price for the same thing.
    pub row: Origin,
    /// What the difference looks like.
    pub remarks: Vec<String>,
}

impl Conflict {
    /// Theirs for one of ours.
    pub fn ratio(&self) -> Option<Ratio> {
        quotient(self.quote.unit, self.ours?)
    }
}

/// Every quote of a list, in one of four places.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One quote for every row to add.
    pub proposed: Vec<Quote>,
    /// Prices behind them: several names of a list may stand for one row.
    pub proposed_prices: u64,
    pub agreed: u64,
    pub conflicts: Vec<Conflict>,
    /// Floats of the list that were cut to 12 digits.
    pub rounded: u64,
}

/// Sorts the quotes; those that no row can hold join the listing's.
pub fn compare(listing: &mut Listing, context: &Context) -> Outcome {
    let mut outcome = Outcome::default();
    let mut wanted: BTreeMap<Key, Quote> = BTreeMap::new();
    let quotes = std::mem::take(&mut listing.quotes);
    let reads = reads(&quotes);
    for quote in quotes {
        outcome.rounded += u64::from(quote.rounded);
        match verdict(context, &quote) {
            Verdict::Agreed => outcome.agreed += 1,
            Verdict::Differs(found) if !held(context, &quote, found.as_ref()) => {
                wanted_row(&mut wanted, &mut outcome, quote);
            }
            Verdict::Differs(found) => {
                let remarks = remarks(context, &quote, found.as_ref(), &reads);
                let (ours, row) =
                    found.map_or((None, Origin::default()), |found| (Some(found.unit), found.row));
                outcome.conflicts.push(Conflict { quote, ours, row, remarks });
            }
            Verdict::New if quote.past => {
                listing.inexpressible(&quote.key, "an old price without a start", &quote.name)
            }
            Verdict::New if quote.unit.is_zero() => {
                listing.inexpressible(&quote.key, "a zero, which may mean free or not sold", &quote.name);
            }
            Verdict::New => wanted_row(&mut wanted, &mut outcome, quote),
        }
    }
    outcome.proposed = wanted.into_values().collect();
    outcome
}

/// A row to add; several names of a list may ask for the same one, at one price.
fn wanted_row(wanted: &mut BTreeMap<Key, Quote>, outcome: &mut Outcome, quote: Quote) {
    match wanted.get(&key(&quote)) {
        Some(first) if first.unit != quote.unit => {
            let remarks = vec!["the list contradicts itself".to_owned()];
            let row = Origin::file(first.name.as_str());
            outcome.conflicts.push(Conflict { ours: Some(first.unit), row, remarks, quote });
        }
        Some(_) => outcome.proposed_prices += 1,
        None => {
            outcome.proposed_prices += 1;
            wanted.insert(key(&quote), quote);
        }
    }
}

/// Seller, model in lower case, meter, tier, boundary, region, start.
type Key = (&'static str, String, Meter, Tier, u64, String, Option<i64>);

fn key(quote: &Quote) -> Key {
    let (model, region) = (quote.model.to_ascii_lowercase(), quote.region.clone());
    (quote.seller, model, quote.meter, quote.tier, ctx_rank(quote.ctx), region, quote.from)
}

enum Verdict {
    Agreed,
    Differs(Option<Priced>),
    New,
}

/// Looks at every hour of the day: a list has one price where the seller has several, and says not which.
fn verdict(context: &Context, quote: &Quote) -> Verdict {
    let (mut first, mut ended) = (None, false);
    for hour in 0..24 {
        match context.book.price(&query(quote, quote.at + hour * 3600)) {
            Ok(found) if same(found.unit, quote) => return Verdict::Agreed,
            Ok(found) => {
                first.get_or_insert(found);
            }
            Err(reason) => ended |= reason == NoPrice::Ended,
        }
    }
    match (first, ended) {
        (None, false) => Verdict::New,
        // A change that is still to come contradicts nothing that is in force.
        (Some(_), _) if quote.at > context.retrieved.start() => Verdict::New,
        (found, _) => Verdict::Differs(found),
    }
}

/// True where the book speaks of the very tier, region, boundary and meter: by a row of it, or by a declared factor. A
/// price that only stands in (the short prompt's, the global one) leaves room for a row.
fn held(context: &Context, quote: &Quote, found: Option<&Priced>) -> bool {
    let Some(found) = found else { return true };
    let derived = !found.factors.is_empty();
    let mut rows = context.book.rows(quote.seller, &quote.model, quote.meter).into_iter();
    rows.any(|row| {
        row.origin == found.row
            && ctx_rank(row.ctx) == ctx_rank(quote.ctx)
            && (derived || row.tier.is_none_or(|tier| tier == quote.tier))
            && (derived || *row.region == *quote.region || &*row.region == "*")
    })
}

fn query(quote: &Quote, at: i64) -> PriceQuery<'_> {
    PriceQuery {
        seller: quote.seller,
        model: &quote.model,
        meter: quote.meter,
        tier: quote.tier,
        region: &quote.region,
        prompt: quote.ctx.map_or(0, |band| band.tokens + u64::from(!band.inclusive)),
        at,
    }
}

/// Equal, or equal in the twelve digits that were kept of a float.
fn same(ours: Ratio, quote: &Quote) -> bool {
    let theirs = quote.unit;
    let crossed = || {
        let left = ours.numerator().checked_mul(theirs.denominator())?;
        let right = theirs.numerator().checked_mul(ours.denominator())?;
        (left - right).abs().checked_mul(100_000_000_000).map(|apart| apart <= right)
    };
    ours == theirs || (quote.rounded && crossed() == Some(true))
}

fn quotient(dividend: Ratio, divisor: Ratio) -> Option<Ratio> {
    dividend.checked_mul(Ratio::new(divisor.denominator(), divisor.numerator())?)
}

/// Cache reads of the list by seller, model, tier and region: one above a write looks swapped.
type Reads = BTreeMap<(&'static str, String, Tier, String), Ratio>;

fn reads(quotes: &[Quote]) -> Reads {
    let reads = quotes.iter().filter(|quote| quote.meter == Meter::CacheRead && quote.ctx.is_none());
    reads
        .map(|quote| ((quote.seller, quote.name.clone(), quote.tier, quote.region.clone()), quote.unit))
        .collect()
}

fn remarks(context: &Context, quote: &Quote, ours: Option<&Priced>, reads: &Reads) -> Vec<String> {
    let Some(ours) = ours else {
        let why = reason(context.book, &query(quote, quote.at), NoPrice::Ended);
        return vec![format!("the book says {why}")];
    };
    let mut remarks: Vec<String> = ours.factors.iter().map(|(id, _)| format!("by {id}")).collect();
    if let Some(ratio) = quotient(quote.unit, ours.unit) {
        remarks.extend(ten_fold(ratio).map(|times| format!("a {times}-fold slip (PB007)")));
        remarks.extend(apart(ratio).map(str::to_owned));
    }
    let read = reads.get(&(quote.seller, quote.name.clone(), quote.tier, quote.region.clone()));
    if quote.meter.is_cache_write()
        && quote.ctx.is_none()
        && read.is_some_and(|read| above(*read, quote.unit))
    {
        remarks.push("cache read above cache write: swapped (PB012)".to_owned());
    }
    if let Some(row) = other_time(context, quote) {
        let day = Day::of_instant(row.from);
        let old = row.from <= quote.at;
        remarks.push(if old {
            format!("stale: the book's price of {day}")
        } else {
            format!("the book's price from {day}")
        });
    }
    remarks
}

/// 10, 100 or 1000 where the ratio or its inverse is within two percent of it.
fn ten_fold(ratio: Ratio) -> Option<i128> {
    let (numerator, denominator) = (ratio.numerator(), ratio.denominator());
    let near = |a: i128, b: i128, times: i128| {
        let (a, b) = (a.checked_mul(100)?, b.checked_mul(times)?);
        Some(b.checked_mul(98)? <= a && a <= b.checked_mul(102)?)
    };
    [10, 100, 1000].into_iter().find(|times| {
        near(numerator, denominator, *times) == Some(true)
            || near(denominator, numerator, *times) == Some(true)
    })
}

/// Small differences that lists are known for.
fn apart(ratio: Ratio) -> Option<&'static str> {
    let (numerator, denominator) = (ratio.numerator(), ratio.denominator());
    let near = (numerator - denominator).abs().checked_mul(1000).is_some_and(|apart| apart <= denominator);
    match (numerator, denominator) {
        (11, 10) | (10, 11) => Some("ten percent apart: another region's price"),
        _ if near => Some("rounded"),
        _ => None,
    }
}

fn above(left: Ratio, right: Ratio) -> bool {
    let (a, b) = (
        left.numerator().checked_mul(right.denominator()),
        right.numerator().checked_mul(left.denominator()),
    );
    a.zip(b).is_some_and(|(a, b)| a > b)
}

/// A row of the same tier and boundary that carries the list's price at another time.
fn other_time<'a>(context: &Context<'a>, quote: &Quote) -> Option<&'a PriceRow> {
    let rows = context.book.rows(quote.seller, &quote.model, quote.meter).into_iter();
    rows.filter(|row| {
        row.unit == Some(quote.unit)
            && row.tier.is_none_or(|tier| tier == quote.tier)
            && ctx_rank(row.ctx) == ctx_rank(quote.ctx)
            && *row.region == *quote.region
            && row.status != PriceStatus::Withdrawn
    })
    .max_by_key(|row| row.from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(numerator: i128, denominator: i128) -> Ratio {
        Ratio::new(numerator, denominator).unwrap()
    }

    #[test]
    fn a_ten_fold_slip_may_go_either_way_and_be_two_percent_off() {
        for (numerator, denominator, times) in [
            (33, 3, None),
            (330, 33, Some(10)),
            (375, 37_500, Some(100)),
            (98, 10, Some(10)),
            (979, 100, None),
            (102, 10, Some(10)),
            (1021, 100, None),
            (1000, 1, Some(1000)),
            (5, 1, None),
        ] {
            assert_eq!(ten_fold(ratio(numerator, denominator)), times, "{numerator}/{denominator}");
        }
    }
}
