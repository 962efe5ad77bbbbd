//! One table of a contract file, read key by key: every wrong cell is reported where it is, and a key that nobody
//! asked for is no key of that kind of term.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Diagnostic;
use crate::pricebook::text::{Text, suggest};

/// A word in quotes, with its place.
pub struct Word {
    pub text: String,
    pub span: Range<usize>,
}

impl Word {
    /// The form in which the readers of other tables take it.
    pub fn spanned(&self) -> Spanned<String> {
        Spanned::new(self.span.clone(), self.text.clone())
    }
}

/// How a cell is read: what it is called, how it is written, and by what.
pub struct Form<T> {
    pub noun: &'static str,
    pub help: &'static str,
    pub read: fn(&str) -> Option<T>,
}

pub struct Entry<'a> {
    pub text: &'a Text<'a>,
    pub problems: &'a mut Vec<Diagnostic>,
    table: &'a DeTable<'a>,
    /// Place of the table, for what is missing in it.
    pub span: Range<usize>,
    asked: Vec<&'static str>,
}

impl<'a> Entry<'a> {
    pub fn new(
        text: &'a Text<'a>,
        problems: &'a mut Vec<Diagnostic>,
        table: &'a DeTable<'a>,
        span: Range<usize>,
    ) -> Entry<'a> {
        Entry { text, problems, table, span, asked: Vec::new() }
    }

    pub fn report(
        &mut self,
        code: &'static str,
        span: Range<usize>,
        message: String,
        help: impl Into<String>,
    ) {
        self.problems.push(self.text.error(code, span, message).help(help));
    }

    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.table.get(key)
    }

    /// The place of a key's value, or of the table.
    pub fn place(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or(self.span.clone(), Spanned::span)
    }

    pub fn missing(&mut self, key: &'static str, help: &str) {
        self.asked.push(key);
        let (span, message) = (self.span.clone(), format!("this term needs `{key}`"));
        self.report("contract-term", span, message, help);
    }

    fn in_quotes(&mut self, key: &str, value: &Spanned<DeValue>) -> Option<Word> {
        let span = value.span();
        if let Some(text) = value.get_ref().as_str() {
            return Some(Word { text: text.to_owned(), span });
        }
        let written = self.text.content.get(span.clone()).unwrap_or("…").to_owned();
        let message = format!("`{key}` is {}, not text in quotes", value.get_ref().type_str());
        self.report("contract-value", span, message, format!("write {key} = \"{written}\""));
        None
    }

    pub fn word(&mut self, key: &'static str) -> Option<Word> {
        let value = self.value(key)?;
        self.in_quotes(key, value)
    }

    pub fn words(&mut self, key: &'static str) -> Option<Vec<Word>> {
        let value = self.value(key)?;
        let Some(items) = value.get_ref().as_array() else {
            let message = format!("`{key}` is {}, not a list", value.get_ref().type_str());
            self.report("contract-value", value.span(), message, format!("write {key} = [\"…\"]"));
            return None;
        };
        Some(items.iter().filter_map(|item| self.in_quotes(key, item)).collect())
    }

    /// A cell that may be left out.
    pub fn cell<T>(&mut self, key: &'static str, form: &Form<T>) -> Option<T> {
        let word = self.word(key)?;
        let read = (form.read)(&word.text);
        if read.is_none() {
            self.report(
                "contract-value",
                word.span,
                format!("`{}` is no {}", word.text, form.noun),
                form.help,
            );
        }
        read
    }

    /// A cell that the term cannot do without.
    pub fn needed<T>(&mut self, key: &'static str, form: &Form<T>) -> Option<T> {
        if self.has(key) {
            return self.cell(key, form);
        }
        self.missing(key, form.help);
        None
    }

    /// One of the words; the first where the key is left out.
    pub fn choice<T: Copy>(&mut self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        if !self.has(key) {
            self.asked.push(key);
            return words.first().map(|(_, value)| *value);
        }
        let word = self.word(key)?;
        let found = words.iter().find(|(known, _)| *known == word.text).map(|(_, value)| *value);
        if found.is_none() {
            let help = suggest(&word.text, words.iter().map(|(known, _)| *known));
            self.report("contract-value", word.span, format!("`{}` is no value of `{key}`", word.text), help);
        }
        found
    }

    pub fn integer(&mut self, key: &'static str) -> Option<u32> {
        let value = self.value(key)?;
        let digits = value.get_ref().as_integer().filter(|number| number.radix() == 10);
        let number = digits.and_then(|number| number.as_str().replace('_', "").parse().ok());
        if number.is_none() {
            let written = self.text.content.get(value.span()).unwrap_or("…");
            let message = format!("`{key}` is {written}, not a whole number");
            self.report("contract-value", value.span(), message, format!("write {key} = 10"));
        }
        number
    }

    /// Reports the keys that the term has and its kind does not.
    pub fn finish(&mut self, kind: &str) {
        for key in self.table.keys().filter(|key| !self.asked.contains(&key.get_ref().as_ref())) {
            let message = format!("`{}` is no key of a {kind} term", key.get_ref());
            let help = suggest(key.get_ref(), self.asked.iter().copied());
            self.problems.push(self.text.error("contract-key", key.span(), message).help(help));
        }
    }
}
