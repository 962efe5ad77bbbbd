//! The close without files: golden vectors and identities over invented months.

mod golden_vectors;
mod identities;
mod world;
