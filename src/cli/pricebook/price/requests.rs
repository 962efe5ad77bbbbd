//! Prices a CSV of requests: one row out for each row in, with its amount or the reason why it has none.
//!
//! ```csv
//! model,seller,at,tier,region,input,cache_read,output
//! gpt-5-mini,openai,2026-10-12T09:30:00Z,batch,,1200,0,350
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{instant, quantity, seller, sold_by, whole_prompt};
use crate::cli::global::Global;
use crate::cli::ui::Ui;
use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::error::{EXIT_CLEAN, EXIT_FINDINGS, Error, Result};
use crate::money::{Money, Ratio};
use crate::pricebook::{Ask, PriceQuery, Pricebook, Pricer};
use crate::read::records::records;
use crate::read::source::Source;
use crate::render::{self, OutputFormat};
use crate::report::sheet::{Cell, Column, Kind, Sheet};
use crate::review::quote::reason;
use crate::usage_table::column_name;
use crate::vocabulary::{Meter, Tier};

/// What a column of the file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Model,
    Seller,
    At,
    Tier,
    ServedTier,
    Region,
    Prompt,
    Meter(Meter),
    /// A column of the caller's own: `x_team`.
    Other,
}

const FIELDS: [(&str, Field); 7] = [
    ("model", Field::Model),
    ("seller", Field::Seller),
    ("at", Field::At),
    ("tier", Field::Tier),
    ("served_tier", Field::ServedTier),
    ("region", Field::Region),
    ("prompt", Field::Prompt),
];

pub(super) fn run(book: &Pricebook, file: &Path, global: &Global, ui: &Ui) -> anyhow::Result<u8> {
    let source = Source::file(file, file.display().to_string());
    let text = source.text()?;
    let (mut columns, mut priced) = (Vec::new(), Vec::new());
    let (mut pricer, mut regions) = (Pricer::new(book), Regions::new());
    records(&source, &text, b',', &mut |line, record| {
        if columns.is_empty() {
            columns = header(&source, line, record)?;
        } else {
            priced.push(price(&mut pricer, &mut regions, &columns, line, record));
        }
        Ok(())
    })?;
    if columns.is_empty() {
        return Err(Error::from(
            Diagnostic::error("empty-file", source.origin(), "the file has no header line")
                .help("start it with `model,seller,at,input,output`"),
        )
        .into());
    }
    let failed = priced.iter().filter(|row| row.amount.is_err()).count();
    let sheet = sheet(&priced, failed);
    // A table of thousands of rows is for a program.
    let format = match global.format() {
        OutputFormat::Table if global.output_format.is_none() => OutputFormat::Csv,
        format => format,
    };
    ui.output(global.output(), &render::render(std::slice::from_ref(&sheet), format, Some(ui.width(true)))?)?;
    sheet.notes.iter().for_each(|note| ui.status(note));
    Ok(if failed == 0 { EXIT_CLEAN } else { EXIT_FINDINGS })
}

fn header(source: &Source, line: u64, record: &csv::StringRecord) -> Result<Vec<Field>> {
    let meters: Vec<(String, Meter)> = Meter::ALL.iter().map(|meter| (column_name(*meter), *meter)).collect();
    let mut columns = Vec::new();
    let mut problems = Vec::new();
    for name in record {
        let name = name.trim().trim_start_matches('\u{feff}').to_ascii_lowercase();
        let field = FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field);
        let metered = || {
            Meter::parse(&name).or_else(|| meters.iter().find(|(id, _)| *id == name).map(|(_, meter)| *meter))
        };
        let own = || name.starts_with("x_").then_some(Field::Other);
        match field.or_else(|| metered().map(Field::Meter)).or_else(own) {
            Some(field) if field != Field::Other && columns.contains(&field) => {
                problems
                    .push(problem(source, line, &format!("column `{name}` occurs twice")).help("keep one"));
            }
            Some(field) => columns.push(field),
            None => {
                let known =
                    FIELDS.iter().map(|(name, _)| *name).chain(Meter::ALL.iter().map(|meter| meter.id()));
                let help = nearest(&name, known).map_or_else(
                    || "start columns of your own with `x_`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                problems.push(problem(source, line, &format!("unknown column `{name}`")).help(help));
            }
        }
    }
    for (name, field) in [FIELDS[0], FIELDS[2]] {
        if problems.is_empty() && !columns.contains(&field) {
            problems.push(
                problem(source, line, &format!("missing column `{name}`"))
                    .help("the file needs `model`, `at`, and a column for each meter"),
            );
        }
    }
    if problems.is_empty() { Ok(columns) } else { Err(Error::Input(problems)) }
}

fn problem(source: &Source, line: u64, message: &str) -> Diagnostic {
    Diagnostic::error("requests", Origin::new(source.name.clone(), line, 0), message)
}

/// One row out.
struct Priced {
    line: u64,
    name: String,
    seller: Option<&'static str>,
    model: Option<String>,
    unverified: bool,
    amount: std::result::Result<Money, String>,
}

