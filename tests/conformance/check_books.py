"""Three price books, one request: LiteLLM's calculator on its map, genai-prices on its data, llmfin on its book.

A request is a model, a tier, a day and counts. It is priced by each book that states a price for all of it; books that would
fall back in silence (LiteLLM without a `_flex` key, genai-prices without a variant) are not asked. LiteLLM's map has no
dates, so it is asked about DAY alone; genai-prices is asked about the day before and the day of every price it dates.
"""

import csv
import fnmatch
import os
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version

os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_LOG="CRITICAL")

import litellm
from genai_prices import Usage as GenaiUsage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, StartDateConstraint
from litellm import Usage

from book_differences import DIFFERENCES, RATIOS
from common import WORK, check, done, llmfin

litellm.suppress_debug_info = True
DAY = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
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
GENAI_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_other": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok",
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
GENAI_SELLERS = {genai: seller for seller, genai, _ in PROVIDERS.values() if genai}
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


def genai_states(provider, model, at, shape):
    """True where genai-prices has a price of its own for every meter, in the tier asked for."""
    meters, tier = SHAPES[shape]
    context = genai_context(model, tier)
    # Azure's models are OpenAI's where it has none of its own; their variants are then not applied.
    if context is None or (context and not any(model is own for own in provider.models)):
        return False
    stated = {key for key, price in model.get_prices(at).__dict__.items() if price is not None}
    if context:
        variants = [v for v in model.price_variants if v.when == context]
        variants = [v for v in variants if v.constraint is None or v.constraint.active(at)]
        stated = {key for v in variants for key, price in v.prices.__dict__.items() if price is not None}
    # A fee for each request would be on top.
    if (shape == "input") != ("output_mtok" not in stated) or "requests_kcount" in stated:
        return False
    if "cache_write_1h" in meters and "cache_write_1h_mtok" not in stated:
        return False
    return all(GENAI_KEYS[meter] in stated for meter in meters)


def genai_context(model, tier):
    """What to send to ask for the tier; None where the model has no such variant."""
    whens = [variant.when for variant in model.price_variants or ()]
    wanted = {
        "standard": [{}],
        "batch": [{"processing": "batch"}],
        "flex": [{"service_tier": "flex"}],
        "priority": [{"service_tier": "priority"}],
        "fast": [{"speed": "fast"}],
    }[tier]
    return next((when for when in wanted if not when or when in whens), None)


def by_genai(provider, model, at, shape):
    meters, tier = SHAPES[shape]
    count = Counter(meters)
    writes = count["cache_write_other"] + count["cache_write_1h"]
    usage = {
        "input_tokens": count["input"] + count["cache_read"] + count["input_audio"] + writes,
        "output_tokens": count["output"],
    }
    extra = {
        "cache_read_tokens": count["cache_read"],
        "cache_write_tokens": writes,
        "cache_write_1h_tokens": count["cache_write_1h"],
        "input_audio_tokens": count["input_audio"],
    }
    usage.update({key: value for key, value in extra.items() if value})
    context = genai_context(model, tier) or None
    price = model.calc_price(GenaiUsage(**usage), provider, genai_request_timestamp=at, price_context=context)
    return Decimal(price.total_price)


def genai_model(provider, *refs):
    """The provider, and the model that genai-prices finds for the first of the names that it knows at all."""
    for ref in refs:
        try:
            return get_snapshot().find_provider_model(ref, None, provider, None)
        except LookupError:
            continue
    return None, None


def today():
    """Every name of LiteLLM's map that a covered seller has, on DAY."""
    cases = []
    for name, entry in sorted(litellm.model_cost.items()):
        provider = entry.get("litellm_provider", "").split("-")[0]
        provider = "bedrock" if provider == "bedrock_converse" else provider
        if provider not in PROVIDERS or entry.get("mode") not in ("chat", "responses", "embedding", "completion"):
            continue
        seller, genai, prefixes = PROVIDERS[provider]
        bare = next((name.removeprefix(prefix) for prefix in prefixes if name.startswith(prefix)), name)
        model, region = place(seller, bare)
        if model is None:
            continue
        # A region of Azure is part of the price and not of genai-prices' names.
        asked = genai if region in ("global", "us-east-1") or seller == "aws-bedrock" else None
        there, found = genai_model(asked, bare, model) if asked else (None, None)
        # It matches names in part: `eu.amazon.nova-lite` is its `amazon.nova-lite`, which has the price of another region.
        if found is not None and seller == "aws-bedrock" and place(seller, found.id)[1] != region:
            found = None
        for shape in SHAPES:
            case = Case(seller, model, region, DAY, shape, name)
            # What LiteLLM charges off the peak depends on the clock of the machine.
            if litellm_states(entry, shape) and "off_peak_pricing" not in entry:
                case.lists["LiteLLM"] = by_litellm(name, provider, shape)
            if found is not None and genai_states(there, found, DAY, shape):
                case.lists["genai-prices"] = by_genai(there, found, DAY, shape)
            if case.lists:
                cases.append(case)
    return cases


