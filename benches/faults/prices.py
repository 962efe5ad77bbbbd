"""The benchmark's own price list, typed by hand from the providers' pages; it shares nothing with the tool's price book.

Dollars per million tokens, standard tier, in force from the day given. A month of the benchmark lies in October 2026, from
the 4th on: by then every tier below has a price on the page.
"""

from dataclasses import dataclass, field
from functools import lru_cache

from .money import per_token

WEB_SEARCH = per_token("10000")  # ten dollars per thousand searches, one search being one unit

METERS = ("input", "cache_read", "cache_write", "cache_write_1h", "cache_write_12h", "output", "web_search")
TOKENS = METERS[:-1]


@dataclass(frozen=True)
class Model:
    """`versions`: (first day, {meter: price}); `tiers`: {tier: {meter or "*": factor}}; `band`: boundary of a long prompt."""

    name: str
    provider: str
    versions: tuple
    tiers: dict = field(default_factory=dict, hash=False)
    band: int = 0
    regional: bool = False
    snapshot: str = ""
    display: str = ""
    twin: str = ""


HALF, DOUBLE = (1, 2), (2, 1)
LONG_PROMPT = {"output": (3, 2), "*": (2, 1)}


def _prices(uncached, read, write, output, write_1h=None):
    row = {"input": uncached, "cache_read": read, "output": output}
    if write:
        row["cache_write"] = write
    if write_1h:
        row["cache_write_1h"] = write_1h
    return row


def _openai(name, versions, priority, band=0, regional=True, snapshot="", tiers=("flex", "batch")):
    table = {tier: {"*": HALF} for tier in tiers}
    if priority:
        table["priority"] = {"*": priority}
    return Model(name, "openai", tuple(versions), table, band, regional, snapshot or name, name)


def _anthropic(name, versions, display, regional=True):
    return Model(name, "anthropic", tuple(versions), {"batch": {"*": HALF}}, 0, regional, name, display)


