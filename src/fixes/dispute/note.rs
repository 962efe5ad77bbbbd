//! `disputes/F3.internal.md`: what stays with us. The finding behind a letter, the rows and files that it rests on, and what
//! to look at before the letter goes out.

use std::collections::BTreeMap;

use super::claim::Claim;
use super::sources::sources;
use crate::close::document::Finding;
use crate::fixes::Context;
use crate::fixes::words::{code, prose};

pub fn note(context: &Context, finding: &Finding, claims: &[Claim]) -> String {
    let mut text = format!(
        "# Behind the letter {id}: not for the provider\n\n{} of {} {}, {}, in {}. `llmfin explain {}` says how it shows \
         and how it is proven.\n\n",
        code(&finding.cause),
        context.document.currency,
        finding.amount.plain(),
        finding.status.id(),
        context.document.month,
        finding.cause,
        id = finding.id,
    );
    text += "## Before it goes out\n\n- fill in the blanks of the letter\n";
    let provider = finding.scope.provider.as_deref().unwrap_or("");
    let sources = sources(context, provider, claims);
    if !sources.is_empty() {
        text +=
            "- look every price up again: a price that is right is added to the price book, not disputed\n";
    }
    if let Some(fix) = &finding.fix {
        text += &format!("- {}\n", prose(&fix.text));
    }
    if let Some(decides) = &finding.decides {
        text += &format!("- what would settle it: {}\n", prose(decides));
    }
    if !sources.is_empty() {
        text += "\n## Rows that the prices are from\n\n";
        for source in &sources {
            let meter = source.claim.meter.map_or("", |meter| meter.id());
            let basis = source.row.and_then(|row| row.basis).map(|basis| format!(", {basis}"));
            text += &format!(
                "- {} {}: {}{}\n",
                code(source.claim.model().unwrap_or_default()),
                code(meter),
                code(&source.list.row.to_string()),
                basis.unwrap_or_default()
            );
            for term in &source.terms {
                text += &format!("  - contract: {}\n", code(&term.origin.to_string()));
            }
        }
    }
    let mut files: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for origin in claims.iter().filter_map(Claim::origin) {
        let lines = files.entry(&origin.file).or_insert((origin.line, origin.line));
        *lines = (lines.0.min(origin.line), lines.1.max(origin.line));
    }
    text += "\n## Files of the lines\n\n";
    for (file, (first, last)) in files {
        text += &format!("- {}, lines {first} to {last}\n", code(file));
    }
    text
}
