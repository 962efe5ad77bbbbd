//! What do an account's terms make of its month? List cost, contracted cost, and what each term did in between.
//!
//! Terms apply in stacking order. Each changes the running cost of the leaves it speaks of, or adds a line of its own
//! (a credit, a shortfall, capacity by the hour). For every account, exactly:
//!
//! ```text
//! contracted = list + Σ effects
//! ```

mod apply;
mod balance;
mod bands;
#[cfg(test)]
mod page;
#[cfg(test)]
mod properties;
mod rows;
#[cfg(test)]
mod unpriced;
#[cfg(test)]
mod vectors;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{Error, Result};
use crate::money::{Money, ONE, Ratio};
use crate::period::Period;
use crate::pricebook::Priced;
use crate::pricebook::terms::{Kind, Shown, Term};
use crate::rate::{Account, DayUsage, Leaf, Rater};
use rows::Rows;

/// The month of one account.
#[derive(Debug, Clone)]
pub struct Statement {
    pub account: Account,
    /// Usage at list prices.
    pub list: Money,
    /// What the contract makes of the usage.
    pub usage: Money,
    /// `usage` and the lines beside it.
    pub contracted: Money,
    pub models: BTreeMap<Arc<str>, ModelCost>,
    /// In stacking order; a term that adds a line and changes usage has two.
    pub effects: Vec<Effect>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelCost {
    /// `None` where the book has no price for any of its usage.
    pub list: Option<Money>,
    /// `None` where neither book nor contract has a price for any of it.
    pub contracted: Option<Money>,
}

/// What one term did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// `file:line`
    pub term: Arc<str>,
    pub name: Arc<str>,
    pub kind: &'static str,
    pub cause: &'static str,
    pub order: u32,
    pub origin: Origin,
    pub shown: Shown,
    /// Words by which its line is known on the bill.
    pub line: Option<Arc<str>>,
    pub amount: Money,
    /// The part of each model; empty for lines beside the usage.
    pub models: BTreeMap<Arc<str>, Money>,
    /// The arithmetic, by which the amount is recomputed by hand.
    pub steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub value: String,
}

impl Step {
    fn new(name: &'static str, value: impl ToString) -> Step {
        Step { name, value: value.to_string() }
    }
}

/// The statements of a month, with the prices they make and what they could not do.
#[derive(Debug, Default)]
pub struct Contract {
    pub statements: Vec<Statement>,
    /// Leaves whose amount on the bill's usage lines is not their row's price.
    pub prices: BTreeMap<Leaf, Priced>,
    pub problems: Vec<Diagnostic>,
}

/// Billable quantities by leaf.
pub fn billable(usage: &[DayUsage]) -> BTreeMap<Leaf, i128> {
    let mut leaves: BTreeMap<Leaf, i128> = BTreeMap::new();
    for row in usage.iter().filter(|row| row.outcome.is_billable()) {
        for (leaf, quantity) in row.leaves() {
            *leaves.entry(leaf).or_default() += quantity;
        }
    }
    leaves
}

