//! Reads every log file of a run, each once: from the cache where it was read before, and again only where an earlier
//! file of the same source holds some of its requests.

mod again;
pub mod cache;
mod pages;
mod seen;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use self::again::again;
use self::cache::Cache;
use self::seen::Seen;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::invoice::Reject;
use crate::money::Money;
use crate::period::Day;
use crate::read::source::Source;
use crate::read::{IdSet, UsageFormat, UsageOptions, UsageRead, detect};
use crate::usage::cube::Cubes;
use crate::vocabulary::Outcome;

/// One log file and what the books say about it.
#[derive(Debug, Clone)]
pub struct LogInput {
    pub source: Source,
    /// Format id; detected where it is left out.
    pub format: Option<String>,
    /// Name of the `[[source]]` it belongs to: duplicates are removed inside one source only.
    pub source_name: Arc<str>,
    pub account: Option<Arc<str>>,
    pub primary: bool,
}

/// All logs of a run.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// By name.
    pub sources: Vec<SourceUsage>,
    /// By name of the file.
    pub inputs: Vec<InputReport>,
    pub rejects: Vec<Reject>,
    pub diagnostics: Vec<Diagnostic>,
}

#[derive(Debug, Clone)]
pub struct SourceUsage {
    pub name: Arc<str>,
    pub account: Option<Arc<str>>,
    pub primary: bool,
    pub cubes: Cubes,
}

/// What became of one file; `rows` are all in the cubes or rejected.
#[derive(Debug, Clone)]
pub struct InputReport {
    /// Its hash is taken when someone asks for it.
    pub source: Source,
    /// Name of the `[[source]]` it belongs to.
    pub source_name: Arc<str>,
    pub format: &'static str,
    /// On disk.
    pub bytes: u64,
    pub rows: u64,
    pub rejected: u64,
    pub duplicates: u64,
    pub duplicate_logged: Money,
    /// Requests by UTC day and outcome; with the rejects they are all the rows.
    pub outcomes: BTreeMap<(Day, Outcome), u64>,
    /// True where the cache had it.
    pub cached: bool,
    /// Ids of its rows that earlier files have, where there are any: without them it would count otherwise when read again.
    pub known_ids: Option<Arc<IdSet>>,
    /// The content of an earlier file: all of its rows count as repeated.
    pub is_twin: bool,
}

/// Told about progress; bytes are counted in [`UsageOptions::progress`].
pub trait Watch {
    fn started(&self, _name: &str, _bytes: u64) {}
    fn finished(&self, _name: &str) {}
}

/// Nobody watches.
impl Watch for () {}

/// Reads `inputs` in the order of their names. `cache` is the folder of cubes, where there is one.
pub fn collect(
    inputs: &[LogInput],
    options: &UsageOptions,
    cache: Option<&Path>,
    watch: &dyn Watch,
) -> Result<Usage> {
    let mut inputs: Vec<&LogInput> = inputs.iter().collect();
    inputs.sort_by(|a, b| (&a.source.name, &a.source_name).cmp(&(&b.source.name, &b.source_name)));
    let mut usage = Usage::default();
    let mut sources: BTreeMap<Arc<str>, (SourceUsage, Seen)> = BTreeMap::new();
    let mut twins = Twins::default();
    let mut pages = Vec::new();
    let mut unusable = Vec::new();
    for input in inputs {
        let source = &input.source;
        watch.started(&source.name, source.bytes()?);
        let (cubes, seen) = sources.entry(input.source_name.clone()).or_insert_with(|| {
            let (name, account) = (input.source_name.clone(), input.account.clone());
            (SourceUsage { name, account, primary: input.primary, cubes: Cubes::default() }, Seen::default())
        });
        match file(input, options, cache, seen) {
            Ok(File { read, .. }) if read.rows > 0 && read.rejected == read.rows => {
                unusable.push(nothing_usable(&source.origin(), &read));
            }
            Ok(File { format, mut read, cached, known_ids }) => {
                let twin = twins.find(&input.source_name, source)?;
                if let Some(twin) = &twin {
                    let message = format!("the same content as `{twin}`: every request in it counts once");
                    usage.diagnostics.push(
                        Diagnostic::warning("identical-files", source.origin(), message)
                            .help("remove one of the two from the source's files"),
                    );
                    // Rows without an id can only be known as repeated by the file they stand in.
                    read.cubes = read.cubes.repeated();
                }
                pages.extend(read.page.map(|page| (input.source_name.clone(), source.origin(), page)));
                usage.inputs.push(InputReport {
                    known_ids,
                    is_twin: twin.is_some(),
                    ..report(input, format, &read, cached)?
                });
                usage.rejects.append(&mut read.rejects);
                usage.diagnostics.append(&mut read.diagnostics);
                cubes.cubes.absorb(read.cubes);
                seen.add(read.ids);
            }
            // Other files may have something to say too.
            Err(Error::Input(mut diagnostics)) => unusable.append(&mut diagnostics),
            Err(error) => return Err(error),
        }
        watch.finished(&source.name);
    }
    if !unusable.is_empty() {
        return Err(Error::Input(unusable));
    }
    usage.diagnostics.append(&mut pages::missing(&pages));
    usage.sources = sources.into_values().map(|(source, _)| source).collect();
    usage.sources.iter_mut().for_each(|source| source.cubes.compact());
    if let Some(folder) = cache {
        usage.diagnostics.append(&mut late_records(folder, &usage.sources)?);
    }
    Ok(usage)
}

