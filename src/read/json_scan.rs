//! Pulls named fields out of JSON text without building a tree.
//!
//! Two passes: [`Quotes`] marks every unescaped quote in a bit map, 64 bytes at a time, then [`Scan`] jumps from quote
//! to quote, so strings cost nothing by length. Values on no wanted path are stepped over: brackets, quotes and the
//! alphabet are checked, their inner grammar is not. Keys are compared as written.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Where every unescaped `"` of a text is, one bit a byte.
#[derive(Debug, Default)]
pub struct Quotes {
    words: Vec<u64>,
}

/// One bit for each of 64 bytes equal to `wanted`. Written so that it compiles to vector compares.
fn mask(block: &[u8; 64], wanted: u8) -> u64 {
    const BITS: [u8; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
    let mut bits = [0u8; 64];
    for (index, bit) in bits.iter_mut().enumerate() {
        *bit = if block[index] == wanted { BITS[index & 7] } else { 0 };
    }
    let (lanes, _) = bits.as_chunks::<8>();
    // The eight bytes of a lane have distinct bits: multiplying by ones adds them up in the top byte.
    lanes.iter().enumerate().fold(0, |mask, (index, lane)| {
        mask | (u64::from_le_bytes(*lane).wrapping_mul(0x0101_0101_0101_0101) >> 56) << (index * 8)
    })
}

/// The quotes of a block that no backslash escapes. `escaped` is 1 when its first byte follows an odd run of them.
fn unescaped(block: &[u8; 64], escaped: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let quotes = mask(block, b'"');
    if !block.iter().fold(false, |any, byte| any | (*byte == b'\\')) {
        return quotes & !std::mem::take(escaped);
    }
    // Runs of backslashes that start on odd bits carry, by addition, to the byte after the run.
    let backslashes = mask(block, b'\\') & !*escaped;
    let follows = backslashes << 1 | *escaped;
    let odd_starts = backslashes & !EVEN & !follows;
    let (even_ends, carry) = odd_starts.overflowing_add(backslashes);
    *escaped = u64::from(carry);
    quotes & !((EVEN ^ (even_ends << 1)) & follows)
}

impl Quotes {
    /// Marks the unescaped quotes of JSON `text`, replacing what was marked before.
    pub fn index(&mut self, text: &[u8]) {
        let mut escaped = 0u64;
        self.fill(text, |block| unescaped(block, &mut escaped));
    }

    /// Marks every quote, as CSV knows no escapes.
    pub fn index_plain(&mut self, text: &[u8]) {
        self.fill(text, |block| mask(block, b'"'));
    }

    fn fill(&mut self, text: &[u8], mut word: impl FnMut(&[u8; 64]) -> u64) {
        self.words.clear();
        self.words.reserve(text.len() / 64 + 1);
        let (blocks, rest) = text.as_chunks::<64>();
        for block in blocks {
            self.words.push(word(block));
        }
        if !rest.is_empty() {
            let mut block = [b' '; 64];
            block[..rest.len()].copy_from_slice(rest);
            self.words.push(word(&block));
        }
    }

    /// Position of the first quote at or after `from`.
    pub fn next(&self, from: usize) -> Option<usize> {
        let mut index = from / 64;
        let mut word = self.words.get(index)? & (u64::MAX << (from % 64));
        while word == 0 {
            index += 1;
            word = *self.words.get(index)?;
        }
        Some(index * 64 + word.trailing_zeros() as usize)
    }
}

/// What is wrong with a text, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syntax {
    pub at: usize,
    pub what: &'static str,
}

