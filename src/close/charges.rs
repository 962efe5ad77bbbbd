//! Lines that no usage stands behind: tax, credits, fees, storage. Split off exactly, by type, never explained away.

use super::charge_kinds;
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
            // A total of which every line is a hundred times too much was added up before the lines lost their point.
            let cents = total.pico().checked_mul(100) == Some(lines.pico());
            (!amount.is_zero()).then(|| ChargeLine {
                account: document.account.clone(),
                category: ChargeCategory::Adjustment,
                text: format!("stated total {total} less lines {lines}"),
                amount,
                lines: 1,
                origin: document.path.to_string(),
                cause: Some(if cents { "unit.minor_currency" } else { "inv.footing" }),
                scope: Scope::of(&document.account),
                term: None,
            })
        })
        .collect()
}

/// Sums charge lines by account, category and text, in order.
pub fn charges(lines: &[Line]) -> Vec<ChargeLine> {
    type Key = (Account, ChargeCategory, String, Option<&'static str>);
    let mut sums: std::collections::BTreeMap<Key, ChargeLine> = Default::default();
    for line in lines {
        let cause = charge_kinds::kind(line.line).map(|kind| kind.cause);
        let key = (line.account.clone(), line.line.category, line.line.text.to_string(), cause);
        let charge = sums.entry(key).or_insert_with(|| ChargeLine {
            account: line.account.clone(),
            category: line.line.category,
            text: line.line.text.to_string(),
            amount: Money::ZERO,
            lines: 0,
            origin: line.line.origin.to_string(),
            cause,
            scope: Scope::of(&line.account),
            term: None,
        });
        charge.amount += line.line.amount.unwrap_or_default();
        charge.lines += 1;
        charge.scope.days(line.line.period.first, line.line.period.last);
    }
    sums.into_values().collect()
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
            cause => charge_kinds::fix(cause),
        };
        Fix { kind: "classify", text: text.to_owned(), patch: String::new() }
    }

    pub const fn status(&self) -> Status {
        Status::Proven
    }
}
