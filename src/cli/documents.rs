//! Provider documents as the books declare them or the command line names them: whose they are, in which currency, and
//! that no two of them bill the same days.

use std::sync::Arc;

use super::inputs::InvoiceInput;
use crate::books::Books;
use crate::books::inputs::InvoiceSource;
use crate::close::inputs::AccountDocument;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::invoice::{Document, DocumentKind};
use crate::money::{Money, Ratio};
use crate::rate::Account;
use crate::read::source::Source;
use crate::read::{detect, mapped};

/// The currency without books.
pub const CURRENCY: &str = "USD";

/// Reads a bill that is named on the command line.
pub fn named_document(invoice: &InvoiceInput, source: &Source) -> Result<AccountDocument> {
    let format = detect::document(source, invoice.input.format.as_deref())?;
    let account =
        Account { provider: invoice.provider.into(), id: invoice.account.as_deref().map(Into::into) };
    let document = (format.read)(source)?;
    if let Some(currency) = document.currency.as_deref().filter(|currency| *currency != CURRENCY) {
        let origin = document.lines.first().map_or_else(|| source.origin(), |line| line.origin.clone());
        let message =
            format!("the amounts are in {currency}, and only books know an exchange rate to {CURRENCY}");
        return Err(Diagnostic::error("no-exchange-rate", origin, message)
            .help(format!(
                "put the files in books with `[[fx.rates]]`: `from`, `currency = \"{currency}\"` and `rate = \"…\"`"
            ))
            .into());
    }
    account_document(source, account, format.kind, document, None, None)
}

