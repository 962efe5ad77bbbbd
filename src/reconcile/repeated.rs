//! Lines that a bill has twice: equal in every field that a line has, place apart. That is evidence by itself; whether
//! they were billed twice, the quantities say.

use std::collections::BTreeMap;

use super::billed::Identity;
use super::grain::{BillKey, Grain, Line};
use crate::diagnostic::Origin;
use crate::invoice::BillLine;
use crate::money::Money;
use crate::rate::Account;

/// A line that is there again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repeat {
    pub identity: Identity,
    pub amount: Money,
    pub bound: Money,
    pub quantity: Option<i128>,
    pub first: Origin,
    pub again: Origin,
}

/// What makes two lines the same charge.
pub fn content(line: &BillLine) -> impl Ord + '_ {
    (
        (&line.text, &line.account, &line.model, line.period.first, line.period.last, line.meter, line.tier),
        (&line.region, line.long_context, &line.project, &line.key, &line.apart),
        (line.quantity, line.requests, line.amount, line.list_amount),
    )
}

/// Every line of usage after the first with the same content. Lines of nothing are not worth telling.
pub fn repeats<'l>(
    lines: &'l [Line<'l>],
    grain: impl Fn(&'l Account) -> &'l Grain,
) -> BTreeMap<BillKey, Vec<Repeat>> {
    let worth = |line: &&Line| line.line.amount.is_some_and(|amount| !amount.is_zero());
    let mut sorted: Vec<&Line> = lines.iter().filter(worth).collect();
    sorted.sort_by(|a, b| {
        (&a.account, content(a.line), &a.line.origin).cmp(&(&b.account, content(b.line), &b.line.origin))
    });
    let mut found: BTreeMap<BillKey, Vec<Repeat>> = BTreeMap::new();
    for same in sorted.chunk_by(|a, b| a.account == b.account && content(a.line) == content(b.line)) {
        let [first, again @ ..] = same else { continue };
        for line in again {
            found.entry(grain(&line.account).of_line(line)).or_default().push(Repeat {
                identity: Identity { project: line.line.project.clone(), key: line.line.key.clone() },
                amount: line.line.amount.unwrap_or_default(),
                bound: line.line.rounding_bound,
                quantity: line.line.quantity,
                first: first.line.origin.clone(),
                again: line.line.origin.clone(),
            });
        }
    }
    found
}
