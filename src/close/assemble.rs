//! From inputs to the document: both bridges, every cell, every identity checked before anything is shown.

use std::collections::{BTreeMap, BTreeSet};

use super::charges::{ChargeLine, charges};
use super::document::*;
use super::inputs::{AccountDocument, CloseInputs};
use crate::causes::engine::{self, Residual};
use crate::causes::logged::{self, LoggedBridge, LoggedFinding};
use crate::causes::{self, Fact, Fix, Scope};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::{Error, Result};
use crate::invoice::{DocumentKind, ModelScope};
use crate::money::Money;
use crate::pricebook::NoPrice;
use crate::rate::{self, Account, Accounts, DayUsage, Rater};
use crate::reconcile::{CellKey, Grain, Line, State, quantity};
use crate::vocabulary::{ChargeCategory, Meter, Tier};

/// A finding before it has its number.
struct Draft {
    bridge: Bridge,
    cause: String,
    status: causes::Status,
    scope: Scope,
    facts: Vec<Fact>,
    rivals: Vec<String>,
    decides: Option<String>,
    fix: Option<Fix>,
    cells: BTreeMap<CellKey, Money>,
    /// Index of the charge it names, for charges.
    charge: Option<usize>,
    amount: Money,
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
    let Bills { usage_lines, charge_lines, reports } = bills(inputs);
    let charges = charges(&charge_lines);

    let mut by_account: BTreeMap<Account, Vec<&Line>> = BTreeMap::new();
    for line in &usage_lines {
        by_account.entry(line.account.clone()).or_default().push(line);
    }
    let grains: BTreeMap<Account, Grain> =
        by_account.iter().map(|(account, lines)| (account.clone(), Grain::of(lines))).collect();
    let state = State::new(&rater, &grains, &inputs.gateway, inputs.period, &usage, &usage_lines, &reports);
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
            let inside = inputs.period.first <= line.period.last && line.period.first <= inputs.period.last;
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

fn cells(
    state: &State,
    bridge: &LoggedBridge,
    drafts: &[Draft],
    findings: &[Finding],
    unexplained: &BTreeMap<CellKey, Money>,
    grains: &BTreeMap<Account, Grain>,
) -> Result<Vec<Cell>> {
    let mut named: BTreeMap<(Bridge, &CellKey), Vec<CellFinding>> = BTreeMap::new();
    for (draft, finding) in drafts.iter().zip(findings) {
        for (cell, amount) in &draft.cells {
            named
                .entry((draft.bridge, cell))
                .or_default()
                .push(CellFinding { id: finding.id.clone(), amount: *amount });
        }
    }
    let keys: BTreeSet<CellKey> =
        causes::cells(state).into_iter().chain(bridge.cells.keys().cloned()).collect();
    let mut rows = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        let (mut priced, mut billed, mut meters, mut lines) = (Money::ZERO, Money::ZERO, Vec::new(), 0);
        for bill_key in state.keys_of(key) {
            let (bill, ours) = (state.bill(&bill_key), state.priced(&bill_key)?);
            priced += ours;
            billed += bill.amount;
            lines += bill.lines;
            meters.push(CellMeter {
                meter: bill_key.meter,
                tier: bill_key.tier,
                region: bill_key.region.as_ref().map(ToString::to_string),
                long_context: bill_key.long_context,
                quantity_logged: state.logged_quantity(&bill_key).to_string(),
                quantity_witness: state.witnessed_quantity(&bill_key).map(|count| count.to_string()),
                quantity_billed: bill.quantity.map(|count| count.to_string()),
                priced: ours,
                billed: bill.amount,
            });
        }
        let first = bridge.cells.get(key).copied().unwrap_or_default();
        let findings = named.remove(&(Bridge::PricedBilled, key)).unwrap_or_default();
        let left = unexplained.get(key).copied().unwrap_or_default();
        let usage_exists = meters.iter().any(|meter| meter.quantity_logged != "0");
        let has_bill = grains.contains_key(&key.account);
        let status = if !has_bill {
            CellStatus::NoInvoice
        } else if left.is_zero() {
            let rounding_only =
                findings.iter().all(|finding| is_rounding(finding, drafts, findings_of(finding)));
            if rounding_only { CellStatus::Tied } else { CellStatus::Explained }
        } else if lines == 0 {
            CellStatus::NoInvoice
        } else if !usage_exists {
            CellStatus::NoUsage
        } else {
            CellStatus::Unexplained
        };
        rows.push(Cell {
            provider: key.account.provider.to_string(),
            account: key.account.id.as_ref().map(ToString::to_string),
            model: key.model.as_ref().map(ToString::to_string),
            day: (key.first == key.last).then_some(key.first),
            from: key.first,
            to: key.last,
            group: format!("G{}", index + 1),
            logged: first.logged,
            priced,
            billed,
            delta: billed - priced,
            rounding_bound: state.rounding_bound(key),
            quantity_effect: quantity::quantity_effect(state, key),
            findings,
            unexplained: left,
            logged_findings: named.remove(&(Bridge::LoggedPriced, key)).unwrap_or_default(),
            logged_unexplained: first.unexplained,
            status,
            meters,
        });
    }
    Ok(rows)
}

/// The number behind `F12`.
fn findings_of(finding: &CellFinding) -> usize {
    finding.id.trim_start_matches('F').parse::<usize>().map_or(0, |number| number.saturating_sub(1))
}

