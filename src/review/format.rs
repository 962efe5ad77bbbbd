//! The canonical form of a ledger, so that a diff shows what changed and nothing else.
//!
//! ```csv
//! model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source
//! gpt-5-mini,input,standard,0,global,*,0.30,1000000,USD,2026-10-05,2026-10-06,1,listed,our-order-form
//! ```

use csv::{QuoteStyle, ReaderBuilder, StringRecord, Terminator, WriterBuilder};

use crate::diagnostic::{Diagnostic, Origin, nearest};
use crate::period::{Day, read_instant};
use crate::pricebook::{COLUMNS, ctx_rank, read_ctx};
use crate::vocabulary::{Meter, Tier};

/// A line of a ledger, and the place that its `recorded`, key, `from` and `rev` give it.
type Line = (Place, Vec<String>);
type Place = (Day, String, Meter, Option<Tier>, u64, String, String, i64, u64);

/// The ledger with its columns and lines in order, instants and whole numbers in one spelling, quotes only where CSV
/// needs them, and line feeds. Prices and all other cells stay as they are written; columns left out stay out.
/// A cell the order depends on and that cannot be read is the problem given back.
pub fn canonical(name: &str, text: &str) -> Result<String, Box<Diagnostic>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = reader.records();
    let mut next = || match records.next() {
        Some(Err(error)) => Err(problem(name, text, None, error.to_string(), "correct the quotes")),
        Some(Ok(record)) => Ok(Some(record)),
        None => Ok(None),
    };
    let head = next()?.unwrap_or_default();
    let order = columns(&head).map_err(|(what, help)| problem(name, text, Some(&head), what, help))?;
    let mut lines = Vec::new();
    while let Some(record) = next()? {
        let line = line(&record, &order);
        lines.push(line.map_err(|(what, help)| problem(name, text, Some(&record), what, help))?);
    }
    lines.sort();
    let mut writer = WriterBuilder::new()
        .quote_style(QuoteStyle::Necessary)
        .terminator(Terminator::Any(b'\n'))
        .from_writer(Vec::new());
    let head = order.iter().map(|(column, _)| (*column).to_owned()).collect();
    for cells in std::iter::once(head).chain(lines.into_iter().map(|(_, cells)| cells)) {
        writer.write_record(cells).expect("memory takes every record, and each is as long as the first");
    }
    let bytes = writer.into_inner().expect("memory is always flushed");
    Ok(String::from_utf8(bytes).expect("cells of a text are text"))
}

/// What is wrong, and what to type.
type Fault = (String, String);

/// The columns of the file, in canonical order, each with the cell it is found in.
fn columns(head: &StringRecord) -> Result<Vec<(&'static str, usize)>, Fault> {
    for (index, name) in head.iter().enumerate() {
        if !COLUMNS.contains(&name) {
            let near = nearest(name, COLUMNS.into_iter()).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| format!("the columns are {}", COLUMNS.join(",")));
            return Err((format!("unknown column `{name}`"), help));
        }
        if head.iter().take(index).any(|other| other == name) {
            return Err((format!("column `{name}` appears twice"), "keep one of them".to_owned()));
        }
    }
    Ok(COLUMNS
        .iter()
        .filter_map(|column| head.iter().position(|name| name == *column).map(|index| (*column, index)))
        .collect())
}

