//! `pricebook/`: a folder over the shipped book with the prices that the bill shows, or the folder in use with them.
//!
//! A bill is evidence of a price and no list: the rows are `estimated`, and their source is the bill.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Context, File, Kind, ids, remedies};
use crate::causes::remedy::{PriceStep, Remedy};
use crate::close::document::Finding;
use crate::diagnostic::Level;
use crate::error::{Error, Result};
use crate::inert::{self, is_hidden};
use crate::money::Ratio;
use crate::period::Day;
use crate::pricebook::files::BookFile;
use crate::pricebook::{COLUMNS, Layer, PriceRow, Pricebook, Reading, row_text};
use crate::review::check;
use crate::review::format::canonical;

pub const KIND: Kind = Kind {
    name: "price book",
    path: "pricebook/",
    how: "confirm the prices with the seller's page; then check it (llmfin pricebook check DIR) and let `pricebook` of \
          llmfin.toml name it, or use --pricebook DIR",
    takes: |finding| finding.remedies.iter().any(|remedy| matches!(remedy, Remedy::Price(_))),
    write,
    applied: true,
};

/// How the note of a new row begins.
const NOTE: &str = "implied by the bill of";
/// Where the files are said to be while they are checked.
const FOLDER: &str = "patch/";

/// One row to write, and why.
struct Row<'f> {
    step: &'f PriceStep,
    finding: &'f Finding,
    source: String,
}

/// The folder with the new rows, and where each finding's are.
#[derive(Default)]
struct Folder {
    files: BTreeMap<String, String>,
    /// By ledger, key and first day.
    rows: BTreeMap<(Arc<str>, String, Day), String>,
}

fn write(context: &Context, findings: &[&Finding]) -> Result<Vec<File>> {
    let Folder { files, rows } = folder(context, findings)?;
    let named = |finding: &&&Finding| rows.values().any(|id| *id == finding.id);
    let findings = ids(&findings.iter().filter(named).copied().collect::<Vec<_>>());
    let file = |(name, content): (String, String)| File {
        path: format!("pricebook/{name}"),
        content,
        findings: findings.clone(),
    };
    Ok(files.into_iter().map(file).collect())
}

/// The new rows of each finding as they stand in the folder, below the name of their file and its header, with the models
/// and sources that they name.
pub fn rows(context: &Context, findings: &[&Finding]) -> Result<Vec<(String, String)>> {
    let Folder { files, rows } = folder(context, findings)?;
    let own: BTreeMap<&str, &str> =
        context.own.iter().map(|file| (file.name.as_str(), file.body())).collect();
    let known = |name: &str| own.get(name).copied().unwrap_or_default();
    let mut told = Vec::new();
    for finding in ids(findings) {
        let mut text = String::new();
        for (name, content) in &files {
            let Some(seller) = name.strip_prefix("prices/").and_then(|name| name.strip_suffix(".csv")) else {
                continue;
            };
            let (header, lines) = content.split_once('\n').unwrap_or((content, ""));
            let place = |line: &str| place(header, line).map(|(key, from)| (seller.into(), key, from));
            let is_new = |line: &&str| {
                place(line).is_some_and(|place| rows.get(&place) == Some(&finding))
                    && !known(name).lines().any(|old| old == *line)
            };
            let new: Vec<&str> = lines.lines().filter(is_new).collect();
            if !new.is_empty() {
                text += &format!("# {name}\n{header}\n{}\n", new.join("\n"));
            }
        }
        for name in ["models.toml", "sources.toml"] {
            let content = files.get(name).map_or("", String::as_str);
            let added = content.strip_prefix(known(name)).unwrap_or(content);
            let id = |entry: &str| {
                entry
                    .lines()
                    .find_map(|line| line.strip_prefix("id = ").map(|id| id.trim_matches('"').to_owned()))
            };
            let named = |entry: &&str| id(entry).is_some_and(|id| text.contains(&id));
            let entries: Vec<&str> = added.trim().split("\n\n").filter(named).collect();
            if !entries.is_empty() {
                text += &format!("# {name}\n{}\n", entries.join("\n\n"));
            }
        }
        if !text.is_empty() {
            told.push((finding, text));
        }
    }
    Ok(told)
}

/// The key of a row and its first day, as `folder` has them.
fn place(header: &str, line: &str) -> Option<(String, Day)> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    let cells = reader.records().next()?.ok()?;
    let cell = |name: &str| cells.get(header.split(',').position(|column| column.trim() == name)?);
    let key = ["model", "meter", "tier", "ctx", "region", "window"].map(cell);
    let key: Option<Vec<&str>> = key.into_iter().collect();
    Some((key?.join(","), cell("from")?.parse().ok()?))
}

