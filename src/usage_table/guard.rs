//! Text from outside must not become a formula in a spreadsheet: `=cmd()` is written `'=cmd()` and read back.

use std::borrow::Cow;

fn starts_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A text cell that no spreadsheet evaluates. A leading apostrophe is doubled, so that [`unguard`] is its inverse.
pub fn guard(text: &str) -> Cow<'_, str> {
    if starts_formula(text) || text.starts_with('\'') { format!("'{text}").into() } else { text.into() }
}

/// What [`guard`] was given.
pub fn unguard(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest) if starts_formula(rest) || rest.starts_with('\'') => rest,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_neutralised_and_come_back() {
        for text in ["=1+1", "+1", "-1", "@a", "\tx", "\rx", "'quoted", "''", "plain", "", "a=b"] {
            let written = guard(text);
            assert!(!starts_formula(&written), "{written:?}");
            assert_eq!(unguard(&written), text);
        }
        assert_eq!(unguard("'tis"), "'tis");
    }
}
