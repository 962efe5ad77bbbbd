//! Reads a large file on every core: each thread takes the next block of whole records and parses it, and each block
//! takes its turn in file order to settle which request came first and how lines are numbered.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::source::Source;
use super::{UsageOptions, UsageRead};
use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::error::{Error, Result};
use crate::inert::printable;
use crate::invoice::Reject;
use crate::read::aggregate::{Aggregate, Prepared, Repeats};
use crate::read::onlooker::CountedRow;
use crate::usage::Call;

/// Bytes a block aims at: it should stay in a core's own cache from reading to summing.
const BLOCK: usize = 256 << 10;
/// Rejects listed one by one; the others are counted.
pub const LISTED_REJECTS: usize = 1000;

/// How records end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// At every newline.
    Lines,
    /// At newlines outside quotes; the first record is the header and is left out.
    Csv,
}

/// What parses the records of a block, one for each thread.
pub trait BlockReader {
    /// Reads every record of `block` into `batch`; `header` is true where its first record is the header.
    fn read(&mut self, block: &[u8], header: bool, batch: &mut Batch);
}

/// What a thread has made of the block at hand, and of all blocks before.
pub struct Batch {
    aggregate: Aggregate,
    rows: Vec<Prepared>,
    /// Where each of the rows is, where someone looks on.
    places: Option<Vec<Place>>,
    rejects: Vec<Rejected>,
    notes: Notes,
    /// Lines of the block, set by the reader.
    pub lines: u64,
}

/// What a row's sums do not keep; the line counts from 0 in its block.
struct Place {
    line: u64,
    id: String,
    at: i64,
}

/// Something about rows that is worth telling once a file: `12 rows `, the message, and the names it is of.
#[derive(Debug)]
pub struct NoteKind {
    pub level: Level,
    pub code: &'static str,
    pub message: &'static str,
    pub help: &'static str,
}

/// By code.
type Notes = BTreeMap<&'static str, Noted>;

/// What was noted, how often, on which line first, and of which names.
struct Noted {
    kind: &'static NoteKind,
    count: u64,
    line: u64,
    names: Vec<Box<str>>,
}

/// Names that a note lists; hostile rows could name a new one each time.
const LISTED_NAMES: usize = 6;

impl Noted {
    fn new(kind: &'static NoteKind, line: u64) -> Noted {
        Noted { kind, count: 0, line, names: Vec::new() }
    }

    fn name(&mut self, name: &str) {
        let known = self.names.iter().any(|known| **known == *name);
        if !known && !name.is_empty() && self.names.len() <= LISTED_NAMES {
            self.names.push(name.into());
        }
    }

    /// `: gpt-5.5, gpt-5-mini and more`
    fn listed(&self) -> String {
        let shown: Vec<String> = self.names.iter().take(LISTED_NAMES).map(|name| printable(name)).collect();
        let more = if self.names.len() > LISTED_NAMES { " and more" } else { "" };
        if shown.is_empty() { String::new() } else { format!(": {}{more}", shown.join(", ")) }
    }
}

/// A record that cannot be used; the line counts from 0 in its block.
struct Rejected {
    line: u64,
    column: u32,
    code: &'static str,
    reason: String,
}

impl Batch {
    /// One call, in file order. `line` counts from 0 in the block.
    pub fn call(&mut self, call: &Call, line: u64) {
        if let Some(places) = &mut self.places {
            places.push(Place { line, id: call.id.to_string(), at: call.at });
        }
        let row = self.aggregate.prepare(call);
        self.rows.push(row);
    }
    /// A record that cannot be used. `line` counts from 0 in the block.
    pub fn reject(&mut self, line: u64, column: u32, code: &'static str, reason: impl Into<String>) {
        self.rejects.push(Rejected { line, column, code, reason: reason.into() });
    }
    /// Counts something worth telling, of a name where it is that of one.
    pub fn note(&mut self, kind: &'static NoteKind, line: u64, name: &str) {
        let noted = self.notes.entry(kind.code).or_insert_with(|| Noted::new(kind, line));
        noted.count += 1;
        noted.name(name);
    }
    /// Rows and rejects of the block so far.
    pub fn pending(&self) -> usize {
        self.rows.len() + self.rejects.len()
    }
}

