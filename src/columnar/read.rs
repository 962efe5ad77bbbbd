//! A parquet file as rows of text, batch by batch, reading only the columns asked for.

use std::fs::File;
use std::io;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::CompressionCodec;

use super::block::Share;
use super::cell;
use super::guard::guarded;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::read::source::Source;

/// Gets a batch, the place of each wanted column in it, and the number of its first row.
type EachBatch<'a> = dyn FnMut(&RecordBatch, &[Option<usize>], u64) -> Result<()> + 'a;

const BATCH_ROWS: usize = 8192;

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// Every column of the file, in its order and spelling.
    pub columns: Vec<String>,
    pub rows: u64,
}

/// One row: the wanted columns in the order they were asked for.
pub struct Row<'a> {
    /// Counts from 1.
    pub number: u64,
    cells: &'a [Option<String>],
}

impl Row<'_> {
    /// The cell of the `wanted` column with this index; `None` where it is null or the file has no such column.
    pub fn get(&self, wanted: usize) -> Option<&str> {
        self.cells.get(wanted).and_then(|cell| cell.as_deref())
    }
    /// The row's place: its number stands for the line.
    pub fn origin(&self, source: &Source) -> Origin {
        Origin::new(source.name.clone(), self.number, 0)
    }
}

/// Reads the `wanted` columns (by name, ignoring case; ones the file lacks are null) and calls `each` for every row.
pub fn read_table(
    source: &Source,
    wanted: &[&str],
    each: &mut dyn FnMut(&Row<'_>) -> Result<()>,
) -> Result<TableInfo> {
    let table = Table::open(source)?;
    let columns = table.columns();
    let mut cells: Vec<Option<String>> = vec![None; wanted.len()];
    let mut rows = 0;
    table.batches(wanted, Share::WHOLE, &mut |batch, places, _| {
        for row in 0..batch.num_rows() {
            for (cell, place) in cells.iter_mut().zip(places) {
                let array = place.map(|place| batch.column(place));
                let Some(array) = array.filter(|array| !cell::is_null(array.as_ref(), row)) else {
                    *cell = None;
                    continue;
                };
                let text = cell.get_or_insert_default();
                text.clear();
                cell::write_text(array.as_ref(), row, text);
            }
            rows += 1;
            each(&Row { number: rows, cells: &cells })?;
        }
        Ok(())
    })?;
    Ok(TableInfo { columns, rows })
}

/// The names of all columns, without reading any row.
pub fn column_names(source: &Source) -> Result<Vec<String>> {
    Ok(Table::open(source)?.columns())
}

/// A parquet file whose footer was read.
pub struct Table<'a> {
    source: &'a Source,
    file: File,
    metadata: ArrowReaderMetadata,
}

impl<'a> Table<'a> {
    pub fn open(source: &'a Source) -> Result<Table<'a>> {
        let file = seekable(source)?;
        let metadata = guarded(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()))
            .map_err(|error| unreadable(source, &error))?;
        let table = Table { source, file, metadata };
        table.check_codecs()?;
        Ok(table)
    }

    /// A sound file in a compression that this program was built without: copying it again would not help.
    fn check_codecs(&self) -> Result<()> {
        let read = [CompressionCodec::UNCOMPRESSED, CompressionCodec::SNAPPY, CompressionCodec::ZSTD];
        let mut chunks = self.metadata.metadata().row_groups().iter().flat_map(|group| group.columns());
        let Some(other) = chunks.find(|chunk| !read.contains(&chunk.compression_codec())) else {
            return Ok(());
        };
        let codec = format!("{:?}", other.compression_codec()).to_ascii_lowercase();
        let message = format!("the parquet is compressed with {codec}, which is not read");
        Err(Diagnostic::error("unsupported-codec", self.source.origin(), message)
            .help("write it again with `compression = snappy`, `zstd` or none")
            .into())
    }

