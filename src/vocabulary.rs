//! The closed vocabularies every other part is checked against: meters, tiers, outcomes, charge categories, sellers.
//! Adding a word is adding one row here; formats, price books, schemas and docs are generated from or checked
//! against these tables.

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants have a canonical text, with `ALL`, `id()` and `parse()`.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            pub const COUNT: usize = $name::ALL.len();
            /// The canonical text, as written in files and documents.
            pub const fn id(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
            /// The word with exactly this canonical text.
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
            /// Dense index, stable within one build.
            pub const fn index(self) -> usize { self as usize }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.id()) }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.id())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                $name::parse(&text).ok_or_else(|| serde::de::Error::unknown_variant(&text, &[$($text),+]))
            }
        }
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> { stringify!($name).into() }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "enum": [$($text),+] })
            }
        }
    };
}

vocabulary! {
    /// What is counted and billed (FOCUS SkuMeter). Meters are disjoint: their sum is all that is billable.
    Meter {
        Input = "input",
        CacheRead = "cache_read",
        CacheWrite5m = "cache_write.5m",
        CacheWrite30m = "cache_write.30m",
        CacheWrite1h = "cache_write.1h",
        CacheWrite12h = "cache_write.12h",
        /// Written to a cache whose lifetime the source did not say.
        CacheWriteOther = "cache_write.other",
        Output = "output",
        OutputReasoning = "output.reasoning",
        InputAudio = "input.audio",
        CacheReadAudio = "cache_read.audio",
        OutputAudio = "output.audio",
        InputImage = "input.image",
        OutputImage = "output.image",
        InputVideo = "input.video",
        WebSearch = "web_search",
        FileSearch = "file_search",
        Request = "request",
        Image = "image",
        Page = "page",
        /// Text read aloud.
        Character = "character",
        SecondAudio = "second.audio",
        SecondVideo = "second.video",
        /// A container sold as a whole, however long it ran.
        CodeExecSession = "code_exec.session",
        CodeExecHour = "code_exec.hour",
        SessionHour = "session.hour",
        /// Files kept for searches.
        StorageGbDay = "storage.gb_day",
        CacheStorageTokenHour = "cache_storage.token_hour",
        CapacityHour = "capacity.hour",
        ConsumptionUnit = "consumption_unit",
    }
}

impl Meter {
    /// The meter whose price applies where the seller has none for this one, and whose billed line may include it.
    pub const fn parent(self) -> Option<Meter> {
        match self {
            Meter::OutputReasoning => Some(Meter::Output),
            _ => None,
        }
    }

    /// The unit of one count.
    pub const fn unit(self) -> &'static str {
        match self {
            Meter::WebSearch | Meter::FileSearch => "Calls",
            Meter::Request => "Requests",
            Meter::Image => "Images",
            Meter::Page => "Pages",
            Meter::Character => "Characters",
            Meter::CodeExecSession => "Sessions",
            Meter::StorageGbDay => "GB-Days",
            Meter::SecondAudio | Meter::SecondVideo => "Seconds",
            Meter::CodeExecHour | Meter::SessionHour | Meter::CapacityHour => "Hours",
            Meter::CacheStorageTokenHour => "Token-Hours",
            Meter::ConsumptionUnit => "Units",
            _ => "Tokens",
        }
    }

    /// True for token classes, which context bands and token modifiers apply to.
    pub const fn is_token(self) -> bool {
        (self as u8) < (Meter::WebSearch as u8)
    }

    /// True where the tokens are part of the prompt; their sum selects the context band.
    pub const fn is_prompt(self) -> bool {
        self.is_token()
            && !matches!(
                self,
                Meter::Output | Meter::OutputReasoning | Meter::OutputAudio | Meter::OutputImage
            )
    }

    /// Read from a cache or written to one.
    pub const fn is_cached(self) -> bool {
        self.is_cache_write() || self.is_cache_read()
    }

    pub const fn is_cache_read(self) -> bool {
        matches!(self, Meter::CacheRead | Meter::CacheReadAudio)
    }

    pub const fn is_cache_write(self) -> bool {
        matches!(
            self,
            Meter::CacheWrite5m
                | Meter::CacheWrite30m
                | Meter::CacheWrite1h
                | Meter::CacheWrite12h
                | Meter::CacheWriteOther
        )
    }
}

vocabulary! {
    /// The service tier a request was served at.
    Tier {
        Standard = "standard",
        Batch = "batch",
        Flex = "flex",
        /// OpenAI's faster tier; the seller also calls it `fast` since 2026-08.
        Priority = "priority",
        /// Anthropic's accelerated mode (`speed: fast`).
        Fast = "fast",
        Ultrafast = "ultrafast",
        /// Reserved capacity: tokens flow, hours are billed.
        Provisioned = "provisioned",
    }
}

