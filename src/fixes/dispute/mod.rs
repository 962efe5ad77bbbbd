//! `disputes/F3.md`, `F3.csv` and `F3.internal.md`: a letter to the provider, the bill lines behind it, and what only we
//! need to know of it. The lines' claims add up to the finding, exactly.
//!
//! A claim needs a witness against the bill that the provider can check: its own quantity at its published or agreed price
//! for what the line itself says, the same line twice, or a total that its lines do not make. Where only our log says
//! otherwise, there is nothing to send.

mod claim;
mod letter;
mod note;
mod sources;
mod wrong;

use std::collections::BTreeMap;

use claim::{COLUMNS, Claim, Value};

use super::words::{csv, filled};
use super::{Context, File, Kind, share};
use crate::close::document::{Bridge, Cell, CellMeter, Finding};
use crate::close::inputs::AccountDocument;
use crate::diagnostic::Origin;
use crate::error::Result;
use crate::invoice::{BillLine, DocumentKind};
use crate::money::Money;
use crate::period::Day;
use crate::pricebook::{PriceQuery, Priced};
use crate::rate;
use crate::reconcile::repeated::content;
use crate::vocabulary::{ChargeCategory, Meter, Seller, Tier};

pub const KIND: Kind = Kind {
    name: "disputes",
    path: "disputes/",
    how: "read its .internal.md and check the letter, fill in who you are and send it with its CSV; keep the answer with \
          the invoice",
    takes,
    write,
    applied: false,
};

/// Causes of a higher bill that are no claim on the provider: what our own log or book lacks or has wrong, and a region that
/// it served from and billed at the region's price.
const OURS: [&str; 5] = [
    "rate.missing_model",
    "rate.missing_class",
    "rate.platform_twin",
    "rate.region_uplift",
    "rate.unit_scale",
];

/// Billed above the published or agreed price.
fn takes(finding: &Finding) -> bool {
    let cause = finding.cause.as_str();
    let theirs = ["rate.", "map.", "unit."].iter().any(|family| cause.starts_with(family))
        || ["terms.discount", "cls.cache_read_as_input", "cls.reasoning_dropped", FOOTING].contains(&cause);
    let ours = OURS.contains(&cause);
    let said = finding.fix.as_ref().is_some_and(|fix| fix.kind == "dispute");
    (theirs || said) && !ours && finding.bridge == Bridge::PricedBilled && finding.amount > Money::ZERO
}

fn write(context: &Context, findings: &[&Finding]) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for finding in findings {
        let Some(claims) = claims(context, finding)? else { continue };
        let path = format!("disputes/{}", finding.id);
        let file = |ending: &str, content: String| File {
            path: format!("{path}{ending}"),
            content,
            findings: vec![finding.id.clone()],
        };
        files.push(file(".md", letter::letter(context, finding, &claims)));
        files.push(file(".csv", sheet(&claims)));
        files.push(file(".internal.md", note::note(context, finding, &claims)));
    }
    Ok(files)
}

