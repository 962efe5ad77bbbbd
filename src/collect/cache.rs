//! Cubes of files read before, under the hash of everything they depend on. Deleting it costs only time.
//!
//! `.llmfin/cubes/<size>-<sha256 of content, format, options and version>`: counts, names, id hashes and rejects, never
//! a prompt. Written to a temporary name and renamed; an entry that is damaged is read again from the log.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, Level, Origin};
use crate::error::{Error, Result};
use crate::invoice::Reject;
use crate::money::Money;
use crate::read::mark::Mark;
use crate::read::source::Source;
use crate::read::{IdSet, UsageFormat, UsageOptions, UsageRead};
use crate::usage::Meters;
use crate::usage::cube::{AttributionKey, Cubes, Names, RatingKey, Sums};
use crate::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Tier};

/// Raise it when a reader counts differently or the layout changes.
const VERSION: &str = concat!("7/", env!("CARGO_PKG_VERSION"));

/// A folder of entries.
#[derive(Debug)]
pub struct Cache<'a> {
    folder: &'a Path,
}

impl<'a> Cache<'a> {
    pub fn new(folder: &'a Path) -> Cache<'a> {
        Cache { folder }
    }

    /// What was read from this file before. Files of a size never seen are not hashed for it.
    pub fn load(
        &self,
        source: &Source,
        format: &UsageFormat,
        options: &UsageOptions,
    ) -> Result<Option<UsageRead>> {
        let size = format!("{}-", source.bytes()?);
        let known = std::fs::read_dir(self.folder).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(&size))
        });
        if !known {
            return Ok(None);
        }
        let Ok(bytes) = std::fs::read(self.path(source, format, options)?) else { return Ok(None) };
        Ok(decode(&bytes, source))
    }

    pub fn store(
        &self,
        source: &Source,
        format: &UsageFormat,
        options: &UsageOptions,
        read: &UsageRead,
    ) -> Result<()> {
        let path = self.path(source, format, options)?;
        write(&path, &encode(read)).map_err(|error| Error::io(path.to_string_lossy(), error))
    }

    fn path(&self, source: &Source, format: &UsageFormat, options: &UsageOptions) -> Result<PathBuf> {
        let mut hasher = Sha256::new();
        let known = options.known_ids.as_ref().map(|known| &known.0);
        let parts = (VERSION, source.sha256()?, format.id, &options.bands, &options.tags, known);
        hasher.update(format!("{parts:?}"));
        let hash: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(self.folder.join(format!("{}-{hash}", source.bytes()?)))
    }
}

/// Writes a whole file or nothing.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }
    fn origin(&mut self, origin: &Origin) {
        self.number(origin.line);
        self.number(origin.column.into());
    }
    fn sums(&mut self, sums: &Sums) {
        self.number(sums.requests);
        self.number(sums.logged_rows);
        self.0.extend_from_slice(&sums.logged.pico().to_le_bytes());
        self.number(sums.meters.iter().count() as u64);
        for (meter, count) in sums.meters.iter() {
            self.number(meter.index() as u64);
            self.number(count);
        }
    }
}

fn encode(read: &UsageRead) -> Vec<u8> {
    let mut out = Writer::default();
    out.number(read.rows);
    out.number(read.rejected);
    out.number(read.rejects.len() as u64);
    for reject in &read.rejects {
        out.origin(&reject.origin);
        out.text(reject.code);
        out.text(&reject.reason);
        out.text(&reject.amount.map_or(String::new(), Money::plain));
    }
    out.number(read.diagnostics.len() as u64);
    for diagnostic in &read.diagnostics {
        out.number(diagnostic.level as u64);
        out.origin(&diagnostic.origin);
        out.text(diagnostic.code);
        out.text(&diagnostic.message);
        out.text(diagnostic.help.as_deref().unwrap_or(""));
    }
    out.number(read.ids.0.len() as u64);
    for (id, Mark(mark)) in &read.ids.0 {
        out.0.extend_from_slice(&id.to_le_bytes());
        out.0.extend_from_slice(&mark.to_le_bytes());
    }
    let (page, pages) = read.page.unwrap_or_default();
    out.number(page);
    out.number(pages);
    let names = &read.cubes.names;
    out.number(names.len() as u64);
    for name in 0..names.len() {
        out.text(names.text(name as u32));
    }
    out.number(read.cubes.rating.len() as u64);
    for (key, sums) in &read.cubes.rating {
        for name in [key.slot, key.provider, key.key, key.requested, key.routed, key.served, key.region] {
            out.number(name.into());
        }
        out.0.extend_from_slice(&[
            key.tier as u8,
            key.band,
            key.outcome as u8,
            key.call_type as u8,
            key.source as u8,
            key.reading as u8,
            u8::from(key.stream),
            u8::from(key.whole_day),
        ]);
        out.sums(sums);
    }
    out.number(read.cubes.attribution.len() as u64);
    for (key, sums) in &read.cubes.attribution {
        out.0.extend_from_slice(&key.day.to_le_bytes());
        for name in [key.team, key.feature, key.environment, key.customer, key.deploy] {
            out.number(name.into());
        }
        for name in [key.provider, key.key, key.routed, key.served, key.region] {
            out.number(name.into());
        }
        out.0.extend_from_slice(&[key.tier as u8, key.band, key.outcome as u8]);
        out.sums(sums);
    }
    let mut whole = Sha256::digest(&out.0).to_vec();
    // Compressing into memory does not fail; if it did, an entry that cannot be read is read again.
    whole.extend(zstd::encode_all(&out.0[..], 1).unwrap_or_default());
    whole
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }
    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0u64, 0);
        loop {
            let [byte] = self.array::<1>()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    }
    fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }
    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (head, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(head.to_vec()).ok()
    }
    fn origin(&mut self, source: &Source) -> Option<Origin> {
        Some(Origin::new(source.name.clone(), self.number()?, self.small()?))
    }
    fn sums(&mut self) -> Option<Sums> {
        let (requests, logged_rows) = (self.number()?, self.number()?);
        let logged = Money::from_pico(i128::from_le_bytes(self.array()?));
        let mut meters = Meters::default();
        for _ in 0..self.number()? {
            meters.set(*Meter::ALL.get(self.small()? as usize)?, self.number()?);
        }
        Some(Sums { requests, meters, logged, logged_rows })
    }
}

