//! What does one request cost, and why? The price of a request with every step that led to it, in words.

use std::collections::BTreeSet;

use crate::money::{Money, Ratio};
use crate::period::{Day, SECONDS_PER_DAY};
use crate::pricebook::{Doubt, Named, NoPrice, PriceQuery, PriceRow, Pricebook, Priced, Selected};
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, Tier};

/// One request as a caller describes it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    pub seller: &'static str,
    /// Any name of the model.
    pub name: &'a str,
    pub at: i64,
    /// Only the day is known, and `at` is its midnight.
    pub whole_day: bool,
    /// The tier served; what the name says where it is left out, else standard.
    pub tier: Option<Tier>,
    /// What the name says where it is left out.
    pub region: Option<&'a str>,
    /// Tokens of the whole prompt, where they are not just those of the meters.
    pub prompt: Option<u64>,
    pub quantities: Vec<(Meter, Ratio)>,
}

/// The request with its names understood.
#[derive(Debug, Clone)]
pub struct Quote<'b> {
    pub seller: &'static str,
    pub model: &'b str,
    pub at: i64,
    pub tier: Tier,
    /// Empty where nobody says.
    pub region: Box<str>,
    pub prompt: u64,
    pub lines: Vec<Line<'b>>,
}

/// One meter of a request.
#[derive(Debug, Clone)]
pub struct Line<'b> {
    pub meter: Meter,
    pub quantity: Ratio,
    pub price: Result<Charge<'b>, NoPrice>,
}

/// What a meter costs and the row that says so.
#[derive(Debug, Clone)]
pub struct Charge<'b> {
    /// The row before modifiers; a contract may name another price.
    pub row: &'b PriceRow,
    pub doubt: Option<Doubt>,
    pub priced: Priced,
    /// Exact, unless more than 12 decimals were left.
    pub amount: Money,
    pub rounded: bool,
}

/// Another price of the same request at a later instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Later {
    pub at: i64,
    pub meter: Meter,
    /// Per unit; the reason where there is none any more.
    pub unit: Result<Ratio, NoPrice>,
    /// `prices/openai.csv:214`
    pub row: String,
}

/// `None` where the seller has no model of that name at that instant.
pub fn quote<'b>(book: &'b Pricebook, request: &Request) -> Option<Quote<'b>> {
    let Named { model, region, tier } = book.resolve_name(request.seller, request.name, request.at)?;
    let prompt = request.prompt.unwrap_or_else(|| prompt(&request.quantities));
    let mut quote = Quote {
        seller: request.seller,
        model,
        at: request.at,
        tier: request.tier.or(tier).unwrap_or(Tier::Standard),
        region: request.region.map(Into::into).or(region).unwrap_or_default(),
        prompt,
        lines: Vec::new(),
    };
    quote.lines = request
        .quantities
        .iter()
        .map(|(meter, quantity)| Line {
            meter: *meter,
            quantity: *quantity,
            price: charge(book, &quote, request.whole_day, *meter, *quantity),
        })
        .collect();
    Some(quote)
}

/// Tokens that are part of the prompt, cached ones too: they select the context price.
pub fn prompt(quantities: &[(Meter, Ratio)]) -> u64 {
    let tokens = quantities.iter().filter(|(meter, _)| meter.is_prompt());
    let whole = tokens.map(|(_, quantity)| quantity.numerator() / quantity.denominator());
    u64::try_from(whole.sum::<i128>()).unwrap_or(u64::MAX)
}

impl Quote<'_> {
    pub fn query(&self, meter: Meter) -> PriceQuery<'_> {
        PriceQuery {
            seller: self.seller,
            model: self.model,
            meter,
            tier: self.tier,
            region: &self.region,
            prompt: self.prompt,
            at: self.at,
        }
    }

    /// The sum, unless a meter has no price: then there is none, which is not zero.
    pub fn total(&self) -> Result<Money, NoPrice> {
        let mut total = Money::ZERO;
        for line in &self.lines {
            total += line.price.as_ref().map_err(|reason| *reason)?.amount;
        }
        Ok(total)
    }

    pub fn unverified(&self) -> bool {
        self.lines.iter().any(|line| line.price.as_ref().is_ok_and(|charge| charge.priced.unverified))
    }
}

