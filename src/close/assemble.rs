//! From inputs to the document: both bridges, every cell, every identity checked before anything is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::cells;
use super::charges::{ChargeLine, charges, footings};
use super::document::*;
use super::inputs::CloseInputs;
use super::listings::{input_rows, note, spanning, suspicions, ties, unpriced};
use super::totals::{check, totals};
use crate::causes::engine::{self, Residual};
use crate::causes::logged::{self, LoggedFinding};
use crate::causes::{self, Fact, Fix, Scope};
use crate::error::Result;
use crate::invoice::{DocumentKind, ModelScope};
use crate::money::Money;
use crate::rate::{self, Account, Accounts, DayUsage, Rater};
use crate::reconcile::{CellKey, Grain, Line, State};
use crate::vocabulary::ChargeCategory;

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
    pub(super) cells: BTreeMap<CellKey, Money>,
    /// Index of the charge it names, for charges.
    pub(super) charge: Option<usize>,
    pub(super) amount: Money,
}

/// Runs the whole reconciliation.
pub fn assemble(inputs: &CloseInputs) -> Result<Reconciliation> {
    let rater = Rater::new(inputs.book);
    let accounts = Accounts { known: inputs.accounts(), keys: inputs.keys.clone() };
    let mut usage: Vec<DayUsage> = Vec::new();
    for source in inputs.sources.iter().filter(|source| source.primary) {
        let rows = rate::day_rows(
            &source.cubes,
            source.account.as_ref(),
            inputs.period,
            &accounts,
            &inputs.mappings,
            inputs.book,
        );
        usage.extend(rows.rows);
    }
    usage.sort_by(|a, b| a.account.cmp(&b.account));
    let Bills { mut usage_lines, charge_lines, mut reports } = bills(inputs);
    share(&mut usage, usage_lines.iter_mut().chain(&mut reports));
    let mut charges = charges(&charge_lines);
    charges.extend(footings(&inputs.documents));

    let mut by_account: BTreeMap<Account, Vec<&Line>> = BTreeMap::new();
    for line in &usage_lines {
        by_account.entry(line.account.clone()).or_default().push(line);
    }
    let grains: BTreeMap<Account, Grain> =
        by_account.iter().map(|(account, lines)| (account.clone(), Grain::of(lines))).collect();
    let state = State::new(&rater, &grains, &inputs.gateway, inputs.period, &usage, &usage_lines, &reports)?;
    let explained = engine::explain(&state)?;
    let bridge = logged::bridge(&usage, &rater, |leaf| state.key_of(leaf).cell)?;

    let mut drafts: Vec<Draft> = Vec::new();
    for claim in explained.claims {
        let amount = claim.amount();
        let patch = claim.patch;
        drafts.push(Draft {
            bridge: Bridge::PricedBilled,
            cause: patch.cause.to_owned(),
            status: patch.status,
            scope: patch.scope,
            facts: patch.facts,
            rivals: patch.rivals,
            decides: patch.decides,
            fix: patch.fix,
            cells: claim.cells,
            charge: None,
            amount,
        });
    }
    let mut unexplained: BTreeMap<CellKey, Money> = BTreeMap::new();
    drafts.extend(rounding(&explained.residuals, &mut unexplained));
    drafts.extend(charges.iter().enumerate().filter_map(|(index, charge)| charge_draft(index, charge)));
    drafts.extend(bridge.findings.iter().map(logged_draft));
    let findings = number(&mut drafts);

    let cells = cells(&state, &bridge, &drafts, &findings, &unexplained, &grains)?;
    let charge_rows: Vec<Charge> = charges
        .iter()
        .enumerate()
        .map(|(index, charge)| charge_row(index, charge, &drafts, &findings))
        .collect();
    let totals = totals(&cells, &charge_rows, &findings)?;
    let mut diagnostics = inputs.diagnostics.clone();
    diagnostics.extend(spanning(inputs));
    diagnostics.extend(suspicions(&cells, inputs));
    let document = Reconciliation {
        schema: SCHEMA,
        month: inputs.label.clone(),
        provisional: inputs.provisional,
        currency: inputs.currency.clone(),
        timezone: inputs.timezone.clone(),
        pricebook: BookReference {
            name: inputs.book.name().to_owned(),
            sha256: inputs.book.sha256().to_owned(),
            known_at: Some(inputs.book.known_at()),
        },
        totals,
        findings,
        cells,
        charges: charge_rows,
        unpriced: unpriced(&state),
        invoices: ties(inputs),
        inputs: input_rows(inputs),
        rejects: inputs
            .rejects
            .iter()
            .chain(inputs.documents.iter().flat_map(|document| &document.document.rejects))
            .map(|reject| Rejected {
                origin: reject.origin.to_string(),
                code: reject.code.to_owned(),
                reason: reject.reason.clone(),
                amount: reject.amount,
            })
            .collect(),
        diagnostics: diagnostics.into_iter().map(note).collect(),
    };
    check(&document)?;
    Ok(document)
}

