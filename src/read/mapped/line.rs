//! One row of a mapped table into one bill line.

use std::sync::Arc;

use super::mapping::{AmountUnit, DocumentWord, Mapping, Rules};
use super::number::plain;
use super::table::{Row, Table};
use super::{date, number};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::invoice::{BillLine, ModelScope};
use crate::money::{Money, ReadMoney};
use crate::period::Period;
use crate::read::cell::Cell;
use crate::read::focus::whole;
use crate::read::source::Source;
use crate::vocabulary::{ChargeCategory, Meter, Tier};

/// Column positions of a mapping in one table.
pub struct Reader<'m> {
    mapping: &'m Mapping,
    rules: &'m Rules,
    file: Arc<str>,
    columns: Positions,
    skip: Vec<(usize, &'m str)>,
    total: Option<Total>,
}

macro_rules! positions {
    ($($name:ident),+) => {
        struct Positions { $($name: Option<usize>),+ }
        impl Positions {
            fn find(mapping: &Mapping, at: &mut dyn FnMut(&'static str, &str) -> Option<usize>) -> Positions {
                Positions { $($name: mapping.columns.$name.as_deref().and_then(|name| at(stringify!($name), name))),+ }
            }
        }
    };
}
positions!(
    amount, date, date_last, model, meter, quantity, requests, tier, region, account, project, key, category,
    text, currency, number
);

enum Total {
    Cell { line: u64, column: usize },
    Column(usize),
}

/// A row as understood.
pub struct Read {
    pub line: BillLine,
    pub rounded: bool,
    pub currency: Option<String>,
    pub number: Option<String>,
}

/// A row that was not.
pub struct Refused {
    pub code: &'static str,
    pub reason: String,
    pub amount: Option<Money>,
    pub help: Option<String>,
}

type Remark<'r> = &'r mut dyn FnMut(&'static str, String, Option<String>);

impl<'m> Reader<'m> {
    pub fn new(source: &Source, mapping: &'m Mapping, rules: &'m Rules, table: &Table) -> Result<Reader<'m>> {
        let mut wrong = Vec::new();
        let mut at = |field: &'static str, name: &str| {
            let found: Vec<usize> =
                (0..table.header.len()).filter(|index| table.header[*index] == name).collect();
            if let [only] = found.as_slice() {
                return Some(*only);
            }
            let origin = Origin::new(source.name.clone(), table.header_line, 0);
            let message = if found.is_empty() {
                format!("no column `{name}`; the columns are `{}`", table.header.join("`, `"))
            } else {
                format!("column `{name}` occurs {} times", found.len())
            };
            let wanted = name.to_lowercase();
            let nearest = table.header.iter().min_by_key(|column| {
                let column = column.to_lowercase();
                (!column.contains(&wanted), strsim::damerau_levenshtein(&column, &wanted))
            });
            let header: String = table.header.join(",").chars().take(200).collect();
            let error = Diagnostic::error("unknown-column", origin, message).excerpt(header, None);
            wrong.push(error.help(format!("{field} = \"{}\"", nearest.map_or("", String::as_str))));
            None
        };
        let columns = Positions::find(mapping, &mut at);
        let skip = mapping
            .skip
            .iter()
            .filter_map(|(column, cell)| Some((at("skip", column)?, cell.as_str())))
            .collect();
        let total = mapping.total.as_deref().and_then(|place| {
            if table.header.iter().any(|name| name == place) {
                return at("total", place).map(Total::Column);
            }
            cell_place(place).or_else(|| at("total", place).map(Total::Column))
        });
        if !wrong.is_empty() {
            return Err(crate::error::Error::Input(wrong));
        }
        Ok(Reader { mapping, rules, file: source.name.clone(), columns, skip, total })
    }

    /// True for rows the mapping names as totals: by a cell of theirs, or because the stated total stands in them.
    pub fn is_declared_footer(&self, row: &Row) -> bool {
        self.skip
            .iter()
            .any(|(column, text)| row.cells.get(*column).is_some_and(|cell| cell.text.trim() == *text))
            || matches!(&self.total, Some(Total::Cell { line, .. }) if *line == row.line)
    }

    pub fn stated_total(&self, table: &Table) -> Result<Option<Money>> {
        let wrong = |line: u64, message: String| {
            let origin = Origin::new(self.file.clone(), line, 0);
            Diagnostic::error("bad-total", origin, message).help("total = \"F12\" (the cell that states it)")
        };
        match &self.total {
            None => Ok(None),
            Some(Total::Cell { line, column }) => {
                let row = table.above.iter().chain(&table.rows).find(|row| row.line == *line);
                let cell = row.and_then(|row| row.cells.get(*column));
                let total = cell.ok_or_else(|| wrong(*line, "there is no such cell".to_owned()))?;
                Ok(Some(self.money(total).map_err(|refused| wrong(*line, refused.reason))?.amount))
            }
            Some(Total::Column(column)) => {
                let mut stated: Option<Money> = None;
                for row in table.rows.iter().filter(|row| !self.is_declared_footer(row)) {
                    let Some(cell) = row.cells.get(*column).filter(|cell| !cell.text.trim().is_empty())
                    else {
                        continue;
                    };
                    let total = self.money(cell).map_err(|refused| wrong(row.line, refused.reason))?.amount;
                    if stated.is_some_and(|before| before != total) {
                        return Err(wrong(row.line, "the total changes from row to row".to_owned()).into());
                    }
                    stated = Some(total);
                }
                Ok(stated)
            }
        }
    }

    pub fn line(&self, row: &Row, origin: Origin, remark: Remark) -> std::result::Result<Read, Refused> {
        let cell = |column: Option<usize>| {
            column.and_then(|column| row.cells.get(column)).filter(|cell| !cell.text.trim().is_empty())
        };
        let word = |column| cell(column).map(|cell| cell.text.trim());
        let at = &self.columns;
        let amount = match cell(at.amount) {
            Some(cell) => Some(self.money(cell)?),
            None if self.mapping.document == DocumentWord::Usage => None,
            None => return Err(refused("missing-amount", "the amount is empty".to_owned(), None)),
        };
        let shown = amount.map(|read| read.amount);
        let period = self
            .period(cell(at.date), cell(at.date_last))
            .map_err(|reason| refused("bad-date", reason, shown))?;
        let model = word(at.model).or(self.mapping.model.as_deref());
        let model = model.map(|name| self.mapping.models.get(name).map_or(name, String::as_str));
        let text = [word(at.text), model, word(at.meter)].into_iter().flatten().next().unwrap_or("");
        let mut line = BillLine::new(origin, text, period);
        // A day and its hour: two charges of one day may be alike in all else.
        line.apart = word(at.date).filter(|date| date.contains(':')).map(Arc::from);
        line.category = match word(at.category) {
            None => ChargeCategory::Usage,
            Some(word) => lookup(&self.mapping.categories, word)
                .or_else(|| {
                    ChargeCategory::ALL.iter().copied().find(|own| own.id().eq_ignore_ascii_case(word))
                })
                .ok_or_else(|| Refused {
                    help: Some(format!("categories = {{ \"{}\" = \"Usage\" }}", brief(word))),
                    ..refused(
                        "unknown-category",
                        format!("no category is declared for `{}`", brief(word)),
                        shown,
                    )
                })?,
        };
        line.amount = shown;
        let rounded = amount.is_some_and(|read| read.rounded);
        let step = if rounded { Money::STEP } else { Money::ZERO };
        line.rounding_bound = self.mapping.rounding.unwrap_or_default().max(step);
        line.meter = word(at.meter).and_then(|word| {
            let meter = lookup(&self.mapping.meters, word).or_else(|| Meter::parse(word));
            if meter.is_none() {
                let message =
                    format!("no meter is declared for `{}`; the amount is kept without one", brief(word));
                remark(
                    "unmapped-meter",
                    message,
                    Some(format!("meters = {{ \"{}\" = \"input\" }}", brief(word))),
                );
            }
            meter
        });
        line.model = match (model, line.category) {
            (Some(model), _) => ModelScope::One(model.into()),
            // No model column: usage lines are about whatever models were used.
            (None, ChargeCategory::Usage) if at.model.is_none() => ModelScope::All,
            // A tool is charged for whatever model called it.
            (None, ChargeCategory::Usage) if line.meter.is_some_and(|meter| !meter.is_token()) => {
                ModelScope::All
            }
            (None, _) => ModelScope::None,
        };
        line.tier = word(at.tier).and_then(|word| {
            let seller = self.rules.provider.unwrap_or("");
            let tier = lookup(&self.mapping.tiers, word).or_else(|| Tier::read(seller, word));
            if tier.is_none() {
                let message =
                    format!("no tier is declared for `{}`; the amount is kept without one", brief(word));
                remark(
                    "unmapped-tier",
                    message,
                    Some(format!("tiers = {{ \"{}\" = \"batch\" }}", brief(word))),
                );
            }
            tier
        });
        let grouped = |column: Option<usize>| column.map(|_| Arc::<str>::from(word(column).unwrap_or("")));
        (line.project, line.key) = (grouped(at.project), grouped(at.key));
        line.region = word(at.region).map(Arc::from);
        line.account = word(at.account).map(Arc::from);
        if let Some(cell) = cell(at.quantity) {
            line.quantity = self.count(cell, self.mapping.quantity_per);
            if line.quantity.is_none() {
                let message = "quantities that are no whole count are left out; the amounts are kept";
                remark("quantity-not-whole", message.to_owned(), None);
            }
        }
        if let Some(cell) = cell(at.requests) {
            line.requests = self.count(cell, 1).and_then(|count| u64::try_from(count).ok());
            if line.requests.is_none() {
                remark(
                    "requests-not-whole",
                    "request counts that are no whole number are left out".to_owned(),
                    None,
                );
            }
        }
        let currency = word(at.currency).map(str::to_ascii_uppercase);
        Ok(Read { line, rounded, currency, number: word(at.number).map(str::to_owned) })
    }

    fn money(&self, cell: &Cell) -> std::result::Result<ReadMoney, Refused> {
        let text = self
            .plain(cell)
            .map_err(|not| Refused { help: not.help, ..refused("bad-amount", not.reason, None) })?;
        let read = match self.mapping.amount_unit {
            AmountUnit::Currency => Money::read(&text),
            AmountUnit::Cents => Money::read_cents(&text),
        };
        read.map_err(|error| refused("bad-amount", format!("the amount {error}"), None))
    }

    fn count(&self, cell: &Cell, per: u64) -> Option<i128> {
        whole(&self.plain(cell).ok()?, per.into())
    }

    fn plain(&self, cell: &Cell) -> std::result::Result<String, number::NotDeclared> {
        plain(cell, self.mapping.decimal, self.rules.thousands)
    }

    fn period(&self, first: Option<&Cell>, last: Option<&Cell>) -> std::result::Result<Period, String> {
        let format = self.mapping.date_format.as_deref();
        let read = |cell: &Cell| {
            let declared = format.unwrap_or("ISO 8601");
            date::read(cell, format, self.rules.zone)
                .ok_or_else(|| format!("`{}` is not a date in the form {declared}", brief(cell.text.trim())))
        };
        let Some(first) = first else {
            let [first, last] = self.mapping.period.ok_or_else(|| "the date is empty".to_owned())?;
            return Ok(Period { first, last });
        };
        let first = read(first)?;
        let last = last.map(read).transpose()?.unwrap_or(first).last;
        if last < first.first || last.days() - first.first.days() > 3660 {
            return Err(format!("the period {} to {last} is none", first.first));
        }
        Ok(Period { first: first.first, last })
    }
}

fn refused(code: &'static str, reason: String, amount: Option<Money>) -> Refused {
    Refused { code, reason, amount, help: None }
}

fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}

/// The declared meaning of a word, exact first, then ignoring case.
fn lookup<T: Copy>(declared: &std::collections::BTreeMap<String, T>, word: &str) -> Option<T> {
    let loose =
        || declared.iter().find(|(own, _)| own.eq_ignore_ascii_case(word)).map(|(_, meaning)| *meaning);
    declared.get(word).copied().or_else(loose)
}

/// `F12` as column and row.
fn cell_place(text: &str) -> Option<Total> {
    let split = text.find(|c: char| c.is_ascii_digit())?;
    let (letters, digits) = text.split_at(split);
    (1..=3).contains(&letters.len()).then_some(())?;
    let column = letters.bytes().try_fold(0usize, |column, letter| {
        letter.is_ascii_uppercase().then(|| column * 26 + usize::from(letter - b'A') + 1)
    })?;
    Some(Total::Cell { line: digits.parse().ok()?, column: column - 1 })
}
