//! The neutral table every report builds and every renderer understands.

use std::borrow::Cow;
use std::sync::Arc;

use crate::money::{Money, thousands};
use crate::period::Day;

/// What a column holds; it decides alignment and how a cell is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Money,
    Percent,
    Date,
    Flag,
}

impl Kind {
    pub const fn is_number(self) -> bool {
        matches!(self, Kind::Integer | Kind::Money | Kind::Percent)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Stable name in CSV and JSON: `billed`.
    pub name: &'static str,
    /// Heading for people: `Billed`.
    pub title: &'static str,
    pub kind: Kind,
    /// May be left out of a terminal that is too narrow; every other format keeps it.
    pub optional: bool,
}

impl Column {
    pub const fn new(name: &'static str, title: &'static str, kind: Kind) -> Column {
        Column { name, title, kind, optional: false }
    }
    pub const fn optional(mut self) -> Column {
        self.optional = true;
        self
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Text(Arc<str>),
    Integer(i128),
    Money(Money),
    /// A share or ratio, already as exact text: `2.5`.
    Ratio(String),
    Day(Day),
    Flag(bool),
    /// Nothing is known, which is not zero.
    Empty,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.into())
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text.into())
    }
}
impl From<Money> for Cell {
    fn from(amount: Money) -> Cell {
        Cell::Money(amount)
    }
}
impl From<u64> for Cell {
    fn from(count: u64) -> Cell {
        Cell::Integer(count.into())
    }
}
impl From<Day> for Cell {
    fn from(day: Day) -> Cell {
        Cell::Day(day)
    }
}
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Empty, Into::into)
    }
}

/// One table. Every row has as many cells as there are columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// `reconciliation`; names the file and the JSON member.
    pub name: &'static str,
    pub title: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
    pub total: Option<Vec<Cell>>,
    /// Sentences below the table.
    pub notes: Vec<String>,
    /// Lines to copy, below them.
    pub code: Option<String>,
    /// Decimals people see; exact formats keep every digit.
    pub decimals: u32,
}

/// What is said where amounts that people see do not add up to the cent. Each is rounded on its own: the same amount reads
/// the same everywhere, which largest remainders would not keep.
pub const SHOWN_ROUNDED: &str = "Amounts are shown rounded, each on its own; `-O json` has every digit.";

/// True where parts come to their total, and what people see of them does not.
pub fn seen_apart(parts: &[Money], total: Money, decimals: u32) -> bool {
    let seen: Money = parts.iter().map(|part| part.round(decimals)).sum();
    parts.iter().sum::<Money>() == total && seen != total.round(decimals)
}

impl Sheet {
    /// The same for people, who see rounded amounts.
    pub fn for_people(&self) -> Cow<'_, Sheet> {
        let said = self.notes.iter().any(|note| note == SHOWN_ROUNDED);
        if said || !(0..self.columns.len()).any(|column| self.is_seen_apart(column)) {
            return Cow::Borrowed(self);
        }
        let mut sheet = self.clone();
        sheet.notes.insert(0, SHOWN_ROUNDED.to_owned());
        Cow::Owned(sheet)
    }

    /// True where a column of amounts has a total, and does not seem to come to it.
    fn is_seen_apart(&self, column: usize) -> bool {
        let total = self.total.as_ref().and_then(|total| total.get(column));
        let Some(Cell::Money(total)) = total else { return false };
        let amount = |row: &Vec<Cell>| match row.get(column) {
            Some(Cell::Money(amount)) => Some(*amount),
            _ => None,
        };
        let parts: Vec<Money> = self.rows.iter().filter_map(amount).collect();
        seen_apart(&parts, *total, self.decimals)
    }

    pub fn new(name: &'static str, title: impl Into<String>, columns: Vec<Column>) -> Sheet {
        Sheet {
            name,
            title: title.into(),
            columns,
            rows: Vec::new(),
            total: None,
            notes: Vec::new(),
            code: None,
            decimals: 2,
        }
    }
}

/// `1,234,567`
pub fn grouped(number: i128) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", thousands(&number.unsigned_abs().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn cents_that_do_not_add_up_are_told_apart_from_amounts_that_do_not() {
        // Half to even: 0.125 is seen as 0.12, and twice that is 0.25.
        let parts = [money("0.125"), money("0.125")];
        assert!(seen_apart(&parts, money("0.25"), 2));
        assert!(!seen_apart(&parts, money("0.25"), 3));
        assert!(!seen_apart(&parts, money("0.30"), 2), "no sum of these");
        assert!(!seen_apart(&[money("0.126"), money("-0.006")], money("0.12"), 2), "0.13 - 0.01 = 0.12");
    }

    #[test]
    fn a_table_whose_cents_do_not_add_up_says_so_once() {
        let mut sheet = Sheet::new("x", "", vec![Column::new("amount", "Amount", Kind::Money)]);
        sheet.rows = vec![vec![money("0.125").into()], vec![money("0.125").into()]];
        sheet.total = Some(vec![money("0.25").into()]);
        let people = sheet.for_people().into_owned();
        assert_eq!(people.notes, [SHOWN_ROUNDED]);
        assert_eq!(people.for_people().notes, [SHOWN_ROUNDED]);
        sheet.decimals = 3;
        assert!(sheet.for_people().notes.is_empty());
    }
}
