//! The one door to parquet and arrow: nothing outside this folder names either.

mod block;
mod cell;
mod guard;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use block::{Block, Cells, Share, read_blocks};
pub use read::{Row, TableInfo, column_names, read_table};
pub use write::{ColumnType, TableWriter, Value};
