//! The letter of a dispute: what was billed, what the published prices make of it, where they were read, and the lines.

use std::collections::{BTreeMap, BTreeSet};

use super::Context;
use super::dispute::Claim;
use super::words::{code, codes, prose, table};
use crate::close::document::Finding;
use crate::money::Money;
use crate::pricebook::{Evidence, Pricebook, Priced};
use crate::vocabulary::{PriceBasis, Tier};

/// Lines that the letter itself shows.
const SHOWN: usize = 20;

pub fn letter(context: &Context, finding: &Finding, claims: &[Claim]) -> String {
    let scope = &finding.scope;
    let account = scope.account.as_deref().map(|id| format!(", account {}", code(id))).unwrap_or_default();
    let provider = scope.provider.as_deref().unwrap_or("");
    let days = match (scope.from, scope.to) {
        (Some(from), Some(to)) => format!(" for {from} to {to}"),
        _ => String::new(),
    };
    let currency = &context.document.currency;
    let mut text = format!(
        "# Billing dispute: {}{account}, {}\n\nWe ask you to review and credit **{currency} {}**{days}.\n\n\
         - invoice: {}\n- models: {}\n- charges: {}\n- our reference: {} of {} ({}, {})\n\
         - exact amount claimed: {}\n\n",
        code(provider),
        context.document.month,
        finding.amount.grouped(2),
        codes(numbers(context, finding)),
        codes(&scope.models),
        codes(scope.meters.iter().map(|meter| meter.id())),
        finding.id,
        context.document.month,
        code(&finding.cause),
        finding.status.id(),
        finding.amount.plain(),
    );
    text += "## What was billed, and what the published prices make of it\n\nQuantity × published price = amount, line by line; the claims of the attached CSV add up to the amount above.\n\n";
    let counted = claims.iter().filter_map(|claim| Some((claim, claim.claimed?)));
    let mut sums: BTreeMap<(String, String), (u64, Money, Option<Money>, Money)> = BTreeMap::new();
    for (claim, claimed) in counted {
        let cells = claim.cells();
        let what = if cells[6].is_empty() { cells[2].clone() } else { cells[6].clone() };
        let sum =
            sums.entry((cells[5].clone(), what)).or_insert((0, Money::ZERO, Some(Money::ZERO), Money::ZERO));
        sum.0 += 1;
        sum.1 += claim.billed;
        sum.2 = sum.2.zip(claim.expected).map(|(sum, expected)| sum + expected);
        sum.3 += claimed;
    }
    let rows: Vec<Vec<String>> = sums
        .into_iter()
        .map(|((model, what), (lines, billed, expected, claimed))| {
            let expected = expected.map_or_else(|| "–".to_owned(), |expected| expected.grouped(4));
            vec![
                code(&model),
                code(&what),
                lines.to_string(),
                billed.grouped(4),
                expected,
                claimed.grouped(4),
            ]
        })
        .collect();
    text += &table(&["model", "charge", "lines", "billed", "at published price", "claimed"], &rows);
    let (prices, foreign) = prices(context, claims);
    if !prices.is_empty() {
        text += "\n## The published prices\n\n";
        text += &table(&["model", "meter", "tier", "per million", "source", "whose", "read"], &prices);
    }
    if let Some(page) = foreign.then(|| sellers_page(context.inputs.book, provider)).flatten() {
        let (url, read) = (code(&page.url), page.retrieved);
        text += &format!(
            "\nBefore you send this: prices from a list kept by others are no word of the seller's. Compare them with \
             its own page, {url} (read {read}).\n"
        );
    }
    text += &format!("\n## The lines{}\n\n", if claims.len() > SHOWN { ", the first of them" } else { "" });
    let rows: Vec<Vec<String>> =
        claims
            .iter()
            .take(SHOWN)
            .map(|claim| {
                let cells = claim.cells();
                let at =
                    if cells[0].is_empty() { cells[2].clone() } else { format!("{}:{}", cells[0], cells[1]) };
                [&at, &cells[3], &cells[5], &cells[6]]
                    .map(|cell| code(cell))
                    .into_iter()
                    .chain([9, 10, 11, 12, 14, 16].map(|index| {
                        if cells[index].is_empty() { "–".to_owned() } else { cells[index].clone() }
                    }))
                    .collect()
            })
            .collect();
    text += &table(
        &[
            "line",
            "day",
            "model",
            "meter",
            "quantity",
            "counted by",
            "billed",
            "per million",
            "expected",
            "claimed",
        ],
        &rows,
    );
    if let Some(decides) = &finding.decides {
        text += &format!("\nWhat would settle it: {}.\n", prose(decides));
    }
    text + "\nContact: ____________________   Date: ____________\n"
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

/// Each published price that a claim rests on, once, with where it was read; and whether a source is not the seller's.
fn prices(context: &Context, claims: &[Claim]) -> (Vec<Vec<String>>, bool) {
    let book = context.inputs.book;
    let (mut rows, mut foreign): (Vec<Vec<String>>, bool) = (Vec::new(), false);
    for claim in claims {
        let (Some(line), Some(price)) = (&claim.line, &claim.price) else { continue };
        let Some(model) = &line.model else { continue };
        let seller = &line.account.provider;
        let (source, whose, read) = match source(book, seller, price) {
            Some((evidence, own)) => {
                foreign |= !own;
                let whose = if own { "the seller's" } else { "a list kept by others" };
                (code(&evidence.url), whose, evidence.retrieved.to_string())
            }
            None => (code(&price.row.to_string()), "the price book in use", "–".to_owned()),
        };
        let meter = claim.meter.map(|meter| meter.to_string()).unwrap_or_default();
        let tier = line.line.tier.unwrap_or(Tier::Standard).to_string();
        let unit = price.unit.per_million();
        let row = vec![code(model), code(&meter), tier, unit, source, whose.to_owned(), read];
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    (rows, foreign)
}

/// Where a price was read, and whether that is the seller's own page: one that says the same of the same key comes first.
fn source<'b>(book: &'b Pricebook, seller: &str, price: &Priced) -> Option<(&'b Evidence, bool)> {
    let row = book.ledger(seller).find(|row| row.origin == price.row)?;
    let same = book.rows(seller, &row.model, row.meter).into_iter().filter(|other| {
        (other.unit, other.tier, other.ctx, &other.region, &other.window)
            == (row.unit, row.tier, row.ctx, &row.region, &row.window)
    });
    let all = std::iter::once(row).chain(same).filter_map(|row| book.evidence(&row.source));
    let all: Vec<(&Evidence, bool)> =
        all.map(|evidence| (evidence, is_sellers(book, seller, evidence))).collect();
    all.iter().find(|(_, own)| *own).or(all.first()).copied()
}

/// Pages that rows of the seller's own word come from are the seller's, and so is what else stands there.
fn is_sellers(book: &Pricebook, seller: &str, evidence: &Evidence) -> bool {
    let host = |evidence: &Evidence| evidence.url.split('/').nth(2).unwrap_or_default().to_owned();
    let own = host(evidence);
    official(book, seller).any(|page| host(page) == own)
}

fn official<'b>(book: &'b Pricebook, seller: &str) -> impl Iterator<Item = &'b Evidence> {
    let rows = book.ledger(seller).filter(|row| row.basis == Some(PriceBasis::Official));
    rows.filter_map(|row| book.evidence(&row.source))
}

/// The page that most rows of the seller's own word come from.
fn sellers_page<'b>(book: &'b Pricebook, seller: &str) -> Option<&'b Evidence> {
    let mut pages: BTreeMap<&str, (u64, &Evidence)> = BTreeMap::new();
    for page in official(book, seller) {
        pages.entry(&page.url).or_insert((0, page)).0 += 1;
    }
    pages.into_values().max_by_key(|(rows, _)| *rows).map(|(_, page)| page)
}
