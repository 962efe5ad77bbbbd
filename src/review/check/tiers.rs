//! PB015 to PB017: tiers, long prompts and regions beside the price they are derived from.

use std::collections::{BTreeMap, BTreeSet};

use super::numbers::{compare, meetings, near, price, what};
use super::{Context, Findings, Rule};
use crate::diagnostic::Level;
use crate::money::Ratio;
use crate::pricebook::PriceRow;
use crate::review::format::instant;
use crate::review::steps::{Key, Ladder};
use crate::vocabulary::{Meter, Tier};

pub const RULES: &[Rule] = &[
    Rule {
        id: "PB015",
        level: Level::Error,
        title: "batch or flex costs more than standard, or a faster tier less",
        why: "Two columns of a price page are easily exchanged. Some oddities are real, such as a priority price below \
              standard.",
        remedy: "Compare the row with the source; write PB015 under `waiver` where the seller really asks that.",
        waivable: true,
        check: tier_order,
    },
    Rule {
        id: "PB016",
        level: Level::Error,
        title: "a long prompt costs less than a short one, or not every class has a long-prompt price",
        why: "A tier that was updated for input and forgotten for cache reads prices half of a request at the wrong rate.",
        remedy: "Add the missing rows with the same `ctx`; where a class is not repriced, repeat its price under that `ctx`.",
        waivable: true,
        check: long_prompts,
    },
    Rule {
        id: "PB017",
        level: Level::Warning,
        title: "a region differs from global by something no modifier declares",
        why: "Lists disagree on Claude on Bedrock, 3.00 or 3.30: some hold the ten percent of a region, some do not.",
        remedy: "Declare the factor as an `[[uplift]]` of `modifiers.toml`, correct the row, or write PB017 under `waiver`.",
        waivable: true,
        check: regions,
    },
];

fn tier_order(context: &Context, findings: &mut Findings) {
    for (key, ladder) in &context.ladders {
        let slower = match key.tier {
            Some(Tier::Batch | Tier::Flex) => true,
            Some(Tier::Priority | Tier::Fast | Tier::Ultrafast) => false,
            _ => continue,
        };
        let Some(standard) = context.ladders.get(&Key { tier: Some(Tier::Standard), ..key.clone() }) else {
            continue;
        };
        for met in meetings(ladder, standard) {
            let order = compare(met.a, met.b);
            if (slower && order.is_gt()) || (!slower && order.is_lt()) {
                let than = if slower { "more" } else { "less" };
                let message = format!(
                    "{} costs {}, {than} than standard at {}",
                    what(met.left),
                    price(met.left),
                    price(met.right)
                );
                findings.pair(met.left, met.right, message, "compare it with the source, or waive PB015");
            }
        }
    }
}

/// Everything of a key but its meter and boundary.
type Shelf<'k> = (&'static str, &'k str, Option<Tier>, &'k str, &'k str);

fn long_prompts(context: &Context, findings: &mut Findings) {
    let mut shelves: BTreeMap<Shelf, Vec<(&Key, &Ladder)>> = BTreeMap::new();
    for (key, ladder) in context.ladders.iter().filter(|(key, _)| key.meter.is_token()) {
        let shelf = (key.seller, &*key.model, key.tier, &*key.region, &*key.window);
        shelves.entry(shelf).or_default().push((key, ladder));
    }
    for keys in shelves.values().filter(|keys| keys.iter().any(|(key, _)| key.ctx.is_some())) {
        for (key, ladder) in keys.iter().filter(|(key, _)| key.ctx.is_some()) {
            let base = keys.iter().find(|(base, _)| base.meter == key.meter && base.ctx.is_none());
            for met in base.iter().flat_map(|(_, base)| meetings(ladder, base)) {
                if compare(met.a, met.b).is_lt() {
                    let message = format!(
                        "{} costs {}, less than a short prompt at {}",
                        what(met.left),
                        price(met.left),
                        price(met.right)
                    );
                    findings.pair(met.left, met.right, message, "compare both rows with the source");
                }
            }
        }
        half_updated(keys, findings);
    }
}

