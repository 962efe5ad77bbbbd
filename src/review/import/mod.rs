//! Public price lists as proposals: what a list says that the book does not hold, where the two differ, and what the
//! list says that no row can hold. Old rows are never touched.

mod compare;
mod genai_prices;
pub(super) mod litellm;
mod models_dev;
mod number;
pub(super) mod place;
mod proposal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

pub use compare::{Conflict, Outcome, compare};
pub use place::provider;
pub use proposal::{Origin as Source, files};

use crate::diagnostic::{Diagnostic, Origin};
use crate::money::Ratio;
use crate::period::Day;
use crate::pricebook::Pricebook;
use crate::usage::cube::Band;
use crate::vocabulary::{Meter, Tier};

/// A public price list that can be read.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    pub id: &'static str,
    /// What no entry of such a list says.
    pub lacks: &'static [&'static str],
    url: &'static str,
    recognise: fn(&Value) -> bool,
    read: fn(&Value, &Context, &mut Listing),
}

pub static FORMATS: [Format; 3] = [litellm::FORMAT, genai_prices::FORMAT, models_dev::FORMAT];

/// What reading depends on beside the file.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    pub book: &'a Pricebook,
    /// The day the list was fetched.
    pub retrieved: Day,
    /// The only sellers to read; all of them where it is empty.
    pub sellers: &'a [&'static str],
}

/// One price of a list, in the words of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The list's own names: `azure/eu/gpt-4o`, `input_cost_per_token`.
    pub name: String,
    pub key: String,
    pub seller: &'static str,
    /// The book's id, or the list's where the book does not know the model.
    pub model: String,
    pub known: bool,
    pub meter: Meter,
    pub tier: Tier,
    pub ctx: Option<Band>,
    pub region: String,
    pub price: String,
    pub per: u64,
    pub unit: Ratio,
    /// The list carried a binary float, which was rounded to 12 digits.
    pub rounded: bool,
    /// The start, where the list dates it.
    pub from: Option<i64>,
    /// The first instant to compare with the book at.
    pub at: i64,
    /// No longer in force, and without a start: only to compare.
    pub past: bool,
    /// The entry names a page of the seller.
    pub cited: bool,
}

impl Quote {
    /// The boundary as ledgers write it.
    pub fn boundary(&self) -> String {
        let operator = |band: Band| if band.inclusive { ">=" } else { ">" };
        self.ctx.map_or_else(|| "0".to_owned(), |band| format!("{}{}", operator(band), band.tokens))
    }
}

/// Prices that no row can hold, by the list's key and why.
pub type Inexpressible = BTreeMap<(String, &'static str), Seen>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub count: u64,
    /// The first model it was seen on.
    pub example: String,
}

/// Everything a list holds. `prices` counts what was met before it was sorted into the others.
#[derive(Debug, Default)]
pub struct Listing {
    pub prices: u64,
    pub quotes: Vec<Quote>,
    pub inexpressible: Inexpressible,
    /// By the list's name of the provider.
    pub out_of_scope: BTreeMap<String, u64>,
}

impl Listing {
    fn inexpressible(&mut self, key: &str, why: &'static str, example: &str) {
        let seen = self.inexpressible.entry((key.to_owned(), why)).or_default();
        seen.count += 1;
        if seen.example.is_empty() {
            example.clone_into(&mut seen.example);
        }
    }

    fn out_of_scope(&mut self, provider: &str) {
        *self.out_of_scope.entry(provider.to_owned()).or_default() += 1;
    }
}

/// Reads a list of a named format, or of whichever format it looks like.
pub fn read(
    name: &str,
    text: &str,
    format: Option<&'static Format>,
    context: &Context,
) -> Result<(&'static Format, Listing), Box<Diagnostic>> {
    let value: Value =
        serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(|error| {
            let origin = Origin::new(name, error.line() as u64, error.column() as u32);
            let line: String =
                text.lines().nth(error.line().saturating_sub(1)).unwrap_or("").chars().take(200).collect();
            let what = Diagnostic::error("price-list", origin, format!("no JSON: {error}"));
            Box::new(what.excerpt(line, None).help("fetch the list again as a whole"))
        })?;
    let format = format.or_else(|| FORMATS.iter().find(|format| (format.recognise)(&value)));
    let Some(format) = format.filter(|format| (format.recognise)(&value)) else {
        let known: Vec<&str> = FORMATS.iter().map(|format| format.id).collect();
        let what =
            format.map_or("no known price list".to_owned(), |format| format!("no list of {}", format.id));
        let what = Diagnostic::error("price-list", Origin::file(name), what);
        return Err(Box::new(what.help(format!("lists of {} can be read", known.join(", ")))));
    };
    let mut listing = Listing::default();
    (format.read)(&value, context, &mut listing);
    Ok((format, listing))
}
