//! A quote as tables: the amounts, how each came about, and what comes later.

use super::super::words::{for_people, instant};
use super::Args;
use crate::period::Day;
use crate::pricebook::{NoPrice, PriceQuery, PriceRow, Pricebook};
use crate::render::OutputFormat;
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::review::quote::{Later, Line, Quote, Request, reason, why};
use crate::review::steps::{per, per_text, price_text};

pub(super) fn build(
    book: &Pricebook,
    request: &Request,
    quote: &Quote,
    later: &[Later],
    args: &Args,
    format: OutputFormat,
) -> Vec<Sheet> {
    let amounts = amounts(book, request, quote, args);
    let sheets = || vec![amounts.clone(), trace(book, quote), changes(book, quote, later)];
    match format {
        OutputFormat::Csv => vec![amounts],
        OutputFormat::Json => sheets(),
        _ => {
            // An empty table tells a person nothing.
            let mut shown: Vec<Sheet> = sheets().iter().map(|sheet| for_people(sheet, &[])).collect();
            if later.is_empty() {
                shown.pop();
                if let Some(last) = shown.last_mut() {
                    last.notes.push("Nothing changed since, as far as the book knows.".to_owned());
                }
            }
            shown
        }
    }
}

fn amounts(book: &Pricebook, request: &Request, quote: &Quote, args: &Args) -> Sheet {
    let columns = vec![
        Column::new("meter", "Meter", Kind::Text),
        Column::new("quantity", "Quantity", Kind::Integer),
        Column::new("price", "Price", Kind::Integer),
        Column::new("per", "Per", Kind::Text),
        Column::new("amount", "Amount", Kind::Money),
        Column::new("row", "Row", Kind::Text),
        Column::new("unverified", "Unverified", Kind::Flag),
        Column::new("no_price", "Why no price", Kind::Text),
    ];
    let region = if quote.region.is_empty() { "no region" } else { &quote.region };
    let title =
        format!("{} at {}, {}, {}, {}", quote.model, quote.seller, quote.tier, region, instant(quote.at));
    let mut sheet = Sheet::new("price", title, columns);
    // Every digit: a price is often smaller than a cent.
    sheet.decimals = 12;
    for line in &quote.lines {
        let mut row = vec![line.meter.id().into(), Cell::Ratio(line.quantity.decimal_text(9))];
        match &line.price {
            Ok(charge) => row.extend([
                Cell::Ratio(price_text(charge.priced.unit, per(charge.row))),
                per_text(per(charge.row)).into(),
                Cell::Ratio(charge.amount.plain()),
                charge.priced.row.to_string().into(),
                Cell::Flag(charge.priced.unverified),
                Cell::Empty,
            ]),
            Err(why) => {
                row.extend(std::iter::repeat_n(Cell::Empty, 5));
                row.push(reason(book, &quote.query(line.meter), *why).into());
            }
        }
        sheet.rows.push(row);
    }
    let mut total = vec![Cell::Empty; sheet.columns.len()];
    total[0] = "total".into();
    total[4] = quote.total().map_or(Cell::Empty, |total| Cell::Ratio(total.plain()));
    sheet.total = Some(total);
    if !request.name.eq_ignore_ascii_case(quote.model) {
        sheet.notes.push(format!("`{}` means {}{}.", request.name, quote.model, since(book, request)));
    }
    if let (Some(asked), Some(served)) = (args.tier, args.served_tier)
        && asked != served
    {
        sheet.notes.push(format!("Asked for {asked} and served at {served}: the tier served is charged."));
    }
    if quote.lines.iter().any(|line| matches!(line.price, Err(NoPrice::Hourly))) {
        let day = Day::of_instant(quote.at);
        sheet.notes.push(format!("Priced by the hour: ask for one, `--at {day}T02:00Z`."));
    }
    let free =
        |line: &&Line| line.meter.is_cache_write() && line.price.as_ref().is_ok_and(|charge| charge.row.free);
    if let Some(line) = quote.lines.iter().find(free) {
        sheet.notes.push(format!(
            "`{}` has no fee: what is written is part of the prompt. Give it as `input`.",
            line.meter
        ));
    }
    if quote.lines.iter().any(|line| line.price.as_ref().is_ok_and(|charge| charge.rounded)) {
        sheet.notes.push("Rounded to 12 decimals.".to_owned());
    }
    sheet
}

