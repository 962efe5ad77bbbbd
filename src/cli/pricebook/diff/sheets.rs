//! The tables of a comparison: prices, rules, and the dollars by month.

use std::collections::BTreeMap;

use super::super::words;
use crate::money::Money;
use crate::period::Month;
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::review::diff::{Change, Class, Closed, RuleChange, Side};
use crate::review::steps::{per, per_text};
use crate::review::volume::Moved;

/// What the comparison is about.
pub struct Compared<'c> {
    pub sides: [&'c Side; 2],
    pub prices: &'c [Change<'c>],
    pub rules: &'c [RuleChange],
    pub closed: &'c Closed,
    pub moved: Option<&'c Moved>,
}

impl Compared<'_> {
    /// Closed months in which the price is not what it was; what is only said of it moves nothing.
    fn closed(&self, change: &Change) -> Vec<Month> {
        match change.class {
            Class::Metadata => Vec::new(),
            _ => self.closed.touched(change.from, change.to),
        }
    }

    fn dollars(&self, index: usize) -> Option<Money> {
        let months = self.moved?.by_change.get(index)?;
        self.prices.get(index).filter(|change| change.class != Class::Metadata)?;
        Some(months.values().sum())
    }
}

pub fn build(compared: &Compared) -> Vec<Sheet> {
    let mut sheets = vec![summary(compared)];
    if !compared.prices.is_empty() {
        sheets.push(price_sheet(compared));
    }
    if !compared.rules.is_empty() {
        sheets.push(rule_sheet(compared));
    }
    sheets.extend(compared.moved.map(month_sheet));
    sheets
}

/// The tables without what the subject says already, and without empty columns.
pub fn for_people(compared: &Compared) -> Vec<Sheet> {
    let again = ["seller", "model", "meter", "tier", "ctx", "region", "window"];
    let sheets = build(compared).into_iter();
    let people = |sheet: Sheet| words::for_people(&sheet, if sheet.name == "prices" { &again } else { &[] });
    sheets.map(people).collect()
}

/// One table for spreadsheets: the prices, then the rules.
pub fn flat(compared: &Compared) -> Sheet {
    let mut flat = price_sheet(compared);
    let rules = rule_sheet(compared);
    for row in &rules.rows {
        let cell = |column: &Column| {
            let at = rules.columns.iter().position(|other| other.name == column.name);
            at.and_then(|at| row.get(at)).cloned().unwrap_or(Cell::Empty)
        };
        flat.rows.push(flat.columns.iter().map(cell).collect());
    }
    flat
}

/// How many differences there are of each class, and which books these are.
fn summary(compared: &Compared) -> Sheet {
    let [old, new] = compared.sides;
    let mut sheet = Sheet::new(
        "summary",
        format!("Price book: {} to {}", old.label, new.label),
        vec![
            Column::new("class", "Class", Kind::Text),
            Column::new("differences", "Differences", Kind::Integer),
            Column::new("closed", "In closed months", Kind::Integer),
            Column::new("dollars", "Moves", Kind::Money),
        ],
    );
    let mut classes: BTreeMap<Class, (u64, u64, Option<Money>)> = BTreeMap::new();
    for (index, change) in compared.prices.iter().enumerate() {
        let class = classes.entry(change.class).or_default();
        class.0 += 1;
        class.1 += u64::from(!compared.closed(change).is_empty());
        class.2 = class
            .2
            .map_or(compared.dollars(index), |sum| Some(sum + compared.dollars(index).unwrap_or_default()));
    }
    for change in compared.rules {
        classes.entry(change.class).or_default().0 += 1;
    }
    for (class, (count, closed, dollars)) in &classes {
        let closed = if *closed == 0 { Cell::Empty } else { (*closed).into() };
        sheet.rows.push(vec![class.id().into(), (*count).into(), closed, (*dollars).into()]);
    }
    if classes.is_empty() {
        sheet.notes.push("The two price everything the same.".to_owned());
    }
    for side in [old, new] {
        sheet.notes.push(format!(
            "{}: prices of {}, known at {}, SHA-256 {}",
            side.label,
            side.book.name(),
            side.book.known_at(),
            side.book.sha256().get(..12).unwrap_or_default(),
        ));
    }
    if classes.values().any(|(_, closed, _)| *closed > 0) {
        let text = "Closed months keep their figures; the next close lists what would move them as memos.";
        sheet.notes.push(text.to_owned());
    }
    if let Some(moved) = compared.moved.filter(|moved| !moved.elsewhere.is_zero()) {
        sheet.notes.push(format!(
            "{} moves through names, factors, schedules or terms rather than through one price.",
            moved.elsewhere.grouped(2)
        ));
    }
    sheet
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("class", "Class", Kind::Text),
        Column::new("subject", "Price of", Kind::Text),
        Column::new("old", "Old", Kind::Money),
        Column::new("new", "New", Kind::Money),
        Column::new("per", "Per", Kind::Text),
        Column::new("percent", "Change", Kind::Percent),
        Column::new("from", "From", Kind::Text),
        Column::new("until", "Until", Kind::Text),
        Column::new("closed", "Closed months", Kind::Text),
        Column::new("dollars", "Moves", Kind::Money),
        Column::new("what", "What differs", Kind::Text).optional(),
        Column::new("new_row", "New row", Kind::Text).optional(),
        Column::new("old_row", "Old row", Kind::Text).optional(),
        Column::new("seller", "Seller", Kind::Text).optional(),
        Column::new("model", "Model", Kind::Text).optional(),
        Column::new("meter", "Meter", Kind::Text).optional(),
        Column::new("tier", "Tier", Kind::Text).optional(),
        Column::new("ctx", "Context", Kind::Text).optional(),
        Column::new("region", "Region", Kind::Text).optional(),
        Column::new("window", "Window", Kind::Text).optional(),
    ]
}

