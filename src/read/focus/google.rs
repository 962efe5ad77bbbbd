//! Google's SKU texts into the model and the words around it: model and modality share words (`Gemini 2.5 Flash Image`),
//! so the name is taken out before the rest is read for its meter.
//!
//! ```text
//! Gemini 2.5 Flash GA Audio Input - Predictions                     Gemini 2.5 Flash | Audio Input - Predictions
//! Generate_content text output token count for gemini 3 flash batch gemini 3 flash   | … text output … batch
//! AI Dev Tools: Claude Opus 4.6 Input Tokens (Long)                 Claude Opus 4.6  | … Input Tokens (Long)
//! ```

/// What stands in front of the name of another company's model.
const MODEL_GARDEN: &str = "cloud vertex ai model garden model as a service ";

/// First words of names that stand anywhere in a text.
const FAMILIES: &[&str] = &["gemini", "claude"];

/// Said of a version, and no part of its name.
const RELEASES: &[&str] = &["ga", "preview"];

const MODALITIES: &[&str] = &["text", "image", "audio", "video"];

/// Where a name ends: words of what is counted, of how it was served and where.
const ENDS: &[&str] = &[
    "input",
    "output",
    "caching",
    "cached",
    "cache",
    "context",
    "storage",
    "thinking",
    "token",
    "tokens",
    "batch",
    "flex",
    "priority",
    "offpeak",
    "long",
    "short",
    "global",
    "regional",
    "grounding",
    "tuning",
    "training",
    "predictions",
    "provisioned",
    "for",
];

/// The model by Google's own words, and the text without it; `None` where no model is named.
pub fn split(text: &str) -> Option<(String, String)> {
    let text = text.replace(['_', '(', ')'], " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let is = |index: usize, known: &[&str]| {
        words.get(index).is_some_and(|word: &&str| known.contains(&word.to_ascii_lowercase().as_str()))
    };
    let prefix = MODEL_GARDEN.split_whitespace().count();
    let garden = words.iter().zip(MODEL_GARDEN.split_whitespace());
    let start =
        if words.len() > prefix && garden.clone().all(|(word, known)| word.eq_ignore_ascii_case(known)) {
            prefix
        } else {
            (0..words.len()).find(|index| is(*index, FAMILIES))?
        };
    // Two words of modality: the one beside the name is the model's own, `Gemini 3 Pro Image` beside `image output`.
    let modalities = (0..words.len()).filter(|index| is(*index, MODALITIES)).count();
    let mut end = start;
    let mut name = Vec::new();
    while end < words.len() {
        let ends = is(end, ENDS)
            || (is(end, MODALITIES) && !(is(end, &["image"]) && modalities > 1))
            || !words[end].starts_with(char::is_alphanumeric);
        if ends {
            break;
        }
        if !is(end, RELEASES) {
            name.push(words[end]);
        }
        end += 1;
    }
    // A family alone is no model.
    let least = if start == prefix { 1 } else { 2 };
    let rest = [&words[..start], &words[end..]].concat().join(" ");
    (name.len() >= least).then(|| (name.join(" "), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_where_the_words_of_the_meter_begin() {
        for (text, model, rest) in [
            ("Gemini 2.5 Flash Image Input - Predictions", "Gemini 2.5 Flash", "Image Input - Predictions"),
            ("Gemini 2.5 Flash Image Text Input", "Gemini 2.5 Flash Image", "Text Input"),
            (
                "Generate_content image output token count for Gemini 3 Pro Image",
                "Gemini 3 Pro Image",
                "Generate content image output token count for",
            ),
            ("Gemini 3.1 Flash Lite Preview Text Output", "Gemini 3.1 Flash Lite", "Text Output"),
        ] {
            assert_eq!(split(text), Some((model.to_owned(), rest.to_owned())), "{text}");
        }
        assert_eq!(split("Grounding with Google Search"), None);
        assert_eq!(split("Gemini Input Tokens"), None);
    }
}
