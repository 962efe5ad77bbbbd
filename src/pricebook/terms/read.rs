//! Reads contract files: the keys every term has, then those of its kind.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::entry::{Entry, Form, Word};
use super::{KINDS, Kind, Shown, Term, account, usage};
use crate::diagnostic::{Diagnostic, Origin};
use crate::money::{Money, Ratio};
use crate::period::Month;
use crate::pricebook::modifiers::Meters;
use crate::pricebook::names::{AllNames, read_from, read_seller};
use crate::pricebook::row::read_decimal;
use crate::pricebook::text::{Text, suggest};
use crate::vocabulary::Tier;

/// Adds the terms of one contract file, in the order written.
pub fn read(text: &Text, names: &AllNames, terms: &mut Vec<Term>, problems: &mut Vec<Diagnostic>) {
    let (root, errors) = DeTable::parse_recoverable(text.content);
    for error in &errors {
        let message = error.message().replace('\n', " ");
        problems.push(text.error("pricebook-toml", error.span().unwrap_or(0..0), message));
    }
    if !errors.is_empty() {
        return;
    }
    for (key, value) in root.get_ref() {
        let items = value.get_ref().as_array().filter(|_| key.get_ref() == "term");
        let Some(items) = items else {
            let message = format!("`{}` is no table of a contract", key.get_ref());
            problems.push(text.error("contract-key", key.span(), message).help("write `[[term]]`"));
            continue;
        };
        for item in items.iter() {
            match item.get_ref() {
                DeValue::Table(table) => {
                    let before = problems.len();
                    terms.extend(term(Entry::new(text, problems, table, item.span()), names));
                    // Keys are read in an order of their own; people read from the top.
                    problems[before..].sort_by_key(|problem| (problem.origin.line, problem.origin.column));
                }
                _ => problems.push(
                    text.error("contract-key", item.span(), "a term is a table").help("write `[[term]]`"),
                ),
            }
        }
    }
}

fn term(mut entry: Entry, names: &AllNames) -> Option<Term> {
    let before = entry.problems.len();
    let seller = match entry.word("seller") {
        Some(word) => read_seller(entry.text, &word.spanned(), entry.problems),
        None => {
            if !entry.has("seller") {
                entry.missing("seller", "write seller = \"openai\"");
            }
            None
        }
    };
    let from = instant(&mut entry, "from");
    if !entry.has("from") {
        entry.missing("from", "write from = 2026-07-01");
    }
    let to = instant(&mut entry, "to");
    if let (Some(from), Some(to)) = (from, to)
        && to <= from
    {
        let message = "the term ends before it begins".to_owned();
        entry.report("contract-term", entry.place("to"), message, "`to` is exclusive and lies after `from`");
    }
    let kind_word = entry.has("kind").then(|| entry.word("kind"));
    let Some(kind_word) = kind_word else {
        entry.missing("kind", &format!("one of {}", KINDS.map(|(kind, _)| kind).join(", ")));
        return None;
    };
    let kind_word = kind_word?;
    let Some((kind_id, order)) = KINDS.iter().find(|(kind, _)| *kind == kind_word.text) else {
        let help = suggest(&kind_word.text, KINDS.iter().map(|(kind, _)| *kind));
        let message = format!("unknown kind of term `{}`", kind_word.text);
        entry.report("contract-kind", kind_word.span, message, help);
        return None;
    };
    let (one, many) = (entry.word("model"), entry.words("models").unwrap_or_default());
    let excludes = entry.words("excludes").unwrap_or_default();
    let named: Vec<Word> = one.into_iter().chain(many).collect();
    if let Some(known) = seller.and_then(|seller| names.get(seller)) {
        for word in named.iter().chain(&excludes) {
            if !known.models.contains_key(word.text.as_str()) {
                let help = suggest(&word.text, known.models.keys().map(|id| &**id));
                let message = format!("`{}` is no model of the price book", word.text);
                entry.report("contract-model", word.span.clone(), message, help);
            }
        }
    }
    let tier = tier(&mut entry);
    let meters = meters(&mut entry);
    let kind = match *kind_id {
        "price" => usage::price(&mut entry, tier, named.len()),
        "percent_off_list" => usage::percent(&mut entry, meters.is_some()),
        "free_allowance" => usage::allowance(&mut entry, meters.is_some()),
        "capacity" => usage::capacity(&mut entry),
        "volume_band" => super::bands::read(&mut entry, meters.is_some()),
        "marketplace_unit" => usage::marketplace(&mut entry),
        "credit" => account::credit(&mut entry, from),
        "minimum" => account::minimum(&mut entry, from, to),
        _ => account::commitment(&mut entry, from, to),
    };
    let shown = shown(&mut entry, kind_id);
    let (name, own_account, line) = (entry.word("name"), entry.word("account"), entry.word("line"));
    let order = entry.integer("order").unwrap_or(*order);
    let place = entry.text.error("contract-term", kind_word.span.clone(), "").origin;
    entry.finish(kind_id);
    let (seller, from, kind, shown) = (seller?, from?, kind?, shown?);
    let is_price = matches!(kind, Kind::Price { .. });
    (entry.problems.len() == before).then(|| Term {
        id: format!("{}:{}", place.file, place.line).into(),
        name: name.map_or_else(|| (*kind_id).into(), |name| name.text.into()),
        seller,
        account: own_account.map(|account| account.text.into()),
        from,
        to,
        order,
        models: named.into_iter().map(|model| model.text.into()).collect(),
        excludes: excludes.into_iter().map(|model| model.text.into()).collect(),
        meters,
        tier: tier.filter(|_| !is_price),
        kind,
        shown,
        line: line.map(|line| line.text.into()),
        origin: Origin { column: 0, ..place },
    })
}

