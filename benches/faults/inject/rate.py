"""Rate faults: the provider charges a price, tier, region or band that the gateway and its price book do not expect."""

from .. import prices
from ..traffic import stream
from ..world import Rate
from . import scope as scopes


def rate_within(scope, **what):
    return Rate(scope.provider, models=scope.models, keys=scope.keys, first=scope.first(), last=scope.last(), **what)


def other_version(world, dice, when):
    """The page's other price is charged: a published version, the wrong one."""
    scope = scopes.draw(
        world,
        dice,
        when,
        "model",
        wanted=lambda call: (
            len(prices.MODELS[call.of].versions) > 1 and call.bill.tier == "standard" and prices.MODELS[call.of].provider != "mistral"
        ),
    )
    if scope is None:
        return None
    return scope, lambda w: w.rates.append(rate_within(scope, version=0, tiers=frozenset(["standard"])))


def new_price(world, dice, when):
    """A price that no list has yet."""
    scope = scopes.draw(world, dice, when, "model")
    if scope is None:
        return None
    percent = dice.pick((70, 75, 85, 115, 120, 130, 150))
    meters = dice.pick((None, frozenset(["input"]), frozenset(["output"])))
    return scope, lambda w: w.rates.append(rate_within(scope, ratio=(percent, 100), meters=meters))


def two_new_prices(world, dice, when):
    """Input and output change by different factors."""
    scope = scopes.draw(world, dice, when, "model")
    if scope is None:
        return None
    up, down = dice.pick((110, 120, 125, 150)), dice.pick((50, 70, 80, 90))

    def apply(w):
        w.rates.append(rate_within(scope, ratio=(up, 100), meters=frozenset(["input", "cache_read", "cache_write", "cache_write_1h"])))
        w.rates.append(rate_within(scope, ratio=(down, 100), meters=frozenset(["output"])))

    return scope, apply


def missing_model(world, dice, when):
    """A model that is on no list is used and billed; the gateway wrote zero."""
    provider = scopes.provider_of(world, dice, prices.UNLISTED_MODELS)
    if provider is None:
        return None
    model = prices.UNLISTED_MODELS[provider]
    scope = scopes.Scope(provider, frozenset(["key-data"]), frozenset([model]), scopes.days(world, dice, "onset"))

    def apply(w):
        new = w.copy()
        new.calls = []
        stream(new, dice.fork("calls"), provider, "proj_data", "key-data", model, "flat", scope.first(), "standard", "global")
        w.calls += new.calls

    return scope, apply


def missing_class(world, dice, when):
    """One meter of a listed model has no price on any list: a cache write of twelve hours."""
    scope = scopes.draw(
        world,
        dice,
        when,
        "stream",
        ("openai",),
        lambda call: call.of == prices.UNLISTED_METER[0] and call.bill.tier == "standard" and not call.bill.long,
    )
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.bill.tier == "standard" and not call.bill.long:
                count = call.bill.counts.get("input", 0) // 3
                call.bill = call.bill.counting(cache_write_12h=count)
                call.log = call.log.counting(cache_write_12h=count) if call.log else None

    return scope, apply


def tier(name, kind=None):
    def draw(world, dice, when):
        """Served and billed at another tier than the log says."""
        scope = scopes.draw(
            world,
            dice,
            when,
            "stream",
            wanted=lambda call: call.bill.tier == "standard" and name in prices.MODELS[call.of].tiers and not call.bill.long,
        )
        if scope is None:
            return None

        def apply(w):
            for call in w.calls:
                if scope.has(call) and call.bill and call.bill.tier == "standard" and not call.bill.long:
                    call.bill = call.bill.but(tier=name)

        return scope, apply

    return draw


def tier_of_a_model(name):
    def draw(world, dice, when):
        """As `tier`, over all keys of a model."""
        scope = scopes.draw(
            world,
            dice,
            when,
            "model",
            wanted=lambda call: call.bill.tier == "standard" and name in prices.MODELS[call.of].tiers and not call.bill.long,
        )
        if scope is None:
            return None

        def apply(w):
            for call in w.calls:
                if scope.has(call) and call.bill and call.bill.tier == "standard" and not call.bill.long:
                    call.bill = call.bill.but(tier=name)

        return scope, apply

    return draw


