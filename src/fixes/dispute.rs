//! `disputes/F3.md` and `disputes/F3.csv`: a letter to the provider and the bill lines behind it. The lines' claims add
//! up to the finding, exactly.

use std::collections::BTreeMap;

use super::words::{code, codes, csv, prose, table};
use super::{Context, File, Kind, share};
use crate::close::document::{Bridge, Cell, CellMeter, Finding};
use crate::close::inputs::AccountDocument;
use crate::error::Result;
use crate::invoice::DocumentKind;
use crate::money::Money;
use crate::pricebook::{PriceQuery, Priced};
use crate::rate;
use crate::reconcile::Line;
use crate::vocabulary::{ChargeCategory, Seller, Tier};

pub const KIND: Kind = Kind {
    name: "disputes",
    how: "check the letter, fill in who you are and send it with its CSV; keep the answer with the invoice",
    takes,
    write,
    applied: false,
};

/// Lines that the letter itself shows.
const SHOWN: usize = 20;
const HEADER: [&str; 17] = [
    "file",
    "line",
    "text",
    "from",
    "to",
    "model",
    "meter",
    "tier",
    "region",
    "quantity",
    "counted_by",
    "billed",
    "published_price_per_million",
    "price_row",
    "at_published_price",
    "difference",
    "claimed",
];

/// Billed above the published or agreed price. What our own log or book lacks is no claim on the provider.
fn takes(finding: &Finding) -> bool {
    let cause = finding.cause.as_str();
    let theirs = ["rate.", "map.", "unit."].iter().any(|family| cause.starts_with(family))
        || ["terms.discount", "cls.cache_read_as_input", "cls.reasoning_dropped", "inv.footing"]
            .contains(&cause);
    let ours = ["rate.missing_model", "rate.missing_class"].contains(&cause);
    let said = finding.fix.as_ref().is_some_and(|fix| fix.kind == "dispute");
    (theirs || said) && !ours && finding.bridge == Bridge::PricedBilled && finding.amount > Money::ZERO
}

/// One line of the CSV.
struct Claim<'c> {
    line: Option<Line<'c>>,
    /// What the line or, where it says none, the finding counts.
    quantity: Option<i128>,
    cell: Option<&'c Cell>,
    price: Option<Priced>,
    expected: Option<Money>,
    billed: Money,
    /// `None`: evidence of a claim on the model's day.
    claimed: Option<Money>,
    /// Who counted the quantity.
    counted: &'static str,
}

fn write(context: &Context, findings: &[&Finding]) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for finding in findings {
        let mut claims = claims(context, finding)?;
        let told: Money = claims.iter().filter_map(|claim| claim.claimed).sum();
        if told != finding.amount {
            claims.push(Claim::whole(None, finding.amount - told));
        }
        let lines: Vec<Vec<String>> = claims.iter().map(|claim| claim.cells()).collect();
        let path = format!("disputes/{}", finding.id);
        let about = vec![finding.id.clone()];
        files.push(File {
            path: format!("{path}.md"),
            content: letter(context, finding, &claims),
            findings: about.clone(),
        });
        files.push(File { path: format!("{path}.csv"), content: csv(&HEADER, &lines), findings: about });
    }
    Ok(files)
}

fn claims<'c>(context: &'c Context, finding: &Finding) -> Result<Vec<Claim<'c>>> {
    let mut claims = Vec::new();
    for cell in &context.document.cells {
        let Some(amount) = share(cell, finding) else { continue };
        let mut lines = lines(context, cell, finding)?;
        // Where the lines' own differences are the finding's part of the cell, each line carries its own; otherwise the
        // model-day is claimed as a whole and the lines are its evidence.
        let about = |claim: &Claim| {
            let meter = claim.line.as_ref().and_then(|line| line.line.meter);
            finding.scope.meters.is_empty()
                || meter.is_some_and(|meter| finding.scope.meters.contains(&meter))
        };
        let difference = |claim: &Claim| claim.expected.map(|expected| claim.billed - expected);
        let mut parts = lines.iter().filter(|claim| about(claim)).map(difference);
        let parts = parts.try_fold(Money::ZERO, |sum, part| Some(sum + part?));
        if parts == Some(amount) {
            lines.retain(about);
            lines.iter_mut().for_each(|claim| claim.claimed = difference(claim));
            claims.append(&mut lines);
        } else {
            claims.append(&mut lines);
            claims.push(Claim::whole(Some(cell), amount));
        }
    }
    for charge in
        context.document.charges.iter().filter(|charge| charge.finding.as_ref() == Some(&finding.id))
    {
        let claimed = charge.amount - charge.unexplained;
        claims.push(Claim { billed: charge.amount, ..Claim::whole(None, claimed) });
    }
    Ok(claims)
}

