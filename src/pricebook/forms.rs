//! The forms a seller's names come in around a model id, as data rows of `models.toml`: what a name says of region and
//! tier beside the model. A form is matched whole, and what it leaves must be a known name; nothing is guessed.
//!
//! ```toml
//! forms = [
//!     { name = "us.{model}", region = "geo:us" },
//!     { name = "arn:aws:bedrock:{region}:{any}:inference-profile/{model}" },
//! ]
//! ```

use serde::Deserialize;
use toml::Spanned;

use super::row::is_region;
use super::text::Text;
use crate::diagnostic::Diagnostic;
use crate::vocabulary::Tier;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    name: Spanned<String>,
    /// The known name, where it is not just what stands for `{model}`.
    model: Option<String>,
    region: Option<Spanned<String>>,
    tier: Option<Tier>,
}

/// One form, read.
#[derive(Debug, Clone)]
pub(super) struct Form {
    parts: Vec<Part>,
    /// Before and after the model in the known name.
    around: (Box<str>, Box<str>),
    region: Option<Box<str>>,
    tier: Option<Tier>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    /// Whatever is left, up to the next text.
    Model,
    /// A cloud region, which ends in a digit, or `global`.
    Region,
    /// Anything without `:` and `/`, or nothing.
    Any,
}

/// What a name says beside the name that is left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Said {
    pub name: String,
    pub region: Option<Box<str>>,
    pub tier: Option<Tier>,
}

impl Form {
    /// Reads a name in lower case.
    pub fn read(&self, name: &str) -> Option<Said> {
        let mut rest = name;
        let (mut model, mut region) = ("", self.region.as_deref());
        let mut parts = self.parts.iter().peekable();
        while let Some(part) = parts.next() {
            if let Part::Text(text) = part {
                rest = rest.strip_prefix(&**text)?;
                continue;
            }
            let length = match parts.peek() {
                Some(Part::Text(next)) => rest.find(&**next)?,
                _ => rest.len(),
            };
            let (value, after) = rest.split_at(length);
            rest = after;
            match part {
                Part::Model => model = Some(value).filter(|value| !value.is_empty())?,
                Part::Region => region = Some(value).filter(|value| is_place(value))?.into(),
                _ => (!value.contains([':', '/'])).then_some(())?,
            }
        }
        rest.is_empty().then(|| Said {
            name: format!("{}{model}{}", self.around.0, self.around.1),
            region: region.map(Into::into),
            tier: self.tier,
        })
    }
}

fn is_place(text: &str) -> bool {
    text == "global" || (is_region(text) && text.ends_with(|last: char| last.is_ascii_digit()))
}

pub(super) fn read(text: &Text, entry: &Entry, problems: &mut Vec<Diagnostic>) -> Option<Form> {
    let before = problems.len();
    let parts = parts(&entry.name.get_ref().to_ascii_lowercase());
    let model = entry.model.as_deref().unwrap_or("{model}").to_ascii_lowercase();
    let around = model.split_once("{model}");
    // Two placeholders in a row would share the text between them by a guess.
    let clear = parts.as_ref().is_some_and(|parts| {
        parts.iter().filter(|part| **part == Part::Model).count() == 1
            && parts.windows(2).all(|pair| pair.iter().any(|part| matches!(part, Part::Text(_))))
    });
    if !clear || around.is_none() {
        let message = format!("`{}` is no form of a name", entry.name.get_ref());
        problems.push(
            text.error("pricebook-name", entry.name.span(), message)
                .help("write the text around `{model}`; `{region}` and `{any}` stand for other parts"),
        );
    }
    let region = entry.region.as_ref().and_then(|region| read_region(text, region, problems));
    let (first, last) = around?;
    (problems.len() == before).then_some(Form {
        parts: parts?,
        around: (first.into(), last.into()),
        region,
        tier: entry.tier,
    })
}

pub(super) fn read_region(
    text: &Text,
    region: &Spanned<String>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Box<str>> {
    let known = is_region(region.get_ref());
    if !known {
        let message = format!("`{}` is no region", region.get_ref());
        problems.push(
            text.error("pricebook-region", region.span(), message)
                .help("write `geo:us`, `global`, or a cloud region such as `eu-west-1`"),
        );
    }
    known.then(|| region.get_ref().as_str().into())
}

fn parts(form: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = form;
    while !rest.is_empty() {
        let open = rest.find('{').unwrap_or(rest.len());
        let (text, after) = rest.split_at(open);
        if !text.is_empty() {
            parts.push(Part::Text(text.into()));
        }
        rest = after;
        if let Some(after) = rest.strip_prefix('{') {
            let (word, after) = after.split_once('}')?;
            parts.push(match word {
                "model" => Part::Model,
                "region" => Part::Region,
                "any" => Part::Any,
                _ => return None,
            });
            rest = after;
        }
    }
    Some(parts)
}