/// The fields wanted from an object: a tree of keys, found by length and both ends before the text is compared.
#[derive(Debug)]
pub struct Fields {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    keys: Vec<Key>,
    /// `by_length[n]..by_length[n + 1]` are the keys of `n` bytes.
    by_length: Vec<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Key {
    name: &'static [u8],
    ends: [u8; 2],
    /// Where the value goes; a key that only leads deeper has none.
    slot: Option<usize>,
    child: Option<usize>,
}

fn ends(name: &[u8]) -> [u8; 2] {
    [name.first().copied().unwrap_or(0), name.last().copied().unwrap_or(0)]
}

impl Fields {
    /// Compiles dotted paths and their slots. A path may be wanted itself and also lead deeper: then an object is
    /// descended into, and anything else (`null`, JSON written as text) goes to the slot.
    pub fn new(paths: &[(&'static str, usize)]) -> Fields {
        let mut nodes = Vec::new();
        Fields::node(&mut nodes, paths);
        Fields { nodes }
    }

    /// The fields of `outer`, and those of `inner` inside the object `key`; where `key` is no object it goes to `slot`.
    pub fn nested(
        outer: &[(&'static str, usize)],
        key: &'static str,
        slot: usize,
        inner: &[(&'static str, usize)],
    ) -> Fields {
        let mut fields = Fields::new(outer);
        let below = Fields::node(&mut fields.nodes, inner);
        let mut keys = std::mem::take(&mut fields.nodes[0].keys);
        keys.retain(|other| other.name != key.as_bytes());
        keys.push(Key {
            name: key.as_bytes(),
            ends: ends(key.as_bytes()),
            slot: Some(slot),
            child: Some(below),
        });
        fields.nodes[0] = Node::of(keys);
        fields
    }

    fn node(nodes: &mut Vec<Node>, paths: &[(&'static str, usize)]) -> usize {
        let index = nodes.len();
        nodes.push(Node::default());
        let names: BTreeSet<&'static str> =
            paths.iter().map(|(path, _)| path.split('.').next().unwrap_or("")).collect();
        let mut keys = Vec::new();
        for name in names {
            let deeper: Vec<(&'static str, usize)> = paths
                .iter()
                .filter_map(|(path, slot)| Some((path.strip_prefix(name)?.strip_prefix('.')?, *slot)))
                .collect();
            keys.push(Key {
                name: name.as_bytes(),
                ends: ends(name.as_bytes()),
                slot: paths.iter().find(|(path, _)| *path == name).map(|(_, slot)| *slot),
                child: (!deeper.is_empty()).then(|| Fields::node(nodes, &deeper)),
            });
        }
        nodes[index] = Node::of(keys);
        index
    }
}

impl Node {
    fn of(mut keys: Vec<Key>) -> Node {
        keys.sort_unstable_by_key(|key| (key.name.len(), key.name));
        let longest = keys.last().map_or(0, |key| key.name.len());
        let by_length = (0..=longest + 1).map(|n| keys.partition_point(|key| key.name.len() < n)).collect();
        Node { keys, by_length }
    }

    fn find(&self, name: &[u8]) -> Option<&Key> {
        let (first, last) = (*self.by_length.get(name.len())?, *self.by_length.get(name.len() + 1)?);
        let ends = ends(name);
        self.keys[first..last].iter().find(|key| key.ends == ends && key.name == name)
    }
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

/// A position in one JSON text, which is `text[at..end]`.
#[derive(Debug)]
pub struct Scan<'a, 'q> {
    text: &'a [u8],
    quotes: &'q Quotes,
    at: usize,
    end: usize,
}

impl<'a, 'q> Scan<'a, 'q> {
    /// `quotes` must have indexed the same `text`.
    pub fn new(text: &'a [u8], quotes: &'q Quotes, range: std::ops::Range<usize>) -> Scan<'a, 'q> {
        Scan { text, quotes, at: range.start, end: range.end.min(text.len()) }
    }

    pub fn at(&self) -> usize {
        self.at
    }

    fn error<T>(&self, what: &'static str) -> Result<T, Syntax> {
        Err(Syntax { at: self.at, what })
    }

    /// The next byte that is not white space; 0 at the end.
    pub fn peek(&mut self) -> u8 {
        while self.at < self.end {
            match self.text[self.at] {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return byte,
            }
        }
        0
    }

    /// Reads one object that fills the text, storing the raw values of `fields` in `slots`.
    pub fn document(&mut self, fields: &Fields, slots: &mut [&'a [u8]]) -> Result<(), Syntax> {
        if self.peek() != b'{' {
            return self.error("not a JSON object");
        }
        self.object(fields, 0, slots)?;
        self.peek();
        if self.at < self.end { self.error("text after the end of the object") } else { Ok(()) }
    }

    fn object(&mut self, fields: &Fields, node: usize, slots: &mut [&'a [u8]]) -> Result<(), Syntax> {
        self.at += 1;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let name = self.key()?;
            let byte = self.peek();
            match fields.nodes[node].find(name) {
                Some(Key { child: Some(child), .. }) if byte == b'{' => self.object(fields, *child, slots)?,
                Some(Key { slot: Some(slot), .. }) => slots[*slot] = self.value()?,
                _ => self.skip()?,
            }
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// Calls `each` with the raw text of every element of the array at the current position.
    pub fn array(&mut self, mut each: impl FnMut(&'a [u8], usize)) -> Result<(), Syntax> {
        if self.peek() != b'[' {
            return self.error("not a JSON array");
        }
        self.at += 1;
        if self.peek() == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.peek();
            let at = self.at;
            each(self.value()?, at);
            if !self.more(b']')? {
                return Ok(());
            }
        }
    }

    /// Calls `each` with every key of the object at the current position and the raw text of its value.
    pub fn entries(&mut self, mut each: impl FnMut(&'a [u8], &'a [u8], usize)) -> Result<(), Syntax> {
        if self.peek() != b'{' {
            return self.error("not a JSON object");
        }
        self.at += 1;
        if self.peek() == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            let name = self.key()?;
            self.peek();
            let at = self.at;
            each(name, self.value()?, at);
            if !self.more(b'}')? {
                return Ok(());
            }
        }
    }

    /// After a value: true at a comma, false at `close`.
    fn more(&mut self, close: u8) -> Result<bool, Syntax> {
        match self.peek() {
            b',' => self.at += 1,
            byte if byte == close => {
                self.at += 1;
                return Ok(false);
            }
            0 => return self.error("the line ends inside a value"),
            _ => return self.error("expected a comma or the end of the object or array"),
        }
        Ok(true)
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<&'a [u8], Syntax> {
        if self.peek() != b'"' {
            return self.error("expected a key in quotes");
        }
        let start = self.at + 1;
        self.string()?;
        let name = &self.text[start..self.at - 1];
        if self.peek() != b':' {
            return self.error("expected a colon after the key");
        }
        self.at += 1;
        Ok(name)
    }

    /// The value here and its position.
    pub fn next_value(&mut self) -> Result<(&'a [u8], usize), Syntax> {
        self.peek();
        let at = self.at;
        Ok((self.value()?, at))
    }

    /// The raw text of the value here.
    fn value(&mut self) -> Result<&'a [u8], Syntax> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(&self.text[start..self.at])
    }

    fn skip(&mut self) -> Result<(), Syntax> {
        match self.peek() {
            b'"' => self.string(),
            b'{' | b'[' => self.container(),
            b'-' | b'0'..=b'9' => {
                while self.at < self.end
                    && matches!(self.text[self.at], b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
                {
                    self.at += 1;
                }
                Ok(())
            }
            b'n' => self.word(b"null"),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            0 if self.at >= self.end => self.error("the line ends inside a value"),
            _ => self.error("expected a JSON value"),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Syntax> {
        if !self.text[self.at..self.end].starts_with(word) {
            return self.error("expected a JSON value");
        }
        self.at += word.len();
        Ok(())
    }

    fn string(&mut self) -> Result<(), Syntax> {
        match self.quotes.next(self.at + 1) {
            Some(close) if close < self.end => {
                self.at = close + 1;
                Ok(())
            }
            _ => self.error("a string without end"),
        }
    }

    /// Steps over an object or array: from quote to quote, counting brackets in between.
    fn container(&mut self) -> Result<(), Syntax> {
        // One bit a level, set where the level is an object.
        let (mut kinds, mut depth) = (0u128, 0u32);
        loop {
            let quote = self.quotes.next(self.at).map_or(self.end, |quote| quote.min(self.end));
            while self.at < quote {
                let byte = self.text[self.at];
                match CLASS[byte as usize] {
                    PLAIN => {}
                    OPEN if depth < DEEPEST => {
                        kinds = kinds << 1 | u128::from(byte == b'{');
                        depth += 1;
                    }
                    CLOSE if (kinds & 1 == 1) == (byte == b'}') => {
                        kinds >>= 1;
                        depth -= 1;
                        if depth == 0 {
                            self.at += 1;
                            return Ok(());
                        }
                    }
                    OPEN => return self.error("nested too deeply"),
                    CLOSE => return self.error("a bracket closes what it did not open"),
                    _ => return self.error("unexpected character"),
                }
                self.at += 1;
            }
            if quote == self.end {
                return self.error("the line ends inside a value");
            }
            self.string()?;
        }
    }
}

/// The text of a raw value: a string without quotes and escapes, nothing for `null` and missing values, else as written.
pub fn text(raw: &[u8]) -> Cow<'_, str> {
    match raw {
        [] | b"null" => Cow::Borrowed(""),
        [b'"', inner @ .., b'"'] => unescape(inner),
        _ => String::from_utf8_lossy(raw),
    }
}

/// The inside of a JSON string. What is not valid in it becomes the replacement character.
fn unescape(inner: &[u8]) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', inner) else { return String::from_utf8_lossy(inner) };
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
        if scan.skip().is_err() || !scan.more(b'}').unwrap_or(false) {
            break;
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const PATHS: &[(&str, usize)] =
        &[("id", 0), ("meta", 1), ("meta.alias", 2), ("meta.usage.cached", 3), ("tags", 4), ("cost", 5)];

    fn extract(line: &[u8]) -> Result<Vec<String>, Syntax> {
        let mut quotes = Quotes::default();
        quotes.index(line);
        let mut slots: [&[u8]; 6] = [b""; 6];
        Scan::new(line, &quotes, 0..line.len()).document(&Fields::new(PATHS), &mut slots)?;
        Ok(slots.iter().map(|raw| String::from_utf8_lossy(raw).into_owned()).collect())
    }

    #[test]
    fn only_wanted_paths_come_out() {
        let line = br#" {"x": {"id": "no", "l": [1, {"a": "}"}]}, "id": "a\"b\\", "meta": {"alias": null, "usage": {"cached": 12}}, "tags": ["a", "b"], "cost": 5.6e-05} "#;
        assert_eq!(extract(line).unwrap(), [r#""a\"b\\""#, "", "null", "12", r#"["a", "b"]"#, "5.6e-05"]);
        assert_eq!(text(br#""a\"b\\\u00e9\ud83d\ude00\n""#), "a\"b\\é😀\n");
        assert_eq!(extract(br#"{"meta": "{\"alias\": 1}"}"#).unwrap()[1], r#""{\"alias\": 1}""#);
    }

    #[test]
    fn malformed_lines_say_where() {
        for (line, at) in [
            (&b"[1]"[..], 0),
            (b"{\"id\": \"a", 7),
            (b"{\"id\": 1} x", 10),
            (b"{\"id\" 1}", 6),
            (b"{\"x\": {\"a\": [}}", 13),
            (b"{\"x\": {\"a\": \\\"b\"}}", 12),
            (b"\0\0\0", 0),
            (b"{\"id\": nul}", 7),
            (b"{\"id\": 1", 8),
        ] {
            let error = extract(line).unwrap_err();
            assert_eq!(error.at, at, "{} {error:?}", String::from_utf8_lossy(line));
        }
        assert_eq!(
            extract(&[b"{\"x\": ".to_vec(), vec![b'['; 200]].concat()).unwrap_err().what,
            "nested too deeply"
        );
    }

    #[test]
    fn the_first_keys_of_every_envelope() {
        for head in [r#"{"a": 1, "b": {"#, r#" [{"a": 1, "b": 2"#, r#"{"data": [{"a": 1, "b": "#] {
            let keys = first_keys(head);
            assert!(keys.contains(&"a") && keys.contains(&"b"), "{head} {keys:?}");
        }
        assert!(first_keys("a,b\n1,2").is_empty());
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~\\n\\t\"\\\\é😀]{0,12}".prop_map(Value::from),
        ];
        let key = prop_oneof![
            Just("id"),
            Just("meta"),
            Just("alias"),
            Just("usage"),
            Just("cached"),
            Just("tags"),
            Just("q\"\\")
        ];
        leaf.prop_recursive(5, 64, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(id in json(), meta in json(), tags in json(), pretty in any::<bool>()) {
            let value = serde_json::json!({"other": [meta, id], "id": id, "meta": meta, "tags": tags});
            let line = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let slots = extract(line.as_bytes()).unwrap();
            let parsed = |slot: usize| (!slots[slot].is_empty()).then(|| serde_json::from_str::<Value>(&slots[slot]).unwrap());
            prop_assert_eq!(parsed(0), value.get("id").cloned());
            prop_assert_eq!(parsed(4), value.get("tags").cloned());
            prop_assert_eq!(parsed(2), value["meta"].get("alias").cloned());
            prop_assert_eq!(parsed(3), value["meta"].get("usage").and_then(|usage| usage.get("cached")).cloned());
            if let Some(text_value) = value["id"].as_str() {
                prop_assert_eq!(text(slots[0].as_bytes()), text_value);
            }
        }

        #[test]
        fn quotes_are_those_a_slow_reading_finds(bytes in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'\\'), Just(b'a')], 0..300)) {
            let mut quotes = Quotes::default();
            quotes.index(&bytes);
            let mut escaped = false;
            let mut expected = Vec::new();
            for (index, byte) in bytes.iter().enumerate() {
                if *byte == b'"' && !escaped {
                    expected.push(index);
                }
                escaped = *byte == b'\\' && !escaped;
            }
            let mut found = Vec::new();
            let mut from = 0;
            while let Some(at) = quotes.next(from) {
                found.push(at);
                from = at + 1;
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn never_panics_and_never_accepts_a_cut_line(value in json(), cut in 0usize..1000, flip in any::<(u16, u8)>()) {
            let mut line = serde_json::json!({"id": 7, "meta": value}).to_string().into_bytes();
            let keep = (line.len() - 1) * cut / 1000;
            prop_assert!(extract(&line[..keep]).is_err());
            let at = usize::from(flip.0) % line.len();
            line[at] = flip.1;
            let _ = extract(&line);
            first_keys(&String::from_utf8_lossy(&line));
            strings(&line, |_| ());
        }
    }
}
