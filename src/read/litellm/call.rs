//! One LiteLLM record as a [`Call`]: its kind, its disjoint meters, who served it and where.
//!
//! `call_type aretrieve_batch, status success, prompt_tokens 40000` is the settlement of a batch;
//! `id chatcmpl-1_cache_hit1778751190.5` is no provider call at all.

use std::borrow::Cow;

use super::attribution::Plan;
use super::row::{Bad, Row, Slot};
use crate::diagnostic::Level;
use crate::read::lines::NoteKind;
use crate::usage::identity::{self, Counters};
use crate::usage::{Attribution, Call, Meters};
use crate::vocabulary::{CallType, CountSource, Meter, Outcome, Reading, Seller, Tier};

pub static NO_ZONE: NoteKind = NoteKind {
    level: Level::Note,
    code: "time-without-zone",
    message: "have a start time without a zone, read as UTC, which is what LiteLLM writes",
    help: "nothing to do, unless the database session had another zone",
};
pub static IDENTITY: NoteKind = NoteKind {
    level: Level::Warning,
    code: "identity-failed",
    message: "have counters that do not add up to the row's own total; kept with the counters as logged",
    help: "compare these rows with the provider's usage report before trusting their split",
};
pub static UNKNOWN_TIER: NoteKind = NoteKind {
    level: Level::Warning,
    code: "unknown-tier",
    message: "name a service tier that is not known, read as standard",
    help: "report the word in `service_tier`, so that it can be added",
};
pub static NO_SPLIT: NoteKind = NoteKind {
    level: Level::Warning,
    code: "cache-split-unavailable",
    message: "have no `usage_object`: cached, written and reasoning tokens are unknown, not zero",
    help: "keep `usage_object` in the proxy's `spend_logs_metadata_fields`, or read the callback payloads",
};
pub static UNCOUNTED: NoteKind = NoteKind {
    level: Level::Warning,
    code: "no-usage",
    message: "succeeded without tokens and cost, and nothing tells a stream",
    help: "a stream without a usage report is billed: export `completionStartTime` too, which tells a stream, or read the \
           callback payloads, whose `stream` does",
};
pub static UNCOUNTED_ANSWER: NoteKind = NoteKind {
    level: Level::Warning,
    code: "no-usage-no-stream",
    message: "succeeded without tokens and cost, in no stream",
    help: "they count as calls of zero tokens: compare their days with the provider's usage report",
};
pub static ROUNDED_COST: NoteKind = NoteKind {
    level: Level::Note,
    code: "rounded-cost",
    message: "have a cost with more than 12 decimals, rounded half to even",
    help: "nothing to do: each is off by less than 10^-12",
};

