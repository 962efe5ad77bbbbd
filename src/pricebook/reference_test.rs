//! The engine against a slow search that reads `docs/concepts/pricebook.md` sentence by sentence, over random books.

use proptest::prelude::*;

use super::files::BookFile;
use super::*;

const DAY: i64 = 86_400;

/// A line of a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    model: &'static str,
    meter: &'static str,
    tier: &'static str,
    ctx: &'static str,
    region: &'static str,
    window: &'static str,
    from: i64,
    rev: u32,
    status: &'static str,
    layer: Layer,
    price: u32,
}

impl Line {
    fn key(&self) -> [&'static str; 6] {
        [self.model, self.meter, self.tier, self.ctx, self.region, self.window]
    }

    fn text(&self) -> String {
        let from = Day::from_days(self.from as i32);
        let priced = !matches!(self.status, "ended" | "withdrawn");
        let price = if priced { self.price.to_string() } else { String::new() };
        let free = if priced && self.price == 0 { "yes" } else { "" };
        let [model, meter, tier, ctx, region, window] = self.key();
        format!(
            "{model},{meter},{tier},{ctx},{region},{window},{price},1,USD,{from},{from},{},{},{free},s\n",
            self.rev, self.status
        )
    }
}

#[derive(Debug, Clone, Copy)]
struct Ask {
    meter: Meter,
    tier: Tier,
    region: &'static str,
    prompt: u64,
    at: i64,
}

const MODELS: &str = "[[model]]\nid = \"m\"\nseller = \"openai\"\n";
const MODIFIERS: &str = "\
[[modifier]]\nid = \"batch\"\nseller = \"openai\"\nfactor = \"0.5\"\ntier = \"batch\"\napplies_to = [\"input\"]\norder = 1\nsource = \"s\"\n\
[[modifier]]\nid = \"us\"\nseller = \"openai\"\nfactor = \"1.1\"\nregions = [\"geo:us\"]\napplies_to = [\"tokens\"]\norder = 2\nsource = \"s\"\n\
[[region]]\nseller = \"openai\"\nid = \"us-east-1\"\nparent = \"geo:us\"\n";
/// 22:00 to 06:00 UTC, every day.
const SCHEDULES: &str = "[[schedule]]\nid = \"night\"\n[[schedule.version]]\nfrom = 1970-01-01\nzone = \"UTC\"\nwindows = [{ hours = \"22:00-06:00\" }]\n";

fn book(lines: &[Line], exact: bool) -> Pricebook {
    let header =
        "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,free,source\n";
    let ledger = |layer: Layer| {
        let rows = lines.iter().filter(|line| line.layer == layer).map(Line::text);
        format!("{header}{}", rows.collect::<String>())
    };
    let regions = if exact { "[[seller]]\nid = \"openai\"\nregions = \"exact\"\n" } else { "" };
    let files = [
        ("book.toml", Layer::Overlay, "name = \"t\"\nbase = \"none\"\n".to_owned()),
        ("models.toml", Layer::Overlay, format!("{regions}{MODELS}")),
        ("modifiers.toml", Layer::Overlay, MODIFIERS.to_owned()),
        ("schedules.toml", Layer::Overlay, SCHEDULES.to_owned()),
        ("prices/openai.csv", Layer::Shipped, ledger(Layer::Shipped)),
        ("prices/openai.csv", Layer::Overlay, ledger(Layer::Overlay)),
    ];
    let files = files.map(|(name, layer, content)| BookFile {
        layer,
        name: name.into(),
        shown: name.into(),
        content: content.into(),
    });
    let reading = Pricebook::read(files.into(), Vec::new(), None);
    assert_eq!(reading.problems, []);
    reading.book
}

/// The price in hundredths of a unit: every factor here has two decimals at most.
fn engine(book: &Pricebook, ask: Ask) -> Result<i128, NoPrice> {
    let Ask { meter, tier, region, prompt, at } = ask;
    let priced = book.price(&PriceQuery { seller: "openai", model: "m", meter, tier, region, prompt, at })?;
    Ok(priced.unit.checked_mul(Ratio::new(100, 1).unwrap()).unwrap().numerator())
}

