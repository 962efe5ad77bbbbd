"""Prices every usage shape twice, by LiteLLM from its own map and by llmfin from its book, and compares the dollars.

A shape is one day of December 2026, so one llmfin run per model spelling prices them all. LiteLLM falls back in silence
where its map has no price (no `flex` key: the standard price); such shapes are not asked.
"""

import csv
import fnmatch
import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib.metadata import version

os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="CRITICAL")

import litellm
from litellm import Usage

from common import WORK, check, done, llmfin
from differences import DIFFERENCES

IN, OUT, READ, WRITE = (
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
)
WRITE_1H, WRITE_12H = f"{WRITE}_above_1hr", f"{WRITE}_above_12hr"
TEXT = {"input": 1000, "output": 700}
CACHED = {**TEXT, "cache_read": 5000}
LONG = {"input": 300_000, "output": 700, "cache_read": 40_000}


def shape(meters, *needs, tier="standard", region="", only=None):
    return {"meters": meters, "needs": needs, "tier": tier, "region": region, "only": only}


def tiered(meters, tier, *keys):
    suffix = "batches" if tier == "batch" else tier
    return shape(meters, *(f"{key}_{suffix}" for key in keys), tier=tier)


SHAPES = {
    "text": shape(TEXT, IN, OUT),
    "embedding": shape({"input": 1000}, IN),
    "cached": shape(CACHED, IN, OUT, READ),
    "reasoning": shape({**CACHED, "output_reasoning": 900}, IN, OUT, READ),
    "write 5m": shape({**CACHED, "cache_write_5m": 3000}, READ, WRITE, only="anthropic"),
    "write 1h": shape({**CACHED, "cache_write_1h": 3000}, READ, WRITE_1H, only="anthropic"),
    "write": shape({**CACHED, "cache_write_other": 3000}, READ, WRITE),
    "write 12h": shape({**CACHED, "cache_write_12h": 3000}, READ, WRITE_12H, only="openai"),
    "batch": tiered(TEXT, "batch", IN, OUT),
    "batch cached": tiered(CACHED, "batch", IN, OUT, READ),
    "flex": tiered(CACHED, "flex", IN, OUT, READ),
    "priority": tiered(CACHED, "priority", IN, OUT, READ),
    "ultrafast": tiered(CACHED, "ultrafast", IN, OUT, READ),
    "fast": shape(CACHED, IN, OUT, READ, tier="fast", only="anthropic"),
    "long": shape(LONG, IN, OUT, READ),
    "long flex": tiered(LONG, "flex", IN, OUT, READ),
    "long priority": tiered(LONG, "priority", IN, OUT, READ),
    "us": shape(CACHED, IN, OUT, READ, region="geo:us"),
    "eu": shape(CACHED, IN, OUT, READ, region="geo:eu", only="openai"),
    "search": shape({**TEXT, "web_search": 3}, IN, OUT, only="anthropic"),
    "audio": shape(
        {**TEXT, "input_audio": 400, "output_audio": 300},
        "input_cost_per_audio_token",
        "output_cost_per_audio_token",
    ),
}
DAYS = {name: f"2026-12-{number:02}" for number, name in enumerate(SHAPES, start=1)}


def asked(name, entry):
    """The shapes whose price LiteLLM's map states for this model."""
    provider = entry["litellm_provider"]
    for label, this in SHAPES.items():
        long = label.startswith("long")
        regional = entry.get("provider_specific_entry", {}) if provider == "anthropic" else entry
        key = {"anthropic": "us", "openai": f"regional_processing_uplift_multiplier_{this['region'][-2:]}"}[provider]
        if (
            all(need in entry for need in this["needs"])
            and this["only"] in (None, provider)
            and (not long or (entry.get("max_input_tokens") or 0) > 340_700)
            and (not this["region"] or key in regional)
            and (label != "fast" or "fast" in entry.get("provider_specific_entry", {}))
            and (label != "search" or "search_context_cost_per_query" in entry)
            and (label == "embedding") == (entry["mode"] == "embedding")
        ):
            yield label, this


