//! Which format is this? Decided by content; a declared format id or family narrows the choice, never a file name.

use super::source::{Sample, SampleKind, Source};
use super::{DOCUMENT_FORMATS, DocumentFormat, USAGE_FORMATS, UsageFormat};
use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::Result;
use crate::vocabulary::Seller;

/// Characters of a header that are shown.
const SHOWN: usize = 120;

/// The usage format of a file; `declared` is a format id or a family.
pub fn usage(source: &Source, declared: Option<&str>) -> Result<&'static UsageFormat> {
    let sample = source.sample()?;
    let found = pick(USAGE_FORMATS.iter().copied(), declared, &sample, |format| {
        (format.id, format.family, format.sniff)
    });
    found.ok_or_else(|| {
        let known: Vec<_> = USAGE_FORMATS.iter().map(|format| (format.id, format.family)).collect();
        // A bill among the logs deserves a better answer than a list.
        match DOCUMENT_FORMATS.iter().find(|format| (format.sniff)(&sample)) {
            Some(format) => Diagnostic::error(
                "bill-not-log",
                source.origin(),
                format!("this is a provider document (`{}`), not a log", format.id),
            )
            .help(format!(
                "give it with `--invoice {}={}`, in books under `[[invoice]]`",
                Seller::find(format.family).map_or("PROVIDER", |seller| seller.id),
                source.name
            ))
            .into(),
            None => unknown(source, &sample, declared, &known, "log"),
        }
    })
}

/// The document format of a file; `declared` is a format id or a family.
pub fn document(source: &Source, declared: Option<&str>) -> Result<&'static DocumentFormat> {
    let sample = source.sample()?;
    let found = pick(DOCUMENT_FORMATS.iter().copied(), declared, &sample, |format| {
        (format.id, format.family, format.sniff)
    });
    found.ok_or_else(|| {
        let known: Vec<_> = DOCUMENT_FORMATS.iter().map(|format| (format.id, format.family)).collect();
        match USAGE_FORMATS.iter().find(|format| (format.sniff)(&sample)) {
            Some(format) => Diagnostic::error(
                "log-not-bill",
                source.origin(),
                format!("this is a gateway log (`{}`), not a bill", format.id),
            )
            .help(format!("give it with `--usage {}`, in books under `[[source]]`", source.name))
            .into(),
            None => unknown(source, &sample, declared, &known, "bill"),
        }
    })
}

type Sniff = fn(&Sample) -> bool;

fn pick<T: Copy>(
    formats: impl Iterator<Item = T>,
    declared: Option<&str>,
    sample: &Sample,
    parts: impl Fn(T) -> (&'static str, &'static str, Sniff),
) -> Option<T> {
    let mut all: Vec<T> = formats.collect();
    if let Some(word) = declared {
        // An exact id is believed without a look at the content: that is what the user says when detection cannot.
        if let Some(format) = all.iter().copied().find(|format| parts(*format).0 == word) {
            return Some(format);
        }
        all.retain(|format| parts(*format).1 == word);
    }
    all.into_iter().find(|format| parts(*format).2(sample))
}

fn unknown(
    source: &Source,
    sample: &Sample,
    declared: Option<&str>,
    known: &[(&'static str, &'static str)],
    what: &str,
) -> crate::error::Error {
    if sample.complete && sample.kind == SampleKind::Text && sample.text.trim().is_empty() {
        return Diagnostic::error("empty-file", source.origin(), "the file is empty")
            .help("export again, or remove the file: an empty file is not a month without usage")
            .into();
    }
    let error = |message: String| Diagnostic::error("unknown-format", source.origin(), message);
    if let Some(word) = declared.filter(|word| !known.iter().any(|(_, family)| family == word)) {
        let words = known.iter().flat_map(|(id, family)| [*id, *family]);
        let help = match nearest(word, words) {
            Some(near) => format!("did you mean `{near}:{}`?", source.name),
            None => "`llmfin formats` lists what is known".to_owned(),
        };
        return error(format!("no {what} format is named `{word}`")).help(help).into();
    }
    if sample.kind == SampleKind::Zip {
        return error(format!("a workbook or zip archive is not a {what} of any known format"))
            .help("unpack it, save the sheet as CSV, or describe its columns in `llmfin.toml`")
            .into();
    }
    if sample.text.chars().take(SHOWN).any(|char| char.is_control() && !char.is_whitespace()) {
        return error(format!("binary data, and no known {what} format"))
            .help("leave the file out, or export it as text: `llmfin formats` lists what is known")
            .into();
    }
    let line: String = sample.first_line().chars().take(SHOWN).collect();
    let number = 1 + sample.text.lines().take_while(|line| line.trim().is_empty()).count() as u64;
    let help = if line.contains(';') && !line.contains(',') {
        "save it with commas between the columns, or describe the columns in `llmfin.toml`"
    } else {
        "name the format as `FORMAT:PATH`, or describe the columns in `llmfin.toml`; `llmfin formats` lists what is known"
    };
    let diagnostic = error(format!("no known {what} format")).help(help);
    // The header of a table may be shown; the first record of a log may hold a prompt.
    let header = sample.kind == SampleKind::Text && !line.starts_with(['{', '[']);
    if !header {
        return diagnostic.into();
    }
    Diagnostic { origin: Origin::new(source.name.clone(), number, 0), ..diagnostic }
        .excerpt(line, None)
        .into()
}
