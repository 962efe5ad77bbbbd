//! A table for a terminal: numbers to the right, columns that may go are left out before anything is wrapped.

use comfy_table::{
    Cell as Shown, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};

use super::printable;
use super::wrap::wrapped;
use crate::report::sheet::{Cell, Column, Sheet, grouped};

const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill(RULE));
const RULE: char = '─';
/// Between two columns.
const GAP: u16 = 2;

/// The longest word that a column keeps whole: names of models and days are shorter, paths may break.
const WORD: usize = 30;
/// Decimals that a narrow terminal shows.
const FEW: u32 = 2;

/// `width` is that of the terminal; `None` wraps nothing and drops no column.
///
/// What is too wide loses columns of words that may go, then decimals, then amounts that may go. Then words wrap, and where
/// a column would have to break a day or a name, each row is told in lines of its own.
pub fn render(sheet: &Sheet, width: Option<u16>) -> String {
    let mut text = String::new();
    if !sheet.title.is_empty() {
        text.push_str(&wrapped(&printable(&sheet.title), width, 0));
        text.push_str("\n\n");
    }
    for line in body(sheet, width) {
        text.push_str(&line);
        text.push('\n');
    }
    for note in &sheet.notes {
        text.push('\n');
        text.push_str(&wrapped(&printable(note), width, 0));
        text.push('\n');
    }
    for (index, line) in sheet.code.iter().flat_map(|code| code.lines()).enumerate() {
        text.push_str(if index == 0 { "\n" } else { "" });
        text.push_str(&printable(line));
        text.push('\n');
    }
    text
}

fn body(sheet: &Sheet, width: Option<u16>) -> Vec<String> {
    let mut view = View { sheet, columns: (0..sheet.columns.len()).collect(), decimals: sheet.decimals };
    let mut table = view.build();
    if let Some(width) = width {
        for step in [View::drop_words, View::drop_decimals, View::drop_amounts] {
            while natural_width(&table) > width && step(&mut view) {
                table = view.build();
            }
        }
        let narrowest = view.narrowest();
        let least = narrowest.iter().map(|width| width + usize::from(GAP)).sum::<usize>();
        if least > usize::from(width) + usize::from(GAP) {
            return view.stacked(width);
        }
        for (column, narrowest) in table.column_iter_mut().zip(narrowest) {
            if column.constraint().is_none() {
                // A constraint counts the padding.
                let narrowest = Width::Fixed((narrowest as u16).saturating_add(GAP));
                column.set_constraint(ColumnConstraint::LowerBoundary(narrowest));
            }
        }
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_add(GAP));
    }
    lines(&table, sheet.total.is_some())
}

/// What of a sheet is shown.
struct View<'s> {
    sheet: &'s Sheet,
    columns: Vec<usize>,
    decimals: u32,
}

