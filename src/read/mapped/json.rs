//! JSON as a table: objects, one a line or in one array, which may stand under `data` as APIs answer. A field inside
//! another is a column by its path.
//!
//! ```text
//! {"data": [{"day": "2026-10-01", "cost": {"value": 1.25}}], "has_more": false}     the columns `day` and `cost.value`
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::table::{Row, Table};
use crate::diagnostic::Origin;
use crate::invoice::Reject;
use crate::read::cell::{Cell, Form};
use crate::read::source::Source;

/// The answer of an API.
#[derive(Deserialize)]
struct Answer<'t> {
    #[serde(borrow)]
    data: Vec<&'t RawValue>,
    #[serde(default)]
    has_more: Option<bool>,
}

/// The columns are all paths that occur.
pub fn read(source: &Source, text: &str) -> Table {
    let mut table = Table { header_line: 1, ..Table::default() };
    let mut columns = BTreeMap::new();
    let array = serde_json::from_str::<Vec<&RawValue>>(text).ok();
    let array = array.or_else(|| {
        // A row may have a field `data` too: only what holds objects holds rows.
        let answer = serde_json::from_str::<Answer>(text).ok()?;
        let holds_rows =
            !answer.data.is_empty() && answer.data.iter().all(|item| item.get().starts_with('{'));
        table.continued = holds_rows && answer.has_more == Some(true);
        holds_rows.then_some(answer.data)
    });
    let items = array.map_or_else(|| lines(text), |array| placed(text, &array));
    for (line, item) in items {
        match serde_json::from_str::<Map<String, Value>>(item) {
            Ok(object) => {
                let mut cells = Vec::new();
                fields(String::new(), object, &mut |path, cell| {
                    let next = columns.len();
                    let column = *columns.entry(path.clone()).or_insert(next);
                    if column == next {
                        table.header.push(path);
                    }
                    if cells.len() <= column {
                        cells.resize(column + 1, Cell::default());
                    }
                    cells[column] = cell;
                });
                table.rows.push(Row { line, cells });
            }
            Err(_) => table.rejects.push(Reject {
                origin: Origin::new(source.name.clone(), line, 0),
                code: "not-json",
                reason: "the line is not a JSON object".to_owned(),
                amount: None,
            }),
        }
    }
    for row in &mut table.rows {
        row.cells.resize(table.header.len(), Cell::default());
    }
    table
}

fn lines(text: &str) -> Vec<(u64, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index as u64 + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty()).collect()
}

/// Parts of the text, each with the line it starts on.
fn placed<'t>(text: &'t str, parts: &[&'t RawValue]) -> Vec<(u64, &'t str)> {
    let (mut line, mut seen) = (1, 0);
    let place = |part: &&'t RawValue| {
        let start = part.get().as_ptr() as usize - text.as_ptr() as usize;
        line += text[seen..start].matches('\n').count() as u64;
        seen = start;
        (line, part.get())
    };
    parts.iter().map(place).collect()
}

/// Every field that holds no object, by its path.
fn fields(path: String, object: Map<String, Value>, each: &mut dyn FnMut(String, Cell)) {
    for (key, value) in object {
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        match value {
            Value::Object(inner) => fields(path, inner, each),
            value => each(path, cell(value)),
        }
    }
}

/// A number keeps the digits the file wrote.
fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::default(),
        Value::String(text) => Cell::text(text),
        Value::Number(number) => Cell { text: number.to_string(), form: Form::Number },
        other => Cell::text(other.to_string()),
    }
}
