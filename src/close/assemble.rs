//! From inputs to the document: both bridges, every cell, every identity checked before anything is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::cells;
use super::charges::{ChargeLine, charges, footings};
use super::contract::{contract_accounts, is_units};
use super::document::*;
use super::draft::{Draft, charge_draft, claim_draft, logged_draft, number, rounding};
use super::expected::expect;
use super::inputs::CloseInputs;
use super::limits::limits;
use super::listings::{input_rows, memos, no_hours, note, search_cut, spanning, suspicions, ties, unpriced};
use super::totals::{check, totals};
use super::{places, unassigned};
use crate::causes::logged;
use crate::causes::remedy;
use crate::causes::{Claim, Status, engine};
use crate::contract;
use crate::diagnostic::Diagnostic;
use crate::error::Result;
use crate::invoice::{DocumentKind, ModelScope};
use crate::money::Money;
use crate::rate::{Account, Accounts, DayUsage, Rater};
use crate::reconcile::owners::NOBODY;
use crate::reconcile::{CellKey, Export, Grain, Line, State, bands, regions};
use crate::vocabulary::ChargeCategory;

/// Runs the whole reconciliation.
pub fn assemble(inputs: &CloseInputs) -> Result<Reconciliation> {
    let rater = Rater::new(inputs.book);
    let accounts = Accounts { known: inputs.accounts(), keys: inputs.keys.clone() };
    let log = inputs.log(&accounts);
    let mut usage = log.rows();
    let Bills { mut usage_lines, charge_lines, mut reports } = bills(inputs);
    unassigned::refuse(inputs, &usage, &usage_lines)?;
    share(&mut usage, usage_lines.iter_mut().chain(&mut reports));
    let known = accounts.known.iter().cloned().collect();
    // Without terms nobody asks what was used.
    let used = if inputs.book.terms().is_empty() { BTreeMap::new() } else { contract::billable(&usage) };
    let agreed = contract::statements(&rater, &used, &known, inputs.period, !inputs.provisional)?;
    drop(used);
    let rater = rater.contracted(agreed.prices);
    let mut charges = charges(&charge_lines);
    charges.extend(footings(&inputs.documents));
    let missing = expect(&mut charges, &agreed.statements);

    let mut grains = grains(&usage_lines);
    regions::meet(&mut grains, &usage, &rater, inputs.period);
    bands::meet(&mut grains, &rater, inputs.period);
    let state = State::new(&rater, &grains, &inputs.gateway, inputs.period, &usage, &usage_lines, &reports)?;
    let state = State { log: Some(&log), exports: exports(inputs), ..state };
    let state = state.with_later(&later(inputs));
    let limits = limits(inputs, &usage, &usage_lines, &reports);
    // What is left of them from here on is in the state.
    drop((usage_lines, reports));
    let mut explained = engine::explain(&state)?;
    capacity_may_pay(&mut explained.claims, &charges);
    let mut left_out = search_cut(&explained);
    left_out.extend(no_hours(&state, &explained));
    let failures = explained.claims.iter().filter(|claim| claim.patch.cause == "qty.failed_priced");
    let not_billed = failures.flat_map(|claim| claim.cells.keys().cloned()).collect();
    let bridge = logged::bridge(&usage, &rater, |leaf| state.key_of(leaf, NOBODY).cell, &not_billed)?;

    let remedies = remedy::of(&state, &explained);
    let mut drafts: Vec<Draft> = explained
        .claims
        .into_iter()
        .zip(remedies)
        .map(|(claim, remedies)| claim_draft(claim, remedies))
        .collect();
    let mut unexplained: BTreeMap<CellKey, Money> = BTreeMap::new();
    drafts.extend(rounding(&explained.residuals, &mut unexplained));
    drafts.extend(charges.iter().enumerate().filter_map(|(index, charge)| charge_draft(index, charge)));
    drafts.extend(bridge.findings.iter().map(logged_draft));
    let mut findings = number(&mut drafts);

    let cells = cells(&state, &bridge, &drafts, &findings, &unexplained, &grains)?;
    let charge_rows: Vec<Charge> = charges
        .iter()
        .enumerate()
        .map(|(index, charge)| charge_row(index, charge, &drafts, &findings))
        .collect();
    let totals = totals(&cells, &charge_rows, &findings)?;
    let mut diagnostics = inputs.diagnostics.clone();
    diagnostics.extend(agreed.problems);
    diagnostics.extend(missing);
    diagnostics.extend(spanning(inputs));
    diagnostics.extend(left_out);
    diagnostics.extend(suspicions(&cells, inputs));
    let unpriced = unpriced(&state)?;
    places::add(inputs, &mut findings);
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
        contract: contract_accounts(&agreed.statements, &cells, &charge_rows, &unpriced),
        cells,
        charges: charge_rows,
        unpriced,
        memos: memos(inputs),
        limits,
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

/// Where an account pays for reserved capacity, usage that is not billed may be what the capacity served.
fn capacity_may_pay(claims: &mut [Claim], charges: &[ChargeLine]) {
    const CAPACITY: &str = "terms.reserved_capacity";
    let reserves = |account: &Option<Account>| {
        charges
            .iter()
            .any(|charge| charge.cause == Some(CAPACITY) && Some(&charge.account) == account.as_ref())
    };
    let not_billed = |claim: &&mut Claim| claim.patch.cause == "cov.other_payer";
    for Claim { patch, .. } in claims.iter_mut().filter(not_billed) {
        if reserves(&patch.scope.account) {
            patch.status = Status::Ambiguous;
            patch.rivals.push(CAPACITY.to_owned());
            patch.decides = Some("which deployments and models the reserved capacity serves".to_owned());
        }
    }
}

/// At which grain each account's bill speaks.
fn grains(lines: &[Line]) -> BTreeMap<Account, Grain> {
    let mut by_account: BTreeMap<&Account, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        by_account.entry(&line.account).or_default().push(line);
    }
    by_account.into_iter().map(|(account, lines)| (account.clone(), Grain::of(&lines))).collect()
}

