//! Gathers the rows of one provider document and what is true of all of them: the days covered, the one currency,
//! and whether the file tells projects and keys apart. `rows = rows with lines + empty + out of scope + rejects`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::invoice::{BillLine, Document, Reject};
use crate::money::{Money, MoneyError, ONE, ReadMoney};
use crate::period::{Day, Period, read_instant};
use crate::vocabulary::Meter;

/// Why one row is rejected: stable code and reason.
pub type Refused = (&'static str, String);

/// Seconds of 2015-01-01 and 2100-01-01: a billing day outside them is a damaged cell.
const INSTANTS: std::ops::Range<i64> = 1_420_070_400..4_102_444_800;
/// Characters of a foreign text that a message repeats.
const SHOWN: usize = 80;

/// What one row says.
pub enum Said {
    Lines(Vec<BillLine>),
    /// Nothing happened on these days: zero, not missing.
    Nothing,
    /// About something that has no meter here.
    OutOfScope,
}

impl From<BillLine> for Said {
    fn from(line: BillLine) -> Said {
        Said::Lines(vec![line])
    }
}

pub struct Gather {
    pub document: Document,
    currencies: BTreeMap<String, Origin>,
    /// One remark per code and message, with its first place and how often it was made.
    remarks: BTreeMap<(&'static str, String), (Diagnostic, u64)>,
}

impl Gather {
    pub fn new(document: Document) -> Gather {
        Gather { document, currencies: BTreeMap::new(), remarks: BTreeMap::new() }
    }

    /// Counts one row and puts it in its place. `shows` is the money a refused row shows, where it can be read.
    pub fn row(&mut self, origin: &Origin, said: std::result::Result<Said, Refused>, shows: Option<Money>) {
        self.document.rows += 1;
        match said {
            Ok(Said::Lines(lines)) => {
                for line in lines {
                    self.cover(line.period);
                    self.document.lines.push(line);
                }
            }
            Ok(Said::Nothing) => self.document.empty_rows += 1,
            Ok(Said::OutOfScope) => self.document.out_of_scope += 1,
            Err((code, reason)) => {
                self.document.rejects.push(Reject { origin: origin.clone(), code, reason, amount: shows });
            }
        }
    }

    /// Counts a row that was a reject before its cells could be read.
    pub fn reject(&mut self, reject: Reject) {
        self.document.rows += 1;
        self.document.rejects.push(reject);
    }

    /// The document speaks about these days, be it with an amount or with a gap.
    pub fn cover(&mut self, period: Period) {
        let covers = self.document.covers.get_or_insert(period);
        covers.first = covers.first.min(period.first);
        covers.last = covers.last.max(period.last);
    }

    pub fn currency(&mut self, text: &str, origin: &Origin) {
        self.currencies.entry(text.trim().to_ascii_uppercase()).or_insert_with(|| origin.clone());
    }

    /// Gives a line its amount as read by [`Money::read`] or [`Money::read_cents`], exact but for counted roundings.
    pub fn amount(
        &mut self,
        line: &mut BillLine,
        read: std::result::Result<ReadMoney, MoneyError>,
    ) -> std::result::Result<(), Refused> {
        let read = read.map_err(|error| ("bad-amount", shown(&error.to_string())))?;
        if read.rounded {
            self.document.rounded_amounts += 1;
            line.rounding_bound = Money::STEP;
        }
        line.amount = Some(read.amount);
        Ok(())
    }

    /// Says something once per text, with the place it was first seen.
    pub fn remark(&mut self, diagnostic: Diagnostic) {
        let key = (diagnostic.code, diagnostic.message.clone());
        self.remarks.entry(key).or_insert((diagnostic, 0)).1 += 1;
    }

    /// Closes the document: one currency or none, and a blank dimension means "none" where other rows have one.
    pub fn finish(mut self) -> Result<Document> {
        if self.currencies.len() > 1 {
            let named: Vec<&str> = self.currencies.keys().map(String::as_str).collect();
            let message = format!("amounts in more than one currency: {}", shown(&named.join(", ")));
            let origin = self.currencies.values().max().cloned().unwrap_or_default();
            return Err(Error::from(
                Diagnostic::error("mixed-currencies", origin, message)
                    .help("split the file by currency and give each part as its own `--invoice`"),
            ));
        }
        self.document.currency = self.currencies.into_keys().next().map(Arc::from);
        fill(&mut self.document.lines, |line| &mut line.project);
        fill(&mut self.document.lines, |line| &mut line.key);
        for (mut diagnostic, times) in self.remarks.into_values() {
            if times > 1 {
                diagnostic.message.push_str(&format!(" ({times} rows)"));
            }
            self.document.diagnostics.push(diagnostic);
        }
        Ok(self.document)
    }
}

/// A file whose rows never name a project is not grouped by it; otherwise a blank means "in no project".
fn fill(lines: &mut [BillLine], dimension: fn(&mut BillLine) -> &mut Option<Arc<str>>) {
    let grouped =
        lines.iter_mut().any(|line| dimension(line).as_deref().is_some_and(|text| !text.is_empty()));
    for line in lines {
        let value = dimension(line);
        if !grouped {
            *value = None;
        } else if value.is_none() {
            *value = Some(Arc::from(""));
        }
    }
}

/// The days of a bucket `[start, end)` in seconds or as date and time; zone-less text is UTC.
pub fn bucket(start: &str, end: Option<&str>) -> std::result::Result<Period, Refused> {
    let instant = |text: &str| {
        let text = text.strip_suffix(".0").unwrap_or(text);
        let seconds = text.parse().ok().or_else(|| read_instant(text).map(|(seconds, _)| seconds));
        seconds
            .filter(|seconds| INSTANTS.contains(seconds))
            .ok_or_else(|| ("bad-date", format!("`{}` is not an instant of a billing day", shown(text))))
    };
    let first = instant(start)?;
    let last = end.map(instant).transpose()?.map_or(first, |end| end - 1);
    if last < first {
        return Err(("bad-date", format!("the bucket ends before it starts: {}", shown(start))));
    }
    Ok(Period { first: Day::of_instant(first), last: Day::of_instant(last) })
}

/// One line per known count of a usage row, like `template` but for meter, text and quantity.
pub fn usage_lines(
    template: &BillLine,
    counts: impl IntoIterator<Item = (Meter, &'static str, Option<i128>)>,
) -> std::result::Result<Said, Refused> {
    let line = |(meter, column, quantity): (Meter, &'static str, Option<i128>)| {
        quantity?;
        Some(BillLine { meter: Some(meter), text: column.into(), quantity, ..template.clone() })
    };
    let lines: Vec<BillLine> = counts.into_iter().filter_map(line).collect();
    if lines.is_empty() {
        return Err(("no-counts", "the row has no counts".to_owned()));
    }
    Ok(Said::Lines(lines))
}

/// A count that exports write as `59200`, `59200.0` or `5.92e4`: whole and not negative.
pub fn count(text: &str) -> std::result::Result<i128, Refused> {
    let read = Money::read(text).map_err(|error| ("bad-count", shown(&error.to_string())))?;
    match read.amount.pico() {
        negative if negative < 0 => Err(("negative-tokens", format!("`{}` is below zero", shown(text)))),
        pico if pico % ONE == 0 && !read.rounded => Ok(pico / ONE),
        _ => Err(("bad-count", format!("`{}` is not a whole number", shown(text)))),
    }
}

/// Foreign text cut to what a message may repeat.
pub fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_whole_and_not_negative_in_every_form_exports_use() {
        assert_eq!(count("59200.0"), Ok(59_200));
        assert_eq!(count("5.92e4"), Ok(59_200));
        assert_eq!(count("0"), Ok(0));
        assert_eq!(count("1.5").unwrap_err().0, "bad-count");
        assert_eq!(count("many").unwrap_err().0, "bad-count");
        assert_eq!(count("-3").unwrap_err().0, "negative-tokens");
    }

    #[test]
    fn a_bucket_ends_before_its_end() {
        let day = |text: &str| text.parse::<Day>().unwrap();
        let one = Period { first: day("2026-07-01"), last: day("2026-07-01") };
        assert_eq!(bucket("1782864000", Some("1782950400")), Ok(one));
        assert_eq!(bucket("2026-07-01T00:00:00", Some("2026-07-02T00:00:00Z")), Ok(one));
        assert_eq!(bucket("2026-07-01 23:00", None), Ok(one));
        assert_eq!(bucket("1782950400", Some("1782864000")).unwrap_err().0, "bad-date");
        assert_eq!(bucket("17828640000", None).unwrap_err().0, "bad-date");
    }
}
