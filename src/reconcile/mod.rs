//! Does the bill agree with the charges? Both sides at the bill's grain, with computed rounding and proven quantities.

pub mod apart;
pub mod bands;
pub mod billed;
pub mod edit;
pub mod few;
pub mod grain;
pub mod new_price;
pub mod owners;
pub mod passed;
pub mod quantity;
pub mod regions;
pub mod repeated;
pub mod sides;
pub mod state;

pub use billed::{Billed, Export, Identity};
pub use edit::Edit;
pub use few::Few;
pub use grain::{BillKey, CellKey, Grain, Line, Part};
pub use new_price::NewPrice;
pub use owners::Owners;
pub use repeated::Repeat;
pub use sides::Sides;
pub use state::State;
