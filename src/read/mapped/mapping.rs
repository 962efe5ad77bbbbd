//! The declaration of a table, as it stands in the books or in an embedded file.

use std::collections::BTreeMap;

use chrono::format::{Item, StrftimeItems};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::error::{Error, Result};
use crate::invoice::DocumentKind;
use crate::money::Money;
use crate::period::Day;
use crate::read::source::Source;
use crate::vocabulary::{ChargeCategory, Meter, SELLERS, Seller, Tier};

/// How to read a table: where each fact stands, and how numbers, dates and words are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What the table is: a cost export, an invoice, a usage report, a purchase of credit.
    #[serde(default)]
    pub document: DocumentWord,
    /// Container; detected when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TableKind>,
    /// Sheet of a workbook; needed where it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Line (or sheet row) of the column names, from 1. Lines above it are not read.
    #[serde(default = "first_row")]
    pub header_row: u64,
    /// Field separator of a CSV file; the most frequent of `,` `;` tab and `|` in the header when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    pub columns: Columns,
    #[serde(default)]
    pub amount_unit: AmountUnit,
    #[serde(default = "point")]
    pub decimal: char,
    /// Separator of thousands: one character, or empty for none.
    #[serde(default)]
    pub thousands: String,
    /// Form of the dates, as in `%d.%m.%Y`; ISO 8601 when left out. A form without a day names whole months.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date_format: Option<String>,
    /// IANA zone of times written without one. Bare dates are billing days and stay as they are.
    #[serde(default = "utc")]
    pub timezone: String,
    /// Units in one of `quantity`: 1000 for a column in thousands of tokens.
    #[serde(default = "one")]
    pub quantity_per: u64,
    /// Names of the model column → model, where the seller's export writes them otherwise than its API.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, String>,
    /// Words of the meter column → meter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub meters: BTreeMap<String, Meter>,
    /// Words of the tier column → tier.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tiers: BTreeMap<String, Tier>,
    /// Words of the category column → charge category.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, ChargeCategory>,
    /// Rows to leave out, by column and exact cell: `{ Day = "Total" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skip: BTreeMap<String, String>,
    /// Seller of every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Model of every row, for a table without a model column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// First and last day of every row without a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<[Day; 2]>,
    /// Where the document states its total: a cell (`F12`), or a column that repeats it on every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    /// How far a printed amount may be from the true one: `"0.005"` for amounts rounded to cents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Money>,
}

/// Names of the columns, as the header writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    pub amount: Option<String>,
    pub date: Option<String>,
    /// Last day of the row, included, where `date` is its first.
    pub date_last: Option<String>,
    pub model: Option<String>,
    pub meter: Option<String>,
    pub quantity: Option<String>,
    pub requests: Option<String>,
    pub tier: Option<String>,
    pub region: Option<String>,
    pub account: Option<String>,
    pub project: Option<String>,
    pub key: Option<String>,
    pub category: Option<String>,
    pub text: Option<String>,
    pub currency: Option<String>,
    /// Number of the invoice.
    pub number: Option<String>,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($first:ident),+ ; $default:ident }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { #[default] $default, $($first),+ }
    };
}
words!(DocumentWord { Invoice, Usage, CreditPurchase ; Cost });
words!(TableKind { Jsonl, Xlsx ; Csv });
words!(AmountUnit { Cents ; Currency });

impl DocumentWord {
    pub const fn kind(self) -> DocumentKind {
        match self {
            DocumentWord::Cost => DocumentKind::Cost,
            DocumentWord::Invoice => DocumentKind::Invoice,
            DocumentWord::Usage => DocumentKind::Usage,
            DocumentWord::CreditPurchase => DocumentKind::CreditPurchase,
        }
    }
}

fn first_row() -> u64 {
    1
}
fn point() -> char {
    '.'
}
fn utc() -> String {
    "UTC".to_owned()
}
fn one() -> u64 {
    1
}

/// What a mapping means once its words are known to make sense.
pub struct Rules {
    pub provider: Option<&'static str>,
    pub zone: Tz,
    pub thousands: Option<char>,
}

impl Mapping {
    /// Everything that is wrong with the declaration itself, before the file is looked at.
    pub(super) fn check(&self, source: &Source) -> Result<Rules> {
        let mut wrong = Vec::new();
        let mut say = |message: String, help: String| {
            wrong.push(Diagnostic::error("bad-mapping", source.origin(), message).help(help));
        };
        let provider = self.provider.as_deref().and_then(|name| {
            let seller = Seller::find(name).map(|seller| seller.id);
            if seller.is_none() {
                let known: Vec<&str> = SELLERS.iter().map(|seller| seller.id).collect();
                say(
                    format!("unknown provider `{name}`"),
                    format!("provider = one of `{}`", known.join("`, `")),
                );
            }
            seller
        });
        let zone = self.timezone.parse::<Tz>().unwrap_or_else(|_| {
            say(format!("unknown timezone `{}`", self.timezone), "timezone = \"Europe/Berlin\"".to_owned());
            Tz::UTC
        });
        let mut letters = self.thousands.chars();
        let thousands = letters.next();
        if letters.next().is_some() || thousands == Some(self.decimal) || !matches!(self.decimal, '.' | ',') {
            say(
                format!(
                    "decimal = \"{}\" with thousands = \"{}\" cannot be read",
                    self.decimal, self.thousands
                ),
                "decimal = \",\" with thousands = \".\", or decimal = \".\" with thousands = \",\""
                    .to_owned(),
            );
        }
        if let Some(format) = &self.date_format
            && StrftimeItems::new(format).any(|item| item == Item::Error)
        {
            say(
                format!("date_format = \"{format}\" is no date form"),
                "date_format = \"%d.%m.%Y\"".to_owned(),
            );
        }
        if self.columns.amount.is_none() && self.document != DocumentWord::Usage {
            say(
                "no column is named for the amount".to_owned(),
                "columns = { amount = \"Amount\" }".to_owned(),
            );
        }
        if self.columns.date.is_none() && self.period.is_none() {
            let help = "columns = { date = \"Day\" }, or period = [\"2026-10-01\", \"2026-10-31\"]";
            say("neither a date column nor a period is named".to_owned(), help.to_owned());
        }
        if self.period.is_some_and(|[first, last]| last < first) {
            say(
                "the period ends before it begins".to_owned(),
                "period = [\"2026-10-01\", \"2026-10-31\"]".to_owned(),
            );
        }
        if self.quantity_per == 0 || self.header_row == 0 {
            say("quantity_per and header_row count from 1".to_owned(), "quantity_per = 1000".to_owned());
        }
        if self.delimiter.is_some_and(|delimiter| !delimiter.is_ascii()) {
            say("the delimiter is one ASCII character".to_owned(), "delimiter = \";\"".to_owned());
        }
        if wrong.is_empty() { Ok(Rules { provider, zone, thousands }) } else { Err(Error::Input(wrong)) }
    }
}
