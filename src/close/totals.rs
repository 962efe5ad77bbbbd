//! The totals, and every promise of the document computed again from its own figures.

use super::document::{Bridge, Cell, CellStatus, Charge, Finding, Reconciliation, Totals};
use crate::error::{Error, Result};
use crate::money::Money;

pub(super) fn totals(cells: &[Cell], charges: &[Charge], findings: &[Finding]) -> Result<Totals> {
    let of_bridge = |bridge| -> Money {
        findings.iter().filter(|finding| finding.bridge == bridge).map(|finding| finding.amount).sum()
    };
    let undecided = |size: fn(Money) -> Money| -> Money {
        let open = |finding: &&Finding| finding.bridge == Bridge::PricedBilled && finding.is_undecided();
        findings.iter().filter(open).map(|finding| size(finding.amount)).sum()
    };
    let charged: Money = charges.iter().map(|charge| charge.amount).sum();
    let logged = cells.iter().map(|cell| cell.logged).sum();
    let priced: Money = cells.iter().map(|cell| cell.priced).sum();
    let billed = cells.iter().map(|cell| cell.billed).sum::<Money>() + charged;
    Ok(Totals {
        logged,
        priced,
        billed,
        delta: billed - priced,
        explained: of_bridge(Bridge::PricedBilled),
        undecided: undecided(|amount| amount),
        undecided_gross: undecided(Money::abs),
        unexplained: cells
            .iter()
            .map(|cell| cell.unexplained)
            .chain(charges.iter().map(|charge| charge.unexplained))
            .sum(),
        unexplained_gross: cells
            .iter()
            .map(|cell| cell.unexplained.abs())
            .chain(charges.iter().map(|charge| charge.unexplained.abs()))
            .sum(),
        no_invoice_gross: cells
            .iter()
            .filter(|cell| cell.status == CellStatus::NoInvoice)
            .map(|cell| cell.unexplained.abs())
            .sum(),
        rounding_bound: cells.iter().map(|cell| cell.rounding_bound).sum(),
        logged_explained: of_bridge(Bridge::LoggedPriced),
        logged_unexplained: cells.iter().map(|cell| cell.logged_unexplained).sum(),
        logged_unexplained_gross: cells.iter().map(|cell| cell.logged_unexplained.abs()).sum(),
    })
}

/// Every promise of the document, computed again from its own figures.
pub fn check(document: &Reconciliation) -> Result<()> {
    let broken = |what: String| Err(Error::Internal(format!("the document does not foot: {what}")));
    for cell in &document.cells {
        let found: Money = cell.findings.iter().map(|finding| finding.amount).sum();
        if cell.delta != found + cell.unexplained || cell.delta != cell.billed - cell.priced {
            return broken(format!("cell {} {:?} {}", cell.provider, cell.model, cell.from));
        }
        let first: Money = cell.logged_findings.iter().map(|finding| finding.amount).sum();
        if cell.priced - cell.logged != first + cell.logged_unexplained {
            return broken(format!("logged side of cell {} {:?} {}", cell.provider, cell.model, cell.from));
        }
    }
    let totals = &document.totals;
    let cells: Money = document.cells.iter().map(|cell| cell.delta).sum();
    let charges: Money = document.charges.iter().map(|charge| charge.amount).sum();
    if totals.delta != cells + charges || totals.delta != totals.explained + totals.unexplained {
        return broken("totals of the bridge priced to billed".to_owned());
    }
    if totals.priced - totals.logged != totals.logged_explained + totals.logged_unexplained {
        return broken("totals of the bridge logged to priced".to_owned());
    }
    for input in &document.inputs {
        let set_aside = input.rejected
            + input.duplicates
            + input.outside_month
            + input.not_billable
            + input.out_of_scope
            + input.empty;
        if input.rows != set_aside + input.used {
            return broken(format!("rows of {}", input.path));
        }
    }
    Ok(())
}
