//! `llmfin pricebook price`: what a request costs, which row says so, and what it costs later.

mod region;
mod requests;
mod sheets;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::cli::global::Global;
use crate::cli::ui::Ui;
use crate::cli::{clock, gather};
use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS, Error, Result};
use crate::money::Ratio;
use crate::period::read_instant;
use crate::pricebook::Pricebook;
use crate::review::quote::{self, Quote, Request};
use crate::vocabulary::{Meter, SELLERS, Seller, Tier};

/// Price a request, or a file of requests, and say why
///
/// Prints the exact amount of each meter, the row of the book it comes from with its source, the factors on top, and
/// what the same request costs later. Every meter needs a price: otherwise there is no total.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit codes:
  0  every meter has a price
  1  something has no price
  2  it could not run: an unknown model, meter or seller

Examples:
  llmfin pricebook price claude-fable-5 --seller anthropic --meter input=1200,cache_read=800,output=350
  llmfin pricebook price gpt-4o --seller openai --at 2024-10-03 --meter cache_read=1000000
  llmfin pricebook price gpt-5.6-luna --seller openai --tier flex --at 2026-10-12T09:30Z --meter input=300000
  llmfin pricebook price --file requests.csv -o priced.csv")]
pub struct Args {
    /// Model by any name it has, or SELLER/MODEL
    #[arg(required_unless_present = "file")]
    pub model: Option<String>,
    /// Who sells it; may be left out where only one seller has the model
    #[arg(long, value_name = "SELLER", value_parser = seller)]
    pub seller: Option<&'static str>,
    /// Day or instant of the request, such as 2026-10-12 or 2026-10-12T09:30Z; a model priced by the hour needs the
    /// instant [default: today]
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub at: Option<(i64, bool)>,
    /// Tier asked for [default: what the name says, else standard]
    #[arg(long, value_name = "TIER", value_parser = tiers(), hide_possible_values = true)]
    pub tier: Option<Tier>,
    /// Tier the seller served, where it is another one: it decides
    #[arg(long, value_name = "TIER", value_parser = tiers(), hide_possible_values = true)]
    pub served_tier: Option<Tier>,
    /// Region, such as `global`, `geo:us` or `eu-west-1` [default: what the name says]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// What was used, such as `input=1200,cache_read=800`; may be repeated
    #[arg(long = "meter", value_name = "METER=COUNT", value_delimiter = ',', value_parser = used)]
    #[arg(required_unless_present = "file")]
    pub meters: Vec<(Meter, Ratio)>,
    /// Tokens of the whole prompt, where they are more than the meters named: they select the context price
    #[arg(long, value_name = "TOKENS")]
    pub prompt: Option<u64>,
    /// CSV with a request a line: model, seller, at, tier, served_tier, region, prompt, and a column per meter
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "seller", "at", "tier", "served_tier", "region", "meters", "prompt"])]
    pub file: Option<PathBuf>,
}

fn tiers() -> impl TypedValueParser<Value = Tier> {
    PossibleValuesParser::new(Tier::ALL.iter().map(|tier| tier.id()))
        .try_map(|id| Tier::parse(&id).ok_or("no such tier"))
}

fn seller(text: &str) -> std::result::Result<&'static str, String> {
    Seller::find(text).map(|seller| seller.id).ok_or_else(|| {
        let known = || SELLERS.iter().map(|seller| seller.id);
        match nearest(text, known()) {
            Some(near) => format!("no such seller; did you mean `{near}`?"),
            None => format!("no such seller; one of {}", known().collect::<Vec<_>>().join(", ")),
        }
    })
}

/// The instant, and whether only its day is said.
fn instant(text: &str) -> std::result::Result<(i64, bool), String> {
    let (at, _) = read_instant(text)
        .ok_or_else(|| format!("`{text}` is no instant; write 2026-10-12 or 2026-10-12T09:30Z"))?;
    Ok((at, text.len() == "2026-10-12".len()))
}

fn used(text: &str) -> std::result::Result<(Meter, Ratio), String> {
    let (name, count) = text.split_once('=').ok_or("write METER=COUNT, such as `input=1200`")?;
    Ok((meter(name)?, quantity(count)?))
}

fn meter(name: &str) -> std::result::Result<Meter, String> {
    Meter::parse(name).ok_or_else(|| {
        let known = || Meter::ALL.iter().map(|meter| meter.id());
        match nearest(name, known()) {
            Some(near) => format!("no meter `{name}`; did you mean `{near}`?"),
            None => format!("no meter `{name}`; one of {}", known().collect::<Vec<_>>().join(", ")),
        }
    })
}

