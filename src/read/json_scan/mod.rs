//! Pulls named fields out of JSON text without building a tree.
//!
//! Two passes: [`Quotes`] marks every unescaped quote in a bit map, 64 bytes at a time, then [`Scan`] jumps from quote
//! to quote, so strings cost nothing by length. Values on no wanted path are stepped over: brackets, quotes and the
//! alphabet are checked, their inner grammar is not. Keys are compared as written.

mod fields;
mod quotes;
#[cfg(test)]
mod tests;
mod text;

use std::borrow::Cow;

pub use fields::Fields;
use fields::Key;
use quotes::Cursor;
pub use quotes::Quotes;
pub use text::{lossy, text};

/// What is wrong with a text, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syntax {
    pub at: usize,
    pub what: &'static str,
}

/// What a byte between strings may be.
const PLAIN: u8 = 1;
const OPEN: u8 = 2;
const CLOSE: u8 = 3;
const CLASS: [u8; 256] = {
    let mut class = [0; 256];
    let plain = b" \t\r\n,:+-.0123456789aeflnrstuE";
    let mut index = 0;
    while index < plain.len() {
        class[plain[index] as usize] = PLAIN;
        index += 1;
    }
    class[b'{' as usize] = OPEN;
    class[b'[' as usize] = OPEN;
    class[b'}' as usize] = CLOSE;
    class[b']' as usize] = CLOSE;
    class
};
const DEEPEST: u32 = 127;

/// What is wrong where the scan stands. Alone it fits into registers.
type What = &'static str;

/// A position in one JSON text, which is `text[at..]`.
#[derive(Debug)]
pub struct Scan<'a, 'q> {
    text: &'a [u8],
    /// The first quote at or after `at` comes next.
    quotes: Cursor<'q>,
    at: usize,
}

