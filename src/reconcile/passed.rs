//! Usage that one account has in its log and another on its bill.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::period::Day;
use crate::rate::Account;
use crate::vocabulary::Meter;

/// An account and its model.
pub type Name = (Account, Arc<str>);

/// Counts by meter; cache writes of every lifetime are one.
pub type PassedDay = BTreeMap<Meter, i128>;

/// What models of all accounts have clearly more (or, negative, less) on the bill than in the log, by day, in 10^-12.
pub type Open = BTreeMap<Name, BTreeMap<Day, i128>>;

/// Usage logged for one account and billed to another.
#[derive(Debug, Clone)]
pub struct Passed {
    pub from: Name,
    pub to: Name,
    pub days: BTreeMap<Day, PassedDay>,
    /// From the first of them on the account has nothing of the model on its bill.
    pub lasting: bool,
    /// Counts, or amounts where one side has no counts, in which both sides agree.
    pub equations: usize,
}
