//! Columns of a block as values by row. What cannot be read is a fault of its row; the value is then of no meaning.

use std::collections::BTreeMap;

use crate::columnar::Cells;
use crate::diagnostic::nearest;
use crate::money::{Money, SCALE, read_count};
use crate::period::{Day, read_instant};
use crate::read::gather::shown;

/// First fault of each row: code and reason.
pub type Faults = BTreeMap<usize, (&'static str, String)>;

/// Larger counts are not usage but a mistake; sums of them would overflow.
const MAX_COUNT: i64 = 1_000_000_000_000_000;

/// One column, by the name messages use.
pub struct Cell<'a> {
    pub name: &'a str,
    pub cells: Option<&'a Cells<'a>>,
    pub rows: usize,
}

impl Cell<'_> {
    /// Reads every distinct text once; absent cells are `None`.
    fn each<T: Clone>(
        &self,
        faults: &mut Faults,
        mut read: impl FnMut(&str) -> Result<T, (&'static str, String)>,
    ) -> Vec<Option<T>> {
        match self.cells {
            None => vec![None; self.rows],
            Some(Cells::Texts { codes, texts }) => {
                let values: Vec<_> = texts.iter().map(|text| read(text)).collect();
                (0..self.rows)
                    .map(|row| self.take(row, values.get(codes.get(row).copied()?? as usize)?, faults))
                    .collect()
            }
            Some(cells) => {
                (0..self.rows).map(|row| self.take(row, &read(&number_text(cells, row)?), faults)).collect()
            }
        }
    }

    fn take<T: Clone>(
        &self,
        row: usize,
        value: &Result<T, (&'static str, String)>,
        faults: &mut Faults,
    ) -> Option<T> {
        match value {
            Ok(value) => Some(value.clone()),
            Err((code, reason)) => {
                faults.entry(row).or_insert_with(|| (*code, format!("`{}`: {reason}", self.name)));
                None
            }
        }
    }

    pub fn texts<T: Clone + Default>(&self, mut name: impl FnMut(&str) -> T) -> Vec<T> {
        let values = self.each(&mut Faults::new(), |text| Ok(name(text)));
        values.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// A word of a closed vocabulary, in any case.
    pub fn words<T: Copy>(
        &self,
        all: &[T],
        id: impl Fn(T) -> &'static str,
        default: T,
        faults: &mut Faults,
    ) -> Vec<T> {
        self.words_or(all, id, |_| None, default, faults)
    }

    /// The same, where `other` knows further spellings, in small letters.
    pub fn words_or<T: Copy>(
        &self,
        all: &[T],
        id: impl Fn(T) -> &'static str,
        other: impl Fn(&str) -> Option<T>,
        default: T,
        faults: &mut Faults,
    ) -> Vec<T> {
        let values = self.each(faults, |text| {
            let lower = text.to_ascii_lowercase();
            all.iter().copied().find(|word| id(*word) == lower).or_else(|| other(&lower)).ok_or_else(|| {
                let meant = nearest(&lower, all.iter().map(|word| id(*word)));
                let hint = match meant {
                    Some(word) => format!("did you mean `{word}`?"),
                    None => {
                        format!("one of {}", all.iter().map(|word| id(*word)).collect::<Vec<_>>().join(", "))
                    }
                };
                ("unknown-word", format!("`{}` is not known; {hint}", shown(text)))
            })
        });
        values.into_iter().map(|value| value.unwrap_or(default)).collect()
    }

    pub fn counts(&self, faults: &mut Faults) -> Vec<Option<u64>> {
        let refuse = |text: &str| ("bad-count", format!("`{}` is not a whole count", shown(text)));
        if let Some(Cells::Integers(values)) = self.cells {
            return values
                .iter()
                .enumerate()
                .map(|(row, value)| {
                    let value = (*value)?;
                    if !(0..MAX_COUNT).contains(&value) {
                        return self.take(row, &Err(refuse(&value.to_string())), faults);
                    }
                    Some(value as u64)
                })
                .collect();
        }
        self.each(faults, |text| read_count(text).ok_or_else(|| refuse(text)))
    }

    /// Instants, each with whether it was written as a day.
    pub fn instants(&self, faults: &mut Faults) -> Vec<Option<(i64, bool)>> {
        if let Some(Cells::Instants(values)) = self.cells {
            return values.iter().map(|value| value.map(|at| (at, false))).collect();
        }
        self.each(faults, |text| {
            read_instant(text)
                .map(|(at, _)| (at, text.parse::<Day>().is_ok()))
                .ok_or_else(|| ("bad-instant", format!("`{}` is not a day or an instant", shown(text))))
        })
    }

    pub fn flags(&self, faults: &mut Faults) -> Vec<bool> {
        if let Some(Cells::Flags(values)) = self.cells {
            return values.iter().map(|value| value.unwrap_or(false)).collect();
        }
        let values = self.each(faults, |text| match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" => Ok(true),
            "false" | "f" | "0" => Ok(false),
            _ => Err(("unknown-word", format!("`{}` is not true or false", shown(text)))),
        });
        values.into_iter().map(|value| value.unwrap_or(false)).collect()
    }

    /// Amounts, each with whether reading it rounded.
    pub fn amounts(&self, faults: &mut Faults) -> Vec<Option<(Money, bool)>> {
        if let Some(Cells::Decimals { values, scale }) = self.cells
            && *scale as i64 == i64::from(SCALE)
            && values.iter().flatten().all(|value| value.unsigned_abs() < 10u128.pow(27))
        {
            return values.iter().map(|value| value.map(|value| (Money::from_pico(value), false))).collect();
        }
        self.each(faults, |text| {
            Money::read(text)
                .map(|read| (read.amount, read.rounded))
                .map_err(|_| ("bad-amount", format!("`{}` is not an amount", shown(text))))
        })
    }
}

/// A number as text, for the columns whose type the writer chose otherwise than the schema.
fn number_text(cells: &Cells<'_>, row: usize) -> Option<String> {
    match cells {
        Cells::Integers(values) | Cells::Instants(values) => {
            (*values.get(row)?).map(|value| value.to_string())
        }
        Cells::Flags(values) => (*values.get(row)?).map(|value| value.to_string()),
        Cells::Decimals { values, scale } => {
            (*values.get(row)?).map(|value| format!("{value}E{}", -i64::from(*scale)))
        }
        Cells::Texts { .. } => None,
    }
}