def by_litellm(name, provider, this):
    meters = Counter(this["meters"])
    writes = {key: meters[key] for key in meters if key.startswith("cache_write")}
    prompt = meters["input"] + meters["cache_read"] + meters["input_audio"] + sum(writes.values())
    completion = meters["output"] + meters["output_reasoning"] + meters["output_audio"]
    lifetimes = {key[12:]: count for key, count in writes.items() if key != "cache_write_other"}
    details = {"cached_tokens": meters["cache_read"], "text_tokens": meters["input"], "audio_tokens": meters["input_audio"]}
    if writes:
        details["cache_creation_tokens"] = details["cache_write_tokens"] = sum(writes.values())
    if lifetimes:
        details["cache_creation_token_details"] = {
            f"ephemeral_{lifetime}_input_tokens": count for lifetime, count in lifetimes.items()
        }
    fields = {}
    if provider == "anthropic":
        fields = {"cache_read_input_tokens": meters["cache_read"], "cache_creation_input_tokens": sum(writes.values())}
        if this["region"]:
            fields["inference_geo"] = this["region"][-2:]
        if this["tier"] == "fast":
            fields["speed"] = "fast"
        if meters["web_search"]:
            fields["server_tool_use"] = {"web_search_requests": meters["web_search"]}
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        prompt_tokens_details=details,
        completion_tokens_details={
            "reasoning_tokens": meters["output_reasoning"],
            "text_tokens": meters["output"],
            "audio_tokens": meters["output_audio"],
        },
        **fields,
    )
    if meters["web_search"]:
        response = litellm.ModelResponse(model=name, usage=usage)
        return litellm.completion_cost(completion_response=response, model=name, custom_llm_provider=provider)
    tier = None if this["tier"] in ("standard", "batch", "fast") or provider == "anthropic" else this["tier"]
    return sum(
        litellm.cost_per_token(
            model=name,
            custom_llm_provider=provider,
            usage_object=usage,
            service_tier=tier,
            data_residency=this["region"][-2:] if this["region"] and provider == "openai" else None,
            call_type="aretrieve_batch" if this["tier"] == "batch" else "completion",
        )
    )


def by_llmfin(name, provider, shapes, bill):
    """Dollars by shape; None where the book has no price for a meter of it."""
    log = WORK / "prices" / f"{provider}-{name.replace(':', '_')}.csv"
    meters = sorted({meter for _, this in shapes for meter in this["meters"]})
    with open(log, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["period_start", "provider", "served_model", "service_tier", "region", "requests", *meters])
        for label, this in shapes:
            counts = [this["meters"].get(meter, "") for meter in meters]
            writer.writerow([DAYS[label], provider, name, this["tier"], this["region"], 1, *counts])
    run = llmfin(
        "-q", "reconcile", "--month", "2026-12", "--usage", log, "--invoice", f"openai={bill}", "-O", "json", exits=(0, 1)
    )
    document = json.loads(run.stdout)
    labels = {day: label for label, day in DAYS.items()}
    prices = {}
    for cell in document["cells"]:
        if cell["day"] in labels and cell["provider"] == provider:
            missing = [meter for meter in cell["meters"] if meter["quantity_logged"] not in (None, "0") and meter["priced"] is None]
            prices[labels[cell["day"]]] = None if missing else Decimal(cell["priced"])
    unpriced = document["unpriced"]
    return prices, unpriced


def one(name, entry, bill):
    provider = entry["litellm_provider"]
    shapes = list(asked(name, entry))
    if not shapes:
        return []
    prices, unpriced = by_llmfin(name, provider, shapes, bill)
    out = []
    for label, this in shapes:
        theirs = Decimal(repr(by_litellm(name, provider, this))).quantize(Decimal("1e-11"))
        out.append((name, label, theirs, prices.get(label), unpriced))
    return out


(WORK / "prices").mkdir(parents=True, exist_ok=True)
BILL = WORK / "one-cent.csv"
BILL.write_text(
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,organization_id\n"
    '1798675200,1798761600,2026-12-31T00:00:00+00:00,2027-01-01T00:00:00+00:00,0.01,usd,"gpt-5.5-2026-04-23, input",p,o\n'
)
models = {
    name: entry
    for name, entry in sorted(litellm.model_cost.items())
    if entry.get("litellm_provider") in ("openai", "anthropic")
    and entry.get("mode") in ("chat", "responses", "embedding")
    and "/" not in name
    and not name.startswith("ft:")
}
with ThreadPoolExecutor(2) as pool:
    results = list(pool.map(lambda item: one(*item, BILL), models.items()))
if __name__ == "__main__":
    import pickle
    pickle.dump(results, open("/tmp/cv/results.pkl", "wb"))
