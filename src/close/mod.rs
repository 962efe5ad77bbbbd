//! The close: one document over everything that was read, and the pack that is written from it.

pub mod assemble;
pub mod charges;
pub mod document;
pub mod inputs;
