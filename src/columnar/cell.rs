//! One cell of an arrow array as text, without loss: what a CSV of the same table would say.
//!
//! `Decimal128(48250000, scale 6)` is `48.250000`, the double `0.0418806` is `0.0418806`, a map is `{"team":"support"}`.

use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::*;
use arrow_array::{Array, ArrowPrimitiveType};
use arrow_schema::{DataType, TimeUnit};
use chrono::{DateTime, NaiveTime, SecondsFormat};

use crate::period::Day;

/// True where every value of the type has a text.
pub fn has_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Duration(_)
        | DataType::Interval(_)
        | DataType::Union(..)
        | DataType::RunEndEncoded(..)
        | DataType::ListView(_)
        | DataType::LargeListView(_) => false,
        DataType::Dictionary(_, values) => has_text(values),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => has_text(item.data_type()),
        DataType::Struct(fields) => fields.iter().all(|field| has_text(field.data_type())),
        _ => true,
    }
}

/// True where the cell holds nothing. A column that its writer typed null, because no row had a value, and a null among
/// the values of a dictionary are nothing too, although arrow calls both valid.
pub fn is_null(array: &dyn Array, row: usize) -> bool {
    match array.data_type() {
        DataType::Null => true,
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let value = || usize::try_from(integer(dictionary.keys(), row).unwrap_or_default());
            array.is_null(row) || value().is_ok_and(|value| is_null(dictionary.values().as_ref(), value))
        }
        _ => array.is_null(row),
    }
}

/// Appends the text of a cell that is not null.
pub fn write_text(array: &dyn Array, row: usize, out: &mut String) {
    match array.data_type() {
        DataType::Utf8 => out.push_str(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => out.push_str(array.as_string::<i64>().value(row)),
        DataType::Utf8View => out.push_str(array.as_string_view().value(row)),
        DataType::Binary => write_bytes(array.as_binary::<i32>().value(row), out),
        DataType::LargeBinary => write_bytes(array.as_binary::<i64>().value(row), out),
        DataType::BinaryView => write_bytes(array.as_binary_view().value(row), out),
        DataType::FixedSizeBinary(_) => write_hex(array.as_fixed_size_binary().value(row), out),
        DataType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Decimal32(..) => out.push_str(&array.as_primitive::<Decimal32Type>().value_as_string(row)),
        DataType::Decimal64(..) => out.push_str(&array.as_primitive::<Decimal64Type>().value_as_string(row)),
        DataType::Decimal128(..) => {
            out.push_str(&array.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        DataType::Decimal256(..) => {
            out.push_str(&array.as_primitive::<Decimal256Type>().value_as_string(row))
        }
        // The shortest text that reads back as the same double.
        DataType::Float16 => push(out, native::<Float16Type>(array, row)),
        DataType::Float32 => push(out, native::<Float32Type>(array, row)),
        DataType::Float64 => push(out, native::<Float64Type>(array, row)),
        DataType::Date32 => push(out, Day::from_days(native::<Date32Type>(array, row))),
        DataType::Date64 => {
            push(out, Day::of_instant(native::<Date64Type>(array, row).div_euclid(1_000)));
        }
        DataType::Timestamp(unit, _) => write_instant(*unit, ticks(array, row), out),
        DataType::Time32(unit) | DataType::Time64(unit) => write_time(*unit, ticks(array, row), out),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let index = usize::try_from(integer(dictionary.keys(), row).unwrap_or_default());
            let values = dictionary.values().as_ref();
            if let Ok(index) = index {
                write_text(values, index, out);
            }
        }
        DataType::Null => {}
        data_type if data_type.is_nested() => write_json(array, row, out),
        _ => {
            if let Some(value) = integer(array, row) {
                push(out, value);
            }
        }
    }
}

/// The value of an integer cell.
pub fn integer(array: &dyn Array, row: usize) -> Option<i128> {
    Some(match array.data_type() {
        DataType::Int8 => native::<Int8Type>(array, row).into(),
        DataType::Int16 => native::<Int16Type>(array, row).into(),
        DataType::Int32 => native::<Int32Type>(array, row).into(),
        DataType::Int64 => native::<Int64Type>(array, row).into(),
        DataType::UInt8 => native::<UInt8Type>(array, row).into(),
        DataType::UInt16 => native::<UInt16Type>(array, row).into(),
        DataType::UInt32 => native::<UInt32Type>(array, row).into(),
        DataType::UInt64 => native::<UInt64Type>(array, row).into(),
        _ => return None,
    })
}

fn native<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    array.as_primitive::<T>().value(row)
}

/// Counts since the epoch, or since midnight, in the type's own unit.
fn ticks(array: &dyn Array, row: usize) -> i64 {
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => native::<TimestampSecondType>(array, row),
        DataType::Timestamp(TimeUnit::Millisecond, _) => native::<TimestampMillisecondType>(array, row),
        DataType::Timestamp(TimeUnit::Microsecond, _) => native::<TimestampMicrosecondType>(array, row),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => native::<TimestampNanosecondType>(array, row),
        DataType::Time32(TimeUnit::Second) => native::<Time32SecondType>(array, row).into(),
        DataType::Time32(_) => native::<Time32MillisecondType>(array, row).into(),
        DataType::Time64(TimeUnit::Microsecond) => native::<Time64MicrosecondType>(array, row),
        _ => native::<Time64NanosecondType>(array, row),
    }
}

