//! What is going to change, and the dollars it moves at the volume of a month.

use std::path::Path;

use super::super::words;
use super::Question;
use crate::cli::clock;
use crate::cli::global::Global;
use crate::cli::stored::Store;
use crate::cli::ui::Ui;
use crate::error::Result;
use crate::money::Money;
use crate::period::{Day, Month, SECONDS_PER_DAY};
use crate::pricebook::{files, layers};
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::review::diff::rules::Rules;
use crate::review::show::upcoming::{About, Event, Outlook, Stake, events};
use crate::review::steps::{per, per_text};

pub fn build(question: &Question, own: Option<&Path>, global: &Global, ui: &Ui) -> Result<Sheet> {
    let own = own.map(files::folder).transpose()?.unwrap_or_default();
    let rules = Rules::of(&layers(own));
    let last = question.at + i64::from(question.args.within) * SECONDS_PER_DAY;
    let mut coming = events(question.book, question.ladders, &rules, question.at, last);
    if let Some(name) = &question.args.model {
        let models = question.find(name)?;
        let models: Vec<(&str, &str)> =
            models.iter().map(|meaning| (meaning.seller, meaning.model.as_str())).collect();
        coming.retain(|event| match &event.about {
            About::Key(key) => models.contains(&(key.seller, &key.model)),
            About::Model { seller, model } => models.contains(&(seller, model)),
            About::Name { seller, target, .. } => models.contains(&(seller, target)),
            About::Rule { .. } => false,
        });
    }
    coming.retain(|event| asked(question, event));
    let mut stakes: Vec<Option<Stake>> = vec![None; coming.len()];
    let mut month = None;
    if let Some(named) = &question.args.usage {
        let volume_of = global.month.unwrap_or_else(clock::last_complete_month);
        let store = Store::open(global, named, Some(volume_of))?;
        let usage = store.read(question.book, ui)?;
        let outlook = Outlook::new(question.book, question.ladders, &store.volume(&usage), volume_of);
        for (stake, event) in stakes.iter_mut().zip(&coming) {
            *stake = Some(outlook.stake(event)?);
        }
        month = Some(volume_of);
    }
    Ok(sheet(question, &coming, &stakes, last, month))
}

/// Within the seller, meter and tier asked for.
fn asked(question: &Question, event: &Event) -> bool {
    let args = question.args;
    let seller = match &event.about {
        About::Key(key) => key.seller,
        About::Model { seller, .. } | About::Name { seller, .. } | About::Rule { seller, .. } => seller,
    };
    args.seller.is_none_or(|wanted| wanted == seller)
        && match &event.about {
            About::Key(key) => {
                args.meter.is_none_or(|meter| meter == key.meter)
                    && args.tier.is_none_or(|tier| key.tier.is_none_or(|of| of == tier))
            }
            _ => args.meter.is_none() && args.tier.is_none(),
        }
}

fn sheet(
    question: &Question,
    coming: &[Event],
    stakes: &[Option<Stake>],
    last: i64,
    month: Option<Month>,
) -> Sheet {
    let title =
        format!("Coming after {} and until {}, USD", words::instant(question.at), Day::of_instant(last));
    let mut sheet = Sheet::new(
        "upcoming",
        title,
        vec![
            Column::new("from", "From", Kind::Text),
            Column::new("earliest", "At the earliest", Kind::Flag),
            Column::new("event", "What", Kind::Text),
            Column::new("subject", "Of", Kind::Text),
            Column::new("old", "Now", Kind::Money),
            Column::new("new", "Then", Kind::Money),
            Column::new("per", "Per", Kind::Text),
            Column::new("percent", "Change", Kind::Percent),
            Column::new("spend", "Spend", Kind::Money),
            Column::new("moves", "Moves", Kind::Money),
            Column::new("detail", "Detail", Kind::Text),
            Column::new("source", "Source", Kind::Text).optional(),
            Column::new("row", "Row", Kind::Text).optional(),
        ],
    );
    let grouped = question.people && question.args.model.is_none();
    for (first, last) in runs(coming, grouped) {
        let (event, count) = (&coming[first], last - first);
        let stake = sum(&stakes[first..last]);
        let row = event.new.or(event.old);
        let like = event.new.filter(|row| row.unit.is_some()).or(event.old).filter(|_| count == 1);
        let price = |row, known: bool| match like {
            Some(like) if known => words::price(row, like),
            Some(_) => "unknown".into(),
            None => Cell::Empty,
        };
        let at = words::instant(event.at);
        let people = question.people && event.at_least;
        sheet.rows.push(vec![
            if people { format!("≥ {at}") } else { at }.into(),
            if people { Cell::Empty } else { Cell::Flag(event.at_least) },
            event.kind.id().into(),
            match &event.about {
                About::Key(key) if count > 1 => format!("{}/{}: {count} prices", key.seller, key.model),
                about => subject(about),
            }
            .into(),
            price(event.old, true),
            price(event.new, event.new.is_some()),
            like.map(|row| per_text(per(row))).into(),
            match count {
                1 => words::percent(event.old.and_then(|row| row.unit), event.new.and_then(|row| row.unit)),
                _ => Cell::Empty,
            },
            stake.map(|stake| stake.spend).into(),
            stake.and_then(|stake| stake.moves).into(),
            words::some(&event.what),
            row.map(|row| row.source.to_string()).into(),
            row.map(|row| row.origin.to_string()).into(),
        ]);
    }
    if coming.is_empty() {
        sheet.notes.push("The book knows of no change in these days.".to_owned());
    }
    if let Some(month) = month {
        sheet.notes.push(format!(
            "Spend is the usage of {month} at the price just before, each quarter hour at its own weekday and hour; \
             Moves is what it costs more just after, and empty where no price is announced."
        ));
    }
    sheet.notes.push(question.known());
    if question.people { words::for_people(&sheet, &["earliest"]) } else { sheet }
}

/// Prices of one model that change together are one line where a whole book is looked at.
fn runs(coming: &[Event], grouped: bool) -> Vec<(usize, usize)> {
    let together = |a: &Event, b: &Event| match (&a.about, &b.about) {
        (About::Key(one), About::Key(other)) => {
            grouped
                && (a.at, a.kind, a.at_least) == (b.at, b.kind, b.at_least)
                && (one.seller, &one.model) == (other.seller, &other.model)
        }
        _ => false,
    };
    let mut first = 0;
    let runs = coming.chunk_by(together).map(|run| {
        let start = first;
        first += run.len();
        (start, first)
    });
    runs.collect()
}

fn sum(stakes: &[Option<Stake>]) -> Option<Stake> {
    let add = |sum: Stake, stake: &Stake| Stake {
        spend: sum.spend + stake.spend,
        moves: sum.moves.zip(stake.moves).map(|(sum, moves)| sum + moves),
    };
    let all: Option<Vec<Stake>> = stakes.iter().copied().collect();
    all.map(|all| all.iter().fold(Stake { spend: Money::ZERO, moves: Some(Money::ZERO) }, add))
}

fn subject(about: &About) -> String {
    match about {
        About::Key(key) => key.to_string(),
        About::Model { seller, model } => format!("{seller}/{model}"),
        About::Name { seller, name, .. } => format!("{seller}/{name}"),
        About::Rule { seller, kind, id } if seller.is_empty() => format!("{kind} {id}"),
        About::Rule { seller, kind, id } => format!("{seller} {kind} {id}"),
    }
}