fn word<T: Copy>(all: &[T], index: u8) -> Option<T> {
    all.get(usize::from(index)).copied()
}

/// Codes are a closed set in the program; those of an entry are kept once for its lifetime.
fn code(text: String) -> &'static str {
    static CODES: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(code) = codes.iter().find(|code| **code == text) {
        return code;
    }
    let code: &'static str = Box::leak(text.into_boxed_str());
    codes.push(code);
    code
}

/// `None` where the entry is damaged.
fn decode(bytes: &[u8], source: &Source) -> Option<UsageRead> {
    let (hash, packed) = bytes.split_first_chunk::<32>()?;
    let plain = zstd::decode_all(packed).ok()?;
    if Sha256::digest(&plain)[..] != hash[..] {
        return None;
    }
    let mut input = Reader(&plain);
    let mut read = UsageRead { rows: input.number()?, rejected: input.number()?, ..UsageRead::default() };
    for _ in 0..input.number()? {
        let (origin, reject, reason) = (input.origin(source)?, code(input.text()?), input.text()?);
        read.rejects.push(Reject { origin, code: reject, reason, amount: input.text()?.parse().ok() });
    }
    for _ in 0..input.number()? {
        let level = *[Level::Error, Level::Warning, Level::Note].get(input.small()? as usize)?;
        let origin = input.origin(source)?;
        let diagnostic = Diagnostic::new(level, code(input.text()?), origin, input.text()?);
        let help = input.text()?;
        read.diagnostics.push(if help.is_empty() { diagnostic } else { diagnostic.help(help) });
    }
    let mut ids = Vec::new();
    for _ in 0..input.number()? {
        ids.push((u128::from_le_bytes(input.array()?), Mark(u64::from_le_bytes(input.array()?))));
    }
    read.ids = IdSet(ids);
    read.page = Some((input.number()?, input.number()?)).filter(|page| *page != (0, 0));
    let mut names = Names::default();
    for _ in 0..input.number()? {
        names.intern(&input.text()?);
    }
    let mut cubes = Cubes { names, ..Cubes::default() };
    for _ in 0..input.number()? {
        let (slot, provider, key) = (input.small()?, input.small()?, input.small()?);
        let (requested, routed, served, region) =
            (input.small()?, input.small()?, input.small()?, input.small()?);
        let [tier, band, outcome, call_type, count_source, reading, stream, whole_day] = input.array()?;
        let key = RatingKey {
            slot,
            provider,
            key,
            requested,
            routed,
            served,
            region,
            tier: word(Tier::ALL, tier)?,
            band,
            outcome: word(Outcome::ALL, outcome)?,
            call_type: word(CallType::ALL, call_type)?,
            source: word(CountSource::ALL, count_source)?,
            reading: word(Reading::ALL, reading)?,
            stream: stream == 1,
            whole_day: whole_day == 1,
        };
        cubes.rating.insert(key, input.sums()?);
    }
    for _ in 0..input.number()? {
        let day = i32::from_le_bytes(input.array()?);
        let (team, feature, environment) = (input.small()?, input.small()?, input.small()?);
        let (customer, deploy, provider, key) =
            (input.small()?, input.small()?, input.small()?, input.small()?);
        let (routed, served, region) = (input.small()?, input.small()?, input.small()?);
        let [tier, band, outcome] = input.array()?;
        let (tier, outcome) = (word(Tier::ALL, tier)?, word(Outcome::ALL, outcome)?);
        let key = AttributionKey {
            day,
            team,
            feature,
            environment,
            customer,
            deploy,
            provider,
            key,
            routed,
            served,
            region,
            tier,
            band,
            outcome,
        };
        cubes.attribution.insert(key, input.sums()?);
    }
    read.cubes = cubes;
    input.0.is_empty().then_some(read)
}
