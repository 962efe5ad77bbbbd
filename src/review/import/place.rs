//! Who sells what where, out of the names of a list: `azure/eu/gpt-4o`, `us.anthropic.claude-opus-5`, `gemini/…`.

use super::Context;
use crate::usage::cube::Band;
use crate::vocabulary::{SELLERS, Seller};

/// Sellers under names that only lists give them.
const PROVIDERS: [(&str, &str); 6] = [
    ("amazon-bedrock", "aws-bedrock"),
    ("bedrock_mantle", "aws-bedrock"),
    ("fireworks-ai", "fireworks"),
    ("google-vertex-anthropic", "google-vertex"),
    ("togetherai", "together"),
    ("x-ai", "xai"),
];
/// LiteLLM adds kinds of models to these: `vertex_ai-anthropic_models`.
const KINDS: [(&str, &str); 2] = [("vertex_ai-", "google-vertex"), ("fireworks_ai-", "fireworks")];

/// What gateways put before ids, by seller.
const PREFIXES: [(&str, &[&str]); 15] = [
    ("anthropic", &["anthropic/"]),
    (
        "aws-bedrock",
        &["bedrock/converse/", "bedrock/invoke/", "bedrock/", "bedrock_converse/", "bedrock_mantle/"],
    ),
    ("azure-openai", &["azure_ai/", "azure/"]),
    ("cohere", &["cohere/", "cohere_chat/"]),
    ("deepseek", &["deepseek/"]),
    ("fireworks", &["fireworks_ai/"]),
    ("google-gemini-api", &["gemini/"]),
    ("google-vertex", &["vertex_ai/"]),
    ("groq", &["groq/"]),
    ("mistral", &["mistral/"]),
    ("openai", &["openai/"]),
    ("openrouter", &["openrouter/"]),
    ("perplexity", &["perplexity/"]),
    ("together", &["together_ai/"]),
    ("xai", &["xai/"]),
];

/// Where a deployment answers from, by the part of LiteLLM's name after `azure/`.
pub const AZURE: [(&str, &str); 6] = [
    ("global-standard/", "global"),
    ("global/", "global"),
    ("us-gov/", "datazone:usgov"),
    ("us/", "datazone:us"),
    ("eu/", "datazone:eu"),
    ("apac/", "datazone:asia"),
];
/// Inference profiles: `us.anthropic.claude-opus-5`.
pub const BEDROCK: [(&str, &str); 9] = [
    ("global.", "global"),
    ("us-gov.", "geo:us-gov"),
    ("us.", "geo:us"),
    ("eu.", "geo:eu"),
    ("apac.", "geo:apac"),
    ("jp.", "geo:jp"),
    ("au.", "geo:au"),
    ("ca.", "geo:ca"),
    ("in.", "geo:in"),
];
/// Lists show the price of this region where an id names none.
pub const BEDROCK_HOME: &str = "us-east-1";

/// The seller behind a list's name of a provider.
pub fn provider(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let kind = KINDS.iter().find(|(start, _)| lower.starts_with(start)).map(|(_, seller)| *seller);
    let other = PROVIDERS.iter().find(|(other, _)| *other == lower).map(|(_, seller)| *seller);
    let id = other.or(kind).or_else(|| Seller::find(&lower).map(|seller| seller.id))?;
    SELLERS.iter().find(|seller| seller.id == id).map(|seller| seller.id)
}

/// A model and where it is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub model: String,
    pub known: bool,
    pub region: String,
}

/// Reads the names a list has for one model, the likeliest first, or says why they are no name of a model.
pub fn place(
    context: &Context,
    seller: &'static str,
    names: &[&str],
    at: i64,
) -> Result<Place, &'static str> {
    let mut first = None;
    for name in names {
        let (bare, region) = locate(seller, name)?;
        for spelling in [name, bare] {
            if let Some(model) = context.book.resolve(seller, spelling, at) {
                return Ok(Place { model: model.to_owned(), known: true, region });
            }
        }
        first.get_or_insert((bare, region));
    }
    let (bare, region) = first.ok_or("a model without a name")?;
    Ok(Place { model: bare.to_owned(), known: false, region })
}

