//! The grammar of OpenAI line items, the only place where a cost row tells its model, meter and tier:
//!
//! ```text
//! [batch api | ]gpt-5.6-sol[ audio| image| text], cached input[, long context]
//! assistants api | file search
//! Vector storage
//! ```

use crate::invoice::ModelScope;
use crate::vocabulary::{Meter, Tier};

/// What a line item says. `None` means it does not distinguish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItem {
    pub model: ModelScope,
    pub meter: Option<Meter>,
    pub tier: Option<Tier>,
    pub long_context: Option<bool>,
    /// False where the text is not (fully) in the grammar: kept, and to be shown to a person.
    pub classified: bool,
}

/// Reads a line item; what does not fit the grammar comes back unclassified, never guessed.
pub fn read(text: &str) -> LineItem {
    let lower = text.trim().to_lowercase();
    let (channel, rest) = lower.split_once(" | ").map_or((None, lower.as_str()), |(c, rest)| (Some(c), rest));
    feature(channel, rest).or_else(|| model_line(channel, rest)).unwrap_or(LineItem {
        model: ModelScope::None,
        meter: None,
        tier: None,
        long_context: None,
        classified: false,
    })
}

/// What is billed without a model: tool fees, which the models' calls cause, and storage, which no call does.
fn feature(channel: Option<&str>, rest: &str) -> Option<LineItem> {
    let (model, meter) = match (channel, rest) {
        (None, "web search tool calls") => (ModelScope::All, Some(Meter::WebSearch)),
        (None | Some("assistants api"), "file search") => (ModelScope::All, Some(Meter::FileSearch)),
        (None | Some("assistants api"), "vector storage" | "vector store storage") => {
            (ModelScope::None, None)
        }
        _ => return None,
    };
    Some(LineItem { model, meter, tier: None, long_context: None, classified: true })
}

fn model_line(channel: Option<&str>, rest: &str) -> Option<LineItem> {
    let tier = match channel {
        None | Some("evals" | "assistants api") => Tier::Standard,
        Some("batch api") => Tier::Batch,
        Some("flex") => Tier::Flex,
        Some("priority") => Tier::Priority,
        Some(_) => return None,
    };
    let (rest, long) = rest.strip_suffix(", long context").map_or((rest, false), |rest| (rest, true));
    let (name, direction) = match rest.rsplit_once(", ") {
        Some((name, direction)) => (Some(name), Some(direction)),
        None if Direction::read(rest).is_some() => (None, Some(rest)),
        None => (Some(rest), None),
    };
    let Some(direction) = direction else {
        // A model without a direction (`batch api | gpt-image-2.5-sunburst image`): all its meters, as far as we know.
        let (model, _) = modality(rest);
        let model = model_name(model).filter(|model| model.contains(|c: char| c.is_ascii_digit()))?;
        let model = ModelScope::One(model.into());
        return Some(LineItem {
            model,
            meter: None,
            tier: Some(tier),
            long_context: None,
            classified: false,
        });
    };
    let direction = Direction::read(direction)?;
    let (model, modality) = name.map_or((ModelScope::All, Modality::Text), |name| {
        let (model, modality) = modality(name);
        (model_name(model).map_or(ModelScope::None, |model| ModelScope::One(model.into())), modality)
    });
    if model == ModelScope::None {
        return None;
    }
    let meter = Some(direction.meter(modality));
    Some(LineItem { model, meter, tier: Some(tier), long_context: Some(long), classified: true })
}

#[derive(Clone, Copy)]
enum Direction {
    Input,
    CachedInput,
    CacheWrites,
    Output,
}

#[derive(Clone, Copy)]
enum Modality {
    Text,
    Audio,
    Image,
}

impl Direction {
    fn read(text: &str) -> Option<Direction> {
        Some(match text {
            "input" | "input_tokens" => Direction::Input,
            "cached input" | "input_cached_tokens" => Direction::CachedInput,
            "cache writes" | "input_cache_write_tokens" => Direction::CacheWrites,
            "output" | "output_tokens" => Direction::Output,
            _ => return None,
        })
    }

    /// `input` is the uncached part only. Cached image tokens have no meter of their own and count as cache reads.
    fn meter(self, modality: Modality) -> Meter {
        match (self, modality) {
            (Direction::Input, Modality::Text) => Meter::Input,
            (Direction::Input, Modality::Audio) => Meter::InputAudio,
            (Direction::Input, Modality::Image) => Meter::InputImage,
            (Direction::CachedInput, Modality::Audio) => Meter::CacheReadAudio,
            (Direction::CachedInput, _) => Meter::CacheRead,
            (Direction::CacheWrites, _) => Meter::CacheWriteOther,
            (Direction::Output, Modality::Text) => Meter::Output,
            (Direction::Output, Modality::Audio) => Meter::OutputAudio,
            (Direction::Output, Modality::Image) => Meter::OutputImage,
        }
    }
}

fn modality(name: &str) -> (&str, Modality) {
    match name.rsplit_once(' ') {
        Some((model, "audio")) => (model, Modality::Audio),
        Some((model, "image")) => (model, Modality::Image),
        Some((model, "text")) => (model, Modality::Text),
        _ => (name, Modality::Text),
    }
}

