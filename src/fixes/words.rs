//! Text from outside, safe in a table of Markdown and in a cell of a spreadsheet.

use crate::inert::printable;
use crate::money::thousands;
use crate::usage_table::guard::guard;

/// A name as code: nothing in it is markup, ends the code or the line.
pub fn code(text: &str) -> String {
    let safe = printable(text).replace('`', "'").replace('|', "/");
    if safe.trim().is_empty() { "–".to_owned() } else { format!("`{safe}`") }
}

/// A sentence with names in it: no markup but the code marks it has.
pub fn prose(text: &str) -> String {
    let mut safe = String::new();
    for char in printable(text).chars() {
        match char {
            '<' => safe.push_str("&lt;"),
            '|' | '[' | ']' | '*' | '\\' => safe.extend(['\\', char]),
            char => safe.push(char),
        }
    }
    safe
}

pub fn codes<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(|text| code(text.as_ref())).collect();
    if texts.is_empty() { "–".to_owned() } else { texts.join(", ") }
}

/// A file's name without the folders that only we have.
pub fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// A count for people: `1,234,567`.
pub fn count(number: impl ToString) -> String {
    let digits = number.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", &*digits), |rest| ("-", rest));
    format!("{sign}{}", thousands(digits))
}

/// Columns in which no line has anything, taken out.
pub fn filled<'h>(header: &[&'h str], lines: Vec<Vec<String>>) -> (Vec<&'h str>, Vec<Vec<String>>) {
    let full: Vec<bool> = (0..header.len())
        .map(|index| lines.iter().any(|line| line.get(index).is_some_and(|cell| !cell.is_empty())))
        .collect();
    let keep = |index: &usize| full.get(*index).copied().unwrap_or(false);
    let names = header.iter().enumerate().filter(|(index, _)| keep(index)).map(|(_, name)| *name).collect();
    let cells = |line: Vec<String>| {
        line.into_iter().enumerate().filter(|(index, _)| keep(index)).map(|(_, cell)| cell).collect()
    };
    (names, lines.into_iter().map(cells).collect())
}

/// Lines of cells as CSV, none of which steers a terminal or would be evaluated by a spreadsheet. Numbers may begin with a
/// minus.
pub fn csv(header: &[&str], lines: &[Vec<String>]) -> String {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    let number = |cell: &str| {
        cell.strip_prefix('-')
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
    };
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    for line in std::iter::once(&header).chain(lines) {
        let cells = line.iter().map(|cell| printable(cell));
        writer
            .write_record(cells.map(|cell| if number(&cell) { cell } else { guard(&cell).into_owned() }))
            .expect("memory takes every record of one length");
    }
    let bytes = writer.into_inner().expect("memory is always flushed");
    String::from_utf8(bytes).expect("cells of a text are text")
}

/// A table of Markdown; the cells are safe already.
pub fn table(header: &[&str], lines: &[Vec<String>]) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let rule: Vec<String> = header.iter().map(|_| "---".to_owned()).collect();
    [row(&header), row(&rule)].into_iter().chain(lines.iter().map(|line| row(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators_and_empty_columns_go() {
        let counts = [0, 999, 1000, -1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "-1,234,567"]);
        let lines = vec![vec!["1".into(), String::new(), "x".into()], vec![String::new(); 3]];
        let (names, lines) = filled(&["a", "b", "c"], lines);
        assert_eq!((names, lines[0].join(" "), lines[1].len()), (vec!["a", "c"], "1 x".to_owned(), 2));
    }

    #[test]
    fn hostile_names_are_only_names() {
        assert_eq!(code("a`|b\n<script>"), "`a'/b <script>`");
        assert_eq!(code(""), "–");
        assert_eq!(prose("`a` [x](y) <b>\n"), "`a` \\[x\\](y) &lt;b> ");
        assert_eq!(
            csv(&["a", "b"], &[vec!["=cmd()".into(), "-1.5".into()], vec!["-x".into(), "x,y".into()]]),
            "a,b\n'=cmd(),-1.5\n'-x,\"x,y\"\n"
        );
        assert_eq!(csv(&["a"], &[vec!["\u{1b}[31m=x\u{202e}".into()]]), "a\n'=x\n");
        assert_eq!(code("r\u{1b}[31med\u{feff}\u{202e}"), "`red`");
    }
}
