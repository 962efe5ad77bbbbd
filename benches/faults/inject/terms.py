"""Commercial terms and charges: what a contract, a tax office or a fee adds to or takes from the usage."""

from .. import money
from ..world import Line, Rate
from . import scope as scopes


def discount(world, dice, when):
    """One percentage off everything a provider sells, in no terms the tool was given."""
    provider = scopes.provider_of(world, dice)
    scope = scopes.Scope(provider, None, None, scopes.days(world, dice, dice.pick(("month", "month", "onset"))))
    percent = dice.pick((5, 8, 12, 15, 20))
    return scope, lambda w: w.rates.append(Rate(provider, (100 - percent, 100), first=scope.first(), last=scope.last()))


def margin(world, dice, when):
    """The gateway adds a mark-up to the cost it writes for one key."""
    scope = scopes.draw(world, dice, "month", "key")
    if scope is None:
        return None
    percent = dice.pick((5, 10, 20))

    def apply(w):
        for call in w.calls:
            if scope.has(call) and call.log:
                call.cost = (100 + percent, 100)
    return scope, apply


def line(text, category, low, high, sign=1):
    def draw(world, dice, when):
        """One line beside the usage, on the last day of the month."""
        provider = scopes.provider_of(world, dice)
        day = world.days()[-1]
        scope = scopes.Scope(provider, None, None, [day])
        amount = sign * dice.between(low * 100, high * 100) * money.CENT
        return scope, lambda w: w.charges.append(Line(provider, day, "", "", None, "", "standard", "global", False, 0, amount, text, category))
    return draw


def cents_as_dollars(world, dice, when):
    """A column of cents is read as dollars: every line a hundred times too high."""
    provider = scopes.provider_of(world, dice)
    scope = scopes.Scope(provider, None, None, world.days())
    return scope, lambda w: w.rates.append(Rate(provider, (100, 1)))


def currency(world, dice, when):
    """The bill is in another currency than it says: one odd factor on everything."""
    provider = scopes.provider_of(world, dice)
    scope = scopes.Scope(provider, None, None, world.days())
    rate = dice.pick((8_613, 9_127, 7_449, 9_388))
    return scope, lambda w: w.rates.append(Rate(provider, (rate, 10_000)))
