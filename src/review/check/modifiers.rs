//! PB026: factors whose order and range leave no doubt.

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::{Context, Findings, Rule};
use crate::diagnostic::Level;
use crate::period::read_instant;

pub const RULES: &[Rule] = &[Rule {
    id: "PB026",
    level: Level::Error,
    title: "the order of two modifiers or of two contract terms is open, or a factor lies outside 0.01 to 10",
    why: "A residency uplift that is already in the row and applied again is charged twice. A row written for the very tier \
          or region therefore suppresses a modifier, and two modifiers of one request need an order.",
    remedy: "Give each modifier that can meet another one its own `order`; let contract terms of a kind not meet.",
    waivable: false,
    check: order,
}];

#[derive(Deserialize)]
struct Modifiers {
    #[serde(default)]
    modifier: Vec<Modifier>,
}

#[derive(Deserialize)]
struct Modifier {
    id: String,
    seller: String,
    order: Spanned<u32>,
    tier: Option<String>,
    #[serde(default)]
    regions: Vec<String>,
    from: Option<Datetime>,
    to: Option<Datetime>,
    released_from: Option<Datetime>,
    released_to: Option<Datetime>,
    #[serde(default)]
    models: Vec<String>,
    #[serde(default)]
    applies_to: Vec<String>,
}

fn order(context: &Context, findings: &mut Findings) {
    let Some(file) = context.file("modifiers.toml") else { return };
    let Ok(Modifiers { modifier }) = toml::from_str(file.body()) else { return };
    for (index, later) in modifier.iter().enumerate() {
        let earlier = modifier.iter().take(index);
        let same = |other: &&Modifier| {
            other.seller == later.seller && other.order.get_ref() == later.order.get_ref()
        };
        if let Some(other) = earlier.filter(same).find(|other| meet(other, later)) {
            let message = format!(
                "modifiers `{}` and `{}` can apply to one request and have the same order {}",
                other.id,
                later.id,
                later.order.get_ref()
            );
            let help = format!("write order = {}", later.order.get_ref() + 1);
            findings.at(file, later.order.span(), message, help);
        }
    }
}

/// True where one request can be under both.
fn meet(a: &Modifier, b: &Modifier) -> bool {
    let tiers = a.tier.is_none() || b.tier.is_none() || a.tier == b.tier;
    let meters = a
        .applies_to
        .iter()
        .any(|word| b.applies_to.iter().any(|other| word == other || word == "tokens" || other == "tokens"));
    tiers
        && meters
        && share(&a.regions, &b.regions)
        && share(&a.models, &b.models)
        && !apart((&a.from, &a.to), (&b.from, &b.to))
        && !apart((&a.released_from, &a.released_to), (&b.released_from, &b.released_to))
}

/// Lists of patterns that something fits both; an empty one fits all.
fn share(a: &[String], b: &[String]) -> bool {
    a.is_empty() || b.is_empty() || a.iter().any(|one| b.iter().any(|other| overlap(one, other)))
}

type Span<'m> = (&'m Option<Datetime>, &'m Option<Datetime>);

/// True where one span ends, exclusively, before the other starts.
fn apart(a: Span, b: Span) -> bool {
    let instant =
        |date: &Option<Datetime>| date.and_then(|date| read_instant(&date.to_string())).map(|(at, _)| at);
    let before = |end, start| instant(end).zip(instant(start)).is_some_and(|(end, start)| end <= start);
    before(a.1, b.0) || before(b.1, a.0)
}

/// Patterns that share a text; a final `*` stands for any ending.
fn overlap(a: &str, b: &str) -> bool {
    match (a.strip_suffix('*'), b.strip_suffix('*')) {
        (Some(a), Some(b)) => a.starts_with(b) || b.starts_with(a),
        (Some(a), None) => b.starts_with(a),
        (None, Some(b)) => a.starts_with(b),
        (None, None) => a == b,
    }
}
