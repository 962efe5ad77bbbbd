//! One cell of a table, and how it was written: text follows the conventions the books declare, a number or date
//! that the file itself types does not need them. Where nothing was there to write, it may still hold a word for it.

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    pub text: String,
    pub form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// As a person or an exporter wrote it.
    #[default]
    Text,
    /// Plain decimal text with a point: a JSON number, a spreadsheet number in its shortest form.
    Number,
    /// ISO 8601 without a zone: a spreadsheet date.
    Date,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), form: Form::Text }
    }
}

/// True for a blank and for the words that exporters write where there is no value: absent, never zero.
pub fn is_absent(text: &str) -> bool {
    ["", "NULL", "null", "N/A"].contains(&text.trim())
}