/// Whole seconds and nanoseconds.
fn split_ticks(unit: TimeUnit, ticks: i64) -> (i64, u32) {
    let per_second = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    let nanoseconds = ticks.rem_euclid(per_second) * (1_000_000_000 / per_second);
    (ticks.div_euclid(per_second), nanoseconds as u32)
}

/// RFC 3339. A timestamp without a zone is what warehouses write for UTC.
fn write_instant(unit: TimeUnit, ticks: i64, out: &mut String) {
    let (seconds, nanoseconds) = split_ticks(unit, ticks);
    match DateTime::from_timestamp(seconds, nanoseconds) {
        Some(instant) => out.push_str(&instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
        // Beyond the calendar: a number no reader takes for an instant, so the row is rejected where it is used.
        None => push(out, ticks),
    }
}

fn write_time(unit: TimeUnit, ticks: i64, out: &mut String) {
    let (seconds, nanoseconds) = split_ticks(unit, ticks);
    match NaiveTime::from_num_seconds_from_midnight_opt(seconds.clamp(0, 86_400) as u32, nanoseconds) {
        Some(time) => push(out, time),
        None => push(out, ticks),
    }
}

/// Text where the bytes are text (most writers leave the annotation out), hex otherwise.
fn write_bytes(bytes: &[u8], out: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(text) => out.push_str(text),
        Err(_) => write_hex(bytes, out),
    }
}

fn write_hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        let _ = write!(out, "{byte:02x}");
    }
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

fn write_json(array: &dyn Array, row: usize, out: &mut String) {
    if is_null(array, row) {
        out.push_str("null");
        return;
    }
    match array.data_type() {
        DataType::List(_) => write_list(array.as_list::<i32>().value(row).as_ref(), out),
        DataType::LargeList(_) => write_list(array.as_list::<i64>().value(row).as_ref(), out),
        DataType::FixedSizeList(..) => write_list(array.as_fixed_size_list().value(row).as_ref(), out),
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            write_object(entries.len(), out, |entry, out| {
                let mut key = String::new();
                write_text(keys.as_ref(), entry, &mut key);
                write_quoted(&key, out);
                out.push(':');
                write_json(values.as_ref(), entry, out);
            });
        }
        DataType::Struct(fields) => {
            let entries = array.as_struct();
            write_object(fields.len(), out, |field, out| {
                write_quoted(fields[field].name(), out);
                out.push(':');
                write_json(entries.column(field).as_ref(), row, out);
            });
        }
        data_type => {
            let mut text = String::new();
            write_text(array, row, &mut text);
            let bare = matches!(data_type, DataType::Boolean) || data_type.is_numeric();
            if bare && !text.ends_with(['N', 'f']) {
                out.push_str(&text);
            } else {
                write_quoted(&text, out);
            }
        }
    }
}

fn write_list(items: &dyn Array, out: &mut String) {
    out.push('[');
    for item in 0..items.len() {
        if item > 0 {
            out.push(',');
        }
        write_json(items, item, out);
    }
    out.push(']');
}

fn write_object(members: usize, out: &mut String, mut member: impl FnMut(usize, &mut String)) {
    out.push('{');
    for index in 0..members {
        if index > 0 {
            out.push(',');
        }
        member(index, out);
    }
    out.push('}');
}

fn write_quoted(text: &str, out: &mut String) {
    push(out, serde_json::Value::from(text));
}