/// Regions that the book knows, of the sellers asked for.
type Regions<'b> = BTreeMap<&'static str, BTreeSet<&'b str>>;

fn price<'b>(
    pricer: &mut Pricer<'b>,
    regions: &mut Regions<'b>,
    columns: &[Field],
    line: u64,
    record: &csv::StringRecord,
) -> Priced {
    let name = columns.iter().position(|field| *field == Field::Model).and_then(|index| record.get(index));
    let name = name.unwrap_or_default().trim();
    let mut priced = Priced {
        line,
        name: name.to_owned(),
        seller: None,
        model: None,
        unverified: false,
        amount: Err(String::new()),
    };
    priced.amount = amount(pricer, regions, columns, name, record, &mut priced);
    priced
}

fn amount<'b>(
    pricer: &mut Pricer<'b>,
    regions: &mut Regions<'b>,
    columns: &[Field],
    name: &str,
    record: &csv::StringRecord,
    priced: &mut Priced,
) -> std::result::Result<Money, String> {
    if record.len() != columns.len() {
        return Err(format!("{} fields where the header has {}", record.len(), columns.len()));
    }
    let (mut at, mut tier, mut served, mut region, mut prompt) = (None, None, None, None, None);
    let mut quantities: Vec<(Meter, Ratio)> = Vec::new();
    let read_tier = |cell: &str| Tier::parse(cell).ok_or_else(|| format!("unknown tier `{cell}`"));
    for (field, cell) in columns.iter().zip(record) {
        let cell = cell.trim();
        if cell.is_empty() {
            continue;
        }
        match field {
            Field::Model | Field::Other => {}
            Field::Seller => priced.seller = Some(seller(cell)?),
            Field::At => {
                at = Some(instant(cell)?);
            }
            Field::Tier => tier = Some(read_tier(cell)?),
            Field::ServedTier => served = Some(read_tier(cell)?),
            Field::Region => region = Some(cell),
            Field::Prompt => {
                prompt = Some(crate::money::read_count(cell).ok_or_else(|| format!("`{cell}` is no count"))?);
            }
            Field::Meter(meter) => quantities.push((*meter, quantity(cell)?)),
        }
    }
    let (at, whole_day) = at.ok_or("`at` is empty")?;
    if quantities.is_empty() {
        return Err("no meter has a count".to_owned());
    }
    let sold_by = sold_by(pricer.book, priced.seller, name, at).map_err(|error| match error {
        Error::Input(problems) => problems.iter().map(|problem| problem.message.clone()).collect(),
        error => error.to_string(),
    })?;
    priced.seller = Some(sold_by);
    let book = pricer.book;
    if let Some(region) = region {
        let known = regions.entry(sold_by).or_insert_with(|| book.regions(sold_by));
        super::region::check(sold_by, region, known)
            .map_err(|unknown| format!("{}: {}", unknown.message, unknown.help))?;
    }
    let prompt = whole_prompt(prompt, &quantities)?;
    let ask = Ask { seller: sold_by, name, tier: served.or(tier), region, prompt, at, whole_day };
    let place = pricer.place(&ask);
    let mut total = Money::ZERO;
    for (meter, quantity) in quantities {
        let point = pricer.point(place, &ask, meter);
        let model = point.model.ok_or_else(|| format!("is no model of {sold_by} that the book knows"))?;
        priced.model.get_or_insert_with(|| model.to_owned());
        priced.unverified |= point.unverified;
        let amount = point.amount(quantity);
        total += amount
            .map_err(|why| {
                let named = book.resolve_name(sold_by, name, at);
                let (said, tier) = named.map_or((None, None), |named| (named.region, named.tier));
                let region = ask.region.or(said.as_deref()).unwrap_or_default();
                let tier = ask.tier.or(tier).unwrap_or(Tier::Standard);
                let query = PriceQuery { seller: sold_by, model, meter, tier, region, prompt, at };
                format!("{meter}: {}", reason(book, &query, why))
            })?
            .0;
    }
    Ok(total)
}

fn sheet(priced: &[Priced], failed: usize) -> Sheet {
    let columns = vec![
        Column::new("line", "Line", Kind::Integer),
        Column::new("name", "Name", Kind::Text),
        Column::new("seller", "Seller", Kind::Text),
        Column::new("model", "Model", Kind::Text),
        Column::new("amount", "Amount", Kind::Money),
        Column::new("unverified", "Unverified", Kind::Flag),
        Column::new("no_price", "Why no price", Kind::Text),
    ];
    let mut sheet = Sheet::new("prices", "", columns);
    for row in priced {
        sheet.rows.push(vec![
            row.line.into(),
            row.name.as_str().into(),
            row.seller.into(),
            row.model.as_deref().into(),
            row.amount.as_ref().map_or(Cell::Empty, |amount| Cell::Ratio(amount.plain())),
            Cell::Flag(row.unverified),
            row.amount.as_ref().err().map(String::as_str).into(),
        ]);
    }
    sheet.notes.push(format!(
        "{} requests: {} priced, {failed} without a price",
        priced.len(),
        priced.len() - failed
    ));
    sheet
}