fn line(record: &StringRecord, order: &[(&'static str, usize)]) -> Result<Line, Fault> {
    if record.len() != order.len() {
        let what = format!("the row has {} cells, the header {}", record.len(), order.len());
        return Err((what, "quote a cell that holds a comma; keep empty cells as `,,`".to_owned()));
    }
    let cell = |wanted: &str| {
        let index = order.iter().find(|(column, _)| *column == wanted).map(|(_, index)| *index);
        index.and_then(|index| record.get(index)).unwrap_or("")
    };
    let wrong =
        |column: &str, help: &str| (format!("{column} `{}` cannot be read", cell(column)), help.to_owned());
    let whole = |column: &str, help: &str| {
        let digits = Some(cell(column)).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<u64>().ok()).ok_or_else(|| wrong(column, help))
    };
    let meter = Meter::parse(cell("meter"))
        .ok_or_else(|| wrong("meter", "write a meter that the book has, such as `input` or `cache_read`"))?;
    let tier = match cell("tier") {
        "*" => None,
        tier => Some(Tier::parse(tier).ok_or_else(|| wrong("tier", "`standard`, `batch`, …, or `*`"))?),
    };
    let ctx = read_ctx(cell("ctx")).ok_or_else(|| wrong("ctx", "write `0`, `>272000` or `>=200000`"))?;
    let (from, _) =
        read_instant(cell("from")).ok_or_else(|| wrong("from", "write 2026-07-30 or 2026-08-16T16:00Z"))?;
    let recorded: Day =
        cell("recorded").parse().map_err(|_| wrong("recorded", "write a date such as 2026-07-30"))?;
    let (rev, per) = (whole("rev", "1 for the first row of a key and `from`")?, whole("per", "1000000")?);
    let cells = order
        .iter()
        .map(|(column, _)| match *column {
            "ctx" => ctx.map_or_else(
                || "0".to_owned(),
                |band| format!(">{}{}", if band.inclusive { "=" } else { "" }, band.tokens),
            ),
            "from" => instant(from),
            "per" => per.to_string(),
            "rev" => rev.to_string(),
            other => cell(other).to_owned(),
        })
        .collect();
    let text = |column: &str| cell(column).to_owned();
    let place =
        (recorded, text("model"), meter, tier, ctx_rank(ctx), text("region"), text("window"), from, rev);
    Ok((place, cells))
}

/// A bare date for midnight UTC, otherwise `2026-08-16T16:00Z`.
pub fn instant(seconds: i64) -> String {
    let day = Day::of_instant(seconds);
    match seconds - day.start() {
        0 => day.to_string(),
        rest => {
            let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
            let second = if second == 0 { String::new() } else { format!(":{second:02}") };
            format!("{day}T{hour:02}:{minute:02}{second}Z")
        }
    }
}

/// A problem of the line a record starts on.
fn problem(
    name: &str,
    text: &str,
    record: Option<&StringRecord>,
    what: impl Into<String>,
    help: impl Into<String>,
) -> Box<Diagnostic> {
    let byte = record.and_then(StringRecord::position).map_or(0, |position| position.byte() as usize);
    // The reader's own place may be the line feed of the record before.
    let blank = text[byte..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let line = text[..byte + blank].matches('\n').count();
    let excerpt: String = text.lines().nth(line).unwrap_or("").chars().take(200).collect();
    let problem = Diagnostic::error("pricebook-form", Origin::new(name, line as u64 + 1, 0), what);
    Box::new(problem.excerpt(excerpt, None).help(help))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricebook::files;
    use proptest::prelude::*;

    const HEAD: &str =
        "model,meter,tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source";

    #[test]
    fn the_shipped_ledgers_are_canonical() {
        for file in files::shipped().iter().filter(|file| file.ledger().is_some()) {
            assert!(canonical(&file.name, &file.content).unwrap() == *file.content, "{}", file.name);
        }
    }

    #[test]
    fn what_a_spreadsheet_does_is_undone() {
        // A byte order mark, CRLF, needless quotes, columns and lines out of order, one instant written in Beijing.
        let messy = "\u{feff}meter,\"model\",tier,ctx,region,window,price,per,currency,from,recorded,rev,status,source,note\r\n\
            output,m,standard,0,global,*,1.50,01000000,USD,2026-08-17T00:00:00+08:00,2026-08-20,1,listed,s,\"a, b\"\r\n\
            \r\n\
            output,m,standard,>=0200000,global,*,2,1000000,USD,2026-08-17,2026-08-20,01,listed,s,\"say \"\"x\"\"\"\r\n\
            output,m,batch,0,global,*,2,1000000,USD,2026-08-17,2026-08-20,1,listed,s,\r\n\
            input,\"m\",*,0,global,*,0.10,1000000,USD,2026-08-16 16:00:30,2026-08-20,1,listed,s,\r\n\
            output,z,standard,0,global,*,3,1000000,USD,2026-08-01,2026-08-19,1,listed,s,";
        assert_eq!(
            canonical("x.csv", messy).unwrap(),
            format!(
                "{HEAD},note\n\
                z,output,standard,0,global,*,3,1000000,USD,2026-08-01,2026-08-19,1,listed,s,\n\
                m,input,*,0,global,*,0.10,1000000,USD,2026-08-16T16:00:30Z,2026-08-20,1,listed,s,\n\
                m,output,standard,0,global,*,1.50,1000000,USD,2026-08-16T16:00Z,2026-08-20,1,listed,s,\"a, b\"\n\
                m,output,standard,>=200000,global,*,2,1000000,USD,2026-08-17,2026-08-20,1,listed,s,\"say \"\"x\"\"\"\n\
                m,output,batch,0,global,*,2,1000000,USD,2026-08-17,2026-08-20,1,listed,s,\n"
            )
        );
    }

    #[test]
    fn what_cannot_be_ordered_is_named_with_its_line() {
        let row = "m,input,standard,0,global,*,1,1000000,USD,2026-08-17,2026-08-20,1,listed,s";
        for (from, to, wanted) in [
            ("input", "imput", "x.csv:3: meter `imput` cannot be read"),
            ("2026-08-17", "17/08/2026", "x.csv:3: from `17/08/2026` cannot be read"),
            ("2026-08-20", "46254", "x.csv:3: recorded `46254` cannot be read"),
            (",0,", ",200k,", "x.csv:3: ctx `200k` cannot be read"),
            (",listed,s", ",listed", "x.csv:3: the row has 13 cells, the header 14"),
            (row, "<<<<<<< HEAD", "x.csv:3: the row has 1 cells, the header 14"),
        ] {
            let text = format!("{HEAD}\n{row}\n{}\n{row}\n", row.replace(from, to));
            assert_eq!(canonical("x.csv", &text).unwrap_err().placed(), wanted);
        }
        let text = format!("{HEAD},prize\n");
        assert_eq!(canonical("x.csv", &text).unwrap_err().placed(), "x.csv:1: unknown column `prize`");
    }

    /// Rows as sets of named cells, instants and numbers by value, whatever the order of lines and columns.
    fn rows(text: &str) -> Vec<Vec<(String, String)>> {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers().unwrap().clone();
        let mut rows: Vec<Vec<(String, String)>> = reader
            .records()
            .map(|record| {
                let record = record.unwrap();
                let cells = head.iter().zip(record.iter()).map(|(column, cell)| {
                    let cell = match column {
                        "from" => read_instant(cell).unwrap().0.to_string(),
                        "per" | "rev" => cell.parse::<u64>().unwrap().to_string(),
                        _ => cell.to_owned(),
                    };
                    (column.to_owned(), cell)
                });
                let mut cells: Vec<_> = cells.collect();
                cells.sort();
                cells
            })
            .collect();
        rows.sort();
        rows
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_second_time_nothing_changes(
            lines in prop::collection::vec((
                "[a-c]", 0..Meter::COUNT, 0..Tier::COUNT, prop::sample::select(vec!["0", ">272000", ">=0200000"]),
                "0|[0-9]{1,3}\\.[0-9]{1,3}",
                prop::sample::select(vec!["2026-07-30", "2026-07-30T00:00:00Z", "2026-08-17T00:00+08:00"]),
                "2026-0[1-9]-1[0-9]", "[1-9]", "[ -~é\n]{0,12}",
            ), 0..12),
            shift in 0usize..15,
        ) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            let mut write = |mut cells: Vec<&str>| {
                let length = cells.len();
                cells.rotate_left(shift % length);
                writer.write_record(cells).unwrap();
            };
            write(format!("{HEAD},note").split(',').collect());
            for (model, meter, tier, ctx, price, from, recorded, rev, note) in &lines {
                write(vec![
                    model, Meter::ALL[*meter].id(), Tier::ALL[*tier].id(), ctx, "global", "*", price, "1000000",
                    "USD", from, recorded, rev, "listed", "s", note,
                ]);
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let once = canonical("x.csv", &text).unwrap();
            let spelt = text.replace(">=0200000", ">=200000");
            prop_assert_eq!(rows(&spelt), rows(&once));
            prop_assert_eq!(canonical("x.csv", &once).unwrap(), once);
        }
    }
}
