//! One row of a ledger, and the small words its cells are written in.

use crate::diagnostic::Origin;
use crate::money::Ratio;
use crate::period::Day;
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, PriceBasis, PriceStatus, Tier};

/// Which book a row belongs to. A later layer outranks an earlier one for the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// The book inside the program.
    Shipped,
    /// A folder of the user's, laid over it.
    Overlay,
}

/// The stated end of a promotion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Until {
    /// Last day of the price, or the earliest last day.
    pub day: Day,
    /// Written `>=2026-11-21`: the seller promised the price at least so long.
    pub at_least: bool,
}

/// A price of one key from one instant on. It holds until the next `from` of the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRow {
    /// The book's model id; `*` where the price is the seller's for every model.
    pub model: Box<str>,
    pub meter: Meter,
    /// The tier served; `None` is `*`, a price that does not depend on it.
    pub tier: Option<Tier>,
    /// The prompt size from which the row holds; `None` is `0`, any prompt.
    pub ctx: Option<Band>,
    /// `global`, `geo:us`, a cloud region, or `*`.
    pub region: Box<str>,
    /// `*` or the id of a schedule.
    pub window: Box<str>,
    /// Currency units for one unit of the meter; `None` where the status is `ended` or `withdrawn`.
    pub unit: Option<Ratio>,
    /// The price as the source prints it, for [`per`](Self::per) units.
    pub price: Box<str>,
    pub per: u64,
    pub currency: Box<str>,
    /// Seconds since the epoch.
    pub from: i64,
    /// The day from which the book can be said to know the row.
    pub recorded: Day,
    /// Counts corrections of the same key and `from`; the highest wins.
    pub rev: u32,
    pub status: PriceStatus,
    pub basis: Option<PriceBasis>,
    pub until: Option<Until>,
    /// Who accepted a move of more than 30 percent.
    pub ack: Box<str>,
    /// A zero that is meant: the seller gives it away.
    pub free: bool,
    /// Ids of lint rules a reviewer waived for this row.
    pub waiver: Box<str>,
    /// Id in `sources.toml`.
    pub source: Box<str>,
    /// Other public lists that carried the same price: agreement, not proof.
    pub confirmed: Box<str>,
    pub note: Box<str>,
    /// `prices/openai.csv:214`
    pub origin: Origin,
    pub layer: Layer,
}

/// What a price is a step function for: rows of one key replace each other in time.
pub(super) type Key<'a> = (Meter, Option<Tier>, u64, &'a str, &'a str);

impl PriceRow {
    pub(super) fn key(&self) -> Key<'_> {
        (self.meter, self.tier, self.ctx_rank(), &self.region, &self.window)
    }

    pub(super) fn ctx_rank(&self) -> u64 {
        ctx_rank(self.ctx)
    }

    /// True where the status or the note says that the price is not certain.
    pub fn is_doubtful(&self) -> bool {
        let says = |word: &str| {
            self.note.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
        };
        matches!(self.status, PriceStatus::Estimated | PriceStatus::Scheduled)
            || says("disputed")
            || says("unverified")
    }
}

/// Orders context boundaries: 0 for any prompt, then by tokens, inclusive before exclusive.
pub fn ctx_rank(ctx: Option<Band>) -> u64 {
    ctx.map_or(0, |band| band.tokens * 2 + u64::from(!band.inclusive))
}

/// Reads `0`, `>272000` or `>=200000`.
pub fn read_ctx(text: &str) -> Option<Option<Band>> {
    if text == "0" {
        return Some(None);
    }
    let rest = text.strip_prefix('>')?;
    let (inclusive, digits) = rest.strip_prefix('=').map_or((false, rest), |digits| (true, digits));
    let tokens = read_digits(digits).filter(|tokens| (1..1 << 40).contains(tokens))?;
    Some(Some(Band { tokens, inclusive }))
}

/// Reads `2026-08-31` or `>=2026-11-21`.
pub(super) fn read_until(text: &str) -> Option<Until> {
    let (at_least, day) = text.strip_prefix(">=").map_or((false, text), |day| (true, day));
    day.parse().ok().map(|day| Until { day, at_least })
}

/// Lower-case words joined by `-` and `:`: `global`, `geo:us`, `eu-west-1`; or `*`.
pub(super) fn is_region(text: &str) -> bool {
    text == "*"
        || (text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b':')))
}

/// Plain digits without a sign.
pub(super) fn read_digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// A decimal as prices are written: digits, at most one point with at most `places` digits behind it; no sign, no
/// exponent, no separators.
pub(super) fn read_decimal(text: &str, places: usize) -> Option<rust_decimal::Decimal> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    (whole.len() <= 12 && fraction.len() <= places).then_some(())?;
    read_digits(whole).and(read_digits(fraction))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_boundaries_keep_their_operator() {
        assert_eq!(read_ctx("0"), Some(None));
        assert_eq!(read_ctx(">272000"), Some(Some(Band { tokens: 272_000, inclusive: false })));
        assert_eq!(read_ctx(">=200000"), Some(Some(Band { tokens: 200_000, inclusive: true })));
        for bad in ["", "272000", ">", "> 272000", ">272k", ">-1", ">0"] {
            assert_eq!(read_ctx(bad), None, "{bad}");
        }
    }

    #[test]
    fn prices_are_plain_decimals() {
        assert_eq!(read_decimal("0.0125", 12).map(|price| price.to_string()), Some("0.0125".to_owned()));
        for bad in ["", "1E-7", "1e-7", "-1", "+1", "1,5", "$2", ".5", "5.", "0.1234567890123", "1 000"] {
            assert_eq!(read_decimal(bad, 12), None, "{bad}");
        }
    }

    #[test]
    fn a_promotion_ends_or_ends_not_before() {
        let day = "2026-11-21".parse().unwrap();
        assert_eq!(read_until(">=2026-11-21"), Some(Until { day, at_least: true }));
        assert_eq!(read_until("2026-11-21"), Some(Until { day, at_least: false }));
        assert_eq!(read_until("soon"), None);
    }
}