/// Spellings of sellers seen so far: finding one by name is slower than remembering it.
#[derive(Default)]
pub struct Sellers(Vec<(Box<str>, Option<&'static Seller>)>);

impl Sellers {
    fn find(&mut self, text: &str) -> Option<&'static Seller> {
        if let Some((_, seller)) = self.0.iter().find(|(known, _)| **known == *text) {
            return *seller;
        }
        let seller = Seller::find(text);
        // Hostile rows could name a new provider each time.
        if self.0.len() < 64 {
            self.0.push((text.into(), seller));
        }
        seller
    }
}

/// Reads one row. What is worth telling about it goes to `note`.
pub fn call<'a>(
    row: &Row<'a>,
    plan: &Plan,
    sellers: &mut Sellers,
    mut note: impl FnMut(&'static NoteKind, &str),
) -> Result<Call<'a>, Bad> {
    let (at, zoned) = row.start()?;
    if !zoned {
        note(&NO_ZONE, "");
    }
    let (meters, reading) = meters(row)?;
    let logged = row.cost()?;
    if logged.is_some_and(|(_, rounded)| rounded) {
        note(&ROUNDED_COST, "");
    }
    let logged = logged.map(|(money, _)| money);

    let id = row.text(Slot::Id);
    let tokens = !meters.is_zero();
    let mut call_type = call_type(&row.text(Slot::CallType), tokens);
    if row.raw(Slot::Origin).ends_with(b"_poll\"") {
        call_type = CallType::Poll;
    }
    let stream = row.flag(Slot::Stream)
        || (row.has(Slot::CompletionStart)
            && row.has(Slot::End)
            && row.raw(Slot::CompletionStart) != row.raw(Slot::End));
    let failed = failed(row);
    let costs = logged.is_some_and(|money| !money.is_zero());
    let outcome = if row.text(Slot::CallType).ends_with("call_mcp_tool") {
        Outcome::NotACall
    } else if is_cache_hit(row, &id) {
        Outcome::CacheHit
    } else if failed && !tokens && !costs {
        Outcome::Failed
    } else if row.flag(Slot::OwnCredential) {
        Outcome::OtherPayer
    } else if failed {
        Outcome::FailedWithUsage
    } else if tokens || costs {
        Outcome::Success
    } else if matches!(call_type, CallType::Batch | CallType::Poll) {
        Outcome::NotACall
    } else if stream && call_type == CallType::Generation {
        Outcome::StreamWithoutUsage
    } else {
        Outcome::Success
    };
    let source = if !tokens || has_usage(row) {
        // A client that went away leaves counts that the gateway made itself.
        if outcome == Outcome::FailedWithUsage && row.text(Slot::ErrorCode) == "499" {
            CountSource::Estimated
        } else {
            CountSource::Provider
        }
    } else {
        note(&NO_SPLIT, "");
        CountSource::TotalsOnly
    };
    let (provider, served, seller) = upstream(row, sellers);
    let answers = matches!(call_type, CallType::Generation | CallType::Embedding);
    if answers && outcome == Outcome::Success && !tokens && !costs {
        // What was no stream is over when its answer begins.
        let told = row.has(Slot::Stream) || (row.has(Slot::CompletionStart) && row.has(Slot::End));
        note(if told { &UNCOUNTED_ANSWER } else { &UNCOUNTED }, &served);
    }
    if reading == Reading::IdentityFailed {
        note(&IDENTITY, "");
    }

    let routed = row.text(Slot::ModelGroup);
    let requested = row.text(Slot::OriginalGroup);
    let mut attribution = plan.attribution(row);
    if row.has(Slot::Origin) {
        // Calls the gateway made for itself: nobody asked for them.
        attribution =
            Attribution { team: Cow::Borrowed("gateway"), feature: row.text(Slot::Origin), ..attribution };
    }
    Ok(Call {
        id,
        at,
        key: first(row, &[Slot::KeyAlias, Slot::ApiKey, Slot::KeyHash]),
        requested: if requested.is_empty() { routed.clone() } else { requested },
        routed,
        served,
        tier: tier(row, call_type, tokens, seller, note),
        region: region(row, seller),
        provider,
        outcome,
        call_type,
        source,
        reading,
        stream,
        meters,
        logged,
        attribution,
    })
}

/// The first of `slots` that has a value.
pub fn first<'a>(row: &Row<'a>, slots: &[Slot]) -> Cow<'a, str> {
    slots.iter().find(|slot| row.has(**slot)).map_or(Cow::Borrowed(""), |slot| row.text(*slot))
}

fn has_usage(row: &Row) -> bool {
    [Slot::UsagePrompt, Slot::CacheRead, Slot::Cached, Slot::Reasoning].iter().any(|slot| row.has(*slot))
}

fn failed(row: &Row) -> bool {
    let status = if row.has(Slot::Status) { Slot::Status } else { Slot::MetaStatus };
    row.text(status) == "failure"
}

/// The id of a repeated answer is the first one's with `_cache_hit` and the time.
fn is_cache_hit(row: &Row, id: &str) -> bool {
    row.flag(Slot::CacheHit)
        || id.rsplit_once('_').is_some_and(|(before, last)| {
            before.ends_with("_cache")
                && last.strip_prefix("hit").is_some_and(|time| {
                    !time.is_empty() && time.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
                })
        })
}

