"""Pairs that no method can tell apart on the bill they come with: the only right answer is the group of both."""

from .. import prices
from ..world import Rate
from . import scope as scopes


def uniform(world, dice, ratio, providers, wanted=None, width="model", when="onset"):
    """One factor on every meter of a model (or of a key's calls to it)."""
    scope = scopes.draw(world, dice, when, width, providers, wanted)
    if scope is None:
        return None
    return scope, lambda w: w.rates.append(
        Rate(scope.provider, ratio, models=scope.models, keys=scope.keys, first=scope.first(), last=scope.last())
    )


def standard(call):
    return call.bill.tier == "standard" and not call.bill.long


def half_price(world, dice, when):
    return uniform(
        world, dice, (1, 2), ("openai",), lambda call: standard(call) and {"flex", "batch"} <= set(prices.MODELS[call.of].tiers), "stream"
    )


def tenth_more(world, dice, when):
    return uniform(
        world, dice, (11, 10), ("openai", "anthropic"), lambda call: call.bill.region == "global" and prices.MODELS[call.of].regional
    )


def one_factor_one_model(world, dice, when):
    percent = dice.pick((80, 85, 88, 92))
    return uniform(world, dice, (percent, 100), None, None, "model", "month")


def thinned(world, dice, when):
    """Every row of the log lacks the same part of every count: at one amount a model and day, a price as good as a loss."""
    scope = scopes.draw(world, dice, "onset", "model")
    if scope is None:
        return None
    keep = dice.pick((4, 5, 8))

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log:
                call.log = call.log.but(counts={meter: max(1, count * keep // 10) for meter, count in call.log.counts.items()})

    return scope, apply
