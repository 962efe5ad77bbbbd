//! Every step of a model's prices: since when, how much, who says so.

use std::collections::{BTreeMap, BTreeSet};

use super::super::words;
use super::{Question, table};
use crate::money::Ratio;
use crate::pricebook::PriceRow;
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::review::show::{Meaning, doubt, keys};
use crate::review::steps::{Key, Ladder, per, per_text};
use crate::vocabulary::PriceStatus;

const HOLDS: &str = "holds";
const NEVER: &str = "never held";

/// One line of the history.
struct Step<'s> {
    meaning: &'s Meaning,
    key: &'s Key,
    row: &'s PriceRow,
    /// First instant at which the name had this price.
    from: i64,
    to: Option<i64>,
    /// False for a row that another one replaced before it could hold.
    held: bool,
}

pub fn build(question: &Question, name: &str, found: &[Meaning]) -> Vec<Sheet> {
    let mut steps: Vec<Step> = Vec::new();
    for meaning in found {
        let args = question.args;
        for (key, ladder) in keys(question.ladders, meaning.seller, &meaning.model, args.meter, args.tier) {
            steps.extend(held(meaning, key, ladder));
            steps.extend(replaced(meaning, key, ladder));
        }
    }
    steps.sort_by_key(|step| (step.key.seller, step.key.short(), step.from, step.held, step.row.rev));
    let sources: BTreeSet<&str> = steps.iter().map(|step| &*step.row.source).collect();
    vec![
        table::build(question, name, found),
        sheet(question, name, found, &steps),
        evidence(question, &sources),
    ]
}

/// The steps of a ladder while the name meant its model.
fn held<'s>(meaning: &'s Meaning, key: &'s Key, ladder: &'s Ladder) -> impl Iterator<Item = Step<'s>> {
    let ends = ladder.steps.iter().skip(1).map(|(next, _)| Some(*next)).chain([None]);
    ladder.steps.iter().zip(ends).filter_map(move |((from, row), end)| {
        let from = (*from).max(meaning.from);
        let to = [end, meaning.to].into_iter().flatten().min();
        to.is_none_or(|to| from < to).then_some(Step { meaning, key, row, from, to, held: true })
    })
}

/// Rows that never held: announcements that were cancelled, and prices that were corrected.
fn replaced<'s>(meaning: &'s Meaning, key: &'s Key, ladder: &'s Ladder) -> impl Iterator<Item = Step<'s>> {
    let holds = |row: &PriceRow| ladder.steps.iter().any(|(_, held)| std::ptr::eq(*held, row));
    let inside = |row: &PriceRow| meaning.from <= row.from && meaning.to.is_none_or(|to| row.from < to);
    let rows = ladder.rows.iter().filter(move |row| !holds(row) && inside(row));
    rows.map(move |row| Step { meaning, key, row, from: row.from, to: Some(row.from), held: false })
}

