//! JSON for programs: rows as objects in column order, money and shares as strings, unknown as null.

use serde_json::{Map, Number, Value, json};

use crate::error::{Error, Result};
use crate::report::sheet::{Cell, Sheet};

/// One sheet is an object; several are an object of objects by name.
pub fn render(sheets: &[Sheet]) -> Result<String> {
    let value = match sheets {
        [sheet] => document(sheet),
        _ => Value::Object(sheets.iter().map(|sheet| (sheet.name.to_owned(), document(sheet))).collect()),
    };
    let mut text =
        serde_json::to_string_pretty(&value).map_err(|error| Error::Internal(error.to_string()))?;
    text.push('\n');
    Ok(text)
}

fn document(sheet: &Sheet) -> Value {
    let row = |cells: &Vec<Cell>| -> Value {
        let fields = sheet.columns.iter().zip(cells);
        Value::Object(
            fields.map(|(column, cell)| (column.name.to_owned(), value(cell))).collect::<Map<_, _>>(),
        )
    };
    let notes: Vec<&String> = sheet.notes.iter().chain(&sheet.code).collect();
    json!({
        "report": sheet.name,
        "title": sheet.title,
        "rows": sheet.rows.iter().map(row).collect::<Vec<_>>(),
        "total": sheet.total.as_ref().map(row),
        "notes": notes,
    })
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => Value::from(text.as_ref()),
        Cell::Integer(number) => Number::from_i128(*number).map_or(Value::Null, Value::Number),
        Cell::Money(amount) => Value::from(amount.plain()),
        Cell::Ratio(ratio) => Value::from(ratio.as_str()),
        Cell::Day(day) => Value::from(day.to_string()),
        Cell::Flag(flag) => Value::from(*flag),
        Cell::Empty => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sheet::{Column, Kind};

    #[test]
    fn money_travels_as_text_and_unknown_as_null() {
        let columns = vec![
            Column::new("model", "Model", Kind::Text),
            Column::new("tokens", "Tokens", Kind::Integer),
            Column::new("billed", "Billed", Kind::Money),
        ];
        let mut sheet = Sheet::new("spend", "", columns);
        sheet.rows =
            vec![vec!["m".into(), 12u64.into(), Cell::Money("0.1".parse().unwrap())], vec![Cell::Empty; 3]];
        let value: Value = serde_json::from_str(&render(&[sheet]).unwrap()).unwrap();
        assert_eq!(value["rows"][0].to_string(), r#"{"model":"m","tokens":12,"billed":"0.10"}"#);
        assert_eq!(value["rows"][1].to_string(), r#"{"model":null,"tokens":null,"billed":null}"#);
    }
}
