//! Text from outside must not become a formula in a spreadsheet, nor a name a missing value: `=cmd()` is written
//! `'=cmd()`, `NULL` is written `'NULL`, and both are read back.

use std::borrow::Cow;

use crate::read::cell::is_absent;

fn starts_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// True for what a cell cannot hold as it is. A leading apostrophe is one of them, so that [`unguard`] is the inverse.
fn means_else(text: &str) -> bool {
    starts_formula(text) || text.starts_with('\'') || (!text.is_empty() && is_absent(text))
}

/// A text cell that no spreadsheet evaluates and no reader takes for a missing value.
pub fn guard(text: &str) -> Cow<'_, str> {
    if means_else(text) { format!("'{text}").into() } else { text.into() }
}

/// What [`guard`] was given.
pub fn unguard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if means_else(rest) => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_and_words_for_nothing_are_neutralised_and_come_back() {
        for text in ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "'quoted", "''", "plain", "", "a=b", "NULL", " "]
        {
            let written = guard(text);
            assert!(!starts_formula(&written), "{written:?}");
            assert_eq!(is_absent(&written), text.is_empty());
            assert_eq!(unguard(&written), text);
        }
        assert_eq!(unguard("'tis"), "'tis");
    }
}