fn call_type(text: &str, tokens: bool) -> CallType {
    let text = text.trim_start_matches('_');
    // Asynchronous variants have a leading `a` before the verb.
    let verb = [
        "acompletion",
        "atext",
        "aembed",
        "aresp",
        "areal",
        "agen",
        "aimage",
        "atrans",
        "aspeech",
        "amod",
        "arerank",
        "asearch",
        "aocr",
        "acreate",
        "aretrieve",
        "aget",
        "alist",
        "acancel",
        "adelete",
        "avideo",
    ]
    .iter()
    .any(|start| text.starts_with(start));
    let text = if verb { &text[1..] } else { text };
    match text {
        "retrieve_batch" if tokens => CallType::Batch,
        "create_batch" | "retrieve_batch" | "list_batches" | "cancel_batch" => CallType::Poll,
        _ if text.starts_with("get_") || text.starts_with("list_") || text.starts_with("delete_") => {
            CallType::Poll
        }
        _ if text.starts_with("embedding") => CallType::Embedding,
        _ if text.starts_with("image_") => CallType::Image,
        _ if text.starts_with("transcription") || text.starts_with("speech") => CallType::Audio,
        "moderation" | "rerank" | "search" | "ocr" | "call_mcp_tool" => CallType::Other,
        _ if text.starts_with("create_video")
            || text.starts_with("video_")
            || text.starts_with("create_file") =>
        {
            CallType::Other
        }
        _ => CallType::Generation,
    }
}

/// Disjoint meters, by the reading whose classes add up to the row's total.
fn meters(row: &Row) -> Result<(Meters, Reading), Bad> {
    let either = |slots: &[Slot]| -> Result<u64, Bad> {
        for slot in slots {
            let count = row.count(*slot)?;
            if count > 0 {
                return Ok(count);
            }
        }
        Ok(0)
    };
    let mut writes = [
        (Meter::CacheWrite5m, row.count(Slot::Write5m)?),
        (Meter::CacheWrite30m, row.count(Slot::Write30m)?),
        (Meter::CacheWrite1h, row.count(Slot::Write1h)?),
        (Meter::CacheWrite12h, row.count(Slot::Write12h)?),
    ];
    let split: u64 = writes.iter().map(|(_, count)| count).sum();
    // The spellings repeat the same number; they are never added.
    let written = either(&[Slot::CacheCreation, Slot::CacheWriteTokens, Slot::CacheCreationTokens])?;
    let contradicted = written > 0 && split > written;
    if contradicted {
        writes.iter_mut().for_each(|(_, count)| *count = 0);
    }
    let cache_write = if written == 0 { split } else { written };
    let input_modal = [
        (Meter::InputAudio, row.count(Slot::AudioIn)?),
        (Meter::InputImage, row.count(Slot::ImageIn)?),
        (Meter::InputVideo, row.count(Slot::VideoIn)?),
    ];
    let output_modal =
        [(Meter::OutputAudio, row.count(Slot::AudioOut)?), (Meter::OutputImage, row.count(Slot::ImageOut)?)];
    let total = row.count(Slot::Total)?;
    let counters = Counters {
        prompt: row.count(Slot::Prompt)?,
        completion: row.count(Slot::Completion)?,
        // The column is zero where the row has no total.
        total: (total > 0).then_some(total),
        cache_read: either(&[Slot::CacheRead, Slot::Cached])?,
        cache_write,
        prompt_modal: input_modal.iter().map(|(_, count)| count).sum(),
        completion_modal: output_modal.iter().map(|(_, count)| count).sum(),
        reasoning: row.count(Slot::Reasoning)?,
    };
    let split = identity::split(&counters);
    let mut meters = Meters::default();
    meters.set(Meter::Input, split.uncached);
    meters.set(Meter::CacheRead, counters.cache_read);
    let mut other = cache_write;
    for (meter, count) in writes {
        meters.set(meter, count);
        other -= count;
    }
    meters.set(Meter::CacheWriteOther, other);
    meters.set(Meter::Output, split.visible);
    meters.set(Meter::OutputReasoning, counters.reasoning);
    if split.modal {
        for (meter, count) in input_modal.into_iter().chain(output_modal) {
            meters.set(meter, count);
        }
    }
    meters.set(Meter::WebSearch, row.count(Slot::WebSearch)?);
    Ok((meters, if contradicted { Reading::IdentityFailed } else { split.reading }))
}

/// Sellers of other makers' models, in whose ids the maker's name stands: `openai/gpt-oss-120b` is what Groq calls it.
const RESELLERS: [&str; 5] = ["groq", "together", "openrouter", "fireworks", "perplexity"];

