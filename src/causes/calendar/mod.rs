//! Calendar: the same usage on another day. Fitted are at most when the bill's days begin, and the hours
//! and the percentage of a tariff that the book does not have.

pub mod ended;
mod fit;
mod hours;
pub(super) mod instants;
pub mod late;
pub mod missing;
pub mod next_day;
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