/// A plain decimal: hours have fractions.
fn quantity(text: &str) -> std::result::Result<Ratio, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{text}` is no quantity"));
    }
    if whole.trim_start_matches('0').len() > 15 {
        return Err(format!("`{text}` is too large: a quantity has at most 15 digits"));
    }
    if fraction.trim_end_matches('0').len() > 9 {
        return Err(format!("`{text}` is too exact: a quantity has at most 9 decimals"));
    }
    let number = text.parse::<rust_decimal::Decimal>().ok();
    number.and_then(Ratio::from_decimal).ok_or_else(|| format!("`{text}` is no quantity"))
}

pub fn run(args: &Args, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let books = gather::books_if_any(global)?;
    let book = gather::pricebook(global, books.as_ref())?;
    if let Some(file) = &args.file {
        return requests::run(&book, file, global, ui);
    }
    let name = args.model.as_deref().unwrap_or_default();
    let (at, whole_day) = args.at.unwrap_or_else(|| (clock::today().start(), true));
    let (seller, name) = seller_in(&book, args.seller, name, at)
        .map_or((args.seller, name), |(seller, name)| (Some(seller), name));
    let request = Request {
        seller: sold_by(&book, seller, name, at)?,
        name,
        at,
        whole_day,
        tier: args.served_tier.or(args.tier),
        region: args.region.as_deref(),
        prompt: args.prompt,
        quantities: args.meters.clone(),
    };
    plausible(&book, &request)?;
    let quote = quote::quote(&book, &request).ok_or_else(|| unknown(&book, seller, name, at))?;
    // A year after the newest that the book records: announced changes lie in it.
    let last = book.known_at().max(clock::today());
    let last = crate::period::Day::from_days(last.days() + 366);
    let later = quote::later(&book, &request, &quote, last);
    global.write(ui, &sheets::build(&book, &request, &quote, &later, args, global.format()))?;
    Ok(exit_code(&quote))
}

fn exit_code(quote: &Quote) -> u8 {
    if quote.total().is_ok() { EXIT_CLEAN } else { EXIT_FINDINGS }
}

/// Refuses what could only be priced by overlooking a part of it.
fn plausible(book: &Pricebook, request: &Request) -> Result<()> {
    let mut problems = Vec::new();
    if let Some(region) = request.region {
        let known = book.regions(request.seller);
        if let Err(region::Unknown { message, help }) = region::check(request.seller, region, &known) {
            problems.push(Diagnostic::error("unknown-region", Origin::file("--region"), message).help(help));
        }
    }
    if let Err(message) = whole_prompt(request.prompt, &request.quantities) {
        let problem = Diagnostic::error("prompt", Origin::file("--prompt"), message);
        problems.push(problem.help("leave it out, or write the tokens of the whole prompt"));
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Input(problems)) }
}

/// The prompt named holds the prompt tokens of the meters.
fn whole_prompt(prompt: Option<u64>, quantities: &[(Meter, Ratio)]) -> std::result::Result<u64, String> {
    let sum = quote::prompt(quantities);
    match prompt {
        Some(prompt) if prompt < sum => {
            Err(format!("a prompt of {prompt} tokens is less than the {sum} prompt tokens of the meters"))
        }
        prompt => Ok(prompt.unwrap_or(sum)),
    }
}

/// What `SELLER/MODEL` says, as `show` reads it.
fn seller_in<'n>(
    book: &Pricebook,
    seller: Option<&str>,
    name: &'n str,
    at: i64,
) -> Option<(&'static str, &'n str)> {
    let (first, rest) = name.split_once('/').filter(|_| seller.is_none())?;
    let seller = Seller::find(first)?.id;
    book.resolve(seller, rest, at).map(|_| (seller, rest))
}

/// The seller named, else the only one that has the model at that instant.
fn sold_by(book: &Pricebook, seller: Option<&'static str>, name: &str, at: i64) -> Result<&'static str> {
    if let Some(seller) = seller {
        return Ok(seller);
    }
    let sellers: Vec<&'static str> =
        book.sellers().filter(|seller| book.resolve(seller, name, at).is_some()).collect();
    match sellers.as_slice() {
        [only] => Ok(only),
        [] => Err(unknown(book, None, name, at)),
        several => Err(Diagnostic::error(
            "several-sellers",
            Origin::file(name),
            format!("is sold by {}", several.join(", ")),
        )
        .help(format!("say whose price you want: --seller {}", several[0]))
        .into()),
    }
}

/// Also of names that meant something at another time.
fn unknown(book: &Pricebook, seller: Option<&str>, name: &str, at: i64) -> Error {
    let sellers: Vec<&str> = book.sellers().filter(|id| seller.is_none_or(|wanted| wanted == *id)).collect();
    let meant = sellers.iter().flat_map(|id| book.meanings(id, name)).find(|(_, model)| model.is_some());
    let near = nearest(name, sellers.iter().flat_map(|id| book.names(id)));
    let help = match (meant, near) {
        (Some((from, _)), _) if from > at => {
            format!("the name has a meaning from {} on", super::words::instant(from))
        }
        (_, Some(near)) => format!("did you mean `{near}`?"),
        _ => "`llmfin pricebook show` lists what the book knows; add a model in `models.toml`".to_owned(),
    };
    let whose = seller.map_or(String::new(), |seller| format!(" of {seller}"));
    Diagnostic::error("unknown-model", Origin::file(name), format!("is no model{whose} that the book knows"))
        .help(help)
        .into()
}