fn folder(context: &Context, findings: &[&Finding]) -> Result<Folder> {
    let steps = remedies(findings, |remedy| match remedy {
        Remedy::Price(step) => Some(step),
        _ => None,
    });
    let mut sources: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut rows: BTreeMap<(Arc<str>, String, Day), Row> = BTreeMap::new();
    for (finding, step) in steps {
        let Some(document) = bill(context, finding).filter(|_| price(step).is_some()) else { continue };
        let source = format!("bill-{}-{}", context.document.month, slug(&document.0));
        sources.insert(source.clone(), document);
        let row = Row { step, finding, source };
        let place = (step.seller.clone(), key(step).join(","), step.from);
        // Where one price ends and the next begins, the next one holds.
        if !step.restored || !rows.contains_key(&place) {
            rows.insert(place, row);
        }
    }
    let mut files: BTreeMap<String, String> =
        context.own.iter().map(|file| (file.name.clone(), file.body().to_owned())).collect();
    if rows.is_empty() {
        return Ok(Folder::default());
    }
    files.entry("book.toml".to_owned()).or_insert_with(|| "name = \"own\"\n".to_owned());
    let recorded = recorded(context);
    let known = files.entry("sources.toml".to_owned()).or_default();
    for (id, (path, sha256)) in &sources {
        if !known.contains(&format!("id = \"{id}\"")) {
            let url = inert::toml(&format!("file:{path}"));
            let entry = format!(
                "[[source]]\nid = \"{id}\"\nurl = {url}\nrevision = \"sha256 {sha256}\"\nretrieved = {recorded}\n"
            );
            add(known, &entry);
        }
    }
    let new: BTreeSet<(&str, &str)> = rows
        .values()
        .filter(|row| row.step.new_model)
        .map(|row| (&*row.step.seller, &*row.step.model))
        .collect();
    for (seller, model) in new {
        let entry = format!("[[model]]\nid = {}\nseller = \"{seller}\"\n", inert::toml(model));
        add(files.entry("models.toml".to_owned()).or_default(), &entry);
    }
    let sellers: BTreeSet<Arc<str>> = rows.keys().map(|(seller, ..)| seller.clone()).collect();
    for seller in sellers {
        let name = format!("prices/{seller}.csv");
        let own = files.get(&name).cloned().unwrap_or_else(|| COLUMNS.join(","));
        let rows = rows.values().filter(|row| row.step.seller == seller);
        let ledger = ledger(context, &own, rows, recorded)?;
        files.insert(name, ledger);
    }
    waive(context, &mut files)?;
    let rows = rows.into_iter().map(|(place, row)| (place, row.finding.id.clone())).collect();
    Ok(Folder { files, rows })
}

fn add(text: &mut String, entry: &str) {
    if !text.is_empty() {
        text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
    }
    text.push_str(entry);
}

/// Rules that compare a price with its neighbours find the rows odd: the bill shows a price and not its neighbours'. Each
/// such rule that may be waived is, in the row, where a reviewer sees it.
fn waive(context: &Context, files: &mut BTreeMap<String, String>) -> Result<()> {
    let of = |(name, content): (&String, &String)| BookFile {
        layer: Layer::Overlay,
        name: name.clone(),
        shown: format!("{FOLDER}{name}"),
        content: Cow::Owned(content.clone()),
    };
    let own: Vec<BookFile> = files.iter().map(of).collect();
    let Reading { book, problems } = Pricebook::read(own.clone(), Vec::new(), None);
    let rules = check::rules();
    let report = check::run(&check::Context::new(&own, &book, context.inputs.period.last), problems, &rules);
    let mut waived: BTreeMap<(String, u64), BTreeSet<&str>> = BTreeMap::new();
    for found in report.findings.iter().filter(|found| found.level == Level::Error) {
        let name = found.origin.file.strip_prefix(FOLDER);
        let ours = name.filter(|name| {
            files
                .get(*name)
                .and_then(|text| text.lines().nth(found.origin.line as usize - 1))
                .is_some_and(|line| line.contains(NOTE))
        });
        if let (Some(name), Some(rule)) =
            (ours, rules.iter().find(|rule| rule.id == found.code && rule.waivable))
        {
            waived.entry((name.to_owned(), found.origin.line)).or_default().insert(rule.id);
        }
    }
    for ((name, line), ids) in waived {
        let Some(text) = files.get_mut(&name) else { continue };
        *text = with_waiver(text, line, &ids.into_iter().collect::<Vec<_>>().join(" "))?;
    }
    Ok(())
}

fn with_waiver(text: &str, line: u64, ids: &str) -> Result<String> {
    let fail = |error: csv::Error| Error::Internal(error.to_string());
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let mut column = None;
    for record in reader.records() {
        let record = record.map_err(fail)?;
        column = column.or_else(|| record.iter().position(|name| name == "waiver"));
        let here = record.position().is_some_and(|at| at.line() == line);
        let cells = record
            .iter()
            .enumerate()
            .map(|(index, cell)| if here && Some(index) == column { ids } else { cell });
        writer.write_record(cells).map_err(fail)?;
    }
    text_of(writer)
}

