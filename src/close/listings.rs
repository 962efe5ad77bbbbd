//! What stands beside the comparison: usage without a price, documents against themselves, files row by row, warnings.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Cell, Input, InvoiceTie, Note, PriceMemo, Unpriced};
use super::inputs::{AccountDocument, CloseInputs};
use crate::causes::engine::Explained;
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::invoice::{BillLine, DocumentKind};
use crate::money::Money;
use crate::period::Day;
use crate::pricebook::NoPrice;
use crate::rate::Account;
use crate::reconcile::State;
use crate::review::memo::Memo;
use crate::vocabulary::{ChargeCategory, Meter, Tier};

type UnpricedKey = (Account, String, Meter, Tier, NoPrice);

pub(super) fn unpriced(state: &State) -> Result<Vec<Unpriced>> {
    let mut sums: BTreeMap<UnpricedKey, (i128, Option<Money>)> = BTreeMap::new();
    for (key, leaves) in state.logged.iter() {
        // One amount may cover several of these: it counts once, and without what has a price.
        let bill = state.bill(key);
        let mut billed = if bill.lines == 0 { None } else { Some(bill.amount - state.priced(key)?) };
        for (leaf, count) in leaves {
            if let Err(reason) = state.rater.unit(leaf) {
                let sum = sums
                    .entry((leaf.account.clone(), leaf.model.to_string(), leaf.meter, leaf.tier, reason))
                    .or_insert((0, None));
                sum.0 += count;
                sum.1 = billed.take().map_or(sum.1, |amount| Some(sum.1.unwrap_or_default() + amount));
            }
        }
    }
    let listed = sums
        .into_iter()
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
                NoPrice::NoRegion => "no-region",
                NoPrice::Ended => "ended",
                NoPrice::Hourly => "priced-by-the-hour",
            }
            .to_owned(),
            billed,
        })
        .collect();
    Ok(listed)
}

pub(super) fn memos(inputs: &CloseInputs) -> Vec<PriceMemo> {
    let memo = |memo: &Memo| PriceMemo {
        month: memo.month,
        known_at: memo.known_at,
        class: memo.class.id().to_owned(),
        provider: memo.key.seller.to_owned(),
        model: memo.key.model.to_string(),
        meter: memo.key.meter,
        tier: memo.key.tier,
        context: memo.key.ctx_text(),
        region: memo.key.region.to_string(),
        window: memo.key.window.to_string(),
        old: memo.old.clone(),
        new: memo.new.clone(),
        per: memo.per,
        from: Day::of_instant(memo.from),
        amount: memo.amount,
        unpriced: (memo.unpriced != 0).then(|| memo.unpriced.to_string()),
        recorded: memo.recorded,
        row: memo.row.to_string(),
    };
    inputs.memos.iter().map(memo).collect()
}

/// An invoice document prints whole cents.
const HALF_CENT: i128 = 5_000_000_000;

/// Document against its own total, and invoice against the cost export of the same account.
pub(super) fn ties(inputs: &CloseInputs) -> Vec<InvoiceTie> {
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
            let footing_difference = document.stated_total.map(|total| total - lines_total);
            let beside =
                (document.kind == DocumentKind::Invoice).then(|| exports.get(&document.account)).flatten();
            let export_difference = beside.map(|export| usage_total(document) - *export);
            let usage = document.document.lines.iter().filter(|line| line.category == ChargeCategory::Usage);
            let rounding = Money::from_pico(HALF_CENT * usage.count() as i128);
            InvoiceTie {
                path: document.path.to_string(),
                format: document.document.format.to_owned(),
                kind: document.kind.id().to_owned(),
                provider: document.account.provider.to_string(),
                account: document.account.id.as_ref().map(ToString::to_string),
                number: document.number.clone(),
                stated_total: document.stated_total,
                lines_total,
                footing_difference,
                export_difference,
                ties: footing_difference.is_none_or(Money::is_zero)
                    && export_difference.is_none_or(|difference| difference.abs() <= rounding),
            }
        })
        .collect()
}