/// The provider and the model without its provider's prefix: `openai/gpt-5` is `gpt-5`, `meta/llama` stays.
fn upstream<'a>(
    row: &Row<'a>,
    sellers: &mut Sellers,
) -> (Cow<'a, str>, Cow<'a, str>, Option<&'static Seller>) {
    let logged = row.text(Slot::Provider);
    let model = row.text(Slot::Model);
    let mut seller = sellers.find(&logged);
    let mut cut = 0;
    if let Some((prefix, _)) = model.split_once('/') {
        let named = sellers.find(prefix);
        let resold = seller.is_some_and(|seller| {
            RESELLERS.contains(&seller.id) && named.is_some_and(|named| named.id != seller.id)
        });
        if prefix == logged || (named.is_some() && !resold) {
            cut = prefix.len() + 1;
        }
        if logged.is_empty() {
            seller = named;
        }
    }
    let served = match model {
        Cow::Borrowed(model) => Cow::Borrowed(&model[cut..]),
        Cow::Owned(model) => Cow::Owned(model[cut..].to_owned()),
    };
    (seller.map_or(logged, |seller| Cow::Borrowed(seller.id)), served, seller)
}

/// The tier that served, never the one that was merely asked for.
fn tier(
    row: &Row,
    call_type: CallType,
    tokens: bool,
    seller: Option<&'static Seller>,
    mut note: impl FnMut(&'static NoteKind, &str),
) -> Tier {
    if call_type == CallType::Batch && tokens {
        return Tier::Batch;
    }
    if row.text(Slot::Speed) == "fast" {
        return Tier::Fast;
    }
    let text = first(row, &[Slot::ServedTier, Slot::BillingTier]);
    Tier::read(seller.map_or("", |seller| seller.id), &text).unwrap_or_else(|| {
        note(&UNKNOWN_TIER, "");
        Tier::Standard
    })
}

/// The region a record proves; a host proves one only where the seller puts it there.
fn region<'a>(row: &Row<'a>, seller: Option<&'static Seller>) -> Cow<'a, str> {
    for slot in [Slot::Geo, Slot::Residency, Slot::VertexLocation] {
        let text = row.text(slot);
        match &*text {
            "" | "not_available" | "default" => {}
            "global" => return Cow::Borrowed("global"),
            "us" => return Cow::Borrowed("geo:us"),
            "eu" => return Cow::Borrowed("geo:eu"),
            short if short.len() <= 4 => return Cow::Owned(format!("geo:{short}")),
            _ => return text,
        }
    }
    if seller.is_some_and(|seller| seller.id == "azure-openai")
        && let Some(zone) = azure_zone(&row.text(Slot::Model))
    {
        return Cow::Borrowed(zone);
    }
    let Cow::Borrowed(base) = row.text(Slot::ApiBase) else { return Cow::Borrowed("") };
    let host = base.split_once("://").map_or(base, |(_, rest)| rest);
    let (host, path) = host.split_once('/').unwrap_or((host, ""));
    let region = match seller.map_or("", |seller| seller.id) {
        "aws-bedrock" => host.strip_suffix(".amazonaws.com").and_then(|host| {
            host.strip_prefix("bedrock-runtime.").or(host.strip_prefix("bedrock-runtime-fips."))
        }),
        "google-vertex" => path
            .split_once("locations/")
            .map(|(_, rest)| rest.split('/').next().unwrap_or(""))
            .or(host.strip_suffix("-aiplatform.googleapis.com")),
        "openai" => match host {
            "eu.api.openai.com" => Some("geo:eu"),
            "us.api.openai.com" => Some("geo:us"),
            _ => None,
        },
        _ => None,
    };
    Cow::Borrowed(region.unwrap_or(""))
}

/// The data zone in LiteLLM's own name of an Azure deployment: `azure/eu/gpt-5.1`.
fn azure_zone(model: &str) -> Option<&'static str> {
    let (zone, _) = model.strip_prefix("azure/").unwrap_or(model).split_once('/')?;
    match zone {
        "us" => Some("datazone:us"),
        "eu" => Some("datazone:eu"),
        "apac" => Some("datazone:asia"),
        "us-gov" => Some("datazone:usgov"),
        "global" | "global-standard" => Some("global"),
        _ => None,
    }
}
