//! One line of a dispute: what the bill charges, what it should charge, and what of it is claimed.

use crate::close::document::Cell;
use crate::diagnostic::Origin;
use crate::fixes::words::base_name;
use crate::money::{Money, Ratio};
use crate::period::Period;
use crate::pricebook::Priced;
use crate::reconcile::Line;
use crate::vocabulary::Meter;

/// A line of the bill, or an amount that no single line carries.
pub struct Claim<'c> {
    pub line: Option<Line<'c>>,
    /// The line's, or what the provider counted and no line bills.
    pub meter: Option<Meter>,
    /// Where no line of the bill is claimed but several together, or a charge.
    pub what: &'c str,
    pub quantity: Option<i128>,
    pub cell: Option<&'c Cell>,
    /// The agreed price, else the list price.
    pub price: Option<Priced>,
    pub list: Option<Priced>,
    pub expected: Option<Money>,
    pub billed: Money,
    /// `None`: evidence of a claim on the model's day.
    pub claimed: Option<Money>,
    /// Who counted the quantity.
    pub counted: &'static str,
    /// The line that this one repeats.
    pub repeats: Option<&'c Origin>,
}

/// What a cell holds; the letter writes it for people, the CSV for machines.
pub enum Value {
    Text(String),
    Line(u64),
    Count(i128),
    Amount(Money),
}

/// A column of the lines: in the letter, or in its CSV only.
pub struct Column {
    pub name: &'static str,
    pub in_letter: bool,
    pub value: fn(&Claim) -> Option<Value>,
}

/// A column without content is left out.
pub static COLUMNS: [Column; 19] = [
    Column { name: "file", in_letter: true, value: |claim| text(base_name(&claim.origin()?.file)) },
    Column { name: "line", in_letter: true, value: |claim| place(claim.origin()?) },
    Column { name: "repeats line", in_letter: true, value: |claim| place(claim.repeats?) },
    Column { name: "of file", in_letter: false, value: |claim| text(base_name(&claim.repeats?.file)) },
    Column {
        name: "text",
        in_letter: true,
        value: |claim| text(claim.line.as_ref().map_or(claim.what, |line| &line.line.text)),
    },
    Column { name: "day", in_letter: true, value: |claim| text(claim.days()?.first) },
    Column {
        name: "to",
        in_letter: true,
        value: |claim| claim.days().filter(|days| days.first < days.last).and_then(|days| text(days.last)),
    },
    Column {
        name: "project",
        in_letter: true,
        value: |claim| text(claim.line.as_ref()?.line.project.as_deref()?),
    },
    Column { name: "model", in_letter: false, value: |claim| text(claim.model()?) },
    Column { name: "meter", in_letter: false, value: |claim| text(claim.meter?) },
    Column { name: "tier", in_letter: false, value: |claim| text(claim.line.as_ref()?.line.tier?) },
    Column {
        name: "region",
        in_letter: false,
        value: |claim| text(claim.line.as_ref()?.line.region.as_deref()?),
    },
    Column { name: "quantity", in_letter: true, value: |claim| claim.quantity.map(Value::Count) },
    Column { name: "counted by", in_letter: true, value: |claim| text(claim.counted) },
    Column { name: "billed", in_letter: true, value: |claim| Some(Value::Amount(claim.billed)) },
    Column {
        name: "list price",
        in_letter: false,
        value: |claim| text(price_text(claim.list.as_ref()?.unit, claim.meter)),
    },
    Column {
        name: "agreed price",
        in_letter: false,
        value: |claim| {
            let agreed = claim.price.as_ref().filter(|_| claim.is_agreed());
            text(price_text(agreed?.unit, claim.meter))
        },
    },
    Column { name: "should be", in_letter: true, value: |claim| claim.expected.map(Value::Amount) },
    Column { name: "claimed", in_letter: true, value: |claim| claim.claimed.map(Value::Amount) },
];

fn text(text: impl ToString) -> Option<Value> {
    Some(text.to_string()).filter(|text| !text.is_empty()).map(Value::Text)
}

fn place(at: &Origin) -> Option<Value> {
    (at.line > 0).then_some(Value::Line(at.line))
}

impl<'c> Claim<'c> {
    /// A claim that no single line carries.
    pub fn whole(what: &'c str, billed: Money, claimed: Money) -> Claim<'c> {
        Claim {
            line: None,
            meter: None,
            what,
            quantity: None,
            cell: None,
            price: None,
            list: None,
            expected: None,
            billed,
            claimed: Some(claimed),
            counted: "",
            repeats: None,
        }
    }

    pub fn origin(&self) -> Option<&Origin> {
        self.line.as_ref().map(|line| &line.line.origin)
    }

    pub fn model(&self) -> Option<&str> {
        let line = self.line.as_ref().and_then(|line| line.model.as_deref());
        line.or_else(|| self.cell.and_then(|cell| cell.model.as_deref()))
    }

    /// True where a contract makes another price of the list price.
    pub fn is_agreed(&self) -> bool {
        self.price.as_ref().zip(self.list.as_ref()).is_some_and(|(price, list)| price.unit != list.unit)
    }

    fn days(&self) -> Option<Period> {
        let cell = || self.cell.map(|cell| Period { first: cell.from, last: cell.to });
        self.line.as_ref().map(|line| line.line.period).or_else(cell)
    }
}

/// A price as people say it: `0.20 per million`, or of one call or hour.
pub fn price_text(unit: Ratio, meter: Option<Meter>) -> String {
    let tokens = meter.is_none_or(Meter::is_token);
    let text = if tokens { unit.per_million() } else { unit.decimal_text(9) };
    let text = match text.split_once('.') {
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => format!("{text}.00"),
        Some((whole, cents)) => format!("{whole}.{cents:0<2}"),
        None => text,
    };
    if tokens { format!("{text} per million") } else { format!("{text} each") }
}
