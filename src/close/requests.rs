//! Which requests a finding is about, one by one. The sums of a month keep no request, so their log files are read once more
//! when someone asks, and the first rows with the traits of the finding's sums are named with file and line.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use super::document::{Bridge, Finding, Reconciliation};
use super::inputs::CloseInputs;
use super::rows::{are_marked, are_unlogged, is_about};
use crate::causes::remedy::Remedy;
use crate::period::Day;
use crate::rate::DayUsage;
use crate::read::onlooker::{CountedRow, Onlooker};
use crate::review::format::instant;
use crate::vocabulary::{CallType, CountSource, Outcome, Seller};

/// Requests of a finding that are named one by one.
pub const NAMED: usize = 20;

/// Rows of the log that a finding is about.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Requests {
    /// The first of them, by file and line.
    pub shown: Vec<Request>,
    /// How many more there are.
    pub more: u64,
    /// What cannot be told of them.
    pub note: Option<String>,
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Request {
    /// Null where the file gives none.
    pub id: Option<String>,
    /// When it began; a day where no more is known.
    pub at: String,
    pub key: String,
    /// The model that served it, as logged.
    pub model: String,
    /// More than one where the row is a sum.
    pub requests: u64,
    /// `file:line`; in parquet the number of the row.
    pub origin: String,
}

/// What is looked for in the files of all sources.
pub struct Search {
    /// The findings, in the order of the document.
    findings: Vec<Wanted>,
    /// By name of the source.
    sources: BTreeMap<Arc<str>, Arc<SourceSearch>>,
}

struct Wanted {
    id: String,
    requests: u64,
    note: Option<String>,
}

/// What is looked for in the files of one source.
#[derive(Debug)]
struct SourceSearch {
    /// Days and outcomes of the rows that are wanted: files without them need not be read.
    days: BTreeSet<(Day, Outcome)>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The findings that rows with these traits belong to.
    wanted: HashMap<String, Vec<usize>>,
    /// By finding.
    found: BTreeMap<usize, Vec<Request>>,
    /// Reused for every row.
    traits: String,
}

impl Search {
    /// For the findings that `wanted` is true of.
    pub fn new(document: &Reconciliation, inputs: &CloseInputs, wanted: impl Fn(&Finding) -> bool) -> Search {
        let findings: Vec<&Finding> = document.findings.iter().filter(|finding| wanted(finding)).collect();
        let mut keys = vec![BTreeSet::<Arc<str>>::new(); findings.len()];
        let mut requests = vec![0; findings.len()];
        let mut sources = BTreeMap::new();
        for source in inputs.sources.iter().filter(|source| source.primary && !findings.is_empty()) {
            let (mut days, mut state) = (BTreeSet::new(), State::default());
            for row in inputs.usage_of(source) {
                for (index, finding) in findings.iter().enumerate() {
                    if are_unlogged(finding) || !is_about(finding, &row) {
                        continue;
                    }
                    let logged = row.as_logged.as_deref().unwrap_or(&row);
                    let mut text = String::new();
                    traits_of(logged).write(&mut text);
                    let known = state.wanted.entry(text).or_default();
                    if !known.contains(&index) {
                        known.push(index);
                    }
                    days.insert((logged.day, logged.outcome));
                    requests[index] += row.sums.requests;
                    keys[index].insert(row.key.clone());
                }
            }
            let search = SourceSearch { days, state: Mutex::new(state) };
            sources.insert(source.name.clone(), Arc::new(search));
        }
        let wanted = findings.iter().zip(requests).zip(&keys).map(|((finding, requests), keys)| Wanted {
            id: finding.id.clone(),
            requests,
            note: note(finding, keys.len()),
        });
        Search { findings: wanted.collect(), sources }
    }

    /// Who looks on while a file of a source is read that has these rows; nobody where nothing of it is wanted.
    pub fn onlooker(
        &self,
        source: &str,
        outcomes: &BTreeMap<(Day, Outcome), u64>,
    ) -> Option<Arc<dyn Onlooker>> {
        let search = self.sources.get(source)?;
        let wanted = outcomes.keys().any(|kind| search.days.contains(kind)) && !search.is_done();
        wanted.then(|| search.clone() as Arc<dyn Onlooker>)
    }

