"""The provider's billing engine: counts times page prices, summed into lines. Exact whole numbers throughout."""

from . import money, prices
from .world import HOUR, Line, day_of


def billing_day(world, call):
    at = call.bill_at if call.bill_at is not None else call.at
    return day_of(at - world.offset.get(call.provider, 0) * HOUR)


def unit_price(view, rates, call, meter, page, day):
    """What one unit of a meter costs: the page's price, or what the provider charges instead of it."""
    version, ratio = None, (1, 1)
    for rate in rates:
        if rate.covers(call, meter, day):
            ratio = (ratio[0] * rate.ratio[0], ratio[1] * rate.ratio[1])
            version = rate.version if rate.version is not None else version
    if version is not None:
        page = prices.unit(view.model, meter, day, view.tier, view.region, view.long, version)
    if page is None:
        raise ValueError(f"{view.model} sells no {meter} at {view.tier}")
    return page if ratio == (1, 1) else money.times(page, ratio)


def lines(world):
    """All lines of all providers, in order, before any format rounds them."""
    sums = {}
    for call in world.calls:
        view = call.bill
        if view is None:
            continue
        day = billing_day(world, call)
        if not "2026-10-01" <= day <= "2026-10-31":
            continue
        rates = [rate for rate in world.rates if rate.provider == call.provider and (rate.models is None or view.model in rate.models)]
        for meter, count, page in view.priced(day):
            key = (call.provider, day, call.project, call.key, view.model, meter, view.tier, view.region, view.long)
            entry = sums.setdefault(key, [0, 0])
            entry[0] += count
            entry[1] += count * unit_price(view, rates, call, meter, page, day)
    result = [Line(*key, count, amount) for key, (count, amount) in sorted(sums.items())]
    result += world.charges
    for edit in world.line_edits:
        result = edit(result)
    return result
