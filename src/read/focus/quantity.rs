//! Whole counts from a decimal quantity and a unit: `17.33` × `1K tokens` is 17330 tokens, exactly or not at all.

use crate::money::{Money, ONE};

/// What a unit counts, and how many of it one unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit<'a> {
    pub noun: &'a str,
    pub size: i128,
}

/// The noun of a unit that is a size alone.
pub const BARE: &str = "";

impl<'a> Unit<'a> {
    /// Reads `Tokens`, `1000 Tokens`, `1K tokens`, `1M Tokens`, `Token-Hours`, `1K`.
    pub fn read(text: &'a str) -> Option<Unit<'a>> {
        let text = text.trim();
        let (size, noun) = match text.split_once(' ') {
            Some((size, noun)) if size.starts_with(|c: char| c.is_ascii_digit()) => (size_of(size)?, noun),
            // Azure's units of measure are sizes alone: `1K`, `100`.
            None if text.starts_with(|c: char| c.is_ascii_digit()) => (size_of(text)?, BARE),
            _ => (1, text),
        };
        (!text.is_empty()).then_some(Unit { noun: noun.trim(), size })
    }

    /// True where the unit counts `noun`, singular or plural, in any case.
    pub fn counts(&self, noun: &str) -> bool {
        let own = self.noun.strip_suffix(['s', 'S']).unwrap_or(self.noun);
        own.eq_ignore_ascii_case(noun.strip_suffix('s').unwrap_or(noun))
    }
}

/// `1`, `1000`, `1K`, `1M` as a number.
pub fn size_of(text: &str) -> Option<i128> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'K' | b'k' => (&text[..text.len() - 1], 1_000),
        b'M' | b'm' => (&text[..text.len() - 1], 1_000_000),
        _ => (text, 1),
    };
    whole(digits, factor).filter(|size| *size > 0)
}

/// `quantity × size` where that is a whole number; `None` where it is not, or was not written exactly.
pub fn whole(quantity: &str, size: i128) -> Option<i128> {
    let read = Money::read(quantity).ok().filter(|read| !read.rounded)?;
    let scaled = read.amount.pico().checked_mul(size)?;
    (scaled % ONE == 0).then_some(scaled / ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_the_standard_and_of_the_wild() {
        for (text, size) in [
            ("Tokens", 1),
            ("1000 Tokens", 1000),
            ("1K tokens", 1000),
            ("1000000 Tokens", 1_000_000),
            ("1M Token", 1_000_000),
        ] {
            let unit = Unit::read(text).unwrap();
            assert!(unit.counts("Tokens") && unit.size == size, "{text}");
        }
        assert!(!Unit::read("Token-Hours").unwrap().counts("Tokens"));
        assert_eq!(Unit::read("1K"), Some(Unit { noun: BARE, size: 1000 }));
        assert_eq!(Unit::read("1/Day"), None);
        assert_eq!(Unit::read("0 Tokens"), None);
        assert_eq!(Unit::read(""), None);
    }

    #[test]
    fn counts_are_whole_or_absent() {
        assert_eq!(whole("17.33", 1000), Some(17_330));
        assert_eq!(whole("1.5E3", 1), Some(1500));
        assert_eq!(whole("0.0005", 1000), None);
        assert_eq!(whole("1.0000000000001", 1_000_000), None);
        assert_eq!(whole("NULL", 1), None);
    }
}
