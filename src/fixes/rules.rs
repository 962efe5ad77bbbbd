//! `rules.toml`: what the books should say of traffic and of the gateway's projects.

use super::{Context, File, Kind, ids, remedies};
use crate::causes::remedy::Remedy;
use crate::close::document::Finding;
use crate::error::Result;

pub const KIND: Kind = Kind {
    name: "rules",
    path: "rules.toml",
    how: "with books: add its tables to the end of llmfin.toml; without: llmfin reconcile --rules rules.toml …",
    takes: |finding| finding.remedies.iter().any(is_rule),
    write,
    applied: true,
};

fn is_rule(remedy: &Remedy) -> bool {
    matches!(remedy, Remedy::Traffic(_) | Remedy::Gateway { .. })
}

fn write(context: &Context, findings: &[&Finding]) -> Result<Vec<File>> {
    let mut content = format!(
        "# What the log of {} does not say and the bill shows. Written by llmfin; read it before you use it.\n",
        context.document.month
    );
    let mut seen: Vec<String> = Vec::new();
    for (finding, remedy) in remedies(findings, |remedy| is_rule(remedy).then_some(remedy)) {
        // Two bypasses of one account have one declaration.
        let Some(table) = remedy.toml(&finding.cause).filter(|table| !seen.contains(table)) else { continue };
        seen.push(table.clone());
        // A second table of an account that the books have would be refused.
        let known =
            matches!(remedy, Remedy::Gateway { account, .. } if context.inputs.accounts.contains(account));
        let (note, table) = match known {
            true => (
                "; add `projects` to this account of the books",
                table.lines().map(|line| format!("# {line}\n")).collect(),
            ),
            false => ("", table),
        };
        content += &format!(
            "\n# {}: {} of {}, {}{note}\n{table}",
            finding.id,
            finding.cause,
            finding.amount.grouped(2),
            finding.status.id()
        );
    }
    Ok(vec![File { path: "rules.toml".to_owned(), content, findings: ids(findings) }])
}
