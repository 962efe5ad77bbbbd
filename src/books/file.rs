//! Reads `llmfin.toml` into its tables and reports everything that is wrong at once, each with its place.
//!
//! The schema that `llmfin schema books` prints also finds the unknown keys, so the two cannot disagree. Unknown keys
//! are taken out of the tree before serde sees it: one misspelling does not hide the next mistake.

use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::diagnostic::{Diagnostic, Origin, nearest};

/// Characters of a line that a diagnostic shows.
const EXCERPT: usize = 200;

/// The text of a TOML file, its tree with spans, and what was found wrong with it.
pub struct File<'t> {
    name: &'t str,
    text: &'t str,
    root: DeTable<'t>,
    pub problems: Vec<Diagnostic>,
}

impl<'t> File<'t> {
    /// Parses `text` and checks its keys against `schema`.
    pub fn parse(name: &'t str, text: &'t str, schema: &Value) -> File<'t> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut file = File { name, text, root: root.into_inner(), problems: Vec::new() };
        for error in &errors {
            file.serde_error("invalid-toml", error);
        }
        if file.problems.is_empty() {
            let mut root = std::mem::take(&mut file.root);
            file.check_table(&mut root, schema);
            file.root = root;
        }
        file
    }

    /// The table `[key]`, or its default where the file has none.
    pub fn one<T: DeserializeOwned + Default>(&mut self, key: &str) -> T {
        let value = self.root.get(key).cloned();
        value.and_then(|value| self.read(value)).unwrap_or_default()
    }

    /// The tables `[[key]]`, each read on its own.
    pub fn many<T: DeserializeOwned>(&mut self, key: &str) -> Vec<T> {
        match self.root.get(key).cloned().map(Spanned::into_inner) {
            None => Vec::new(),
            Some(DeValue::Array(items)) => items.into_iter().filter_map(|item| self.read(item)).collect(),
            Some(other) => {
                self.report(
                    "invalid-value",
                    &[key],
                    format!("`{key}` is {}, not a list of tables", a(other.type_str())),
                    Some(format!("write `[[{key}]]`")),
                );
                Vec::new()
            }
        }
    }

    fn read<T: DeserializeOwned>(&mut self, value: Spanned<DeValue<'t>>) -> Option<T> {
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(error) => {
                self.serde_error("invalid-value", &error);
                None
            }
        }
    }

    /// Reports a problem at the value under `path`, or at the nearest table above it that is there.
    pub fn report(
        &mut self,
        code: &'static str,
        path: &[&str],
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let mut place = path.first().and_then(|key| self.root.get(*key));
        for step in path.iter().skip(1) {
            let Some(value) = place.map(Spanned::get_ref) else { break };
            let inner = match step.parse::<usize>() {
                Ok(index) if value.is_array() => value.get(index),
                _ => value.get(*step),
            };
            if inner.is_none() {
                break;
            }
            place = inner;
        }
        let span = place.map_or(0..0, Spanned::span);
        self.push(code, span, message.into(), help);
    }

    fn serde_error(&mut self, code: &'static str, error: &toml::de::Error) {
        let message = error.message().trim().replace('\n', ", ");
        let (message, help) = match message.split_once("; did you mean ") {
            Some((message, near)) => (message.to_owned(), Some(format!("did you mean {near}"))),
            None => {
                let help = suggestion(&message);
                (message, help)
            }
        };
        self.push(code, error.span().unwrap_or(0..0), message, help);
    }

    fn push(&mut self, code: &'static str, span: Range<usize>, message: String, help: Option<String>) {
        let mut diagnostic = locate(self.name, self.text, span, code, message);
        diagnostic.help = help;
        self.problems.push(diagnostic);
    }

    /// Reports and removes unknown keys, refuses floats, turns TOML dates into the text they were written as.
    fn check(&mut self, value: &mut DeValue<'t>, schema: &Value, key: &str) {
        match value {
            DeValue::Datetime(date) => *value = DeValue::String(date.to_string().into()),
            DeValue::Array(items) => {
                let schema =
                    branch(schema, "items").and_then(|schema| schema.get("items")).unwrap_or(&Value::Null);
                for item in items.iter_mut() {
                    self.float(item, key);
                    self.check(item.get_mut(), schema, key);
                }
            }
            DeValue::Table(table) => self.check_table(table, schema),
            _ => {}
        }
    }

    fn check_table(&mut self, table: &mut DeTable<'t>, schema: &Value) {
        let object = branch(schema, "properties").or_else(|| branch(schema, "additionalProperties"));
        let properties = object.and_then(|object| object.get("properties")).and_then(Value::as_object);
        let others = object.and_then(|object| object.get("additionalProperties"));
        let mut unknown = Vec::new();
        for (key, value) in table.iter_mut() {
            let name = key.get_ref().as_ref();
            let schema = properties.and_then(|known| known.get(name)).or(others).unwrap_or(&Value::Null);
            if *schema == Value::Bool(false) {
                let known = properties.into_iter().flat_map(|known| known.keys().map(String::as_str));
                let help = match nearest(name, known.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known keys are {}", known.collect::<Vec<_>>().join(", ")),
                };
                self.push("unknown-key", key.span(), format!("unknown key `{name}`"), Some(help));
                unknown.push(name.to_owned());
                continue;
            }
            self.float(value, name);
            self.check(value.get_mut(), schema, name);
        }
        for name in unknown {
            table.remove(name.as_str());
        }
    }

    fn float(&mut self, value: &mut Spanned<DeValue<'t>>, key: &str) {
        let span = value.span();
        if let DeValue::Float(number) = value.get_ref() {
            let text = self.text.get(span.clone()).unwrap_or(number.as_str()).to_owned();
            self.push(
                "binary-float",
                span,
                format!("`{text}` would be read as a binary float"),
                Some(format!("write it in quotes: {key} = \"{text}\"")),
            );
            // The quoted form is what was meant: going on with it shows the other mistakes of the table.
            *value.get_mut() = DeValue::String(text.into());
        }
    }
}

