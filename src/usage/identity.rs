//! Which reading of a record's counters adds up to the record's own total? The identity decides, not the field's name.
//!
//! `prompt 24788, completion 845, total 25633, cache read 18432, cache write 6144` is inclusive: 212 tokens were
//! uncached input. The same counters with `total 50209` would mean that the prompt excludes the cache.

use crate::vocabulary::Reading;

/// Counters as a gateway logged them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    pub prompt: u64,
    pub completion: u64,
    /// `None` where the record has no total of its own, or where the gateway computed it.
    pub total: Option<u64>,
    pub cache_read: u64,
    pub cache_write: u64,
    /// Audio, image and video tokens, which sit inside the prompt and the completion.
    pub prompt_modal: u64,
    pub completion_modal: u64,
    pub reasoning: u64,
}

/// What is left for plain text input and output, and by which reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    pub reading: Reading,
    pub uncached: u64,
    pub visible: u64,
    /// False where the audio, image and video details cannot be inside the totals: they are left out of the classes.
    pub modal: bool,
}

impl Split {
    /// Sum of all disjoint classes of this reading.
    pub fn total(&self, counters: &Counters) -> u64 {
        let modal = if self.modal { counters.prompt_modal + counters.completion_modal } else { 0 };
        self.uncached + counters.cache_read + counters.cache_write + self.visible + counters.reasoning + modal
    }
}

/// Takes the first reading whose classes are not negative and add up to the total. Where no total proves anything, the
/// inclusive convention holds unless it would turn a class negative.
pub fn split(counters: &Counters) -> Split {
    let Counters {
        prompt,
        completion,
        cache_read,
        cache_write,
        prompt_modal,
        completion_modal,
        reasoning,
        ..
    } = *counters;
    let cached = cache_read + cache_write;
    let inside = |whole: u64, parts: u64| whole.checked_sub(parts);
    let input_inclusive = inside(prompt, cached + prompt_modal);
    let input_exclusive = inside(prompt, prompt_modal);
    let output_inclusive = inside(completion, reasoning + completion_modal);
    let output_exclusive = inside(completion, completion_modal);

    let base = prompt + completion;
    let readings = [
        (Reading::Inclusive, base, input_inclusive, output_inclusive),
        (Reading::CacheExclusive, base + cached, input_exclusive, output_inclusive),
        (Reading::ReasoningExclusive, base + reasoning, input_inclusive, output_exclusive),
        (Reading::BothExclusive, base + cached + reasoning, input_exclusive, output_exclusive),
    ];
    if let Some(total) = counters.total {
        for (reading, sum, uncached, visible) in readings {
            if let (true, Some(uncached), Some(visible)) = (sum == total, uncached, visible) {
                return Split { reading, uncached, visible, modal: true };
            }
        }
    }

    let (uncached, visible, modal) =
        match (input_inclusive.or(input_exclusive), output_inclusive.or(output_exclusive)) {
            (Some(uncached), Some(visible)) => (uncached, visible, true),
            _ => (
                inside(prompt, cached).unwrap_or(prompt),
                inside(completion, reasoning).unwrap_or(completion),
                false,
            ),
        };
    let computed = counters.total.is_none_or(|total| total == base);
    let reading = match (modal, input_inclusive, output_inclusive) {
        (true, Some(_), Some(_)) if computed => Reading::InclusiveInferred,
        (true, ..) if computed => Reading::ExclusiveInferred,
        _ => Reading::IdentityFailed,
    };
    Split { reading, uncached, visible, modal }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn anthropic(total: Option<u64>) -> Counters {
        Counters {
            prompt: 24788,
            completion: 845,
            total,
            cache_read: 18432,
            cache_write: 6144,
            reasoning: 320,
            ..Counters::default()
        }
    }

    #[test]
    fn the_total_decides() {
        let inclusive = split(&anthropic(Some(25633)));
        assert_eq!(
            (inclusive.reading, inclusive.uncached, inclusive.visible),
            (Reading::Inclusive, 212, 525)
        );
        let exclusive = split(&anthropic(Some(25633 + 24576)));
        assert_eq!(
            (exclusive.reading, exclusive.uncached, exclusive.visible),
            (Reading::CacheExclusive, 24788, 525)
        );
        assert_eq!(split(&anthropic(Some(25633 + 320))).reading, Reading::ReasoningExclusive);
        assert_eq!(split(&anthropic(Some(25633 + 24576 + 320))).reading, Reading::BothExclusive);
        assert_eq!(split(&anthropic(Some(1))).reading, Reading::IdentityFailed);
        assert_eq!(split(&anthropic(None)).reading, Reading::InclusiveInferred);
    }

    #[test]
    fn without_proof_exclusive_only_where_inclusive_would_be_negative() {
        let raw = Counters {
            prompt: 212,
            completion: 845,
            cache_read: 18432,
            total: Some(1057),
            ..Counters::default()
        };
        let read = split(&raw);
        assert_eq!((read.reading, read.uncached, read.visible), (Reading::ExclusiveInferred, 212, 845));
    }

    proptest! {
        #[test]
        fn classes_add_up_to_what_the_reading_says(
            c in (0u64..9, 0u64..9, 0u64..5, 0u64..5, 0u64..5, 0u64..5, 0u64..5), total in prop::option::of(0u64..30),
        ) {
            let counters = Counters {
                prompt: c.0, completion: c.1, cache_read: c.2, cache_write: c.3, prompt_modal: c.4,
                completion_modal: c.5, reasoning: c.6, total,
            };
            let read = split(&counters);
            let (base, cached) = (c.0 + c.1, c.2 + c.3);
            let sum = read.total(&counters);
            match read.reading {
                Reading::Inclusive => { prop_assert_eq!(sum, base); prop_assert_eq!(Some(sum), total); }
                Reading::CacheExclusive => { prop_assert_eq!(sum, base + cached); prop_assert_eq!(Some(sum), total); }
                Reading::ReasoningExclusive => { prop_assert_eq!(sum, base + c.6); prop_assert_eq!(Some(sum), total); }
                Reading::BothExclusive => { prop_assert_eq!(sum, base + cached + c.6); prop_assert_eq!(Some(sum), total); }
                Reading::InclusiveInferred => { prop_assert_eq!(sum, base); prop_assert_eq!(total, None); }
                Reading::ExclusiveInferred => prop_assert!(sum > base),
                // Kept: never more than every counter added up, never less than the base.
                Reading::IdentityFailed => prop_assert!(sum >= base && sum <= base + cached + c.6),
            }
        }
    }
}
