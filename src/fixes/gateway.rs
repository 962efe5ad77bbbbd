//! `gateway/F4.md`: a report for the team that runs the gateway: which adapter and counter, which requests, what was
//! expected and what was logged. Counts and names only, never what was asked or answered.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{code, codes, count, filled, prose, table};
use super::{Context, File, Kind, share};
use crate::causes::remedy::Remedy;
use crate::close::document::{Bridge, Cell, CellMeter, Finding};
use crate::close::places;
use crate::close::requests::{NAMED, Request};
use crate::close::rows::is_about;
use crate::error::Result;
use crate::money::Money;
use crate::period::Day;
use crate::rate::DayUsage;
use crate::review::format::instant;
use crate::vocabulary::{CallType, Meter, Outcome};

pub const KIND: Kind = Kind {
    name: "gateway reports",
    path: "gateway/",
    how: "give them to the team that runs the gateway; each names the adapter, the counter and the requests",
    takes,
    write,
    applied: false,
};

/// Model-days that a report shows.
const SHOWN: usize = 31;

fn takes(finding: &Finding) -> bool {
    let fix = finding.fix.as_ref().map(|fix| fix.kind.as_str());
    match finding.bridge {
        Bridge::LoggedPriced => fix.is_some(),
        Bridge::PricedBilled => {
            matches!(fix, Some("gateway" | "model-mapping"))
                || ["qty.", "cls.", "map."].iter().any(|family| finding.cause.starts_with(family))
                    && fix != Some("classify")
        }
    }
}

fn write(context: &Context, findings: &[&Finding]) -> Result<Vec<File>> {
    let file = |finding: &&Finding| File {
        path: format!("gateway/{}.md", finding.id),
        content: report(context, finding),
        findings: vec![finding.id.clone()],
    };
    Ok(findings.iter().map(file).collect())
}

fn report(context: &Context, finding: &Finding) -> String {
    let document = context.document;
    let mut text = format!(
        "# Gateway report {}: {}, {}\n\n{} {} in {} ({}).\n\n",
        finding.id,
        code(&finding.cause),
        finding.status.id(),
        document.currency,
        finding.amount.grouped(2),
        document.month,
        match finding.bridge {
            Bridge::LoggedPriced => "what the logged cost is off by",
            Bridge::PricedBilled => "what the bill has more than the log makes",
        }
    );
    if let Some(fix) = &finding.fix {
        text += &format!("What to do: {}.\n\n", prose(&fix.text));
    }
    text += "## Where\n\n";
    text += &files(context, finding);
    text += &format!("\nCounters: {}.\n\n## Which requests\n\n", counters(finding));
    text += &requests(context, finding);
    text += &times(context, finding);
    text += &named(finding);
    text += "\n## Expected and logged\n\n";
    text += &match finding.bridge {
        Bridge::LoggedPriced => costs(context, finding),
        Bridge::PricedBilled => counts(context, finding),
    };
    text += "\n## Evidence\n\n";
    for fact in &finding.evidence {
        let origin = fact.origin.as_deref().map(|origin| format!(" ({})", code(origin))).unwrap_or_default();
        text += &format!("- {}: {}{origin}\n", code(&fact.name), code(&fact.shown()));
    }
    text + &format!("\n`llmfin explain {}` says how this shows and how it is proven.\n", finding.cause)
}

/// The log files that have such rows.
fn files(context: &Context, finding: &Finding) -> String {
    let days: BTreeSet<Day> =
        context.usage().iter().filter(|row| is_about(finding, row)).map(|row| row.day).collect();
    let with = context.inputs.files.iter().filter_map(|file| {
        let rows = places::rows_in(file, &finding.cause, |day| days.contains(&day));
        (rows > 0).then(|| vec![code(&file.format), code(&file.path), count(rows), count(file.rows)])
    });
    let rows: Vec<Vec<String>> = with.collect();
    let kind = if places::outcomes(&finding.cause).is_some() {
        "rows of this kind and these days"
    } else {
        "rows of these days"
    };
    let mut text = table(&["adapter", "file", kind, "rows in all"], &rows);
    if finding.cause == "qty.duplicate" {
        text += "\nRows that were logged without a cost are in no figure: the table counts them, the requests below do not.\n";
    }
    text
}

