//! How prices, instants and months are written for people.

use crate::money::Ratio;
use crate::period::{Day, Month};
use crate::pricebook::PriceRow;
use crate::report::sheet::{Cell, Sheet};
use crate::review::steps::{per, price_text};

/// `2026-07-30`, with the time of day where it is not midnight UTC.
pub fn instant(at: i64) -> String {
    let day = Day::of_instant(at);
    match at - day.start() {
        0 => day.to_string(),
        rest => {
            let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
            let seconds = if second == 0 { String::new() } else { format!(":{second:02}") };
            format!("{day}T{hour:02}:{minute:02}{seconds}Z")
        }
    }
}

/// The price a row holds, in the quantity that `like` is read in; `none` without a row, `ended` after an end.
pub fn price(row: Option<&PriceRow>, like: &PriceRow) -> Cell {
    match row.map(|row| row.unit) {
        None => "none".into(),
        Some(None) => "ended".into(),
        Some(Some(unit)) => Cell::Ratio(price_text(unit, per(like))),
    }
}

pub fn percent(old: Option<Ratio>, new: Option<Ratio>) -> Cell {
    let percent = old.zip(new).and_then(|(old, new)| crate::review::percent::percent(old, new));
    percent.map_or(Cell::Empty, |percent| Cell::Ratio(format!("{percent}%")))
}

/// `2026-08, 2026-10 to 2026-11`
pub fn months(months: &[Month]) -> String {
    let mut runs: Vec<(Month, Month)> = Vec::new();
    for month in months {
        match runs.last_mut() {
            Some((_, last)) if last.next() == *month => *last = *month,
            _ => runs.push((*month, *month)),
        }
    }
    let runs = runs.iter().map(
        |(first, last)| {
            if first == last { first.to_string() } else { format!("{first} to {last}") }
        },
    );
    runs.collect::<Vec<_>>().join(", ")
}

/// The sheet as a person reads it: without columns that say nothing, or say again what another one says.
pub fn for_people(sheet: &Sheet, again: &[&str]) -> Sheet {
    let says = |index: &usize| {
        !again.contains(&sheet.columns[*index].name)
            && (sheet.rows.is_empty()
                || sheet.rows.iter().any(|row| row.get(*index).is_some_and(|cell| *cell != Cell::Empty)))
    };
    let kept: Vec<usize> = (0..sheet.columns.len()).filter(says).collect();
    let cells = |row: &Vec<Cell>| kept.iter().filter_map(|index| row.get(*index).cloned()).collect();
    Sheet {
        columns: kept.iter().map(|index| sheet.columns[*index].clone()).collect(),
        rows: sheet.rows.iter().map(cells).collect(),
        total: sheet.total.as_ref().map(cells),
        ..sheet.clone()
    }
}

/// Says the quantity prices are read in once, where all of a sheet are read in the same.
pub fn per_in_title(sheet: Sheet) -> Sheet {
    let Some(per) = sheet.columns.iter().position(|column| column.name == "per") else { return sheet };
    let first = sheet.rows.first().and_then(|row| row.get(per)).cloned();
    match first {
        Some(Cell::Text(text))
            if sheet.rows.iter().all(|row| row.get(per) == Some(&Cell::Text(text.clone()))) =>
        {
            let sheet = for_people(&sheet, &["per"]);
            Sheet { title: format!("{} per {text}", sheet.title), ..sheet }
        }
        _ => sheet,
    }
}

/// Text that is nothing where it is empty.
pub fn some(text: &str) -> Cell {
    if text.is_empty() { Cell::Empty } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_runs_of_months_are_short() {
        assert_eq!(instant(1_786_896_000), "2026-08-16T16:00Z");
        assert_eq!(instant(1_786_838_400), "2026-08-16");
        let list: Vec<Month> =
            ["2026-08", "2026-10", "2026-11", "2026-12", "2027-01"].map(|m| m.parse().unwrap()).into();
        assert_eq!(months(&list), "2026-08, 2026-10 to 2027-01");
        assert_eq!(months(&[]), "");
    }
}
