"""Coverage faults: calls that only one side ever saw."""

from ..traffic import stream
from . import quantity, scope as scopes


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
