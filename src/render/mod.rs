//! In which form? One file per format; none knows what a variance is.

pub mod csv;
pub mod html;
pub mod json;
pub mod markdown;
pub mod table;
pub mod wrap;

use std::path::Path;

pub use crate::inert::printable;

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
    /// For build servers; only `pricebook check` has it.
    Junit,
    /// Annotations of GitHub's workflows; only `pricebook check` has them.
    Github,
}

const WORDS: &[(&str, OutputFormat)] = &[
    ("table", OutputFormat::Table),
    ("csv", OutputFormat::Csv),
    ("json", OutputFormat::Json),
    ("md", OutputFormat::Markdown),
    ("markdown", OutputFormat::Markdown),
    ("html", OutputFormat::Html),
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
        OutputFormat::Html => {
            Ok(html::render(&sheets.iter().map(|sheet| sheet.for_people().into_owned()).collect::<Vec<_>>()))
        }
        OutputFormat::Junit | OutputFormat::Github => Err(not_available(format)),
    }
}

/// The answer of a report to a format it cannot be written in.
pub fn not_available(format: OutputFormat) -> crate::error::Error {
    let id = format.id();
    Diagnostic::error(
        "format-not-available",
        Origin::file(format!("-O {id}")),
        format!("{id} is a format of `pricebook check`, not of this report"),
    )
    .help("use `-O table`, `csv`, `json`, `md` or `html`")
    .into()
}

fn join(sheets: &[Sheet], render: impl Fn(&Sheet) -> String) -> String {
    sheets.iter().map(|sheet| render(&sheet.for_people())).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_ending_names_the_format() {
        assert_eq!(OutputFormat::of_path(Path::new("a/b.CSV")), Some(OutputFormat::Csv));
        assert_eq!(OutputFormat::of_path(Path::new("b.md")), Some(OutputFormat::Markdown));
        assert_eq!(OutputFormat::of_path(Path::new("json")), None);
        assert_eq!(OutputFormat::Markdown.id(), "md");
    }
}