/// The bill lines of a cell, each held against the book's price for what the line itself says it is.
fn lines<'c>(context: &'c Context, cell: &Cell, finding: &Finding) -> Result<Vec<Claim<'c>>> {
    let mut claims = Vec::new();
    for (document, line) in bill_lines(context, cell) {
        let resolved = context.inputs.resolve(document, line);
        if cell.model.is_some() && resolved.model.as_deref() != cell.model.as_deref() {
            continue;
        }
        let price = published(context, &resolved, finding);
        let (quantity, counted) = quantity(cell, &resolved, finding);
        let expected = match (&price, quantity) {
            (Some(price), Some(quantity)) => Some(rate::amount(price.unit, quantity)?),
            _ => None,
        };
        let billed = line.amount.unwrap_or_default();
        let line = Some(resolved);
        claims.push(Claim { line, quantity, cell: None, price, expected, billed, claimed: None, counted });
    }
    Ok(claims)
}

fn bill_lines<'i>(
    context: &'i Context,
    cell: &Cell,
) -> impl Iterator<Item = (&'i AccountDocument, &'i crate::invoice::BillLine)> {
    let own = |document: &&AccountDocument| {
        matches!(document.kind, DocumentKind::Cost | DocumentKind::Invoice)
            && *document.account.provider == *cell.provider
            && document.account.id.as_deref() == cell.account.as_deref()
    };
    let (from, to) = (cell.from, cell.to);
    let documents = context.inputs.documents.iter().filter(own).collect::<Vec<_>>().into_iter();
    documents.flat_map(|document| document.document.lines.iter().map(move |line| (document, line))).filter(
        move |(_, line)| {
            line.category == ChargeCategory::Usage && from <= line.period.first && line.period.last <= to
        },
    )
}

/// The quantity of a line and who counted it: the bill, the provider's usage report, or, where only a price is in
/// question, the log.
fn quantity(cell: &Cell, line: &Line, finding: &Finding) -> (Option<i128>, &'static str) {
    if let Some(quantity) = line.line.quantity {
        return (Some(quantity), "bill");
    }
    let only = |part: &&CellMeter| {
        part.meter == line.line.meter
            && part.tier == line.line.tier
            && part.region.as_deref() == line.line.region.as_deref()
            && Some(part.billed) == line.line.amount
    };
    let Some(part) = cell.meters.iter().find(only) else { return (None, "") };
    let priced = ["rate.stale", "terms.discount"].contains(&finding.cause.as_str());
    match (&part.quantity_witness, priced) {
        (Some(count), _) => (count.parse().ok(), "usage report"),
        (None, true) => (part.quantity_logged.parse().ok(), "log"),
        (None, false) => (None, ""),
    }
}

/// The price for what the line says it is, but for the tier or region in dispute: that one is as logged.
fn published(context: &Context, line: &Line, finding: &Finding) -> Option<Priced> {
    let seller = &line.account.provider;
    let tier_disputed = ["rate.service_tier", "rate.batch"].contains(&finding.cause.as_str());
    let region = line.line.region.as_deref().filter(|region| {
        finding.cause != "rate.region_uplift" || !finding.scope.regions.iter().any(|known| known == region)
    });
    let query = PriceQuery {
        seller,
        model: line.model.as_deref()?,
        meter: Seller::with_lifetime(seller, line.line.meter?),
        tier: line
            .line
            .tier
            .filter(|tier| !finding.scope.tiers.contains(tier) || !tier_disputed)
            .unwrap_or(Tier::Standard),
        region: region.unwrap_or(""),
        prompt: if line.line.long_context == Some(true) { u64::MAX >> 16 } else { 0 },
        at: line.line.period.first.start(),
    };
    context.inputs.book.price_of_day(line.account.id.as_deref(), &query).ok()
}

