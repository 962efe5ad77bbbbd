//! What a close works on: usage and bills as read, with the names the books give them. No files, no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::invoice::{BillLine, Document, DocumentKind, ModelScope, Reject};
use crate::money::Money;
use crate::period::{Day, Period};
use crate::pricebook::Pricebook;
use crate::rate::log::Log;
use crate::rate::{Account, Accounts, DayUsage, Meanings, ModelMapping, TrafficRule, day_rows, unknown_name};
use crate::reconcile::Line;
use crate::review::memo::Memo;
use crate::usage::cube::Cubes;
use crate::vocabulary::Outcome;

/// Rows of one log source, with the account the books give it.
pub struct SourceCubes {
    pub name: Arc<str>,
    pub account: Option<Arc<str>>,
    /// False for a second witness of calls another source already counts: read and listed, never added.
    pub primary: bool,
    pub cubes: Cubes,
}

/// One provider document with the account it bills.
pub struct AccountDocument {
    pub path: Arc<str>,
    pub account: Account,
    pub kind: DocumentKind,
    pub document: Document,
    pub number: Option<String>,
    /// Stated in the books, or in the document itself.
    pub stated_total: Option<Money>,
    pub sha256: String,
    pub bytes: u64,
}

/// One log file's row account, as its reader counted it.
#[derive(Debug, Clone, Default)]
pub struct LogFile {
    pub path: Arc<str>,
    pub format: Arc<str>,
    pub sha256: String,
    pub bytes: u64,
    pub rows: u64,
    pub rejected: u64,
    pub duplicates: u64,
    pub outside_month: u64,
    pub not_billable: u64,
    /// Requests by UTC day and outcome.
    pub outcomes: BTreeMap<(Day, Outcome), u64>,
}

pub struct CloseInputs<'a> {
    pub label: String,
    pub provisional: bool,
    pub period: Period,
    pub currency: String,
    pub timezone: String,
    pub book: &'a Pricebook,
    pub sources: Vec<SourceCubes>,
    pub files: Vec<LogFile>,
    pub documents: Vec<AccountDocument>,
    /// Bills of the month after, for their lines that are dated in this period.
    pub later: Vec<AccountDocument>,
    /// Accounts that the books declare beyond those of the documents.
    pub accounts: Vec<Account>,
    /// Gateway keys assigned to accounts, to one of each seller.
    pub keys: BTreeMap<Arc<str>, BTreeSet<Account>>,
    /// Bill-side projects, workspaces and keys that are the gateway's.
    pub gateway: BTreeMap<Account, BTreeSet<Arc<str>>>,
    pub mappings: Vec<ModelMapping>,
    /// What the books say of traffic and the log does not.
    pub traffic: Vec<TrafficRule>,
    /// Log rows that could not be used.
    pub rejects: Vec<Reject>,
    /// What is known since about the prices of earlier closes.
    pub memos: Vec<Memo>,
    pub diagnostics: Vec<Diagnostic>,
}

impl CloseInputs<'_> {
    pub fn accounts(&self) -> Vec<Account> {
        let all: BTreeSet<Account> = self
            .documents
            .iter()
            .map(|document| document.account.clone())
            .chain(self.accounts.iter().cloned())
            .collect();
        all.into_iter().collect()
    }

    /// The log as best counted, of the sources that count.
    pub fn usage(&self) -> Vec<DayUsage> {
        let accounts = Accounts { known: self.accounts(), keys: self.keys.clone() };
        self.log(&accounts).rows()
    }

    /// The log of one source, as best counted.
    pub fn usage_of(&self, source: &SourceCubes) -> Vec<DayUsage> {
        let accounts = Accounts { known: self.accounts(), keys: self.keys.clone() };
        let (mappings, traffic) = (&self.mappings[..], &self.traffic[..]);
        let meanings = Meanings { accounts: &accounts, mappings, traffic, book: self.book };
        day_rows(&source.cubes, source.account.as_ref(), self.period, meanings)
    }

    /// The log of the sources that count, to be cut into days.
    pub fn log<'l>(&'l self, accounts: &'l Accounts) -> Log<'l> {
        let sources = self.sources.iter().filter(|source| source.primary);
        let sources = sources.map(|source| (&source.cubes, source.account.as_ref())).collect();
        let (mappings, traffic) = (&self.mappings, &self.traffic);
        Log::new(sources, self.period, Meanings { accounts, mappings, traffic, book: self.book })
    }

    /// True where neither side has anything in the period.
    pub fn is_empty(&self) -> bool {
        let usage = self.sources.iter().flat_map(|source| source.cubes.rating.keys());
        let lines = self.documents.iter().flat_map(|document| &document.document.lines);
        !usage.map(|key| key.day()).any(|day| self.period.contains(day))
            && !lines.map(|line| line.period).any(|period| self.holds(period))
    }

    /// True where a line lies wholly in the period; one that reaches over an edge is never prorated.
    pub fn holds(&self, line: Period) -> bool {
        self.period.contains(line.first) && self.period.contains(line.last)
    }

    /// A line with its model under the name that usage is compared under.
    pub fn resolve<'d>(&self, document: &AccountDocument, line: &'d BillLine) -> Line<'d> {
        let seller = &*document.account.provider;
        let model = match &line.model {
            ModelScope::One(name) => {
                let at = line.period.first.start();
                Some(self.book.resolve(seller, name, at).map_or_else(|| unknown_name(name), Into::into))
            }
            ModelScope::All | ModelScope::None => None,
        };
        Line { line, account: document.account.clone(), model }
    }
}
