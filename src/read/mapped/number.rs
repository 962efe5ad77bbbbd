//! Numbers as the mapping declares them. What is written in another convention is refused, with the declaration
//! that would read it.
//!
//! ```text
//! 1.234,56   decimal = ",", thousands = "."
//! (12.00)    an accountant's minus
//! ```

use crate::read::cell::{Cell, Form};

/// Why a number was refused, and the line of the mapping that would accept it.
#[derive(Debug, PartialEq, Eq)]
pub struct NotDeclared {
    pub reason: String,
    pub help: Option<String>,
}

/// Plain decimal text with a point and no grouping.
pub fn plain(cell: &Cell, decimal: char, thousands: Option<char>) -> Result<String, NotDeclared> {
    let text = cell.text.trim();
    if cell.form == Form::Number {
        return Ok(text.to_owned());
    }
    let shown: String = text.chars().take(40).collect();
    let refuse = |help: Option<String>| NotDeclared {
        reason: format!(
            "`{shown}` is not a number written with decimal = \"{decimal}\", thousands = \"{}\"",
            thousands.map_or(String::new(), String::from)
        ),
        help,
    };
    let symbol = |c: char| c.is_whitespace() || "$€£¥".contains(c);
    let (mut body, mut negative) = (text.trim_matches(symbol), false);
    if let Some(inner) = body.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        (body, negative) = (inner.trim_matches(symbol), true);
    }
    if let Some(rest) = body.strip_prefix(['-', '\u{2212}']) {
        if negative {
            return Err(refuse(None));
        }
        (body, negative) = (rest.trim_matches(symbol), true);
    }
    let (whole, fraction) =
        body.split_once(decimal).map_or((body, None), |(whole, rest)| (whole, Some(rest)));
    let other = if decimal == '.' { ',' } else { '.' };
    let hint = || match (body.contains(other), thousands) {
        // `1,234` under a point may be grouped or fractional: only the books can say which.
        (true, None) => Some(format!("decimal = \"{other}\", or thousands = \"{other}\"")),
        (true, Some(_)) => Some(format!("decimal = \"{other}\"")),
        (false, _) => None,
    };
    let whole = ungroup(whole, thousands).ok_or_else(|| refuse(hint()))?;
    let tail = fraction.unwrap_or("");
    let is_digit = |c: char| c.is_ascii_digit();
    let starts = whole.starts_with(is_digit) || (whole.is_empty() && tail.starts_with(is_digit));
    if !starts || !tail.chars().all(|c| is_digit(c) || "eE+-".contains(c)) {
        return Err(refuse(hint()));
    }
    let sign = if negative { "-" } else { "" };
    Ok(match fraction {
        Some(fraction) => format!("{sign}{whole}.{fraction}"),
        None => format!("{sign}{whole}"),
    })
}

/// The digits in front of the decimal sign; groups behind the first have three digits.
fn ungroup(whole: &str, thousands: Option<char>) -> Option<String> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(separator) = thousands {
        // A space between groups is often a no-break space.
        let is_separator = |c: char| c == separator || (separator == ' ' && c.is_whitespace());
        let mut groups = whole.split(is_separator);
        let first = groups.next()?;
        let rest: Vec<&str> = groups.collect();
        if !rest.is_empty() {
            let fits = (1..=3).contains(&first.len())
                && is_digits(first)
                && rest.iter().all(|group| group.len() == 3 && is_digits(group));
            return fits.then(|| format!("{first}{}", rest.concat()));
        }
    }
    let exponent = |c: char| c.is_ascii_digit() || "eE+-".contains(c);
    whole.chars().all(exponent).then(|| whole.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, decimal: char, thousands: Option<char>) -> Result<String, Option<String>> {
        plain(&Cell::text(text), decimal, thousands).map_err(|refused| refused.help)
    }

    #[test]
    fn declared_numbers() {
        for (text, decimal, thousands, expected) in [
            ("1234.50", '.', None, "1234.50"),
            ("1,234.50", '.', Some(','), "1234.50"),
            ("1.234,56", ',', Some('.'), "1234.56"),
            ("1 234,56 €", ',', Some(' '), "1234.56"),
            ("1\u{a0}234,5", ',', Some(' '), "1234.5"),
            ("-$0.05", '.', None, "-0.05"),
            ("(12.00)", '.', None, "-12.00"),
            (".5", '.', None, ".5"),
            ("1.5E-3", '.', None, "1.5E-3"),
        ] {
            assert_eq!(read(text, decimal, thousands).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn another_convention_is_refused_never_read_a_hundred_times_too_large() {
        let help = |text: &str| Err(Some(text.to_owned()));
        assert_eq!(read("1,23", '.', None), help("decimal = \",\", or thousands = \",\""));
        assert_eq!(read("1,23", '.', Some(',')), help("decimal = \",\""));
        assert_eq!(read("1.23", ',', None), help("decimal = \".\", or thousands = \".\""));
        assert_eq!(read("1.23", ',', Some('.')), help("decimal = \".\""));
        assert_eq!(read("1,234.5", ',', Some('.')), help("decimal = \".\""));
        assert_eq!(read("1.234.5", '.', None), Err(None));
        for bad in ["", "-", "abc", "12 USD", "--1", "(-1)", "#REF!"] {
            assert!(read(bad, '.', None).is_err(), "{bad}");
        }
    }
}
