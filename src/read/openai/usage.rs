//! Usage rows of OpenAI, from the CSV and from the API: nested counters taken apart into disjoint meters.
//!
//! ```text
//! input_tokens 61440 = input_cached_tokens 0 + input_cache_write_tokens 20480 + input_uncached_tokens 40960
//! ```

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Origin};
use crate::invoice::{BillLine, ModelScope};
use crate::period::Period;
use crate::read::gather::{Gather, Refused, Said, count, shown, usage_lines};
use crate::vocabulary::{Meter, Tier};

/// Text of a cell or field by its name; `None` where it is blank, null or missing.
pub(super) type Get<'a> = &'a dyn Fn(&str) -> Option<String>;

type Counts = Vec<(Meter, &'static str, Option<i128>)>;

/// Reads one row of an endpoint: `completions`, `embeddings`, …
pub(super) fn said(
    gather: &mut Gather,
    origin: &Origin,
    period: Period,
    endpoint: &str,
    get: Get,
) -> Result<Said, Refused> {
    let number = |name: &str| get(name).map(|text| count(&text)).transpose();
    let requests = (Meter::Request, "num_model_requests", number("num_model_requests")?);
    let one = |meter, name: &'static str| number(name).map(|count| (meter, name, count));
    let counts: Counts = match endpoint {
        "completions" => {
            let mut counts = completions(gather, origin, &number)?;
            counts.push(requests);
            counts
        }
        "embeddings" | "moderations" => vec![one(Meter::Input, "input_tokens")?, requests],
        "images" => vec![one(Meter::Image, "images")?, requests],
        "audio_transcriptions" => vec![one(Meter::SecondAudio, "seconds")?, requests],
        "audio_speeches" => vec![requests],
        // `num_model_requests` repeats what the completions endpoint counted.
        "web_searches" | "web_search_calls" => vec![one(Meter::WebSearch, "num_requests")?],
        "file_searches" | "file_search_calls" => vec![one(Meter::FileSearch, "num_requests")?],
        "vector_stores" | "code_interpreter_sessions" => {
            let message = format!("usage of `{endpoint}` has no meter and is left out");
            gather.remark(Diagnostic::note("usage-without-meter", origin.clone(), message));
            return Ok(Said::OutOfScope);
        }
        _ => return Err(("unknown-endpoint", format!("`{}` is not a usage endpoint", shown(endpoint)))),
    };
    let mut line = BillLine::new(origin.clone(), "", period);
    line.model = get("model").map_or(ModelScope::All, |model| ModelScope::One(model.into()));
    line.tier = tier(gather, origin, get);
    line.project = get("project_id").map(Arc::from);
    line.key = get("api_key_id").map(Arc::from);
    usage_lines(&line, counts)
}

/// A batch is its own tier whatever tier served it; not grouped by either is not distinguished.
fn tier(gather: &mut Gather, origin: &Origin, get: Get) -> Option<Tier> {
    if get("batch").is_some_and(|batch| batch.eq_ignore_ascii_case("true")) {
        return Some(Tier::Batch);
    }
    let text = get("service_tier")?;
    let tier = Tier::read("openai", &text);
    if tier.is_none() {
        let message = format!("service tier `{}` is not known; read as not distinguished", shown(&text));
        gather.remark(Diagnostic::warning("unknown-tier", origin.clone(), message));
    }
    tier
}

fn completions(
    gather: &mut Gather,
    origin: &Origin,
    number: &dyn Fn(&str) -> Result<Option<i128>, Refused>,
) -> Result<Counts, Refused> {
    let (input, output) = (number("input_tokens")?, number("output_tokens")?);
    let (cached, write) = (number("input_cached_tokens")?, number("input_cache_write_tokens")?);
    let uncached = number("input_uncached_tokens")?;
    let part = |name: &str| number(name).map(Option::unwrap_or_default);
    let (audio, image) = (part("input_audio_tokens")?, part("input_image_tokens")?);
    let (cached_audio, cached_image) =
        (part("input_cached_audio_tokens")?, part("input_cached_image_tokens")?);
    let (output_audio, output_image) = (part("output_audio_tokens")?, part("output_image_tokens")?);

    // Exports without the cache-write column still contain the writes in `input_tokens`: they are the remainder.
    let known = cached.unwrap_or_default() + write.unwrap_or_default();
    let uncached = uncached.or(input.map(|input| input - known));
    let rest = input.zip(uncached).map_or(0, |(input, uncached)| input - known - uncached);
    if rest < 0 || (rest > 0 && write.is_some()) {
        let reason = format!("cached, cache-write and uncached input miss `input_tokens` by {rest}");
        return Err(("counters-contradict", reason));
    }
    let write = if rest > 0 { Some(rest) } else { write };

    let text = uncached.map(|all| all - audio - image);
    let cached_text = cached.map(|all| all - cached_audio);
    let output_text = output.map(|all| all - output_audio - output_image);
    if [text, cached_text, output_text].iter().flatten().any(|count| *count < 0) {
        return Err(("counters-contradict", "audio and image tokens exceed their total".to_owned()));
    }
    for (name, derived) in [
        ("input_text_tokens", text),
        ("input_cached_text_tokens", cached_text.map(|all| all - cached_image)),
        ("output_text_tokens", output_text),
    ] {
        if number(name)?.zip(derived).is_some_and(|(stated, derived)| stated != derived) {
            let message = format!("`{name}` is not the total less audio and image; the total is used");
            gather.remark(Diagnostic::warning("counters-do-not-nest", origin.clone(), message));
        }
    }
    let some = |count: i128| (count > 0).then_some(count);
    Ok(vec![
        (Meter::Input, "input_uncached_tokens", text),
        // Cached image tokens have no meter of their own.
        (Meter::CacheRead, "input_cached_tokens", cached_text),
        (Meter::CacheWriteOther, "input_cache_write_tokens", write),
        (Meter::Output, "output_tokens", output_text),
        (Meter::InputAudio, "input_audio_tokens", some(audio)),
        (Meter::CacheReadAudio, "input_cached_audio_tokens", some(cached_audio)),
        (Meter::OutputAudio, "output_audio_tokens", some(output_audio)),
        (Meter::InputImage, "input_image_tokens", some(image)),
        (Meter::OutputImage, "output_image_tokens", some(output_image)),
    ])
}