/// Gives equal models the same text in memory, so that keys compare fast.
fn share<'l>(usage: &mut [DayUsage], lines: impl Iterator<Item = &'l mut Line>) {
    let mut texts: BTreeSet<Arc<str>> = BTreeSet::new();
    let models = usage.iter_mut().map(|row| &mut row.model);
    for model in models.chain(lines.filter_map(|line| line.model.as_mut())) {
        match texts.get(&**model) {
            Some(known) => *model = known.clone(),
            None => {
                texts.insert(model.clone());
            }
        }
    }
}

struct Bills {
    usage_lines: Vec<Line>,
    charge_lines: Vec<Line>,
    reports: Vec<Line>,
}

/// One billing authority per account: a cost export speaks for usage, an invoice beside it only adds what an export
/// never shows (tax, credits, fees).
fn bills(inputs: &CloseInputs) -> Bills {
    let authority: BTreeSet<&Account> = inputs
        .documents
        .iter()
        .filter(|document| document.kind == DocumentKind::Cost)
        .map(|document| &document.account)
        .collect();
    let mut bills = Bills { usage_lines: Vec::new(), charge_lines: Vec::new(), reports: Vec::new() };
    for document in &inputs.documents {
        for line in &document.document.lines {
            let resolved = inputs.resolve(document, line);
            let inside = inputs.holds(line.period);
            let is_usage = line.category == ChargeCategory::Usage;
            match document.kind {
                DocumentKind::CreditPurchase => {}
                _ if !inside => {}
                DocumentKind::Usage => bills.reports.push(resolved),
                DocumentKind::Invoice if is_usage && authority.contains(&document.account) => {}
                _ if is_usage && line.model != ModelScope::None => bills.usage_lines.push(resolved),
                _ => bills.charge_lines.push(resolved),
            }
        }
    }
    bills
}

/// Residuals within the computed bound are rounding; everything else is unexplained, cell by cell.
fn rounding(
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

fn charge_draft(index: usize, charge: &ChargeLine) -> Option<Draft> {
    Some(Draft {
        bridge: Bridge::PricedBilled,
        cause: charge.cause?.to_owned(),
        status: charge.status(),
        scope: charge.scope.clone(),
        facts: charge.facts(),
        rivals: Vec::new(),
        decides: None,
        fix: Some(charge.fix()),
        cells: BTreeMap::new(),
        charge: Some(index),
        amount: charge.amount,
    })
}

fn logged_draft(finding: &LoggedFinding) -> Draft {
    Draft {
        bridge: Bridge::LoggedPriced,
        cause: finding.cause.to_owned(),
        status: finding.status,
        scope: finding.scope.clone(),
        facts: finding.facts.clone(),
        rivals: Vec::new(),
        decides: None,
        fix: finding.fix.clone(),
        amount: finding.cells.values().sum(),
        cells: finding.cells.clone(),
        charge: None,
    }
}

/// Orders the drafts by bridge and size and gives each its id.
fn number(drafts: &mut [Draft]) -> Vec<Finding> {
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
        recurs: Recurrence { months: 1, amount: draft.amount },
        owner: None,
        evidence: draft
            .facts
            .iter()
            .map(|fact| Evidence {
                name: fact.name.clone(),
                value: fact.value.clone(),
                origin: (!fact.origin.is_empty()).then(|| fact.origin.clone()),
            })
            .collect(),
        fix: draft.fix.as_ref().map(|fix| FindingFix {
            kind: fix.kind.to_owned(),
            text: fix.text.clone(),
            patch: (!fix.patch.is_empty()).then(|| fix.patch.clone()),
        }),
    }
}

fn charge_row(index: usize, charge: &ChargeLine, drafts: &[Draft], findings: &[Finding]) -> Charge {
    let finding = drafts
        .iter()
        .zip(findings)
        .find(|(draft, _)| draft.charge == Some(index))
        .map(|(_, finding)| finding.id.clone());
    Charge {
        provider: charge.account.provider.to_string(),
        account: charge.account.id.as_ref().map(ToString::to_string),
        category: charge.category,
        text: charge.text.clone(),
        amount: charge.amount,
        origin: charge.origin.clone(),
        unexplained: if finding.is_some() { Money::ZERO } else { charge.amount },
        finding,
    }
}
