//! `README.txt`: what is in the folder, for which finding, and how each kind is applied.

use std::collections::BTreeSet;

use super::{Context, File, KINDS, prices};
use crate::causes::remedy::Remedy;
use crate::close::document::Finding;
use crate::inert::printable;

pub fn page(context: &Context, files: &[File]) -> File {
    let document = context.document;
    let mut text = format!(
        "Fixes for {}, written by llmfin from the findings of its reconciliation.\n\
         Nothing here has been applied. Read each file before you use it.\n\n\
         Files, with the findings they are about\n",
        document.month
    );
    for file in files {
        text += &format!("  {:<44} {}\n", file.path, file.findings.join(" "));
    }
    text += "\nHow they are applied\n";
    let named: BTreeSet<&str> = files.iter().flat_map(|file| &file.findings).map(String::as_str).collect();
    let listed: Vec<&Finding> =
        document.findings.iter().filter(|finding| named.contains(finding.id.as_str())).collect();
    let inside = |file: &File| match file.path.strip_prefix("undecided/") {
        Some(rest) => rest.split_once('/').map_or(String::new(), |(_, path)| path.to_owned()),
        None => file.path.clone(),
    };
    let inside: Vec<String> = files.iter().map(inside).collect();
    for kind in KINDS.iter().filter(|kind| inside.iter().any(|path| path.starts_with(kind.path))) {
        text += &format!("  {}: {}.\n", kind.name, kind.how);
    }
    text += "\nFindings\n";
    for finding in &listed {
        let fix = finding.fix.as_ref().map(|fix| format!(": {}", printable(&fix.text))).unwrap_or_default();
        text += &format!(
            "  {:<4} {:<24} {:>14} {:<10}{fix}\n",
            finding.id,
            finding.cause,
            finding.amount.grouped(2),
            finding.status.id()
        );
    }
    if files.iter().any(|file| file.path.starts_with("undecided/")) {
        text += "\nWhat lies in undecided/ fits as well as its rivals do. Apply it only once you know which holds:\n";
        for finding in listed.iter().filter(|finding| {
            files.iter().any(|file| file.path.starts_with(&format!("undecided/{}/", finding.id)))
        }) {
            let rivals = finding.others().chain(finding.also());
            let rivals: Vec<String> = rivals.map(printable).collect();
            let decides = finding.decides.as_deref().map(printable).unwrap_or_default();
            text += &format!("  {:<4} or {}; decided by: {decides}\n", finding.id, rivals.join(", or "));
        }
    }
    let odd = |remedy: &Remedy| matches!(remedy, Remedy::Price(step) if !prices::can_name(&step.model));
    let odd = document.findings.iter().filter(|finding| finding.remedies.iter().any(odd));
    let odd: Vec<&str> = odd.map(|finding| finding.id.as_str()).collect();
    if !odd.is_empty() {
        text += &format!(
            "\nWithout a price row, because a spreadsheet would run the model's name or marks in it cannot be seen: {}.\n\
             Give the model another name in the gateway, or map it with a [[model]] table.\n",
            odd.join(" ")
        );
    }
    text += "\nA price that the seller does not confirm is disputed, not added: a finding has a file in disputes/ as well\n\
             where the bill's own quantities at the published price make less than it charges. Use one or the other.\n\
             After applying, run the same command again: the finding is gone and the others stay as they were.\n";
    File { path: "README.txt".to_owned(), content: text, findings: Vec::new() }
}
