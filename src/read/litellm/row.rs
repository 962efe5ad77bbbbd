//! One LiteLLM record as raw values in numbered slots, whichever form it came in, and how its values are read.
//!
//! `{"id": "chatcmpl-…", "prompt_tokens": 12480, "response_cost": 0.024272, "startTime": 1778751067.412, …}`

use std::borrow::Cow;

use crate::money::{Money, ONE, read_count};
use crate::period::read_instant;
use crate::read::json_scan::{self, Fields, Quotes, Scan};

macro_rules! slots {
    ($($slot:ident),+ $(,)?) => {
        /// The values that matter; everything else in a record is stepped over.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Slot { $($slot),+ }
        pub const SLOTS: usize = [$(Slot::$slot),+].len();
    };
}
slots! {
    // Columns: in the CSV form these are plain text.
    Id, CallType, CacheHit, Stream, Status, Provider, Start, End, CompletionStart, Model, ModelGroup, ApiBase, Cost,
    Total, Prompt, Completion, EndUser, TeamId, Organization, User, ApiKey,
    // JSON in every form.
    Tags, Metadata, MetaStatus, ErrorCode, BillingTier, Residency, VertexLocation, KeyAlias, KeyHash, TeamAlias,
    MetaTeamId, MetaOrganization, MetaUser, ProjectAlias, OriginalGroup, OwnCredential, Origin, SpendLogsMetadata,
    RequesterMetadata, UsagePrompt, CacheRead, CacheCreation, Cached, AudioIn, ImageIn, VideoIn, CacheWriteTokens,
    CacheCreationTokens, Write5m, Write30m, Write1h, Write12h, Reasoning, AudioOut, ImageOut, ServedTier, Geo, Speed,
    WebSearch,
}

/// Keys inside `metadata` that both JSON forms and the CSV cell share.
const METADATA: &[(&str, Slot)] = &[
    ("status", Slot::MetaStatus),
    ("error_information.error_code", Slot::ErrorCode),
    ("cost_breakdown.service_tier", Slot::BillingTier),
    ("cost_breakdown.data_residency", Slot::Residency),
    ("cost_breakdown.vertex_location", Slot::VertexLocation),
    ("user_api_key_alias", Slot::KeyAlias),
    ("user_api_key_hash", Slot::KeyHash),
    ("user_api_key", Slot::KeyHash),
    ("user_api_key_team_alias", Slot::TeamAlias),
    ("user_api_key_team_id", Slot::MetaTeamId),
    ("user_api_key_org_id", Slot::MetaOrganization),
    ("user_api_key_user_id", Slot::MetaUser),
    ("user_api_key_project_alias", Slot::ProjectAlias),
    ("original_model_group", Slot::OriginalGroup),
    ("used_client_oauth_token", Slot::OwnCredential),
    ("internal_call_origin", Slot::Origin),
    ("spend_logs_metadata", Slot::SpendLogsMetadata),
    ("requester_metadata", Slot::RequesterMetadata),
    ("usage_object.prompt_tokens", Slot::UsagePrompt),
    ("usage_object.cache_read_input_tokens", Slot::CacheRead),
    ("usage_object.cache_creation_input_tokens", Slot::CacheCreation),
    ("usage_object.prompt_tokens_details.cached_tokens", Slot::Cached),
    ("usage_object.prompt_tokens_details.audio_tokens", Slot::AudioIn),
    ("usage_object.prompt_tokens_details.image_tokens", Slot::ImageIn),
    ("usage_object.prompt_tokens_details.video_tokens", Slot::VideoIn),
    ("usage_object.prompt_tokens_details.cache_write_tokens", Slot::CacheWriteTokens),
    ("usage_object.prompt_tokens_details.cache_creation_tokens", Slot::CacheCreationTokens),
    (
        "usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens",
        Slot::Write5m,
    ),
    (
        "usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_30m_input_tokens",
        Slot::Write30m,
    ),
    (
        "usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens",
        Slot::Write1h,
    ),
    (
        "usage_object.prompt_tokens_details.cache_creation_token_details.ephemeral_12h_input_tokens",
        Slot::Write12h,
    ),
    ("usage_object.completion_tokens_details.reasoning_tokens", Slot::Reasoning),
    ("usage_object.completion_tokens_details.audio_tokens", Slot::AudioOut),
    ("usage_object.completion_tokens_details.image_tokens", Slot::ImageOut),
    ("usage_object.service_tier", Slot::ServedTier),
    ("usage_object.inference_geo", Slot::Geo),
    ("usage_object.speed", Slot::Speed),
    ("usage_object.server_tool_use.web_search_requests", Slot::WebSearch),
];

