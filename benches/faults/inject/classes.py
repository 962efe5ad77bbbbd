"""Classification faults: the right tokens in the wrong counter, or fees that no counter holds."""

from .. import prices
from ..world import Line
from . import scope as scopes


def edit_log(scope, change):
    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and call.log.counts:
                call.log = change(call)

    return apply


def move(call, source, target, keep=0):
    counts = call.log.counts
    moved = counts.get(source, 0)
    return call.log.counting(**{source: keep, target: counts.get(target, 0) + moved - keep})


def reads_as_input(world, dice, when):
    scope = scopes.draw(world, dice, when, dice.pick(("stream", "model")), wanted=lambda call: call.log.counts.get("cache_read"))
    return scope and (scope, edit_log(scope, lambda call: move(call, "cache_read", "input")))


def convention_flip(world, dice, when):
    """From one release of the gateway on, reads are part of the input at every model of a provider."""
    scope = scopes.draw(world, dice, "onset", "provider", wanted=lambda call: call.log.counts.get("cache_read"))
    return scope and (scope, edit_log(scope, lambda call: move(call, "cache_read", "input")))


def reads_counted_twice(world, dice, when):
    """Reads are logged beside an input that already contains them."""
    scope = scopes.draw(world, dice, when, wanted=lambda call: call.log.counts.get("cache_read"))
    return scope and (
        scope,
        edit_log(scope, lambda call: call.log.counting(input=call.log.counts.get("input", 0) + call.log.counts.get("cache_read", 0))),
    )


def writes_folded(world, dice, when):
    scope = scopes.draw(world, dice, when, wanted=lambda call: call.log.counts.get("cache_write"))
    return scope and (scope, edit_log(scope, lambda call: move(call, "cache_write", "input")))


def writes_dropped(world, dice, when):
    scope = scopes.draw(world, dice, when, wanted=lambda call: call.log.counts.get("cache_write"))
    return scope and (scope, edit_log(scope, lambda call: call.log.counting(cache_write=0)))


def reasoning_twice(world, dice, when):
    """Reasoning is added to an output that contains it."""
    scope = scopes.draw(world, dice, when)
    return scope and (scope, edit_log(scope, lambda call: call.log.counting(output=call.log.counts.get("output", 0) + call.reasoning)))


def reasoning_lost(world, dice, when):
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and call.log.counts:
                call.log = call.log.counting(output=max(1, call.log.counts.get("output", 0) - call.reasoning))
                call.reasoning = 0

    return scope, apply


def reasoning_in_total(world, dice, when):
    """Output lacks the reasoning; the row's own total shows that it was there."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and 0 < call.reasoning < call.log.counts.get("output", 0):
                call.extra = {**call.extra, "hidden_reasoning": call.reasoning}
                call.log = call.log.counting(output=call.log.counts["output"] - call.reasoning)

    return scope, apply


def gateway_mistake(name, wanted=None, prepare=None):
    """The counts of the log are right, the cost beside them is not."""

    def draw(world, dice, when):
        scope = scopes.draw(world, dice, when, wanted=wanted)
        if scope is None:
            return None

        def apply(w):
            for call in w.calls:
                if scope.has(call) and call.log and (wanted is None or wanted(call)):
                    call.mistake = name

        return scope, apply

    return draw


def fees_left_out(world, dice, when):
    """Searches are logged and billed, and the gateway's cost has no fee for them."""
    scope = scopes.draw(world, dice, when, providers=("anthropic",))
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and call.bill:
                count = 1 + call.log.counts.get("output", 0) % 7
                call.log, call.bill, call.mistake = call.log.counting(web_search=count), call.bill.counting(web_search=count), "no fees"

    return scope, apply


def searches_unlogged(world, dice, when):
    """Web searches are on the bill at ten dollars a thousand and in no row of the log."""
    scope = scopes.draw(world, dice, when, providers=("openai", "anthropic"))
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.bill:
                call.bill = call.bill.counting(web_search=call.requests // 3 + 1)

    return scope, apply


def storage(world, dice, when):
    """Storage or container time: billed by the day, without any request."""
    provider = scopes.provider_of(world, dice, ("openai", "anthropic"))
    if provider is None:
        return None
    scope = scopes.Scope(provider, None, None, world.days())
    amount = dice.between(2, 40) * prices.per_token("100000")
    text, meter = ("Vector storage", "") if provider == "openai" else ("Code execution", "code_execution")

    def apply(w):
        w.charges += [Line(provider, day, "", "", None, meter, "standard", "global", False, 0, amount, text) for day in w.days()]

    return scope, apply


def reasoning_only(world, dice, when):
    """Only the reasoning part of the output was logged."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and call.log.counts and call.reasoning:
                call.log = call.log.counting(output=call.reasoning)

    return scope, apply
