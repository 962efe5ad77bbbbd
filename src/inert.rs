//! Text from outside that people read: nothing in it steers a terminal, reorders a line or hides.

/// Text from outside, safe to show: control sequences, control characters and marks that reorder text are taken out,
/// line breaks and tabs become one space.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => match chars.next() {
                // CSI: parameters up to a final byte.
                Some('[') => while chars.next().is_some_and(|char| !('\u{40}'..='\u{7e}').contains(&char)) {},
                // OSC, DCS, SOS, PM and APC: a string that ends with BEL or ESC \.
                Some(']' | 'P' | 'X' | '^' | '_') => skip_string(&mut chars),
                _ => {}
            },
            '\u{9b}' => while chars.next().is_some_and(|char| !('\u{40}'..='\u{7e}').contains(&char)) {},
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut chars),
            '\n' | '\t' => shown.push(' '),
            '\r' if chars.peek() == Some(&'\n') => {}
            _ if is_hidden(char) => {}
            _ => shown.push(char),
        }
    }
    shown
}

fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars>) {
    while let Some(char) = chars.next() {
        match char {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' if chars.peek() == Some(&'\\') => {
                chars.next();
                return;
            }
            _ => {}
        }
    }
}

/// Control characters, marks that change the direction of text, and marks that cannot be seen.
pub fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The text as a value of TOML, in which what cannot be seen is written by its number.
pub fn toml(text: &str) -> String {
    if !text.contains(is_hidden) {
        return ::toml::Value::from(text).to_string();
    }
    let mut written = "\"".to_owned();
    for char in text.chars() {
        match char {
            '"' | '\\' => written.extend(['\\', char]),
            char if is_hidden(char) => written.push_str(&format!("\\U{:08X}", u32::from(char))),
            char => written.push(char),
        }
    }
    written + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_never_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[31mred\u{1b}[0m b"), "ared b");
        assert_eq!(printable("\u{1b}]0;title\u{7}x\u{1b}]8;;http://a\u{1b}\\link"), "xlink");
        assert_eq!(printable("\u{9b}2Jx\u{7f}\u{0}y"), "xy");
        assert_eq!(printable("abc\u{202e}gpj.exe\u{2066}"), "abcgpj.exe");
        assert_eq!(printable("one\r\ntwo\tthree"), "one two three");
        assert_eq!(printable("Zürich 東京 👩"), "Zürich 東京 👩");
        assert_eq!(printable("cut \u{1b}"), "cut ");
    }

    #[test]
    fn a_value_of_toml_comes_back_as_it_was_and_hides_nothing() {
        for text in ["plain", "a\"b\\c", "abc\u{202e}gpj.exe", "x\u{feff}\n[[account]]\u{1b}[31m\"\\"] {
            let written = toml(text);
            assert!(!written.contains(is_hidden), "{written:?}");
            let table: ::toml::Table = format!("a = {written}").parse().unwrap();
            assert_eq!(table["a"].as_str(), Some(text));
        }
    }
}