/// The fields of `metadata` on their own, for cells that hold it as text.
pub fn metadata_fields() -> Fields {
    Fields::new(&METADATA.iter().map(|(path, slot)| (*path, *slot as usize)).collect::<Vec<_>>())
}

/// `columns` at the top, and the fields of `metadata` below it.
pub fn record_fields(columns: &[(&'static str, Slot)]) -> Fields {
    let top: Vec<(&'static str, usize)> =
        columns.iter().map(|(path, slot)| (*path, *slot as usize)).collect();
    let inner: Vec<(&'static str, usize)> =
        METADATA.iter().map(|(path, slot)| (*path, *slot as usize)).collect();
    Fields::nested(&top, "metadata", Slot::Metadata as usize, &inner)
}

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    pub code: &'static str,
    pub reason: Cow<'static, str>,
}

#[derive(Debug, Clone)]
pub struct Row<'a> {
    pub slots: [&'a [u8]; SLOTS],
    /// True where the columns are plain text and not JSON.
    pub plain: bool,
}

impl<'a> Row<'a> {
    pub fn new(plain: bool) -> Row<'a> {
        Row { slots: [b""; SLOTS], plain }
    }

    fn is_plain(&self, slot: Slot) -> bool {
        self.plain && (slot as usize) < Slot::Tags as usize
    }

    pub fn raw(&self, slot: Slot) -> &'a [u8] {
        self.slots[slot as usize]
    }

    /// True where the record has a value, not `null`, for the slot.
    pub fn has(&self, slot: Slot) -> bool {
        !matches!(self.raw(slot), b"" | b"null" | b"\"\"")
    }

    pub fn text(&self, slot: Slot) -> Cow<'a, str> {
        let raw = self.raw(slot);
        if self.is_plain(slot) { json_scan::lossy(raw) } else { json_scan::text(raw) }
    }

    /// `true`, `True`, `"True"`.
    pub fn flag(&self, slot: Slot) -> bool {
        self.text(slot).eq_ignore_ascii_case("true")
    }

    /// A count; missing and `null` are zero.
    pub fn count(&self, slot: Slot) -> Result<u64, Bad> {
        let raw = self.raw(slot);
        if !raw.is_empty() && raw.len() < 15 && raw.iter().all(u8::is_ascii_digit) {
            return Ok(raw.iter().fold(0, |count, digit| count * 10 + u64::from(digit - b'0')));
        }
        let text = self.text(slot);
        if text.is_empty() {
            return Ok(0);
        }
        read_count(&text).ok_or_else(|| {
            if text.starts_with('-') {
                Bad { code: "negative-tokens", reason: format!("`{slot:?}` is negative").into() }
            } else {
                Bad { code: "bad-tokens", reason: format!("`{slot:?}` is not a whole number").into() }
            }
        })
    }

    /// What the gateway wrote as cost, and whether it had more than 12 decimals.
    pub fn cost(&self) -> Result<Option<(Money, bool)>, Bad> {
        if !self.has(Slot::Cost) {
            return Ok(None);
        }
        let text = self.text(Slot::Cost);
        if let Some(money) = short_money(text.as_bytes()) {
            return Ok(Some((money, false)));
        }
        let read = Money::read(&text)
            .map_err(|error| Bad { code: "bad-cost", reason: format!("the cost {error}").into() })?;
        Ok(Some((read.amount, read.rounded)))
    }

    /// Start of the request, and whether its text named a zone. Seconds since the epoch, or a date and time.
    pub fn start(&self) -> Result<(i64, bool), Bad> {
        let text = self.text(Slot::Start);
        let bad = |reason: &'static str| Bad { code: "bad-time", reason: reason.into() };
        if text.is_empty() {
            return Err(bad("there is no start time"));
        }
        let decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let whole = text.split('.').next().and_then(|seconds| seconds.parse::<i64>().ok());
        let (at, zoned) = match whole.filter(|_| decimal) {
            Some(seconds) => (seconds, true),
            _ => match read_instant(&text) {
                Some(instant) => instant,
                None => {
                    let money = Money::read(&text).map_err(|_| bad("the start time cannot be read"))?;
                    (money.amount.pico().div_euclid(ONE) as i64, true)
                }
            },
        };
        // Years 2000 to 2100: outside of them it is no second but a millisecond, or a broken clock.
        if (946_684_800..4_102_444_800).contains(&at) {
            Ok((at, zoned))
        } else {
            Err(bad("the start time is outside of the years 2000 to 2100"))
        }
    }
}