/// All lines, for machines.
fn sheet(claims: &[Claim]) -> String {
    let cell = |value: Option<Value>| match value {
        None => String::new(),
        Some(Value::Text(text)) => text,
        Some(Value::Line(line)) => line.to_string(),
        Some(Value::Count(count)) => count.to_string(),
        Some(Value::Amount(amount)) => amount.plain(),
    };
    let row = |claim: &Claim| COLUMNS.iter().map(|column| cell((column.value)(claim))).collect();
    let (header, rows) =
        filled(&COLUMNS.each_ref().map(|column| column.name), claims.iter().map(row).collect());
    let header: Vec<String> = header.iter().map(|name| name.replace(' ', "_")).collect();
    csv(&header.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

/// The claims with their evidence; `None` where they do not show what is claimed.
fn claims<'c>(context: &'c Context, finding: &Finding) -> Result<Option<Vec<Claim<'c>>>> {
    let mut claims = Vec::new();
    // What the lines show beyond what is claimed, and how far their printed amounts may be off.
    let (mut beyond, mut bound) = (Money::ZERO, Money::ZERO);
    for cell in &context.document.cells {
        let Some(amount) = share(cell, finding) else { continue };
        let mut lines = lines(context, cell, finding)?;
        let about = |claim: &Claim| {
            finding.scope.meters.is_empty()
                || claim.meter.is_some_and(|meter| finding.scope.meters.contains(&meter))
        };
        // The same lines again need no other evidence.
        let about = |claim: &Claim| claim.repeats.is_some() || about(claim);
        let mut sums = (Money::ZERO, Money::ZERO);
        for claim in lines.iter().filter(|claim| about(claim)) {
            let Some(expected) = claim.expected else { return Ok(None) };
            (sums.0, sums.1) = (sums.0 + claim.billed, sums.1 + expected);
            bound += claim.line.as_ref().map_or(Money::ZERO, |line| line.line.rounding_bound);
        }
        let shown = sums.0 - sums.1;
        beyond += shown - amount;
        // Where the lines' own differences are the finding's part of the cell, each line carries its own; otherwise the
        // model-day is claimed as a whole and the lines are its evidence.
        if shown == amount {
            lines.retain(about);
            lines.iter_mut().for_each(|claim| {
                claim.claimed = claim.expected.map(|expected| claim.billed - expected);
            });
            claims.append(&mut lines);
        } else {
            claims.append(&mut lines);
            claims.push(Claim {
                cell: Some(cell),
                expected: Some(sums.1),
                ..Claim::whole("these lines together", sums.0, amount)
            });
        }
    }
    let charges = &context.document.charges;
    for charge in charges.iter().filter(|charge| charge.finding.as_ref() == Some(&finding.id)) {
        claims.extend(evidence(context, finding, &charge.origin));
        claims.push(Claim::whole(&charge.text, charge.amount, charge.amount - charge.unexplained));
    }
    let told: Money = claims.iter().filter_map(|claim| claim.claimed).sum();
    Ok((told == finding.amount && beyond + bound >= Money::ZERO).then_some(claims))
}

/// Causes that are their own evidence: no price is at stake.
const REPEATED: &str = "inv.duplicate_line";
const FOOTING: &str = "inv.footing";

/// The document whose stated total its lines do not make.
fn unfooted<'c>(context: &'c Context, finding: &Finding) -> Option<&'c AccountDocument> {
    let own = |charge: &&crate::close::document::Charge| charge.finding.as_ref() == Some(&finding.id);
    let charge = context.document.charges.iter().find(own).filter(|_| finding.cause == FOOTING)?;
    context.inputs.documents.iter().find(|document| *document.path == *charge.origin)
}

/// The lines that a document's total is held against.
fn evidence<'c>(context: &'c Context, finding: &Finding, path: &str) -> Vec<Claim<'c>> {
    let document = unfooted(context, finding).filter(|document| *document.path == *path);
    let lines = document.into_iter().flat_map(|document| {
        document.document.lines.iter().map(move |line| (context.inputs.resolve(document, line), line))
    });
    let claim = |(resolved, line): (_, &BillLine)| Claim {
        line: Some(resolved),
        meter: line.meter,
        claimed: None,
        ..Claim::whole("", line.amount.unwrap_or_default(), Money::ZERO)
    };
    lines.map(claim).collect()
}