fn price_sheet(compared: &Compared) -> Sheet {
    let mut sheet = Sheet::new("prices", "Prices", columns());
    for (index, change) in compared.prices.iter().enumerate() {
        let like = change.new.filter(|row| row.unit.is_some()).or(change.old).or(change.new);
        let Some(like) = like else { continue };
        let key = &change.key;
        let percent = match change.class {
            Class::Metadata => Cell::Empty,
            _ => words::percent(change.old.and_then(|row| row.unit), change.new.and_then(|row| row.unit)),
        };
        sheet.rows.push(vec![
            change.class.id().into(),
            key.to_string().into(),
            words::price(change.old, like),
            words::price(change.new, like),
            per_text(per(like)).into(),
            percent,
            words::instant(change.from).into(),
            change.to.map(words::instant).into(),
            words::some(&words::months(&compared.closed(change))),
            compared.dollars(index).into(),
            words::some(&what(change)),
            change.new.map(|row| row.origin.to_string()).into(),
            change.old.map(|row| row.origin.to_string()).into(),
            key.seller.into(),
            (*key.model).into(),
            key.meter.id().into(),
            key.tier_text().into(),
            key.ctx_text().into(),
            (*key.region).into(),
            (*key.window).into(),
        ]);
    }
    sheet
}

/// Where the price is the same, what is not.
fn what(change: &Change) -> String {
    let (Some(old), Some(new)) = (change.old, change.new) else { return String::new() };
    let shown = |column: &&str| match *column {
        "note" if old.note.is_empty() => format!("note `{}`", new.note),
        "note" => format!("note `{}`, was `{}`", new.note, old.note),
        "source" => format!("source `{}`, was `{}`", new.source, old.source),
        "status" => format!("status {}, was {}", new.status, old.status),
        column => column.to_owned(),
    };
    change.columns.iter().map(shown).collect::<Vec<_>>().join("; ")
}

fn rule_sheet(compared: &Compared) -> Sheet {
    let mut sheet = Sheet::new(
        "rules",
        "Rules",
        vec![
            Column::new("class", "Class", Kind::Text),
            Column::new("seller", "Seller", Kind::Text),
            Column::new("subject", "Rule", Kind::Text),
            Column::new("old", "Old", Kind::Text),
            Column::new("new", "New", Kind::Text),
            Column::new("from", "From", Kind::Text),
            Column::new("until", "Until", Kind::Text),
            Column::new("closed", "Closed months", Kind::Text).optional(),
        ],
    );
    for rule in compared.rules {
        let touched = rule.from.map(|from| compared.closed.touched(from, rule.to)).unwrap_or_default();
        sheet.rows.push(vec![
            rule.class.id().into(),
            rule.seller.as_str().into(),
            rule.subject.as_str().into(),
            words::some(&rule.old),
            words::some(&rule.new),
            rule.from.map(words::instant).into(),
            rule.to.map(words::instant).into(),
            words::some(&words::months(&touched)),
        ]);
    }
    sheet
}

fn month_sheet(moved: &Moved) -> Sheet {
    let mut sheet = Sheet::new(
        "months",
        "Stored usage, priced with both",
        vec![
            Column::new("month", "Month", Kind::Text),
            Column::new("seller", "Seller", Kind::Text),
            Column::new("model", "Model", Kind::Text),
            Column::new("before", "Before", Kind::Money),
            Column::new("after", "After", Kind::Money),
            Column::new("moves", "Moves", Kind::Money),
        ],
    );
    let mut same: BTreeMap<Month, Money> = BTreeMap::new();
    for ((month, seller, model), spent) in &moved.spent {
        if spent.before == spent.after {
            *same.entry(*month).or_default() += spent.after;
            continue;
        }
        sheet.rows.push(vec![
            month.to_string().into(),
            seller.as_str().into(),
            model.as_str().into(),
            spent.before.into(),
            spent.after.into(),
            (spent.after - spent.before).into(),
        ]);
    }
    for (month, amount) in same {
        let [text, none]: [Cell; 2] = [month.to_string().into(), "all that stays the same".into()];
        sheet.rows.push(vec![text, Cell::Empty, none, amount.into(), amount.into(), Money::ZERO.into()]);
    }
    let text = |row: &Vec<Cell>| match row.first() {
        Some(Cell::Text(month)) => month.clone(),
        _ => "".into(),
    };
    sheet.rows.sort_by_key(text);
    let total = moved.total();
    sheet.total = Some(vec![
        "Total".into(),
        Cell::Empty,
        Cell::Empty,
        total.before.into(),
        total.after.into(),
        (total.after - total.before).into(),
    ]);
    sheet.notes.extend(unpriced(moved));
    sheet
}

/// Usage that one of the books, or both, cannot price: said, and in neither sum.
fn unpriced(moved: &Moved) -> Vec<String> {
    let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for ((month, seller, model, meter, tier), unpriced) in &moved.unpriced {
        let books = match (unpriced.before, unpriced.after) {
            (_, 0) => "no price before",
            (0, _) => "no price after",
            _ => "no price in either book",
        };
        let quantity = unpriced.before.max(unpriced.after);
        let line = format!("{month} {seller}/{model}: {books}, so in no sum:");
        lines.entry(line).or_default().push(format!("{quantity} {meter} ({tier})"));
    }
    lines.into_iter().map(|(line, parts)| format!("{line} {}.", parts.join(", "))).collect()
}
