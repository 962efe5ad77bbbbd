//! Bucketed result pages, as the billing APIs of OpenAI and Anthropic answer: one page, an array of pages, or pages
//! one after the other. Every result keeps its line and its own text, so numbers are never read through a float.
//!
//! ```text
//! {"object":"page","data":[{"start_time":1782864000,"end_time":1782950400,"results":[{…}]}],"has_more":false}
//! {"data":[{"starting_at":"2026-07-01T00:00:00Z","ending_at":"2026-07-02T00:00:00Z","results":[]}],"has_more":false}
//! ```

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::period::Period;
use crate::read::gather::{Gather, Refused, Said, bucket, shown};
use crate::read::source::Source;

#[derive(Deserialize)]
struct Page<'t> {
    #[serde(borrow)]
    data: Vec<&'t RawValue>,
    #[serde(default)]
    has_more: Option<bool>,
    #[serde(borrow, default)]
    data_refreshed_at: Option<&'t RawValue>,
}

#[derive(Deserialize)]
struct Bucket<'t> {
    #[serde(borrow, alias = "starting_at")]
    start_time: &'t RawValue,
    #[serde(borrow, default, alias = "ending_at")]
    end_time: Option<&'t RawValue>,
    #[serde(borrow)]
    results: Vec<&'t RawValue>,
}

/// One result and the bucket it is in.
pub struct Found<'t> {
    pub origin: Origin,
    pub period: Period,
    pub json: &'t str,
}

/// Reads every page of a document and hands each result to `line`; empty buckets are empty rows.
pub fn read(
    source: &Source,
    gather: &mut Gather,
    mut said: impl FnMut(&mut Gather, &Found) -> std::result::Result<Said, Refused>,
) -> Result<()> {
    let text = source.text()?;
    let mut places = Places { file: source.name.clone(), text: &text, byte: 0, line: 1, line_start: 0 };
    let pages = pages(source, &text)?;
    for page in &pages {
        for raw in &page.data {
            let origin = places.of(raw.get());
            let parsed =
                serde_json::from_str::<Bucket>(raw.get()).map_err(|error| not_json("bucket", &error));
            let parsed = parsed.and_then(|bucket| bucket.period().map(|period| (bucket, period)));
            let (bucket, period) = match parsed {
                Ok(parsed) => parsed,
                Err(refused) => {
                    gather.row(&origin, Err(refused), None);
                    continue;
                }
            };
            gather.cover(period);
            if bucket.results.is_empty() {
                gather.row(&origin, Ok(Said::Nothing), None);
            }
            for result in bucket.results {
                let found = Found { origin: places.of(result.get()), period, json: result.get() };
                let said = said(gather, &found);
                gather.row(&found.origin, said, None);
            }
        }
    }
    if pages.last().is_some_and(|page| page.has_more == Some(true)) {
        gather.remark(
            Diagnostic::warning(
                "truncated-export",
                source.origin(),
                "the last page says that more pages follow",
            )
            .help("fetch the pages after `next_page` and put them in the same file, one after the other"),
        );
    }
    warn_of_open_buckets(source, gather, &pages);
    Ok(())
}

/// Data after the refresh instant is incomplete; a bucket that ends after it is still growing.
fn warn_of_open_buckets(source: &Source, gather: &mut Gather, pages: &[Page]) {
    let refreshed = pages.iter().filter_map(|page| scalar(page.data_refreshed_at?)).min();
    let (Some(refreshed), Some(covers)) = (refreshed, gather.document.covers) else { return };
    if bucket(&refreshed, None).is_ok_and(|day| day.first <= covers.last) {
        let message = format!("the data was refreshed at {}, before its last day ended", shown(&refreshed));
        gather.remark(
            Diagnostic::warning("open-bucket", source.origin(), message)
                .help("export the period again a day after its end"),
        );
    }
}

/// Deserializes one result; the message never repeats its text.
pub fn result<'t, T: Deserialize<'t>>(found: &Found<'t>) -> std::result::Result<T, Refused> {
    serde_json::from_str(found.json).map_err(|error| not_json("result", &error))
}

/// The text of a JSON string, number or truth value; `None` for null and for anything nested.
pub fn scalar(raw: &RawValue) -> Option<String> {
    match raw.get().as_bytes().first()? {
        b'"' => serde_json::from_str(raw.get()).ok(),
        b'-' | b'0'..=b'9' | b't' | b'f' => Some(raw.get().to_owned()),
        _ => None,
    }
}

impl Bucket<'_> {
    fn period(&self) -> std::result::Result<Period, Refused> {
        let end = self.end_time.and_then(scalar);
        bucket(&scalar(self.start_time).unwrap_or_default(), end.as_deref())
    }
}

fn not_json(what: &str, error: &serde_json::Error) -> Refused {
    ("bad-shape", format!("not a {what} of a page: {error}"))
}

fn pages<'t>(source: &Source, text: &'t str) -> Result<Vec<Page<'t>>> {
    let fail = |error: &serde_json::Error, base: usize| {
        let line = error.line() as u64 + text[..base].matches('\n').count() as u64;
        let help = if error.is_eof() {
            "the file ends early: fetch or copy it again"
        } else {
            "save the API's answers as they are: one page, an array of pages, or one page a line"
        };
        let message = format!("not a page of results: {error}");
        Diagnostic::error("bad-page", Origin::new(source.name.clone(), line, 0), message).help(help)
    };
    let mut found = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        let value = value.map_err(|error| fail(&error, 0))?.get();
        let base = value.as_ptr() as usize - text.as_ptr() as usize;
        if value.starts_with('[') {
            found.extend(serde_json::from_str::<Vec<Page>>(value).map_err(|error| fail(&error, base))?);
        } else {
            found.push(serde_json::from_str::<Page>(value).map_err(|error| fail(&error, base))?);
        }
    }
    Ok(found)
}

/// Finds the line and column of parts of one text, in the order they occur.
struct Places<'t> {
    file: Arc<str>,
    text: &'t str,
    byte: usize,
    line: u64,
    line_start: usize,
}

impl Places<'_> {
    fn of(&mut self, part: &str) -> Origin {
        let start = part.as_ptr() as usize - self.text.as_ptr() as usize;
        for (index, byte) in self.text.as_bytes()[self.byte..start].iter().enumerate() {
            if *byte == b'\n' {
                self.line += 1;
                self.line_start = self.byte + index + 1;
            }
        }
        self.byte = start;
        let column = u32::try_from(start - self.line_start + 1).unwrap_or(u32::MAX);
        Origin::new(self.file.clone(), self.line, column)
    }
}
