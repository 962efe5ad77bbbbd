//! What a finding says of itself beside its figures.

use std::borrow::Cow;

use super::document::{Evidence, Finding};
use crate::causes::Status;
use crate::money::{Money, thousands};

impl Finding {
    /// True where several causes fit alike: its amount is known, what happened is not.
    pub fn is_undecided(&self) -> bool {
        self.status == Status::Ambiguous
    }

    /// Other causes that fit as well.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        self.rivals.iter().map(String::as_str).filter(|rival| *rival != self.cause)
    }

    /// What fits as well, in words: the engine's name for a rival in the evidence.
    pub fn also(&self) -> impl Iterator<Item = &str> {
        let also = |fact: &&Evidence| fact.name == "meets them as well";
        self.evidence.iter().filter(also).map(|fact| fact.value.as_str())
    }
}

/// Evidence whose value is a name, be it all digits.
const NAMES: [&str; 4] = ["alias", "logged as", "only on the bill", "gateway's own"];
/// Digits beyond which a number is an id.
const LONGEST: usize = 15;
/// Decimals that people are shown of an amount of one and more.
const DECIMALS: usize = 6;

impl Evidence {
    /// The value for people: `25,503,008` and `2.180000`. Other texts, and small prices, stay as they are.
    pub fn shown(&self) -> Cow<'_, str> {
        let (sign, digits) = self.value.strip_prefix('-').map_or(("", &*self.value), |rest| ("-", rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let counts = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let number = !whole.is_empty() && counts(whole) && counts(fraction) && whole.len() <= LONGEST;
        if !number || NAMES.contains(&&*self.name) || (whole.starts_with('0') && whole != "0") {
            return Cow::Borrowed(&self.value);
        }
        let amount = || self.value.parse::<Money>().ok().map(|amount| amount.grouped(DECIMALS as u32));
        if let Some(short) = (whole != "0" && fraction.len() > DECIMALS).then(amount).flatten() {
            return Cow::Owned(short);
        }
        let point = if digits.contains('.') { "." } else { "" };
        Cow::Owned(format!("{sign}{}{point}{fraction}", thousands(whole)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_names_are_not() {
        let shown = |name: &str, value: &str| {
            Evidence { name: name.into(), value: value.into(), origin: None }.shown().into_owned()
        };
        assert_eq!(shown("tokens", "25503008"), "25,503,008");
        assert_eq!(shown("tokens", "-1234"), "-1,234");
        assert_eq!(shown("their amount", "1234.5"), "1,234.5");
        assert_eq!(shown("sum of the bounds", "2.180000000684"), "2.180000");
        assert_eq!(shown("price", "0.00000025"), "0.00000025");
        assert_eq!(shown("days", "2026-10-07"), "2026-10-07");
        assert_eq!(shown("only on the bill", "25503008"), "25503008");
        assert_eq!(shown("key", "0012345"), "0012345");
    }
}
