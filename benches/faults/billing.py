"""The provider's billing engine: counts times page prices, summed into lines. Exact whole numbers throughout."""

from . import money, prices
from .world import HOUR, Line, day_of


def billing_day(world, call):
    at = call.bill_at if call.bill_at is not None else call.at
    return day_of(at - world.offset.get(call.provider, 0) * HOUR)


def charge(world, call, meter, count, day):
    """What the provider charges for one meter of one group of calls."""
    view = call.bill
    version, ratio = None, (1, 1)
    for rate in world.rates:
        if rate.covers(call, meter, day):
            ratio = (ratio[0] * rate.ratio[0], ratio[1] * rate.ratio[1])
            version = rate.version if rate.version is not None else version
    price = prices.unit(view.model, meter, day, view.tier, view.region, view.long, version)
    if price is None:
        raise ValueError(f"{view.model} sells no {meter} at {view.tier}")
    return money.times(price, ratio) * count


def lines(world):
    """All lines of all providers, in order, before any format rounds them."""
    amounts, counts = {}, {}
    for call in world.calls:
        if call.bill is None:
            continue
        day = billing_day(world, call)
        if not "2026-10-01" <= day <= "2026-10-31":
            continue
        view = call.bill
        for meter, count in view.counts.items():
            key = (call.provider, day, call.project, call.key, view.model, meter, view.tier, view.region, view.long)
            amounts[key] = amounts.get(key, 0) + charge(world, call, meter, count, day)
            counts[key] = counts.get(key, 0) + count
    result = [Line(*key, counts[key], amount) for key, amount in sorted(amounts.items())]
    result += world.charges
    for edit in world.line_edits:
        result = edit(result)
    return result
