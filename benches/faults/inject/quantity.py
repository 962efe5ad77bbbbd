"""Quantity faults: calls counted twice, not at all, or with other numbers than the provider counted."""

from ..chance import share
from . import scope as scopes


def twin_of(call, suffix, outcome=None, kind=None, same_id=False):
    """The same calls logged once more and not billed again."""
    new = call.copy()
    if call.request_id and not same_id:
        new.request_id = f"{call.request_id}-{suffix}"
    new.id, new.bill = f"{call.id}+{suffix}", None
    new.outcome, new.kind = outcome or call.outcome, kind or call.kind
    new.extra = dict(call.extra)
    return new


def duplicate(world, dice, when):
    """A delivery is repeated: the same id, the same counts, twice in the log."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None
    percent = dice.pick((20, 50, 100))

    def apply(w):
        more = []
        for call in w.calls:
            if scope.has(call) and call.log and share(scope, "dup", call.id) < percent * 100:
                more.append(twin_of(call, "again", same_id=True))
        w.calls += more

    return scope, apply


def beside(cause, **how):
    def draw(world, dice, when):
        scope = scopes.draw(world, dice, when)
        if scope is None:
            return None
        percent = dice.pick((20, 50, 100))

        def apply(w):
            more = []
            for call in w.calls:
                if scope.has(call) and call.log and call.bill and share(scope, cause, call.id) < percent * 100:
                    more.append(twin_of(call, cause, **how))
            w.calls += more

        return scope, apply

    return draw


def lost_rows(percent):
    def draw(world, dice, when):
        """Rows never reached the log, on some days more than on others."""
        scope = scopes.draw(world, dice, when)
        if scope is None:
            return None

        def apply(w):
            for call in w.calls:
                level = percent * (50 + share(scope, "level", call.day) % 100)
                if scope.has(call) and share(scope, "lost", call.id) < level:
                    call.log = None
            w.calls = [call for call in w.calls if call.log or call.bill]

        return scope, apply

    return draw


def missing_day(world, dice, when):
    """A day or two of the log were never exported."""
    provider = scopes.provider_of(world, dice)
    days = world.days()
    count = dice.between(1, 2)
    start = dice.pick((0, len(days) - count, dice.below(len(days) - count)))
    scope = scopes.Scope(provider, None, None, days[start : start + count])

    def apply(w):
        for call in w.calls:
            if scope.has(call):
                call.log = None
        w.calls = [call for call in w.calls if call.log or call.bill]

    return scope, apply


def streams_without_usage(world, dice, when):
    """Streams that ended without a usage report: rows are there, tokens are not."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None
    percent = dice.pick((30, 60, 100))

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and share(scope, "stream", call.id) < percent * 100:
                call.log = call.log.but(counts={})
                call.outcome = "stream_without_usage"

    return scope, apply


def output_only(world, dice, when):
    """Clients hung up: the gateway kept the output it had seen and no prompt."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None
    percent = dice.pick((20, 40))

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log and share(scope, "hangup", call.id) < percent * 100:
                call.log = call.log.but(counts={"output": call.log.counts.get("output", 1)})

    return scope, apply


def estimated(world, dice, when):
    """The gateway counted tokens with another tokenizer, and says so."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log:
                percent = 85 + share(scope, "estimate", call.id) % 46
                call.log = call.log.but(counts={meter: max(1, count * percent // 100) for meter, count in call.log.counts.items()})
                call.extra = {**call.extra, "count_source": "estimated"}

    return scope, apply


def first_snapshot(world, dice, when):
    """Only the first part of a stream's output was kept."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log:
                output = call.log.counts.get("output", 0)
                call.log = call.log.counting(output=max(1, output * (25 + share(scope, "snapshot", call.id) % 30) // 100))
                call.reasoning = 0

    return scope, apply


def rolled_up(world, dice, when):
    """A parent repeats the sum of its children under an id of its own."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        parents = {}
        for call in w.calls:
            if scope.has(call) and call.log and call.bill and share(scope, "trace", call.id) < 6_000:
                parents.setdefault((call.day, call.log.tier, call.log.region, call.log.long), []).append(call)
        for number, children in enumerate(parents.values()):
            parent = twin_of(children[0], "parent")
            counts = {}
            for child in children:
                for meter, count in child.log.counts.items():
                    counts[meter] = counts.get(meter, 0) + count
            parent.log, parent.reasoning = parent.log.but(counts=counts), sum(child.reasoning for child in children)
            w.calls.append(parent)

    return scope, apply


def retries(world, dice, when):
    """Attempts that failed late were billed; the gateway logged the last one only."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.bill and share(scope, "retry", call.id) < 3_000:
                part = 20 + share(scope, "part", call.id) % 60
                call.bill = call.bill.but(counts={meter: count + count * part // 100 for meter, count in call.bill.counts.items()})

    return scope, apply


def fanned_out(world, dice, when):
    """One response is written as three rows, each with the usage of the whole and the same id."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None

    def apply(w):
        more = []
        for call in w.calls:
            if scope.has(call) and call.log and share(scope, "blocks", call.id) < 4_000:
                more += [twin_of(call, "block-2", same_id=True), twin_of(call, "block-3", same_id=True)]
        w.calls += more

    return scope, apply


def blocks(world, dice, when):
    """The provider bills whole thousands of tokens of each request."""
    scope = scopes.draw(world, dice, when, "model")
    if scope is None:
        return None

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.bill:
                size = 1_000 * call.requests
                call.bill = call.bill.but(counts={meter: -(-count // size) * size for meter, count in call.bill.counts.items()})

    return scope, apply
