"""Mapping faults: another model answered than the log says, or the gateway priced one model as another."""

from .. import prices
from . import scope as scopes


def sibling(world, dice, call_model, provider):
    meters = set(prices.MODELS[call_model].versions[-1][1])
    fitting = [m for m in world.models[provider] if m != call_model and meters <= set(prices.MODELS[m].versions[-1][1])]
    return dice.pick(fitting) if fitting else None


def served_by_another(kind):
    def draw(world, dice, when):
        """`alias`: from a day on; `fallback`: on some days, in part; `deployment`: all month."""
        when = {"alias": "onset", "fallback": "scattered", "deployment": "month"}[kind]
        scope = scopes.draw(
            world, dice, when, wanted=lambda call: call.bill.tier == "standard" and not call.bill.long and call.bill.region == "global"
        )
        if scope is None:
            return None
        (model,) = scope.models
        other = sibling(world, dice, model, scope.provider)
        if other is None:
            return None

        def apply(w):
            number = 0
            for call in w.calls:
                if scope.has(call) and call.bill and call.bill.tier == "standard" and not call.bill.long and call.bill.region == "global":
                    number += 1
                    if kind != "fallback" or number % 3:
                        call.bill = call.bill.but(model=other)

        return scope, apply

    return draw


def priced_as_sibling(world, dice, when):
    """The gateway's catalogue matched another model's entry: its own cost is off, the counts are right."""
    scope = scopes.draw(world, dice, "month", "model", wanted=lambda call: call.log.tier == "standard" and not call.log.long)
    if scope is None:
        return None
    (model,) = scope.models
    other = sibling(world, dice, model, scope.provider)
    if other is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and call.log.tier == "standard" and not call.log.long and call.log.region == "global":
                call.cost_as = other

    return scope, apply


def cost_field(world, dice, when):
    """The cost field of an upstream was read with another meaning: everything is double or a twentieth."""
    scope = scopes.draw(world, dice, "month", "provider")
    if scope is None:
        return None
    ratio = dice.pick(((2, 1), (17, 10), (1, 20)))

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log:
                call.cost = ratio

    return scope, apply