impl View<'_> {
    fn drop_words(&mut self) -> bool {
        self.drop(|column| !column.kind.is_number())
    }

    fn drop_amounts(&mut self) -> bool {
        self.drop(|column| column.kind.is_number())
    }

    /// Leaves out the last column that may go.
    fn drop(&mut self, of: fn(&Column) -> bool) -> bool {
        let may_go = |column: &Column| column.optional && of(column);
        let last = self.columns.iter().rposition(|column| may_go(&self.sheet.columns[*column]));
        last.map(|last| self.columns.remove(last)).is_some()
    }

    const fn drop_decimals(&mut self) -> bool {
        let many = self.decimals > FEW;
        if many {
            self.decimals = FEW;
        }
        many
    }

    /// A row and the total as people see them.
    fn texts(&self, cells: &[Cell]) -> Vec<String> {
        let cells = self.columns.iter().map(|column| cells.get(*column).unwrap_or(&Cell::Empty));
        cells.map(|cell| text(cell, self.decimals)).collect()
    }

    fn shown(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|column| &self.sheet.columns[*column])
    }

    fn build(&self) -> Table {
        let mut table = Table::new();
        table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.shown().map(|column| Shown::new(column.title)));
        let row = |cells: &[Cell]| self.texts(cells).into_iter().map(Shown::new).collect::<Vec<_>>();
        for cells in &self.sheet.rows {
            table.add_row(row(cells));
        }
        if let Some(total) = &self.sheet.total {
            // An empty row, which becomes the rule above the total.
            table.add_row(vec![Shown::new(""); self.columns.len()]);
            table.add_row(row(total));
        }
        for (column, shown) in table.column_iter_mut().zip(self.shown()) {
            column.set_padding((0, GAP));
            if shown.kind.is_number() {
                column.set_cell_alignment(CellAlignment::Right);
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        table
    }

    /// The least width of each column: a number is never broken, and neither is a word of usual length.
    fn narrowest(&self) -> Vec<usize> {
        let length = |word: &str| word.chars().count();
        let mut least: Vec<usize> = self.shown().map(|column| length(column.title)).collect();
        for cells in self.sheet.rows.iter().chain(&self.sheet.total) {
            for ((least, column), text) in least.iter_mut().zip(self.shown()).zip(self.texts(cells)) {
                let words = text.split_whitespace().map(length);
                let whole = if column.kind.is_number() {
                    length(&text)
                } else {
                    words.max().unwrap_or_default().min(WORD)
                };
                *least = (*least).max(whole);
            }
        }
        least
    }

    /// Each row in lines of its own: its words, then its numbers with their headings.
    fn stacked(&self, width: u16) -> Vec<String> {
        let mut lines = Vec::new();
        for cells in self.sheet.rows.iter().chain(&self.sheet.total) {
            let texts = self.texts(cells);
            let told = || self.shown().zip(&texts).filter(|(_, text)| !text.is_empty());
            let words = told().filter(|(column, _)| !column.kind.is_number());
            let words: Vec<&str> = words.map(|(_, text)| text.as_str()).collect();
            lines.push(wrapped(&words.join(", "), Some(width), 2));
            let numbers = told().filter(|(column, _)| column.kind.is_number());
            // A heading and its number stay together.
            let numbers: Vec<String> =
                numbers.map(|(column, text)| format!("{} {text}", column.title).replace(' ', HELD)).collect();
            if !numbers.is_empty() {
                lines
                    .push(wrapped(&format!("    {}", numbers.join("  ")), Some(width), 4).replace(HELD, " "));
            }
        }
        lines
    }
}

/// A space that no line breaks at.
const HELD: &str = "\u{a0}";

fn natural_width(table: &Table) -> u16 {
    let widths = table.column_max_content_widths();
    widths.iter().map(|width| width.saturating_add(GAP)).fold(0, u16::saturating_add).saturating_sub(GAP)
}

fn lines(table: &Table, total: bool) -> Vec<String> {
    let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let is_rule = |line: &String| line.starts_with(RULE) && line.chars().all(|char| char == RULE);
    if let Some(at) = lines.iter().position(is_rule) {
        let length = lines[at].chars().count() - usize::from(GAP);
        lines[at] = lines[at].chars().take(length).collect();
        if total && let Some(empty) = lines.iter().rposition(String::is_empty) {
            lines[empty] = lines[at].clone();
        }
    }
    lines
}

