//! What a reader needs to see: a report builds [`sheet::Sheet`]s of typed cells and knows nothing of formats.

pub mod sheet;