MODELS = {model.name: model for model in (
    _openai("gpt-5-mini", [("2025-08-07", _prices("0.25", "0.025", None, "2"))], (9, 5), regional=False, snapshot="gpt-5-mini-2025-08-07"),
    _openai("gpt-5.4-mini", [("2026-03-17", _prices("0.75", "0.075", None, "4.50"))], DOUBLE, snapshot="gpt-5.4-mini-2026-03-17"),
    _openai("gpt-5.4", [("2026-03-05", _prices("2.50", "0.25", None, "15"))], DOUBLE, 272_000, snapshot="gpt-5.4-2026-03-05", tiers=()),
    _openai("gpt-5.5", [("2026-04-23", _prices("5", "0.50", None, "30"))], (5, 2), 272_000, snapshot="gpt-5.5-2026-04-23"),
    _openai("gpt-5.6-luna", [("2026-07-09", _prices("1", "0.10", "1.25", "6")), ("2026-07-30", _prices("0.20", "0.02", "0.25", "1.20"))], DOUBLE, 272_000),
    _openai("gpt-5.6-terra", [("2026-07-09", _prices("2.50", "0.25", "3.125", "15")), ("2026-07-30", _prices("2", "0.20", "2.50", "12"))], DOUBLE, 272_000),
    _openai("gpt-5.6-sol", [("2026-07-09", _prices("5", "0.50", "6.25", "30")), ("2026-08-21", _prices("4", "0.40", "5", "20"))], DOUBLE, 272_000),
    _openai("gpt-4.1", [("2025-04-14", _prices("2", "0.50", None, "8"))], None, regional=False, snapshot="gpt-4.1-2025-04-14", tiers=()),
    _openai("gpt-4.1-mini", [("2025-04-14", _prices("0.40", "0.10", None, "1.60"))], None, regional=False, snapshot="gpt-4.1-mini-2025-04-14", tiers=()),
    _anthropic("claude-haiku-4-5-20251001", [("2025-10-01", _prices("1", "0.10", "1.25", "5", "2"))], "Claude Haiku 4.5", regional=False),
    _anthropic("claude-sonnet-4-5-20250929", [("2025-09-29", _prices("3", "0.30", "3.75", "15", "6"))], "Claude Sonnet 4.5", regional=False),
    _anthropic("claude-sonnet-4-6", [("2026-02-17", _prices("3", "0.30", "3.75", "15", "6"))], "Claude Sonnet 4.6"),
    _anthropic("claude-sonnet-5", [("2026-06-30", _prices("2", "0.20", "2.50", "10", "4"))], "Claude Sonnet 5"),
    _anthropic("claude-opus-4-8", [("2026-05-29", _prices("5", "0.50", "6.25", "25", "10"))], "Claude Opus 4.8"),
    _anthropic("claude-opus-5-5", [("2026-09-22", _prices("4", "0.20", "5", "20", "8"))], "Claude Opus 5.5"),
    _anthropic("claude-sonnet-5-5", [("2026-10-18", _prices("2", "0.10", "2.50", "10", "4"))], "Claude Sonnet 5.5"),
    Model("gemini-3.5-flash", "google-vertex", (("2026-05-19", _prices("1.50", "0.15", None, "9")),), {"flex": {"*": HALF}, "priority": {"*": (9, 5)}}),
    Model("gemini-3.6-flash", "google-vertex", (("2026-07-21", _prices("1.50", "0.15", None, "7.50")), ("2026-08-13", _prices("0.75", "0.075", None, "3.75")))),
    Model("gemini-2.5-pro", "google-vertex", (("2025-06-17", _prices("1.25", "0.125", None, "10")),), {}, 200_000),
    Model("gemini-2.5-flash", "google-vertex", (("2025-10-25", _prices("0.30", "0.03", None, "2.50")),)),
    Model("gemini-3.1-pro-preview", "google-vertex", (("2026-02-19", _prices("2", "0.20", None, "12")),), {}, 200_000),
    Model("mistral-large-4", "mistral", (("2026-10-06", _prices("0.68", "0.07", None, "2.09")), ("2026-10-20", _prices("1.36", "0.14", None, "4.18")),
                                          ("2026-10-29", _prices("0.70", "0.07", None, "2.10")))),
    Model("mistral-large-2512", "mistral", (("2026-03-02", _prices("0.50", "0.05", None, "1.50")),)),
    Model("codestral-2508", "mistral", (("2025-12-11", _prices("0.30", "0.03", None, "0.90")),)),
    # Sold and billed, and on no list that a price book could hold: the unlisted model and the unlisted meter of these worlds.
    Model("gpt-9-preview", "openai", (("2026-09-01", _prices("0.70", "0.07", "0.90", "4.10")),), snapshot="gpt-9-preview", display="gpt-9-preview"),
    Model("claude-next-preview", "anthropic", (("2026-09-01", _prices("7", "0.70", "8.75", "35")),), snapshot="claude-next-preview", display="claude-next-preview"),
)}
UNLISTED_MODELS = {"openai": "gpt-9-preview", "anthropic": "claude-next-preview"}
UNLISTED_METER = ("gpt-5.6-sol", "cache_write_12h", per_token("8"))
US = (11, 10)


def of_provider(provider):
    """The listed models of a provider."""
    return [m.name for m in MODELS.values() if m.provider == provider and m.name not in UNLISTED_MODELS.values()]


def is_long(model, counts):
    """Whether a prompt of so many tokens has the price of long ones."""
    band = MODELS[model].band
    return bool(band) and sum(count for meter, count in counts.items() if meter in TOKENS and meter != "output") > band


@lru_cache(maxsize=None)
def unit(model, meter, day, tier="standard", region="global", long=False, version=None):
    """(amount, ratio numerator, ratio denominator) per unit, or None where the page has no price."""
    if meter == "web_search":
        return WEB_SEARCH
    if (model, meter) == UNLISTED_METER[:2]:
        return UNLISTED_METER[2]
    entry = MODELS[model]
    known = [row for since, row in entry.versions if since <= day]
    row = (known[-1] if version is None else entry.versions[version][1]) if known else None
    if row is None or meter not in row:
        return None
    price = per_token(row[meter])
    ratios = []
    if tier != "standard":
        if tier not in entry.tiers:
            return None
        table = entry.tiers[tier]
        ratios.append(table.get(meter, table["*"]))
    if long and entry.band:
        ratios.append(LONG_PROMPT.get(meter, LONG_PROMPT["*"]))
    if region == "geo:us" and entry.regional:
        ratios.append(US)
    for numerator, denominator in ratios:
        assert price * numerator % denominator == 0
        price = price * numerator // denominator
    return price


UNLISTED = frozenset(UNLISTED_MODELS.values())


def listed(model, meter):
    """Whether a price book can know it."""
    return model not in UNLISTED and (model, meter) != UNLISTED_METER[:2]
