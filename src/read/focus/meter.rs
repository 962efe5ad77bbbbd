//! Meter, tier, region scope and context band from the words of a SKU, only where the words leave no choice.
//!
//! ```text
//! USW2-Claude4.6Sonnet-cache-read-input-token-count      cache_read
//! 5.4 cd inp Gl 1M Tokens                                cache_read, global   (Microsoft's short words)
//! ```

use super::scope::Publisher;
use super::tools;
use crate::vocabulary::{Meter, Tier};

/// A SKU text as lower-case words: `InputTokenCount_Global` is `input token count global`.
pub struct Words(Vec<String>);

impl Words {
    pub fn of(text: &str) -> Words {
        let mut words = vec![String::new()];
        let mut before = ' ';
        for letter in text.chars() {
            let starts = letter.is_ascii_uppercase() && before.is_ascii_lowercase();
            let joins = letter.is_alphanumeric() || letter == '.';
            if (starts || !joins) && words.last().is_some_and(|word| !word.is_empty()) {
                words.push(String::new());
            }
            if let (true, Some(word)) = (joins, words.last_mut()) {
                word.extend(letter.to_lowercase());
            }
            before = letter;
        }
        words.retain(|word| !word.is_empty());
        Words(words)
    }

    pub fn any(&self, wanted: &[&str]) -> bool {
        self.0.iter().any(|word| wanted.contains(&word.as_str()))
    }

    fn pair(&self, first: &str, second: &str) -> bool {
        self.0.windows(2).any(|pair| pair[0] == first && pair[1] == second)
    }
}

/// What the words of a SKU say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sku {
    pub meter: Option<Meter>,
    /// `global`, `datazone`, `regional`
    pub scope: Option<&'static str>,
    pub long_context: Option<bool>,
}

/// Capacity, training and hosting are priced in tokens too, but are no tokens that a request used.
const NOT_USAGE: &[&str] =
    &["reserved", "minute", "tpm", "training", "trng", "hosting", "hstng", "grader", "grdr", "provisioned"];

/// True where the words name a model and no usage of it: beside its tokens the row would hide what those cost.
pub fn is_beside_usage(words: &Words) -> bool {
    words.any(NOT_USAGE) || words.any(&["grounding", "tuning"])
}

/// Reads the words; `bare_write` is the meter of a cache write whose lifetime is not named. `in_tokens`: the row's unit
/// says that it counts tokens, which Google's words leave out (`Text Input - Predictions`).
pub fn read(words: &Words, publisher: Publisher, bare_write: Meter, in_tokens: bool) -> Sku {
    let ours = |own: &[&str], microsoft: &[&str]| {
        words.any(own) || (publisher == Publisher::Microsoft && words.any(microsoft))
    };
    let (scope, long_context) = (scope(words, publisher), band(words));
    if let Some(meter) = tools::meter(words, publisher) {
        return Sku { meter: Some(meter), scope, long_context: None };
    }
    if !(in_tokens || words.any(&["token", "tokens"])) || words.any(NOT_USAGE) {
        return Sku::default();
    }
    let input = ours(&["input", "prompt"], &["inp", "inpt", "in"]);
    let output = ours(&["output", "completion"], &["outp", "outpt", "out", "opt"]);
    let cached = ours(&["cached", "caching", "cache"], &["cchd", "cched", "ccchd", "cd", "ch"]);
    let write = cached && ours(&["write", "creation"], &["wr"]);
    let stored = words.any(&["storage"]);
    let modality =
        match (ours(&["audio", "speech"], &["aud"]), ours(&["image"], &["img"]), words.any(&["video"])) {
            (false, false, false) => Some(None),
            (true, false, false) => Some(Some("audio")),
            (false, true, false) => Some(Some("image")),
            (false, false, true) => Some(Some("video")),
            _ => None,
        };
    // A cached word with neither direction is a read only where it says so: `cached`, `cache read`.
    let read =
        cached && !write && !output && (input || ours(&["cached", "caching", "read"], &["cd", "cchd"]));
    let meter = match (modality, write, read, input, output) {
        (_, _, _, true, true) => None,
        _ if stored => None,
        (Some(None), true, _, _, false) => lifetime(words, bare_write),
        (Some(None), false, true, _, false) => Some(Meter::CacheRead),
        (Some(Some("audio")), false, true, _, false) => Some(Meter::CacheReadAudio),
        // Google's cached images and videos cost what its cached text costs.
        (Some(_), false, true, _, false) if publisher == Publisher::Google => Some(Meter::CacheRead),
        (Some(None), false, false, true, false) if !cached => Some(Meter::Input),
        (Some(Some("audio")), false, false, true, false) if !cached => Some(Meter::InputAudio),
        (Some(Some("image")), false, false, true, false) if !cached => Some(Meter::InputImage),
        (Some(Some("video")), false, false, true, false) if !cached => Some(Meter::InputVideo),
        (Some(None), false, false, false, true) if !cached => Some(
            // Google's "Thinking On" names all output of such calls, "Thinking Text Output" only the thoughts.
            if words.any(&["reasoning"]) || (words.any(&["thinking"]) && !words.pair("thinking", "on")) {
                Meter::OutputReasoning
            } else {
                Meter::Output
            },
        ),
        (Some(Some("audio")), false, false, false, true) if !cached => Some(Meter::OutputAudio),
        (Some(Some("image")), false, false, false, true) if !cached => Some(Meter::OutputImage),
        _ => None,
    };
    Sku { meter, scope, long_context }
}

