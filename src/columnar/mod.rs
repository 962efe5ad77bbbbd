//! The one door to parquet and arrow: nothing outside this folder names either.

mod cell;
mod read;

pub use read::{Row, TableInfo, column_names, read_table};