/// ` since 2024-10-02` where the name meant something else before.
fn since(book: &Pricebook, request: &Request) -> String {
    let meanings = book.meanings(request.seller, request.name);
    let now = meanings.iter().rev().find(|(from, _)| *from <= request.at);
    match now {
        Some((from, _)) if *from > i64::MIN => format!(" since {}", instant(*from)),
        _ => String::new(),
    }
}

fn trace(book: &Pricebook, quote: &Quote) -> Sheet {
    let columns = vec![
        Column::new("meter", "Meter", Kind::Text),
        Column::new("step", "Step", Kind::Text),
        Column::new("what", "What", Kind::Text),
    ];
    let mut sheet = Sheet::new("trace", "Why", columns);
    for line in &quote.lines {
        let steps = steps(book, quote, line).into_iter();
        sheet.rows.extend(steps.map(|(step, what)| vec![line.meter.id().into(), step.into(), what.into()]));
    }
    sheet
}

fn steps(book: &Pricebook, quote: &Quote, line: &Line) -> Vec<(&'static str, String)> {
    let charge = match &line.price {
        Ok(charge) => charge,
        Err(why) => return vec![("no price", reason(book, &quote.query(line.meter), *why))],
    };
    let row = charge.row;
    let price =
        format!("{} {} per {}, from {}", row.price, row.currency, per_text(row.per), instant(row.from));
    let mut steps = vec![("row", format!("{}: {price}", row.origin))];
    steps.extend(why(book, quote, line).into_iter().map(|why| ("why", why)));
    if charge.priced.row != row.origin {
        steps.push(("contract", format!("{} names a price that replaces it", charge.priced.row)));
    }
    steps.extend(
        charge
            .priced
            .factors
            .iter()
            .map(|(id, factor)| ("factor", format!("× {} {id}", factor.decimal_text(9)))),
    );
    steps.push(("who says so", who(book, row)));
    steps
}

/// `https://… read on 2026-11-23, status listed, start known from the price page; also in models.dev`
fn who(book: &Pricebook, row: &PriceRow) -> String {
    let mut said = match book.evidence(&row.source) {
        Some(source) => format!("{}, read on {}", source.url, source.retrieved),
        None => row.source.to_string(),
    };
    said += &format!("; status {}", row.status);
    if let Some(basis) = row.basis {
        said += &format!(", start known: {basis}");
    }
    said += &format!(", recorded {}", row.recorded);
    if !row.confirmed.is_empty() {
        said += &format!("; the same in {}", row.confirmed);
    }
    if !row.note.is_empty() {
        said += &format!("; {}", row.note);
    }
    said
}

fn changes(book: &Pricebook, quote: &Quote, later: &[Later]) -> Sheet {
    let columns = vec![
        Column::new("from", "From", Kind::Text),
        Column::new("meter", "Meter", Kind::Text),
        Column::new("price", "Price", Kind::Integer),
        Column::new("per", "Per", Kind::Text),
        Column::new("row", "Row", Kind::Text),
    ];
    let mut sheet = Sheet::new("later", "What changed since", columns);
    for change in later {
        let line = quote.lines.iter().find(|line| line.meter == change.meter);
        let query = PriceQuery { at: change.at, ..quote.query(change.meter) };
        let per = line.and_then(|line| line.price.as_ref().ok()).map_or(1_000_000, |charge| per(charge.row));
        sheet.rows.push(vec![
            instant(change.at).into(),
            change.meter.id().into(),
            change.unit.map_or_else(
                |why| reason(book, &query, why).into(),
                |unit| Cell::Ratio(price_text(unit, per)),
            ),
            per_text(per).into(),
            change.row.as_str().into(),
        ]);
    }
    sheet
}
