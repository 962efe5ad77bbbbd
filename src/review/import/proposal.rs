//! A proposal is a small price book: laid over the shipped one it prices, and its lines can be moved there once reviewed.
//!
//! ```csv
//! gpt-7,input,standard,0,global,*,2.5,1000000,USD,2026-11-23,2026-11-23,1,listed,observed,,,,,litellm-2026-11-23,,…
//! ```

use std::collections::BTreeMap;

use super::{Context, Format, Quote};
use crate::diagnostic::Diagnostic;
use crate::pricebook::COLUMNS;
use crate::review::format::{canonical, instant};

/// Where the list came from.
#[derive(Debug, Clone)]
pub struct Origin<'a> {
    pub id: &'a str,
    pub format: &'static Format,
}

/// The files of the proposal, by their path inside the folder.
pub fn files(
    proposed: &[Quote],
    source: &Origin,
    context: &Context,
) -> Result<BTreeMap<String, String>, Box<Diagnostic>> {
    let mut ledgers: BTreeMap<&str, Vec<[String; COLUMNS.len()]>> = BTreeMap::new();
    let mut models: BTreeMap<(&str, &str), ()> = BTreeMap::new();
    for quote in proposed {
        ledgers.entry(quote.seller).or_default().push(line(quote, source.id, context));
        if !quote.known {
            models.insert((quote.seller, &quote.model), ());
        }
    }
    let mut files = BTreeMap::new();
    files.insert("book.toml".to_owned(), format!("name = {}\n", quoted(source.id)));
    files.insert(
        "sources.toml".to_owned(),
        format!(
            "[[source]]\nid = {}\nurl = {}\nretrieved = {}\n",
            quoted(source.id),
            quoted(source.format.url),
            context.retrieved
        ),
    );
    if !models.is_empty() {
        let entries = models.keys().map(|(seller, model)| {
            format!("[[model]]\nid = {}\nseller = {}\n", quoted(model), quoted(seller))
        });
        files.insert("models.toml".to_owned(), entries.collect::<Vec<_>>().join("\n"));
    }
    for (seller, lines) in ledgers {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for line in std::iter::once(COLUMNS.map(str::to_owned)).chain(lines) {
            writer.write_record(&line).expect("memory takes every record of one length");
        }
        let text =
            String::from_utf8(writer.into_inner().expect("memory is always flushed")).expect("text of texts");
        let name = format!("prices/{seller}.csv");
        let text = canonical(&name, &text)?;
        files.insert(name, text);
    }
    Ok(files)
}

fn line(quote: &Quote, source: &str, context: &Context) -> [String; COLUMNS.len()] {
    let from = quote.from.unwrap_or_else(|| context.retrieved.start());
    let status = match () {
        () if from > context.retrieved.start() => "scheduled",
        () if quote.cited => "listed",
        () => "estimated",
    };
    COLUMNS.map(|column| match column {
        "model" => quote.model.clone(),
        "meter" => quote.meter.id().to_owned(),
        "tier" => quote.tier.id().to_owned(),
        "ctx" => quote.boundary(),
        "region" => quote.region.clone(),
        "window" => "*".to_owned(),
        "price" => quote.price.clone(),
        "per" => quote.per.to_string(),
        "currency" => "USD".to_owned(),
        "from" => instant(from),
        "recorded" => context.retrieved.to_string(),
        "rev" => "1".to_owned(),
        "status" => status.to_owned(),
        "basis" => if quote.from.is_some() { "explicit" } else { "observed" }.to_owned(),
        "source" => source.to_owned(),
        "note" if quote.rounded => format!("{}; a float cut to 12 digits", quote.name),
        "note" => quote.name.clone(),
        _ => String::new(),
    })
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