fn instant(entry: &mut Entry, key: &'static str) -> Option<i64> {
    let value = entry.value(key)?;
    if let Some(date) = value.get_ref().as_datetime() {
        return read_from(entry.text, &toml::Spanned::new(value.span(), *date), entry.problems);
    }
    let message = format!("`{key}` is {}, not a date", value.get_ref().type_str());
    entry.report(
        "contract-value",
        value.span(),
        message,
        format!("write {key} = 2026-07-01, without quotes"),
    );
    None
}

fn tier(entry: &mut Entry) -> Option<Tier> {
    let word = entry.word("tier")?;
    let tier = Tier::parse(&word.text);
    if tier.is_none() {
        let help = suggest(&word.text, Tier::ALL.iter().map(|tier| tier.id()));
        entry.report("contract-value", word.span, format!("unknown tier `{}`", word.text), help);
    }
    tier
}

/// `applies_to = ["tokens"]`, or `meter = "input"`.
fn meters(entry: &mut Entry) -> Option<Meters> {
    let words = match (entry.words("applies_to"), entry.word("meter")) {
        (Some(words), None) => words,
        (None, Some(word)) => vec![word],
        (None, None) => return None,
        (Some(_), Some(word)) => {
            let message = "`meter` and `applies_to` say the same thing".to_owned();
            entry.report("contract-term", word.span, message, "write one of them");
            return None;
        }
    };
    let words: Vec<_> = words.iter().map(Word::spanned).collect();
    Some(Meters::read(entry.text, &words, entry.problems))
}

/// What has a line of its own on every bill, what never has, and what the contract must tell.
fn shown(entry: &mut Entry, kind: &str) -> Option<Shown> {
    match kind {
        "price" | "marketplace_unit" => Some(Shown::Usage),
        "credit" | "minimum" | "commitment" | "capacity" => Some(Shown::Line),
        _ => entry.choice("billed_as", &[("usage", Shown::Usage), ("line", Shown::Line)]),
    }
}

pub const PERCENT: Form<Ratio> = Form {
    noun: "percentage",
    help: "write 0 to 100 in quotes, with at most two decimals: \"12\"",
    read: |text| {
        let percent =
            read_decimal(text, 2).filter(|percent| *percent <= rust_decimal::Decimal::ONE_HUNDRED)?;
        let left = Ratio::from_decimal(rust_decimal::Decimal::ONE_HUNDRED - percent)?;
        left.checked_mul(Ratio::new(1, 100)?)
    },
};

pub const AMOUNT: Form<Money> = Form {
    noun: "amount",
    help: "write a plain decimal in quotes: \"25000.00\"",
    read: |text| read_decimal(text, 12).and_then(|_| text.parse().ok()),
};

pub const QUANTITY: Form<i128> = Form {
    noun: "quantity",
    help: "write a whole number in quotes, without separators: \"1000000\"",
    read: |text| crate::pricebook::row::read_digits(text).map(i128::from),
};

/// `{ "2026-07" = "1200.00" }`: what earlier months took, in months of the term.
pub fn history(entry: &mut Entry) -> BTreeMap<Month, Money> {
    let Some(value) = entry.value("used") else { return BTreeMap::new() };
    let Some(table) = value.get_ref().as_table() else {
        let message = format!("`used` is {}, not a table of months", value.get_ref().type_str());
        entry.report("contract-value", value.span(), message, "write used = { \"2026-07\" = \"1200.00\" }");
        return BTreeMap::new();
    };
    let mut used = BTreeMap::new();
    for (key, value) in table {
        let month: Option<Month> = key.get_ref().parse().ok();
        let amount = value.get_ref().as_str().and_then(AMOUNT.read);
        match (month, amount) {
            (Some(month), Some(amount)) => {
                used.insert(month, amount);
            }
            (None, _) => {
                let message = format!("`{}` is no month", key.get_ref());
                entry.report("contract-value", key.span(), message, "write \"2026-07\"");
            }
            (_, None) => {
                let written = entry.text.content.get(value.span()).unwrap_or("…").to_owned();
                entry.report(
                    "contract-value",
                    value.span(),
                    format!("`{written}` is no amount"),
                    AMOUNT.help,
                );
            }
        }
    }
    used
}