/// A diagnostic with the line that holds the start of `span`, cut to a window around it.
fn locate(name: &str, text: &str, span: Range<usize>, code: &'static str, message: String) -> Diagnostic {
    let start = (0..=span.start.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or("");
    let number = text[..line_start].matches('\n').count() as u64 + 1;
    let column = text[line_start..start].chars().count();
    let length =
        text.get(start..span.end).map_or(1, |text| text.lines().next().unwrap_or("").chars().count());
    let skip = if column + length > EXCERPT { column.saturating_sub(EXCERPT / 4) } else { 0 };
    let excerpt: String = line.chars().skip(skip).take(EXCERPT).collect();
    let end = (column - skip + length.max(1)).min(excerpt.chars().count().max(1));
    Diagnostic::error(code, Origin::new(name, number, column as u32 + 1), message)
        .excerpt(excerpt, Some((column - skip, end)))
}

/// The alternative of a schema that has `keyword`: an optional table is "the table or nothing".
fn branch<'s>(schema: &'s Value, keyword: &str) -> Option<&'s Value> {
    if schema.get(keyword).is_some() {
        return Some(schema);
    }
    schema.get("anyOf")?.as_array()?.iter().find_map(|schema| branch(schema, keyword))
}

/// Serde names what it expected in backticks, after the word it found.
fn suggestion(message: &str) -> Option<String> {
    if let Some(field) = message.strip_prefix("missing field ") {
        return Some(format!("add {} to this table", field.trim()));
    }
    let rest = message.strip_prefix("unknown variant `")?;
    let mut words = rest.split('`').step_by(2);
    let found = words.next()?;
    nearest(found, words.filter(|word| !word.is_empty())).map(|near| format!("did you mean `{near}`?"))
}

fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}