    /// Gives each finding its requests.
    pub fn add_to(self, document: &mut Reconciliation) {
        for (index, wanted) in self.findings.into_iter().enumerate() {
            let mut shown: Vec<Request> = Vec::new();
            for search in self.sources.values() {
                let mut state = search.state.lock().unwrap_or_else(PoisonError::into_inner);
                shown.extend(state.found.remove(&index).unwrap_or_default());
            }
            shown.truncate(NAMED);
            let told: u64 = shown.iter().map(|request| request.requests).sum();
            let more = wanted.requests.saturating_sub(told);
            if let Some(finding) = document.findings.iter_mut().find(|finding| finding.id == wanted.id) {
                finding.requests = Some(Requests { shown, more, note: wanted.note });
            }
        }
    }
}

/// What the named requests cannot say.
fn note(finding: &Finding, keys: usize) -> Option<String> {
    if are_unlogged(finding) {
        return Some("these requests are in no log file, so none of them can be named".to_owned());
    }
    let ruled = finding.remedies.iter().any(|remedy| matches!(remedy, Remedy::Traffic(_)));
    if are_marked(&finding.cause) || ruled {
        return None;
    }
    let text = match finding.bridge {
        Bridge::PricedBilled if finding.scope.keys.is_empty() && keys > 1 => {
            "the bill shows these requests in one sum and does not tell their keys apart: the fault may be in some of them only"
        }
        Bridge::PricedBilled => {
            "the bill shows these requests in one sum: the fault may be in some of them only"
        }
        Bridge::LoggedPriced => {
            "costs are compared in sums of a day: some of these requests may be logged rightly"
        }
    };
    Some(text.to_owned())
}

impl SourceSearch {
    /// True once enough is found of everything.
    fn is_done(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |index: &usize| state.found.get(index).is_some_and(|found| found.len() >= NAMED);
        state.wanted.values().flatten().all(full)
    }
}

impl Onlooker for SourceSearch {
    fn see(&self, row: &CountedRow<'_>) {
        let (key, names) = (row.key, row.names);
        if !self.days.contains(&(key.day(), key.outcome)) {
            return;
        }
        let traits = Traits {
            day: key.day(),
            provider: names.text(key.provider),
            names: [key.key, key.requested, key.routed, key.served].map(|name| names.text(name)),
            outcome: key.outcome,
            call_type: key.call_type,
            source: key.source,
            stream: key.stream,
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = &mut *state;
        state.traits.clear();
        traits.write(&mut state.traits);
        for index in state.wanted.get(&state.traits).into_iter().flatten() {
            let found = state.found.entry(*index).or_default();
            if found.len() < NAMED {
                found.push(Request {
                    id: (!row.id.is_empty()).then(|| row.id.to_owned()),
                    at: if key.whole_day { key.day().to_string() } else { instant(row.at) },
                    key: traits.names[0].to_owned(),
                    model: traits.names[3].to_owned(),
                    requests: row.requests,
                    origin: row.origin.to_string(),
                });
            }
        }
    }
}

/// What tells a row of the log from others, as its sums still have it.
struct Traits<'a> {
    day: Day,
    provider: &'a str,
    /// Key, model asked for, routed and served.
    names: [&'a str; 4],
    outcome: Outcome,
    call_type: CallType,
    source: CountSource,
    stream: bool,
}

fn traits_of(row: &DayUsage) -> Traits<'_> {
    Traits {
        day: row.day,
        provider: &row.account.provider,
        names: [&*row.key, &*row.requested, &*row.routed, &*row.served],
        outcome: row.outcome,
        call_type: row.call_type,
        source: row.source,
        stream: row.stream,
    }
}

impl Traits<'_> {
    /// As one text, to be looked up by.
    fn write(&self, text: &mut String) {
        let provider = Seller::find(self.provider).map_or(self.provider, |seller| seller.id);
        let kinds = [
            self.day.days().to_string(),
            self.outcome.id().to_owned(),
            self.call_type.id().to_owned(),
            self.source.id().to_owned(),
            self.stream.to_string(),
        ];
        let kinds = kinds.iter().map(String::as_str);
        for part in kinds.chain([provider]).chain(self.names) {
            // A mark that no name has keeps `a` and `bc` apart from `ab` and `c`.
            text.push_str(part);
            text.push('\u{0}');
        }
    }
}