/// One billing authority per account and day: two cost exports that speak of the same days would count twice.
pub fn one_authority(documents: &[AccountDocument]) -> Result<()> {
    let mut problems = Vec::new();
    for (index, second) in documents.iter().enumerate() {
        let copied = |first: &&AccountDocument| {
            first.account != second.account && first.path != second.path && first.sha256 == second.sha256
        };
        let copies = documents[..index].iter().filter(copied);
        problems.extend(copies.map(|first| one_bill_of_two(first, second)));
        for first in documents[..index]
            .iter()
            .filter(|first| first.account == second.account && first.kind == second.kind)
        {
            let same = first.sha256 == second.sha256;
            let overlap = first
                .document
                .covers
                .zip(second.document.covers)
                .is_some_and(|(a, b)| a.first <= b.last && b.first <= a.last);
            // A cloud delivers one month in parts that share its days; a direct export is one file for a range of days.
            let parts = first.document.format == second.document.format
                && !second.document.format.starts_with(&*second.account.provider);
            if same || (first.kind == DocumentKind::Cost && overlap && !parts) {
                problems.push(match organisation(first).zip(organisation(second)) {
                    Some((ours, theirs)) if ours != theirs => two_organisations(first, ours, second, theirs),
                    _ => Diagnostic::error(
                        "two-authorities",
                        Origin::file(second.path.clone()),
                        format!(
                            "bills the same days of {} as `{}`: both together would count twice",
                            second.account.provider, first.path
                        ),
                    )
                    .help("give one of the two; an invoice beside a cost export is declared with `kind = \"invoice\"`"),
                });
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Input(problems)) }
}

/// One bill cannot be that of two accounts: the other one's is missing.
fn one_bill_of_two(first: &AccountDocument, second: &AccountDocument) -> Diagnostic {
    let message = format!(
        "is the bill of {} and byte for byte `{}`, the bill of {}: both together would count twice",
        second.account, first.path, first.account
    );
    Diagnostic::error("two-authorities", Origin::file(second.path.clone()), message)
        .help(format!("export the bill of {} again and give that", second.account))
}

/// The account that every line of a document names.
fn organisation(document: &AccountDocument) -> Option<&str> {
    let mut named = document.document.lines.iter().map(|line| line.account.as_deref());
    let first = named.next()??;
    named.all(|name| name == Some(first)).then_some(first)
}

/// Each of two organisations has its own bill: leaving one out would lose half of what was billed.
fn two_organisations(
    first: &AccountDocument,
    ours: &str,
    second: &AccountDocument,
    theirs: &str,
) -> Diagnostic {
    let (provider, origin) = (&second.account.provider, Origin::file(second.path.clone()));
    let message = format!(
        "bills `{theirs}` and `{}` bills `{ours}`: both are given as one account of {provider}",
        first.path
    );
    let each = |id: &str, path: &str| format!("--invoice {provider}/{id}={path}");
    Diagnostic::error("two-organisations", origin, message).help(format!(
        "name the account of each: `{} {}`, or `account = \"{provider}/{theirs}\"` in its `[[invoice]]`",
        each(ours, &first.path),
        each(theirs, &second.path)
    ))
}

/// Reads a bill the way the books declare it.
pub fn declared_document(books: &Books, invoice: &InvoiceSource, source: &Source) -> Result<AccountDocument> {
    let declared: DocumentKind = invoice.kind.into();
    let (kind, mut document) = match &invoice.mapping {
        Some(table) => {
            let mapping: mapped::Mapping = table.clone().try_into().map_err(|error: toml::de::Error| {
                Diagnostic::error(
                    "invalid-mapping",
                    Origin::file(crate::books::FILE),
                    format!("mapping of {}: {}", source.name, error.message()),
                )
                .help("`llmfin schema books` prints what a mapping may hold")
            })?;
            (declared, mapped::read_mapped(source, &mapping)?)
        }
        None => {
            let format = detect::document(source, invoice.format.as_deref())?;
            // A usage report says so itself; an invoice and a cost export can look alike.
            let kind = if format.kind == DocumentKind::Usage { DocumentKind::Usage } else { declared };
            (kind, (format.read)(source)?)
        }
    };
    if kind != declared && declared != DocumentKind::Cost {
        return Err(Diagnostic::error(
            "wrong-kind",
            source.origin(),
            format!("this is a usage report, the books call it `{}`", declared.id()),
        )
        .help("set `kind = \"usage\"` in its `[[invoice]]` table")
        .into());
    }
    convert(books, source, &mut document)?;
    if let Some(wanted) = &invoice.sha256
        && *wanted != source.sha256()?
    {
        return Err(Diagnostic::error(
            "changed-file",
            source.origin(),
            "the file is not the one the books name by its SHA-256",
        )
        .help("restore the document as received, or record the new hash and say why")
        .into());
    }
    let id = invoice.account.as_deref().map(|account| account.rsplit('/').next().unwrap_or(account).into());
    let account = Account {
        provider: invoice.provider.0.into(),
        id: id.or_else(|| only_account(books, invoice.provider.0)),
    };
    let total = match &invoice.total {
        Some(total) => Some(amount(&total.0.to_string(), source)?),
        None => None,
    };
    account_document(source, account, kind, document, invoice.number.clone(), total)
}

fn amount(text: &str, source: &Source) -> Result<Money> {
    text.parse().map_err(|error| {
        Diagnostic::error("bad-total", source.origin(), format!("the books' total: {error}")).into()
    })
}

/// The seller's only declared account.
fn only_account(books: &Books, provider: &str) -> Option<Arc<str>> {
    let mut accounts = books.accounts.iter().filter(|account| account.provider.0 == provider);
    accounts.next().filter(|_| accounts.next().is_none()).map(|account| account.id.as_str().into())
}

fn account_document(
    source: &Source,
    account: Account,
    kind: DocumentKind,
    mut document: Document,
    number: Option<String>,
    total: Option<Money>,
) -> Result<AccountDocument> {
    document.share_texts();
    Ok(AccountDocument {
        path: source.name.clone(),
        account,
        kind,
        number: number.or_else(|| document.number.clone()),
        stated_total: total.or(document.stated_total),
        sha256: source.sha256()?,
        bytes: source.bytes()?,
        document,
    })
}

/// Amounts in another currency are converted at the books' dated rate, line by line, and never without one.
fn convert(books: &Books, source: &Source, document: &mut Document) -> Result<()> {
    let own = books.book.currency.code().to_owned();
    let Some(currency) = document.currency.clone().filter(|currency| **currency != *own) else {
        return Ok(());
    };
    for line in &mut document.lines {
        let rate = books
            .fx
            .rates
            .iter()
            .filter(|rate| rate.currency.code() == &*currency && rate.from <= line.period.last)
            .max_by_key(|rate| rate.from)
            .map(|rate| rate.rate.0);
        let Some(rate) = rate else {
            return Err(Diagnostic::error(
                "no-exchange-rate",
                line.origin.clone(),
                format!("the amount is in {currency}, the books are in {own}, and there is no rate for {}", line.period.last),
            )
            .help(format!("add `[[fx.rates]]` with `from`, `currency = \"{currency}\"` and `rate = \"…\"` ({own} per {currency})"))
            .into());
        };
        for amount in [&mut line.amount, &mut line.list_amount].into_iter().flatten() {
            *amount = times(rate, *amount, source)?;
        }
        line.rounding_bound = times(rate, line.rounding_bound, source)? + Money::STEP;
    }
    document.currency = Some(own.into());
    Ok(())
}

fn times(rate: Ratio, amount: Money, source: &Source) -> Result<Money> {
    let product = Ratio::new(amount.pico(), 1).and_then(|pico| rate.checked_mul(pico)).ok_or_else(|| {
        Diagnostic::error("overflow", source.origin(), format!("{amount} cannot be converted"))
    })?;
    Ok(Money::from_pico(crate::money::div_half_even(product.numerator(), product.denominator())))
}