impl Tier {
    /// Reads the words logs and exports use, for one seller.
    pub fn read(seller: &str, text: &str) -> Option<Tier> {
        let lower = text.to_ascii_lowercase();
        Some(match lower.as_str() {
            "" | "default" | "standard" | "auto" | "on_demand" | "ondemand" => Tier::Standard,
            "batch" | "batch api" | "batches" => Tier::Batch,
            "flex" | "flex_discount" => Tier::Flex,
            "priority" | "priority_on_demand" => Tier::Priority,
            "fast" if seller == "openai" || seller == "azure-openai" => Tier::Priority,
            "fast" => Tier::Fast,
            "ultrafast" => Tier::Ultrafast,
            "scale" | "provisioned" | "ptu" => Tier::Provisioned,
            _ => return None,
        })
    }
}

vocabulary! {
    /// How a logged row ended, as far as billing is concerned.
    Outcome {
        Success = "success",
        /// Failed and reported no usage: no provider call to pay for.
        Failed = "failed",
        /// Failed after tokens flowed (client gone, broken stream, billed retry): billed.
        FailedWithUsage = "failed_with_usage",
        /// Answered from the gateway's own response cache: no provider call.
        CacheHit = "cache_hit",
        /// A streamed answer that ended without a usage payload: billed, count unknown.
        StreamWithoutUsage = "stream_without_usage",
        /// Not a model call (tool server, bookkeeping row).
        NotACall = "not_a_call",
        /// Paid by the client's own credential, not by our account.
        OtherPayer = "other_payer",
        /// Another row with the same id was counted already.
        Duplicate = "duplicate",
        /// Another row with the same id was counted already, with other counts: a snapshot of a stream, say.
        Restated = "restated",
    }
}

impl Outcome {
    /// True where a row with the same id was counted before.
    pub const fn is_repeat(self) -> bool {
        matches!(self, Outcome::Duplicate | Outcome::Restated)
    }

    /// True where a provider is expected to bill our account for the row.
    pub const fn is_billable(self) -> bool {
        matches!(self, Outcome::Success | Outcome::FailedWithUsage | Outcome::StreamWithoutUsage)
    }
}

vocabulary! {
    /// What kind of call it was, as far as prices and causes distinguish.
    CallType {
        Generation = "generation",
        Embedding = "embedding",
        Image = "image",
        Audio = "audio",
        /// Settlement of an asynchronous batch: one row may stand for many requests.
        Batch = "batch",
        /// Retrieval or poll of work done earlier.
        Poll = "poll",
        Other = "other",
    }
}

vocabulary! {
    /// Who counted the tokens.
    CountSource {
        Provider = "provider",
        /// The gateway's own tokenizer.
        Estimated = "estimated",
        /// The answer has a count, and the prompt has none.
        OutputOnly = "output_only",
        /// Totals only: the cache and reasoning split was not kept, so it is unknown, not zero.
        TotalsOnly = "totals_only",
    }
}

vocabulary! {
    /// How a record's counters were read: the reading whose classes add up to the record's own total.
    Reading {
        Inclusive = "inclusive",
        CacheExclusive = "cache-exclusive",
        ReasoningExclusive = "reasoning-exclusive",
        BothExclusive = "both-exclusive",
        /// The total proves nothing; the source's documented convention was used.
        InclusiveInferred = "inclusive-inferred",
        ExclusiveInferred = "exclusive-inferred",
        /// No reading adds up: kept, counted, reported, not guessed away.
        IdentityFailed = "identity-failed",
    }
}

vocabulary! {
    /// What a row of a price book says about its price.
    PriceStatus {
        Listed = "listed",
        /// A price with a stated end, or a stated earliest end.
        Promo = "promo",
        /// Announced for a day that had not come when the row was recorded.
        Scheduled = "scheduled",
        /// Cancels the row of the same key and `from`.
        Withdrawn = "withdrawn",
        /// No longer sold from that instant on.
        Ended = "ended",
        /// Derived or doubtful: it prices, and what it prices is marked unverified.
        Estimated = "estimated",
    }
}

vocabulary! {
    /// How the start of a price is known.
    PriceBasis {
        /// The seller's own price page or meter feed.
        Official = "official",
        /// Dated by a change log or a curated list.
        Explicit = "explicit",
        /// From an announcement; the day itself was not checked again.
        Announced = "announced",
        /// The model's launch: no earlier price can exist.
        Release = "release",
        /// First sighting: the true start may be earlier.
        Observed = "observed",
    }
}

vocabulary! {
    /// FOCUS ChargeCategory.
    ChargeCategory {
        Usage = "Usage", Purchase = "Purchase", Tax = "Tax", Credit = "Credit", Adjustment = "Adjustment",
    }
}