/// A model id: one word. The dashboard writes `gpt-5_1-…` where the id is `gpt-5.1-…`.
fn model_name(text: &str) -> Option<String> {
    if text.is_empty() || text.contains(|c: char| c.is_whitespace() || matches!(c, ',' | '|')) {
        return None;
    }
    let chars: Vec<char> = text.chars().collect();
    let digit = |index: usize| chars.get(index).is_some_and(char::is_ascii_digit);
    let dotted = |(index, c): (usize, &char)| {
        if *c == '_' && index > 0 && digit(index - 1) && digit(index + 1) { '.' } else { *c }
    };
    Some(chars.iter().enumerate().map(dotted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use Meter::*;
    use Tier::*;

    /// Every string the notes on exports attest, and what it means.
    #[test]
    fn every_attested_line_item() {
        for (text, model, meter, tier, long) in [
            ("gpt-5.5-2026-04-23, input", "gpt-5.5-2026-04-23", Input, Standard, false),
            ("gpt-5.5-2026-04-23, cached input", "gpt-5.5-2026-04-23", CacheRead, Standard, false),
            ("gpt-5.5-2026-04-23, output", "gpt-5.5-2026-04-23", Output, Standard, false),
            ("gpt-4.1-2025-04-14, input", "gpt-4.1-2025-04-14", Input, Standard, false),
            ("gpt-5-mini-2025-08-07, output", "gpt-5-mini-2025-08-07", Output, Standard, false),
            ("gpt-4o-mini-2024-07-18, cached input", "gpt-4o-mini-2024-07-18", CacheRead, Standard, false),
            ("gpt-5.3-codex, input", "gpt-5.3-codex", Input, Standard, false),
            ("gpt-5.6-sol, cache writes", "gpt-5.6-sol", CacheWriteOther, Standard, false),
            ("gpt-5.6-sol, cache writes, long context", "gpt-5.6-sol", CacheWriteOther, Standard, true),
            ("gpt-5.6-sol, cached input, long context", "gpt-5.6-sol", CacheRead, Standard, true),
            ("priority | gpt-5.4-2026-03-05, input", "gpt-5.4-2026-03-05", Input, Priority, false),
            ("priority | gpt-5.6-sol, output, long context", "gpt-5.6-sol", Output, Priority, true),
            ("batch api | gpt-5_1-2025-11-13, input", "gpt-5.1-2025-11-13", Input, Batch, false),
            (
                "batch api | gpt-5-mini-2025-08-07, cached input",
                "gpt-5-mini-2025-08-07",
                CacheRead,
                Batch,
                false,
            ),
            ("flex | gpt-5-mini-2025-08-07, output", "gpt-5-mini-2025-08-07", Output, Flex, false),
            ("evals | gpt-4o-mini-2024-07-18, input", "gpt-4o-mini-2024-07-18", Input, Standard, false),
            ("ft-gpt-4o-2024-08-06, input", "ft-gpt-4o-2024-08-06", Input, Standard, false),
            ("ft-gpt-4o-2024-08-06, output", "ft-gpt-4o-2024-08-06", Output, Standard, false),
            (
                "gpt-audio-mini-2025-12-15 audio, input",
                "gpt-audio-mini-2025-12-15",
                InputAudio,
                Standard,
                false,
            ),
            ("gpt-image-2.5-flare image, output", "gpt-image-2.5-flare", OutputImage, Standard, false),
            (
                "gpt-image-2.5-sunburst text, cached input",
                "gpt-image-2.5-sunburst",
                CacheRead,
                Standard,
                false,
            ),
            ("gpt-5, input_tokens", "gpt-5", Input, Standard, false),
        ] {
            let expected = LineItem {
                model: ModelScope::One(model.into()),
                meter: Some(meter),
                tier: Some(tier),
                long_context: Some(long),
                classified: true,
            };
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn fees_and_totals_cover_whatever_models_were_used() {
        for (text, meter, tier) in [
            ("web search tool calls", WebSearch, None),
            ("Web search tool calls", WebSearch, None),
            ("assistants api | file search", FileSearch, None),
            ("input_tokens", Input, Some(Standard)),
        ] {
            let item = read(text);
            assert_eq!((item.model, item.meter, item.tier), (ModelScope::All, Some(meter), tier), "{text}");
            assert!(item.classified, "{text}");
        }
    }

    #[test]
    fn storage_is_known_and_of_no_model() {
        for text in ["Vector storage", "Vector store storage"] {
            let item = read(text);
            assert_eq!((item.model, item.meter, item.classified), (ModelScope::None, None, true), "{text}");
        }
    }

    #[test]
    fn a_model_without_a_direction_is_kept_whole_and_flagged() {
        for (text, model) in [
            ("batch api | gpt-5_1-2025-11-13", "gpt-5.1-2025-11-13"),
            ("batch api | gpt-image-2.5-sunburst image", "gpt-image-2.5-sunburst"),
            ("batch api | gpt-image-2.5-sunburst text", "gpt-image-2.5-sunburst"),
        ] {
            let item = read(text);
            assert_eq!((item.model, item.meter), (ModelScope::One(model.into()), None), "{text}");
            assert_eq!((item.tier, item.classified), (Some(Batch), false), "{text}");
        }
        assert_eq!(read("flex | gpt-5-mini").tier, Some(Flex));
    }

    #[test]
    fn what_is_outside_the_grammar_is_not_guessed() {
        for text in [
            "Text tokens",
            "Completions",
            "Code interpreter sessions",
            "Promotional credit",
            "gpt-5.5-2026-04-23, input, regional processing",
            "turbo | gpt-5.5-2026-04-23, input",
            "some words, input",
            ", input",
            "",
        ] {
            let item = read(text);
            assert!(!item.classified && item.model == ModelScope::None && item.meter.is_none(), "{text}");
        }
    }
}
