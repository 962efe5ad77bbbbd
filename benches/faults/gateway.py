"""What the gateway believed: its own cost of each row, at page prices, with the mistakes gateways are known to make."""

from . import money, prices
from .world import day_of

MISTAKES = {
    "cache twice": "cache tokens are priced once more as input",
    "reads in full": "cache reads are priced as input",
    "no fees": "fees per call are left out",
    "standard": "the tier that the row names is left out",
}


def cost(call):
    """Femto-dollars the gateway wrote beside a row; zero where its list has no price."""
    if call.log is None:
        return 0
    view, day, total = call.log, day_of(call.at), 0
    if call.cost_as is None and call.mistake is None:
        total = sum(count * price for meter, count, price in view.priced(day) if price is not None and prices.listed(view.model, meter))
        return money.times(total, call.cost) if call.cost else total
    model = call.cost_as or view.model
    tier = "standard" if call.mistake == "standard" else view.tier
    for meter, count in view.counts.items():
        if not prices.listed(model, meter) or (call.mistake == "no fees" and meter == "web_search"):
            continue
        price = prices.unit(model, meter, day, tier, view.region, view.long)
        full = prices.unit(model, "input", day, tier, view.region, view.long)
        if price is None:
            continue
        if call.mistake == "reads in full" and meter == "cache_read":
            price = full
        if call.mistake == "cache twice" and meter.startswith("cache_"):
            price += full
        total += price * count
    return money.times(total, call.cost) if call.cost else total
