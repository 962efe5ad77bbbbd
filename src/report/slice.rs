//! The bridge priced → billed, sliced by any combination of dimensions. Every slice sums to the difference of the
//! whole month: each part of a cell or charge is in exactly one row, and what nothing tells apart is a row of its own.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::sheet::{Cell as Shown, Column, Kind, Sheet};
use crate::close::document::{Bridge, Cell, Charge, Finding, Reconciliation};
use crate::money::Money;
use crate::period::Day;

/// What a slice can be told apart by. The word is that of `--by` and of the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dimension {
    /// What explains it, or `unexplained`.
    Cause,
    Provider,
    Account,
    Model,
    /// `several` where one amount covers more than one.
    Meter,
    Day,
    /// Of the cell: `tied`, `explained`, `unexplained`, …; of a charge its category.
    Status,
    /// Project or key, where a finding is about one.
    Key,
    /// How sure the finding is.
    Confidence,
    Finding,
    /// Who is asked.
    Owner,
}

/// Word, heading and dimension.
pub const DIMENSIONS: &[(&str, &str, Dimension)] = &[
    ("cause", "Cause", Dimension::Cause),
    ("provider", "Provider", Dimension::Provider),
    ("account", "Account", Dimension::Account),
    ("model", "Model", Dimension::Model),
    ("meter", "Meter", Dimension::Meter),
    ("day", "Day", Dimension::Day),
    ("status", "Status", Dimension::Status),
    ("key", "Key", Dimension::Key),
    ("confidence", "Confidence", Dimension::Confidence),
    ("finding", "Finding", Dimension::Finding),
    ("owner", "Owner", Dimension::Owner),
];

impl Dimension {
    pub fn parse(word: &str) -> Option<Dimension> {
        DIMENSIONS
            .iter()
            .find(|(known, ..)| known.eq_ignore_ascii_case(word))
            .map(|(.., dimension)| *dimension)
    }

    fn column(self) -> Column {
        let found = DIMENSIONS.iter().find(|(.., dimension)| *dimension == self);
        let (name, title) = found.map_or(("", ""), |(name, title, _)| (*name, *title));
        Column::new(name, title, Kind::Text)
    }

    /// True where only a finding knows it, so that no row has a priced and a billed amount of its own.
    const fn of_finding(self) -> bool {
        matches!(
            self,
            Dimension::Cause | Dimension::Key | Dimension::Confidence | Dimension::Finding | Dimension::Owner
        )
    }
}

/// What no finding explains.
const UNEXPLAINED: &str = "unexplained";
/// An amount that covers more than one meter.
const SEVERAL: &str = "several";
/// A cell whose bill lines cover more than one model.
const ALL_MODELS: &str = "all models";
/// What stands beside the usage has no model, meter or day.
const CHARGE: &str = "charge";

/// The smallest amount that no dimension divides: one finding, or the rest, in one cell and, where it can be told, one
/// meter of it.
struct Part<'d> {
    place: Place<'d>,
    meter: &'d str,
    finding: Option<&'d Finding>,
    amount: Money,
    priced: Money,
    billed: Money,
}

/// What a finding, or none, explains of a cell.
type Amount<'d> = (Option<&'d Finding>, Money);

/// The cell or charge of a part.
#[derive(Clone, Copy)]
struct Place<'d> {
    provider: &'d str,
    account: Option<&'d str>,
    model: &'d str,
    days: Option<(Day, Day)>,
    status: &'d str,
}

#[derive(Default)]
struct Sums {
    priced: Money,
    billed: Money,
    explained: Money,
    unexplained: Money,
}

impl Sums {
    fn add(&mut self, part: &Part) {
        self.priced += part.priced;
        self.billed += part.billed;
        if part.finding.is_some() {
            self.explained += part.amount;
        } else {
            self.unexplained += part.amount;
        }
    }

    fn delta(&self) -> Money {
        self.explained + self.unexplained
    }
}