def region(width, providers, shown):
    def draw(world, dice, when):
        """Answered in the United States at 1.1 times the price, which the log does not say."""
        scope = scopes.draw(
            world, dice, when, width, providers, lambda call: prices.MODELS[call.of].regional and call.bill.region == "global"
        )
        if scope is None:
            return None

        def apply(w):
            for call in w.calls:
                if scope.has(call) and call.bill and call.bill.region == "global" and prices.MODELS[call.bill.model].regional:
                    call.bill = call.bill.but(region="geo:us")
            if not shown:
                w.hide[scope.provider] = ("region",)

        return scope, apply

    return draw


def band_ignored(world, dice, when):
    """Long prompts, billed as such; the log does not say which calls were long."""
    scope = scopes.draw(
        world, dice, when, "stream", wanted=lambda call: prices.MODELS[call.of].band and call.bill.tier == "standard" and not call.bill.long
    )
    if scope is None:
        return None
    every = dice.between(2, 4)

    def apply(w):
        for number, call in enumerate(c for c in w.calls if scope.has(c)):
            if call.bill and call.bill.tier == "standard" and number % every:
                call.bill = call.bill.but(long=True)

    return scope, apply


def band_kept(world, dice, when):
    """The gateway still adds a surcharge for long prompts that the provider does not charge."""
    scope = scopes.draw(
        world, dice, when, "stream", wanted=lambda call: prices.MODELS[call.of].band and call.bill.tier == "standard" and not call.bill.long
    )
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and call.log.tier == "standard":
                call.log = call.log.but(long=True)

    return scope, apply


def cache_ttl(world, dice, when):
    """Cache writes that live an hour are logged as writes of five minutes."""
    scope = scopes.draw(world, dice, when, "stream", ("anthropic",), lambda call: call.bill.counts.get("cache_write"))
    if scope is None:
        return None
    share = dice.pick((100, 100, 50, 70))

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.bill and call.bill.counts.get("cache_write"):
                written = call.bill.counts["cache_write"]
                long = written * share // 100
                call.bill = call.bill.counting(cache_write=written - long, cache_write_1h=long)

    return scope, apply


def time_of_day(world, dice, when):
    """An hourly tariff that no list has: nights at half price."""
    scope = scopes.draw(world, dice, when, "model", wanted=lambda call: (call.at // 3600) % 24 < 8)
    if scope is None:
        return None
    return scope, lambda w: w.rates.append(rate_within(scope, ratio=(1, 2), hours=frozenset(range(8))))


def effective_boundary(world, dice, when):
    """The price change of the 20th is billed from a day earlier or later."""
    scope = scopes.draw(world, dice, "month", "model", ("mistral",), lambda call: call.of == "mistral-large-4")
    if scope is None:
        return None
    day, version = dice.pick((("2026-10-20", 0), ("2026-10-19", 1)))
    if day not in world.days():
        return None
    scope = scopes.Scope("mistral", None, scope.models, [day])
    return scope, lambda w: w.rates.append(rate_within(scope, version=version))


def promo_kept(world, dice, when):
    """The provider goes on charging the promotional price after its published end."""
    scope = scopes.draw(world, dice, "month", "model", ("mistral",), lambda call: call.of == "mistral-large-4")
    late = [day for day in world.days() if "2026-10-20" <= day < "2026-10-29"]
    if scope is None or len(late) < 4:
        return None
    scope = scopes.Scope("mistral", None, scope.models, late)
    return scope, lambda w: w.rates.append(rate_within(scope, version=0))


def unit_scale(world, dice, when):
    """The gateway's catalogue holds one model's price per thousand where it means per million."""
    scope = scopes.draw(world, dice, "month", "model")
    if scope is None:
        return None
    ratio = dice.pick(((1000, 1), (1, 1000)))

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log:
                call.cost = ratio

    return scope, apply