fn is_rounding(_: &CellFinding, drafts: &[Draft], index: usize) -> bool {
    drafts.get(index).is_some_and(|draft| draft.cause == "round.line")
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

fn totals(cells: &[Cell], charges: &[Charge], findings: &[Finding]) -> Result<Totals> {
    let of_bridge = |bridge| -> Money {
        findings.iter().filter(|finding| finding.bridge == bridge).map(|finding| finding.amount).sum()
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

type UnpricedKey = (Account, String, Meter, Tier, NoPrice);

fn unpriced(state: &State) -> Vec<Unpriced> {
    let mut sums: BTreeMap<UnpricedKey, (i128, Money)> = BTreeMap::new();
    for (key, leaves) in &state.logged {
        for (leaf, count) in leaves {
            if let Err(reason) = state.rater.unit(leaf) {
                let sum = sums
                    .entry((leaf.account.clone(), leaf.model.to_string(), leaf.meter, leaf.tier, reason))
                    .or_insert((0, Money::ZERO));
                sum.0 += count;
                sum.1 += state.bill(key).amount;
            }
        }
    }
    sums.into_iter()
        .map(|((account, model, meter, tier, reason), (quantity, billed))| Unpriced {
            provider: account.provider.to_string(),
            account: account.id.as_ref().map(ToString::to_string),
            model,
            meter,
            tier,
            quantity: quantity.to_string(),
            reason: match reason {
                NoPrice::UnknownModel => "unknown-model",
                NoPrice::NoRow => "no-row",
                NoPrice::Ended => "ended",
            }
            .to_owned(),
            billed,
        })
        .collect()
}

/// Document against its own total, and invoice against the cost export of the same account.
fn ties(inputs: &CloseInputs) -> Vec<InvoiceTie> {
    let usage_total = |document: &AccountDocument| -> Money {
        document
            .document
            .lines
            .iter()
            .filter(|line| line.category == ChargeCategory::Usage)
            .filter_map(|line| line.amount)
            .sum()
    };
    let mut exports: BTreeMap<&Account, Money> = BTreeMap::new();
    for document in inputs.documents.iter().filter(|document| document.kind == DocumentKind::Cost) {
        *exports.entry(&document.account).or_default() += usage_total(document);
    }
    inputs
        .documents
        .iter()
        .map(|document| {
            let lines_total = document.document.lines_total();
            InvoiceTie {
                path: document.path.to_string(),
                format: document.document.format.to_owned(),
                kind: document.kind.id().to_owned(),
                provider: document.account.provider.to_string(),
                account: document.account.id.as_ref().map(ToString::to_string),
                number: document.number.clone(),
                stated_total: document.stated_total,
                lines_total,
                footing_difference: document.stated_total.map(|total| total - lines_total),
                export_difference: (document.kind == DocumentKind::Invoice)
                    .then(|| exports.get(&document.account).map(|export| usage_total(document) - *export))
                    .flatten(),
            }
        })
        .collect()
}

fn input_rows(inputs: &CloseInputs) -> Vec<Input> {
    let logs = inputs.files.iter().map(|file| Input {
        path: file.path.to_string(),
        format: file.format.to_string(),
        sha256: file.sha256.clone(),
        bytes: file.bytes,
        rows: file.rows,
        rejected: file.rejected,
        duplicates: file.duplicates,
        outside_month: file.outside_month,
        not_billable: file.not_billable,
        out_of_scope: 0,
        empty: 0,
        used: file
            .rows
            .saturating_sub(file.rejected + file.duplicates + file.outside_month + file.not_billable),
    });
    let documents = inputs.documents.iter().map(|document| {
        let read = &document.document;
        let set_aside = read.rejects.len() as u64 + read.out_of_scope + read.empty_rows;
        Input {
            path: document.path.to_string(),
            format: read.format.to_owned(),
            sha256: document.sha256.clone(),
            bytes: document.bytes,
            rows: read.rows,
            rejected: read.rejects.len() as u64,
            duplicates: 0,
            outside_month: 0,
            not_billable: 0,
            out_of_scope: read.out_of_scope,
            empty: read.empty_rows,
            used: read.rows.saturating_sub(set_aside),
        }
    });
    logs.chain(documents).collect()
}

/// A bill near a hundred times (or a hundredth of) what the log prices is a unit error until shown otherwise.
fn suspicions(cells: &[Cell], inputs: &CloseInputs) -> Vec<Diagnostic> {
    let mut sums: BTreeMap<(String, Option<String>), (Money, Money)> = BTreeMap::new();
    for cell in cells {
        let sum = sums.entry((cell.provider.clone(), cell.account.clone())).or_default();
        sum.0 += cell.priced;
        sum.1 += cell.billed;
    }
    sums.into_iter()
        .filter(|(_, (priced, billed))| {
            let (priced, billed) = (priced.pico(), billed.pico());
            priced > 0
                && billed > 0
                && ((50 * priced <= billed && billed <= 200 * priced)
                    || (50 * billed <= priced && priced <= 200 * billed))
        })
        .map(|((provider, _), (priced, billed))| {
            let path = inputs
                .documents
                .iter()
                .find(|document| {
                    *document.account.provider == *provider && document.kind == DocumentKind::Cost
                })
                .map_or_else(|| "".into(), |document| document.path.clone());
            Diagnostic::warning(
                "unit-suspicion",
                Origin::file(path),
                format!(
                    "{provider} bills {} against {} priced: near a factor of 100",
                    billed.grouped(2),
                    priced.grouped(2)
                ),
            )
            .help("check whether the export is in cents: `llmfin explain unit.minor_currency`")
        })
        .collect()
}

fn note(diagnostic: Diagnostic) -> Note {
    Note {
        level: diagnostic.level.id().to_owned(),
        code: diagnostic.code.to_owned(),
        message: diagnostic.message.clone(),
        origin: diagnostic.origin.to_string(),
        help: diagnostic.help,
    }
}
