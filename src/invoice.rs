//! What providers say: bill lines from cost exports and invoices, and quantity lines from usage reports.

use std::sync::Arc;

use hashbrown::HashSet;

use crate::diagnostic::{Diagnostic, Origin};
use crate::money::Money;
use crate::period::{Day, Period};
use crate::vocabulary::{ChargeCategory, Meter, Tier};

/// What kind of document the books (or detection) say this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// A cost export: what the provider charges, by day and model. The billing authority.
    Cost,
    /// An invoice document: totals, tax, credits. Tied to the cost export of the same account, never added to it.
    Invoice,
    /// A provider usage report: a second witness of quantity, never cost.
    Usage,
    /// A purchase of prepaid credit: cash, not usage.
    CreditPurchase,
}

impl DocumentKind {
    pub const fn id(self) -> &'static str {
        match self {
            DocumentKind::Cost => "cost",
            DocumentKind::Invoice => "invoice",
            DocumentKind::Usage => "usage",
            DocumentKind::CreditPurchase => "credit-purchase",
        }
    }
}

/// Which models a line is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelScope {
    /// One model, by the name the bill uses (an id or a display name), lower case not forced.
    One(Arc<str>),
    /// The line covers whatever models were used: an ungrouped total, or a tool fee billed without a model.
    All,
    /// The line is not about a model (storage, seats, an unclassified item).
    None,
}

/// One line of a bill or a usage report, in the provider's own grain. A `None` dimension means "not distinguished".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    pub origin: Origin,
    pub category: ChargeCategory,
    /// The provider's own words, kept beside every parsed field.
    pub text: Arc<str>,
    /// Account inside the provider where the file tells (organisation id); else the books decide.
    pub account: Option<Arc<str>>,
    pub model: ModelScope,
    /// Billing days covered.
    pub period: Period,
    /// `None`: the amount covers every meter of its scope.
    pub meter: Option<Meter>,
    pub tier: Option<Tier>,
    /// `global`, `geo:us`, …
    pub region: Option<Arc<str>>,
    /// `Some(true)` for a long-context line, `Some(false)` for a line known to be below the boundary.
    pub long_context: Option<bool>,
    /// Project or workspace; `Some("")` where the file is grouped by it and the line has none (default workspace).
    pub project: Option<Arc<str>>,
    /// API key id or name; `Some("")` where the file is grouped by it and the line has none (console traffic).
    pub key: Option<Arc<str>>,
    /// What else tells this charge from others of its day: an hour, a resource. Never compared with the log.
    pub apart: Option<Arc<str>>,
    /// In the meter's unit, exact; whole for tokens.
    pub quantity: Option<i128>,
    pub requests: Option<u64>,
    /// `None` on usage reports.
    pub amount: Option<Money>,
    pub list_amount: Option<Money>,
    /// How far the printed amount may be from the true one: half a unit of the last decimal the provider keeps,
    /// zero where it prints exact values.
    pub rounding_bound: Money,
}

impl BillLine {
    /// A usage line with nothing distinguished yet.
    pub fn new(origin: Origin, text: impl Into<Arc<str>>, period: Period) -> BillLine {
        BillLine {
            origin,
            category: ChargeCategory::Usage,
            text: text.into(),
            account: None,
            model: ModelScope::None,
            period,
            meter: None,
            tier: None,
            region: None,
            long_context: None,
            project: None,
            key: None,
            apart: None,
            quantity: None,
            requests: None,
            amount: None,
            list_amount: None,
            rounding_bound: Money::ZERO,
        }
    }

    pub fn day(&self) -> Option<Day> {
        (self.period.first == self.period.last).then_some(self.period.first)
    }
}

/// A provider document as read: every row of it is in exactly one of the lists.
#[derive(Debug, Clone)]
pub struct Document {
    /// Format that read it: `openai-cost-csv`.
    pub format: &'static str,
    pub kind: DocumentKind,
    /// Seller id where the format knows it.
    pub provider: Option<&'static str>,
    pub currency: Option<Arc<str>>,
    pub lines: Vec<BillLine>,
    /// Total the document itself states, where it does.
    pub stated_total: Option<Money>,
    pub number: Option<String>,
    /// Rows (or results) read, before any of them was set aside.
    pub rows: u64,
    /// Rows that say "nothing on this day": zero, not missing.
    pub empty_rows: u64,
    /// Rows of other services on a cloud bill, with their amount.
    pub out_of_scope: u64,
    pub out_of_scope_amount: Money,
    pub rejects: Vec<Reject>,
    pub diagnostics: Vec<Diagnostic>,
    /// Days the document covers, from its own buckets.
    pub covers: Option<Period>,
    /// Amounts that had more than 12 decimals and were rounded on reading.
    pub rounded_amounts: u64,
}

impl Document {
    pub fn new(format: &'static str, kind: DocumentKind, provider: Option<&'static str>) -> Document {
        Document {
            format,
            kind,
            provider,
            currency: None,
            lines: Vec::new(),
            stated_total: None,
            number: None,
            rows: 0,
            empty_rows: 0,
            out_of_scope: 0,
            out_of_scope_amount: Money::ZERO,
            rejects: Vec::new(),
            diagnostics: Vec::new(),
            covers: None,
            rounded_amounts: 0,
        }
    }

    /// Keeps each text of the lines once: an export says the same of thousands of them.
    pub fn share_texts(&mut self) {
        let mut texts: HashSet<Arc<str>> = HashSet::new();
        let mut share = |text: &mut Arc<str>| match texts.get(text) {
            Some(known) => *text = known.clone(),
            None => {
                texts.insert(text.clone());
            }
        };
        for line in &mut self.lines {
            share(&mut line.text);
            if let ModelScope::One(model) = &mut line.model {
                share(model);
            }
            let more = [&mut line.account, &mut line.region, &mut line.project, &mut line.key];
            more.into_iter().flatten().for_each(&mut share);
        }
        self.lines.shrink_to_fit();
    }

    /// Sum of the amounts of all lines.
    pub fn lines_total(&self) -> Money {
        self.lines.iter().filter_map(|line| line.amount).sum()
    }
}

/// A row that could not be used, kept with its place and reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reject {
    pub origin: Origin,
    /// Stable id in kebab case: `negative-tokens`, `cut-last-line`.
    pub code: &'static str,
    pub reason: String,
    /// Money the row shows, where it can be read.
    pub amount: Option<Money>,
}
