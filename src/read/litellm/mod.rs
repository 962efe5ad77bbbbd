//! LiteLLM's own records of every request, in the forms its users have: callback payloads and spend-log rows.

mod attribution;
mod call;
mod json;
pub mod payload;
mod row;
pub mod spend_logs;
pub mod spend_logs_csv;
pub mod summary;

#[cfg(test)]
mod tests;
