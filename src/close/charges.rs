//! Lines that no usage stands behind: tax, credits, fees, storage. Split off exactly, by type, never explained away.

use super::inputs::AccountDocument;
use crate::causes::{Fact, Fix, Scope, Status};
use crate::invoice::DocumentKind;
use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::Line;
use crate::vocabulary::ChargeCategory;

/// Charges of one account with the same category and words.
#[derive(Debug, Clone)]
pub struct ChargeLine {
    pub account: Account,
    pub category: ChargeCategory,
    pub text: String,
    pub amount: Money,
    pub lines: u64,
    pub origin: String,
    /// `None`: the line says nothing that proves what it is.
    pub cause: Option<&'static str>,
    pub scope: Scope,
    /// The contract term that expects it.
    pub term: Option<Expected>,
}

/// What a contract term says a charge should be.
#[derive(Debug, Clone)]
pub struct Expected {
    /// `file:line`
    pub term: String,
    pub amount: Money,
    /// The part of the bill's amount that the term accounts for; the rest is unexplained.
    pub explained: Money,
    pub facts: Vec<Fact>,
}

/// What a document's own total has beyond its lines: payable, and shown by no line.
pub fn footings(documents: &[AccountDocument]) -> Vec<ChargeLine> {
    let payable = documents
        .iter()
        .filter(|document| matches!(document.kind, DocumentKind::Cost | DocumentKind::Invoice));
    payable
        .filter_map(|document| {
            let (total, lines) = (document.stated_total?, document.document.lines_total());
            let amount = total - lines;
            (!amount.is_zero()).then(|| ChargeLine {
                account: document.account.clone(),
                category: ChargeCategory::Adjustment,
                text: format!("stated total {total} less lines {lines}"),
                amount,
                lines: 1,
                origin: document.path.to_string(),
                cause: Some("inv.footing"),
                scope: Scope::of(&document.account),
                term: None,
            })
        })
        .collect()
}

/// Sums charge lines by account, category and text, in order.
pub fn charges(lines: &[Line]) -> Vec<ChargeLine> {
    let mut sums: std::collections::BTreeMap<(Account, ChargeCategory, String), ChargeLine> =
        Default::default();
    for line in lines {
        let key = (line.account.clone(), line.line.category, line.line.text.to_string());
        let charge = sums.entry(key).or_insert_with(|| ChargeLine {
            account: line.account.clone(),
            category: line.line.category,
            text: line.line.text.to_string(),
            amount: Money::ZERO,
            lines: 0,
            origin: line.line.origin.to_string(),
            cause: cause(line),
            scope: Scope::of(&line.account),
            term: None,
        });
        charge.amount += line.line.amount.unwrap_or_default();
        charge.lines += 1;
        charge.scope.days(line.line.period.first, line.line.period.last);
    }
    sums.into_values().collect()
}

/// The cause a charge proves by its own type; words decide only between kinds of non-usage.
fn cause(line: &Line) -> Option<&'static str> {
    let text = line.line.text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match line.line.category {
        ChargeCategory::Tax => Some("terms.tax"),
        ChargeCategory::Credit => Some("terms.credit_refund"),
        ChargeCategory::Purchase | ChargeCategory::Adjustment if says(&["fee", "surcharge"]) => {
            Some("terms.platform_fee")
        }
        ChargeCategory::Adjustment if says(&["refund", "credit"]) => Some("terms.credit_refund"),
        ChargeCategory::Purchase if says(&["seat", "support", "training", "subscription"]) => {
            Some("inv.non_usage")
        }
        ChargeCategory::Usage if says(&["storage", "session", "code interpreter", "container"]) => {
            Some("cls.storage_session")
        }
        _ => None,
    }
}

impl ChargeLine {
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![
            Fact::new("the bill says", &self.text).at(&self.origin),
            Fact::new("lines", self.lines),
            Fact::new("category", self.category),
        ];
        if let Some(expected) = &self.term {
            facts.push(Fact::new("the contract says", expected.amount).at(&expected.term));
            facts.extend(expected.facts.iter().cloned());
        }
        facts
    }

    /// What its finding explains: all of it, or what the contract says it should be.
    pub fn explained(&self) -> Money {
        self.term.as_ref().map_or(self.amount, |expected| expected.explained)
    }

    pub fn fix(&self) -> Fix {
        let text = match self.cause {
            _ if self.explained() != self.amount => {
                "the bill is not what the contract says: claim the difference, or correct the term"
            }
            _ if self.term.is_some() => "book it as the contract says; its arithmetic is in the evidence",
            Some("terms.tax") => "book it as recoverable or non-recoverable tax, not as usage",
            Some("inv.footing") => {
                "ask for a corrected document before it is paid: its lines do not add up to its total"
            }
            Some("terms.credit_refund") => {
                "match it with the credit note or grant; it lowers what is payable, not what was used"
            }
            _ => "give the charge an account and an owner; no request can match it",
        };
        Fix { kind: "classify", text: text.to_owned(), patch: String::new() }
    }

    pub const fn status(&self) -> Status {
        Status::Proven
    }
}
