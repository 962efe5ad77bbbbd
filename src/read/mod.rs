//! What do the files say, and where exactly? Formats are recognised by content, never by name.
//!
//! A format is one file and one line in [`USAGE_FORMATS`] or [`DOCUMENT_FORMATS`]. Order matters only where one
//! format's signature is a special case of another's: the special one comes first.

pub mod aggregate;
pub mod anthropic;
pub mod cell;
pub mod detect;
pub mod focus;
pub mod gather;
pub mod ids;
pub mod json_scan;
pub mod lines;
pub mod litellm;
pub mod litellm_activity;
pub mod mapped;
pub mod mark;
pub mod normalised;
pub mod onlooker;
pub mod openai;
pub mod pages;
pub mod records;
pub mod source;
pub mod table;
#[cfg(test)]
pub mod testing;
pub mod workbook;

use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::invoice::{Document, DocumentKind, Reject};
use crate::usage::cube::{Band, Cubes};
use source::{Sample, Source};

/// A gateway log format.
pub struct UsageFormat {
    /// `litellm-payload`; also the name on the command line and in the books, and the page in `docs/formats/`.
    pub id: &'static str,
    /// The group a user would name: `litellm`.
    pub family: &'static str,
    pub about: &'static str,
    pub sniff: fn(&Sample) -> bool,
    pub read: fn(&Source, &UsageOptions) -> Result<UsageRead>,
}

/// A provider document format.
pub struct DocumentFormat {
    pub id: &'static str,
    /// Seller id, or `focus` / `mapped` where the file or the books name the seller.
    pub family: &'static str,
    pub about: &'static str,
    pub kind: DocumentKind,
    pub sniff: fn(&Sample) -> bool,
    pub read: fn(&Source) -> Result<Document>,
}

/// What a reader of logs needs to know beyond the file.
#[derive(Debug, Clone, Default)]
pub struct UsageOptions {
    /// Context boundaries of the price book, sorted; see [`Band::index`].
    pub bands: Vec<Band>,
    pub tags: TagSources,
    /// Id hashes already counted in earlier files; a row with one of them is a duplicate.
    pub known_ids: Option<std::sync::Arc<IdSet>>,
    /// Threads to use; 0 means all cores.
    pub threads: usize,
    /// Someone will ask for the file's hash: take it on the way.
    pub sha256: bool,
    /// Is shown every row; nobody looks where single rows do not matter.
    pub onlooker: Option<std::sync::Arc<dyn onlooker::Onlooker>>,
    /// Bytes read so far, for those who watch.
    pub progress: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

/// Where each dimension comes from, first hit wins: `team_alias`, `tag:feature`, `metadata:cost_center`, `key_alias`,
/// `end_user`, `user`. An empty list means the format's own default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TagSources {
    pub team: Vec<String>,
    pub feature: Vec<String>,
    pub environment: Vec<String>,
    pub customer: Vec<String>,
    pub deploy: Vec<String>,
}

/// Hashed request ids, each with the mark of its first row, sorted by id hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdSet(pub Vec<(u128, mark::Mark)>);

/// One log file as read. `rows = Σ requests in the rating cube + rejects`, checked by the caller.
#[derive(Debug, Clone, Default)]
pub struct UsageRead {
    pub cubes: Cubes,
    pub rows: u64,
    pub rejects: Vec<Reject>,
    /// Rejects beyond the first thousand are counted, not listed.
    pub rejected: u64,
    pub ids: IdSet,
    /// Which page of how many the file says it is.
    pub page: Option<(u64, u64)>,
    pub diagnostics: Vec<Diagnostic>,
}

pub static USAGE_FORMATS: &[&UsageFormat] = &[
    &litellm::summary::FORMAT,
    &litellm::spend_logs::FORMAT,
    &litellm::payload::FORMAT,
    &litellm::spend_logs_csv::FORMAT,
    &litellm_activity::JSON,
    &litellm_activity::EXPORT,
    &litellm_activity::DAILY_TABLE,
    &litellm_activity::UI_EXPORT,
    &normalised::CSV,
    &normalised::PARQUET,
];
pub static DOCUMENT_FORMATS: &[&DocumentFormat] = &[
    &openai::cost_csv::FORMAT,
    &openai::usage_csv::FORMAT,
    &openai::costs_api::FORMAT,
    &openai::usage_api::FORMAT,
    &openai::not_a_bill::FORMAT,
    &anthropic::cost_csv::FORMAT,
    &anthropic::token_csv::FORMAT,
    &anthropic::cost_report::FORMAT,
    &anthropic::usage_report::FORMAT,
    &anthropic::not_a_bill::FORMAT,
    &focus::FOCUS_CSV,
    &focus::FOCUS_PARQUET,
];