fn charge<'b>(
    book: &'b Pricebook,
    quote: &Quote<'b>,
    whole_day: bool,
    meter: Meter,
    quantity: Ratio,
) -> Result<Charge<'b>, NoPrice> {
    let query = quote.query(meter);
    let priced = if whole_day { book.price_of_day(None, &query)? } else { book.price(&query)? };
    let Selected { row, doubt, .. } = book.select(&query)?;
    let (amount, rounded) =
        priced.unit.checked_mul(quantity).and_then(|amount| amount.amount(1).ok()).ok_or(NoPrice::NoRow)?;
    Ok(Charge { row, doubt, priced, amount, rounded })
}

/// Why this row: each way in which it is not simply the row of what was asked for.
pub fn why(book: &Pricebook, quote: &Quote, line: &Line) -> Vec<String> {
    let Ok(charge) = &line.price else { return Vec::new() };
    let row = charge.row;
    let mut why = Vec::new();
    if row.meter != line.meter {
        why.push(format!("{} has no price of its own and is priced as {}", line.meter, row.meter));
    }
    if &*row.model == "*" {
        why.push("the seller's price for every model".to_owned());
    }
    match row.tier {
        None => why.push("the same at every tier".to_owned()),
        Some(tier) if tier != quote.tier => {
            why.push(format!("{} has no row and is made from {tier}", quote.tier));
        }
        Some(_) => {}
    }
    if let Some(band) = row.ctx {
        why.push(format!("a prompt of {} tokens is {}", quote.prompt, holds(band)));
    }
    let asked = if quote.region.is_empty() { "global" } else { &quote.region };
    if charge.doubt == Some(Doubt::Region) {
        why.push(
            "no region is named, and the price depends on it: the seller's default is assumed".to_owned(),
        );
    } else if &*row.region == "*" {
        why.push("the same in every region".to_owned());
    } else if *row.region != *asked {
        why.push(format!("{asked} is priced as {}", row.region));
    }
    if &*row.window != "*" {
        why.push(format!("the window {} is open", row.window));
    } else if book.has_window(quote.seller, &row.model, row.meter) {
        why.push("no window is open".to_owned());
    }
    if charge.doubt == Some(Doubt::Holiday) {
        why.push("it depends on whether the day is a holiday, which is not certain".to_owned());
    }
    why
}

/// What the same request costs after its instant, to the day `last`; of prices by the hour only the first change.
pub fn later(book: &Pricebook, request: &Request, quote: &Quote, last: Day) -> Vec<Later> {
    let last = last.next().start();
    if quote.at >= last {
        return Vec::new();
    }
    let meanings = book.meanings(request.seller, request.name);
    let models: BTreeSet<&str> = meanings.iter().filter_map(|(_, model)| *model).collect();
    let mut instants: BTreeSet<i64> = meanings.iter().map(|(from, _)| *from).collect();
    let first_days = quote.at + 14 * SECONDS_PER_DAY;
    for model in models {
        instants.extend(book.price_changes(request.seller, model, quote.at, first_days.min(last)));
        instants.extend(book.row_changes(request.seller, model, quote.at, last));
    }
    let mut later = Vec::new();
    for line in &quote.lines {
        let mut before = line.price.as_ref().map(|charge| charge.priced.unit).map_err(|reason| *reason);
        let (mut hourly, mut found) = (false, Vec::new());
        for at in instants.range(quote.at + 1..=last) {
            let quantities = vec![(line.meter, line.quantity)];
            let prompt = Some(quote.prompt);
            let then = Request { at: *at, whole_day: false, prompt, quantities, ..request.clone() };
            let price = super::quote::quote(book, &then).and_then(|quote| quote.lines.into_iter().next());
            let Some(Line { price, .. }) = price else { continue };
            let unit = price.as_ref().map(|charge| charge.priced.unit).map_err(|reason| *reason);
            if unit == before {
                continue;
            }
            before = unit;
            let row = price.map(|charge| charge.priced.row.to_string()).unwrap_or_default();
            found.push(Later { at: *at, meter: line.meter, unit, row });
            hourly |= book.has_window(request.seller, quote.model, line.meter);
            if hourly {
                break;
            }
        }
        later.extend(found);
    }
    later.sort_by_key(|change| (change.at, change.meter));
    later
}

