//! A table for a terminal: numbers to the right, columns that may go are left out before anything is wrapped.

use comfy_table::{
    Cell as Shown, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle,
};

use super::printable;
use crate::report::lines::grouped;
use crate::report::sheet::{Cell, Column, Sheet};

const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill(RULE));
const RULE: char = '─';
/// Between two columns.
const GAP: u16 = 2;

/// `width` is that of the terminal; `None` when piped, which wraps nothing and drops no column.
pub fn render(sheet: &Sheet, width: Option<u16>) -> String {
    let mut columns: Vec<usize> = (0..sheet.columns.len()).collect();
    let mut table = build(sheet, &columns);
    if let Some(width) = width {
        while natural_width(&table) > width
            && let Some(last) = columns.iter().rposition(|column| sheet.columns[*column].optional)
        {
            columns.remove(last);
            table = build(sheet, &columns);
        }
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_add(GAP));
    }
    let mut text = String::new();
    if !sheet.title.is_empty() {
        text.push_str(&printable(&sheet.title));
        text.push_str("\n\n");
    }
    for line in lines(&table, sheet.total.is_some()) {
        text.push_str(&line);
        text.push('\n');
    }
    for note in &sheet.notes {
        text.push('\n');
        text.push_str(&printable(note));
        text.push('\n');
    }
    for (index, line) in sheet.code.iter().flat_map(|code| code.lines()).enumerate() {
        text.push_str(if index == 0 { "\n" } else { "" });
        text.push_str(&printable(line));
        text.push('\n');
    }
    text
}

fn build(sheet: &Sheet, columns: &[usize]) -> Table {
    let shown: Vec<&Column> = columns.iter().map(|column| &sheet.columns[*column]).collect();
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(shown.iter().map(|column| Shown::new(column.title)));
    let row = |cells: &[Cell]| -> Vec<Shown> {
        columns
            .iter()
            .map(|column| cells.get(*column).unwrap_or(&Cell::Empty))
            .map(|cell| Shown::new(text(cell, sheet.decimals)))
            .collect()
    };
    for cells in &sheet.rows {
        table.add_row(row(cells));
    }
    if let Some(total) = &sheet.total {
        // An empty row, which becomes the rule above the total.
        table.add_row(vec![Shown::new(""); columns.len()]);
        table.add_row(row(total));
    }
    for (column, shown) in table.column_iter_mut().zip(shown) {
        column.set_padding((0, GAP));
        if shown.kind.is_number() {
            column.set_cell_alignment(CellAlignment::Right);
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

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

    #[test]
    fn hostile_text_stays_one_cell() {
        let mut sheet = sheet();
        sheet.rows = vec![vec!["a\u{1b}[2J\nb".into(), Cell::Empty, Cell::Empty, Cell::Empty]];
        assert!(render(&sheet, None).contains("a b\n"));
    }
}
