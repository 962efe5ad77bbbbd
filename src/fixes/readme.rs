//! `README.txt`: what is in the folder, for which finding, and how each kind is applied.

use std::collections::BTreeSet;

use super::{Context, File, KINDS};
use crate::close::document::Finding;

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
    for kind in KINDS.iter().filter(|kind| listed.iter().any(|finding| (kind.takes)(finding))) {
        text += &format!("  {}: {}.\n", kind.name, kind.how);
    }
    text += "\nFindings\n";
    for finding in &listed {
        let fix = finding.fix.as_ref().map(|fix| format!(": {}", clean(&fix.text))).unwrap_or_default();
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
            let decides = finding.decides.as_deref().map(clean).unwrap_or_default();
            text += &format!("  {:<4} or {}; decided by: {decides}\n", finding.id, finding.rivals.join(", "));
        }
    }
    text += "\nA price that the seller does not confirm is disputed, not added: a finding has a file in disputes/ as well\n\
             where the bill is higher than the published price. Use one or the other.\n\
             After applying, run the same command again: the finding is gone and the others stay as they were.\n";
    File { path: "README.txt".to_owned(), content: text, findings: Vec::new() }
}

/// One line, whatever names are in it.
fn clean(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