/// The bill lines of a cell, each held against the book's price for what the line itself says it is, and what the
/// provider's usage report counts beside them.
fn lines<'c>(context: &'c Context, cell: &'c Cell, finding: &Finding) -> Result<Vec<Claim<'c>>> {
    let (mut claims, mut seen): (Vec<Claim>, BTreeMap<_, &Origin>) = (Vec::new(), BTreeMap::new());
    for (document, line) in bill_lines(context, cell) {
        let resolved = context.inputs.resolve(document, line);
        if cell.model.is_some() && resolved.model.as_deref() != cell.model.as_deref() {
            continue;
        }
        let billed = line.amount.unwrap_or_default();
        let mut claim = Claim { meter: line.meter, ..Claim::whole("", billed, Money::ZERO) };
        if finding.cause == REPEATED {
            claim.repeats = seen.get(&content(line)).copied();
            seen.entry(content(line)).or_insert(&line.origin);
            if claim.repeats.is_none() {
                continue;
            }
            claim.expected = Some(Money::ZERO);
        } else {
            (claim.price, claim.list) = prices(context, cell, &Sold::of(line), line.period.first);
            (claim.quantity, claim.counted) = quantity(cell, line, finding);
            claim.expected = expected(&claim)?;
        }
        claims.push(Claim { line: Some(resolved), claimed: None, ..claim });
    }
    let by_meter = claims.iter().any(|claim| claim.meter.is_some()) && finding.cause != REPEATED;
    for part in cell.meters.iter().filter(|part| by_meter && part.quantity_billed.is_none()) {
        let Some(count) = part.quantity_witness else { continue };
        let there = claims.iter().any(|claim| claim.line.as_ref().is_some_and(|line| is_of(part, line.line)));
        if there || count == 0 {
            continue;
        }
        let mut claim = Claim { meter: part.meter, ..Claim::whole("on no line", Money::ZERO, Money::ZERO) };
        (claim.price, claim.list) = prices(context, cell, &Sold::part(part), cell.from);
        (claim.quantity, claim.counted) = (Some(count), "your usage report");
        claim.expected = expected(&claim)?;
        claims.push(Claim { cell: Some(cell), claimed: None, ..claim });
    }
    Ok(claims)
}

fn expected(claim: &Claim) -> Result<Option<Money>> {
    let known = claim.price.as_ref().zip(claim.quantity);
    known.map(|(price, quantity)| rate::amount(price.unit, quantity)).transpose()
}

fn bill_lines<'i>(
    context: &'i Context,
    cell: &Cell,
) -> impl Iterator<Item = (&'i AccountDocument, &'i BillLine)> {
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

fn is_of(part: &CellMeter, line: &BillLine) -> bool {
    part.meter == line.meter && part.tier == line.tier && part.region.as_deref() == line.region.as_deref()
}

/// The quantity of a line and who counted it: the provider's usage report, the bill, or, where only a price is in question,
/// the log.
fn quantity(cell: &Cell, line: &BillLine, finding: &Finding) -> (Option<i128>, &'static str) {
    let alone = |part: &&CellMeter| is_of(part, line) && Some(part.billed) == line.amount;
    let part = cell.meters.iter().find(alone);
    let witness = part.and_then(|part| part.quantity_witness);
    let priced = ["rate.stale", "terms.discount"].contains(&finding.cause.as_str());
    let logged = part.filter(|_| priced).map(|part| part.quantity_logged);
    let counts = [(witness, "your usage report"), (line.quantity, "your bill"), (logged, "our log")];
    counts.into_iter().find(|(count, _)| count.is_some()).unwrap_or((None, ""))
}

/// What a line says was sold.
struct Sold<'s> {
    meter: Option<Meter>,
    tier: Option<Tier>,
    region: Option<&'s str>,
    long_context: Option<bool>,
}

impl Sold<'_> {
    fn of(line: &BillLine) -> Sold<'_> {
        let (meter, tier, long_context) = (line.meter, line.tier, line.long_context);
        Sold { meter, tier, region: line.region.as_deref(), long_context }
    }

    fn part(part: &CellMeter) -> Sold<'_> {
        let (meter, tier, long_context) = (part.meter, part.tier, part.long_context);
        Sold { meter, tier, region: part.region.as_deref(), long_context }
    }
}

/// The agreed price for what is said to be sold, and the list price behind it.
fn prices(context: &Context, cell: &Cell, sold: &Sold, day: Day) -> (Option<Priced>, Option<Priced>) {
    let (Some(model), Some(meter)) = (cell.model.as_deref(), sold.meter) else { return (None, None) };
    let query = PriceQuery {
        seller: &cell.provider,
        model,
        meter: Seller::with_lifetime(&cell.provider, meter),
        tier: sold.tier.unwrap_or(Tier::Standard),
        region: sold.region.unwrap_or(""),
        prompt: if sold.long_context == Some(true) { u64::MAX >> 16 } else { 0 },
        at: day.start(),
    };
    let book = context.inputs.book;
    (book.price_of_day(cell.account.as_deref(), &query).ok(), book.list_price(&query).ok())
}
