//! The close: one document over everything that was read, and the pack that is written from it.

pub mod assemble;
mod cells;
mod charge_kinds;
mod charges;
mod contract;
pub mod document;
mod draft;
mod expected;
pub mod inputs;
mod listings;
mod totals;

pub use totals::check;
