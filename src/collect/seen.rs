//! The ids of the files that were read, to know which of them another file has again.

use crate::read::mark::Mark;
use crate::read::{IdSet, ids as hashes};

/// Ids of the files so far, in runs of growing size, so that ten thousand files need few merges.
#[derive(Debug, Default)]
pub(super) struct Seen {
    runs: Vec<Vec<(u128, Mark)>>,
    /// Some id was that of several calls.
    shared: bool,
}

impl Seen {
    pub fn add(&mut self, ids: IdSet) {
        let mut run = ids.0;
        self.shared |= run.iter().any(|(id, _)| hashes::is_next(*id));
        while self.runs.last().is_some_and(|last| last.len() <= run.len() * 2) {
            let mut last = self.runs.pop().unwrap_or_default();
            last.append(&mut run);
            // The first of an id stays: the sort is stable and older runs come first.
            last.sort_by_key(|(id, _)| *id);
            last.dedup_by_key(|(id, _)| *id);
            run = last;
        }
        self.runs.push(run);
    }

    /// Which of `ids` were seen, with the marks they had.
    pub fn overlap(&self, ids: &IdSet) -> Vec<(u128, Mark)> {
        let mut known = Vec::new();
        for run in &self.runs {
            let (few, many) = if run.len() < ids.0.len() { (run, &ids.0) } else { (&ids.0, run) };
            for (id, _) in few {
                if let Ok(index) = many.binary_search_by_key(id, |(id, _)| *id) {
                    let first = run.binary_search_by_key(id, |(id, _)| *id).map_or(many[index], |at| run[at]);
                    known.push(first);
                }
            }
        }
        if self.shared {
            // Another call of a taken id may be the first of it here.
            let places = ids.0.iter().map(|(id, mark)| hashes::next(*id, *mark));
            known.extend(places.filter_map(|id| Some((id, self.find(id)?))));
        }
        known.sort_by_key(|(id, _)| *id);
        known.dedup_by_key(|(id, _)| *id);
        known
    }

    fn find(&self, id: u128) -> Option<Mark> {
        let in_run = |run: &Vec<(u128, Mark)>| {
            run.binary_search_by_key(&id, |(id, _)| *id).ok().map(|index| run[index].1)
        };
        self.runs.iter().find_map(in_run)
    }
}
