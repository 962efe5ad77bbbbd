//! A Markdown table for pull requests and wikis; text from outside can neither break the table nor be markup.

use super::{printable, table};
use crate::report::sheet::{Cell, Column, Sheet};

pub fn render(sheet: &Sheet) -> String {
    let mut text = String::new();
    if !sheet.title.is_empty() {
        text.push_str(&format!("## {}\n\n", escaped(&sheet.title)));
    }
    line(&mut text, sheet.columns.iter().map(|column| escaped(column.title)));
    line(&mut text, sheet.columns.iter().map(|column| align(column).to_owned()));
    for row in &sheet.rows {
        line(&mut text, row.iter().map(|cell| self::cell(cell, sheet.decimals)));
    }
    if let Some(total) = &sheet.total {
        let bold = |text: String| if text.is_empty() { text } else { format!("**{text}**") };
        line(&mut text, total.iter().map(|cell| bold(self::cell(cell, sheet.decimals))));
    }
    for note in &sheet.notes {
        text.push_str(&format!("\n{}\n", escaped(note)));
    }
    if let Some(code) = &sheet.code {
        // Indented: nothing in it can end the block.
        text.push('\n');
        text.extend(code.lines().map(|line| format!("    {}\n", printable(line))));
    }
    text
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    text.push('|');
    for cell in cells {
        text.push_str(&format!(" {cell} |"));
    }
    text.push('\n');
}

const fn align(column: &Column) -> &'static str {
    if column.kind.is_number() { "---:" } else { "---" }
}

fn cell(cell: &Cell, decimals: u32) -> String {
    escaped(&table::text(cell, decimals))
}

/// Text as it is. Words between two backticks are a command or a name, and stay one: nothing in them is markup.
fn escaped(text: &str) -> String {
    let text = printable(text);
    let mut safe = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('`') {
        plain(&mut safe, before);
        match after.split_once('`') {
            Some((code, after)) if !code.trim().is_empty() => {
                // A bar would end a cell of a table even here.
                safe.push_str(&format!("`{}`", code.replace('|', "\\|")));
                rest = after;
            }
            _ => {
                safe.push_str("\\`");
                rest = after;
            }
        }
    }
    plain(&mut safe, rest);
    safe
}

fn plain(safe: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '~' => safe.extend(['\\', char]),
            _ => safe.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sheet::Kind;

    #[test]
    fn commands_are_code_and_a_backtick_alone_is_text() {
        assert_eq!(escaped("`llmfin explain F_1` shows *it*"), "`llmfin explain F_1` shows \\*it\\*");
        assert_eq!(escaped("a ` <b>"), "a \\` &lt;b&gt;");
        assert_eq!(escaped("``x`` `a|b`"), "\\``x`\\` `a\\|b`");
    }

    #[test]
    fn markup_in_data_is_shown_not_run() {
        let mut sheet = Sheet::new(
            "x",
            "Spend",
            vec![Column::new("team", "Team", Kind::Text), Column::new("billed", "Billed", Kind::Money)],
        );
        sheet.rows =
            vec![vec!["a|b <img src=x> [x](http://y)".into(), Cell::Money("1234.5".parse().unwrap())]];
        sheet.total = Some(vec!["Total".into(), Cell::Money("1234.5".parse().unwrap())]);
        insta::assert_snapshot!(render(&sheet), @r"
        ## Spend

        | Team | Billed |
        | --- | ---: |
        | a\|b &lt;img src=x&gt; \[x\](http://y) | 1,234.50 |
        | **Total** | **1,234.50** |
        ");
    }
}
