//! Which sums an earlier row or file has already, so that exports whose days overlap count each of them once.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use sha2::{Digest, Sha256};

use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::read::ids::{self, IdTable};
use crate::read::mark::Mark;
use crate::read::onlooker::Onlooker;
use crate::read::{UsageOptions, UsageRead};
use crate::usage::cube::Sums;

/// What one sum is called in its file.
#[derive(Debug, Clone, Default)]
pub(super) struct Name<'a> {
    pub parts: Vec<&'a str>,
    /// No other sum of the file is called so. Where that is not known, the first of a name is another than the second.
    pub unique: bool,
}

/// The sums of one file, after those of the files before it.
pub(super) struct Ledger<'o> {
    format: &'static str,
    options: &'o UsageOptions,
    ids: IdTable,
    /// How often a name that need not be unique was there.
    times: BTreeMap<u128, u64>,
    repeated: u64,
    /// Sums of one name with other counts: the day went on, or the name is that of several sums.
    grown: Option<(Origin, u64)>,
    parts: u64,
}

impl<'o> Ledger<'o> {
    pub fn new(format: &'static str, options: &'o UsageOptions) -> Ledger<'o> {
        Ledger {
            format,
            options,
            ids: IdTable::default(),
            times: BTreeMap::new(),
            repeated: 0,
            grown: None,
            parts: 0,
        }
    }

    /// Who wants to see the sums one by one.
    pub fn onlooker(&self) -> Option<&'o dyn Onlooker> {
        self.options.onlooker.as_deref()
    }

    /// True where the sum was counted before.
    pub fn repeats(&mut self, name: &Name<'_>, failed: u64, sums: &Sums, origin: &Origin) -> bool {
        let mut id = self.hash(name, 0);
        if !name.unique {
            let times = self.times.entry(id).or_default();
            *times += 1;
            let times = *times;
            id = self.hash(name, times);
        }
        let counts = (sums.requests, failed, sums.logged.pico(), sums.meters);
        let counts = Mark(FixedState::default().hash_one(counts));
        let known = self.options.known_ids.as_deref().and_then(|known| known.find(id));
        match self.ids.insert(id, counts).or(known) {
            None => false,
            Some(first) if first == counts => {
                self.repeated += 1;
                true
            }
            Some(_) if name.unique => {
                self.grown.get_or_insert_with(|| (origin.clone(), 0)).1 += 1;
                false
            }
            Some(_) => {
                self.parts += 1;
                false
            }
        }
    }

    fn hash(&self, name: &Name<'_>, times: u64) -> u128 {
        let mut hasher = Sha256::new_with_prefix(self.format.as_bytes());
        for part in &name.parts {
            // Their lengths keep `a` and `bc` apart from `ab` and `c`.
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.update(times.to_le_bytes());
        ids::first(&hasher.finalize())
    }

    /// Hands over the names, and says what overlaps.
    pub fn close(self, read: &mut UsageRead, origin: Origin) -> Result<()> {
        if let Some((place, count)) = self.grown {
            let message =
                format!("{} there before with other counts: the day had not ended yet", were(count));
            return Err(Diagnostic::error("grown-sums", place, message)
                .help("give one export of these days, the later one")
                .into());
        }
        if self.repeated > 0 {
            let message =
                format!("{} there before with the same counts: each counts once", were(self.repeated));
            read.diagnostics.push(
                Diagnostic::warning("repeated-sums", origin.clone(), message)
                    .help("give exports whose days do not overlap"),
            );
        }
        if self.parts > 0 {
            let message = format!(
                "{} there before with the same day, key and model and other counts: all of them count",
                were(self.parts)
            );
            read.diagnostics.push(Diagnostic::warning("divided-sums", origin, message).help(
                "right for pages of one answer, which end inside a day; of two answers give the later one",
            ));
        }
        read.ids = self.ids.into_set();
        Ok(())
    }
}

/// `1 sum was`, `3 sums were`
fn were(count: u64) -> String {
    if count == 1 { "1 sum was".to_owned() } else { format!("{count} sums were") }
}
