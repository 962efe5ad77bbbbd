//! The same file as blocks of columns, for tables that are summed by the million: numbers stay numbers, and a text
//! that occurs often is read once per block.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_schema::{DataType, Field, Schema, TimeUnit};

use super::cell;
use super::read::{Table, TableInfo};
use crate::error::Result;
use crate::read::source::Source;

/// Every `of`-th row group, so that threads can share a file without talking.
#[derive(Debug, Clone, Copy)]
pub struct Share {
    pub index: usize,
    pub of: usize,
}

impl Share {
    pub const WHOLE: Share = Share { index: 0, of: 1 };
}

/// One column of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cells<'a> {
    Integers(Vec<Option<i64>>),
    /// Unscaled values.
    Decimals {
        values: Vec<Option<i128>>,
        scale: i8,
    },
    /// Whole seconds since the epoch, UTC.
    Instants(Vec<Option<i64>>),
    Flags(Vec<Option<bool>>),
    /// Everything else as text, by index into `texts`.
    Texts {
        codes: Vec<Option<u32>>,
        texts: Vec<Cow<'a, str>>,
    },
}

/// Consecutive rows.
pub struct Block<'a> {
    /// Number of the first row; counts from 1.
    pub first_row: u64,
    pub rows: usize,
    /// The wanted columns in the order they were asked for; `None` where the file has no such column.
    pub columns: Vec<Option<Cells<'a>>>,
}

/// Reads the `wanted` columns of a share of the file and calls `each` for every block.
pub fn read_blocks(
    source: &Source,
    wanted: &[&str],
    share: Share,
    each: &mut dyn FnMut(&Block<'_>) -> Result<()>,
) -> Result<TableInfo> {
    let table = Table::open(source)?.with_types(coded)?;
    let columns = table.columns();
    let mut rows = 0;
    table.batches(wanted, share, &mut |batch, places, first_row| {
        rows += batch.num_rows() as u64;
        let columns = places.iter().map(|place| Some(cells(batch.column((*place)?).as_ref()))).collect();
        each(&Block { first_row, rows: batch.num_rows(), columns })
    })?;
    Ok(TableInfo { columns, rows })
}

/// The schema with texts as dictionaries, which is how parquet stores them.
fn coded(schema: &Schema) -> Schema {
    let code = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let coded = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            Arc::new(Field::clone(field).with_data_type(coded))
        }
        _ => field.clone(),
    };
    Schema::new_with_metadata(schema.fields().iter().map(code).collect::<Vec<_>>(), schema.metadata().clone())
}

fn cells(array: &dyn Array) -> Cells<'_> {
    match array.data_type() {
        DataType::Int64 => Cells::Integers(array.as_primitive::<Int64Type>().iter().collect()),
        DataType::Int32 => Cells::Integers(
            array.as_primitive::<Int32Type>().iter().map(|value| value.map(i64::from)).collect(),
        ),
        DataType::UInt64 => {
            let values = array.as_primitive::<UInt64Type>();
            let fits = values.iter().flatten().all(|value| i64::try_from(value).is_ok());
            if !fits {
                return texts(array);
            }
            Cells::Integers(values.iter().map(|value| value.map(|value| value as i64)).collect())
        }
        DataType::Decimal128(_, scale) => {
            Cells::Decimals { values: array.as_primitive::<Decimal128Type>().iter().collect(), scale: *scale }
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let ticks = array.as_primitive::<TimestampMicrosecondType>();
            Cells::Instants(
                ticks.iter().map(|ticks| ticks.map(|ticks| ticks.div_euclid(1_000_000))).collect(),
            )
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            let ticks = array.as_primitive::<TimestampMillisecondType>();
            Cells::Instants(ticks.iter().map(|ticks| ticks.map(|ticks| ticks.div_euclid(1_000))).collect())
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            let ticks = array.as_primitive::<TimestampNanosecondType>();
            let seconds = |ticks: i64| ticks.div_euclid(1_000_000_000);
            Cells::Instants(ticks.iter().map(|ticks| ticks.map(seconds)).collect())
        }
        DataType::Boolean => Cells::Flags(array.as_boolean().iter().collect()),
        DataType::Dictionary(key, value) if **key == DataType::Int32 && **value == DataType::Utf8 => {
            let dictionary = array.as_dictionary::<Int32Type>();
            let values = dictionary.values().as_string::<i32>();
            // A dictionary larger than the block would be unpacked for nothing.
            if values.len() > array.len() || values.null_count() > 0 {
                return texts(array);
            }
            Cells::Texts {
                codes: dictionary.keys().iter().map(|code| code.map(|code| code as u32)).collect(),
                texts: (0..values.len()).map(|index| Cow::Borrowed(values.value(index))).collect(),
            }
        }
        _ => texts(array),
    }
}

fn texts(array: &dyn Array) -> Cells<'static> {
    let mut texts = Vec::with_capacity(array.len());
    let codes = (0..array.len())
        .map(|row| {
            (!cell::is_null(array, row)).then(|| {
                let mut text = String::new();
                cell::write_text(array, row, &mut text);
                texts.push(Cow::Owned(text));
                texts.len() as u32 - 1
            })
        })
        .collect();
    Cells::Texts { codes, texts }
}