/// What the threads share, in file order.
struct Shared {
    turn: u64,
    repeats: Repeats,
    line: u64,
    rows: u64,
    rejects: Vec<Reject>,
    rejected: u64,
    notes: Notes,
}

/// Reads one file. Blocks are parsed by as many threads as `options` allow; small files need none.
pub struct Engine<'a> {
    source: &'a Source,
    options: &'a UsageOptions,
    block: usize,
    shared: Mutex<Shared>,
    turned: Condvar,
}

/// A piece of the file: the first `length` bytes of the buffer are whole records.
struct Block {
    number: u64,
    length: usize,
    header: bool,
}

impl<'a> Engine<'a> {
    pub fn new(source: &'a Source, options: &'a UsageOptions) -> Engine<'a> {
        let shared = Shared {
            turn: 0,
            repeats: Repeats::new(options.known_ids.clone()),
            line: 0,
            rows: 0,
            rejects: Vec::new(),
            rejected: 0,
            notes: BTreeMap::new(),
        };
        Engine { source, options, block: BLOCK, shared: Mutex::new(shared), turned: Condvar::new() }
    }

    /// For tests: the result must not depend on it.
    #[cfg(test)]
    pub fn with_block(self, block: usize) -> Engine<'a> {
        Engine { block, ..self }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn batch(&self) -> Batch {
        Batch {
            aggregate: Aggregate::new(&self.options.bands),
            rows: Vec::new(),
            places: self.options.onlooker.is_some().then(Vec::new),
            rejects: Vec::new(),
            notes: BTreeMap::new(),
            lines: 0,
        }
    }

    /// Reads blocks to the end of the file, with one `reader` a thread. Each thread reads its own next block, so that the
    /// bytes are in its core's cache when it parses them.
    pub fn blocks<R: BlockReader>(self, shape: Shape, reader: impl Fn() -> R + Sync) -> Result<UsageRead> {
        let threads = match self.options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let small = self.source.bytes()? <= self.block as u64 && !self.source.is_compressed()?;
        let feed = Mutex::new(Feed::open(self.source, self.options, shape, self.block)?);
        let parts: Vec<Option<Result<Aggregate>>> = if small || threads == 1 {
            vec![Some(self.drain(&feed, reader()))]
        } else {
            std::thread::scope(|scope| {
                let work = || self.drain(&feed, reader());
                let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
                workers.into_iter().map(|worker| worker.join().ok()).collect()
            })
        };
        let lost = || Error::Internal(format!("{}: a reading thread failed", self.source.name));
        let parts: Vec<Aggregate> =
            parts.into_iter().map(|part| part.ok_or_else(lost)?).collect::<Result<_>>()?;
        feed.into_inner().unwrap_or_else(PoisonError::into_inner).remember();
        Ok(self.finish(parts))
    }

    /// One thread's share: blocks until there are no more.
    fn drain<R: BlockReader>(&self, feed: &Mutex<Feed>, mut reader: R) -> Result<Aggregate> {
        let _release = Release(self);
        let (mut batch, mut bytes) = (self.batch(), Vec::new());
        loop {
            let block = feed.lock().unwrap_or_else(PoisonError::into_inner).next(&mut bytes)?;
            let Some(Block { number, length, header }) = block else { return Ok(batch.aggregate) };
            reader.read(&bytes[..length], header, &mut batch);
            self.settle(number, &mut batch);
        }
    }

    /// Waits for the block's turn, settles duplicates and line numbers, then sums the rows.
    fn settle(&self, number: u64, batch: &mut Batch) {
        let mut shared = self.lock();
        while shared.turn < number {
            shared = self.turned.wait(shared).unwrap_or_else(PoisonError::into_inner);
        }
        for row in &mut batch.rows {
            shared.repeats.admit(row);
        }
        let base = shared.line + 1;
        self.show(batch, base);
        shared.rows += batch.pending() as u64;
        shared.rejected += batch.rejects.len() as u64;
        for Rejected { line, column, code, reason } in batch.rejects.drain(..) {
            if shared.rejects.len() < LISTED_REJECTS {
                let origin = Origin::new(self.source.name.clone(), base + line, column);
                shared.rejects.push(Reject { origin, code, reason, amount: None });
            }
        }
        for (code, noted) in std::mem::take(&mut batch.notes) {
            let all = shared.notes.entry(code).or_insert_with(|| Noted::new(noted.kind, base + noted.line));
            all.count += noted.count;
            noted.names.iter().for_each(|name| all.name(name));
        }
        shared.line += batch.lines;
        shared.turn = shared.turn.max(number + 1);
        drop(shared);
        self.turned.notify_all();
        for row in &batch.rows {
            batch.aggregate.add(row);
        }
        batch.rows.clear();
        batch.lines = 0;
    }

    /// Shows the rows of a block, whose first line is `base`, to who looks on.
    fn show(&self, batch: &mut Batch, base: u64) {
        let (Some(onlooker), Some(places)) = (&self.options.onlooker, &mut batch.places) else { return };
        for (row, place) in batch.rows.iter().zip(places.drain(..)) {
            onlooker.see(&CountedRow {
                id: &place.id,
                key: row.key(),
                names: batch.aggregate.names(),
                at: place.at,
                requests: 1,
                origin: Origin::new(self.source.name.clone(), base + place.line, 0),
            });
        }
    }

    /// Reads records that are in memory already, such as the elements of an array; `fill` calls `flush` now and then.
    pub fn records(self, fill: impl FnOnce(&mut Batch, &mut dyn FnMut(&mut Batch))) -> UsageRead {
        let mut batch = self.batch();
        let mut number = 0;
        let mut flush = |batch: &mut Batch| {
            self.settle(number, batch);
            number += 1;
        };
        fill(&mut batch, &mut flush);
        flush(&mut batch);
        self.finish(vec![batch.aggregate])
    }

    fn finish(self, parts: Vec<Aggregate>) -> UsageRead {
        let shared = self.shared.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        for noted in shared.notes.values() {
            let Noted { kind, count, line, .. } = noted;
            let origin = Origin::new(self.source.name.clone(), *line, 0);
            let rows = if *count == 1 { "row" } else { "rows" };
            let message = format!("{count} {rows} {}{}", kind.message, noted.listed());
            diagnostics.push(Diagnostic::new(kind.level, kind.code, origin, message).help(kind.help));
        }
        if shared.repeats.conflicting > 0 {
            let message = format!(
                "{} rows repeat the id of an earlier row with other counters; the first was kept",
                shared.repeats.conflicting
            );
            diagnostics.push(
                Diagnostic::warning("conflicting-duplicates", self.source.origin(), message)
                    .help("export the month again after it has settled, or from one proxy only"),
            );
        }
        diagnostics.extend(other_calls(shared.repeats.others(), &self.source.origin()));
        UsageRead {
            cubes: Aggregate::merge(parts),
            rows: shared.rows,
            rejects: shared.rejects,
            rejected: shared.rejected,
            ids: shared.repeats.into_ids(),
            page: None,
            diagnostics,
        }
    }
}

