"""Three price books, one request: LiteLLM's calculator on its map, genai-prices on its data, llmfin on its book.

A request is a model, a tier, a day and counts. It is priced by each book that states a price for all of it; books that would
fall back in silence (LiteLLM without a `_flex` key, genai-prices without a variant) are not asked. LiteLLM's map has no
dates, so it is asked about DAY alone; genai-prices is asked about the day before and the day of every price it dates.
"""

import fnmatch
from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib.metadata import version

from genai_prices import Usage as GenaiUsage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, StartDateConstraint

from book_differences import DIFFERENCES, RATIOS
from common import WORK, check, done
from priced import CLOSE, PROVIDERS, SHAPES, Case, by_litellm, by_llmfin, litellm, litellm_states, place

DAY = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
GENAI_KEYS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_other": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok",
}
GENAI_SELLERS = {genai: seller for seller, genai, _ in PROVIDERS.values() if genai}


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