/// A log none of whose rows can be used is not read as usage of zero: the bill would look unexplained, not the log unread.
fn nothing_usable(file: &Origin, read: &UsageRead) -> Diagnostic {
    let (origin, reason) = match read.rejects.first() {
        Some(first) => (first.origin.clone(), format!("; the first: {}", first.reason)),
        None => (file.clone(), String::new()),
    };
    Diagnostic::error("no-usable-rows", origin, format!("0 of {} rows can be used{reason}", read.rows))
        .help("correct what it names and export again, or leave the file out: as it is, nothing of it counts")
}

/// Files with the same content: only those of the same size are hashed for it.
#[derive(Default)]
struct Twins<'a> {
    sizes: BTreeMap<(&'a str, u64), &'a Source>,
    hashes: BTreeMap<(&'a str, String), Arc<str>>,
}

impl<'a> Twins<'a> {
    /// The name of the last file that had the same content, inside one source of the books.
    fn find(&mut self, name: &'a str, source: &'a Source) -> Result<Option<Arc<str>>> {
        let first = *self.sizes.entry((name, source.bytes()?)).or_insert(source);
        if std::ptr::eq(first, source) {
            return Ok(None);
        }
        self.hashes.entry((name, first.sha256()?)).or_insert_with(|| first.name.clone());
        Ok(self.hashes.insert((name, source.sha256()?), source.name.clone()))
    }
}

/// One file as read, after those before it.
struct File {
    format: &'static UsageFormat,
    read: UsageRead,
    cached: bool,
    known_ids: Option<Arc<IdSet>>,
}

fn file(input: &LogInput, options: &UsageOptions, cache: Option<&Path>, seen: &Seen) -> Result<File> {
    let format = detect::usage(&input.source, input.format.as_deref())?;
    let alone = UsageOptions { known_ids: None, sha256: cache.is_some(), ..options.clone() };
    let (read, cached) = read_once(&input.source, format, &alone, cache)?;
    let known = seen.overlap(&read.ids);
    if known.is_empty() {
        return Ok(File { format, read, cached, known_ids: None });
    }
    let options = UsageOptions { known_ids: Some(Arc::new(IdSet(known))), ..alone };
    let (read, cached) = read_once(&input.source, format, &options, cache)?;
    Ok(File { format, read, cached, known_ids: options.known_ids })
}

fn read_once(
    source: &Source,
    format: &'static UsageFormat,
    options: &UsageOptions,
    cache: Option<&Path>,
) -> Result<(UsageRead, bool)> {
    let cache = cache.map(Cache::new);
    if let Some(cache) = &cache
        && let Some(read) = cache.load(source, format, options)?
    {
        return Ok((read, true));
    }
    let read = (format.read)(source, options)?;
    let counted: u64 = read.cubes.rating.values().map(|sums| sums.requests).sum();
    if read.rows != counted + read.rejected {
        return Err(Error::Internal(format!(
            "{}: {} rows read, but {counted} counted and {} rejected",
            source.name, read.rows, read.rejected
        )));
    }
    if let Some(cache) = &cache {
        cache.store(source, format, options, &read)?;
    }
    Ok((read, false))
}

fn report(input: &LogInput, format: &UsageFormat, read: &UsageRead, cached: bool) -> Result<InputReport> {
    let duplicates = || read.cubes.rating.iter().filter(|(key, _)| key.outcome.is_repeat());
    let mut outcomes: BTreeMap<(Day, Outcome), u64> = BTreeMap::new();
    for (key, sums) in &read.cubes.rating {
        *outcomes.entry((key.day(), key.outcome)).or_default() += sums.requests;
    }
    Ok(InputReport {
        source: input.source.clone(),
        source_name: input.source_name.clone(),
        format: format.id,
        bytes: input.source.bytes()?,
        rows: read.rows,
        rejected: read.rejected,
        duplicates: duplicates().map(|(_, sums)| sums.requests).sum(),
        duplicate_logged: duplicates().map(|(_, sums)| sums.logged).sum(),
        outcomes,
        cached,
        known_ids: None,
        is_twin: false,
    })
}

/// Compares the requests of each day with those of the run before: days that had ended and grew since got late records.
fn late_records(folder: &Path, sources: &[SourceUsage]) -> Result<Vec<Diagnostic>> {
    let path = folder.join("days.tsv");
    let mut before: BTreeMap<(String, Day), u64> = BTreeMap::new();
    // No listing, or one that cannot be read, means there is nothing to compare with.
    for line in std::fs::read_to_string(&path).unwrap_or_default().lines() {
        let mut cells = line.split('\t');
        if let (Some(source), Some(Ok(day)), Some(Ok(count))) =
            (cells.next(), cells.next().map(str::parse), cells.next().map(str::parse))
        {
            before.insert((source.to_owned(), day), count);
        }
    }
    let mut now = before.clone();
    let mut notes = Vec::new();
    for source in sources {
        let name = source.name.replace(['\t', '\n', '\r'], " ");
        let mut days: BTreeMap<Day, u64> = BTreeMap::new();
        for (key, sums) in source.cubes.rating.iter().filter(|(key, _)| !key.outcome.is_repeat()) {
            *days.entry(key.day()).or_default() += sums.requests;
        }
        let last = before.keys().filter(|(other, _)| *other == name).map(|(_, day)| *day).max();
        for (day, count) in days {
            let old = before.get(&(name.clone(), day)).copied().unwrap_or(0);
            if last.is_some_and(|last| day < last) && count > old {
                let message =
                    format!("`{name}` has {} more requests on {day} than in the run before", count - old);
                notes.push(Diagnostic::note("late-records", Origin::default(), message).help(
                    "close that month again while its pack is a draft, or book the difference as late usage",
                ));
            }
            now.insert((name.clone(), day), count);
        }
    }
    let listing: String =
        now.iter().map(|((source, day), count)| format!("{source}\t{day}\t{count}\n")).collect();
    cache::write(&path, listing.as_bytes()).map_err(|error| Error::io(path.to_string_lossy(), error))?;
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, day: u32) -> String {
        format!(
            r#"{{"request_id": "{id}", "call_type": "acompletion", "spend": 0.5, "startTime": "2026-05-{day:02}T09:00:00Z", "prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12, "model": "gpt-5", "custom_llm_provider": "openai", "metadata": {{"usage_object": {{"prompt_tokens": 10}}}}}}"#
        )
    }

    fn run(folder: &Path, files: &[(&str, String)]) -> Result<Usage> {
        let inputs: Vec<LogInput> = files
            .iter()
            .map(|(name, text)| {
                let path = folder.join(name);
                std::fs::write(&path, text).unwrap();
                LogInput {
                    source: Source::file(path, *name),
                    format: None,
                    source_name: "litellm".into(),
                    account: None,
                    primary: true,
                }
            })
            .collect();
        collect(&inputs, &UsageOptions::default(), Some(&folder.join("cubes")), &())
    }

    fn count(usage: &Usage, outcome: Outcome) -> u64 {
        let cells = usage.sources.iter().flat_map(|source| &source.cubes.rating);
        cells.filter(|(key, _)| key.outcome == outcome).map(|(_, sums)| sums.requests).sum()
    }

    #[test]
    fn duplicates_across_files_count_once_and_the_cache_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let a = [row("1", 1), row("2", 2)].join("\n");
        let b = [row("2", 2), row("3", 3), "{broken".into()].join("\n");
        let files = [("b.jsonl", b), ("a.jsonl", a.clone()), ("c.jsonl", a)];
        let first = run(folder.path(), &files).unwrap();
        assert_eq!((count(&first, Outcome::Success), count(&first, Outcome::Duplicate)), (3, 3));
        let told: Vec<(&str, u64, u64, u64, String)> = first
            .inputs
            .iter()
            .map(|input| {
                (
                    &*input.source.name,
                    input.rows,
                    input.duplicates,
                    input.rejected,
                    input.duplicate_logged.plain(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("a.jsonl", 2, 0, 0, "0".into()),
                ("b.jsonl", 3, 1, 1, "0.50".into()),
                ("c.jsonl", 2, 2, 0, "1.00".into())
            ]
        );
        assert!(
            first
                .diagnostics
                .iter()
                .any(|told| told.code == "identical-files" && told.message.contains("a.jsonl"))
        );

        let second = run(folder.path(), &files).unwrap();
        assert!(second.inputs.iter().all(|input| input.cached));
        assert_eq!(second.sources[0].cubes, first.sources[0].cubes);
        assert_eq!((second.rejects, &second.diagnostics), (first.rejects.clone(), &first.diagnostics));

        for entry in std::fs::read_dir(folder.path().join("cubes")).unwrap() {
            let path = entry.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x55;
            std::fs::write(&path, bytes).unwrap();
        }
        let third = run(folder.path(), &files).unwrap();
        assert!(third.inputs.iter().all(|input| !input.cached));
        assert_eq!(third.sources[0].cubes, first.sources[0].cubes);
    }

    #[test]
    fn other_calls_that_have_one_id_count_once_each() {
        let folder = tempfile::tempdir().unwrap();
        let other = row("1", 1).replace("gpt-5", "gpt-5-mini").replace("_tokens\": 1", "_tokens\": 4");
        // Ten hours later, by the same model.
        let later = row("1", 1).replace("T09", "T19").replace("_tokens\": 1", "_tokens\": 7");
        let calls = [row("1", 1), other, later];
        let again: Vec<String> = calls.iter().rev().cloned().collect();
        let usage =
            run(folder.path(), &[("a.jsonl", calls.join("\n")), ("b.jsonl", again.join("\n"))]).unwrap();
        assert_eq!((count(&usage, Outcome::Success), count(&usage, Outcome::Duplicate)), (3, 3));
        assert_eq!(count(&usage, Outcome::Restated), 0);
        let told: Vec<String> = usage.diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "warning: a.jsonl: 2 rows have the id of an earlier row and another model, key or hour: other calls, all of \
              which count"
            ]
        );
    }

    #[test]
    fn late_records_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = vec![("a.jsonl", [row("1", 1), row("2", 3)].join("\n"))];
        assert!(run(folder.path(), &files).unwrap().diagnostics.is_empty());
        files.push(("b.jsonl", [row("4", 2), row("5", 4)].join("\n")));
        let usage = run(folder.path(), &files).unwrap();
        let told: Vec<&str> = usage.diagnostics.iter().map(|told| &*told.message).collect();
        assert_eq!(told, ["`litellm` has 1 more requests on 2026-05-02 than in the run before"]);
        assert_eq!(usage.inputs.iter().map(|input| input.cached).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn a_log_of_rejects_alone_stops_the_run_and_one_good_row_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let table = |counts: [&str; 2]| {
            let rows = counts.map(|count| format!("2026-10-01,openai,gpt-5,{count}\n"));
            format!("period_start,provider,served_model,input\n{}", rows.concat())
        };
        let error = run(folder.path(), &[("u.csv", table(["many", "-1"]))]).unwrap_err();
        let Error::Input(diagnostics) = error else { panic!("{error:?}") };
        assert_eq!(
            diagnostics[0].to_string(),
            "error: u.csv:2: 0 of 2 rows can be used; the first: `input`: `many` is not a whole count"
        );
        let usage = run(folder.path(), &[("u.csv", table(["many", "1"]))]).unwrap();
        assert_eq!((usage.inputs[0].rows, usage.inputs[0].rejected), (2, 1));
    }

    #[test]
    fn files_of_no_known_format_are_all_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = run(folder.path(), &[("x", "hello".into()), ("y", "a,b\n".into())]).unwrap_err();
        let Error::Input(diagnostics) = error else { panic!("{error:?}") };
        assert_eq!(diagnostics.len(), 2);
        assert!(diagnostics[0].help.is_some());
    }
}
