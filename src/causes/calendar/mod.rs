//! Calendar: the same usage on another day. Nothing is fitted but when the bill's days begin.

mod fit;
mod hours;
pub mod late;
pub mod missing;
mod reading;
mod table;
pub mod tariff;
mod zone;

use super::Patch;
use crate::error::Result;
use crate::reconcile::State;

pub fn propose(state: &State) -> Result<Vec<Patch>> {
    zone::propose(state)
}
