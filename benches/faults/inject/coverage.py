"""Coverage faults: calls that only one side ever saw."""

from ..traffic import stream
from . import quantity
from . import scope as scopes


def bypass(world, dice, when):
    """A team calls the provider with a key of its own: a project of the bill that the gateway never uses."""
    provider = scopes.provider_of(world, dice)
    model = dice.pick(world.models[provider])
    scope = scopes.Scope(provider, frozenset(["key-notebooks"]), frozenset([model]), scopes.days(world, dice, when))

    def apply(w):
        new = w.copy()
        new.calls = []
        stream(new, dice.fork("calls"), provider, "proj_notebooks", "key-notebooks", model, "flat", None, "standard", "global")
        for call in new.calls:
            call.log = None
        w.calls += [call for call in new.calls if call.day in scope.days]

    return scope, apply


other_payer = quantity.beside("payer", outcome="other_payer")


def account_scope(world, dice, when):
    """The bill covers another team's project too, with every model; the log does not."""
    provider = scopes.provider_of(world, dice)
    scope = scopes.Scope(provider, frozenset(["key-other-team"]), None, world.days())

    def apply(w):
        new = w.copy()
        new.calls = []
        for model in w.models[provider]:
            stream(new, dice.fork("calls", model), provider, "proj_other_team", "key-other-team", model, "flat", None, "standard", "global")
        for call in new.calls:
            call.log = None
        w.calls += new.calls

    return scope, apply


def inner_calls(world, dice, when):
    """Each call makes the provider call a second model, which the log never sees and the bill shows under that model."""
    scope = scopes.draw(world, dice, when)
    if scope is None:
        return None
    (model,) = scope.models
    others = [name for name in world.models[scope.provider] if name != model]
    if not others:
        return None
    other = dice.pick(others)

    def apply(w):
        more = []
        for call in w.calls:
            if scope.has(call) and call.bill:
                inner = call.copy()
                inner.id, inner.log = f"{call.id}+inner", None
                inner.bill = call.bill.but(
                    model=other,
                    tier="standard",
                    region="global",
                    long=False,
                    counts={"input": call.bill.counts.get("output", 0) * 3 + 50, "output": call.bill.counts.get("output", 0) // 4 + 10},
                )
                more.append(inner)
        w.calls += more

    return scope, apply
