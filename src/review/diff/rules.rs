//! The rules beside the ledgers, entry by entry and field by field, whatever fields they have.
//!
//! ```toml
//! [[modifier]]
//! id = "openai-residency"      # kind `modifier`, named by seller and id
//! factor = "1.1"               # field `factor`
//! ```

use std::collections::{BTreeMap, BTreeSet};

use toml::Value;

use super::Class;
use crate::period::read_instant;
use crate::pricebook::files::BookFile;

/// A rule that is not the same in both books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    pub class: Class,
    pub seller: String,
    /// `modifier openai-residency`, `alias gpt-4o`
    pub subject: String,
    /// The fields that differ; empty where the entry is in one book only.
    pub old: String,
    pub new: String,
    /// The first instant that is affected, where the entry names one.
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// One entry of a file of rules.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub kind: String,
    pub seller: String,
    pub name: String,
}

/// The fields of an entry; those of tables inside it by their path: `version.0.from`.
pub type Fields = BTreeMap<String, String>;

/// The rules of a book; an entry of a later layer replaces that of an earlier one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    pub entries: BTreeMap<Entry, Fields>,
    /// By seller and name, the targets by the instant they start.
    pub aliases: BTreeMap<(String, String), BTreeMap<i64, String>>,
}

impl Rules {
    /// Reads what can be read; whoever reads the book itself reports the rest.
    pub fn of(files: &[BookFile]) -> Rules {
        let mut rules = Rules::default();
        for file in files.iter().filter(|file| file.name.ends_with(".toml")) {
            let text = file.content.strip_prefix('\u{feff}').unwrap_or(&file.content);
            let Ok(table) = text.parse::<toml::Table>() else { continue };
            for (kind, value) in table {
                match value {
                    Value::Array(entries) => {
                        for entry in entries {
                            rules.add(&kind, &entry);
                        }
                    }
                    value => {
                        let entry =
                            Entry { kind: "book".to_owned(), seller: String::new(), name: String::new() };
                        flatten(&kind, &value, rules.entries.entry(entry).or_default());
                    }
                }
            }
        }
        rules
    }

    fn add(&mut self, kind: &str, value: &Value) {
        let mut fields = Fields::new();
        flatten("", value, &mut fields);
        let mut take = |name: &str| fields.remove(name).unwrap_or_default();
        let (seller, id) = (take("seller"), take("id"));
        if kind == "alias" {
            let name = take("name").to_ascii_lowercase();
            if let (target, Some((from, _))) = (take("target"), read_instant(&take("from"))) {
                self.aliases.entry((seller, name)).or_default().insert(from, target);
            }
            return;
        }
        self.entries.insert(Entry { kind: kind.to_owned(), seller, name: id }, fields);
    }
}

fn flatten(path: &str, value: &Value, fields: &mut Fields) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Table(table) => table.iter().for_each(|(name, value)| flatten(&below(name), value, fields)),
        Value::Array(items) if items.iter().any(|item| matches!(item, Value::Table(_))) => {
            items.iter().enumerate().for_each(|(n, item)| flatten(&below(&n.to_string()), item, fields));
        }
        Value::Array(items) => {
            fields.insert(path.to_owned(), items.iter().map(text).collect::<Vec<_>>().join(", "));
        }
        scalar => {
            fields.insert(path.to_owned(), text(scalar));
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Every rule in which two books differ: aliases first, then by kind, seller and name.
pub fn compare(old: &Rules, new: &Rules) -> Vec<RuleChange> {
    let names: BTreeSet<_> = old.aliases.keys().chain(new.aliases.keys()).collect();
    let mut changes: Vec<RuleChange> = names.into_iter().flat_map(|name| aliases(name, old, new)).collect();
    let entries: BTreeSet<&Entry> = old.entries.keys().chain(new.entries.keys()).collect();
    for entry in entries {
        let (before, after) = (old.entries.get(entry), new.entries.get(entry));
        if before != after {
            changes.push(change(entry, before, after));
        }
    }
    changes
}

/// Targets are a step function too: what the name means differs from one instant to another.
fn aliases(name: &(String, String), old: &Rules, new: &Rules) -> Vec<RuleChange> {
    let none = BTreeMap::new();
    let (before, after) = (old.aliases.get(name).unwrap_or(&none), new.aliases.get(name).unwrap_or(&none));
    let starts: BTreeSet<i64> = before.keys().chain(after.keys()).copied().collect();
    let starts: Vec<i64> = starts.into_iter().collect();
    let target = |targets: &BTreeMap<i64, String>, at: i64| {
        targets.range(..=at).next_back().map_or_else(|| "none".to_owned(), |(_, target)| target.clone())
    };
    let mut changes: Vec<RuleChange> = Vec::new();
    for (index, from) in starts.iter().enumerate() {
        let (old, new, to) = (target(before, *from), target(after, *from), starts.get(index + 1).copied());
        match changes.last_mut() {
            _ if old == new => {}
            Some(last) if last.to == Some(*from) && last.old == old && last.new == new => last.to = to,
            _ => changes.push(RuleChange {
                class: Class::AliasMove,
                seller: name.0.clone(),
                subject: format!("alias {}", name.1),
                old,
                new,
                from: Some(*from),
                to,
            }),
        }
    }
    changes
}

fn change(entry: &Entry, before: Option<&Fields>, after: Option<&Fields>) -> RuleChange {
    let none = Fields::new();
    let (old, new) = (before.unwrap_or(&none), after.unwrap_or(&none));
    let names: BTreeSet<&String> =
        old.keys().chain(new.keys()).filter(|name| old.get(*name) != new.get(*name)).collect();
    let shown = |fields: Option<&Fields>| {
        let Some(fields) = fields else { return "none".to_owned() };
        let parts = names.iter().filter_map(|name| fields.get(*name).map(|value| format!("{name} {value}")));
        let text = parts.collect::<Vec<_>>().join(", ");
        let whole = before.is_none() || after.is_none();
        if text.is_empty() && whole { "there".to_owned() } else { text }
    };
    let instant =
        |fields: &Fields, name: &str| fields.get(name).and_then(|text| read_instant(text)).map(|at| at.0);
    let retires = names.iter().any(|name| *name == "retired");
    let starts = if retires { "retired" } else { "from" };
    RuleChange {
        class: match entry.kind.as_str() {
            "model" if retires && names.len() == 1 => Class::Retirement,
            "model" | "seller" => Class::Name,
            "modifier" => Class::Modifier,
            "schedule" | "calendar" | "holidays" => Class::Schedule,
            "region" => Class::Region,
            _ => Class::Metadata,
        },
        seller: entry.seller.clone(),
        subject: format!("{} {}", entry.kind, entry.name).trim_end().to_owned(),
        old: shown(before),
        new: shown(after),
        from: [old, new].into_iter().filter_map(|fields| instant(fields, starts)).min(),
        to: None,
    }
}