/// The bridge by `dimensions`, largest difference first; in the order of days where there are days.
pub fn build(document: &Reconciliation, dimensions: &[Dimension]) -> Sheet {
    let mut parts = parts(document, dimensions.contains(&Dimension::Meter));
    let of_finding = dimensions.iter().any(|dimension| dimension.of_finding());
    if of_finding {
        // A cell whose sides agree to the last digit has no cause and needs none.
        parts.retain(|part| part.finding.is_some() || !part.amount.is_zero());
    }
    let mut slices: BTreeMap<Vec<String>, Sums> = BTreeMap::new();
    let mut total = Sums::default();
    for part in &parts {
        let name = dimensions.iter().map(|dimension| part.text(*dimension)).collect();
        slices.entry(name).or_default().add(part);
        total.add(part);
    }
    let mut rows: Vec<(Vec<String>, Sums)> = slices.into_iter().collect();
    rows.retain(|(_, sums)| {
        [sums.priced, sums.billed, sums.explained, sums.unexplained].iter().any(|amount| !amount.is_zero())
    });
    if !dimensions.contains(&Dimension::Day) {
        rows.sort_by_key(|(_, sums)| Reverse(sums.delta().abs()));
    }
    let mut sheet = Sheet::new("variance-by", title(document, dimensions), columns(dimensions, of_finding));
    sheet.rows =
        rows.iter().map(|(name, sums)| row(name.iter().map(|text| &**text), sums, of_finding)).collect();
    let labels = ["Total"].into_iter().chain(std::iter::repeat_n("", dimensions.len().saturating_sub(1)));
    sheet.total = Some(row(labels, &total, of_finding));
    sheet
}

fn title(document: &Reconciliation, dimensions: &[Dimension]) -> String {
    let names: Vec<&str> = dimensions.iter().map(|dimension| dimension.column().name).collect();
    format!(
        "{}: billed {} - priced {} = {} {}, by {}",
        document.month,
        document.totals.billed.grouped(2),
        document.totals.priced.grouped(2),
        document.totals.delta.grouped(2),
        document.currency,
        names.join(", ")
    )
}

fn columns(dimensions: &[Dimension], of_finding: bool) -> Vec<Column> {
    let mut columns: Vec<Column> = dimensions.iter().map(|dimension| dimension.column()).collect();
    if of_finding {
        columns.push(Column::new("amount", "Amount", Kind::Money));
    } else {
        columns.push(Column::new("priced", "Priced", Kind::Money));
        columns.push(Column::new("billed", "Billed", Kind::Money));
        columns.push(Column::new("delta", "Difference", Kind::Money));
        columns.push(Column::new("explained", "Explained", Kind::Money));
        columns.push(Column::new("unexplained", "Unexplained", Kind::Money));
    }
    columns
}

fn row<'t>(names: impl Iterator<Item = &'t str>, sums: &Sums, of_finding: bool) -> Vec<Shown> {
    let text = |name: &'t str| if name.is_empty() { Shown::Empty } else { name.into() };
    let mut cells: Vec<Shown> = names.map(text).collect();
    if of_finding {
        cells.push(sums.delta().into());
    } else {
        let amounts = [sums.priced, sums.billed, sums.delta(), sums.explained, sums.unexplained];
        cells.extend(amounts.map(Shown::from));
    }
    cells
}

impl Part<'_> {
    /// Its name in one dimension, which says so where it has none.
    fn text(&self, dimension: Dimension) -> String {
        let finding = self.finding;
        match dimension {
            Dimension::Cause => finding.map_or(UNEXPLAINED, |finding| &finding.cause).to_owned(),
            Dimension::Provider => self.place.provider.to_owned(),
            Dimension::Account => self.place.account.unwrap_or("(no account)").to_owned(),
            Dimension::Model => self.place.model.to_owned(),
            Dimension::Meter => self.meter.to_owned(),
            Dimension::Day => match self.place.days {
                Some((from, to)) if from < to => format!("{from}..{to}"),
                Some((from, _)) => from.to_string(),
                None => CHARGE.to_owned(),
            },
            Dimension::Status => self.place.status.to_owned(),
            Dimension::Key => match finding.map(|finding| finding.scope.keys.as_slice()) {
                Some([key]) => key.clone(),
                Some([_, ..]) => "(several keys)".to_owned(),
                _ => "(no key)".to_owned(),
            },
            Dimension::Confidence => finding.map_or(UNEXPLAINED, |finding| finding.status.id()).to_owned(),
            Dimension::Finding => finding.map_or(UNEXPLAINED, |finding| &finding.id).to_owned(),
            Dimension::Owner => {
                finding.and_then(|finding| finding.owner.as_deref()).unwrap_or("(no owner)").to_owned()
            }
        }
    }
}