/// Gives equal models the same text in memory, so that keys compare fast.
fn share<'l, 'd: 'l>(usage: &mut [DayUsage], lines: impl Iterator<Item = &'l mut Line<'d>>) {
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

/// Exports are cut at numbers of rows like these: pages of consoles, and sheets.
const LIMITS: [u64; 9] = [1_000, 5_000, 10_000, 50_000, 65_535, 100_000, 500_000, 1_000_000, 1_048_575];

/// What is known of the completeness of each account's cost exports.
fn exports(inputs: &CloseInputs) -> BTreeMap<Account, Export> {
    let mut exports: BTreeMap<Account, Export> = BTreeMap::new();
    for document in inputs.documents.iter().filter(|document| document.kind == DocumentKind::Cost) {
        let said = |code: &str| {
            let of_it = |told: &&Diagnostic| told.code == code && told.origin.file == document.path;
            inputs.diagnostics.iter().find(of_it).map(|told| told.origin.clone())
        };
        let export = exports.entry(document.account.clone()).or_default();
        export.more_pages = export.more_pages.take().or_else(|| said("truncated-export"));
        export.still_open = export.still_open.take().or_else(|| said("open-bucket"));
        let full = LIMITS.contains(&document.document.rows).then_some(document.document.rows);
        export.full = export.full.or(full);
    }
    exports
}

/// Usage lines of the period on the bills of the month after.
fn later<'i>(inputs: &'i CloseInputs) -> Vec<Line<'i>> {
    let mut lines = Vec::new();
    for document in inputs.later.iter().filter(|document| document.kind == DocumentKind::Cost) {
        let inside = document.document.lines.iter().filter(|line| inputs.holds(line.period));
        let usage = inside.filter(|line| line.category == ChargeCategory::Usage);
        lines.extend(usage.map(|line| inputs.resolve(document, line)));
    }
    lines
}

struct Bills<'i> {
    usage_lines: Vec<Line<'i>>,
    charge_lines: Vec<Line<'i>>,
    reports: Vec<Line<'i>>,
}

/// One billing authority per account: a cost export speaks for usage, an invoice beside it only adds what an export
/// never shows (tax, credits, fees).
fn bills<'i>(inputs: &'i CloseInputs) -> Bills<'i> {
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
                _ if is_usage && (line.model != ModelScope::None || is_units(inputs.book, &resolved)) => {
                    bills.usage_lines.push(resolved);
                }
                _ => bills.charge_lines.push(resolved),
            }
        }
    }
    bills
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
        unexplained: if finding.is_some() { charge.amount - charge.explained() } else { charge.amount },
        term: charge.term.as_ref().map(|expected| expected.term.clone()),
        expected: charge.term.as_ref().map(|expected| expected.amount),
        finding,
    }
}
