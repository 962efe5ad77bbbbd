//! PB001 to PB003: every word is known, and no price is given twice.

use super::numbers::{compare, meetings, named, price};
use super::{Context, Findings, Rule, on_reading};
use crate::diagnostic::{Level, nearest};
use crate::review::steps::Key;

pub const RULES: &[Rule] = &[
    Rule {
        id: "PB001",
        level: Level::Error,
        title: "a column, key or word is unknown",
        why: "A mistyped `cache_raed` drops a price in silence: what has no row is not priced.",
        remedy: "Write one of the words that the message lists; the nearest one is suggested.",
        waivable: false,
        check: unknown_waivers,
    },
    Rule {
        id: "PB002",
        level: Level::Error,
        title: "two rows have the same key, `from` and `rev`",
        why: "Which of the two holds would depend on the order of the file.",
        remedy: "Give a correction the next `rev`, and a change its own `from`.",
        waivable: false,
        check: on_reading,
    },
    Rule {
        id: "PB003",
        level: Level::Error,
        title: "two scopes price the same thing differently at the same instant",
        why: "Azure sold `gpt-5.1` output in the data zone under one meter at 11 in the EU and the US and at 12 elsewhere: \
              one name, two prices.",
        remedy: "Name the tier or the region in both rows; `*` is for a price that does not depend on it.",
        waivable: true,
        check: overlapping_scopes,
    },
];

fn unknown_waivers(context: &Context, findings: &mut Findings) {
    let rules = super::rules();
    for row in context.ladders.values().flat_map(|ladder| &ladder.rows) {
        for id in row.waiver.split_whitespace() {
            match rules.iter().find(|rule| rule.id == id) {
                Some(rule) if rule.waivable => {}
                Some(rule) => findings.row(
                    row,
                    "waiver",
                    format!("{id} cannot be waived: {}", rule.title),
                    "correct the row instead, and take the id out",
                ),
                None => {
                    let near = nearest(id, rules.iter().map(|rule| rule.id));
                    let help = match near {
                        Some(near) => format!("did you mean `{near}`? ids are separated by spaces"),
                        None => "write ids of rules such as `PB015`, separated by spaces".to_owned(),
                    };
                    findings.row(row, "waiver", format!("waiver `{id}` is no rule"), help);
                }
            }
        }
    }
}

fn overlapping_scopes(context: &Context, findings: &mut Findings) {
    let wide = context.ladders.iter().filter(|(key, _)| key.tier.is_none() || &*key.region == "*");
    for (key, ladder) in wide {
        let same = context.ladders.range(Key { meter: key.meter, ..first_of(key) }..);
        let same = same.take_while(|(other, _)| {
            (other.seller, &other.model, other.meter) == (key.seller, &key.model, key.meter)
        });
        for (other, narrow) in same {
            let tiers = key.tier == other.tier || key.tier.is_none() || other.tier.is_none();
            let regions = key.region == other.region || &*key.region == "*" || &*other.region == "*";
            let rest = (key.ctx, &key.window) == (other.ctx, &other.window);
            // Two wide scopes meet twice.
            let both_wide = other.tier.is_none() || &*other.region == "*";
            if other == key || !(tiers && regions && rest) || (both_wide && other < key) {
                continue;
            }
            for met in meetings(narrow, ladder).iter().filter(|met| compare(met.a, met.b).is_ne()) {
                let message = format!("{}, and `*` covers it too at {}", named(met.left), price(met.right));
                findings.pair(met.left, met.right, message, "name the tier or the region instead of `*`");
            }
        }
    }
}

/// The first key of a model's meter.
fn first_of(key: &Key) -> Key {
    Key { tier: None, ctx: None, region: "".into(), window: "".into(), ..key.clone() }
}