fn text_of(writer: csv::Writer<Vec<u8>>) -> Result<String> {
    let bytes = writer.into_inner().map_err(|error| Error::Internal(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Error::Internal(error.to_string()))
}

/// The day from which the rows can be said to be known: the last of the period, and behind all that the folder knows.
fn recorded(context: &Context) -> Day {
    let own = context.own.iter().filter_map(BookFile::ledger);
    let rows = own.flat_map(|seller| context.inputs.book.ledger(seller));
    let newest = rows.filter(|row| row.layer == Layer::Overlay).map(|row| row.recorded).max();
    newest.into_iter().fold(context.inputs.period.last, Day::max)
}

/// The document that shows the finding's prices, with its hash.
fn bill(context: &Context, finding: &Finding) -> Option<(String, String)> {
    let origins = finding.evidence.iter().filter_map(|fact| fact.origin.as_deref());
    let named = origins.filter_map(|origin| {
        context.inputs.documents.iter().find(|document| {
            origin.strip_prefix(&*document.path).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
    });
    let of_account = context.inputs.documents.iter().find(|document| {
        Some(&*document.account.provider) == finding.scope.provider.as_deref()
            && document.account.id.as_deref() == finding.scope.account.as_deref()
    });
    let document = named.chain(of_account).next()?;
    Some((document.path.to_string(), document.sha256.clone()))
}

/// `invoices/2026-10/OpenAI cost.csv` → `openai-cost-csv`
fn slug(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let words = name.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// True for a model that a row of a ledger can be about: no spreadsheet runs its name, and nothing of it is hidden.
pub(super) fn can_name(model: &str) -> bool {
    !model.starts_with(['=', '+', '-', '@']) && !model.contains(is_hidden)
}

/// The price as it is written, and for how many units; `None` where no decimal says it, or the model's name could be
/// taken for a formula.
fn price(step: &PriceStep) -> Option<(String, u64)> {
    let plain = can_name(&step.model);
    let per: u64 = if step.meter.is_token() { 1_000_000 } else { 1 };
    let text = step.unit.checked_mul(Ratio::new(i128::from(per), 1)?)?.decimal_text(12);
    let exact = Ratio::price(text.parse().ok()?, per)? == step.unit;
    (plain && exact).then_some((text, per))
}

/// The six cells of the ledger's key.
fn key(step: &PriceStep) -> [String; 6] {
    let ctx = step.ctx.map_or_else(
        || "0".to_owned(),
        |band| format!("{}{}", if band.inclusive { ">=" } else { ">" }, band.tokens),
    );
    [
        step.model.to_string(),
        step.meter.to_string(),
        step.tier.map_or_else(|| "*".to_owned(), |tier| tier.to_string()),
        ctx,
        step.region.to_string(),
        "*".to_owned(),
    ]
}

fn ledger<'r>(
    context: &Context,
    own: &str,
    rows: impl Iterator<Item = &'r Row<'r>>,
    recorded: Day,
) -> Result<String> {
    let header = own.lines().next().unwrap_or_default().to_owned();
    let (mut name, mut lines) = (String::new(), String::new());
    for row in rows {
        let step = row.step;
        name = format!("prices/{}.csv", step.seller);
        let Some((price, per)) = price(step) else { continue };
        let [model, meter, tier, ctx, region, window] = key(step);
        let same: Vec<&PriceRow> = context
            .inputs
            .book
            .rows(&step.seller, &step.model, step.meter)
            .into_iter()
            .filter(|known| {
                known.layer == Layer::Overlay
                    && known.from == step.from.start()
                    && (known.tier, known.ctx, &*known.region) == (step.tier, step.ctx, &*step.region)
            })
            .collect();
        let corrects = context.closed.is_some_and(|closed| step.from.month() <= closed);
        let rev = same.iter().map(|row| row.rev + 1).max().unwrap_or(1).max(if corrects { 2 } else { 1 });
        lines += &row_text(&header, |column| match column {
            "model" => model.clone(),
            "meter" => meter.clone(),
            "tier" => tier.clone(),
            "ctx" => ctx.clone(),
            "region" => region.clone(),
            "window" => window.clone(),
            "price" => price.clone(),
            "per" => per.to_string(),
            "currency" => context.document.currency.clone(),
            "from" => step.from.to_string(),
            "recorded" => recorded.to_string(),
            "rev" => rev.to_string(),
            "status" => "estimated".to_owned(),
            "basis" => "observed".to_owned(),
            "source" => row.source.clone(),
            "free" if step.unit.is_zero() => "yes".to_owned(),
            "note" => note(context, row),
            _ => String::new(),
        });
    }
    let text = format!("{}\n{lines}", own.trim_end_matches('\n'));
    canonical(&name, &text).map_err(|problem| Error::Input(vec![*problem]))
}

fn note(context: &Context, row: &Row) -> String {
    if row.step.restored {
        return format!(
            "the book's own price again, after what the bill of {} shows",
            context.document.month
        );
    }
    let (cause, status) = (&row.finding.cause, row.finding.status.id());
    format!("{NOTE} {} ({cause}, {status})", context.document.month)
}
