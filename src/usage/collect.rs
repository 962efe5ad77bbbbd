//! Scratch.
use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::invoice::Reject;
use crate::period::{Day, Period};
use crate::read::source::Source;
use crate::read::{UsageOptions, detect};
use crate::usage::cube::Cubes;
use crate::vocabulary::Outcome;
use std::path::Path;
use std::sync::Arc;
pub trait Watch {
    fn file(&self, name: &str);
}
pub struct LogInput {
    pub source: Source,
    pub format: Option<String>,
    pub source_name: Arc<str>,
    pub account: Option<Arc<str>>,
    pub primary: bool,
}
#[derive(Default)]
pub struct Usage {
    pub sources: Vec<SourceUsage>,
    pub inputs: Vec<InputReport>,
    pub rejects: Vec<Reject>,
    pub diagnostics: Vec<Diagnostic>,
}
pub struct SourceUsage {
    pub name: Arc<str>,
    pub account: Option<Arc<str>>,
    pub primary: bool,
    pub cubes: Cubes,
}
pub struct InputReport {
    pub path: Arc<str>,
    pub format: Arc<str>,
    pub sha256: String,
    pub bytes: u64,
    pub rows: u64,
    pub rejected: u64,
    pub kinds: Vec<(Day, Outcome, u64)>,
}
pub struct Counts {
    pub duplicates: u64,
    pub outside: u64,
    pub not_billable: u64,
}
impl InputReport {
    pub fn counts(&self, period: Period) -> Counts {
        let mut c = Counts { duplicates: 0, outside: 0, not_billable: 0 };
        for (day, outcome, n) in &self.kinds {
            if *outcome == Outcome::Duplicate {
                c.duplicates += n
            } else if !period.contains(*day) {
                c.outside += n
            } else if !outcome.is_billable() {
                c.not_billable += n
            }
        }
        c
    }
}
pub fn collect(
    inputs: &[LogInput],
    options: &UsageOptions,
    _cache: Option<&Path>,
    watch: &dyn Watch,
) -> Result<Usage> {
    let mut usage = Usage::default();
    let mut known = crate::read::IdSet::default();
    let mut cubes = Cubes::default();
    for input in inputs {
        watch.file(&input.source.name);
        let format = detect::usage(&input.source, input.format.as_deref())?;
        let mut options = options.clone();
        options.known_ids = Some(Arc::new(known.clone()));
        let read = (format.read)(&input.source, &options)?;
        let mut ids = read.ids.0.clone();
        ids.extend(known.0.iter().copied());
        ids.sort();
        ids.dedup_by_key(|i| i.0);
        known = crate::read::IdSet(ids);
        let kinds = read.cubes.rating.iter().map(|(k, s)| (k.day(), k.outcome, s.requests)).collect();
        usage.inputs.push(InputReport {
            path: input.source.name.clone(),
            format: format.id.into(),
            sha256: input.source.sha256()?,
            bytes: input.source.bytes()?,
            rows: read.rows,
            rejected: read.rejected,
            kinds,
        });
        cubes.merge(&read.cubes);
        usage.rejects.extend(read.rejects);
        usage.diagnostics.extend(read.diagnostics);
    }
    usage.sources.push(SourceUsage { name: "x".into(), account: None, primary: true, cubes });
    Ok(usage)
}
