"""Faults that no cause describes. Whatever names one of them is wrong: their dollars must stay unexplained."""

from .. import prices
from ..chance import share
from ..world import Rate
from . import scope as scopes


def restless_price(world, dice, when):
    """Another odd factor on the bill every day."""
    scope = scopes.draw(world, dice, when, "model")
    if scope is None:
        return None

    def apply(w):
        for day in sorted(scope.days):
            w.rates.append(
                Rate(scope.provider, (8_000 + share(scope, "odd", day) * 7 // 10, 10_000), models=scope.models, first=day, last=day)
            )

    return scope, apply


def drift(world, dice, when):
    """Counts in the log fall behind by another percent every day."""
    scope = scopes.draw(world, dice, "onset")
    if scope is None:
        return None
    days = {day: number for number, day in enumerate(sorted(scope.days))}

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log:
                left = 1_000 - 13 * (days[call.day] + 1) - share(scope, call.day) % 11
                call.log = call.log.but(counts={meter: max(1, count * left // 1_000) for meter, count in call.log.counts.items()})

    return scope, apply


def noisy_meters(world, dice, when):
    """Each row of the log is off by its own factor, each meter by another. A prompt stays short, or long, as its price is."""
    scope = scopes.draw(world, dice, when, dice.pick(("stream", "model")))
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log:
                noisy = {meter: max(1, count * (60 + share(scope, meter, call.id) % 90) // 100) for meter, count in call.log.counts.items()}
                if prices.is_long(call.log.model, noisy) == prices.is_long(call.log.model, call.log.counts):
                    call.log = call.log.but(counts=noisy)

    return scope, apply


def odd_amounts(world, dice, when):
    """Amounts that belong to nothing, on some lines of the bill."""
    scope = scopes.draw(world, dice, "scattered", "model")
    if scope is None:
        return None

    def edit(lines):
        result = []
        for line in lines:
            if line.provider == scope.provider and line.model in scope.models and line.day in scope.days and line.meter == "output":
                line = type(line)(**{**vars(line), "amount": line.amount + (1 + share(scope, line.day) % 1_700) * 10**13})
            result.append(line)
        return result

    return scope, lambda w: w.line_edits.append(edit)


def lines_lost(world, dice, when):
    """Some lines of the bill are not there."""
    scope = scopes.draw(world, dice, "month", "model")
    if scope is None:
        return None

    def edit(lines):
        return [
            line
            for line in lines
            if not (
                line.provider == scope.provider
                and line.model in scope.models
                and share(scope, "gone", line.day, line.meter, line.project) < 2_500
            )
        ]

    return scope, lambda w: w.line_edits.append(edit)


def swapped_meters(world, dice, when):
    """A random part of the output is logged as input."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and call.log.counts:
                part = call.log.counts.get("output", 0) * (share(scope, "part", call.id) % 80) // 100
                call.log = call.log.counting(output=call.log.counts.get("output", 0) - part, input=call.log.counts.get("input", 0) + part)
                call.reasoning = 0

    return scope, apply


def extra_output(world, dice, when):
    """The provider bills a random surplus of output tokens."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.bill:
                output = call.bill.counts.get("output", 0)
                call.bill = call.bill.counting(output=output + output * (share(scope, "more", call.id) % 60) // 100)

    return scope, apply


STRANGE = (restless_price, drift, noisy_meters, odd_amounts, lines_lost, swapped_meters, extra_output)