    /// Reads columns as other types than the file suggests.
    pub fn with_types(self, types: impl Fn(&Schema) -> Schema) -> Result<Table<'a>> {
        let options = ArrowReaderOptions::new().with_schema(Arc::new(types(self.metadata.schema())));
        let metadata = ArrowReaderMetadata::try_new(self.metadata.metadata().clone(), options)
            .map_err(|error| unreadable(self.source, &error))?;
        Ok(Table { metadata, ..self })
    }

    fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    pub fn columns(&self) -> Vec<String> {
        self.schema().fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Index of a column: the exact spelling before any other case.
    fn find(&self, name: &str) -> Option<usize> {
        let fields = self.schema().fields();
        let exact = fields.iter().position(|field| field.name() == name);
        exact.or_else(|| fields.iter().position(|field| field.name().eq_ignore_ascii_case(name)))
    }

    pub fn batches(&self, wanted: &[&str], share: Share, each: &mut EachBatch<'_>) -> Result<()> {
        let found: Vec<Option<usize>> = wanted.iter().map(|name| self.find(name)).collect();
        let mut read: Vec<usize> = found.iter().copied().flatten().collect();
        read.sort_unstable();
        read.dedup();
        self.check_types(&read)?;
        let places: Vec<Option<usize>> = found
            .iter()
            .map(|index| index.and_then(|index| read.iter().position(|column| *column == index)))
            .collect();
        let mut first_row = 1;
        for (index, group) in self.metadata.metadata().row_groups().iter().enumerate() {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0);
            if index % share.of == share.index {
                self.row_group(index, &read, first_row, &places, each)?;
            }
            first_row += rows;
        }
        Ok(())
    }

    fn row_group(
        &self,
        index: usize,
        read: &[usize],
        mut first_row: u64,
        places: &[Option<usize>],
        each: &mut EachBatch<'_>,
    ) -> Result<()> {
        let unreadable = |error: &dyn std::fmt::Display| unreadable(self.source, error);
        let file = self.file.try_clone().map_err(|error| Error::io(self.source.name.as_ref(), error))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), read.iter().copied());
        let builder = builder.with_row_groups(vec![index]).with_batch_size(BATCH_ROWS).with_projection(mask);
        let mut batches = guarded(|| builder.build()).map_err(|error| unreadable(&error))?;
        while let Some(batch) = guarded(|| batches.next().transpose()).map_err(|error| unreadable(&error))? {
            each(&batch, places, first_row)?;
            first_row += batch.num_rows() as u64;
        }
        Ok(())
    }

    fn check_types(&self, read: &[usize]) -> Result<()> {
        let bad: Vec<Diagnostic> = read
            .iter()
            .map(|index| self.schema().field(*index))
            .filter(|field| !cell::has_text(field.data_type()))
            .map(|field| {
                let message = format!(
                    "column `{}` has the type {}, which has no text",
                    field.name(),
                    field.data_type()
                );
                Diagnostic::error("unsupported-column-type", self.source.origin(), message)
                    .help("cast the column to text, a number or a timestamp in the export")
            })
            .collect();
        if bad.is_empty() { Ok(()) } else { Err(Error::Input(bad)) }
    }
}

/// The file itself; a compressed one is unpacked into a temporary file, because parquet is read from its end.
fn seekable(source: &Source) -> Result<File> {
    if !source.is_compressed()? {
        return File::open(source.path()).map_err(|error| Error::io(source.name.as_ref(), error));
    }
    let mut spool = tempfile::tempfile().map_err(|error| Error::io(source.name.as_ref(), error))?;
    io::copy(&mut source.open()?, &mut spool).map_err(|error| unreadable(source, &error))?;
    Ok(spool)
}

fn unreadable(source: &Source, error: &dyn std::fmt::Display) -> Error {
    Diagnostic::error("unreadable-parquet", source.origin(), format!("cannot read as parquet: {error}"))
        .help("export or copy the file again; a cut transfer is the usual reason")
        .into()
}
