//! A file (or stdin) as bytes: decompressed by its magic bytes, guarded against archive bombs, decoded to UTF-8.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};

/// Decompressed bytes a compressed file may hold, and how many times its own size.
const MAX_INFLATED: u64 = 1 << 40;
const MAX_RATIO: u64 = 1_000;
/// Ratio is judged only past this size, so that small, very regular files pass.
const RATIO_FLOOR: u64 = 64 << 20;
/// A document that is read as one text (invoices, JSON pages) may be this large.
const MAX_TEXT: u64 = 2 << 30;
/// Bytes of the decoded head that formats are recognised by.
const SAMPLE: usize = 256 << 10;

/// Where bytes come from. `name` is what messages and documents show: relative to the books where there are books.
#[derive(Debug, Clone)]
pub struct Source {
    pub name: Arc<str>,
    path: PathBuf,
    /// Keeps spooled stdin alive.
    _spool: Option<Arc<tempfile::NamedTempFile>>,
    /// Set by whoever read all bytes on disk, so that they need not be read again for their hash.
    hash: Arc<OnceLock<String>>,
}

impl Source {
    pub fn file(path: impl Into<PathBuf>, name: impl Into<Arc<str>>) -> Source {
        Source { name: name.into(), path: path.into(), _spool: None, hash: Arc::default() }
    }

