//! PB027, PB029 and PB030: how cells and files are written.

use super::{Context, Findings, Rule, on_reading};
use crate::diagnostic::Level;
use crate::pricebook::files::BookFile;
use crate::review::format::canonical;

pub const RULES: &[Rule] = &[
    Rule {
        id: "PB027",
        level: Level::Error,
        title: "a context boundary has no operator",
        why: "xAI reprices a prompt of exactly 200,000 tokens, Anthropic the first one above it.",
        remedy: "Write `>272000` or `>=200000`, and `0` for any prompt.",
        waivable: false,
        check: on_reading,
    },
    Rule {
        id: "PB029",
        level: Level::Error,
        title: "a price is in another currency than the book",
        why: "DeepSeek has two lists, in dollars and in yuan, and neither is the other at a rate of exchange.",
        remedy: "Enter the list in the currency of your invoices, or keep a book of its own with `currency` in `book.toml`.",
        waivable: false,
        check: on_reading,
    },
    Rule {
        id: "PB030",
        level: Level::Error,
        title: "a file is not in canonical form, or a line, date or revision cannot be read",
        why: "A spreadsheet turns dates to `10/5/2026`, adds a byte order mark and reorders quotes; then every line differs \
              and the one that matters is not seen.",
        remedy: "`llmfin pricebook fmt` writes the canonical form: lines in order, no needless quotes, line feeds.",
        waivable: false,
        check: not_canonical,
    },
];

fn not_canonical(context: &Context, findings: &mut Findings) {
    for file in context.own {
        if file.content.starts_with('\u{feff}') {
            findings.at(file, 0..1, "the file starts with a byte order mark", fmt());
        }
        if file.ledger().is_some() {
            ledger(file, findings);
        } else if let Some(at) = file.body().find('\r') {
            findings.at(
                file,
                at..at + 1,
                "the line ends with a carriage return",
                "end lines with a line feed only",
            );
        }
    }
}

fn fmt() -> &'static str {
    "`llmfin pricebook fmt` writes it in canonical form"
}

/// The first line that is not what the canonical form has there. What cannot be read is reported by its reader.
fn ledger(file: &BookFile, findings: &mut Findings) {
    let body = file.body();
    let mut start = 0;
    for line in body.split_inclusive('\n') {
        if line.matches('"').count() % 2 == 1 {
            let end = start + line.trim_end().len();
            findings.at(
                file,
                start..end,
                "a cell goes over the end of the line",
                "close its quotes on the same line",
            );
            return;
        }
        start += line.len();
    }
    let Ok(wanted) = canonical(&file.shown, body) else { return };
    let mut start = 0;
    let mut wanted = wanted.split_inclusive('\n');
    for line in body.split_inclusive('\n') {
        let canonical = wanted.next().unwrap_or("");
        if line != canonical {
            let end = start + line.trim_end().len().max(1);
            let message = match () {
                () if line.trim_end_matches(['\r', '\n']) == canonical.trim_end() && line.ends_with('\n') => {
                    "the line ends with a carriage return".to_owned()
                }
                () if line == canonical.trim_end() => "the last line has no line feed".to_owned(),
                () => format!("the canonical form has here `{}`", canonical.trim_end()),
            };
            findings.at(file, start..end, message, fmt());
            return;
        }
        start += line.len();
    }
}
