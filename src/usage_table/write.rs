//! Writes one cube as the usage table, in CSV or parquet, to a temporary file that is renamed when complete.

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::guard::guard;
use super::{Column, Field, Part, columns};
use crate::columnar::{ColumnType, TableWriter, Value};
use crate::error::{Error, Result};
use crate::period::{Day, SECONDS_PER_DAY};
use crate::usage::cube::{AttributionKey, Band, Cubes, RatingKey, Sums};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Csv,
    Parquet,
}

/// Writes `part` of the cubes; `bands` are the context boundaries the cubes were cut at. Returns the rows written.
pub fn write_table(cubes: &Cubes, part: Part, bands: &[Band], form: Form, target: &Path) -> Result<u64> {
    let columns = columns();
    let typed: Vec<(&str, ColumnType)> =
        columns.iter().map(|column| (column.name.as_str(), column.column_type)).collect();
    match form {
        Form::Parquet => {
            let mut writer = TableWriter::create(target, &typed)?;
            let rows = rows(cubes, part, bands, &columns, &mut |values| writer.row(values))?;
            writer.finish()?;
            Ok(rows)
        }
        Form::Csv => {
            let mut writer = CsvFile::create(target)?;
            writer.record(typed.iter().map(|(name, _)| *name))?;
            let rows = rows(cubes, part, bands, &columns, &mut |values| {
                let texts: Vec<String> = values.iter().map(|value| csv_cell(*value)).collect();
                writer.record(&texts)
            })?;
            writer.finish()?;
            Ok(rows)
        }
    }
}

fn rows<'c>(
    cubes: &'c Cubes,
    part: Part,
    bands: &[Band],
    columns: &[Column],
    each: &mut dyn FnMut(&[Value<'_>]) -> Result<()>,
) -> Result<u64> {
    let mut rows = 0;
    let mut write = |value: &dyn Fn(Field) -> Value<'c>, band: u8, sums: &Sums| {
        let prompt = lower_edge(bands, band)?;
        let values: Vec<Value<'_>> = columns
            .iter()
            .map(|column| match column.field {
                Field::PromptTokensFrom => Value::Count(prompt),
                Field::Cube => Value::Text(part.id()),
                field => sum(field, sums).unwrap_or_else(|| value(field)),
            })
            .collect();
        rows += 1;
        each(&values)
    };
    match part {
        Part::Rating => {
            for (key, sums) in &cubes.rating {
                write(&|field| rating(field, key, cubes), key.band, sums)?;
            }
        }
        Part::Attribution => {
            for (key, sums) in &cubes.attribution {
                write(&|field| attribution(field, key, cubes), key.band, sums)?;
            }
        }
    }
    Ok(rows)
}

/// The smallest prompt of a context band.
fn lower_edge(bands: &[Band], band: u8) -> Result<u64> {
    let Some(index) = usize::from(band).checked_sub(1) else { return Ok(0) };
    let band = bands
        .get(index)
        .ok_or_else(|| Error::Internal(format!("context band {band} of {} boundaries", bands.len())))?;
    Ok(band.tokens + u64::from(!band.inclusive))
}

fn sum(field: Field, sums: &Sums) -> Option<Value<'static>> {
    Some(match field {
        Field::Requests => Value::Count(sums.requests),
        Field::Meter(meter) => match sums.meters.get(meter) {
            0 => Value::Null,
            count => Value::Count(count),
        },
        Field::LoggedRequests => Value::Count(sums.logged_rows),
        Field::LoggedCost if sums.logged_rows == 0 && sums.logged.is_zero() => Value::Null,
        Field::LoggedCost => Value::Money(sums.logged),
        _ => return None,
    })
}

fn rating<'a>(field: Field, key: &RatingKey, cubes: &'a Cubes) -> Value<'a> {
    let name = |name| text(cubes, name);
    match field {
        Field::PeriodStart => Value::Instant(key.at()),
        Field::Provider => name(key.provider),
        Field::Key => name(key.key),
        Field::RequestedModel => name(key.requested),
        Field::RoutedModel => name(key.routed),
        Field::ServedModel => name(key.served),
        Field::Region => name(key.region),
        Field::ServiceTier => Value::Text(key.tier.id()),
        Field::Outcome => Value::Text(key.outcome.id()),
        Field::CallType => Value::Text(key.call_type.id()),
        Field::CountSource => Value::Text(key.source.id()),
        Field::Reading => Value::Text(key.reading.id()),
        Field::Stream => Value::Flag(key.stream),
        Field::WholeDay => Value::Flag(key.whole_day),
        _ => Value::Null,
    }
}

fn attribution<'a>(field: Field, key: &AttributionKey, cubes: &'a Cubes) -> Value<'a> {
    let name = |name| text(cubes, name);
    match field {
        Field::PeriodStart => Value::Instant(Day::from_days(key.day).start()),
        Field::Team => name(key.team),
        Field::Feature => name(key.feature),
        Field::Environment => name(key.environment),
        Field::Customer => name(key.customer),
        Field::Deploy => name(key.deploy),
        Field::Provider => name(key.provider),
        Field::Key => name(key.key),
        Field::RoutedModel => name(key.routed),
        Field::ServedModel => name(key.served),
        Field::Region => name(key.region),
        Field::ServiceTier => Value::Text(key.tier.id()),
        Field::Outcome => Value::Text(key.outcome.id()),
        _ => Value::Null,
    }
}

fn text(cubes: &Cubes, name: u32) -> Value<'_> {
    match cubes.names.text(name) {
        "" => Value::Null,
        text => Value::Text(text),
    }
}

fn csv_cell(value: Value<'_>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => guard(text).into_owned(),
        Value::Count(count) => count.to_string(),
        Value::Money(amount) => amount.plain(),
        Value::Instant(seconds) => instant(seconds),
        Value::Flag(flag) => flag.to_string(),
    }
}

/// `2026-05-14T09:30:00Z`
pub(super) fn instant(seconds: i64) -> String {
    let rest = seconds.rem_euclid(SECONDS_PER_DAY);
    format!("{}T{:02}:{:02}:{:02}Z", Day::of_instant(seconds), rest / 3600, rest / 60 % 60, rest % 60)
}

/// A CSV file that appears under its name only when it is complete.
pub(super) struct CsvFile {
    target: PathBuf,
    writer: csv::Writer<BufWriter<NamedTempFile>>,
}

impl CsvFile {
    pub fn create(target: &Path) -> Result<CsvFile> {
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file =
            NamedTempFile::new_in(folder).map_err(|error| Error::io(target.display().to_string(), error))?;
        Ok(CsvFile { target: target.to_owned(), writer: csv::Writer::from_writer(BufWriter::new(file)) })
    }

    pub fn record<T: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = T>) -> Result<()> {
        self.writer
            .write_record(cells)
            .map_err(|error| Error::io(self.target.display().to_string(), std::io::Error::other(error)))
    }

    pub fn finish(self) -> Result<()> {
        let failed = |error: std::io::Error| Error::io(self.target.display().to_string(), error);
        let buffer = self.writer.into_inner().map_err(|error| failed(error.into_error()))?;
        let file = buffer.into_inner().map_err(|error| failed(error.into_error()))?;
        file.persist(&self.target).map(|_| ()).map_err(|error| failed(error.error))
    }
}