/// A seller: who bills. The same model costs differently by seller.
pub struct Seller {
    pub id: &'static str,
    pub name: &'static str,
    /// Other spellings found in gateway logs, exports and on the command line.
    pub aliases: &'static [&'static str],
    /// Lifetime that a bare "cache write" means at this seller.
    pub default_cache_write: Meter,
    /// The prompt beyond which its bill calls a line one of long prompts, wherever a model's own price changes: Anthropic's
    /// `context_window` is `0-200k` or `200k-1M`.
    pub long_prompt: u64,
}

/// What most sellers have in common.
const SELLER: Seller =
    Seller { id: "", name: "", aliases: &[], default_cache_write: Meter::CacheWriteOther, long_prompt: 0 };

pub const SELLERS: &[Seller] = &[
    Seller {
        id: "openai",
        name: "OpenAI",
        aliases: &["text-completion-openai", "openai_like"],
        default_cache_write: Meter::CacheWrite30m,
        ..SELLER
    },
    Seller {
        id: "anthropic",
        name: "Anthropic",
        aliases: &["claude"],
        default_cache_write: Meter::CacheWrite5m,
        long_prompt: 200_000,
    },
    Seller {
        id: "azure-openai",
        name: "Azure OpenAI",
        aliases: &["azure", "azure_text", "azure_ai", "azure_openai"],
        default_cache_write: Meter::CacheWrite30m,
        ..SELLER
    },
    Seller {
        id: "aws-bedrock",
        name: "Amazon Bedrock",
        aliases: &["bedrock", "bedrock_converse", "aws"],
        default_cache_write: Meter::CacheWrite5m,
        ..SELLER
    },
    Seller {
        id: "google-vertex",
        name: "Google Vertex AI",
        aliases: &["vertex_ai", "vertex_ai_beta", "vertex"],
        // Only Claude writes to a cache there; Gemini bills none.
        default_cache_write: Meter::CacheWrite5m,
        ..SELLER
    },
    Seller {
        id: "google-gemini-api",
        name: "Google Gemini API",
        aliases: &["gemini", "google", "google_ai_studio"],
        ..SELLER
    },
    Seller { id: "mistral", name: "Mistral", ..SELLER },
    Seller { id: "deepseek", name: "DeepSeek", ..SELLER },
    Seller { id: "xai", name: "xAI", aliases: &["grok"], ..SELLER },
    Seller { id: "groq", name: "Groq", ..SELLER },
    Seller { id: "cohere", name: "Cohere", aliases: &["cohere_chat"], ..SELLER },
    Seller { id: "openrouter", name: "OpenRouter", ..SELLER },
    Seller { id: "together", name: "Together AI", aliases: &["together_ai"], ..SELLER },
    Seller { id: "fireworks", name: "Fireworks AI", aliases: &["fireworks_ai"], ..SELLER },
    Seller { id: "perplexity", name: "Perplexity", ..SELLER },
];

impl Seller {
    /// The meter whose price applies where a seller has none for `meter`: a cache write of unsaid lifetime has the
    /// seller's default one, and a child its parent's.
    pub fn price_parent(id: &str, meter: Meter) -> Option<Meter> {
        match meter {
            Meter::CacheWriteOther => {
                let seller = SELLERS.iter().find(|seller| seller.id == id)?;
                Some(seller.default_cache_write).filter(|default| *default != meter)
            }
            _ => meter.parent(),
        }
    }

    /// `meter`, a cache write of unsaid lifetime as the one that the seller's default lifetime makes it.
    pub fn with_lifetime(id: &str, meter: Meter) -> Meter {
        match meter {
            Meter::CacheWriteOther => Seller::price_parent(id, meter).unwrap_or(meter),
            said => said,
        }
    }

    /// The prompt beyond which a seller's bill says that prompts are long.
    pub fn long_prompt(id: &str) -> u64 {
        SELLERS.iter().find(|seller| seller.id == id).map_or(0, |seller| seller.long_prompt)
    }

    /// Finds a seller by id or by a spelling that logs and exports use.
    pub fn find(text: &str) -> Option<&'static Seller> {
        let lower = text.to_ascii_lowercase();
        SELLERS.iter().find(|seller| seller.id == lower || seller.aliases.contains(&lower.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for meter in Meter::ALL {
            assert_eq!(Meter::parse(meter.id()), Some(*meter));
            assert_eq!(Meter::ALL[meter.index()], *meter);
        }
        assert!(Meter::InputVideo.is_token() && !Meter::WebSearch.is_token());
    }

    #[test]
    fn no_two_sellers_share_a_spelling() {
        let mut spellings: Vec<&str> =
            SELLERS.iter().flat_map(|seller| seller.aliases.iter().copied().chain([seller.id])).collect();
        spellings.sort_unstable();
        let before = spellings.len();
        spellings.dedup();
        assert_eq!(spellings.len(), before);
    }
}