/// The boundary above which a list's price holds. Most lists cannot say that a boundary itself is above; where the book
/// knows that this seller means it so, it is read so.
pub fn above(context: &Context, seller: &str, tokens: u64) -> Band {
    let mut bands =
        context.book.ledger(seller).filter_map(|row| row.ctx).filter(|band| band.tokens == tokens).peekable();
    let inclusive = bands.peek().is_some() && bands.all(|band| band.inclusive);
    Band { tokens, inclusive }
}

/// Cuts off what is not the model: prefixes, regions, profiles.
fn locate<'n>(seller: &str, name: &'n str) -> Result<(&'n str, String), &'static str> {
    if name.split('/').any(|part| part.contains("-x-")) {
        return Err("a price for one size of picture");
    }
    if name.starts_with("ft:") {
        return Err("a fine-tuned model: its price follows from its base by a pattern");
    }
    let prefixes = PREFIXES.iter().find(|(id, _)| *id == seller).map_or(&[][..], |(_, prefixes)| prefixes);
    let cut = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    let region = |table: &[(&str, &str)]| {
        let found =
            table.iter().find_map(|(start, region)| cut.strip_prefix(start).map(|rest| (rest, *region)));
        found.map(|(rest, region)| (rest, region.to_owned()))
    };
    let (bare, region) = match seller {
        "azure-openai" => region(&AZURE).unwrap_or((cut, "global".to_owned())),
        "aws-bedrock" => match cut.split_once('/') {
            Some((place, rest)) if is_cloud_region(place) => (rest, place.to_owned()),
            Some(_) => return Err("no id of a model: a commitment, a guardrail or another product"),
            None => region(&BEDROCK).unwrap_or((cut, BEDROCK_HOME.to_owned())),
        },
        _ => (cut, "global".to_owned()),
    };
    let whole = matches!(seller, "azure-openai" | "aws-bedrock") && bare.contains('/');
    if whole || bare.is_empty() {
        return Err("no id of a model: a commitment, a guardrail or another product");
    }
    Ok((bare, region))
}

/// `us-east-1`, `us-gov-west-1`
fn is_cloud_region(text: &str) -> bool {
    text.contains('-')
        && text.ends_with(|last: char| last.is_ascii_digit())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_name_sellers_in_their_own_ways() {
        for (name, seller) in [
            ("vertex_ai-anthropic_models", Some("google-vertex")),
            ("text-completion-openai", Some("openai")),
            ("amazon-bedrock", Some("aws-bedrock")),
            ("x-ai", Some("xai")),
            ("google", Some("google-gemini-api")),
            ("azure_ai", Some("azure-openai")),
            ("databricks", None),
            ("", None),
        ] {
            assert_eq!(provider(name), seller, "{name}");
        }
    }

    #[test]
    fn a_name_says_where_it_is_sold() {
        for (seller, name, bare, region) in [
            ("azure-openai", "azure/eu/gpt-4o", "gpt-4o", "datazone:eu"),
            ("azure-openai", "azure/global-standard/gpt-4o-mini", "gpt-4o-mini", "global"),
            ("aws-bedrock", "us.anthropic.claude-opus-5", "anthropic.claude-opus-5", "geo:us"),
            ("aws-bedrock", "us-gov.anthropic.claude-opus-5", "anthropic.claude-opus-5", "geo:us-gov"),
            ("aws-bedrock", "bedrock/eu-west-1/meta.llama3-8b", "meta.llama3-8b", "eu-west-1"),
            ("aws-bedrock", "amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0", "us-east-1"),
            ("groq", "groq/openai/gpt-oss-20b", "openai/gpt-oss-20b", "global"),
            ("google-gemini-api", "gemini/gemini-2.5-pro", "gemini-2.5-pro", "global"),
        ] {
            assert_eq!(locate(seller, name), Ok((bare, region.to_owned())), "{name}");
        }
        for (seller, name) in [
            ("aws-bedrock", "bedrock/*/1-month-commitment/cohere.command-text-v14"),
            ("aws-bedrock", "bedrock/us-east-1/1-month-commitment/anthropic.claude-v2"),
            ("openai", "low/1024-x-1024/gpt-image-1"),
            ("openai", "ft:gpt-4o-2024-08-06"),
            ("azure-openai", "azure/speech/azure-stt"),
        ] {
            assert!(locate(seller, name).is_err(), "{name}");
        }
    }
}
