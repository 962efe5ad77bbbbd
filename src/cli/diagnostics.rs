//! How a diagnostic looks: `error: FILE:LINE:COL: message` first, so that editors can jump to it, then the line it is
//! about with the span marked, then the help.

use std::collections::BTreeMap;

use annotate_snippets::{AnnotationKind, Group, Level as Shown, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Level};
use crate::render::printable;

/// Diagnostics shown before the rest is only counted.
const LIMIT: usize = 20;
/// Other places of the same diagnostic that are named.
const NAMED: usize = 3;

/// Text with colours; the stream takes them out where they are not wanted. The gravest come first, the same words about
/// many places are said once, and without `notes` those are only counted.
pub fn render(diagnostics: &[Diagnostic], notes: bool) -> String {
    up_to(LIMIT, diagnostics, notes)
}

/// [`render`], however many there are.
pub fn all(diagnostics: &[Diagnostic]) -> String {
    up_to(usize::MAX, diagnostics, true)
}

fn up_to(limit: usize, diagnostics: &[Diagnostic], notes: bool) -> String {
    let mut shown: Vec<(&Diagnostic, Vec<String>)> = Vec::new();
    let mut first: BTreeMap<(Level, &str, &str), usize> = BTreeMap::new();
    for diagnostic in diagnostics.iter().filter(|diagnostic| notes || diagnostic.level != Level::Note) {
        let words = (diagnostic.level, diagnostic.code, diagnostic.message.as_str());
        match first.get(&words) {
            // Each line that is wrong is worth seeing.
            Some(at) if diagnostic.excerpt.is_none() => shown[*at].1.push(diagnostic.origin.to_string()),
            _ => {
                first.insert(words, shown.len());
                shown.push((diagnostic, Vec::new()));
            }
        }
    }
    shown.sort_by_key(|(diagnostic, _)| diagnostic.level);
    let mut text = String::new();
    for (diagnostic, elsewhere) in shown.iter().take(limit) {
        text.push_str(&one(diagnostic, elsewhere));
        text.push('\n');
    }
    let rest = shown.len().saturating_sub(limit);
    if rest > 0 {
        text.push_str(&format!("and {rest} more\n"));
    }
    let silent = diagnostics.iter().filter(|diagnostic| !notes && diagnostic.level == Level::Note).count();
    if silent > 0 {
        let pronoun = if silent == 1 { "it" } else { "them" };
        text.push_str(&format!("{}; -v shows {pronoun}\n", counted(silent, "note")));
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// ` (also b.csv:3, c.csv and 4 more)`
fn also(elsewhere: &[String]) -> String {
    let named = elsewhere.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match elsewhere.len() {
        0 => String::new(),
        all if all > NAMED => format!(" (also {named} and {} more)", all - NAMED),
        _ => format!(" (also {named})"),
    }
}

fn one(diagnostic: &Diagnostic, elsewhere: &[String]) -> String {
    let level = match diagnostic.level {
        Level::Error => Shown::ERROR,
        Level::Warning => Shown::WARNING,
        Level::Note => Shown::NOTE,
    };
    let title = printable(&format!("{}{}", diagnostic.placed(), also(elsewhere)));
    let line = diagnostic.excerpt.as_deref().map(visible).filter(|line| !line.trim().is_empty());
    // Rules of the price book have a page, and are known by their id.
    let title = level.primary_title(title);
    let is_rule = diagnostic.code.starts_with("PB");
    let mut primary = Group::with_title(if is_rule { title.id(diagnostic.code) } else { title });
    if let Some(line) = &line {
        let mut snippet = Snippet::source(line.as_str()).line_start(diagnostic.origin.line.max(1) as usize);
        let (kind, (start, end)) = match diagnostic.span {
            Some(span) => (AnnotationKind::Primary, span),
            None => (AnnotationKind::Visible, (0, line.chars().count())),
        };
        let byte = |at: usize| line.char_indices().nth(at).map_or(line.len(), |(byte, _)| byte);
        snippet = snippet.annotation(kind.span(byte(start)..byte(end.max(start))));
        primary = primary.element(snippet);
    }
    let help = diagnostic.help.as_deref().map(printable);
    let help = help.map(|help| Group::with_title(Shown::HELP.secondary_title(help)));
    let renderer = Renderer::styled();
    match (line.is_some(), help) {
        (true, Some(help)) => renderer.render(&[primary, help]),
        // Without a line between them, the two would be joined by an empty margin.
        (false, Some(help)) => format!("{}\n{}", renderer.render(&[primary]), renderer.render(&[help])),
        (_, None) => renderer.render(&[primary]),
    }
}

/// The line with one visible character for each of its characters, so that the span still fits.
fn visible(line: &str) -> String {
    let mut buffer = [0; 4];
    line.chars()
        .map(|char| match char {
            '\t' => ' ',
            _ if printable(char.encode_utf8(&mut buffer)).is_empty() => char::REPLACEMENT_CHARACTER,
            _ => char,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Origin;

    fn plain(diagnostics: &[Diagnostic]) -> String {
        anstream::adapter::strip_str(&render(diagnostics, true)).to_string()
    }

    #[test]
    fn a_diagnostic_is_a_place_a_line_and_a_remedy() {
        let diagnostic = Diagnostic::error("x", Origin::new("llmfin.toml", 3, 1), "unknown key `curency`")
            .excerpt("curency = \"USD\"", Some((0, 7)))
            .help("did you mean `currency`?");
        insta::assert_snapshot!(plain(&[diagnostic]), @r#"
        error: llmfin.toml:3:1: unknown key `curency`
          |
        3 | curency = "USD"
          | ^^^^^^^
          |
        help: did you mean `currency`?
        "#);
    }

    #[test]
    fn a_file_as_a_whole_needs_no_line() {
        let diagnostic = Diagnostic::warning("x", Origin::file("a.csv"), "no rows").help("export it again");
        insta::assert_snapshot!(plain(&[diagnostic]), @r"
        warning: a.csv: no rows
        help: export it again
        ");
    }

    #[test]
    fn a_line_without_a_mark_is_shown_and_a_place_may_be_missing() {
        let line = Diagnostic::error("x", Origin::file("a.csv"), "no known format").excerpt("who,what", None);
        let nowhere = Diagnostic::warning("y", Origin::default(), "late");
        insta::assert_snapshot!(plain(&[nowhere, line]), @r"
        error: a.csv: no known format
          |
        1 | who,what
          |
        warning: late
        ");
    }

    #[test]
    fn the_same_words_are_said_once_and_notes_are_counted() {
        let about =
            |level, file: &str, message: &str| Diagnostic::new(level, "x", Origin::new(file, 3, 0), message);
        let all = [
            about(Level::Note, "a.csv", "one"),
            about(Level::Note, "b.csv", "two"),
            about(Level::Warning, "a.csv", "odd"),
            about(Level::Warning, "b.csv", "odd"),
            about(Level::Error, "c.csv", "bad"),
            about(Level::Error, "c.csv", "bad").excerpt("x", None),
        ];
        let text = anstream::adapter::strip_str(&render(&all, false)).to_string();
        insta::assert_snapshot!(text, @r"
        error: c.csv:3: bad
        error: c.csv:3: bad
          |
        3 | x
          |
        warning: a.csv:3: odd (also b.csv:3)
        2 notes; -v shows them
        ");
    }

    #[test]
    fn the_rest_is_counted_and_hostile_text_is_inert() {
        let hostile = |number: usize| {
            let message = format!("b\u{7}ad {number}");
            Diagnostic::note("x", Origin::new("a\u{1b}[2J.csv", 1, 0), message)
                .excerpt("é\u{1b}[2Jx", Some((0, 3)))
        };
        let text = plain(&(0..23).map(hostile).collect::<Vec<_>>());
        assert!(text.starts_with("note: a.csv:1: bad 0\n"), "{text}");
        assert!(text.ends_with("and 3 more\n"));
        assert!(!text.contains('\u{7}') && text.contains("é�[2Jx"));
    }
}