/// Applies every term to the usage of the accounts it is for. Terms that need a whole month are left out of other
/// periods, and said so.
pub fn statements(
    rater: &Rater,
    leaves: &BTreeMap<Leaf, i128>,
    accounts: &BTreeSet<Account>,
    period: Period,
    whole_month: bool,
) -> Result<Contract> {
    let mut contract = Contract::default();
    let book = rater.book;
    if book.terms().is_empty() {
        return Ok(contract);
    }
    let mut accounts: BTreeSet<Account> = accounts.clone();
    accounts.extend(leaves.keys().map(|leaf| leaf.account.clone()));
    contract.problems.extend(nobodys(book.terms(), &accounts));
    accounts.extend(
        book.terms().iter().filter_map(|term| {
            Some(Account { provider: term.seller.into(), id: Some(term.account.clone()?) })
        }),
    );
    one_account_each(book.terms(), &accounts)?;
    if !whole_month {
        contract.problems.extend(book.terms().iter().filter(|term| of_the_month(term)).map(not_applied));
    }
    let mut by_account: BTreeMap<&Account, Vec<(&Leaf, i128)>> = BTreeMap::new();
    for (leaf, quantity) in leaves {
        by_account.entry(&leaf.account).or_default().push((leaf, *quantity));
    }
    for account in &accounts {
        let terms: Vec<&Term> = book
            .terms()
            .iter()
            .filter(|term| *term.seller == *account.provider && term.is_for(account.id.as_deref()))
            .filter(|term| !of_the_month(term) || whole_month)
            .filter(|term| term.in_unit_price() || active(term, period))
            .collect();
        if terms.is_empty() {
            continue;
        }
        let leaves = by_account.remove(account).unwrap_or_default();
        let (mut rows, mut effects) = Rows::new(rater, &leaves, &terms)?;
        for term in terms.iter().filter(|term| !term.in_unit_price()) {
            effects.extend(apply::apply(term, &mut rows, period, &mut contract.problems)?);
        }
        effects.sort_by_key(|effect| effect.order);
        contract.prices.extend(rows.prices()?);
        contract.statements.push(rows.statement(account, effects)?);
    }
    Ok(contract)
}

/// True where the term is in force at some instant of the period.
fn active(term: &Term, period: Period) -> bool {
    term.from < period.last.next().start() && term.to.is_none_or(|to| period.first.start() < to)
}

/// True where the term depends on the month as a whole, not on each unit alone.
fn of_the_month(term: &Term) -> bool {
    !matches!(term.kind, Kind::OffList { .. } | Kind::Price { .. } | Kind::MarketplaceUnit { .. })
}

/// A balance, an allowance or a band belongs to one account; which one, only the contract can tell.
fn one_account_each(terms: &[Term], accounts: &BTreeSet<Account>) -> Result<()> {
    let ambiguous = terms.iter().filter(|term| {
        let ours = accounts.iter().filter(|account| *account.provider == *term.seller);
        of_the_month(term) && term.account.is_none() && ours.count() > 1
    });
    let problems: Vec<Diagnostic> = ambiguous
        .map(|term| {
            let ids = accounts.iter().filter(|account| *account.provider == *term.seller);
            let ids: Vec<String> =
                ids.map(|account| account.id.as_deref().unwrap_or("one without a name").to_owned()).collect();
            let message =
                format!("the {} of {} does not say which account it is for", term.kind.id(), term.seller);
            Diagnostic::error("contract-account", term.origin.clone(), message)
                .help(format!("add account = \"…\" to the term; the accounts are {}", ids.join(", ")))
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::Input(problems)) }
}

/// Terms of accounts that neither books nor bills nor log know.
fn nobodys(terms: &[Term], accounts: &BTreeSet<Account>) -> Vec<Diagnostic> {
    let known = |term: &Term| -> Vec<&str> {
        let ours = accounts.iter().filter(|account| *account.provider == *term.seller);
        ours.filter_map(|account| account.id.as_deref()).collect()
    };
    let unknown = terms.iter().filter_map(|term| {
        let id = term.account.as_deref()?;
        let known = known(term);
        (!known.contains(&id)).then(|| {
            let help = match nearest(id, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    format!("add it to the books: [[account]] provider = \"{}\", id = \"{id}\"", term.seller)
                }
            };
            let message = format!("`{id}` is no account of {} that books, bills or log know", term.seller);
            Diagnostic::warning("contract-account", term.origin.clone(), message).help(help)
        })
    });
    unknown.collect()
}

fn not_applied(term: &Term) -> Diagnostic {
    let message = format!("the {} needs a whole month and is left out of this period", term.kind.id());
    Diagnostic::warning("contract-period", term.origin.clone(), message)
        .help("ask for a month: --month 2026-10")
}

/// `amount × ratio`, rounded half to even once.
fn scale(amount: Money, ratio: Ratio) -> Result<Money> {
    let whole = Ratio::new(amount.pico(), ONE).and_then(|amount| amount.checked_mul(ratio));
    let money = whole.and_then(|product| product.amount(1).ok());
    money.map(|(money, _)| money).ok_or_else(|| Error::Internal(format!("{amount} × a factor is too large")))
}
