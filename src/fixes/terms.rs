//! `contracts/<seller>.toml`: terms that the bill shows and no contract of the books has.

use std::collections::BTreeMap;

use super::{Context, File, Kind, ids, remedies};
use crate::causes::remedy::Remedy;
use crate::close::document::Finding;
use crate::error::Result;

pub const KIND: Kind = Kind {
    name: "terms",
    path: "contracts/",
    how: "once the contract confirms it, save it where `contracts` of llmfin.toml points, or use --contract FILE",
    takes: |finding| finding.remedies.iter().any(|remedy| matches!(remedy, Remedy::Discount(_))),
    write,
    applied: true,
};

fn write(context: &Context, findings: &[&Finding]) -> Result<Vec<File>> {
    let mut files: BTreeMap<String, (String, Vec<&Finding>)> = BTreeMap::new();
    let terms = remedies(findings, |remedy| match remedy {
        Remedy::Discount(discount) => Some((discount, remedy)),
        _ => None,
    });
    for (finding, (discount, remedy)) in terms {
        let Some(term) = remedy.toml(&finding.cause) else { continue };
        let path = format!("contracts/{}-{}.toml", discount.account.provider, context.document.month);
        let file = files.entry(path).or_default();
        file.0 += &format!(
            "# {}: {} of {}, {}. Confirm it with the contract.\n{term}",
            finding.id,
            finding.cause,
            finding.amount.grouped(2),
            finding.status.id()
        );
        file.1.push(finding);
    }
    let file = |(path, (content, findings)): (String, (String, Vec<&Finding>))| File {
        path,
        content,
        findings: ids(&findings),
    };
    Ok(files.into_iter().map(file).collect())
}
