//! PB020 for the rules beside the ledgers: what a closed month was priced with stays as it was.
//!
//! ```toml
//! [[modifier]]
//! id = "openai-residency"
//! factor = "1.1"           # an error where October is closed and this was 1.2
//! to = 2026-12-01          # none where it is new: the end lies behind the closed month
//! ```

use std::collections::BTreeSet;

use super::{Context, Findings};
use crate::period::{Month, read_instant};
use crate::pricebook::files::BookFile;
use crate::review::diff::rules::{Entry, Fields, Rules, compare};

/// Fields that say something about an entry and change no price.
const SAID: [&str; 8] =
    ["note", "source", "display", "retired", "released_basis", "unverified", "retrieved", "revision"];

pub fn check(context: &Context, before: &[BookFile], closed: Month, findings: &mut Findings) {
    let end = closed.last().next().start();
    let (old, new) = (Rules::of(before), Rules::of(context.own));
    let aliases = Rules { aliases: old.aliases.clone(), ..Rules::default() };
    let now = Rules { aliases: new.aliases.clone(), ..Rules::default() };
    for change in compare(&aliases, &now).into_iter().filter(|change| change.from.is_some_and(|at| at < end))
    {
        let name = change.subject.trim_start_matches("alias ").to_owned();
        let entry = Entry { kind: "alias".to_owned(), seller: change.seller, name };
        let from = change.from.map(crate::review::format::instant).unwrap_or_default();
        let what = format!("means {} from {from} on and meant {}", change.new, change.old);
        say(context, before, &entry, &what, closed, findings);
    }
    let entries: BTreeSet<&Entry> = old.entries.keys().chain(new.entries.keys()).collect();
    for entry in entries {
        let what = match (old.entries.get(entry), new.entries.get(entry)) {
            (Some(old), None) if reaches(entry, old, end) => "was removed".to_owned(),
            (None, Some(new)) if entry.kind == "modifier" && reaches(entry, new, end) => {
                "is new and holds in it".to_owned()
            }
            (Some(old), Some(new)) if reaches(entry, old, end) || reaches(entry, new, end) => {
                let fields = differences(entry, old, new, end);
                if fields.is_empty() {
                    continue;
                }
                format!("has changed: {}", fields.join(", "))
            }
            _ => continue,
        };
        say(context, before, entry, &what, closed, findings);
    }
}

fn say(
    context: &Context,
    before: &[BookFile],
    entry: &Entry,
    what: &str,
    closed: Month,
    findings: &mut Findings,
) {
    let subject = format!("{} {} {}", entry.kind, entry.seller, entry.name);
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let message = format!("{subject} {what}; {closed} is closed");
    let help = "put the entry back; end it after the closed month and add one that starts then";
    match context.own.iter().chain(before).find_map(|file| Some((file, place(file, entry)?))) {
        Some((file, start)) => findings.at(file, start..start + line_length(file, start), message, help),
        None => findings.file(&file_of(&entry.kind), message, help),
    }
}

/// True where the entry holds before `end`.
fn reaches(entry: &Entry, fields: &Fields, end: i64) -> bool {
    let starts = if entry.kind == "source" { "retrieved" } else { "from" };
    let start = fields.get(starts).and_then(|text| read_instant(text));
    start.is_none_or(|(start, _)| start < end)
}

/// `factor 1.1 was 1.2`, for the fields that price a time before `end`.
fn differences(entry: &Entry, old: &Fields, new: &Fields, end: i64) -> Vec<String> {
    let later = |fields: &Fields, name: &str| match fields.get(name) {
        Some(text) => read_instant(text).is_some_and(|(at, _)| at >= end),
        None => true,
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed = names.into_iter().filter(|name| {
        let (before, after) = (old.get(*name), new.get(*name));
        let leaf = name.rsplit('.').next().unwrap_or(name);
        let priced = match entry.kind.as_str() {
            "source" => *name == "url",
            "book" => ["base", "currency"].contains(&name.as_str()),
            _ => !SAID.contains(&leaf),
        };
        // An end, and everything of a version or a holiday that is later.
        let dated = ["to", "released_to"].contains(&leaf);
        let later_part = name.rsplit_once('.').is_some_and(|_| {
            let part = name.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
            let starts = ["from", "first"].map(|start| format!("{part}.{start}"));
            starts.iter().any(|start| old.contains_key(start) || new.contains_key(start))
                && starts.iter().all(|start| later(old, start) && later(new, start))
        });
        let more = match (before, after) {
            // One more spelling, year or form prices what had no price.
            (Some(before), Some(after)) => {
                ["match", "prefixes", "years"].contains(&leaf) && holds_all(after, before)
            }
            (None, Some(_)) => ["match", "snapshots"].contains(&leaf) || name.starts_with("forms."),
            _ => false,
        };
        before != after && priced && !later_part && !more && !(dated && later(old, name) && later(new, name))
    });
    let text = |value: Option<&String>| value.map_or("absent".to_owned(), |value| format!("`{value}`"));
    changed.map(|name| format!("{name} {} was {}", text(new.get(name)), text(old.get(name)))).collect()
}

fn holds_all(list: &str, of: &str) -> bool {
    let all: BTreeSet<&str> = list.split(", ").collect();
    of.split(", ").all(|one| all.contains(one))
}

fn file_of(kind: &str) -> String {
    let file = match kind {
        "source" => "sources",
        "modifier" | "region" => "modifiers",
        "schedule" | "calendar" => "schedules",
        "book" => "book",
        _ => "models",
    };
    format!("{file}.toml")
}

/// The byte at which an entry begins: its `id = "…"`, or `name = "…"` of an alias, in a table of the kind.
fn place(file: &BookFile, entry: &Entry) -> Option<usize> {
    if file.name != file_of(&entry.kind) {
        return None;
    }
    if entry.kind == "book" {
        return Some(0);
    }
    let (mut at, mut found) = (0, None);
    let (mut inside, mut seller) = (false, String::new());
    for line in file.body().split_inclusive('\n') {
        let text = line.trim();
        let value = |key: &str| {
            let rest = text.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim_start();
            Some(rest.trim_start_matches('"').split('"').next().unwrap_or("").to_owned())
        };
        if text.starts_with('[') {
            if found.is_some() && seller == entry.seller {
                return found;
            }
            (inside, found, seller) = (text == format!("[[{}]]", entry.kind), None, String::new());
        }
        if inside {
            let key = if entry.kind == "alias" { "name" } else { "id" };
            if value(key).is_some_and(|id| id.eq_ignore_ascii_case(&entry.name)) {
                found = Some(at);
            }
            seller = value("seller").unwrap_or(seller);
        }
        at += line.len();
    }
    found.filter(|_| seller == entry.seller)
}

fn line_length(file: &BookFile, start: usize) -> usize {
    file.body()[start..].lines().next().map_or(0, |line| line.trim_end().len())
}
