//! Terms that change what usage costs: percentage, own price, free allowance, capacity, marketplace units.

use super::entry::{Entry, Form};
use super::read::{PERCENT, QUANTITY};
use super::{Each, Kind};
use crate::money::Ratio;
use crate::pricebook::row::{ctx_rank, read_ctx, read_decimal};
use crate::vocabulary::{Meter, Tier};

/// A positive rate or number of units.
const RATE: Form<Ratio> = Form {
    noun: "rate",
    help: "write a plain decimal above zero in quotes: \"1.10\"",
    read: |text| read_decimal(text, 12).and_then(Ratio::from_decimal).filter(|rate| !rate.is_zero()),
};

pub fn percent(entry: &mut Entry, has_meters: bool) -> Option<Kind> {
    if !has_meters && !entry.has("applies_to") && !entry.has("meter") {
        let message = "a percentage needs to know what it is off".to_owned();
        let help = "write either `applies_to = [\"tokens\"]` or `meter = \"input\"`";
        entry.report("contract-term", entry.place("kind"), message, help);
    }
    entry.needed("value", &PERCENT).map(|factor| Kind::OffList { factor })
}

pub fn price(entry: &mut Entry, tier: Option<Tier>, models: usize) -> Option<Kind> {
    if models == 0 || !entry.has("meter") || entry.has("applies_to") {
        let message = "a price is for one meter of the models it names".to_owned();
        let help = "write `model = …` and `meter = …`, and one term for each";
        entry.report("contract-term", entry.place("kind"), message, help);
    }
    let meter = entry.word("meter").and_then(|word| Meter::parse(&word.text));
    let ctx = match entry.word("ctx") {
        None => Some(None),
        Some(word) => {
            let ctx = read_ctx(&word.text);
            if ctx.is_none() {
                let help = "write \"0\", \">272000\" or \">=200000\"";
                entry.report("contract-term", word.span, "no context boundary".to_owned(), help);
            }
            ctx
        }
    };
    let per = per(entry);
    let unit = entry.needed("value", &PRICE)?.checked_mul(per?)?;
    Some(Kind::Price { unit, meter: meter?, tier: tier.unwrap_or(Tier::Standard), ctx_rank: ctx_rank(ctx?) })
}

/// A price for `per` units.
pub const PRICE: Form<Ratio> = Form {
    noun: "price",
    help: "write a plain decimal in quotes, for `per` units: \"0.25\"",
    read: |text| read_decimal(text, 12).and_then(Ratio::from_decimal),
};

/// One over the units that a price is for; a million if left out.
pub fn per(entry: &mut Entry) -> Option<Ratio> {
    if !entry.has("per") {
        let _ = entry.value("per");
        return Ratio::new(1, 1_000_000);
    }
    let per = entry.integer("per")?;
    let one = Ratio::new(1, i128::from(per));
    if one.is_none() {
        entry.report(
            "contract-value",
            entry.place("per"),
            "`0` is no quantity".to_owned(),
            "write per = 1000000",
        );
    }
    one
}

pub fn allowance(entry: &mut Entry, has_meters: bool) -> Option<Kind> {
    if !has_meters && !entry.has("applies_to") && !entry.has("meter") {
        let message = "an allowance needs to know what is free".to_owned();
        let help = "write `meter = \"web_search\"` or `applies_to = [\"tokens\"]`";
        entry.report("contract-term", entry.place("kind"), message, help);
    }
    let each = entry.choice("each", &[("month", Each::Month), ("day", Each::Day)]);
    let quantity = entry.needed("quantity", &QUANTITY);
    Some(Kind::FreeAllowance { quantity: quantity?, each: each? })
}

pub fn capacity(entry: &mut Entry) -> Option<Kind> {
    let units = entry.needed("units", &RATE);
    let rate = entry.needed("rate", &RATE);
    Some(Kind::Capacity { units: units?, rate: rate? })
}

pub fn marketplace(entry: &mut Entry) -> Option<Kind> {
    let factor = if entry.has("value") { entry.cell("value", &PERCENT) } else { Some(Ratio::ONE) };
    let unit_price = entry.needed("unit_price", &RATE);
    Some(Kind::MarketplaceUnit { factor: factor?, unit_price: unit_price? })
}