impl<'a, 'q> Scan<'a, 'q> {
    /// `quotes` must have indexed the same `text`.
    pub fn new(text: &'a [u8], quotes: &'q Quotes, range: std::ops::Range<usize>) -> Scan<'a, 'q> {
        Scan { text: &text[..range.end.min(text.len())], quotes: quotes.from(range.start), at: range.start }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    fn here(&self, what: &'static str) -> Syntax {
        Syntax { at: self.at, what }
    }

    /// The next byte that is not white space; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return *byte,
            }
        }
        0
    }

    /// Reads one object that fills the text, storing the raw values of `fields` in `slots`.
    pub fn document(&mut self, fields: &Fields, slots: &mut [&'a [u8]]) -> Result<(), Syntax> {
        if self.peek() != b'{' {
            return Err(self.here("not a JSON object"));
        }
        self.object(fields, 0, slots).map_err(|what| self.here(what))?;
        self.peek();
        if self.at < self.text.len() { Err(self.here("text after the end of the object")) } else { Ok(()) }
    }

    fn object(&mut self, fields: &Fields, node: usize, slots: &mut [&'a [u8]]) -> Result<(), What> {
        if !self.enter(b'}') {
            return Ok(());
        }
        let node = &fields.nodes[node];
        loop {
            let name = self.key()?;
            let byte = self.peek();
            match node.find(name) {
                Some(Key { child: Some(child), .. }) if byte == b'{' => self.object(fields, *child, slots)?,
                Some(Key { slot: Some(slot), .. }) => {
                    let start = self.at;
                    self.skip(byte)?;
                    slots[*slot] = &self.text[start..self.at];
                }
                _ => self.skip(byte)?,
            }
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// Calls `each` with the raw text of every element of the array at the current position.
    pub fn array(&mut self, mut each: impl FnMut(&'a [u8], usize)) -> Result<(), Syntax> {
        if self.peek() != b'[' {
            return Err(self.here("not a JSON array"));
        }
        if !self.enter(b']') {
            return Ok(());
        }
        loop {
            let (value, at) = self.next_value()?;
            each(value, at);
            if !self.more(b']').map_err(|what| self.here(what))? {
                return Ok(());
            }
        }
    }

    /// Calls `each` with every key of the object at the current position and the raw text of its value.
    pub fn entries(&mut self, mut each: impl FnMut(&'a [u8], &'a [u8], usize)) -> Result<(), Syntax> {
        if self.peek() != b'{' {
            return Err(self.here("not a JSON object"));
        }
        if !self.enter(b'}') {
            return Ok(());
        }
        loop {
            let name = self.key().map_err(|what| self.here(what))?;
            let (value, at) = self.next_value()?;
            each(name, value, at);
            if !self.more(b'}').map_err(|what| self.here(what))? {
                return Ok(());
            }
        }
    }

    /// The raw text of the value here and its position.
    pub fn next_value(&mut self) -> Result<(&'a [u8], usize), Syntax> {
        let byte = self.peek();
        let start = self.at;
        self.skip(byte).map_err(|what| self.here(what))?;
        Ok((&self.text[start..self.at], start))
    }

    /// Steps over the opening bracket; false where `close` follows, which is stepped over too.
    fn enter(&mut self, close: u8) -> bool {
        self.at += 1;
        let empty = self.peek() == close;
        self.at += usize::from(empty);
        !empty
    }

    /// After a value: true at a comma, false at `close`.
    #[inline]
    fn more(&mut self, close: u8) -> Result<bool, What> {
        let byte = self.peek();
        if byte != b',' && byte != close {
            return Err(match byte {
                0 => "the line ends inside a value",
                _ => "expected a comma or the end of the object or array",
            });
        }
        self.at += 1;
        Ok(byte == b',')
    }

    /// A key and its colon.
    #[inline]
    fn key(&mut self) -> Result<&'a [u8], What> {
        if self.peek() != b'"' {
            return Err("expected a key in quotes");
        }
        let start = self.at + 1;
        self.string()?;
        let name = &self.text[start..self.at - 1];
        if self.peek() != b':' {
            return Err("expected a colon after the key");
        }
        self.at += 1;
        Ok(name)
    }

    /// Steps over the value that starts here, with `byte`.
    #[inline]
    fn skip(&mut self, byte: u8) -> Result<(), What> {
        match byte {
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => {
                let rest = &self.text[self.at..];
                let number = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                self.at += rest.iter().position(|byte| !number(byte)).unwrap_or(rest.len());
                Ok(())
            }
            _ => self.skip_other(byte),
        }
    }

    fn skip_other(&mut self, byte: u8) -> Result<(), What> {
        match byte {
            b'{' | b'[' => self.container(),
            b'n' => self.word(b"null"),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            0 if self.at >= self.text.len() => Err("the line ends inside a value"),
            _ => Err("expected a JSON value"),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), What> {
        if !self.text[self.at..].starts_with(word) {
            return Err("expected a JSON value");
        }
        self.at += word.len();
        Ok(())
    }

    /// Steps over the string that starts here.
    #[inline]
    fn string(&mut self) -> Result<(), What> {
        self.quotes.take();
        match self.quotes.take() {
            Some(close) if close < self.text.len() => {
                self.at = close + 1;
                Ok(())
            }
            _ => Err("a string without end"),
        }
    }

    /// Steps over an object or array: from quote to quote, counting brackets in between.
    fn container(&mut self) -> Result<(), What> {
        // One bit a level, set where the level is an object.
        let (mut kinds, mut depth) = (0u128, 0u32);
        loop {
            let end = self.text.len();
            let quote = self.quotes.peek().map_or(end, |quote| quote.min(end));
            let start = self.at;
            for (index, byte) in self.text[start..quote].iter().enumerate() {
                let class = CLASS[usize::from(*byte)];
                if class == PLAIN {
                    continue;
                }
                self.at = start + index;
                match class {
                    OPEN if depth < DEEPEST => {
                        kinds = kinds << 1 | u128::from(*byte == b'{');
                        depth += 1;
                    }
                    CLOSE if (kinds & 1 == 1) == (*byte == b'}') => {
                        kinds >>= 1;
                        depth -= 1;
                        if depth == 0 {
                            self.at += 1;
                            return Ok(());
                        }
                    }
                    OPEN => return Err("nested too deeply"),
                    CLOSE => return Err("a bracket closes what it did not open"),
                    _ => return Err("unexpected character"),
                }
            }
            self.at = quote;
            if quote == end {
                return Err("the line ends inside a value");
            }
            self.string()?;
        }
    }
}

/// Calls `each` with the text of every string in a raw array; the array may also be JSON written as text.
pub fn strings(raw: &[u8], mut each: impl FnMut(Cow<'_, str>)) {
    let decoded;
    let raw = match raw {
        [b'"', ..] => {
            decoded = text(raw).into_owned();
            decoded.as_bytes()
        }
        _ => raw,
    };
    let mut quotes = Quotes::default();
    quotes.index(raw);
    // A cell that is no array holds no strings.
    let _ = Scan::new(raw, &quotes, 0..raw.len()).array(|element, _| each(text(element)));
}

/// Keys of the first object of a head of JSON: the object itself, the first of an array, or the first of `data`.
/// The head may be cut anywhere.
pub fn first_keys(head: &str) -> Vec<&str> {
    let bytes = head.as_bytes();
    let mut quotes = Quotes::default();
    quotes.index(bytes);
    let mut scan = Scan::new(bytes, &quotes, 0..bytes.len());
    while scan.peek() == b'[' {
        scan.at += 1;
    }
    let mut keys = Vec::new();
    if scan.peek() != b'{' {
        return keys;
    }
    scan.at += 1;
    while let Ok(name) = scan.key() {
        keys.push(std::str::from_utf8(name).unwrap_or(""));
        let byte = scan.peek();
        if name == b"data" && byte == b'[' {
            keys.extend(first_keys(&head[scan.at..]));
        }
        if scan.skip(byte).is_err() || !scan.more(b'}').unwrap_or(false) {
            break;
        }
    }
    keys
}
