//! Writes a table as parquet (zstd): to a temporary file beside the target, renamed when complete.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::*;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use tempfile::NamedTempFile;

use crate::error::{Error, Result};
use crate::money::{Money, SCALE};

const BATCH_ROWS: usize = 65_536;
const GROUP_ROWS: usize = 262_144;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    Count,
    Money,
    /// Seconds since the epoch, written as a UTC timestamp.
    Instant,
    Flag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Text(&'a str),
    Count(u64),
    Money(Money),
    Instant(i64),
    Flag(bool),
}

enum Builder {
    Text(StringBuilder),
    Count(Int64Builder),
    Money(Decimal128Builder),
    Instant(TimestampMicrosecondBuilder),
    Flag(BooleanBuilder),
}

impl Builder {
    fn new(column: ColumnType) -> Builder {
        match column {
            ColumnType::Text => Builder::Text(StringBuilder::new()),
            ColumnType::Count => Builder::Count(Int64Builder::new()),
            ColumnType::Money => Builder::Money(Decimal128Builder::new().with_data_type(data_type(column))),
            ColumnType::Instant => {
                Builder::Instant(TimestampMicrosecondBuilder::new().with_data_type(data_type(column)))
            }
            ColumnType::Flag => Builder::Flag(BooleanBuilder::new()),
        }
    }

    fn push(&mut self, value: Value<'_>) -> Result<()> {
        match (self, value) {
            (Builder::Text(column), Value::Text(text)) => column.append_value(text),
            (Builder::Count(column), Value::Count(count)) => column.append_value(
                i64::try_from(count)
                    .map_err(|_| Error::Internal(format!("count {count} exceeds 63 bits")))?,
            ),
            (Builder::Money(column), Value::Money(amount)) => column.append_value(amount.pico()),
            (Builder::Instant(column), Value::Instant(seconds)) => {
                column.append_value(seconds.saturating_mul(1_000_000))
            }
            (Builder::Flag(column), Value::Flag(flag)) => column.append_value(flag),
            (Builder::Text(column), Value::Null) => column.append_null(),
            (Builder::Count(column), Value::Null) => column.append_null(),
            (Builder::Money(column), Value::Null) => column.append_null(),
            (Builder::Instant(column), Value::Null) => column.append_null(),
            (Builder::Flag(column), Value::Null) => column.append_null(),
            (_, value) => return Err(Error::Internal(format!("{value:?} in a column of another type"))),
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(column) => Arc::new(column.finish()),
            Builder::Count(column) => Arc::new(column.finish()),
            Builder::Money(column) => Arc::new(column.finish()),
            Builder::Instant(column) => Arc::new(column.finish()),
            Builder::Flag(column) => Arc::new(column.finish()),
        }
    }
}

fn data_type(column: ColumnType) -> DataType {
    match column {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Count => DataType::Int64,
        ColumnType::Money => DataType::Decimal128(38, SCALE as i8),
        ColumnType::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Flag => DataType::Boolean,
    }
}

/// A parquet file being written. Dropped without [`TableWriter::finish`], it leaves nothing behind.
pub struct TableWriter {
    target: PathBuf,
    schema: SchemaRef,
    builders: Vec<Builder>,
    pending: usize,
    writer: ArrowWriter<NamedTempFile>,
}

impl TableWriter {
    pub fn create(target: &Path, columns: &[(&str, ColumnType)]) -> Result<TableWriter> {
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file =
            NamedTempFile::new_in(folder).map_err(|error| Error::io(target.display().to_string(), error))?;
        let field = |(name, column): &(&str, ColumnType)| Field::new(*name, data_type(*column), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .set_created_by("llmfin".to_owned())
            .build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties))
            .map_err(|error| failed(target, error))?;
        let builders = columns.iter().map(|(_, column)| Builder::new(*column)).collect();
        Ok(TableWriter { target: target.to_owned(), schema, builders, pending: 0, writer })
    }

    /// Appends a row: one value for each column, in order.
    pub fn row(&mut self, values: &[Value<'_>]) -> Result<()> {
        if values.len() != self.builders.len() {
            return Err(Error::Internal(format!(
                "{} values for {} columns",
                values.len(),
                self.builders.len()
            )));
        }
        for (builder, value) in self.builders.iter_mut().zip(values) {
            builder.push(*value)?;
        }
        self.pending += 1;
        if self.pending == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let arrays = self.builders.iter_mut().map(Builder::finish).collect();
        self.pending = 0;
        RecordBatch::try_new(self.schema.clone(), arrays)
            .map_err(parquet::errors::ParquetError::from)
            .and_then(|batch| self.writer.write(&batch))
            .map_err(|error| failed(&self.target, error))
    }

    /// Completes the file and puts it in place.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        let target = self.target;
        let file = self.writer.into_inner().map_err(|error| failed(&target, error))?;
        file.persist(&target)
            .map(|_| ())
            .map_err(|error| Error::io(target.display().to_string(), error.error))
    }
}

fn failed(target: &Path, error: parquet::errors::ParquetError) -> Error {
    Error::io(target.display().to_string(), std::io::Error::other(error))
}