/// Says that ids are not unique, where rows of other calls have them.
pub fn other_calls(count: u64, origin: &Origin) -> Option<Diagnostic> {
    let message = format!(
        "{count} row{} the id of an earlier row and another model, key or hour: other calls, all of which count",
        if count == 1 { " has" } else { "s have" }
    );
    let told = Diagnostic::warning("ids-not-unique", origin.clone(), message);
    (count > 0).then(|| told.help("where they are one call that was written twice, remove one of its rows"))
}

/// Lets the others go on when a thread dies, so that a defect ends in an error and not in silence.
struct Release<'e, 'a>(&'e Engine<'a>);

impl Drop for Release<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().turn = u64::MAX;
            self.0.turned.notify_all();
        }
    }
}

/// Cuts a file into blocks that end where a record ends, and hashes it on the way where that is wanted.
struct Feed<'a> {
    source: &'a Source,
    options: &'a UsageOptions,
    input: Box<dyn Read + Send + 'a>,
    shape: Shape,
    block: usize,
    /// `None` where no one will ask, or what is read are not the bytes on disk.
    hasher: Option<Sha256>,
    carry: Vec<u8>,
    number: u64,
    done: bool,
}

impl<'a> Feed<'a> {
    fn open(source: &'a Source, options: &'a UsageOptions, shape: Shape, block: usize) -> Result<Feed<'a>> {
        let mut head = [0u8; 2];
        let utf16 =
            source.open()?.read_exact(&mut head).is_ok() && (head == [0xff, 0xfe] || head == [0xfe, 0xff]);
        let input: Box<dyn Read + Send> = if utf16 {
            Box::new(std::io::Cursor::new(source.text()?.into_bytes()))
        } else {
            source.open()?
        };
        let hasher = (options.sha256 && !utf16 && !source.is_compressed()?).then(Sha256::new);
        Ok(Feed { source, options, input, shape, block, hasher, carry: Vec::new(), number: 0, done: false })
    }

    /// Fills `bytes` with the next block. After an error there are no more.
    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<Option<Block>> {
        if self.done {
            return Ok(None);
        }
        let mut filled = self.carry.len();
        let mut wanted = self.block.max(filled + self.block / 2);
        if bytes.len() < wanted {
            bytes.resize(wanted, 0);
        }
        bytes[..filled].copy_from_slice(&self.carry);
        loop {
            while filled < wanted {
                let read = match self.input.read(&mut bytes[filled..wanted]) {
                    Ok(read) => read,
                    Err(error) => {
                        self.done = true;
                        return Err(self.source.error(error));
                    }
                };
                if read == 0 {
                    self.done = true;
                    break;
                }
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(&bytes[filled..filled + read]);
                }
                self.options.progress.fetch_add(read as u64, std::sync::atomic::Ordering::Relaxed);
                filled += read;
            }
            let length = if self.done { Some(filled) } else { self.boundary(&bytes[..filled]) };
            if let Some(length) = length {
                self.carry.clear();
                self.carry.extend_from_slice(&bytes[length..filled]);
                if self.number == 0 && bytes[..length].starts_with(b"\xef\xbb\xbf") {
                    bytes[..3].fill(b' ');
                }
                let number = self.number;
                self.number += 1;
                return Ok(Some(Block { number, length, header: self.shape == Shape::Csv && number == 0 }));
            }
            // A record longer than the block: double it until the record ends.
            wanted *= 2;
            bytes.resize(wanted.max(bytes.len()), 0);
        }
    }

    /// Just after the last newline that ends a record.
    fn boundary(&self, bytes: &[u8]) -> Option<usize> {
        match self.shape {
            Shape::Lines => memchr::memrchr(b'\n', bytes).map(|newline| newline + 1),
            Shape::Csv => {
                // A block starts outside quotes and doubled quotes come in pairs, so an even count is outside again.
                let mut inside = bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
                let mut end = bytes.len();
                while let Some(at) = memchr::memrchr2(b'"', b'\n', &bytes[..end]) {
                    if bytes[at] == b'"' {
                        inside = !inside;
                    } else if !inside {
                        return Some(at + 1);
                    }
                    end = at;
                }
                None
            }
        }
    }

    fn remember(self) {
        if let Some(hasher) = self.hasher {
            self.source.remember_sha256(hasher.finalize().into());
        }
    }
}
