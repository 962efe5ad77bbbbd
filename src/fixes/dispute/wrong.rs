//! What is wrong with a bill, in a sentence or two that need no table.

use std::collections::BTreeMap;

use super::claim::Claim;
use super::sources::Source;
use super::{FOOTING, REPEATED, unfooted};
use crate::close::document::Finding;
use crate::fixes::Context;
use crate::fixes::words::{base_name, code, codes};
use crate::money::Money;

pub fn wrong(context: &Context, finding: &Finding, claims: &[Claim], sources: &[Source]) -> String {
    match finding.cause.as_str() {
        REPEATED => repeated(claims),
        FOOTING => footing(context, finding),
        _ => price(context, finding, claims, sources),
    }
}

/// `lines 8–10 of cost.csv repeat lines 5–7 of the same file`, file by file.
fn repeated(claims: &[Claim]) -> String {
    let mut files: BTreeMap<(&str, &str), (Vec<u64>, Vec<u64>)> = BTreeMap::new();
    for claim in claims {
        if let (Some(again), Some(first)) = (claim.origin(), claim.repeats) {
            let lines = files.entry((&again.file, &first.file)).or_default();
            lines.0.push(again.line);
            lines.1.push(first.line);
        }
    }
    let mut text =
        "The same lines are on the bill twice, alike in day, text, quantity and amount.".to_owned();
    for ((again, first), (repeats, lines)) in files {
        let file = if again == first { "the same file".to_owned() } else { code(base_name(first)) };
        text += &format!(
            " {} of {} repeat{} {} of {file}.",
            runs(repeats, true),
            code(base_name(again)),
            if claims.len() == 1 { "s" } else { "" },
            runs(lines, false)
        );
    }
    text + " The usage was there once; we ask you to take the repeated lines off the bill."
}

/// `lines 8–10 and 12`
fn runs(mut lines: Vec<u64>, begins: bool) -> String {
    lines.sort_unstable();
    lines.dedup();
    let word = match (lines.len(), begins) {
        (1, true) => "Line",
        (1, false) => "line",
        (_, true) => "Lines",
        (_, false) => "lines",
    };
    let runs: Vec<String> = lines
        .chunk_by(|a, b| a + 1 == *b)
        .filter_map(|run| match (run.first()?, run.last()?) {
            (first, last) if first == last => Some(first.to_string()),
            (first, last) => Some(format!("{first}–{last}")),
        })
        .collect();
    format!("{word} {}", runs.join(", "))
}

fn footing(context: &Context, finding: &Finding) -> String {
    let currency = &context.document.currency;
    let Some(document) = unfooted(context, finding) else {
        return "The stated total of the document is not what its lines come to.".to_owned();
    };
    let name = document.number.as_deref().unwrap_or_else(|| base_name(&document.path));
    let (total, lines) = (document.stated_total.unwrap_or_default(), document.document.lines_total());
    format!(
        "Your document {} states a total of {currency} {}, and its lines come to {currency} {}: {currency} {} of the total \
         is on no line. We ask you to send a corrected document, or to name the charge that is missing from it.",
        code(name),
        total.grouped(2),
        lines.grouped(2),
        (total - lines).grouped(2),
    )
}

fn price(context: &Context, finding: &Finding, claims: &[Claim], sources: &[Source]) -> String {
    let currency = &context.document.currency;
    let (mut billed, mut expected) = (Money::ZERO, Money::ZERO);
    for claim in claims.iter().filter(|claim| claim.claimed.is_some()) {
        billed += claim.billed;
        expected += claim.expected.unwrap_or_default();
    }
    let (contract, foreign) =
        (sources.iter().any(|source| source.claim.is_agreed()), sources.iter().any(Source::is_foreign));
    let prices = match (contract, foreign) {
        (true, _) => "at the prices of our contract",
        (false, true) => "at the list prices below",
        (false, false) => "at your published prices",
    };
    let meters = finding.scope.meters.iter().map(|meter| meter.id());
    let meters =
        if finding.scope.meters.is_empty() { String::new() } else { format!(" ({})", codes(meters)) };
    let mut text = format!(
        "Your bill charges {currency} {} for {}{meters}; {prices} the same quantities come to {currency} {}.",
        billed.grouped(2),
        codes(&finding.scope.models),
        expected.grouped(2),
    );
    if contract {
        text += " The table names the list price, the term of the contract that changes it and the price that follows; \
                 we ask you to charge that price.";
    }
    if billed - expected != finding.amount {
        text += &format!(
            " Of the difference of {currency} {} this letter claims {currency} {}; the rest has other reasons.",
            (billed - expected).grouped(2),
            finding.amount.grouped(2)
        );
    }
    text
}