fn sheet(question: &Question, name: &str, found: &[Meaning], steps: &[Step]) -> Sheet {
    let mut sheet = Sheet::new(
        "steps",
        format!("Every step of {name}, USD"),
        vec![
            Column::new("from", "From", Kind::Text),
            Column::new("subject", "Price of", Kind::Text),
            Column::new("price", "Price", Kind::Money),
            Column::new("per", "Per", Kind::Text),
            Column::new("percent", "Change", Kind::Percent),
            Column::new("when", "When", Kind::Text),
            Column::new("status", "Status", Kind::Text),
            Column::new("basis", "Basis", Kind::Text),
            Column::new("recorded", "Recorded", Kind::Date),
            Column::new("source", "Source", Kind::Text),
            Column::new("confirmed", "Confirmed by", Kind::Text).optional(),
            Column::new("note", "Note", Kind::Text).optional(),
            Column::new("url", "Address", Kind::Text).optional(),
            Column::new("row", "Row", Kind::Text).optional(),
            Column::new("until", "Until", Kind::Text).optional(),
            Column::new("seller", "Seller", Kind::Text).optional(),
            Column::new("model", "Model", Kind::Text).optional(),
            Column::new("meter", "Meter", Kind::Text).optional(),
            Column::new("tier", "Tier", Kind::Text).optional(),
            Column::new("ctx", "Context", Kind::Text).optional(),
            Column::new("region", "Region", Kind::Text).optional(),
            Column::new("window", "Window", Kind::Text).optional(),
        ],
    );
    let sellers: BTreeSet<&str> = found.iter().map(|meaning| meaning.seller).collect();
    let mut before: BTreeMap<(&str, String), Option<Ratio>> = BTreeMap::new();
    let mut notes = BTreeSet::new();
    for Step { meaning, key, row, from, held, .. } in steps {
        let short = key.short();
        let of = before.get(&(key.seller, short.clone())).copied().flatten();
        let percent = match held {
            true if of.is_some() && of == row.unit => "same".into(),
            true => words::percent(of, row.unit),
            false => Cell::Empty,
        };
        if *held {
            before.insert((key.seller, short.clone()), row.unit);
        }
        let doubt = doubt(row);
        let mark = if doubt.is_some() && question.people { "?" } else { "" };
        if !row.note.is_empty() {
            notes.insert((*from, format!("{} {short}: {}", words::instant(*from), row.note)));
        }
        let when = when(question, steps, *from, row, *held);
        let mut status =
            doubt.filter(|_| row.status == PriceStatus::Listed).unwrap_or(row.status.id()).to_owned();
        // People see the day asked for as a mark, and a row that never held in its status.
        let mut start = words::instant(*from);
        if question.people {
            start.push_str(if when == HOLDS { " ◀" } else { "" });
            status.push_str(if when == NEVER { ", never held" } else { "" });
        }
        sheet.rows.push(vec![
            start.into(),
            if sellers.len() > 1 { format!("{} {short}", key.seller) } else { short }.into(),
            match words::price(Some(row), row) {
                _ if row.status == PriceStatus::Withdrawn => Cell::Empty,
                Cell::Ratio(text) => Cell::Ratio(format!("{text}{mark}")),
                other => other,
            },
            per_text(per(row)).into(),
            percent,
            when.into(),
            status.into(),
            row.basis.map(|basis| basis.id()).into(),
            row.recorded.into(),
            (*row.source).into(),
            words::some(&row.confirmed),
            words::some(&row.note),
            question.book.evidence(&row.source).map(|read| read.url.to_string()).into(),
            row.origin.to_string().into(),
            row.until.map(|until| format!("{}{}", if until.at_least { ">=" } else { "" }, until.day)).into(),
            key.seller.into(),
            meaning.model.as_str().into(),
            key.meter.id().into(),
            key.tier_text().into(),
            key.ctx_text().into(),
            (*key.region).into(),
            (*key.window).into(),
        ]);
    }
    sheet.notes.extend(moves(name, found, steps));
    if question.people {
        sheet.notes.extend(notes.into_iter().map(|(_, note)| note));
        if sheet.rows.iter().any(|row| matches!(row.first(), Some(Cell::Text(text)) if text.ends_with('◀')))
        {
            sheet.notes.insert(0, format!("◀ holds {}.", question.when()));
        }
        let hidden =
            ["when", "note", "url", "row", "seller", "model", "meter", "tier", "ctx", "region", "window"];
        return words::per_in_title(words::for_people(&sheet, &hidden));
    }
    sheet
}

/// Which model the name meant when, where that is not the model of that name all along.
fn moves(name: &str, found: &[Meaning], steps: &[Step]) -> Vec<String> {
    let shown = |meaning: &&Meaning| steps.iter().any(|step| std::ptr::eq(step.meaning, *meaning));
    let moved = |meaning: &&Meaning| meaning.from > i64::MIN || meaning.to.is_some();
    let sentence = |meaning: &Meaning| {
        let since = match meaning.from {
            i64::MIN => "From the first".to_owned(),
            from => format!("From {}", words::instant(from)),
        };
        format!("{since}, {name} at {} means {}.", meaning.seller, meaning.model)
    };
    found.iter().filter(shown).filter(moved).map(sentence).collect()
}

/// Where a step stands to the day asked for.
fn when(question: &Question, steps: &[Step], from: i64, row: &PriceRow, held: bool) -> &'static str {
    let step = steps.iter().find(|step| step.from == from && std::ptr::eq(step.row, row));
    match step {
        _ if !held && row.status == PriceStatus::Withdrawn => "cancels",
        _ if !held => NEVER,
        _ if question.at < from => "later",
        Some(step) if step.to.is_some_and(|to| to <= question.at) => "earlier",
        _ => HOLDS,
    }
}

fn evidence(question: &Question, sources: &BTreeSet<&str>) -> Sheet {
    let mut sheet = Sheet::new(
        "sources",
        "Who says so",
        vec![
            Column::new("source", "Source", Kind::Text),
            Column::new("url", "Address", Kind::Text),
            Column::new("retrieved", "Read on", Kind::Date),
            Column::new("revision", "Revision", Kind::Text).optional(),
        ],
    );
    for source in sources {
        let read = question.book.evidence(source);
        sheet.rows.push(vec![
            (*source).into(),
            read.map_or_else(|| "not in sources.toml".into(), |read| (*read.url).into()),
            read.map(|read| read.retrieved).into(),
            read.and_then(|read| read.revision.as_deref()).into(),
        ]);
    }
    if question.people { words::for_people(&sheet, &[]) } else { sheet }
}
