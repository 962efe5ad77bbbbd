//! What a finding says of itself beside its figures.

use super::document::{Evidence, Finding};
use crate::causes::Status;

impl Finding {
    /// True where several causes fit alike: its amount is known, what happened is not.
    pub fn is_undecided(&self) -> bool {
        self.status == Status::Ambiguous
    }

    /// What fits as well, in words: the engine's name for a rival in the evidence.
    pub fn also(&self) -> impl Iterator<Item = &str> {
        let also = |fact: &&Evidence| fact.name == "meets them as well";
        self.evidence.iter().filter(also).map(|fact| fact.value.as_str())
    }
}
