//! How a diagnostic looks: `error: FILE:LINE:COL: message` first, so that editors can jump to it, then the line it is
//! about with the span marked, then the help.

use annotate_snippets::{AnnotationKind, Group, Level as Shown, Renderer, Snippet};

use crate::diagnostic::{Diagnostic, Level};
use crate::render::printable;

/// Diagnostics shown before the rest is only counted.
const LIMIT: usize = 20;

/// Text with colours; the stream takes them out where they are not wanted.
pub fn render(diagnostics: &[Diagnostic]) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics.iter().take(LIMIT) {
        text.push_str(&one(diagnostic));
        text.push('\n');
    }
    let rest = diagnostics.len().saturating_sub(LIMIT);
    if rest > 0 {
        text.push_str(&format!("and {rest} more\n"));
    }
    text
}

fn one(diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.level {
        Level::Error => Shown::ERROR,
        Level::Warning => Shown::WARNING,
        Level::Note => Shown::NOTE,
    };
    let title = printable(&format!("{}: {}", diagnostic.origin, diagnostic.message));
    let line = diagnostic.excerpt.as_deref().map(visible);
    let mut primary = Group::with_title(level.primary_title(title));
    if let Some(line) = &line {
        let mut snippet = Snippet::source(line.as_str()).line_start(diagnostic.origin.line.max(1) as usize);
        if let Some((start, end)) = diagnostic.span {
            let byte = |at: usize| line.char_indices().nth(at).map_or(line.len(), |(byte, _)| byte);
            snippet = snippet.annotation(AnnotationKind::Primary.span(byte(start)..byte(end.max(start))));
        }
        primary = primary.element(snippet);
    }
    let mut groups = vec![primary];
    let help = diagnostic.help.as_deref().map(printable);
    if let Some(help) = help {
        groups.push(Group::with_title(Shown::HELP.secondary_title(help)));
    }
    Renderer::styled().render(&groups)
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
        anstream::adapter::strip_str(&render(diagnostics)).to_string()
    }

    #[test]
    fn a_diagnostic_is_a_place_a_line_and_a_remedy() {
        let diagnostic = Diagnostic::error("x", Origin::new("llmfin.toml", 3, 1), "unknown key `curency`")
            .excerpt("curency = \"USD\"", Some((0, 7)))
            .help("did you mean `currency`?");
        insta::assert_snapshot!(plain(&[diagnostic]), @r"");
    }

    #[test]
    fn a_file_as_a_whole_needs_no_line() {
        let diagnostic = Diagnostic::warning("x", Origin::file("a.csv"), "no rows").help("export it again");
        insta::assert_snapshot!(plain(&[diagnostic]), @r"");
    }

    #[test]
    fn the_rest_is_counted_and_hostile_text_is_inert() {
        let hostile = Diagnostic::note("x", Origin::new("a\u{1b}[2J.csv", 1, 0), "b\u{7}ad")
            .excerpt("é\u{1b}[2Jx", Some((0, 3)));
        let text = plain(&vec![hostile; 23]);
        assert!(text.starts_with("note: a.csv:1: bad\n"), "{text}");
        assert!(text.ends_with("and 3 more\n"));
        assert!(!text.contains('\u{7}') && text.contains("é�[2Jx"));
    }
}
