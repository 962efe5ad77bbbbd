//! In which form? One file per format; none knows what a variance is.

pub mod csv;
pub mod html;
pub mod json;
pub mod markdown;
pub mod table;

use std::path::Path;

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::report::sheet::Sheet;

/// The words of `-O`. In each place the first word is the canonical one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    Table,
    Csv,
    Json,
    Markdown,
    Html,
    Xlsx,
    /// For build servers; only checks have it.
    Junit,
    /// Annotations of GitHub's workflows; only checks have them.
    Github,
}

const WORDS: &[(&str, OutputFormat)] = &[
    ("table", OutputFormat::Table),
    ("csv", OutputFormat::Csv),
    ("json", OutputFormat::Json),
    ("md", OutputFormat::Markdown),
    ("markdown", OutputFormat::Markdown),
    ("html", OutputFormat::Html),
    ("xlsx", OutputFormat::Xlsx),
    ("txt", OutputFormat::Table),
    ("junit", OutputFormat::Junit),
    ("github", OutputFormat::Github),
];

impl OutputFormat {
    pub fn parse(word: &str) -> Option<OutputFormat> {
        WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, format)| *format)
    }

    pub fn id(self) -> &'static str {
        WORDS.iter().find(|(_, format)| *format == self).map_or("", |(word, _)| word)
    }

    /// The format that the ending of a file name asks for.
    pub fn of_path(path: &Path) -> Option<OutputFormat> {
        OutputFormat::parse(path.extension()?.to_str()?)
    }
}

/// Writes sheets as text in `format`; `width` is that of the terminal, where there is one.
pub fn render(sheets: &[Sheet], format: OutputFormat, width: Option<u16>) -> Result<String> {
    match format {
        OutputFormat::Table => Ok(join(sheets, |sheet| table::render(sheet, width))),
        OutputFormat::Markdown => Ok(join(sheets, markdown::render)),
        OutputFormat::Json => json::render(sheets),
        OutputFormat::Csv => match sheets {
            [sheet] => csv::render(sheet),
            _ => Err(Diagnostic::error(
                "one-table",
                Origin::file("-O csv"),
                format!("csv holds one table, and this report has {}", sheets.len()),
            )
            .help("use `-O json`")
            .into()),
        },
        OutputFormat::Html => Ok(html::render(sheets)),
        OutputFormat::Xlsx | OutputFormat::Junit | OutputFormat::Github => Err(not_available(format)),
    }
}

/// The answer of a report to a format it cannot be written in yet.
pub fn not_available(format: OutputFormat) -> crate::error::Error {
    let id = format.id();
    Diagnostic::error(
        "format-not-available",
        Origin::file(format!("-O {id}")),
        format!("{id} is not available yet for this report"),
    )
    .help("use `-O table`, `csv`, `json`, `md` or `html`")
    .into()
}

fn join(sheets: &[Sheet], render: impl Fn(&Sheet) -> String) -> String {
    sheets.iter().map(render).collect::<Vec<_>>().join("\n")
}

/// Text from outside, safe to show: control sequences, control characters and marks that reorder text are taken out,
/// line breaks and tabs become one space.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => match chars.next() {
                // CSI: parameters up to a final byte.
                Some('[') => while chars.next().is_some_and(|char| !('\u{40}'..='\u{7e}').contains(&char)) {},
                // OSC, DCS, SOS, PM and APC: a string that ends with BEL or ESC \.
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut chars),
                _ => {}
            },
            '\u{9b}' => while chars.next().is_some_and(|char| !('\u{40}'..='\u{7e}').contains(&char)) {},
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            '\n' | '\t' => shown.push(' '),
            '\r' if chars.peek() == Some(&'\n') => {}
            _ if char.is_control() || reorders(char) => {}
            _ => shown.push(char),
        }
    }
    shown
}

fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars>) {
    while let Some(char) = chars.next() {
        match char {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if chars.peek() == Some(&'\\') => {
                chars.next();
                return;
            }
            _ => {}
        }
    }
}

/// Marks that change the direction of text, or that cannot be seen.
const fn reorders(char: char) -> bool {
    matches!(char,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_never_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mred\u{1b}[0m b"), "ared b");
        assert_eq!(printable("\u{1b}]0;title\u{7}x\u{1b}]8;;http://a\u{1b}\\link"), "xlink");
        assert_eq!(printable("\u{9b}2Jx\u{7f}\u{0}y"), "xy");
        assert_eq!(printable("abc\u{202e}gpj.exe\u{2066}"), "abcgpj.exe");
        assert_eq!(printable("one\r\ntwo\tthree"), "one two three");
        assert_eq!(printable("Zürich 東京 👩"), "Zürich 東京 👩");
        assert_eq!(printable("cut \u{1b}"), "cut ");
    }

    #[test]
    fn the_file_ending_names_the_format() {
        assert_eq!(OutputFormat::of_path(Path::new("a/b.CSV")), Some(OutputFormat::Csv));
        assert_eq!(OutputFormat::of_path(Path::new("b.md")), Some(OutputFormat::Markdown));
        assert_eq!(OutputFormat::of_path(Path::new("json")), None);
        assert_eq!(OutputFormat::Markdown.id(), "md");
    }
}
