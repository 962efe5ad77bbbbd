//! Where the quotes of a text are, one bit a byte: the first of the two passes.

use wide::u8x16;

/// Where every unescaped `"` of a text is, one bit a byte.
#[derive(Debug, Default)]
pub struct Quotes {
    words: Vec<u64>,
}

/// One bit for each of 64 bytes equal to `wanted`.
fn mask(block: &[u8; 64], wanted: u8) -> u64 {
    let (lanes, _) = block.as_chunks::<16>();
    lanes.iter().enumerate().fold(0, |mask, (index, lane)| {
        mask | u64::from(u8x16::new(*lane).simd_eq(u8x16::splat(wanted)).to_bitmask()) << (index * 16)
    })
}

/// The quotes of a block that no backslash escapes. `escaped` is 1 when its first byte follows an odd run of them.
fn unescaped(block: &[u8; 64], escaped: &mut u64) -> u64 {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let quotes = mask(block, b'"');
    let backslashes = mask(block, b'\\');
    if backslashes == 0 {
        return quotes & !std::mem::take(escaped);
    }
    // Runs of backslashes that start on odd bits carry, by addition, to the byte after the run.
    let backslashes = backslashes & !*escaped;
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
        let (blocks, rest) = text.as_chunks::<64>();
        self.words.clear();
        self.words.extend(blocks.iter().map(&mut word));
        if !rest.is_empty() {
            let mut block = [b' '; 64];
            block[..rest.len()].copy_from_slice(rest);
            self.words.push(word(&block));
        }
    }

    /// The quotes at or after `from`, one after the other.
    pub fn from(&self, from: usize) -> Cursor<'_> {
        let index = from / 64;
        let word = self.words.get(index).map_or(0, |word| word & (u64::MAX << (from % 64)));
        Cursor { words: &self.words, index, word }
    }

    /// Position of the first quote at or after `from`.
    pub fn next(&self, from: usize) -> Option<usize> {
        self.from(from).peek()
    }
}

/// A place among the quotes. What comes next does not depend on the text, so the processor can look ahead.
#[derive(Debug)]
pub struct Cursor<'q> {
    words: &'q [u64],
    index: usize,
    word: u64,
}

impl Cursor<'_> {
    /// The next quote.
    #[inline]
    pub fn peek(&mut self) -> Option<usize> {
        while self.word == 0 {
            self.index += 1;
            self.word = *self.words.get(self.index)?;
        }
        Some(self.index * 64 + self.word.trailing_zeros() as usize)
    }

    /// The next quote; it will not come again.
    #[inline]
    pub fn take(&mut self) -> Option<usize> {
        let quote = self.peek()?;
        self.word &= self.word - 1;
        Some(quote)
    }
}