/// The counters to look at: those of the finding, or that its cause is about.
fn counters(finding: &Finding) -> String {
    match finding.cause.as_str() {
        _ if !finding.scope.meters.is_empty() => codes(finding.scope.meters.iter().map(|meter| meter.id())),
        cause if cause.starts_with("cls.reasoning_") => code(Meter::OutputReasoning.id()),
        _ => "all of these requests".to_owned(),
    }
}

/// Other findings that a rule of theirs makes speak of the same row.
fn also<'d>(context: &Context<'d>, finding: &Finding, row: &DayUsage) -> Vec<&'d str> {
    let logged = row.as_logged.as_deref().unwrap_or(row);
    let speaks = |other: &&Finding| {
        let rules = other.remedies.iter();
        other.id != finding.id
            && rules.clone().any(|remedy| matches!(remedy, Remedy::Traffic(rule) if rule.holds(logged)))
    };
    context.document.findings.iter().filter(speaks).map(|other| other.id.as_str()).collect()
}

fn requests(context: &Context, finding: &Finding) -> String {
    #[derive(Default)]
    struct Sum<'a> {
        requests: u64,
        tokens: u64,
        days: BTreeSet<Day>,
        also: BTreeSet<&'a str>,
    }
    let mut found: BTreeMap<(&str, &str, &str), Sum> = BTreeMap::new();
    for row in context.usage().iter().filter(|row| is_about(finding, row)) {
        let sum = found.entry((&row.key, row.asked_for(), &row.model)).or_default();
        sum.requests += row.sums.requests;
        sum.tokens += row.sums.meters.tokens();
        sum.days.insert(row.day);
        sum.also.extend(also(context, finding, row));
    }
    let keys: BTreeSet<&str> = found.keys().map(|(key, ..)| *key).collect();
    let together = finding.bridge == Bridge::PricedBilled && finding.scope.keys.is_empty() && keys.len() > 1;
    let day = |day: Option<&Day>| day.map(Day::to_string).unwrap_or_default();
    let rows: Vec<Vec<String>> = found
        .into_iter()
        .map(|((key, asked, model), sum)| {
            let (first, last) = (day(sum.days.first()), day(sum.days.last()));
            let counts = [count(sum.requests), count(sum.tokens), sum.days.len().to_string(), first, last];
            let also = sum.also.into_iter().collect::<Vec<_>>().join(" ");
            [key, asked, model].map(code).into_iter().chain(counts).chain([also]).collect()
        })
        .collect();
    let header = [
        "key",
        "asked for",
        "model",
        "requests",
        "tokens logged",
        "days",
        "first",
        "last",
        "another finding",
    ];
    let (header, rows) = filled(&header, rows);
    let mut text = table(&header, &rows);
    if together {
        text += "\nThe keys could not be told apart: the bill shows these requests in one sum, and the fault may be in some of \
                 them only.\n";
    }
    text
}

/// Quarters of an hour that a report names; a fault of more is one of days.
const TIMES: usize = 24;

/// When the requests were, as finely as the sums of the log still know.
fn times(context: &Context, finding: &Finding) -> String {
    let about: BTreeSet<_> =
        context.usage().iter().filter(|row| is_about(finding, row)).map(traits).collect();
    let mut slots: BTreeMap<i64, u64> = BTreeMap::new();
    for source in context.inputs.sources.iter().filter(|source| source.primary) {
        let names = &source.cubes.names;
        for (key, sums) in source.cubes.rating.iter().filter(|(key, _)| !key.whole_day) {
            let texts = [key.key, key.requested, key.routed, key.served].map(|name| names.text(name));
            let row = (key.day(), texts, key.outcome, key.call_type, key.stream);
            if about.contains(&row) {
                *slots.entry(key.at()).or_default() += sums.requests;
            }
        }
    }
    if slots.is_empty() || slots.len() > TIMES {
        return String::new();
    }
    let row = |(at, requests): (i64, u64)| vec![instant(at), count(requests)];
    let rows: Vec<Vec<String>> = slots.into_iter().map(row).collect();
    format!("\n## When\n\n{}", table(&["quarter of an hour from (UTC)", "requests"], &rows))
}

/// What tells a row of the log from others, as its keys have it.
type Traits<'a> = (Day, [&'a str; 4], Outcome, CallType, bool);

fn traits(row: &DayUsage) -> Traits<'_> {
    let logged = row.as_logged.as_deref().unwrap_or(row);
    let texts = [&*logged.key, &*logged.requested, &*logged.routed, &*logged.served];
    (logged.day, texts, logged.outcome, logged.call_type, logged.stream)
}

