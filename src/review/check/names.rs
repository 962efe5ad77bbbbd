//! PB022, PB023 and PB031: what a name means, and until when its model is sold.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::numbers::{compare, named};
use super::{Context, Findings, Rule};
use crate::diagnostic::Level;
use crate::period::{Day, read_instant};
use crate::pricebook::PriceRow;
use crate::review::steps::{Key, per_text, price_text};
use crate::vocabulary::{Meter, Seller, Tier};

pub const RULES: &[Rule] = &[
    Rule {
        id: "PB022",
        level: Level::Error,
        title: "an alias goes in a circle, means no model or two, or changes the price without a `note`",
        why: "gpt-4o moved to a snapshot at half the price on 2024-10-02: no price changed, and every bill did.",
        remedy: "Write what the move does to the price as `note` of the alias: note = \"input 5 to 2.50\".",
        waivable: false,
        check: aliases,
    },
    Rule {
        id: "PB023",
        level: Level::Error,
        title: "a spelling or pattern of one model also means another",
        why: "`gpt-4o` as a prefix also takes gpt-4o-mini, and `command` takes command-r.",
        remedy: "Write the exact spelling under `match`, or a pattern that only this model's ids fit.",
        waivable: false,
        check: ambiguous_names,
    },
    Rule {
        id: "PB031",
        level: Level::Warning,
        title: "a model has prices or usage after it was retired",
        why: "xAI retired eight ids on 2026-05-15; calls to them were served and billed as another model.",
        remedy: "Add `ended` rows from the day of `retired`, or correct that day.",
        waivable: true,
        check: retired,
    },
];

#[derive(Deserialize, Default)]
struct Models {
    #[serde(default)]
    model: Vec<ModelEntry>,
    #[serde(default)]
    alias: Vec<AliasEntry>,
}

#[derive(Deserialize)]
struct ModelEntry {
    id: Spanned<String>,
    seller: String,
    retired: Option<Spanned<Datetime>>,
}

#[derive(Deserialize)]
struct AliasEntry {
    seller: String,
    name: Spanned<String>,
    target: Spanned<String>,
    from: Datetime,
    note: Option<String>,
}

fn declared(context: &Context) -> Models {
    context.file("models.toml").and_then(|file| toml::from_str(file.body()).ok()).unwrap_or_default()
}

fn aliases(context: &Context, findings: &mut Findings) {
    let Some(file) = context.file("models.toml") else { return };
    for alias in declared(context).alias {
        let Some(seller) = Seller::find(&alias.seller).map(|seller| seller.id) else { continue };
        let Some((from, _)) = read_instant(&alias.from.to_string()) else { continue };
        let (name, target) = (alias.name.get_ref(), alias.target.get_ref());
        if let Some(circle) = circle(context, seller, name, target, from) {
            let message = format!("alias `{name}` goes in a circle: {circle}");
            findings.at(file, alias.target.span(), message, "point it at the model that is billed");
        }
        let before = context.book.resolve(seller, name, from - 1).filter(|before| before != target);
        let moved = before.and_then(|before| moved(context, seller, before, target, from));
        if let Some(moved) = moved.filter(|_| alias.note.as_deref().unwrap_or("").trim().is_empty()) {
            let message = format!("alias `{name}` changes the price and has no note: {moved}");
            findings.at(file, alias.target.span(), message, format!("add to this alias: note = \"{moved}\""));
        }
    }
}

/// `a → b → a`, where following the alias leads back.
fn circle(context: &Context, seller: &str, name: &str, target: &str, at: i64) -> Option<String> {
    let mut seen = vec![name.to_ascii_lowercase(), target.to_ascii_lowercase()];
    loop {
        let last = seen.last()?;
        let next = context.book.resolve(seller, last, at)?.to_ascii_lowercase();
        if next == *last {
            return None;
        }
        let again = seen.contains(&next);
        seen.push(next);
        if again {
            return Some(seen.join(" → "));
        }
    }
}

/// `input 5 to 2.5, output 15 to 10 per 1M`
fn moved(context: &Context, seller: &'static str, before: &str, after: &str, at: i64) -> Option<String> {
    let row = |model: &str, meter| {
        let key = Key {
            seller,
            model: model.into(),
            meter,
            tier: Some(Tier::Standard),
            ctx: None,
            region: "global".into(),
            window: "*".into(),
        };
        context.ladders.get(&key)?.at(at)?.unit
    };
    let moves: Vec<String> = [Meter::Input, Meter::Output]
        .into_iter()
        .filter_map(|meter| {
            let (old, new) = (row(before, meter)?, row(after, meter)?);
            let text = |unit| price_text(unit, 1_000_000);
            compare(old, new).is_ne().then(|| format!("{meter} {} to {}", text(old), text(new)))
        })
        .collect();
    (!moves.is_empty()).then(|| format!("{} per {}", moves.join(", "), per_text(1_000_000)))
}

fn ambiguous_names(context: &Context, findings: &mut Findings) {
    let Some(file) = context.file("models.toml") else { return };
    for model in declared(context).model {
        let Some(seller) = Seller::find(&model.seller).map(|seller| seller.id) else { continue };
        let id = model.id.get_ref();
        // Before any alias, an id means itself.
        let Some(other) = context.book.resolve(seller, id, i64::MIN).filter(|other| other != id) else {
            continue;
        };
        let message = format!("`{id}` also means `{other}`");
        findings.at(file, model.id.span(), message, format!("take it out of the spellings of `{other}`"));
    }
}

fn retired(context: &Context, findings: &mut Findings) {
    let Some(file) = context.file("models.toml") else { return };
    // By seller, the first place to point at and the models that have no end.
    let mut endless: BTreeMap<&'static str, (Range<usize>, Vec<String>)> = BTreeMap::new();
    for model in declared(context).model {
        let (id, Some(seller)) = (model.id.get_ref(), Seller::find(&model.seller)) else { continue };
        let Some(retired) = model.retired else { continue };
        let Some((at, _)) = read_instant(&retired.get_ref().to_string()) else { continue };
        let day = Day::of_instant(at);
        let used = context.usage.unwrap_or_default().iter();
        let used =
            used.filter(|row| *row.account.provider == *seller.id && *row.model == **id && row.day >= day);
        if let Some(last) = used.map(|row| row.day).max() {
            let message = format!("`{id}` was retired on {day}, and usage of it was logged until {last}");
            findings.at(
                file,
                retired.span(),
                message,
                "find out what answered, and map the name to that model",
            );
        }
        let own = context.ladders.iter().filter(|(key, _)| key.seller == seller.id && *key.model == **id);
        let mut held: Vec<&PriceRow> = Vec::new();
        for (_, ladder) in own {
            for (_, row) in ladder.steps.iter().filter(|(from, row)| *from > at && row.unit.is_some()) {
                let message = format!("{}, and the model was retired on {day}", named(row));
                findings.row(row, "from", message, "correct `from`, or `retired` in models.toml");
            }
            held.extend(ladder.at(at).filter(|row| row.unit.is_some()));
        }
        let over = day <= context.as_of && !held.is_empty();
        if over && !held.iter().any(|row| findings.waives(row)) {
            endless.entry(seller.id).or_insert_with(|| (retired.span(), Vec::new())).1.push(id.clone());
        }
    }
    for (seller, (place, models)) in endless {
        let message =
            format!("{seller}: retired and still priced, because no row ends it: {}", some(&models));
        findings.at(file, place, message, "add rows with status `ended` from the day of `retired`");
    }
}

/// Three of them and how many more.
pub(super) fn some<T: AsRef<str>>(names: &[T]) -> String {
    let named = names.iter().take(3).map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(3) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
