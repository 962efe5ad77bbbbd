//! Was it right? What the document claims, cell by cell, against what the world knows.

use std::collections::BTreeMap;

use llmfin::causes::Status;
use llmfin::close::assemble::assemble;
use llmfin::close::check;
use llmfin::close::document::{Bridge, Finding, Reconciliation};
use llmfin::money::Money;
use llmfin::pricebook::Pricebook;

use crate::month::{World, day};

#[derive(Debug, Default)]
pub struct Verdict {
    /// Model-days with a cause at work that moves money, and those of them fully explained by it.
    pub faulty: usize,
    pub found: usize,
    /// Claims of a cause that is not at work there.
    pub wrong: Vec<String>,
    /// Claims marked ambiguous.
    pub ambiguous: usize,
    pub missed: Vec<String>,
    pub unexplained: Money,
}

pub fn judge(world: &World, book: &Pricebook) -> (Verdict, Reconciliation) {
    let document = assemble(&world.inputs(book)).unwrap();
    check(&document).unwrap();
    let findings: BTreeMap<&str, &Finding> =
        document.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
    let mut verdict = Verdict { unexplained: document.totals.unexplained_gross, ..Verdict::default() };
    for cell in &document.cells {
        let truth = |cause: &str| {
            (world.first..=world.last).filter(|at| cell.from <= day(*at) && day(*at) <= cell.to).any(|at| {
                world.truth.iter().any(|((model, on), causes)| {
                    *on == at
                        && cell.model.as_deref().is_none_or(|known| known == *model)
                        && causes.contains(cause)
                })
            })
        };
        let mut named = false;
        for claim in &cell.findings {
            let finding = findings[claim.id.as_str()];
            assert_eq!(finding.bridge, Bridge::PricedBilled);
            if finding.cause == "round.line" {
                continue;
            }
            let right = truth(&finding.cause)
                || (finding.status == Status::Ambiguous && finding.rivals.iter().any(|rival| truth(rival)));
            if right {
                named = true;
                verdict.ambiguous += usize::from(finding.status == Status::Ambiguous);
            } else {
                verdict.wrong.push(format!(
                    "{} {:?} {} {} in {:?} {} {}",
                    finding.cause,
                    finding.status,
                    finding.id,
                    finding.amount,
                    cell.model,
                    cell.from,
                    claim.amount
                ));
            }
        }
        let faulty = world.truth.keys().any(|(model, on)| {
            cell.model.as_deref() == Some(*model) && cell.from == day(*on) && cell.to == day(*on)
        });
        if faulty && cell.delta.abs() > cell.rounding_bound {
            verdict.faulty += 1;
            if named && cell.unexplained.is_zero() {
                verdict.found += 1;
            } else {
                verdict
                    .missed
                    .push(format!("{:?} {} {} of {}", cell.model, cell.from, cell.unexplained, cell.delta));
            }
        }
    }
    (verdict, document)
}
