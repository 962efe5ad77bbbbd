//! The model of a row: from a column that names it, from a resource id, or from the text in front of the meter words.
//!
//! ```text
//! arn:aws:bedrock:us-west-2:…:inference-profile/us.anthropic.claude-sonnet-4-6    claude-sonnet-4-6
//! USE1-anthropic.claude-opus-4-8-mantle-cache-write-tokens-standard               claude-opus-4-8
//! ```

use super::google;
use super::row::Cells;
use super::scope::Publisher;

/// The model by the bill's own name; `None` where no column names it with certainty.
pub fn read(cells: &Cells, publisher: Publisher) -> Option<String> {
    let named = ["x_ModelId", "x_Model"].iter().find_map(|column| cells.get(column).map(str::to_owned));
    named.or_else(|| cells.price_detail("ModelId")).or_else(|| match publisher {
        Publisher::Aws => cells
            .get("ResourceId")
            .and_then(resource)
            .or_else(|| cells.get("x_UsageType").or(cells.get("SkuMeter")).and_then(usage_type))
            .or_else(|| cells.get("ChargeDescription").and_then(per_thousand)),
        Publisher::Microsoft => microsoft(cells),
        Publisher::Google => cells.get("ChargeDescription").and_then(google::split).map(|(model, _)| model),
        Publisher::Other => None,
    })
}

/// A foundation model or a system-defined profile; an application profile hides its model behind an opaque id.
fn resource(arn: &str) -> Option<String> {
    let id = ["foundation-model/", "inference-profile/"].iter().find_map(|kind| {
        let (before, id) = arn.split_once(kind)?;
        (!before.ends_with("application-")).then_some(id)
    })?;
    bare_id(id)
}

/// `global.anthropic.claude-haiku-4-5-20251001-v1:0` without profile, vendor, release date and version.
fn bare_id(id: &str) -> Option<String> {
    let id = id.rsplit_once('/').map_or(id, |(_, last)| last);
    let vendor = ["anthropic.", "amazon.", "meta.", "mistral.", "deepseek.", "cohere.", "openai.", "qwen."];
    let start = vendor.iter().find_map(|name| id.find(name).map(|at| at + name.len()))?;
    let mut name = &id[start..];
    name = name.split_once(':').map_or(name, |(name, _)| name);
    name = name.strip_suffix("-v1").or(name.strip_suffix("-v2")).unwrap_or(name);
    if let Some((before, date)) = name.rsplit_once('-')
        && date.len() == 8
        && date.bytes().all(|byte| byte.is_ascii_digit())
    {
        name = before;
    }
    (!name.is_empty()).then(|| name.to_owned())
}

/// The part of a usage type between the region code and the meter words; marketplace types have none.
fn usage_type(text: &str) -> Option<String> {
    let (region, rest) = text.split_once('-')?;
    let is_code = (2..=4).contains(&region.len())
        && region.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !is_code || rest.starts_with("MP:") {
        return None;
    }
    if let Some((id, _)) = rest.split_once("-mantle-") {
        return bare_id(id);
    }
    let stems = ["-cache-read-", "-cache-write-", "-text-input-", "-input-tokens", "-output-tokens"];
    let end = stems.iter().filter_map(|stem| rest.find(stem)).min()?;
    Some(rest[..end].to_owned())
}

/// `$0.003 per 1K input tokens for Claude3Sonnet in US West (Oregon)`.
fn per_thousand(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(" tokens for ")?;
    let name = rest.split_once(" in ").map_or(rest, |(name, _)| name);
    let name = name.split_once(" Global").map_or(name, |(name, _)| name).trim();
    (!name.is_empty() && !name.contains(' ')).then(|| bare_id(name).unwrap_or_else(|| name.to_owned()))
}

/// Product and the words in front of the meter words: `Azure OpenAI GPT5` + `5.4 inp Gl` is `Azure OpenAI GPT5 5.4`.
/// The product belongs to the name: without it `5.4` and `4.3` could be anybody's.
fn microsoft(cells: &Cells) -> Option<String> {
    let described = cells.get("ChargeDescription").and_then(|text| text.split_once(" - "));
    let product = cells.get("x_SkuMeterSubcategory").or(described.map(|(product, _)| product))?;
    let meter = cells.get("SkuMeter").or(cells.get("x_SkuMeterName")).or(described.map(|(_, meter)| meter))?;
    const METER_WORDS: &[&str] = &[
        "inp", "inpt", "input", "in", "outp", "outpt", "output", "out", "opt", "cached", "cchd", "cched",
        "cd", "pp", "batch", "glbl", "gl", "dz", "shortco", "longco",
    ];
    let name: Vec<&str> = meter
        .split([' ', '-'])
        .take_while(|word| !METER_WORDS.contains(&word.to_ascii_lowercase().as_str()))
        .filter(|word| !word.is_empty())
        .collect();
    let is_token_meter = meter.to_ascii_lowercase().ends_with("tokens");
    (is_token_meter && !name.is_empty()).then(|| format!("{product} {}", name.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_names() {
        let profile =
            "arn:aws:bedrock:us-east-1:111122223333:inference-profile/global.anthropic.claude-opus-4-6-v1";
        assert_eq!(resource(profile).as_deref(), Some("claude-opus-4-6"));
        let model = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-haiku-4-5-20251001-v1:0";
        assert_eq!(resource(model).as_deref(), Some("claude-haiku-4-5"));
        assert_eq!(resource("arn:aws:bedrock:eu-west-1:1:application-inference-profile/x1y2"), None);
        assert_eq!(usage_type("USE1-NovaPro-input-tokens").as_deref(), Some("NovaPro"));
        assert_eq!(usage_type("USE1-MP:USE1_InputTokenCount_Global-Units"), None);
    }
}
