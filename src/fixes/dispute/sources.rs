//! Where the prices of a dispute come from: the seller's page or another list, from which day, and the contract's terms
//! that change them.

use std::collections::BTreeMap;

use super::claim::{Claim, price_text};
use crate::fixes::Context;
use crate::fixes::words::{base_name, code, filled, table};
use crate::money::{Money, ONE, Ratio};
use crate::period::Day;
use crate::pricebook::terms::{Kind, Term};
use crate::pricebook::{Evidence, PriceRow, Pricebook, Priced};
use crate::vocabulary::{PriceBasis, Tier};

/// One price that claims rest on.
pub struct Source<'c> {
    pub claim: &'c Claim<'c>,
    pub list: &'c Priced,
    pub row: Option<&'c PriceRow>,
    /// Where the list price was read, and whether that is the seller's own page.
    pub read: Option<(&'c Evidence, bool)>,
    pub terms: Vec<&'c Term>,
    agreed: &'c Priced,
    /// What the bill charges for so much of it.
    billed: Money,
    quantity: i128,
}

/// Each price once, in the order of the claims.
pub fn sources<'c>(context: &'c Context, seller: &str, claims: &'c [Claim<'c>]) -> Vec<Source<'c>> {
    let book = context.inputs.book;
    let mut found: Vec<Source> = Vec::new();
    for claim in claims {
        let (Some(agreed), Some(list)) = (&claim.price, &claim.list) else { continue };
        let (billed, quantity) = (claim.billed, claim.quantity.unwrap_or_default());
        let same = |source: &&mut Source| {
            (source.claim.model(), source.claim.meter) == (claim.model(), claim.meter)
                && (source.agreed, source.list) == (agreed, list)
        };
        if let Some(source) = found.iter_mut().find(same) {
            (source.billed, source.quantity) = (source.billed + billed, source.quantity + quantity);
            continue;
        }
        let row = book.ledger(seller).find(|row| row.origin == list.row);
        let read = row.and_then(|row| read(book, seller, row));
        found.push(Source {
            claim,
            list,
            row,
            read,
            terms: terms(book, agreed, list),
            agreed,
            billed,
            quantity,
        });
    }
    found
}

impl Source<'_> {
    /// True where the list price is not the seller's own word.
    pub fn is_foreign(&self) -> bool {
        self.read.is_some_and(|(_, own)| !own)
    }

    fn cells(&self) -> Vec<String> {
        let claim = self.claim;
        let tier = claim.line.as_ref().and_then(|line| line.line.tier).filter(|tier| *tier != Tier::Standard);
        let price = |unit: Ratio| price_text(unit, claim.meter);
        let (source, whose, day) = match self.read {
            Some((page, own)) if page.url.starts_with("http") => {
                let whose = if own { "" } else { "a list kept by others" };
                (code(&page.url), whose, page.retrieved.to_string())
            }
            _ => ("our price list".to_owned(), "", String::new()),
        };
        let charged = Ratio::quotient(self.billed.pico(), self.quantity)
            .and_then(|pico| pico.checked_mul(Ratio::new(1, ONE)?));
        let agreed = if claim.is_agreed() { price(self.agreed.unit) } else { String::new() };
        vec![
            code(claim.model().unwrap_or_default()),
            code(claim.meter.map_or("", |meter| meter.id())),
            tier.map(|tier| tier.to_string()).unwrap_or_default(),
            price(self.list.unit),
            self.row.map(holds).unwrap_or_default(),
            source,
            whose.to_owned(),
            day,
            self.terms.iter().map(|term| words(term)).collect::<Vec<_>>().join(", then "),
            agreed,
            charged.map(price).unwrap_or_default(),
        ]
    }
}

const HEADER: [&str; 11] = [
    "model",
    "charge",
    "tier",
    "list price",
    "holds from",
    "source",
    "whose",
    "read on",
    "contract term",
    "agreed price",
    "billed at, on average",
];

/// The prices as a table of Markdown.
pub fn prices(sources: &[Source]) -> String {
    let (header, rows) = filled(&HEADER, sources.iter().map(Source::cells).collect());
    table(&header, &rows)
}

/// The day from which a price holds, as far as its source says.
fn holds(row: &PriceRow) -> String {
    let from = Day::of_instant(row.from);
    if row.basis == Some(PriceBasis::Observed) { format!("{from} at the latest") } else { from.to_string() }
}

/// The terms of the contract that make the agreed price of the list price, in their order.
fn terms<'b>(book: &'b Pricebook, agreed: &Priced, list: &Priced) -> Vec<&'b Term> {
    if agreed.row != list.row {
        return book.terms().iter().filter(|term| term.origin == agreed.row).collect();
    }
    let applied = agreed.factors.iter().skip(list.factors.len());
    applied.filter_map(|(id, _)| book.terms().iter().find(|term| term.id == *id)).collect()
}

/// A term as the other party knows it: what it says, since when, and where in our copy.
fn words(term: &Term) -> String {
    let off = |factor: Ratio| {
        let off = Ratio::new(factor.denominator().checked_sub(factor.numerator())?, factor.denominator())?;
        Some(format!("{} % off the list price", off.checked_mul(Ratio::new(100, 1)?)?.decimal_text(4)))
    };
    let says = match &term.kind {
        Kind::OffList { factor } => off(*factor),
        _ => None,
    };
    let says = says.unwrap_or_else(|| "a price of its own".to_owned());
    let name = if *term.name == *term.kind.id() { String::new() } else { format!("{}: ", code(&term.name)) };
    let place = code(&format!("{}:{}", base_name(&term.origin.file), term.origin.line));
    format!("{name}{says} from {} ({place})", Day::of_instant(term.from))
}

/// Where a price was read: a page of the seller's own that says the same of the same key comes first.
fn read<'b>(book: &'b Pricebook, seller: &str, row: &'b PriceRow) -> Option<(&'b Evidence, bool)> {
    let same = book.rows(seller, &row.model, row.meter).into_iter().filter(|other| {
        (other.unit, other.tier, other.ctx, &other.region, &other.window)
            == (row.unit, row.tier, row.ctx, &row.region, &row.window)
    });
    let all = std::iter::once(row).chain(same).filter_map(|row| book.evidence(&row.source));
    let all: Vec<(&Evidence, bool)> =
        all.map(|evidence| (evidence, is_sellers(book, seller, evidence))).collect();
    all.iter().find(|(_, own)| *own).or(all.first()).copied()
}

/// Pages that rows of the seller's own word come from are the seller's, and so is what else stands there.
fn is_sellers(book: &Pricebook, seller: &str, evidence: &Evidence) -> bool {
    let host = |evidence: &Evidence| evidence.url.split('/').nth(2).unwrap_or_default().to_owned();
    let own = host(evidence);
    official(book, seller).any(|page| host(page) == own)
}

fn official<'b>(book: &'b Pricebook, seller: &str) -> impl Iterator<Item = &'b Evidence> {
    let rows = book.ledger(seller).filter(|row| row.basis == Some(PriceBasis::Official));
    rows.filter_map(|row| book.evidence(&row.source))
}

/// The page that most rows of the seller's own word come from.
pub fn sellers_page<'b>(book: &'b Pricebook, seller: &str) -> Option<&'b Evidence> {
    let mut pages: BTreeMap<&str, (u64, &Evidence)> = BTreeMap::new();
    for page in official(book, seller) {
        pages.entry(&page.url).or_insert((0, page)).0 += 1;
    }
    pages.into_values().max_by_key(|(rows, _)| *rows).map(|(_, page)| page)
}