/// The first of the requests with their places.
fn named(finding: &Finding) -> String {
    let Some(requests) = &finding.requests else { return String::new() };
    let row = |request: &Request| {
        let id = code(request.id.as_deref().unwrap_or(""));
        let sum = if request.requests == 1 { String::new() } else { count(request.requests) };
        let [origin, key, model] = [&request.origin, &request.key, &request.model].map(|text| code(text));
        vec![id, request.at.clone(), key, model, sum, origin]
    };
    let rows: Vec<Vec<String>> = requests.shown.iter().map(row).collect();
    let (header, rows) = filled(&["request", "when", "key", "model", "requests", "where"], rows);
    let mut text = "\n## One by one\n\n".to_owned();
    if !rows.is_empty() {
        text += &table(&header, &rows);
    }
    let more = (requests.more > 0 && !rows.is_empty()).then(|| {
        format!("{} more requests are not listed; the first {NAMED} rows are.", count(requests.more))
    });
    let note = requests.note.as_ref().map(|note| format!("Mind that {note}."));
    let said: Vec<String> = more.into_iter().chain(note).collect();
    if !said.is_empty() {
        let gap = if requests.shown.is_empty() { "" } else { "\n" };
        text += &format!("{gap}{}\n", said.join(" "));
    }
    text
}

fn cells<'c>(context: &'c Context, finding: &'c Finding) -> impl Iterator<Item = &'c Cell> {
    context.document.cells.iter().filter(|cell| share(cell, finding).is_some())
}

/// The gateway's own cost beside ours.
fn costs(context: &Context, finding: &Finding) -> String {
    let rows: Vec<Vec<String>> = cells(context, finding)
        .take(SHOWN)
        .map(|cell| {
            let part = share(cell, finding).unwrap_or_default();
            let model = code(cell.model.as_deref().unwrap_or(""));
            vec![cell.from.to_string(), model, cell.logged.plain(), cell.priced.plain(), part.plain()]
        })
        .collect();
    let table = table(&["day", "model", "cost logged", "cost expected", "of which this"], &rows);
    cut(table, cells(context, finding).count())
}

/// Tier, region and context band of a part, as far as the bill tells them.
fn at(part: &CellMeter) -> String {
    let tier = part.tier.map(|tier| tier.to_string());
    let region = part.region.as_deref().filter(|region| !region.is_empty()).map(code);
    let long = part.long_context.filter(|long| *long).map(|_| "long prompt".to_owned());
    let parts: Vec<String> = [tier, region, long].into_iter().flatten().collect();
    if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
}

/// The log's counts beside the provider's.
fn counts(context: &Context, finding: &Finding) -> String {
    let mut rows = Vec::new();
    for cell in cells(context, finding).take(SHOWN) {
        let meters = &finding.scope.meters;
        let about =
            |part: &&CellMeter| meters.is_empty() || part.meter.is_none_or(|meter| meters.contains(&meter));
        // The finding's part of the day stands once, so that the column adds up.
        let mut share = Some(share(cell, finding).unwrap_or_default());
        let mut line = |part: Option<&CellMeter>| {
            let text = |of: fn(&CellMeter) -> String| part.map_or_else(|| "–".to_owned(), of);
            vec![
                cell.from.to_string(),
                code(cell.model.as_deref().unwrap_or("")),
                text(|part| part.meter.map_or_else(|| "all".to_owned(), |meter| meter.to_string())),
                text(at),
                text(|part| count(part.quantity_logged)),
                text(|part| {
                    let theirs = part.quantity_billed.or(part.quantity_witness);
                    theirs.map_or_else(|| "–".to_owned(), count)
                }),
                text(|part| part.priced.plain()),
                text(|part| part.billed.plain()),
                share.take().map_or_else(String::new, Money::plain),
            ]
        };
        let parts: Vec<&CellMeter> = cell.meters.iter().filter(about).collect();
        if parts.is_empty() {
            rows.push(line(None));
        }
        rows.extend(parts.into_iter().map(|part| line(Some(part))));
    }
    let header = [
        "day",
        "model",
        "meter",
        "at",
        "tokens logged",
        "tokens billed",
        "priced",
        "billed",
        "this finding, the day",
    ];
    cut(table(&header, &rows), cells(context, finding).count())
}

fn cut(table: String, cells: usize) -> String {
    if cells <= SHOWN {
        return table;
    }
    format!("{table}\n{} more model-days are in `reconcile -O csv`.\n", cells - SHOWN)
}