fn lifetime(words: &Words, bare: Meter) -> Option<Meter> {
    Some(match () {
        () if words.any(&["1h"]) || words.pair("1", "hour") => Meter::CacheWrite1h,
        () if words.any(&["5m"]) || words.pair("5", "minutes") => Meter::CacheWrite5m,
        () if words.any(&["30m"]) => Meter::CacheWrite30m,
        () if words.any(&["12h"]) => Meter::CacheWrite12h,
        () => bare,
    })
}

/// The tier that the texts of a row name, the SKU's own first; the inner `None` is one that has no word of ours.
///
/// The three clouds write the tier into a row, so a row without one is standard there, and unknown elsewhere.
pub fn tier<'t>(sku: &Words, others: impl Iterator<Item = &'t str>, publisher: Publisher) -> Option<Tier> {
    // Microsoft's `PP` is priority in the name of a meter; in that of a product it stands beside other things.
    let short = publisher == Publisher::Microsoft && sku.any(&["pp"]);
    let own = if short { Some(Some(Tier::Priority)) } else { named_tier(sku) };
    let said = own.or_else(|| others.map(Words::of).find_map(|words| named_tier(&words)));
    said.unwrap_or_else(|| (publisher != Publisher::Other).then_some(Tier::Standard))
}

fn named_tier(words: &Words) -> Option<Option<Tier>> {
    match () {
        () if words.any(&["batch"]) => Some(Some(Tier::Batch)),
        () if words.any(&["flex"]) => Some(Some(Tier::Flex)),
        () if words.any(&["priority"]) => Some(Some(Tier::Priority)),
        () if words.any(&["latency", "offpeak"]) => Some(None),
        () if words.any(&["standard"]) => Some(Some(Tier::Standard)),
        () => None,
    }
}

fn scope(words: &Words, publisher: Publisher) -> Option<&'static str> {
    let microsoft = publisher == Publisher::Microsoft;
    match () {
        () if words.any(&["global"]) || (microsoft && words.any(&["glbl", "gl", "glb"])) => Some("global"),
        () if microsoft && (words.any(&["datazone", "dzone", "dzn", "dz"]) || words.pair("data", "zone")) => {
            Some("datazone")
        }
        () if microsoft && words.any(&["regnl", "rgnl", "regional", "regn", "rg"]) => Some("regional"),
        () if publisher == Publisher::Aws => Some("regional"),
        () => None,
    }
}

fn band(words: &Words) -> Option<bool> {
    let long = words.any(&["lctx", "longco", "long"]) || words.pair("long", "co");
    // Google's `(Long & Standard)` names both.
    let short = words.any(&["shortco", "short"]) || words.pair("long", "standard");
    match (long, short) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(text: &str, publisher: Publisher) -> Option<Meter> {
        read(&Words::of(text), publisher, Meter::CacheWriteOther, false).meter
    }

    #[test]
    fn the_words_of_each_publisher() {
        use Publisher::{Aws, Google, Microsoft, Other};
        for (text, publisher, expected) in [
            ("USW2-Claude4.6Sonnet-input-tokens", Aws, Some(Meter::Input)),
            ("USW2-Claude4.6Sonnet-cache-read-input-token-count", Aws, Some(Meter::CacheRead)),
            ("USW2-Claude4.6Sonnet-cache-write-input-token-count", Aws, Some(Meter::CacheWriteOther)),
            ("USE1-x-mantle-cache-write-tokens-1h-standard", Aws, Some(Meter::CacheWrite1h)),
            ("USE1-MP:USE1_CacheReadInputTokenCount_Global-Units", Aws, Some(Meter::CacheRead)),
            ("USE1-Claude-reserved-1-month-input-tokens-per-minute", Aws, None),
            ("5.4 cd inp Gl 1M Tokens", Microsoft, Some(Meter::CacheRead)),
            ("V4 Pro cached glbl Tokens", Microsoft, Some(Meter::CacheRead)),
            ("5.6 Cd Wr Gl 1M Tokens", Microsoft, Some(Meter::CacheWriteOther)),
            ("5.4 opt Dz 1M Tokens", Microsoft, Some(Meter::Output)),
            ("5.4 opt Dz 1M Tokens", Other, None),
            ("Thinking Text Output Tokens", Google, Some(Meter::OutputReasoning)),
            ("Text Output Tokens (Thinking On)", Google, Some(Meter::Output)),
            ("Input and Output Tokens", Other, None),
            ("Cache Tokens", Other, None),
            ("Tokens", Other, None),
            ("Synthesised Characters", Other, None),
            ("Context Cache Storage", Other, None),
        ] {
            assert_eq!(meter(text, publisher), expected, "{text}");
        }
    }
}