/// Money of at most 18 digits and 12 decimals, without exponent: what nearly every row has.
fn short_money(text: &[u8]) -> Option<Money> {
    let (mut digits, mut decimals, mut point) = (0u64, 0usize, false);
    if text.len() > 19 || !text.first()?.is_ascii_digit() {
        return None;
    }
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                digits = digits * 10 + u64::from(byte - b'0');
                decimals += usize::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    const TENS: [i128; 13] = {
        let mut tens = [1; 13];
        let mut index = 1;
        while index < 13 {
            tens[index] = tens[index - 1] * 10;
            index += 1;
        }
        tens
    };
    // Nineteen digits without a point may not fit.
    (point && decimals <= 12).then(|| Money::from_pico(i128::from(digits) * TENS[12 - decimals]))
}

/// Reads `metadata` that was written as text, once or twice encoded, into `decoded`.
pub fn decode_metadata(raw: &[u8], decoded: &mut Vec<u8>) {
    decoded.clear();
    decoded.extend_from_slice(raw);
    for _ in 0..2 {
        if decoded.first() == Some(&b'"') {
            let inner = json_scan::text(decoded).into_owned();
            *decoded = inner.into_bytes();
        }
    }
}

/// Fills the slots below `metadata` from its own text. A cell that is no object has none of them.
pub fn scan_metadata<'a>(text: &'a [u8], quotes: &mut Quotes, fields: &Fields, row: &mut Row<'a>) -> bool {
    quotes.index(text);
    Scan::new(text, quotes, 0..text.len()).document(fields, &mut row.slots).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn start(text: &str) -> Result<(i64, bool), Bad> {
        let mut row = Row::new(false);
        row.slots[Slot::Start as usize] = text.as_bytes();
        row.start()
    }

    #[test]
    fn start_times_in_every_form() {
        for text in ["1778751067.412", "1778751067", "1.778751067412e9", "\"1778751067.9\""] {
            assert_eq!(start(text), Ok((1_778_751_067, true)), "{text}");
        }
        assert_eq!(start("\"2026-05-14T09:31:07.412\""), Ok((1_778_751_067, false)));
        for text in ["1778751067412", "-5", "null", "\"soon\"", "1e400"] {
            assert_eq!(start(text).unwrap_err().code, "bad-time", "{text}");
        }
    }

    proptest! {
        #[test]
        fn short_money_is_money(text in "[0-9]{1,12}(\\.[0-9]{0,13})?") {
            if let Some(money) = short_money(text.as_bytes()) {
                prop_assert_eq!(Ok(money), text.parse::<Money>());
            }
        }
    }
}