pub(super) fn input_rows(inputs: &CloseInputs) -> Vec<Input> {
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
    let documents = inputs.documents.iter().chain(&inputs.later).map(|document| {
        let read = &document.document;
        // A row is outside the period when all its lines are.
        let rows = |wanted: bool| -> BTreeSet<(u64, u32)> {
            let lines = read.lines.iter().filter(|line| inputs.holds(line.period) == wanted);
            lines.map(|line| (line.origin.line, line.origin.column)).collect()
        };
        let outside_month = rows(false).difference(&rows(true)).count() as u64;
        let set_aside = read.rejects.len() as u64 + read.out_of_scope + read.empty_rows + outside_month;
        Input {
            path: document.path.to_string(),
            format: read.format.to_owned(),
            sha256: document.sha256.clone(),
            bytes: document.bytes,
            rows: read.rows,
            rejected: read.rejects.len() as u64,
            duplicates: 0,
            outside_month,
            not_billable: 0,
            out_of_scope: read.out_of_scope,
            empty: read.empty_rows,
            used: read.rows.saturating_sub(set_aside),
        }
    });
    logs.chain(documents).collect()
}

/// Bill lines over an edge of the period: their money belongs to both sides of it and is left out of this one.
pub(super) fn spanning(inputs: &CloseInputs) -> Vec<Diagnostic> {
    let over = |line: &BillLine| {
        line.period.first <= inputs.period.last
            && inputs.period.first <= line.period.last
            && !inputs.holds(line.period)
    };
    let spanning = |document: &AccountDocument| {
        let lines: Vec<&BillLine> = document.document.lines.iter().filter(|line| over(line)).collect();
        let first = *lines.first()?;
        let amount: Money = lines.iter().filter_map(|line| line.amount).sum();
        let message =
            format!("{} lines reach over the period and are left out, {}", lines.len(), amount.grouped(2));
        Some(
            Diagnostic::warning("spanning-lines", first.origin.clone(), message)
                .help("close the period they cover, or ask for a bill by day"),
        )
    };
    inputs.documents.iter().filter_map(spanning).collect()
}

/// Models that one line names.
const NAMED: usize = 8;

/// Models whose difference was not searched for causes in full: what is left of it is unexplained for that reason.
pub(super) fn search_cut(explained: &Explained) -> Vec<Diagnostic> {
    let mut by_account: BTreeMap<&Account, Vec<&str>> = BTreeMap::new();
    for (account, model) in &explained.left_out {
        by_account.entry(account).or_default().push(model);
    }
    let cut = |(account, models): (&Account, Vec<&str>)| {
        let named = models[..models.len().min(NAMED)].join(", ");
        let more = models.len().saturating_sub(NAMED);
        let message = format!(
            "{} models with a difference were not searched for causes in full, there is too much to try: {named}{}",
            models.len(),
            if more > 0 { format!(" and {more} more") } else { String::new() }
        );
        Diagnostic::warning("search-cut", Origin::file(account.to_string()), message).help(
            "a usage report of the provider, or a cost export with quantities, settles most of it at once",
        )
    };
    by_account.into_iter().map(cut).collect()
}

/// Model-days beyond which a difference may be that of days which begin elsewhere.
const OPEN_DAYS: usize = 4;

/// Where a log has only days, no other clock can be tried.
pub(super) fn no_hours(state: &State, explained: &Explained) -> Vec<Diagnostic> {
    let mut open: BTreeMap<&Account, usize> = BTreeMap::new();
    for (cell, residual) in &explained.residuals {
        if cell.first == cell.last && !residual.ties() {
            *open.entry(&cell.account).or_default() += 1;
        }
    }
    let blind = |account: &Account| {
        let tokens = |whole_day: bool| -> u64 {
            let rows = state.usage.iter().filter(|row| row.account == *account);
            rows.filter(|row| !whole_day || row.whole_day).map(|row| row.sums.meters.tokens()).sum()
        };
        tokens(true) > tokens(false) / 2
    };
    let said = |account: &Account| {
        let message = "most of this log knows the day of a call and not its hour: whether the bill's days begin in another zone was not tested";
        let id = account.id.as_deref().map(|id| format!("/{id}")).unwrap_or_default();
        Diagnostic::note("no-hours", Origin::file(format!("{}{id}", account.provider)), message)
            .help("export requests with their instants: `llmfin explain time.zone_bucket`")
    };
    open.into_iter()
        .filter(|(account, days)| *days >= OPEN_DAYS && state.grains.contains_key(*account) && blind(account))
        .map(|(account, _)| said(account))
        .collect()
}

/// A bill near a hundred times (or a hundredth of) what the log prices is a unit error until shown otherwise.
pub(super) fn suspicions(cells: &[Cell], inputs: &CloseInputs) -> Vec<Diagnostic> {
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

pub(super) fn note(diagnostic: Diagnostic) -> Note {
    Note {
        level: diagnostic.level.id().to_owned(),
        code: diagnostic.code.to_owned(),
        message: diagnostic.message.clone(),
        origin: diagnostic.origin.to_string(),
        help: diagnostic.help,
    }
}
