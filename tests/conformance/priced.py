"""Requests, and how LiteLLM and llmfin price them; shared by the checks of books."""

import csv
import os
from collections import Counter
from decimal import Decimal

os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="CRITICAL")

import litellm
from litellm import Usage

from common import WORK, llmfin

litellm.suppress_debug_info = True
CLOSE = Decimal("1e-9")

# Shapes: counts by meter, the tier, and what each list must state.
TEXT = {"input": 1000, "output": 700}
CACHED = {**TEXT, "cache_read": 5000}
LONG = {"input": 300_000, "output": 700, "cache_read": 40_000}
SHAPES = {
    "input": ({"input": 1000}, "standard"),
    "text": (TEXT, "standard"),
    "cached": (CACHED, "standard"),
    "write": ({**CACHED, "cache_write_other": 3000}, "standard"),
    "write 1h": ({**CACHED, "cache_write_1h": 3000}, "standard"),
    "long": (LONG, "standard"),
    "batch": (TEXT, "batch"),
    "batch cached": (CACHED, "batch"),
    "flex": (CACHED, "flex"),
    "priority": (CACHED, "priority"),
    "fast": (CACHED, "fast"),
    "audio": ({**TEXT, "input_audio": 400}, "standard"),
}
LITELLM_KEYS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_other": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "input_audio": "input_cost_per_audio_token",
}
SUFFIXES = {"standard": "", "batch": "_batches", "flex": "_flex", "priority": "_priority"}

# LiteLLM's provider: the ledger, genai-prices' provider, and what LiteLLM puts before a model.
PROVIDERS = {
    "openai": ("openai", "openai", ("openai/",)),
    "anthropic": ("anthropic", "anthropic", ("anthropic/",)),
    "azure": ("azure-openai", "azure", ("azure/",)),
    "bedrock": ("aws-bedrock", "aws", ("bedrock/",)),
    "bedrock_converse": ("aws-bedrock", "aws", ("bedrock/",)),
    "vertex_ai": ("google-vertex", None, ("vertex_ai/",)),
    "gemini": ("google-gemini-api", "google", ("gemini/",)),
    "mistral": ("mistral", "mistral", ("mistral/",)),
    "deepseek": ("deepseek", "deepseek", ("deepseek/",)),
    "xai": ("xai", "x-ai", ("xai/",)),
    "groq": ("groq", "groq", ("groq/",)),
    "cohere": ("cohere", "cohere", ("cohere/",)),
    "cohere_chat": ("cohere", "cohere", ("cohere/",)),
    "openrouter": ("openrouter", "openrouter", ("openrouter/",)),
    "together_ai": ("together", "together", ("together_ai/",)),
    "fireworks_ai": ("fireworks", "fireworks", ("fireworks_ai/",)),
    "perplexity": ("perplexity", "perplexity", ("perplexity/",)),
}
AZURE = {"global-standard": "global", "global": "global", "us": "datazone:us", "eu": "datazone:eu"}
PROFILES = {"global": "global", "regional": "us-east-1", "us": "geo:us", "eu": "geo:eu", "apac": "geo:apac", "jp": "geo:jp", "au": "geo:au",
    "us-gov": "geo:us-gov"}


def place(seller, bare):
    """The model and the region that a name means; no model where the name is none."""
    if "-x-" in bare or bare.startswith("ft:"):
        return None, ""
    if seller == "azure-openai":
        start, _, rest = bare.rpartition("/")
        return (rest, AZURE[start]) if start in AZURE else ((rest, "global") if not start else (None, ""))
    if seller == "aws-bedrock":
        if "/" in bare:
            region, rest = bare.split("/", 1)
            return (rest, region) if region.count("-") >= 2 and "/" not in rest else (None, "")
        start, _, rest = bare.partition(".")
        return (rest, PROFILES[start]) if start in PROFILES else (bare, "us-east-1")
    return bare, "global"


class Case:
    def __init__(self, seller, model, region, at, shape, names):
        self.seller, self.model, self.region, self.at, self.shape = seller, model, region, at, shape
        self.names, self.lists = names, {}

    def __str__(self):
        return f"{self.seller} {self.names} {self.region}, {self.shape}, {self.at:%Y-%m-%d %H:%M}"


def litellm_states(entry, shape):
    meters, tier = SHAPES[shape]
    if tier not in SUFFIXES or (entry.get("mode") == "embedding") != (shape == "input"):
        return False
    long = shape == "long"
    if long and (entry.get("max_input_tokens") or 0) <= 340_000:
        return False
    return all(f"{LITELLM_KEYS[meter]}{SUFFIXES[tier]}" in entry for meter in meters)


def by_litellm(name, provider, shape):
    meters, tier = SHAPES[shape]
    count = Counter(meters)
    writes = count["cache_write_other"] + count["cache_write_1h"]
    prompt = count["input"] + count["cache_read"] + count["input_audio"] + writes
    details = {"cached_tokens": count["cache_read"], "text_tokens": count["input"], "audio_tokens": count["input_audio"]}
    if writes:
        details["cache_creation_tokens"] = details["cache_write_tokens"] = writes
    if count["cache_write_1h"]:
        details["cache_creation_token_details"] = {"ephemeral_1h_input_tokens": writes}
    usage = Usage(
        prompt_tokens=prompt,
        completion_tokens=count["output"],
        total_tokens=prompt + count["output"],
        prompt_tokens_details=details,
        cache_read_input_tokens=count["cache_read"],
        cache_creation_input_tokens=writes,
    )
    cost = litellm.cost_per_token(
        model=name,
        custom_llm_provider=provider,
        usage_object=usage,
        service_tier=tier if tier in ("flex", "priority") else None,
        call_type="aretrieve_batch" if tier == "batch" else "completion",
    )
    return Decimal(repr(sum(cost)))


def by_llmfin(cases):
    """Dollars, or why there are none, of every case in one run."""
    meters = sorted({meter for counts, _ in SHAPES.values() for meter in counts})
    log = WORK / "requests.csv"
    with open(log, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "seller", "at", "tier", "region", *meters])
        for case in cases:
            counts, tier = SHAPES[case.shape]
            at = case.at.strftime("%Y-%m-%dT%H:%M:%SZ")
            # The standard tier is not asked for: a name such as `…:batch` says another.
            row = [case.model, case.seller, at, "" if tier == "standard" else tier, case.region]
            writer.writerow(row + [counts.get(meter, "") for meter in meters])
    priced = WORK / "priced.csv"
    llmfin("-q", "pricebook", "price", "--file", log, "-o", priced, exits=(0, 1))
    with open(priced, newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(cases)
    return [Decimal(row["amount"]) if row["amount"] else row["no_price"] for row in rows]