def history():
    """The day before and the day of every price that genai-prices dates, and of those its other models on DAY."""
    cases = []
    for provider in get_snapshot().providers:
        seller = GENAI_SELLERS.get(provider.id)
        for model in provider.models if seller else ():
            conditions = [] if isinstance(model.prices, ModelPrice) else model.prices
            days = {c.constraint.start_date for c in conditions if isinstance(c.constraint, StartDateConstraint)}
            noons = {datetime(d.year, d.month, d.day, 12, tzinfo=timezone.utc) for d in days}
            noons |= {noon - timedelta(days=1) for noon in noons}
            bare, region = place(seller, model.id)
            for at in sorted(noons | {DAY}):
                for shape in SHAPES:
                    if genai_states(provider, model, at, shape):
                        case = Case(seller, bare, region, at, shape, f"genai-prices:{model.id}")
                        case.lists["genai-prices"] = by_genai(provider, model, at, shape)
                        cases.append(case)
    return cases


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


def explained(case, name, ours):
    """The entry of the reviewed list that speaks of the difference."""
    for key in DIFFERENCES:
        who, seller, model, shape = key
        if (
            who in (name, "*")
            and fnmatch.fnmatchcase(case.seller, seller)
            and fnmatch.fnmatchcase(f"{case.names}@{case.at:%Y-%m-%d}", model)
            and fnmatch.fnmatchcase(case.shape, shape)
            and (key not in RATIOS or abs(case.lists[name] - ours * RATIOS[key]) <= CLOSE)
        ):
            return key
    return None


WORK.mkdir(parents=True, exist_ok=True)
cases = today()
seen = {(case.seller, case.names.split("/")[-1], case.shape) for case in cases if "genai-prices" in case.lists}
cases += [
    case
    for case in history()
    if case.at != DAY or (case.seller, case.names.removeprefix("genai-prices:"), case.shape) not in seen
]
results = by_llmfin(cases)

equal, used, missing, problems = Counter(), Counter(), Counter(), []
three, sellers = 0, Counter()
for case, ours in zip(cases, results):
    if isinstance(ours, str):
        missing[case.seller, "unknown model" if "no model" in ours else "no row"] += len(case.lists)
        continue
    differing = [name for name, theirs in case.lists.items() if abs(theirs - ours) > CLOSE]
    agreeing = len(case.lists) - len(differing)
    equal.update(name for name in case.lists if name not in differing)
    sellers[case.seller] += agreeing
    three += agreeing == 2
    for name in differing:
        key = explained(case, name, ours)
        if key is None:
            problems.append(f"{case}: {name} {case.lists[name].normalize()}, llmfin {ours.normalize()}")
        else:
            used[key] += 1
problems += [f"nothing differs any more: {key}" for key in DIFFERENCES if key not in used]
check(
    "three price books",
    problems,
    f"LiteLLM {version('litellm')}, genai-prices {version('genai-prices')}: {sum(equal.values())} prices equal to 1e-9 "
    f"({equal['LiteLLM']} and {equal['genai-prices']}), {three} requests priced alike by all three, "
    f"{sum(used.values())} prices differ and are explained",
)
print("        " + ", ".join(f"{seller} {count}" for seller, count in sorted(sellers.items())))
largest = ", ".join(f"{seller} {why} {count}" for (seller, why), count in missing.most_common(6))
print(f"        without a price in the book: {sum(missing.values())} prices of lists; {largest}")
for key, count in used.items():
    print(f"        {', '.join(key)}: {count}: {DIFFERENCES[key]}")
done()
