//! One self-contained page: no script, no font, no address outside; text from outside is escaped.

use super::{printable, table};
use crate::report::sheet::{Cell, Column, Sheet};

const STYLE: &str = "\
body{font:14px/1.45 system-ui,sans-serif;margin:2rem;color:#1a1a1a;background:#fff}
h2{font-size:1.15rem;margin:2rem 0 .75rem}
table{border-collapse:collapse}
th,td{padding:.3rem .75rem;text-align:left;vertical-align:top;border-bottom:1px solid #ddd}
th{border-bottom:2px solid #1a1a1a}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tfoot td{font-weight:600;border-top:2px solid #1a1a1a;border-bottom:0}
p{max-width:46rem;color:#444}
@media print{body{margin:0}thead{display:table-header-group}tr{break-inside:avoid}}";

pub fn render(sheets: &[Sheet]) -> String {
    let title = sheets
        .first()
        .map_or("llmfin", |sheet| if sheet.title.is_empty() { sheet.name } else { &sheet.title });
    let body: String = sheets.iter().map(section).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{}</title>\n<style>\n{STYLE}\n</style>\n\
         </head>\n<body>\n{body}</body>\n</html>\n",
        escaped(title)
    )
}

fn section(sheet: &Sheet) -> String {
    let mut text = String::from("<section>\n");
    if !sheet.title.is_empty() {
        text.push_str(&format!("<h2>{}</h2>\n", escaped(&sheet.title)));
    }
    text.push_str("<table>\n<thead>\n");
    let heads =
        sheet.columns.iter().map(|column| format!("<th{}>{}</th>", class(column), escaped(column.title)));
    text.push_str(&format!("<tr>{}</tr>\n</thead>\n<tbody>\n", heads.collect::<String>()));
    for cells in &sheet.rows {
        text.push_str(&row(sheet, cells));
    }
    text.push_str("</tbody>\n");
    if let Some(total) = &sheet.total {
        text.push_str(&format!("<tfoot>\n{}</tfoot>\n", row(sheet, total)));
    }
    text.push_str("</table>\n");
    for note in &sheet.notes {
        text.push_str(&format!("<p>{}</p>\n", escaped(note)));
    }
    if let Some(code) = &sheet.code {
        let lines: Vec<String> = code.lines().map(escaped).collect();
        text.push_str(&format!("<pre>{}</pre>\n", lines.join("\n")));
    }
    text.push_str("</section>\n");
    text
}

fn row(sheet: &Sheet, cells: &[Cell]) -> String {
    let cells = sheet.columns.iter().zip(cells);
    let cells = cells.map(|(column, cell)| {
        // What people see is rounded; the exact amount is one hover away.
        let exact = match cell {
            Cell::Money(amount) => format!(" title=\"{}\"", amount.plain()),
            _ => String::new(),
        };
        format!("<td{}{exact}>{}</td>", class(column), escaped(&table::text(cell, sheet.decimals)))
    });
    format!("<tr>{}</tr>\n", cells.collect::<String>())
}

const fn class(column: &Column) -> &'static str {
    if column.kind.is_number() { " class=\"n\"" } else { "" }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in printable(text).chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(char),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sheet::Kind;

    #[test]
    fn data_is_never_markup_and_the_page_asks_for_nothing() {
        let columns =
            vec![Column::new("team", "Team", Kind::Text), Column::new("billed", "Billed", Kind::Money)];
        let mut sheet = Sheet::new("x", "<script>alert(1)</script>", columns);
        sheet.rows = vec![vec!["\"><img src=x onerror=y>".into(), Cell::Money("1234.5678".parse().unwrap())]];
        sheet.notes = vec!["a & b".to_owned()];
        let page = render(&[sheet]);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(page.contains("<td>&quot;&gt;&lt;img src=x onerror=y&gt;</td>"));
        assert!(page.contains("<td class=\"n\" title=\"1234.5678\">1,234.57</td>"));
        assert!(page.contains("<p>a &amp; b</p>"));
        for outside in ["<script", "<img", "http:", "https:", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
