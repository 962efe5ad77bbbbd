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
from differences import DIFFERENCES, NOT_IN_BOOK

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


def asked(entry):
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


def by_llmfin(name, provider, shapes):
    """Dollars by shape, or the reason why there are none; None where the book does not know the model."""
    log = WORK / "prices" / f"{provider}-{name.replace(':', '_')}.csv"
    meters = sorted({meter for _, this in shapes for meter in this["meters"]})
    with open(log, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["period_start", "provider", "served_model", "service_tier", "region", "requests", *meters])
        for label, this in shapes:
            counts = [this["meters"].get(meter, "") for meter in meters]
            writer.writerow([DAYS[label], provider, name, this["tier"], this["region"], 1, *counts])
    run = llmfin(
        "-q", "reconcile", "--month", "2026-12", "--usage", log, "--invoice", f"openai={BILL}", "-O", "json",
        exits=(0, 1),
    )
    document = json.loads(run.stdout)
    if any(row["reason"] == "unknown-model" for row in document["unpriced"]):
        return None
    missing = {(row["meter"], row["tier"]): row["reason"] for row in document["unpriced"]}
    cells = {cell["day"]: cell for cell in document["cells"] if cell["provider"] == provider}
    prices = {}
    for label, this in shapes:
        cell = cells[DAYS[label]]
        unpriced = [meter["meter"] for meter in cell["meters"] if Decimal(meter["priced"]) == 0]
        reasons = [missing[meter, this["tier"]] for meter in unpriced if (meter, this["tier"]) in missing]
        prices[label] = reasons[0] if reasons else Decimal(cell["priced"])
    return prices


def one(name, entry):
    """Compared shapes of one model; None where the book does not know it."""
    provider = entry["litellm_provider"]
    shapes = list(asked(entry))
    prices = by_llmfin(name, provider, shapes) if shapes else {}
    if prices is None:
        return None
    # Twelve digits of a binary float are noise: dollars are compared to the eleventh decimal.
    theirs = {
        label: Decimal(repr(by_litellm(name, provider, this))).quantize(Decimal("1e-11")) for label, this in shapes
    }
    return [(name, label, theirs[label], prices[label]) for label, _ in shapes]


def differs(theirs, ours):
    return isinstance(ours, str) or abs(theirs - ours) > Decimal("1e-11")


# A bill is required: one cent on a day that no shape uses.
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
    results = dict(zip(models, pool.map(one, models, models.values())))

unknown = {name for name, compared in results.items() if compared is None}
check("models LiteLLM prices and the book does not know", [
    *(f"{name} is not in the book: add it, or list it in differences.py" for name in sorted(unknown - NOT_IN_BOOK)),
    *(f"{name} is listed as unknown and is not" for name in sorted(NOT_IN_BOOK - unknown)),
], f"{len(unknown)}, all listed")

compared = [row for rows in results.values() for row in rows or []]
found = [row for row in compared if differs(*row[2:])]
explained, problems = Counter(), []
for name, label, theirs, ours in found:
    reason = next((key for key in DIFFERENCES if fnmatch.fnmatchcase(name, key[0]) and label == key[1]), None)
    if reason is None:
        problems.append(f"{name}, {label}: LiteLLM {theirs.normalize()}, llmfin {ours}")
    else:
        explained[reason] += 1
problems += [f"no model differs any more: {key}" for key in DIFFERENCES if key not in explained]
shapes = Counter(label for _, label, *_ in compared)
check(
    "prices",
    problems,
    f"LiteLLM {version('litellm')}, {len(results) - len(unknown)} model names, {len(compared)} shapes: "
    f"{len(compared) - len(found)} equal, {len(found)} explained",
)
print("        " + ", ".join(f"{label} {count}" for label, count in shapes.items()))
for (pattern, label), count in explained.items():
    print(f"        {pattern}, {label}: {count} explained: {DIFFERENCES[pattern, label]}")
done()
