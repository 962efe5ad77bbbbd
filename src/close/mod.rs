//! The close: one document over everything that was read, and the pack that is written from it.

pub mod assemble;
pub mod backtest;
mod cells;
mod charge_kinds;
mod charges;
mod contract;
pub mod document;
mod draft;
mod expected;
mod finding;
pub mod fixed;
pub mod history;
pub mod inputs;
mod limits;
mod listings;
pub mod places;
pub mod requests;
pub mod rows;
mod totals;
mod unassigned;

pub use totals::check;
