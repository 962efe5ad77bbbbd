//! What a bill says under one key: an amount, a count, and whose it is.

use std::sync::Arc;

use super::grain::Line;
use super::repeated::Repeat;
use crate::money::Money;

/// Whose traffic a bill line is: project or workspace, and API key, where the bill tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Identity {
    pub project: Option<Arc<str>>,
    pub key: Option<Arc<str>>,
}

/// What the bill (or a usage report) says under one key and identity.
#[derive(Debug, Clone, Default)]
pub struct Billed {
    pub amount: Money,
    pub bound: Money,
    /// Sum of stated quantities; `None` as soon as one line states none.
    pub quantity: Option<i128>,
    pub lines: u64,
    /// The first line, for evidence.
    pub origin: crate::diagnostic::Origin,
}

impl Billed {
    pub(super) fn add(&mut self, line: &Line) {
        if self.lines == 0 {
            self.origin = line.line.origin.clone();
            self.quantity = line.line.quantity;
        } else {
            self.quantity = self.quantity.zip(line.line.quantity).map(|(a, b)| a + b);
        }
        self.amount += line.line.amount.unwrap_or_default();
        self.bound += line.line.rounding_bound;
        self.lines += 1;
    }

    pub(super) fn withdraw(&mut self, repeat: &Repeat) {
        self.amount -= repeat.amount;
        self.bound -= repeat.bound;
        self.quantity = self.quantity.zip(repeat.quantity).map(|(all, again)| all - again);
        self.lines -= 1;
    }

    pub(super) fn merge(&mut self, other: &Billed) {
        if self.lines == 0 {
            *self = other.clone();
            return;
        }
        self.quantity = self.quantity.zip(other.quantity).map(|(a, b)| a + b);
        self.amount += other.amount;
        self.bound += other.bound;
        self.lines += other.lines;
    }
}

/// What cost exports say about their own completeness.
#[derive(Debug, Clone, Default)]
pub struct Export {
    /// The last page says that more follow.
    pub more_pages: Option<crate::diagnostic::Origin>,
    /// The data was refreshed before its last day ended.
    pub still_open: Option<crate::diagnostic::Origin>,
    /// It has as many rows as such exports can have.
    pub full: Option<u64>,
}

pub(super) fn identity(line: &Line) -> Identity {
    Identity { project: line.line.project.clone(), key: line.line.key.clone() }
}
