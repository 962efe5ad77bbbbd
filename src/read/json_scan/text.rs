//! JSON strings as text.

use std::borrow::Cow;

/// The text of a raw value: a string without quotes and escapes, nothing for `null` and missing values, else as written.
pub fn text(raw: &[u8]) -> Cow<'_, str> {
    match raw {
        [] | b"null" => Cow::Borrowed(""),
        [b'"', inner @ .., b'"'] => unescape(inner),
        _ => lossy(raw),
    }
}

/// Bytes as text. What is not valid becomes the replacement character; checking first is the faster way to find none.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The inside of a JSON string. What is not valid in it becomes the replacement character.
fn unescape(inner: &[u8]) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', inner) else { return lossy(inner) };
    let mut bytes = Vec::with_capacity(inner.len());
    bytes.extend_from_slice(&inner[..first]);
    let mut rest = &inner[first..];
    while let Some((slash, tail)) = rest.split_first() {
        if *slash != b'\\' {
            let run = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            bytes.extend_from_slice(&rest[..run]);
            rest = &rest[run..];
            continue;
        }
        let Some((kind, tail)) = tail.split_first() else { break };
        rest = tail;
        let plain = match kind {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' => char::from(*kind),
            b'u' => unicode(&mut rest),
            _ => char::REPLACEMENT_CHARACTER,
        };
        bytes.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

/// The character of the four digits after `\u`, with its second half where it is a pair.
fn unicode(rest: &mut &[u8]) -> char {
    let unit = |digits: &[u8]| -> Option<u16> {
        let text = std::str::from_utf8(digits.get(..4)?).ok()?;
        text.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(text, 16).ok())?
    };
    let Some(high) = unit(rest) else { return char::REPLACEMENT_CHARACTER };
    *rest = &rest[4..];
    let low = rest.strip_prefix(b"\\u").and_then(unit).filter(|low| (0xdc00..0xe000).contains(low));
    match (high, low) {
        (0xd800..0xdc00, Some(low)) => {
            *rest = &rest[6..];
            let code = 0x10000 + (u32::from(high) - 0xd800) * 0x400 + (u32::from(low) - 0xdc00);
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        _ => char::from_u32(u32::from(high)).unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}