/// Classes with a price and no row at a boundary that other classes have.
fn half_updated(keys: &[(&Key, &Ladder)], findings: &mut Findings) {
    let boundaries: BTreeSet<_> = keys.iter().filter_map(|(key, _)| key.ctx).collect();
    for boundary in boundaries {
        let at_boundary: Vec<&(&Key, &Ladder)> =
            keys.iter().filter(|(key, _)| key.ctx == Some(boundary)).collect();
        let priced = |ladder: &Ladder, at: i64| ladder.at(at).is_some_and(|row| row.unit.is_some());
        let mut said = BTreeSet::new();
        let instants: BTreeSet<i64> =
            keys.iter().flat_map(|(_, ladder)| &ladder.steps).map(|(from, _)| *from).collect();
        for at in instants {
            let rows =
                at_boundary.iter().filter_map(|(_, ladder)| ladder.at(at)).filter(|row| row.unit.is_some());
            let Some(row) = rows.max_by_key(|row| row.from) else { continue };
            let missing: BTreeSet<Meter> = keys
                .iter()
                .filter(|(key, base)| key.ctx.is_none() && charged(base, at))
                .map(|(key, _)| key.meter)
                .filter(|meter| {
                    !at_boundary.iter().any(|(key, ladder)| key.meter == *meter && priced(ladder, at))
                })
                .collect();
            if missing.is_empty() || !said.insert(missing.clone()) {
                continue;
            }
            let names = missing.iter().map(|meter| meter.id()).collect::<Vec<_>>().join(", ");
            let message = format!("{} has no price at {} for {names}", what(row), instant(at));
            findings.row(row, "ctx", message, format!("add rows of {names} with the same `ctx`"));
        }
    }
}

/// True where the class costs something for a short prompt.
fn charged(base: &Ladder, at: i64) -> bool {
    base.at(at).and_then(|row| row.unit).is_some_and(|unit| !unit.is_zero())
}

fn regions(context: &Context, findings: &mut Findings) {
    // Capacity has a scale of its own in every region.
    let regional = |key: &Key| key.meter.is_token() && !matches!(&*key.region, "global" | "*");
    for (key, ladder) in context.ladders.iter().filter(|(key, _)| regional(key)) {
        let Some(global) = context.ladders.get(&Key { region: "global".into(), ..key.clone() }) else {
            continue;
        };
        let declared: Vec<Ratio> =
            context.book.region_factors(key.seller, &key.region).chain([Ratio::ONE]).collect();
        for met in meetings(ladder, global) {
            let Some(share) = met.share() else { continue };
            let fits = |factor: &Ratio| near(share, *factor, 5) || rounded(met.left, met.b, *factor);
            if !declared.iter().any(fits) {
                undeclared(findings, met.left, met.right, share);
            }
        }
    }
}

/// True where the factor gives the row's price but for its last digit: sellers round what they multiply.
fn rounded(row: &PriceRow, global: Ratio, factor: Ratio) -> bool {
    let places = row.price.split_once('.').map_or(0, |(_, fraction)| fraction.len() as u32);
    let scale = Ratio::new(i128::from(row.per), 1).zip(10i128.checked_pow(places));
    let digits = |unit: Ratio| {
        let (per, ten) = scale?;
        let price = unit.checked_mul(per)?.checked_mul(Ratio::new(ten, 1)?)?;
        Some(price.numerator() / price.denominator())
    };
    let wanted = global.checked_mul(factor).and_then(digits);
    wanted.zip(row.unit.and_then(digits)).is_some_and(|(low, digit)| digit == low || digit == low + 1)
}

fn undeclared(findings: &mut Findings, row: &PriceRow, global: &PriceRow, share: Ratio) {
    let message = format!(
        "{} costs {}, {} of global at {}",
        what(row),
        price(row),
        share.decimal_text(4),
        price(global)
    );
    let help = format!("declare it for `{}` as an [[uplift]] in modifiers.toml, or waive PB017", row.region);
    findings.pair(row, global, message, help);
}