/// How a reason reads, of what was asked.
pub fn reason(book: &Pricebook, query: &PriceQuery, reason: NoPrice) -> String {
    let text = match reason {
        NoPrice::UnknownModel => "the book does not know the model",
        NoPrice::NoRow => "the book has no price for it at this tier and instant",
        NoPrice::NoRegion => "the book has prices for other regions only, and none stands in",
        NoPrice::Ended => {
            let Some(row) = book.ended(query) else { return "it is no longer sold".to_owned() };
            let prompt = row.ctx.map_or_else(String::new, |band| {
                format!(" with a prompt of {} tokens, {}", query.prompt, holds(band))
            });
            return format!("it is no longer sold{prompt} ({})", row.origin);
        }
        NoPrice::Hourly => {
            let day = Day::of_instant(query.at);
            return format!("it is priced by the hour: say the time, such as {day}T02:00Z");
        }
    };
    text.to_owned()
}

/// `> 200000`
fn holds(band: Band) -> String {
    format!("{} {}", if band.inclusive { ">=" } else { ">" }, band.tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::period::read_instant;

    fn request<'a>(
        seller: &'static str,
        name: &'a str,
        at: &str,
        whole_day: bool,
        input: i128,
    ) -> Request<'a> {
        Request {
            seller,
            name,
            at: read_instant(at).unwrap().0,
            whole_day,
            tier: None,
            region: None,
            prompt: None,
            quantities: vec![(Meter::Input, Ratio::new(input, 1).unwrap())],
        }
    }

    fn no_price(book: &Pricebook, request: &Request) -> Option<String> {
        let quote = quote(book, request).unwrap();
        let why = quote.lines[0].price.as_ref().err().copied()?;
        Some(reason(book, &quote.query(Meter::Input), why))
    }

    #[test]
    fn nothing_comes_after_the_last_day_looked_at() {
        let book = Pricebook::shipped().unwrap();
        let asked = request("openai", "gpt-5.5", "9999-12-31", true, 5);
        let quote = quote(&book, &asked).unwrap();
        for last in ["2027-11-25", "9999-12-30"] {
            let last = Day::of_instant(read_instant(last).unwrap().0);
            assert_eq!(later(&book, &asked, &quote, last), []);
        }
    }

    /// Peak hours of DeepSeek are 01:00 to 04:00 and 06:00 to 10:00 on weekdays, and midnight lies outside.
    #[test]
    fn a_day_of_two_prices_has_none() {
        let book = Pricebook::shipped().unwrap();
        let ask =
            |at, whole_day| no_price(&book, &request("deepseek", "deepseek-v4-pro", at, whole_day, 1000));
        let hourly = "it is priced by the hour: say the time, such as 2026-11-25T02:00Z";
        assert_eq!(ask("2026-11-25", true).as_deref(), Some(hourly));
        assert_eq!(ask("2026-11-25T00:00Z", false), None);
        // A Saturday is off-peak all day.
        assert_eq!(ask("2026-11-21", true), None);
    }

    #[test]
    fn an_end_names_its_row_and_the_prompt_it_is_about() {
        let book = Pricebook::shipped().unwrap();
        let ask =
            |input| no_price(&book, &request("anthropic", "claude-sonnet-4-5", "2026-11-25", true, input));
        assert_eq!(ask(200_000), None);
        let reason = ask(250_000).unwrap();
        let ended = "it is no longer sold with a prompt of 250000 tokens, > 200000 (prices/anthropic.csv:";
        assert!(reason.starts_with(ended), "{reason}");
    }
}