    /// Standard input, copied to a temporary file: detection needs the head, reading needs the whole.
    pub fn stdin() -> Result<Source> {
        let spool = || -> io::Result<tempfile::NamedTempFile> {
            let mut file = tempfile::NamedTempFile::new()?;
            io::copy(&mut io::stdin().lock(), &mut file)?;
            Ok(file)
        };
        let file = spool().map_err(|error| Error::io("<stdin>", error))?;
        let path = file.path().to_owned();
        Ok(Source { name: "<stdin>".into(), path, _spool: Some(Arc::new(file)), hash: Arc::default() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn origin(&self) -> Origin {
        Origin::file(self.name.clone())
    }

    pub(crate) fn error(&self, error: io::Error) -> Error {
        // A compressed stream that ends early or a bomb is the user's input, with a place; the rest is the system's.
        match error.kind() {
            io::ErrorKind::FileTooLarge => {
                Diagnostic::error("archive-bomb", self.origin(), format!("not read: {error}"))
                    .help("no export is that regular: look into it with `zcat` or `zstdcat` first")
                    .into()
            }
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Other => {
                Diagnostic::error("unreadable-archive", self.origin(), format!("cannot decompress: {error}"))
                    .help("export or copy the file again; a cut transfer is the usual reason")
                    .into()
            }
            _ => Error::io(self.name.as_ref(), error),
        }
    }

    /// Size on disk, before decompression.
    pub fn bytes(&self) -> Result<u64> {
        std::fs::metadata(&self.path)
            .map(|meta| meta.len())
            .map_err(|error| Error::io(self.name.as_ref(), error))
    }

    /// Keeps the hash of the bytes on disk for [`Source::sha256`].
    pub(crate) fn remember_sha256(&self, hash: [u8; 32]) {
        self.hash.get_or_init(|| hex(&hash));
    }

    /// SHA-256 of the bytes on disk, in hex.
    pub fn sha256(&self) -> Result<String> {
        if let Some(hash) = self.hash.get() {
            return Ok(hash.clone());
        }
        let mut file = File::open(&self.path).map_err(|error| Error::io(self.name.as_ref(), error))?;
        let (mut hasher, mut block) = (Sha256::new(), vec![0u8; 1 << 20]);
        loop {
            let read = file.read(&mut block).map_err(|error| Error::io(self.name.as_ref(), error))?;
            if read == 0 {
                return Ok(self.hash.get_or_init(|| hex(&hasher.finalize())).clone());
            }
            hasher.update(&block[..read]);
        }
    }

    /// The decompressed bytes, as they are.
    pub fn open(&self) -> Result<Box<dyn Read + Send>> {
        let open = || -> io::Result<Box<dyn Read + Send>> {
            let mut file = File::open(&self.path)?;
            let size = file.metadata()?.len();
            let mut magic = [0u8; 4];
            let mut have = 0;
            while have < 4 {
                match file.read(&mut magic[have..])? {
                    0 => break,
                    n => have += n,
                }
            }
            file.seek(SeekFrom::Start(0))?;
            Ok(match magic {
                [0x1f, 0x8b, ..] => Box::new(Guarded::new(
                    MultiGzDecoder::new(BufReader::with_capacity(256 << 10, file)),
                    size,
                )),
                [0x28, 0xb5, 0x2f, 0xfd] => Box::new(Guarded::new(zstd::Decoder::new(file)?, size)),
                _ => Box::new(file),
            })
        };
        open().map_err(|error| Error::io(self.name.as_ref(), error))
    }

    /// True where the file is gzip or zstd.
    pub fn is_compressed(&self) -> Result<bool> {
        let mut magic = [0u8; 4];
        let mut file = File::open(&self.path).map_err(|error| Error::io(self.name.as_ref(), error))?;
        let have = file.read(&mut magic).map_err(|error| Error::io(self.name.as_ref(), error))?;
        Ok(have >= 2 && (magic[..2] == [0x1f, 0x8b] || magic == [0x28, 0xb5, 0x2f, 0xfd]))
    }

    /// The head of the file as text, for recognising formats.
    pub fn sample(&self) -> Result<Sample> {
        let mut bytes = Vec::with_capacity(SAMPLE);
        self.open()?.take(SAMPLE as u64).read_to_end(&mut bytes).map_err(|error| self.error(error))?;
        let complete = bytes.len() < SAMPLE;
        if bytes.starts_with(b"PAR1") {
            let names = crate::columnar::column_names(self)?;
            return Ok(Sample { text: csv_line(&names), complete, kind: SampleKind::Parquet });
        }
        if bytes.starts_with(b"PK\x03\x04") {
            return Ok(Sample { text: String::new(), complete, kind: SampleKind::Zip });
        }
        Ok(Sample { text: decode(&bytes), complete, kind: SampleKind::Text })
    }

    /// The whole file as text: byte-order mark removed, UTF-16 decoded, invalid bytes replaced.
    pub fn text(&self) -> Result<String> {
        let mut bytes = Vec::new();
        self.open()?.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(|error| self.error(error))?;
        if bytes.len() as u64 > MAX_TEXT {
            return Err(Diagnostic::error(
                "document-too-large",
                self.origin(),
                "larger than 2 GiB, too large for one document",
            )
            .help("split the export by month or by day")
            .into());
        }
        Ok(decode(&bytes))
    }
}

fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The head of a file.
#[derive(Debug, Clone)]
pub struct Sample {
    /// For parquet, the column names as a CSV header, so that one signature fits both forms of a table.
    pub text: String,
    /// True when the head is the whole file.
    pub complete: bool,
    pub kind: SampleKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleKind {
    Text,
    Parquet,
    /// A zip container: XLSX, or an archive of exports.
    Zip,
}

impl Sample {
    pub fn first_line(&self) -> &str {
        self.text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("")
    }
    /// True where every one of `columns` is a field of the first line read as a CSV header, ignoring case.
    pub fn has_columns(&self, columns: &[&str]) -> bool {
        let header = csv_header(self.first_line());
        columns.iter().all(|column| header.iter().any(|field| field.eq_ignore_ascii_case(column)))
    }
    /// True where the text is JSON (an object or an array) and every one of `keys` occurs quoted in the head.
    pub fn has_json_keys(&self, keys: &[&str]) -> bool {
        self.text.trim_start().starts_with(['{', '['])
            && keys.iter().all(|key| self.text.contains(&format!("\"{key}\"")))
    }
}

fn csv_line(fields: &[String]) -> String {
    let quoted: Vec<String> =
        fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
    quoted.join(",")
}

fn csv_header(line: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(true) => record.iter().map(|field| field.trim().to_owned()).collect(),
        _ => Vec::new(),
    }
}

/// UTF-8 text from bytes: a byte-order mark decides UTF-16, otherwise UTF-8 with invalid bytes replaced.
pub fn decode(bytes: &[u8]) -> String {
    let utf16 = |order: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks_exact(2).map(|pair| order([pair[0], pair[1]]));
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        [0xff, 0xfe, ..] => utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Stops a decompressor that yields absurdly more than its file holds.
struct Guarded<R> {
    inner: R,
    size: u64,
    seen: u64,
}

impl<R: Read> Guarded<R> {
    fn new(inner: R, size: u64) -> Guarded<R> {
        Guarded { inner, size, seen: 0 }
    }
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.seen += read as u64;
        if self.seen > MAX_INFLATED || (self.seen > RATIO_FLOOR && self.seen / MAX_RATIO > self.size) {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("it expands to more than {MAX_RATIO} times its size"),
            ));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn source(bytes: &[u8]) -> (tempfile::NamedTempFile, Source) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let source = Source::file(file.path(), "logs/a.jsonl");
        (file, source)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn compression_is_told_by_content() {
        let mut two = gzip(b"{\"a\":1}\n");
        two.extend(gzip(b"{\"a\":2}\n"));
        assert_eq!(source(&two).1.text().unwrap(), "{\"a\":1}\n{\"a\":2}\n");
        assert_eq!(source(&zstd::encode_all(&b"x,y\n"[..], 3).unwrap()).1.text().unwrap(), "x,y\n");
    }

    #[test]
    fn a_cut_archive_names_the_file() {
        let whole = gzip(&b"{\"a\":1}\n".repeat(1000));
        let error = source(&whole[..whole.len() / 2]).1.text().unwrap_err();
        let Error::Input(diagnostics) = error else { panic!("{error:?}") };
        assert_eq!(diagnostics[0].code, "unreadable-archive");
        assert_eq!(diagnostics[0].origin.to_string(), "logs/a.jsonl");
    }

    #[test]
    fn text_encodings() {
        assert_eq!(decode(b"\xef\xbb\xbfa"), "a");
        assert_eq!(decode(b"\xff\xfea\0\xac\x20"), "a€");
        assert_eq!(decode(b"\xfe\xff\0a"), "a");
        assert_eq!(decode(b"\xff\xfea"), "");
    }

    #[test]
    fn a_bomb_stops() {
        let zeros = vec![0u8; 90 << 20];
        let bomb = gzip(&gzip(&zeros));
        let (_file, source) = source(&gzip(&zeros));
        assert!(bomb.len() < 1 << 20);
        assert!(source.text().is_err());
    }
}