/// The line in force for one key: corrections replace, withdrawals uncover, an overlay outranks what is shipped.
fn in_force<'l>(lines: &'l [Line], key: [&str; 6], at: i64) -> Option<&'l Line> {
    let mut starts: Vec<&Line> = Vec::new();
    for line in lines.iter().filter(|line| line.key() == key && line.from * DAY <= at) {
        let same = starts.iter().position(|other| other.from == line.from);
        match same {
            Some(index) if (starts[index].layer, starts[index].rev) < (line.layer, line.rev) => {
                starts[index] = line
            }
            Some(_) => {}
            None => starts.push(line),
        }
    }
    starts.retain(|line| line.status != "withdrawn");
    starts.into_iter().max_by_key(|line| (line.layer, line.from))
}

fn reference(lines: &[Line], exact: bool, ask: Ask) -> Result<i128, NoPrice> {
    let mut regions = match ask.region {
        "" | "global" => vec!["global"],
        "us-east-1" => vec!["us-east-1", "geo:us"],
        other => vec![other],
    };
    let uplift = regions.contains(&"geo:us");
    // Every meter here is a token, so that the rule for the region covers it.
    if !regions.contains(&"global") && (!exact || uplift) {
        regions.push("global");
    }
    let hour = ask.at % DAY / 3600;
    let open = |window: &str| window == "*" || !(6..22).contains(&hour);
    let size = |ctx: &str| match ctx {
        ">=100" => (ask.prompt >= 100, 1),
        ">100" => (ask.prompt > 100, 2),
        _ => (true, 0),
    };
    let mut elsewhere = false;
    let meters: &[&str] =
        if ask.meter == Meter::OutputReasoning { &["output.reasoning", "output"] } else { &[ask.meter.id()] };
    for meter in meters {
        for model in ["m", "*"] {
            let pick = |tier: &str, region: &str| {
                let mut best: Option<(&Line, _)> = None;
                for tier_cell in [tier, "*"] {
                    for ctx in ["0", ">=100", ">100"] {
                        for region_cell in [region, "*"] {
                            for window in ["*", "night"] {
                                let key = [model, meter, tier_cell, ctx, region_cell, window];
                                let Some(line) = in_force(lines, key, ask.at) else { continue };
                                if !open(window)
                                    || !size(ctx).0
                                    || (window == "night" && line.status == "ended")
                                {
                                    continue;
                                }
                                let rank = (size(ctx).1, tier_cell != "*", region_cell != "*", window != "*");
                                if best.is_none_or(|(_, other)| rank > other) {
                                    best = Some((line, rank));
                                }
                            }
                        }
                    }
                }
                best.map(|(line, _)| line)
            };
            let repriced = regions
                .iter()
                .filter_map(|region| pick("standard", region))
                .map(|line| size(line.ctx).1)
                .max();
            let of = |tier: &str| {
                let found = regions.iter().filter_map(|region| pick(tier, region));
                found.into_iter().find(|line| size(line.ctx).1 >= repriced.unwrap_or(0))
            };
            let halved = ask.tier == Tier::Batch && *meter == "input";
            let found = of(ask.tier.id()).or_else(|| halved.then(|| of("standard")).flatten());
            if let Some(line) = found {
                if line.status == "ended" {
                    return Err(NoPrice::Ended);
                }
                let half = halved && line.tier != "batch" && line.tier != "*";
                let more = uplift && matches!(line.region, "global" | "*");
                let price = i128::from(line.price) * if half { 50 } else { 100 };
                return Ok(if more { price * 11 / 10 } else { price });
            }
            let of_meter = lines.iter().filter(|line| line.model == model && line.meter == *meter);
            elsewhere |= exact
                && of_meter.into_iter().any(|line| line.region != "*" && !regions.contains(&line.region));
        }
    }
    Err(if elsewhere { NoPrice::NoRegion } else { NoPrice::NoRow })
}

