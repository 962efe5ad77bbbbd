"""Months that look unusual and are right: nothing may be claimed in them. Each changes a clean world on both sides alike."""

from datetime import date

from .chance import share
from .traffic import stream
from .world import Rate, instant


def price_change(world, dice):
    """A price that changes twice in the month, as published."""


def launch(world, dice):
    """A model that is sold from the 18th on."""
    if "anthropic" in world.providers and world.last > "2026-10-20":
        stream(
            world,
            dice.fork("launch"),
            "anthropic",
            "proj_search",
            "key-search",
            "claude-sonnet-5-5",
            "flat",
            "2026-10-18",
            "standard",
            "global",
        )


def doubled(world, dice):
    """Twice the traffic from a day on."""
    days = world.days()
    first = days[dice.between(3, len(days) - 3)]
    for call in world.calls:
        if call.day >= first and world.log_shape == "usage-table":
            both(call, {meter: count * 2 for meter, count in call.bill.counts.items()})


def mix_shift(world, dice):
    """Prompts begin to be cached: input turns into reads from a day on."""
    days = world.days()
    first = days[dice.between(3, len(days) - 3)]
    for call in world.calls:
        if call.day >= first:
            counts = dict(call.bill.counts)
            moved = counts["input"] * 2 // 3
            counts["input"], counts["cache_read"] = counts["input"] - moved, counts.get("cache_read", 0) + moved
            both(call, counts)


def weekend_gap(world, dice):
    """No traffic at all on weekends."""
    world.calls = [call for call in world.calls if date.fromisoformat(call.day).weekday() < 5]


def billed_failures(world, dice):
    """Failures with usage that the provider does charge for."""
    for call in world.calls:
        if share(world.name, "failed", call.id) < 500:
            call.outcome = "failed_with_usage"


def tiny_lines(world, dice):
    """Very small lines, so that rounding is all there is; a small prompt is no long one."""
    for call in world.calls:
        call.bill = call.bill.but(long=False)
        both(call, {meter: max(1, count // 500) for meter, count in call.bill.counts.items()})


def own_discount(world, dice):
    """A discount that the contract holds: on the bill, in the gateway and in the terms given to the tool."""
    provider = world.providers[0]
    percent = dice.pick((5, 10, 15))
    world.rates.append(Rate(provider, (100 - percent, 100)))
    for call in world.calls:
        if call.provider == provider:
            call.cost = (100 - percent, 100)
    world.contract = (
        f'[[term]]\nseller = "{provider}"\nkind = "percent_off_list"\nvalue = "{percent}"\napplies_to = ["tokens"]\nfrom = 2026-01-01\n'
    )


def midnight(world, dice):
    """Calls in the last minute before midnight, UTC."""
    for call in world.calls:
        if share(world.name, "late", call.id) < 1_000:
            call.at = instant(call.day, 23, 3_540 + call.at % 60)


def both(call, counts):
    view = call.bill.but(counts={meter: count for meter, count in counts.items() if count})
    call.bill = call.log = view
    call.reasoning = min(call.reasoning, view.counts.get("output", 0))


DECOYS = (price_change, launch, doubled, mix_shift, weekend_gap, billed_failures, tiny_lines, own_discount, midnight)
NEEDS = {"price_change": ("mistral",), "launch": ("anthropic",)}
