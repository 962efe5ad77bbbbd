//! The prices of a model at an instant: meters and context down, tiers across.

use std::collections::{BTreeMap, BTreeSet};

use super::super::words;
use super::Question;
use crate::pricebook::PriceRow;
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::review::show::{Meaning, derived, doubt, keys};
use crate::review::steps::{Key, per, per_text, price_text};
use crate::vocabulary::{Meter, Tier};

/// What stands in one line: everything of a key but its tier.
type Line = (&'static str, String, Meter, u64, Option<String>, String, Option<String>);

/// A price in its cell, with the marks people see behind it.
struct Price {
    text: String,
    marks: &'static str,
}

pub fn build(question: &Question, name: &str, found: &[Meaning]) -> Sheet {
    let current =
        |meaning: &&Meaning| meaning.from <= question.at && meaning.to.is_none_or(|to| question.at < to);
    let mut lines: BTreeMap<Line, BTreeMap<Tier, Price>> = BTreeMap::new();
    let mut notes = BTreeSet::new();
    for meaning in found.iter().filter(current) {
        if meaning.model != name {
            notes.insert(format!("At {}, {name} {} is {}.", meaning.seller, question.when(), meaning.model));
        }
        let args = question.args;
        let keys = keys(question.ladders, meaning.seller, &meaning.model, args.meter, None);
        // A price of the model's own says more than one for every model.
        let (every, own): (Vec<_>, Vec<_>) = keys.partition(|(key, _)| &*key.model == "*");
        for (key, ladder) in own.into_iter().chain(every) {
            let Some(row) = ladder.at(question.at) else { continue };
            let tiers = lines.entry(line(key, row, &meaning.model)).or_default();
            let served = key.tier.map_or_else(|| Tier::ALL.to_vec(), |tier| vec![tier]);
            for tier in served.into_iter().filter(|tier| args.tier.is_none_or(|wanted| wanted == *tier)) {
                // A row for the very tier says more than one for any.
                let own = &*key.model != "*";
                if (own && key.tier.is_some()) || !tiers.contains_key(&tier) {
                    tiers.insert(tier, price(row, &mut notes));
                }
            }
            if key.tier == Some(Tier::Standard) && &*key.window == "*" {
                derive(question, key, row, tiers, &mut notes);
            }
        }
    }
    // A price for any tier is shown at the tiers that the model has.
    let any: BTreeSet<Tier> = lines
        .values()
        .filter(|tiers| tiers.len() < Tier::COUNT)
        .flat_map(|tiers| tiers.keys().copied())
        .collect();
    let shown: Vec<Tier> = match any.is_empty() {
        true => lines.values().flat_map(|tiers| tiers.keys().copied()).take(1).collect(),
        false => any.into_iter().collect(),
    };
    sheet(question, name, lines, &shown, notes)
}

fn line(key: &Key, row: &PriceRow, model: &str) -> Line {
    let some = |text: String, usual: &str| Some(text).filter(|text| text != usual);
    let (ctx, window) = (some(key.ctx_text(), "0"), some(key.window.to_string(), "*"));
    (key.seller, model.to_owned(), key.meter, per(row), ctx, key.region.to_string(), window)
}

fn price(row: &PriceRow, notes: &mut BTreeSet<String>) -> Price {
    let Some(unit) = row.unit else { return Price { text: "ended".to_owned(), marks: "" } };
    let doubt = doubt(row);
    if let Some(word) = doubt {
        let note = if row.note.is_empty() { String::new() } else { format!(": {}", row.note) };
        notes.insert(format!("? {} is {word} ({}{note}).", row.meter, row.source));
    }
    Price { text: price_text(unit, per(row)), marks: if doubt.is_some() { "?" } else { "" } }
}

/// Tiers without a row that a rule makes out of another price, mostly the standard one.
fn derive(
    question: &Question,
    key: &Key,
    row: &PriceRow,
    tiers: &mut BTreeMap<Tier, Price>,
    notes: &mut BTreeSet<String>,
) {
    let wanted = question.args.tier;
    let missing = Tier::ALL.iter().filter(|tier| {
        wanted.is_none_or(|wanted| wanted == **tier) && !question.ladders.contains_key(&of(key, **tier))
    });
    for tier in missing {
        if let Some(made) = derived(question.book, key, *tier, question.at) {
            let marks = if price(made.row, notes).marks.is_empty() { "*" } else { "*?" };
            tiers.insert(*tier, Price { text: price_text(made.unit, per(row)), marks });
            let from = made.row.tier.map_or_else(|| "every tier's".to_owned(), |tier| format!("the {tier}"));
            let place = if made.row.region == key.region {
                String::new()
            } else {
                format!(" of {}", made.row.region)
            };
            notes.insert(format!("* {tier} has no row of its own: {from} price{place} × {}.", made.factors));
        }
    }
}

fn of(key: &Key, tier: Tier) -> Key {
    Key { tier: Some(tier), ..key.clone() }
}

fn sheet(
    question: &Question,
    name: &str,
    lines: BTreeMap<Line, BTreeMap<Tier, Price>>,
    tiers: &[Tier],
    notes: BTreeSet<String>,
) -> Sheet {
    let mut columns = vec![
        Column::new("seller", "Seller", Kind::Text),
        Column::new("model", "Model", Kind::Text),
        Column::new("meter", "Price of", Kind::Text),
        Column::new("ctx", "Prompt", Kind::Text),
        Column::new("region", "Region", Kind::Text),
        Column::new("window", "Window", Kind::Text),
        Column::new("per", "Per", Kind::Text),
    ];
    columns.extend(tiers.iter().map(|tier| Column::new(tier.id(), tier.id(), Kind::Money)));
    let mut sheet = Sheet::new("prices", format!("{name} {}, USD", question.when()), columns);
    let (mut sellers, mut models, mut regions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for ((seller, model, meter, per, ctx, region, window), prices) in &lines {
        sellers.insert(*seller);
        models.insert(model.as_str());
        regions.insert(region.as_str());
        let mut row: Vec<Cell> = vec![
            (*seller).into(),
            model.as_str().into(),
            meter.id().into(),
            ctx.clone().into(),
            region.as_str().into(),
            window.clone().into(),
            per_text(*per).into(),
        ];
        row.extend(tiers.iter().map(|tier| match prices.get(tier) {
            Some(price) if question.people => Cell::Ratio(format!("{}{}", price.text, price.marks)),
            Some(price) => Cell::Ratio(price.text.clone()),
            None => Cell::Empty,
        }));
        sheet.rows.push(row);
    }
    if lines.is_empty() {
        sheet.notes.push(format!("No price holds {}.", question.when()));
    }
    sheet.notes.extend(notes);
    sheet.notes.push(question.known());
    if !question.people {
        return sheet;
    }
    if let [seller] = sellers.iter().copied().collect::<Vec<_>>()[..] {
        sheet.title = format!("{name} at {seller} {}, USD", question.when());
    }
    let usual = |set: &BTreeSet<&str>| set.iter().all(|region| matches!(*region, "global" | "*"));
    let hidden = [("seller", sellers.len() < 2), ("model", models.len() < 2), ("region", usual(&regions))];
    let mut hidden: Vec<&str> = hidden.into_iter().filter(|(_, hide)| *hide).map(|(name, _)| name).collect();
    if lines.is_empty() {
        hidden.extend(["ctx", "window"]);
    }
    words::per_in_title(words::for_people(&sheet, &hidden))
}
