//! `llmfin` reconciles what an LLM gateway logged with what the providers billed, and closes the month.
//!
//! One direction of flow, and everything between reading and rendering is pure:
//!
//! ```text
//! usage, invoices ─▶ read ─▶ rate ─▶ contract ─▶ reconcile ─▶ causes ─▶ close ─▶ report ─▶ render
//!                             ▲                                  ▲
//!                  price books, contracts                     evidence
//! ```

pub mod books;
pub mod causes;
pub mod cli;
pub mod close;
pub mod collect;
pub mod columnar;
pub mod contract;
pub mod diagnostic;
pub mod error;
pub mod fixes;
pub mod inert;
pub mod invoice;
pub mod money;
pub mod parallel;
pub mod period;
pub mod pricebook;
pub mod rate;
pub mod read;
pub mod reconcile;
pub mod render;
pub mod report;
pub mod review;
pub mod usage;
pub mod usage_table;
pub mod vocabulary;
