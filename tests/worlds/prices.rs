//! The provider's price list as typed in by hand: 10⁻¹² dollars a token, so that every amount is one multiplication
//! of integers. Checked against the shipped book, never computed from it.

use llmfin::vocabulary::{Meter, Tier};

/// Dollars per million tokens × 10⁶: input, cache read, cache write, output.
type List = [i128; 4];

struct Model {
    id: &'static str,
    standard: List,
    /// Half of standard where the seller says so; `None`: the tier is not sold.
    half: bool,
    /// Above 272,000 prompt tokens.
    long: Option<List>,
    /// An earlier list price of the same model.
    before: Option<List>,
}

pub const OPENAI: [&str; 5] = ["gpt-5-mini", "gpt-5.5", "gpt-5.6-luna", "gpt-5.6-sol", "gpt-4.1-mini"];
pub const ANTHROPIC: [&str; 3] = ["claude-opus-4-8", "claude-sonnet-5", "claude-haiku-4-5-20251001"];

static MODELS: [Model; 8] = [
    Model {
        id: "gpt-5-mini",
        standard: [250_000, 25_000, 0, 2_000_000],
        half: true,
        long: None,
        before: None,
    },
    Model {
        id: "gpt-5.5",
        standard: [5_000_000, 500_000, 0, 30_000_000],
        half: true,
        long: Some([10_000_000, 1_000_000, 0, 45_000_000]),
        before: None,
    },
    Model {
        id: "gpt-5.6-luna",
        standard: [200_000, 20_000, 250_000, 1_200_000],
        half: false,
        long: Some([400_000, 40_000, 500_000, 1_800_000]),
        before: Some([1_000_000, 100_000, 1_250_000, 6_000_000]),
    },
    Model {
        id: "gpt-5.6-sol",
        standard: [4_000_000, 400_000, 5_000_000, 20_000_000],
        half: false,
        long: Some([8_000_000, 800_000, 10_000_000, 30_000_000]),
        before: Some([5_000_000, 500_000, 6_250_000, 30_000_000]),
    },
    Model {
        id: "gpt-4.1-mini",
        standard: [400_000, 100_000, 0, 1_600_000],
        half: false,
        long: None,
        before: None,
    },
    Model {
        id: "claude-opus-4-8",
        standard: [5_000_000, 500_000, 6_250_000, 25_000_000],
        half: true,
        long: None,
        before: None,
    },
    Model {
        id: "claude-sonnet-5",
        standard: [2_000_000, 200_000, 2_500_000, 10_000_000],
        half: true,
        long: None,
        before: None,
    },
    Model {
        id: "claude-haiku-4-5-20251001",
        standard: [1_000_000, 100_000, 1_250_000, 5_000_000],
        half: true,
        long: None,
        before: None,
    },
];

fn column(meter: Meter) -> usize {
    match meter {
        Meter::Input => 0,
        Meter::CacheRead => 1,
        Meter::CacheWrite30m | Meter::CacheWrite5m => 2,
        Meter::Output => 3,
        other => panic!("no price list has {other}"),
    }
}

fn find(model: &str) -> &'static Model {
    MODELS.iter().find(|known| known.id == model).unwrap()
}

/// What the provider charges for one token, in 10⁻¹² dollars.
pub fn unit(model: &str, meter: Meter, tier: Tier, region: &str, long: bool) -> i128 {
    let model = find(model);
    let list = if long { model.long.unwrap() } else { model.standard };
    let mut unit = list[column(meter)];
    if tier != Tier::Standard {
        assert!(model.half, "{} has no {tier}", model.id);
        unit /= 2;
    }
    if region == "geo:us" { unit * 11 / 10 } else { unit }
}

/// The earlier list price, where there was one.
pub fn before(model: &str, meter: Meter) -> Option<i128> {
    find(model).before.map(|list| list[column(meter)])
}

/// The lifetime of the cache writes this provider sells by default.
pub fn cache_write(provider: &str) -> Meter {
    if provider == "anthropic" { Meter::CacheWrite5m } else { Meter::CacheWrite30m }
}

#[test]
fn the_hand_entered_prices_are_those_of_the_book() {
    use llmfin::pricebook::{PriceQuery, Pricebook};
    let book = Pricebook::shipped().unwrap();
    let at = "2026-10-15".parse::<llmfin::period::Day>().unwrap().start();
    let july = "2026-07-15".parse::<llmfin::period::Day>().unwrap().start();
    for (provider, models) in [("openai", &OPENAI[..]), ("anthropic", &ANTHROPIC[..])] {
        for model in models {
            for meter in [Meter::Input, Meter::CacheRead, cache_write(provider), Meter::Output] {
                let price = |tier, region, prompt, at| {
                    let query = PriceQuery { seller: provider, model, meter, tier, region, prompt, at };
                    let unit = book.price(&query).unwrap().unit;
                    unit.amount(1).unwrap().0.pico()
                };
                let known = find(model);
                assert_eq!(price(Tier::Standard, "", 0, at), unit(model, meter, Tier::Standard, "", false));
                if known.half && !(provider == "openai" && meter == cache_write(provider)) {
                    let half = unit(model, meter, Tier::Batch, "", false);
                    assert_eq!(price(Tier::Batch, "", 0, at), half, "{model} {meter}");
                    if provider == "openai" {
                        assert_eq!(price(Tier::Flex, "", 0, at), half, "{model} {meter}");
                    }
                }
                if known.long.is_some() && !(*model == "gpt-5.5" && meter == cache_write(provider)) {
                    let long = unit(model, meter, Tier::Standard, "", true);
                    assert_eq!(price(Tier::Standard, "", 300_000, at), long, "{model} {meter}");
                }
                if provider == "anthropic" {
                    let us = unit(model, meter, Tier::Standard, "geo:us", false);
                    if *model != "claude-haiku-4-5-20251001" {
                        assert_eq!(price(Tier::Standard, "geo:us", 0, at), us, "{model} {meter}");
                    }
                }
                if let Some(before) = before(model, meter) {
                    assert_eq!(price(Tier::Standard, "", 0, july), before, "{model} {meter}");
                }
            }
        }
    }
}
