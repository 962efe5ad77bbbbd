//! PB004: usage that the book cannot price. What was seen is read from logs and handed in.

use std::collections::BTreeMap;

use super::{Context, Findings, Rule};
use crate::diagnostic::Level;
use crate::period::Day;
use crate::pricebook::{NoPrice, least_header, row_text};
use crate::rate::Rater;
use crate::vocabulary::{Meter, Tier};

pub const RULES: &[Rule] = &[Rule {
    id: "PB004",
    level: Level::Error,
    title: "usage was seen that no row prices",
    why: "A public map never carried DeepSeek's prices of September 2025: 24 days of usage had none.",
    remedy: "Add the missing row with its source, or map the logged name with `[[model]]` in `llmfin.toml`.",
    waivable: false,
    check: gaps,
}];

/// Seller, model, meter, tier, region and why there is no price.
type Gap<'a> = (&'a str, &'a str, Meter, Tier, &'a str, NoPrice);

fn gaps(context: &Context, findings: &mut Findings) {
    let Some(usage) = context.usage else { return };
    let rater = Rater::new(context.book);
    // First and last day, and how much.
    let mut gaps: BTreeMap<Gap, (Day, Day, i128)> = BTreeMap::new();
    for row in usage {
        for (leaf, count) in row.leaves().filter(|(_, count)| *count > 0) {
            let Err(why) = rater.unit(&leaf) else { continue };
            let gap = (&*row.account.provider, &*row.model, leaf.meter, row.tier, &*row.region, why);
            let seen = gaps.entry(gap).or_insert((row.day, row.day, 0));
            *seen = (seen.0.min(row.day), seen.1.max(row.day), seen.2 + count);
        }
    }
    for ((seller, model, meter, tier, region, why), (first, last, count)) in gaps {
        let what = match why {
            NoPrice::UnknownModel => "the model is in no models.toml",
            NoPrice::NoRow => "no row holds then",
            NoPrice::NoRegion => "rows hold in other regions only",
            NoPrice::Hourly => "its hour decides between two prices and is not known",
            NoPrice::Ended => "a row says it is no longer sold",
        };
        let place = if region.is_empty() { String::new() } else { format!(" {region}") };
        let days = if first == last { first.to_string() } else { format!("{first} to {last}") };
        let unit = meter.unit().to_lowercase();
        let message =
            format!("{seller}/{model} {meter} {tier}{place}: {count} {unit} seen on {days}, and {what}");
        let name = format!("prices/{seller}.csv");
        let help = match why {
            NoPrice::UnknownModel => format!(
                "add the model to models.toml, or to llmfin.toml: [[model]] logged = \"{model}\", seller = \"{seller}\", model = \"…\""
            ),
            _ => append(context, &name, &|column| {
                Some(match column {
                    "model" => model.to_owned(),
                    "meter" => meter.to_string(),
                    "tier" => tier.to_string(),
                    "region" if !region.is_empty() => region.to_owned(),
                    "per" if !meter.is_token() => "1".to_owned(),
                    "from" => first.to_string(),
                    "rev" if context.closed_through >= Some(first.month()) => "2".to_owned(),
                    _ => return None,
                })
            }),
        };
        // No line is wrong: one is missing.
        findings.file(context.file(&name).map_or(&name, |file| &file.shown), message, help);
    }
}

/// The row that is missing, in the columns of the file it goes into, ready once PRICE and SOURCE are filled in.
fn append(context: &Context, name: &str, known: &dyn Fn(&str) -> Option<String>) -> String {
    let header = context.file(name).and_then(|file| file.body().lines().next()).map(ToOwned::to_owned);
    let header = header.unwrap_or_else(least_header);
    let row = row_text(&header, |column| {
        let usual = match column {
            "ctx" => "0",
            "region" => "global",
            "window" => "*",
            "price" => "PRICE",
            "per" => "1000000",
            "currency" => "USD",
            "rev" => "1",
            "status" => "listed",
            "basis" => "official",
            "source" => "SOURCE",
            "recorded" => return context.as_of.to_string(),
            _ => "",
        };
        known(column).unwrap_or_else(|| usual.to_owned())
    });
    format!("append to {name}, whose header is `{header}`: {}", row.trim_end())
}
