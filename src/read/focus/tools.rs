//! What is counted in something else than tokens: tool calls, stored files, sessions. By the words of the SKU.

use super::meter::Words;
use super::scope::Publisher;
use crate::vocabulary::Meter;

/// A SKU that holds all the words counts the meter.
struct Tool {
    publisher: Publisher,
    words: &'static [&'static str],
    meter: Meter,
    /// Nouns of `ConsumedUnit` that are one count of the meter, besides the meter's own.
    units: &'static [&'static str],
}

/// The first that fits is the one.
const TOOLS: &[Tool] = &[
    // `Web search calls`, as OpenAI's price page and cost export name them; other makers' words are alike.
    Tool {
        publisher: Publisher::Other,
        words: &["web", "search"],
        meter: Meter::WebSearch,
        units: &["Requests", "Searches"],
    },
    Tool {
        publisher: Publisher::Other,
        words: &["file", "search", "calls"],
        meter: Meter::FileSearch,
        units: &["Requests", "Searches"],
    },
    // `file-search-tool-calls-glbl Calls`, by 1K. Azure's price list of 2026-08-11.
    Tool {
        publisher: Publisher::Microsoft,
        words: &["file", "search", "calls"],
        meter: Meter::FileSearch,
        units: &[],
    },
    // `Assistants-File Search-glbl GB`, by 1/Day: the files that are kept, not the search. The same list.
    Tool {
        publisher: Publisher::Microsoft,
        words: &["file", "search", "gb"],
        meter: Meter::StorageGbDay,
        units: &[],
    },
    // `Code-Interpreter-global Session`, by 1. The same list.
    Tool {
        publisher: Publisher::Microsoft,
        words: &["code", "interpreter", "session"],
        meter: Meter::CodeExecSession,
        units: &[],
    },
    // The words of Google's grounding SKUs, and their units, are unverified.
    Tool {
        publisher: Publisher::Google,
        words: &["grounding", "google", "search"],
        meter: Meter::WebSearch,
        units: &["Requests", "Queries", "Prompts", "Count"],
    },
    // `Gemini 2.5 Flash Input Text Caching Storage`: from Google's list of SKUs.
    Tool {
        publisher: Publisher::Google,
        words: &["caching", "storage"],
        meter: Meter::CacheStorageTokenHour,
        units: &["Token Hours"],
    },
    // `Generate_content cached text storage token hours for gemini 3 flash`: from the same list.
    Tool {
        publisher: Publisher::Google,
        words: &["cached", "storage"],
        meter: Meter::CacheStorageTokenHour,
        units: &["Token Hours"],
    },
    // `Context Cache Storage`: as the draft of FOCUS for tokens writes it.
    Tool {
        publisher: Publisher::Google,
        words: &["cache", "storage"],
        meter: Meter::CacheStorageTokenHour,
        units: &["Token Hours"],
    },
];

fn tool(words: &Words, publisher: Publisher) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.publisher == publisher && tool.words.iter().all(|word| words.any(&[word])))
}

/// The meter that the words name.
pub fn meter(words: &Words, publisher: Publisher) -> Option<Meter> {
    tool(words, publisher).map(|tool| tool.meter)
}

/// True where one of the noun is one count of the meter.
pub fn counts(publisher: Publisher, meter: Meter, noun: impl Fn(&str) -> bool) -> bool {
    TOOLS
        .iter()
        .filter(|tool| tool.publisher == publisher && tool.meter == meter)
        .any(|tool| tool.units.iter().any(|unit| noun(unit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_not_the_storage_it_searches() {
        use Publisher::{Google, Microsoft, Other};
        for (text, publisher, expected) in [
            ("file-search-tool-calls-glbl Calls", Microsoft, Some(Meter::FileSearch)),
            ("Assistants-File Search-glbl GB", Microsoft, Some(Meter::StorageGbDay)),
            ("Code-Interpreter-regnl EP Session", Microsoft, Some(Meter::CodeExecSession)),
            ("Rerank v4 Pro Glbl Search", Microsoft, None),
            ("Gemini 2.5 Pro Grounding with Google Search - Predictions", Google, Some(Meter::WebSearch)),
            ("Grounding with Google Maps", Google, None),
            ("Gemini 2.5 Flash Input Text Caching Storage", Google, Some(Meter::CacheStorageTokenHour)),
            ("Context Cache Storage", Other, None),
            ("Web search calls", Other, Some(Meter::WebSearch)),
            ("File search tool calls", Other, Some(Meter::FileSearch)),
            ("File search storage", Other, None),
        ] {
            assert_eq!(meter(&Words::of(text), publisher), expected, "{text}");
        }
    }
}
