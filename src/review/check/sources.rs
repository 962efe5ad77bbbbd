//! PB018 and PB019: who says so, and how long ago.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::value::Datetime;

use super::names::some;
use super::{Context, Findings, Rule};
use crate::diagnostic::Level;
use crate::period::Day;
use crate::pricebook::PriceRow;

pub const RULES: &[Rule] = &[
    Rule {
        id: "PB018",
        level: Level::Error,
        title: "a row's source is missing, unknown, no https address, or read after the row was recorded",
        why: "Of 4,552 entries of a public price map 1,378 name no source: nobody can check them.",
        remedy: "Add the page to `sources.toml` with its address and the day it was read, and name it in the row. \
                 A paper of your own is `file:contracts/order-form.pdf`.",
        waivable: false,
        check: unknown_sources,
    },
    Rule {
        id: "PB019",
        level: Level::Warning,
        title: "the newest evidence is older than 45 days, or comes from third parties only",
        why: "Half of 300 disagreements between public lists were simply old; lists copy from one another, so their \
              agreement is no proof.",
        remedy: "Read the seller's page again, and add a source with today's `retrieved` to the rows it confirms.",
        waivable: true,
        check: old_evidence,
    },
];

const FRESH_DAYS: i32 = 45;
/// Hosts of lists that copy prices from the sellers.
const THIRD_PARTIES: &[&str] =
    &["github.com", "raw.githubusercontent.com", "models.dev", "www.llm-prices.com"];

#[derive(Deserialize)]
struct Started {
    started: Option<Datetime>,
}

/// The day from which rows were entered as they became known; what is recorded earlier was entered afterwards.
fn started(context: &Context) -> Option<Day> {
    let book: Started = toml::from_str(context.file("book.toml")?.body()).ok()?;
    book.started?.to_string().parse().ok()
}

fn unknown_sources(context: &Context, findings: &mut Findings) {
    let started = started(context);
    for row in context.ladders.values().flat_map(|ladder| &ladder.rows) {
        let Some(evidence) = context.book.evidence(&row.source) else {
            let message = format!("source `{}` is not in sources.toml", row.source);
            let help = format!(
                "add it: [[source]] id = \"{}\", url = \"https://…\", retrieved = {}",
                row.source, row.recorded
            );
            findings.row(row, "source", message, help);
            continue;
        };
        if !["https://", "file:"].iter().any(|scheme| evidence.url.starts_with(scheme)) {
            let message =
                format!("source `{}` is read from `{}`, which is no https address", row.source, evidence.url);
            findings.row(
                row,
                "source",
                message,
                "give its https address, or `file:` and the path of your own paper",
            );
        }
        let entered_then = started.is_none_or(|started| row.recorded >= started);
        if entered_then && evidence.retrieved > row.recorded {
            let (read, recorded) = (evidence.retrieved, row.recorded);
            let message = format!(
                "source `{}` was read on {read}, after the row was recorded on {recorded}",
                row.source
            );
            findings.row(
                row,
                "source",
                message,
                format!("write {read} under `recorded`, or name what was read before"),
            );
        }
    }
}

fn old_evidence(context: &Context, findings: &mut Findings) {
    // By seller and model, the rows that hold now.
    let mut current: BTreeMap<(&'static str, &str), Vec<&PriceRow>> = BTreeMap::new();
    let now = context.as_of.next().start() - 1;
    for (key, ladder) in &context.ladders {
        if let Some(row) = ladder.at(now).filter(|row| row.unit.is_some()) {
            current.entry((key.seller, &row.model)).or_default().push(row);
        }
    }
    let (mut old, mut copied) = (Stale::new(), Stale::new());
    for ((seller, model), rows) in current {
        let evidence = || rows.iter().filter_map(|row| context.book.evidence(&row.source));
        let Some(newest) = evidence().map(|evidence| evidence.retrieved).max() else { continue };
        let old_now = context.as_of.days() - newest.days() > FRESH_DAYS;
        let copied_only = evidence().all(|evidence| is_third_party(&evidence.url));
        if (!old_now && !copied_only) || rows.iter().any(|row| findings.waives(row)) {
            continue;
        }
        let Some(first) = rows.into_iter().max_by_key(|row| (row.layer, row.from)) else { continue };
        let list = if old_now { &mut old } else { &mut copied };
        let entry = list.entry(seller).or_insert_with(|| (first, BTreeSet::new()));
        entry.1.insert(model);
    }
    let said =
        [(old, "was last read more than 45 days ago for"), (copied, "is known from public lists only for")];
    for (list, what) in said {
        for (seller, (row, models)) in list {
            let models: Vec<&str> = models.into_iter().collect();
            let message = format!("{seller}: the price {what} {}", some(&models));
            findings.row(
                row,
                "source",
                message,
                "read the seller's own page, and add a row's source with the day",
            );
        }
    }
}

/// By seller, the row to point at and the models.
type Stale<'a> = BTreeMap<&'static str, (&'a PriceRow, BTreeSet<&'a str>)>;

fn is_third_party(url: &str) -> bool {
    let host = url.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or(""));
    THIRD_PARTIES.contains(&host)
}