prop_compose! {
    fn line()(
        model in prop::sample::select(vec!["m", "m", "m", "*"]),
        meter in prop::sample::select(vec!["input", "input", "output", "output.reasoning"]),
        tier in prop::sample::select(vec!["standard", "standard", "batch", "flex", "*"]),
        ctx in prop::sample::select(vec!["0", "0", ">=100", ">100"]),
        region in prop::sample::select(vec!["global", "global", "geo:us", "us-east-1", "*"]),
        window in prop::sample::select(vec!["*", "*", "night"]),
        from in 1i64..6, rev in 1u32..3,
        status in prop::sample::select(vec!["listed", "listed", "listed", "scheduled", "withdrawn", "ended"]),
        overlay in any::<bool>(),
        price in 0u32..100,
    ) -> Line {
        let layer = if overlay { Layer::Overlay } else { Layer::Shipped };
        // Whole hundreds of tenths, so that every factor leaves whole hundredths.
        Line { model, meter, tier, ctx, region, window, from, rev, status, layer, price: price * 10 }
    }
}

/// One line for each key, start, layer and revision: the reader refuses two.
fn lines() -> impl Strategy<Value = Vec<Line>> {
    prop::collection::vec(line(), 0..60).prop_map(|lines| {
        let mut kept: Vec<Line> = Vec::new();
        for line in lines {
            let same = |other: &Line| {
                (other.key(), other.from, other.layer, other.rev)
                    == (line.key(), line.from, line.layer, line.rev)
            };
            if !kept.iter().any(same) {
                kept.push(line);
            }
        }
        kept
    })
}

prop_compose! {
    fn ask()(
        meter in prop::sample::select(vec![Meter::Input, Meter::Output, Meter::OutputReasoning]),
        tier in prop::sample::select(vec![Tier::Standard, Tier::Batch, Tier::Flex]),
        region in prop::sample::select(vec!["", "global", "geo:us", "us-east-1", "geo:eu"]),
        prompt in prop::sample::select(vec![0, 99, 100, 101, 500]),
        slot in 0i64..7 * 96,
    ) -> Ask {
        Ask { meter, tier, region, prompt, at: slot * 900 }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn the_engine_agrees_with_the_page(
        lines in lines(), exact in any::<bool>(), asks in prop::collection::vec(ask(), 60),
    ) {
        let book = book(&lines, exact);
        for ask in asks {
            prop_assert_eq!(engine(&book, ask), reference(&lines, exact, ask), "{:?}", ask);
        }
    }

    /// What is remembered is what would be worked out again.
    #[test]
    fn a_pricer_answers_as_the_book_does(
        lines in lines(), exact in any::<bool>(), asks in prop::collection::vec((ask(), any::<bool>()), 60),
    ) {
        let book = book(&lines, exact);
        let mut pricer = Pricer::new(&book);
        for (ask, known) in asks {
            let Ask { meter, tier, region, prompt, at } = ask;
            let name = if known { "M" } else { "unknown" };
            let whole_day = at % 86_400 == 0;
            let (seller, tier_asked, region_asked) = ("openai", Some(tier), Some(region));
            let asked = super::Ask {
                seller, name, tier: tier_asked, region: region_asked, prompt, at, whole_day,
            };
            let place = pricer.place(&asked);
            let point = pricer.point(place, &asked, meter);
            let query = PriceQuery { seller, model: "m", meter, tier, region, prompt, at };
            let priced = if whole_day { book.price_of_day(None, &query) } else { book.price(&query) };
            let expected = if known { priced.map(|priced| priced.unit) } else { Err(NoPrice::UnknownModel) };
            prop_assert_eq!(point.unit, expected);
            let quantity = Ratio::new(12_345, 1).unwrap();
            prop_assert_eq!(point.amount(quantity).ok(), point.unit.ok().map(|unit| unit.amount(12_345).unwrap()));
        }
    }

    #[test]
    fn the_order_of_lines_does_not_matter(
        (lines, mixed) in lines().prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle())),
        asks in prop::collection::vec(ask(), 20),
    ) {
        let (one, other) = (book(&lines, false), book(&mixed, false));
        for ask in asks {
            prop_assert_eq!(engine(&one, ask), engine(&other, ask));
        }
    }

    #[test]
    fn an_explicit_zero_is_a_price_and_absence_is_none(ask in ask()) {
        let free = Line {
            model: "m", meter: ask.meter.id(), tier: ask.tier.id(), ctx: "0", region: "*", window: "*",
            from: 0, rev: 1, status: "listed", layer: Layer::Overlay, price: 0,
        };
        prop_assert_eq!(engine(&book(&[free], true), ask), Ok(0));
        prop_assert_eq!(engine(&book(&[], true), ask), Err(NoPrice::NoRow));
    }
}
