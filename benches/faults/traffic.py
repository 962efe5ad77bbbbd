"""Traffic of an invented company: who calls which model when, and with what mix of tokens."""

from datetime import date

from . import prices
from .world import Call, View, World, add_days, days_between, instant

KEYS = (("key-search", "proj_search"), ("key-support", "proj_support"), ("key-data", "proj_data"), ("key-docs", "proj_docs"))
ROLES = ("chat", "smart", "bulk", "draft", "rank", "tool")
HOURS = (0, 2, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 21, 23)
SHAPES = ("weekly", "weekly", "flat", "growth", "launch", "night")


def month(dice, providers, first=None, days=None, models=None, streams=None, log_shape="usage-table"):
    """A month in which nothing is wrong. In a log of requests each call is one request, with a large prompt."""
    days = days or dice.between(14, 28)
    first = first or add_days("2026-10-04", dice.between(0, 28 - days))
    last = add_days(first, days - 1)
    world = World(dice.name, first, last, tuple(providers), {}, [], log_shape=log_shape)
    for provider in providers:
        sold = [name for name in prices.of_provider(provider) if prices.MODELS[name].versions[0][0] <= first]
        world.models[provider] = sorted(dice.some(sold, models or dice.between(4, 6)))
        pairs = [(key, model) for model in world.models[provider] for key in dice.some(KEYS, dice.between(1, 3))]
        for (key, project), model in pairs[:streams]:
            stream(world, dice.fork("stream", provider, key, model), provider, project, key, model)
    world.calls.sort(key=lambda call: (call.at, call.id))
    return world


def stream(world, dice, provider, project, key, model, shape=None, first=None, tier=None, region=None):
    """All calls of one key to one model over the month."""
    alias = f"{key.removeprefix('key-')}-{model.split('-')[-1][:6]}-{dice.pick(ROLES)}"
    shape = shape or dice.pick(SHAPES)
    entry, sums = prices.MODELS[model], world.log_shape == "usage-table"
    if tier is None:
        offered = [name for name in entry.tiers if name in ("flex", "batch")]
        tier = dice.pick(offered) if offered and dice.chance(12) else "standard"
    if region is None:
        region = "geo:us" if provider == "anthropic" and entry.regional and dice.chance(15) else "global"
    long_share = dice.between(10, 40) if entry.band and tier == "standard" and dice.chance(25) else 0
    volume = dice.between(20, 200)
    mix = {"input": dice.between(500, 6_000), "output": dice.between(80, 900), "read": dice.between(0, 80), "write": dice.between(0, 35)}
    hours = sorted(dice.some(HOURS if shape != "night" else (0, 1, 2, 3, 4, 5, 22, 23), dice.between(3, 6)))
    begin = first or (world.first if shape != "launch" else add_days(world.first, dice.between(2, 7)))
    for number, day in enumerate(days_between(max(begin, world.first), world.last)):
        level = (
            {"weekly": 30 if date.fromisoformat(day).weekday() > 4 else 110, "growth": 60 + 4 * number}.get(shape, 100)
            * dice.between(70, 130)
            // 100
        )
        read, write, wordy = (max(0, mix[part] * dice.between(60, 140) // 100) for part in ("read", "write", "output"))
        for hour in hours:
            requests = max(1, volume * level * dice.between(60, 140) // 10_000) if sums else 1
            prompt = (requests if sums else 4 + volume * level // 1_000) * mix["input"] * dice.between(80, 120) // 100
            long = bool(long_share) and dice.below(100) < long_share
            prompt = prompt if sums else min(prompt, 120_000 - 2_000 * (hour % 7))
            answers = requests if sums else 3 + volume // 8
            counts = {"input": prompt, "output": max(1, answers * wordy * dice.between(85, 115) // 100)}
            if read:
                counts["cache_read"] = prompt * read // 50
            if write and "cache_write" in entry.versions[-1][1]:
                counts["cache_write"] = prompt * write // 100
            counts = fitting(
                {meter: count for meter, count in counts.items() if count},
                entry.band + 1 if long and not sums else 0,
                0 if sums or long else 150_000,
            )
            view = View(model, tier, region, long, counts)
            call = Call(
                f"{key}/{model}/{day}/{hour}",
                instant(day, hour, dice.between(0, 3_599)),
                provider,
                project,
                key,
                alias,
                requests,
                view,
                reasoning=counts["output"] * dice.between(10, 60) // 100,
            )
            call.kind = "batch" if tier == "batch" else "generation"
            call.request_id = None if sums else f"req-{call.id}"
            world.calls.append(call)


def fitting(counts, least, most):
    """Counts of a request whose whole prompt has at least `least` and, unless that is 0, at most `most` tokens."""
    prompt = sum(count for meter, count in counts.items() if meter != "output")
    if prompt < least:
        return {**counts, "input": counts["input"] + least - prompt}
    if most and prompt > most:
        return {meter: count if meter == "output" else max(1, count * most // prompt) for meter, count in counts.items()}
    return counts
