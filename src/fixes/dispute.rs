//! `disputes/F3.md` and `disputes/F3.csv`: a letter to the provider and the bill lines behind it. The lines' claims add
//! up to the finding, exactly.
//!
//! A claim needs a witness against the bill that the provider can check: its own quantity at its published or agreed price
//! for what the line itself says, the same line twice, or a total that its lines do not make. Where only our log says
//! otherwise, there is nothing to send.

use std::collections::BTreeSet;

use super::words::csv;
use super::{Context, File, Kind, letter, share};
use crate::close::document::{Bridge, Cell, CellMeter, Finding};
use crate::close::inputs::AccountDocument;
use crate::error::Result;
use crate::invoice::{BillLine, DocumentKind};
use crate::money::Money;
use crate::period::{Day, Period};
use crate::pricebook::{PriceQuery, Priced};
use crate::rate;
use crate::reconcile::Line;
use crate::reconcile::repeated::content;
use crate::vocabulary::{ChargeCategory, Meter, Seller, Tier};

pub const KIND: Kind = Kind {
    name: "disputes",
    path: "disputes/",
    how: "check the letter, fill in who you are and send it with its CSV; keep the answer with the invoice",
    takes,
    write,
    applied: false,
};

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
        || ["terms.discount", "cls.cache_read_as_input", "cls.reasoning_dropped", "inv.footing"]
            .contains(&cause);
    let ours = OURS.contains(&cause);
    let said = finding.fix.as_ref().is_some_and(|fix| fix.kind == "dispute");
    (theirs || said) && !ours && finding.bridge == Bridge::PricedBilled && finding.amount > Money::ZERO
}

/// One line of the CSV.
pub(super) struct Claim<'c> {
    pub line: Option<Line<'c>>,
    /// The line's, or what the provider counted and no line bills.
    pub meter: Option<Meter>,
    /// Where no line of the bill is claimed but several together, or a charge.
    what: &'c str,
    quantity: Option<i128>,
    cell: Option<&'c Cell>,
    pub price: Option<Priced>,
    pub expected: Option<Money>,
    pub billed: Money,
    /// `None`: evidence of a claim on the model's day.
    pub claimed: Option<Money>,
    /// Who counted the quantity.
    counted: &'static str,
}

fn write(context: &Context, findings: &[&Finding]) -> Result<Vec<File>> {
    let mut files = Vec::new();
    for finding in findings {
        let Some(claims) = claims(context, finding)? else { continue };
        let lines: Vec<Vec<String>> = claims.iter().map(|claim| claim.cells()).collect();
        let path = format!("disputes/{}", finding.id);
        let about = vec![finding.id.clone()];
        files.push(File {
            path: format!("{path}.md"),
            content: letter::letter(context, finding, &claims),
            findings: about.clone(),
        });
        files.push(File { path: format!("{path}.csv"), content: csv(&HEADER, &lines), findings: about });
    }
    Ok(files)
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
        // The same lines again need no other evidence, and without a price every line that is left is in question.
        let about = |claim: &Claim| finding.cause == REPEATED || about(claim);
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
        claims.push(Claim::whole(&charge.text, charge.amount, charge.amount - charge.unexplained));
    }
    let told: Money = claims.iter().filter_map(|claim| claim.claimed).sum();
    Ok((told == finding.amount && beyond + bound >= Money::ZERO).then_some(claims))
}

/// The cause that is its own evidence.
const REPEATED: &str = "inv.duplicate_line";

/// The bill lines of a cell, each held against the book's price for what the line itself says it is, and what the
/// provider's usage report counts beside them.
fn lines<'c>(context: &'c Context, cell: &'c Cell, finding: &Finding) -> Result<Vec<Claim<'c>>> {
    let (mut claims, mut seen): (Vec<Claim>, BTreeSet<_>) = (Vec::new(), BTreeSet::new());
    for (document, line) in bill_lines(context, cell) {
        let resolved = context.inputs.resolve(document, line);
        if cell.model.is_some() && resolved.model.as_deref() != cell.model.as_deref() {
            continue;
        }
        let billed = line.amount.unwrap_or_default();
        let mut claim = Claim { meter: line.meter, ..Claim::whole("", billed, Money::ZERO) };
        if finding.cause == REPEATED {
            let again = !seen.insert(content(line));
            claim.expected = Some(if again { Money::ZERO } else { billed });
        } else {
            claim.price = published(context, cell, &Sold::of(line), line.period.first);
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
        claim.price = published(context, cell, &Sold::part(part), cell.from);
        (claim.quantity, claim.counted) = (Some(count), "usage report");
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
    let counts = [(witness, "usage report"), (line.quantity, "bill"), (logged, "log")];
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

/// The published or agreed price for what is said to be sold.
fn published(context: &Context, cell: &Cell, sold: &Sold, day: Day) -> Option<Priced> {
    let query = PriceQuery {
        seller: &cell.provider,
        model: cell.model.as_deref()?,
        meter: Seller::with_lifetime(&cell.provider, sold.meter?),
        tier: sold.tier.unwrap_or(Tier::Standard),
        region: sold.region.unwrap_or(""),
        prompt: if sold.long_context == Some(true) { u64::MAX >> 16 } else { 0 },
        at: day.start(),
    };
    context.inputs.book.price_of_day(cell.account.as_deref(), &query).ok()
}

impl<'c> Claim<'c> {
    /// A claim that no single line carries.
    fn whole(what: &'c str, billed: Money, claimed: Money) -> Claim<'c> {
        Claim {
            line: None,
            meter: None,
            what,
            quantity: None,
            cell: None,
            price: None,
            expected: None,
            billed,
            claimed: Some(claimed),
            counted: "",
        }
    }

    pub(super) fn cells(&self) -> Vec<String> {
        let text = |value: Option<String>| value.unwrap_or_default();
        let line = self.line.as_ref().map(|line| &line.line);
        let day = |of: fn(Period) -> Day, cell: fn(&Cell) -> Day| {
            text(
                line.map(|line| of(line.period).to_string())
                    .or_else(|| self.cell.map(|at| cell(at).to_string())),
            )
        };
        let model = self.line.as_ref().and_then(|line| line.model.as_deref());
        let model = model.or_else(|| self.cell.and_then(|cell| cell.model.as_deref()));
        let what = line.map_or(self.what, |line| &line.text).to_owned();
        vec![
            text(line.map(|line| line.origin.file.to_string())),
            text(line.map(|line| line.origin.line.to_string())),
            what,
            day(|period| period.first, |cell| cell.from),
            day(|period| period.last, |cell| cell.to),
            text(model.map(ToOwned::to_owned)),
            text(self.meter.map(|meter| meter.to_string())),
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
