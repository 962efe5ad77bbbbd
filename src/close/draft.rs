//! Findings before they have their numbers: from claims, roundings, charges and the gateway's own cost.

use std::collections::BTreeMap;

use super::charges::ChargeLine;
use super::document::{Bridge, Evidence, Finding, FindingFix, FindingScope, Recurrence};
use crate::causes::engine::Residual;
use crate::causes::logged::LoggedFinding;
use crate::causes::remedy::Remedy;
use crate::causes::{self, Claim, Fact, Fix, Scope};
use crate::money::Money;
use crate::rate::Account;
use crate::reconcile::CellKey;

/// A finding before it has its number.
pub(super) struct Draft {
    pub(super) bridge: Bridge,
    pub(super) cause: String,
    pub(super) status: causes::Status,
    pub(super) scope: Scope,
    pub(super) facts: Vec<Fact>,
    pub(super) rivals: Vec<String>,
    pub(super) decides: Option<String>,
    pub(super) fix: Option<Fix>,
    pub(super) remedies: Vec<Remedy>,
    pub(super) cells: BTreeMap<CellKey, Money>,
    /// Index of the charge it names, for charges.
    pub(super) charge: Option<usize>,
    pub(super) amount: Money,
}

/// A claim of the bridge priced → billed.
pub(super) fn claim_draft(claim: Claim, remedies: Vec<Remedy>) -> Draft {
    let amount = claim.amount();
    let patch = claim.patch;
    Draft {
        bridge: Bridge::PricedBilled,
        cause: patch.cause.to_owned(),
        status: patch.status,
        scope: patch.scope,
        facts: patch.facts,
        rivals: patch.rivals,
        decides: patch.decides,
        fix: patch.fix,
        remedies,
        cells: claim.cells,
        charge: None,
        amount,
    }
}

/// Residuals within the computed bound are rounding; everything else is unexplained, cell by cell.
pub(super) fn rounding(
    residuals: &BTreeMap<CellKey, Residual>,
    unexplained: &mut BTreeMap<CellKey, Money>,
) -> Vec<Draft> {
    let mut by_account: BTreeMap<Account, Draft> = BTreeMap::new();
    for (cell, residual) in residuals.iter().filter(|(_, residual)| !residual.amount.is_zero()) {
        if !residual.ties() {
            unexplained.insert(cell.clone(), residual.amount);
            continue;
        }
        let draft = by_account.entry(cell.account.clone()).or_insert_with(|| Draft {
            bridge: Bridge::PricedBilled,
            cause: "round.line".to_owned(),
            status: causes::Status::Proven,
            scope: Scope::of(&cell.account),
            facts: Vec::new(),
            rivals: Vec::new(),
            decides: None,
            fix: None,
            remedies: Vec::new(),
            cells: BTreeMap::new(),
            charge: None,
            amount: Money::ZERO,
        });
        draft.scope.cover(cell);
        draft.amount += residual.amount;
        draft.cells.insert(cell.clone(), residual.amount);
    }
    by_account
        .into_values()
        .map(|mut draft| {
            let bound: Money = draft
                .cells
                .keys()
                .filter_map(|cell| residuals.get(cell))
                .map(|residual| residual.bound)
                .sum();
            draft.facts = vec![
                Fact::new("cells, each within its own computed bound", draft.cells.len()),
                Fact::new("sum of the bounds", bound),
            ];
            draft
        })
        .collect()
}

pub(super) fn charge_draft(index: usize, charge: &ChargeLine) -> Option<Draft> {
    Some(Draft {
        bridge: Bridge::PricedBilled,
        cause: charge.cause?.to_owned(),
        status: charge.status(),
        scope: charge.scope.clone(),
        facts: charge.facts(),
        rivals: Vec::new(),
        decides: None,
        fix: Some(charge.fix()),
        remedies: Vec::new(),
        cells: BTreeMap::new(),
        charge: Some(index),
        amount: charge.explained(),
    })
}

pub(super) fn logged_draft(finding: &LoggedFinding) -> Draft {
    Draft {
        bridge: Bridge::LoggedPriced,
        cause: finding.cause.to_owned(),
        status: finding.status,
        scope: finding.scope.clone(),
        facts: finding.facts.clone(),
        rivals: finding.rivals.clone(),
        decides: finding.decides.clone(),
        fix: finding.fix.clone(),
        remedies: Vec::new(),
        amount: finding.cells.values().sum(),
        cells: finding.cells.clone(),
        charge: None,
    }
}

/// Orders the drafts by bridge and size and gives each its id.
pub(super) fn number(drafts: &mut [Draft]) -> Vec<Finding> {
    drafts.sort_by(|a, b| {
        (a.bridge, std::cmp::Reverse(a.amount.abs()), &a.cause, &a.scope, &a.facts).cmp(&(
            b.bridge,
            std::cmp::Reverse(b.amount.abs()),
            &b.cause,
            &b.scope,
            &b.facts,
        ))
    });
    drafts.iter().enumerate().map(|(index, draft)| finding(format!("F{}", index + 1), draft)).collect()
}

fn finding(id: String, draft: &Draft) -> Finding {
    let scope = &draft.scope;
    let account = scope.account.as_ref();
    Finding {
        id,
        bridge: draft.bridge,
        cause: draft.cause.clone(),
        status: draft.status,
        amount: draft.amount,
        scope: FindingScope {
            provider: account.map(|account| account.provider.to_string()),
            account: account.and_then(|account| account.id.as_ref()).map(ToString::to_string),
            models: scope.models.iter().map(ToString::to_string).collect(),
            meters: scope.meters.iter().copied().collect(),
            tiers: scope.tiers.iter().copied().collect(),
            regions: scope.regions.iter().map(ToString::to_string).collect(),
            keys: scope.keys.iter().map(ToString::to_string).collect(),
            from: scope.first,
            to: scope.last,
        },
        rivals: draft.rivals.clone(),
        decides: draft.decides.clone(),
        recurs: Recurrence { months: 1, amount: draft.amount, since: None, with: None },
        owner: None,
        due: None,
        evidence: draft
            .facts
            .iter()
            .map(|fact| Evidence {
                name: fact.name.clone(),
                value: fact.value.clone(),
                origin: (!fact.origin.is_empty()).then(|| fact.origin.clone()),
            })
            .collect(),
        requests: None,
        fix: draft.fix.as_ref().map(|fix| FindingFix {
            kind: fix.kind.to_owned(),
            text: fix.text.clone(),
            patch: patch(fix, draft),
        }),
        backtests: Vec::new(),
        remedies: draft.remedies.clone(),
    }
}

/// Tables that a reader can add by hand: those of the remedies, else the family's own draft. Rows of a price book need the
/// book they are for, and are written with it.
fn patch(fix: &Fix, draft: &Draft) -> Option<String> {
    let tables: Vec<String> = draft.remedies.iter().filter_map(|remedy| remedy.toml(&draft.cause)).collect();
    match tables.is_empty() {
        true => (!fix.patch.is_empty() && fix.kind != "pricebook-row").then(|| fix.patch.clone()),
        false => Some(tables.join("\n")),
    }
}
