"""Timing faults: the same money on other days, or not yet on the bill."""

from ..chance import share
from ..world import HOUR
from . import scope as scopes


def zone(world, dice, when):
    """The provider's day begins at another hour than the log's."""
    provider = scopes.provider_of(world, dice)
    hours = dice.pick((-9, -8, 5, 7, 8))
    scope = scopes.Scope(provider, None, None, world.days())

    def apply(w):
        w.offset[provider] = hours

    return scope, apply


def completion(world, dice, when):
    """Batches are dated by their end, up to a day after the log's start."""
    scope = scopes.draw(world, dice, "month", wanted=lambda call: call.bill.tier == "batch")
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.bill and call.bill.tier == "batch":
                call.bill_at = call.at + share(scope, "end", call.id) * 24 * HOUR // 10_000

    return scope, apply


def late(world, dice, when):
    """Usage of the last days that the provider will put on the next bill."""
    provider = scopes.provider_of(world, dice)
    scope = scopes.Scope(provider, None, None, world.days()[-2:])

    def apply(w):
        for call in w.calls:
            if scope.has(call) and share(scope, "late", call.id) < (6_000 if call.day == scope.last() else 2_000):
                call.bill = None
        w.calls = [call for call in w.calls if call.log or call.bill]

    return scope, apply


def cut_export(world, dice, when):
    """The bill's export ends some days early."""
    provider = scopes.provider_of(world, dice)
    scope = scopes.Scope(provider, None, None, world.days()[-dice.between(2, 5) :])

    def apply(w):
        for call in w.calls:
            if scope.has(call):
                call.bill = None
        w.calls = [call for call in w.calls if call.log or call.bill]

    return scope, apply