fn parts(document: &Reconciliation, by_meter: bool) -> Vec<Part<'_>> {
    let findings: BTreeMap<&str, &Finding> = document
        .findings
        .iter()
        .filter(|finding| finding.bridge == Bridge::PricedBilled)
        .map(|finding| (finding.id.as_str(), finding))
        .collect();
    let mut parts = Vec::new();
    for cell in &document.cells {
        let place = Place {
            provider: &cell.provider,
            account: cell.account.as_deref(),
            model: cell.model.as_deref().unwrap_or(ALL_MODELS),
            days: Some((cell.from, cell.to)),
            status: cell.status.id(),
        };
        let mut amounts: Vec<Amount> =
            cell.findings.iter().map(|part| (findings.get(part.id.as_str()).copied(), part.amount)).collect();
        if amounts.is_empty() || !cell.unexplained.is_zero() {
            amounts.push((None, cell.unexplained));
        }
        parts.extend(if by_meter { meters(cell, place, &amounts) } else { whole(cell, place, "", &amounts) });
    }
    parts.extend(document.charges.iter().flat_map(|charge| charged(charge, &findings)));
    parts
}

/// The amounts of a cell under one name of meters. Priced and billed stand with the first, so that they count once.
fn whole<'d>(cell: &Cell, place: Place<'d>, meter: &'d str, amounts: &[Amount<'d>]) -> Vec<Part<'d>> {
    let both =
        std::iter::once((cell.priced, cell.billed)).chain(std::iter::repeat((Money::ZERO, Money::ZERO)));
    let part = |((finding, amount), (priced, billed)): (&Amount<'d>, (Money, Money))| Part {
        place,
        meter,
        finding: *finding,
        amount: *amount,
        priced,
        billed,
    };
    amounts.iter().zip(both).map(part).collect()
}

/// The amounts of a cell meter by meter: exact where one part explains all of it, or the bill has one meter. Where
/// several parts share several meters nothing says which moved what, and the cell stays whole.
fn meters<'d>(cell: &'d Cell, place: Place<'d>, amounts: &[Amount<'d>]) -> Vec<Part<'d>> {
    let mut sides: BTreeMap<&'static str, (Money, Money)> = BTreeMap::new();
    for row in &cell.meters {
        let side = sides.entry(row.meter.map_or(SEVERAL, |meter| meter.id())).or_default();
        side.0 += row.priced;
        side.1 += row.billed;
    }
    match (sides.len(), amounts) {
        (0 | 1, _) => whole(cell, place, sides.keys().next().copied().unwrap_or(SEVERAL), amounts),
        (_, [(finding, _)]) => {
            let part = |(meter, (priced, billed)): (&'static str, (Money, Money))| Part {
                place,
                meter,
                finding: *finding,
                amount: billed - priced,
                priced,
                billed,
            };
            sides.into_iter().map(part).collect()
        }
        _ => whole(cell, place, SEVERAL, amounts),
    }
}

fn charged<'d>(charge: &'d Charge, findings: &BTreeMap<&str, &'d Finding>) -> Vec<Part<'d>> {
    let place = Place {
        provider: &charge.provider,
        account: charge.account.as_deref(),
        model: CHARGE,
        days: None,
        status: charge.category.id(),
    };
    let finding = charge.finding.as_deref().and_then(|id| findings.get(id)).copied();
    let explained = charge.amount - charge.unexplained;
    let mut amounts = vec![(None, charge.unexplained)];
    if finding.is_some() {
        amounts.insert(0, (finding, explained));
    }
    // Billed counts where the money is: each part brings its own.
    let part = |(finding, amount): Amount<'d>| Part {
        place,
        meter: CHARGE,
        finding,
        amount,
        priced: Money::ZERO,
        billed: amount,
    };
    amounts.into_iter().map(part).collect()
}
