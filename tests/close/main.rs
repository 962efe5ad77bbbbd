//! The close without files: golden vectors and identities over invented months.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its world should stop there")]

mod calendar;
mod detected;
mod expected;
mod footing;
mod golden_vectors;
mod identities;
mod limits;
mod reports;
mod tariff;
mod world;