impl<'c> Claim<'c> {
    /// A claim on a model's day, or on the document where no cell shows it.
    fn whole(cell: Option<&'c Cell>, claimed: Money) -> Claim<'c> {
        Claim {
            line: None,
            quantity: None,
            cell,
            price: None,
            expected: cell.map(|cell| cell.priced),
            billed: cell.map_or(claimed, |cell| cell.billed),
            claimed: Some(claimed),
            counted: "",
        }
    }

    fn cells(&self) -> Vec<String> {
        let text = |value: Option<String>| value.unwrap_or_default();
        let line = self.line.as_ref().map(|line| &line.line);
        let day = |of: fn(crate::period::Period) -> crate::period::Day,
                   cell: fn(&Cell) -> crate::period::Day| {
            text(
                line.map(|line| of(line.period).to_string())
                    .or_else(|| self.cell.map(|at| cell(at).to_string())),
            )
        };
        let model = self.line.as_ref().and_then(|line| line.model.as_deref());
        let model = model.or_else(|| self.cell.and_then(|cell| cell.model.as_deref()));
        let what = match line {
            Some(line) => line.text.to_string(),
            None if self.cell.is_some() => "the model's day as a whole".to_owned(),
            None => "the document as a whole".to_owned(),
        };
        vec![
            text(line.map(|line| line.origin.file.to_string())),
            text(line.map(|line| line.origin.line.to_string())),
            what,
            day(|period| period.first, |cell| cell.from),
            day(|period| period.last, |cell| cell.to),
            text(model.map(ToOwned::to_owned)),
            text(line.and_then(|line| line.meter).map(|meter| meter.to_string())),
            text(line.and_then(|line| line.tier).map(|tier| tier.to_string())),
            text(line.and_then(|line| line.region.as_deref()).map(ToOwned::to_owned)),
            text(self.quantity.map(|quantity| quantity.to_string())),
            self.counted.to_owned(),
            self.billed.plain(),
            text(self.price.as_ref().map(|price| price.unit.per_million())),
            text(self.price.as_ref().map(|price| price.row.to_string())),
            text(self.expected.map(Money::plain)),
            text(self.expected.map(|expected| (self.billed - expected).plain())),
            text(self.claimed.map(Money::plain)),
        ]
    }
}

fn letter(context: &Context, finding: &Finding, claims: &[Claim]) -> String {
    let scope = &finding.scope;
    let account = scope.account.as_deref().map(|id| format!(", account {}", code(id))).unwrap_or_default();
    let provider = scope.provider.as_deref().unwrap_or("");
    let days = match (scope.from, scope.to) {
        (Some(from), Some(to)) => format!(" for {from} to {to}"),
        _ => String::new(),
    };
    let currency = &context.document.currency;
    let mut text = format!(
        "# Billing dispute: {}{account}, {}\n\nWe ask you to review and credit **{currency} {}**{days}.\n\n\
         - models: {}\n- charges: {}\n- our reference: {} of {} ({}, {})\n- exact amount claimed: {}\n\n",
        code(provider),
        context.document.month,
        finding.amount.grouped(2),
        codes(&scope.models),
        codes(scope.meters.iter().map(|meter| meter.id())),
        finding.id,
        context.document.month,
        code(&finding.cause),
        finding.status.id(),
        finding.amount.plain(),
    );
    text += "## What was billed, and what the published prices make of it\n\nQuantity × published price = amount, line by line; the claims of the attached CSV add up to the amount above.\n\n";
    let counted = claims.iter().filter_map(|claim| Some((claim, claim.claimed?)));
    let mut sums: BTreeMap<(String, String), (u64, Money, Option<Money>, Money)> = BTreeMap::new();
    for (claim, claimed) in counted {
        let cells = claim.cells();
        let what = if cells[6].is_empty() { cells[2].clone() } else { cells[6].clone() };
        let sum =
            sums.entry((cells[5].clone(), what)).or_insert((0, Money::ZERO, Some(Money::ZERO), Money::ZERO));
        sum.0 += 1;
        sum.1 += claim.billed;
        sum.2 = sum.2.zip(claim.expected).map(|(sum, expected)| sum + expected);
        sum.3 += claimed;
    }
    let rows: Vec<Vec<String>> = sums
        .into_iter()
        .map(|((model, what), (lines, billed, expected, claimed))| {
            let expected = expected.map_or_else(|| "–".to_owned(), |expected| expected.grouped(4));
            vec![
                code(&model),
                code(&what),
                lines.to_string(),
                billed.grouped(4),
                expected,
                claimed.grouped(4),
            ]
        })
        .collect();
    text += &table(&["model", "charge", "lines", "billed", "at published price", "claimed"], &rows);
    let prices = prices(context, claims);
    if !prices.is_empty() {
        text += "\n## The published prices\n\n";
        text += &table(&["model", "meter", "tier", "per million", "source", "read"], &prices);
    }
    text += &format!("\n## The lines{}\n\n", if claims.len() > SHOWN { ", the first of them" } else { "" });
    let rows: Vec<Vec<String>> =
        claims
            .iter()
            .take(SHOWN)
            .map(|claim| {
                let cells = claim.cells();
                let at =
                    if cells[0].is_empty() { cells[2].clone() } else { format!("{}:{}", cells[0], cells[1]) };
                [&at, &cells[3], &cells[5], &cells[6]]
                    .map(|cell| code(cell))
                    .into_iter()
                    .chain([9, 11, 12, 14, 16].map(|index| {
                        if cells[index].is_empty() { "–".to_owned() } else { cells[index].clone() }
                    }))
                    .collect()
            })
            .collect();
    text += &table(
        &["line", "day", "model", "meter", "quantity", "billed", "per million", "expected", "claimed"],
        &rows,
    );
    if let Some(decides) = &finding.decides {
        text += &format!("\nWhat would settle it: {}.\n", prose(decides));
    }
    text + "\nContact: ____________________   Date: ____________\n"
}

/// Each published price that a claim rests on, once, with where it was read.
fn prices(context: &Context, claims: &[Claim]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for claim in claims {
        let (Some(line), Some(price)) = (&claim.line, &claim.price) else { continue };
        let Some(model) = &line.model else { continue };
        let seller = &line.account.provider;
        let known = context.inputs.book.ledger(seller).find(|row| row.origin == price.row);
        let evidence = known.and_then(|row| context.inputs.book.evidence(&row.source));
        let (source, read) = match evidence {
            Some(evidence) => (code(&evidence.url), evidence.retrieved.to_string()),
            None => (code(&price.row.to_string()), "–".to_owned()),
        };
        let meter = line.line.meter.map(|meter| meter.to_string()).unwrap_or_default();
        let tier = line.line.tier.unwrap_or(Tier::Standard).to_string();
        let row = vec![code(model), code(&meter), tier, price.unit.per_million(), source, read];
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}
