//! Long lines on a terminal: broken between words, never inside one, so that a date, a model or a command stays whole.

/// The text in lines of at most `width` characters where its words allow it; all lines but the first are indented.
pub fn wrapped(text: &str, width: Option<u16>, indent: usize) -> String {
    let Some(width) = width.map(usize::from).filter(|width| text.chars().count() > *width) else {
        return text.to_owned();
    };
    let (mut lines, mut line, mut length) = (Vec::new(), String::new(), 0);
    // What a line begins with is kept: it may be the indent of a list.
    let start = text.len() - text.trim_start().len();
    line.push_str(&text[..start]);
    for word in text[start..].split(' ') {
        let more = word.chars().count();
        if length > 0 && line.chars().count() + 1 + more > width {
            let full = std::mem::replace(&mut line, " ".repeat(indent));
            lines.push(full.trim_end().to_owned());
            length = 0;
        }
        if length > 0 {
            line.push(' ');
        }
        line.push_str(word);
        length += 1 + more;
    }
    lines.push(line);
    lines.join("\n")
}

/// A page of Markdown for a terminal narrower than the page: paragraphs and lists are filled anew; tables, headings and
/// what is to be copied stay as they are.
pub fn page(text: &str, width: Option<u16>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let mut page = String::with_capacity(text.len());
    let mut open: Option<(String, usize)> = None;
    let mut fenced = false;
    let end = |page: &mut String, open: &mut Option<(String, usize)>| {
        if let Some((paragraph, indent)) = open.take() {
            page.push_str(&wrapped(&paragraph, Some(width), indent));
            page.push('\n');
        }
    };
    for line in text.lines() {
        let start = line.trim_start();
        let item = item(start);
        let fence = start.starts_with("```");
        fenced ^= fence;
        let kept = fenced
            || fence
            || start.is_empty()
            || start.starts_with(['|', '#', '>'])
            || (open.is_none() && line.starts_with("    "));
        if kept {
            end(&mut page, &mut open);
            page.push_str(line);
            page.push('\n');
        } else if let (Some((paragraph, _)), None) = (&mut open, item) {
            paragraph.push(' ');
            paragraph.push_str(start);
        } else {
            end(&mut page, &mut open);
            open = Some((line.to_owned(), line.len() - start.len() + item.unwrap_or(0)));
        }
    }
    end(&mut page, &mut open);
    page
}

/// How long the mark of a list item is: two for `- `, three for `1. `.
fn item(line: &str) -> Option<usize> {
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    match (digits, &line[digits..]) {
        (0, rest) if rest.starts_with("- ") || rest.starts_with("* ") => Some(2),
        (1.., rest) if rest.starts_with(". ") => Some(digits + 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_even_where_one_is_too_long() {
        assert_eq!(
            wrapped("a claude-haiku-4-5 of 2026-10-12", Some(10), 2),
            "a\n  claude-haiku-4-5\n  of\n  2026-10-12"
        );
        assert_eq!(wrapped("ten chars!", Some(10), 2), "ten chars!");
        assert_eq!(wrapped("any text at all", None, 2), "any text at all");
        assert_eq!(wrapped("", Some(0), 0), "");
        assert_eq!(wrapped("  - é é", Some(5), 4), "  - é\n    é");
    }

    #[test]
    fn a_page_is_filled_anew_and_what_is_copied_stays() {
        let text = "# A heading that is long\n\nOne two three\nfour five.\n\n- an item of\n  two lines\n- another\n\n    code that is longer than that\n\n| a table | stays |\n```sh\na command of many words\n```\nEnd.\n";
        insta::assert_snapshot!(page(text, Some(15)), @r"
        # A heading that is long

        One two three
        four five.

        - an item of
          two lines
        - another

            code that is longer than that

        | a table | stays |
        ```sh
        a command of many words
        ```
        End.
        ");
        assert_eq!(page(text, None), text);
        insta::assert_snapshot!(page("One two three\nfour five.\n", Some(10)), @r"
        One two
        three four
        five.
        ");
    }
}
