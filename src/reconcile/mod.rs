//! Does the bill agree with the charges? Both sides at the bill's grain, with computed rounding and proven quantities.

pub mod grain;
pub mod quantity;
pub mod state;

pub use grain::{BillKey, CellKey, Grain, Line};
pub use state::{Billed, Edit, Identity, State};