/// A cell for people: grouped thousands, fixed decimals.
pub fn text(cell: &Cell, decimals: u32) -> String {
    match cell {
        Cell::Text(text) => printable(text),
        Cell::Integer(number) => grouped(*number),
        Cell::Money(amount) => amount.grouped(decimals),
        Cell::Ratio(ratio) => ratio.clone(),
        Cell::Day(day) => day.to_string(),
        Cell::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
        Cell::Empty => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sheet::Kind;

    fn sheet() -> Sheet {
        let mut sheet = Sheet::new(
            "lead",
            "Lead schedule 2026-10",
            vec![
                Column::new("provider", "Provider", Kind::Text),
                Column::new("account", "Account", Kind::Text).optional(),
                Column::new("calls", "Calls", Kind::Integer),
                Column::new("billed", "Billed", Kind::Money),
            ],
        );
        sheet.rows = vec![
            vec![
                "openai".into(),
                "org-acme-production".into(),
                1_234_567u64.into(),
                Cell::Money("1234.5".parse().unwrap()),
            ],
            vec!["anthropic".into(), Cell::Empty, 89u64.into(), Cell::Money("-0.125".parse().unwrap())],
        ];
        sheet.total = Some(vec![
            "Total".into(),
            Cell::Empty,
            1_234_656u64.into(),
            Cell::Money("1234.375".parse().unwrap()),
        ]);
        sheet.notes = vec!["Provisional.".to_owned()];
        sheet
    }

    #[test]
    fn numbers_are_right_aligned_and_the_total_stands_apart() {
        insta::assert_snapshot!(render(&sheet(), None), @r"
        Lead schedule 2026-10

        Provider   Account                  Calls    Billed
        ───────────────────────────────────────────────────
        openai     org-acme-production  1,234,567  1,234.50
        anthropic                              89     -0.12
        ───────────────────────────────────────────────────
        Total                           1,234,656  1,234.38

        Provisional.
        ");
    }

    #[test]
    fn a_narrow_terminal_loses_optional_columns_first() {
        insta::assert_snapshot!(render(&sheet(), Some(40)), @r"
        Lead schedule 2026-10

        Provider       Calls    Billed
        ──────────────────────────────
        openai     1,234,567  1,234.50
        anthropic         89     -0.12
        ──────────────────────────────
        Total      1,234,656  1,234.38

        Provisional.
        ");
    }

    /// A day by day table as `explain` shows it.
    fn days() -> Sheet {
        let money = |name, title| Column::new(name, title, Kind::Money);
        let mut sheet = Sheet::new(
            "cells",
            "Day by day",
            vec![
                Column::new("day", "Day", Kind::Text),
                Column::new("model", "Model", Kind::Text),
                money("priced", "Priced").optional(),
                money("difference", "Difference"),
                money("others", "Others"),
            ],
        );
        sheet.decimals = 6;
        let amounts = ["1234.5", "-0.25", "0.125"].map(|amount| Cell::Money(amount.parse().unwrap()));
        let names = ["2026-10-12".into(), "claude-haiku-4-5-20251001".into()];
        sheet.rows = vec![names.into_iter().chain(amounts).collect()];
        sheet
    }

    #[test]
    fn a_day_and_a_name_are_never_broken() {
        // 10 + 25 for the names, 12 + 10 + 8 for the amounts, 2 between each: 73; with two decimals 67; without Priced 57.
        insta::assert_snapshot!(render(&days(), Some(80)), @r"
        Day by day

        Day         Model                            Priced  Difference    Others
        ─────────────────────────────────────────────────────────────────────────
        2026-10-12  claude-haiku-4-5-20251001  1,234.500000   -0.250000  0.125000
        ");
        insta::assert_snapshot!(render(&days(), Some(70)), @r"
        Day by day

        Day         Model                        Priced  Difference  Others
        ───────────────────────────────────────────────────────────────────
        2026-10-12  claude-haiku-4-5-20251001  1,234.50       -0.25    0.12
        ");
        insta::assert_snapshot!(render(&days(), Some(60)), @r"
        Day by day

        Day         Model                      Difference  Others
        ─────────────────────────────────────────────────────────
        2026-10-12  claude-haiku-4-5-20251001       -0.25    0.12
        ");
        insta::assert_snapshot!(render(&days(), Some(40)), @r"
        Day by day

        2026-10-12, claude-haiku-4-5-20251001
            Difference -0.25  Others 0.12
        ");
    }

    #[test]
    fn long_notes_wrap_between_words() {
        let mut sheet = sheet();
        sheet.notes = vec!["Amounts are rounded on 2026-10-12.".to_owned()];
        assert!(render(&sheet, Some(30)).ends_with("Amounts are rounded on\n2026-10-12.\n"));
    }

    #[test]
    fn hostile_text_stays_one_cell() {
        let mut sheet = sheet();
        sheet.rows = vec![vec!["a\u{1b}[2J\nb".into(), Cell::Empty, Cell::Empty, Cell::Empty]];
        assert!(render(&sheet, None).contains("a b\n"));
    }
}
