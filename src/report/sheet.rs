//! The neutral table every report builds and every renderer understands.

use std::sync::Arc;

use crate::money::Money;
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

impl Sheet {
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
