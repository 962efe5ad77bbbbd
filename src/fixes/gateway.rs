//! `gateway/F4.md`: a report for the team that runs the gateway: which adapter and counter, which requests, what was
//! expected and what was logged. Counts and names only, never what was asked or answered.

use std::collections::{BTreeMap, BTreeSet};

use super::words::{code, codes, prose, table};
use super::{Context, File, Kind, share};
use crate::causes::remedy::Remedy;
use crate::close::document::{Bridge, Cell, CellMeter, Finding};
use crate::error::Result;
use crate::money::Money;
use crate::period::Day;
use crate::rate::DayUsage;
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
    let usage = context.inputs.files.iter();
    let files: Vec<Vec<String>> =
        usage.map(|file| vec![code(&file.format), code(&file.path), file.rows.to_string()]).collect();
    text += &table(&["adapter", "file", "rows"], &files);
    text += &format!("\nCounters: {}.\n\n## Which requests\n\n", counters(finding));
    text += &requests(context, finding);
    text += "\n## Expected and logged\n\n";
    text += &match finding.bridge {
        Bridge::LoggedPriced => costs(context, finding),
        Bridge::PricedBilled => counts(context, finding),
    };
    text += "\n## Evidence\n\n";
    for fact in &finding.evidence {
        let origin = fact.origin.as_deref().map(|origin| format!(" ({})", code(origin))).unwrap_or_default();
        text += &format!("- {}: {}{origin}\n", code(&fact.name), code(&fact.value));
    }
    text + &format!("\n`llmfin explain {}` says how this shows and how it is proven.\n", finding.cause)
}

/// The counters to look at: those of the finding, or that its cause is about.
fn counters(finding: &Finding) -> String {
    match finding.cause.as_str() {
        _ if !finding.scope.meters.is_empty() => codes(finding.scope.meters.iter().map(|meter| meter.id())),
        cause if cause.starts_with("cls.reasoning_") => code(Meter::OutputReasoning.id()),
        _ => "all of these requests".to_owned(),
    }
}

/// Rows that the finding is about: its scope, the rule that would mend them or the alias that its evidence names, and the
/// outcome that the cause itself names.
fn is_about(finding: &Finding, row: &DayUsage) -> bool {
    let scope = &finding.scope;
    let named = |texts: &[String], text: &str| texts.is_empty() || texts.iter().any(|known| known == text);
    let outcome = match finding.cause.as_str() {
        "qty.duplicate" => row.outcome == Outcome::Duplicate,
        "qty.gateway_cache_priced" => row.outcome == Outcome::CacheHit,
        "qty.failed_priced" => matches!(row.outcome, Outcome::Failed | Outcome::FailedWithUsage),
        "qty.stream_no_usage" => row.outcome == Outcome::StreamWithoutUsage,
        "qty.poll_duplicate" => row.call_type == CallType::Poll,
        "cov.other_payer" => row.outcome == Outcome::OtherPayer,
        "inv.non_usage" => row.outcome == Outcome::NotACall,
        _ => row.outcome.is_billable(),
    };
    // A repeat that was logged without a cost is in no figure.
    let moves =
        finding.bridge == Bridge::PricedBilled || row.outcome.is_billable() || !row.sums.logged.is_zero();
    let mut rules = Vec::new();
    for remedy in &finding.remedies {
        if let Remedy::Traffic(rule) = remedy {
            rules.push(rule);
        }
    }
    let logged = row.as_logged.as_deref().unwrap_or(row);
    let fact = |name: &str| finding.evidence.iter().find(|fact| fact.name == name).map(|fact| &*fact.value);
    let traffic = if rules.is_empty() {
        fact("alias").is_none_or(|alias| **logged.asked_for() == *alias)
            && fact("logged as").is_none_or(|model| *logged.model == *model)
    } else {
        rules.iter().any(|rule| rule.holds(logged))
    };
    outcome
        && moves
        && traffic
        && scope.provider.as_deref().is_none_or(|provider| *row.account.provider == *provider)
        && scope.account.as_deref().is_none_or(|account| row.account.id.as_deref() == Some(account))
        && named(&scope.models, &row.model)
        && named(&scope.keys, &row.key)
        && scope.from.is_none_or(|from| from <= row.day)
        && scope.to.is_none_or(|to| row.day <= to)
}

fn requests(context: &Context, finding: &Finding) -> String {
    let mut found: BTreeMap<(&str, &str, &str), (u64, u64, BTreeSet<Day>)> = BTreeMap::new();
    for row in context.usage().iter().filter(|row| is_about(finding, row)) {
        let sum = found.entry((&row.key, row.asked_for(), &row.model)).or_default();
        sum.0 += row.sums.requests;
        sum.1 += row.sums.meters.tokens();
        sum.2.insert(row.day);
    }
    let day = |day: Option<&Day>| day.map(Day::to_string).unwrap_or_default();
    let rows: Vec<Vec<String>> = found
        .into_iter()
        .map(|((key, asked, model), (requests, tokens, days))| {
            let (first, last) = (day(days.first()), day(days.last()));
            let counts = [requests.to_string(), tokens.to_string(), days.len().to_string(), first, last];
            [key, asked, model].map(code).into_iter().chain(counts).collect()
        })
        .collect();
    table(&["key", "asked for", "model", "requests", "tokens logged", "days", "first", "last"], &rows)
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
                text(|part| part.quantity_logged.to_string()),
                text(|part| {
                    let theirs = part.quantity_billed.or(part.quantity_witness);
                    theirs.map_or_else(|| "–".to_owned(), |count| count.to_string())
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
