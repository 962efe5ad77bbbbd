//! Which format is this? Decided by content; a declared format id or family narrows the choice, never a file name.

use super::source::{Sample, SampleKind, Source};
use super::{DOCUMENT_FORMATS, DocumentFormat, USAGE_FORMATS, UsageFormat};
use crate::diagnostic::Diagnostic;
use crate::error::Result;

/// The usage format of a file; `declared` is a format id or a family.
pub fn usage(source: &Source, declared: Option<&str>) -> Result<&'static UsageFormat> {
    let sample = source.sample()?;
    let found = pick(USAGE_FORMATS.iter().copied(), declared, &sample, |format| {
        (format.id, format.family, format.sniff)
    });
    found.ok_or_else(|| {
        let known: Vec<&str> = USAGE_FORMATS.iter().map(|format| format.id).collect();
        // A bill among the logs deserves a better answer than a list.
        match DOCUMENT_FORMATS.iter().find(|format| (format.sniff)(&sample)) {
            Some(format) => Diagnostic::error(
                "bill-not-log",
                source.origin(),
                format!("this is a provider document (`{}`), not a log", format.id),
            )
            .help(format!("give it with `--invoice {}={}`", format.family, source.name))
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
        let known: Vec<&str> = DOCUMENT_FORMATS.iter().map(|format| format.id).collect();
        match USAGE_FORMATS.iter().find(|format| (format.sniff)(&sample)) {
            Some(format) => Diagnostic::error(
                "log-not-bill",
                source.origin(),
                format!("this is a gateway log (`{}`), not a bill", format.id),
            )
            .help(format!("give it with `--usage {}`", source.name))
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
    known: &[&str],
    what: &str,
) -> crate::error::Error {
    if sample.complete && sample.kind == SampleKind::Text && sample.text.trim().is_empty() {
        return Diagnostic::error("empty-file", source.origin(), "the file is empty")
            .help("export again, or remove the file: an empty file is not a month without usage")
            .into();
    }
    if let Some(word) = declared.filter(|word| !known.contains(word)) {
        let near = known.iter().max_by_key(|id| std::cmp::Reverse(strsim::levenshtein(word, id)));
        return Diagnostic::error("unknown-format", source.origin(), format!("cannot read this as `{word}`"))
            .help(format!("did you mean `{}`? `llmfin formats` lists all", near.copied().unwrap_or("")))
            .into();
    }
    let line: String = sample.first_line().chars().take(120).collect();
    let diagnostic = Diagnostic::error("unknown-format", source.origin(), format!("no known {what} format"))
        .help("name the format as `FORMAT:PATH`, or describe the columns in `llmfin.toml`; `llmfin formats` lists what is known");
    // The header of a table may be shown; the first record of a log may hold a prompt.
    let header = sample.kind == SampleKind::Text && !line.starts_with(['{', '[']);
    if header { diagnostic.excerpt(line, None).into() } else { diagnostic.into() }
}
