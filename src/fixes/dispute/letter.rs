//! The letter of a dispute, as it is sent: what is wrong, the prices where prices are at stake, and the lines. Nothing in
//! it is a name that only we know; those are in the note beside it.

use std::collections::BTreeSet;

use super::FOOTING;
use super::claim::{COLUMNS, Claim, Column, Value};
use super::sources::{Source, prices, sellers_page, sources};
use super::wrong::wrong;
use crate::close::document::Finding;
use crate::fixes::Context;
use crate::fixes::words::{base_name, code, codes, count, filled, table};
use crate::money::Money;
use crate::vocabulary::ChargeCategory;

/// Lines that the letter itself shows.
const SHOWN: usize = 20;
/// To be filled in by hand.
const BLANK: &str = "____________________";

pub fn letter(context: &Context, finding: &Finding, claims: &[Claim]) -> String {
    let provider = finding.scope.provider.as_deref().unwrap_or("");
    let sources = sources(context, provider, claims);
    let (month, currency) = (&context.document.month, &context.document.currency);
    let mut text = format!("# Billing dispute: {}, {month}\n\n", code(provider));
    text += &before(context, provider, &sources);
    let numbers = numbers(context, finding);
    let invoice = if numbers.is_empty() { BLANK.to_owned() } else { codes(numbers) };
    let account = finding.scope.account.as_deref().map_or_else(|| BLANK.to_owned(), code);
    text += &format!(
        "- from: {BLANK} (company, address, contact)\n- to: {}, billing\n- customer or account: {account}\n\
         - invoice: {invoice}\n- date: {BLANK}\n- our reference: {month} {}\n\n",
        code(provider),
        finding.id,
    );
    text += &format!(
        "We ask you to review and credit **{currency} {}**{}.\n\n## What is wrong\n\n{}\n",
        finding.amount.grouped(2),
        days(finding),
        wrong(context, finding, claims, &sources)
    );
    if let Some(tax) = tax(context, finding) {
        text += &format!(
            "\nAll amounts are before tax. You charged {currency} {} of tax on this account in {month}; please correct it \
             along with them.\n",
            tax.grouped(2)
        );
    }
    if !sources.is_empty() {
        text += &format!("\n## The prices\n\n{}", prices(&sources));
    }
    text + &lines(finding, claims)
}

/// What must not be sent without a look.
fn before(context: &Context, provider: &str, sources: &[Source]) -> String {
    let page = sellers_page(context.inputs.book, provider).filter(|_| sources.iter().any(Source::is_foreign));
    page.map_or_else(String::new, |page| {
        format!(
            "> Before you send this: prices from a list kept by others are no word of the seller's. Compare them with its own \
             page, {} (read {}), and take this paragraph out.\n\n",
            code(&page.url),
            page.retrieved
        )
    })
}

fn days(finding: &Finding) -> String {
    match (finding.scope.from, finding.scope.to) {
        (Some(from), Some(to)) if from == to => format!(" for {from}"),
        (Some(from), Some(to)) => format!(" for {from} to {to}"),
        _ => String::new(),
    }
}

/// Numbers of the account's invoices, where the books or the documents say them.
fn numbers<'c>(context: &'c Context, finding: &Finding) -> BTreeSet<&'c str> {
    let scope = &finding.scope;
    let own = context.inputs.documents.iter().filter(|document| {
        scope.provider.as_deref() == Some(&*document.account.provider)
            && scope.account.as_deref() == document.account.id.as_deref()
    });
    own.filter_map(|document| document.number.as_deref()).collect()
}

/// Tax on the account's bill; a document's total has it inside.
fn tax(context: &Context, finding: &Finding) -> Option<Money> {
    if finding.cause == FOOTING {
        return None;
    }
    let own = context.document.charges.iter().filter(|charge| {
        charge.category == ChargeCategory::Tax
            && Some(&charge.provider) == finding.scope.provider.as_ref()
            && charge.account == finding.scope.account
    });
    Some(own.map(|charge| charge.amount).sum::<Money>()).filter(|tax| !tax.is_zero())
}

fn lines(finding: &Finding, claims: &[Claim]) -> String {
    let files: BTreeSet<&str> =
        claims.iter().filter_map(Claim::origin).map(|at| base_name(&at.file)).collect();
    let mut columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.in_letter).collect();
    let of = match files.first() {
        Some(file) if files.len() == 1 => {
            columns.retain(|column| column.name != "file");
            format!("Lines are those of your file {}. ", code(file))
        }
        _ => String::new(),
    };
    let shown = claims.get(..SHOWN).unwrap_or(claims);
    let decimals = decimals(shown, &columns);
    let cell = |value: Option<Value>| match value {
        None => String::new(),
        Some(Value::Text(text)) => code(&text),
        Some(Value::Line(line)) => line.to_string(),
        Some(Value::Count(number)) => count(number),
        Some(Value::Amount(amount)) => amount.grouped(decimals),
    };
    let row = |claim: &Claim| columns.iter().map(|column| cell((column.value)(claim))).collect();
    let header: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let (header, rows) = filled(&header, shown.iter().map(row).collect());
    let heading = match claims.len().saturating_sub(SHOWN) {
        0 => "## The lines".to_owned(),
        more => format!("## The first {SHOWN} of {} lines", SHOWN + more),
    };
    format!(
        "\n{heading}\n\n{of}All of them are in the attached `{}.csv`; its column `claimed` adds up to {}.\n\n{}",
        finding.id,
        finding.amount.plain(),
        table(&header, &rows)
    )
}

/// Decimals that show every amount of the table exactly: the rows add up as they stand.
fn decimals(claims: &[Claim], columns: &[&Column]) -> u32 {
    let amounts = claims.iter().flat_map(|claim| columns.iter().map(|column| (column.value)(claim)));
    let needed = amounts.map(|value| match value {
        Some(Value::Amount(amount)) => amount.plain().split_once('.').map_or(0, |(_, cents)| cents.len()),
        _ => 0,
    });
    needed.max().unwrap_or(0).clamp(2, 12) as u32
}
