"""Where and when a fault is at work."""

from ..world import add_days


class Scope:
    """Calls of some keys and models on some days; `None` is any."""

    def __init__(self, provider, keys, models, days):
        self.provider, self.keys, self.models, self.days = provider, keys, models, frozenset(days)

    def has(self, call):
        return (
            call.provider == self.provider
            and (self.keys is None or call.key in self.keys)
            and (self.models is None or call.of in self.models)
            and call.day in self.days
        )

    def __str__(self):
        keys = "+".join(sorted(self.keys)) if self.keys else "every key"
        models = "+".join(sorted(self.models)) if self.models else "every model"
        return f"{self.provider} {keys} {models} {min(self.days)}..{max(self.days)} ({len(self.days)} days)"

    def first(self):
        return min(self.days)

    def last(self):
        return max(self.days)


def streams(world, provider, wanted=None):
    """(key, model) pairs with traffic on a third of the days at least, so that a fault of theirs can be seen."""
    days = {}
    for call in world.calls:
        if call.provider == provider and call.bill is not None and call.log is not None and (wanted is None or wanted(call)):
            days.setdefault((call.key, call.of), set()).add(call.day)
    return {pair: sorted(found) for pair, found in sorted(days.items()) if len(found) * 3 >= len(world.days())}


def provider_of(world, dice, providers=None):
    fitting = [name for name in world.providers if providers is None or name in providers]
    return dice.pick(fitting) if fitting else None


def days(world, dice, when, of=None):
    """Days of a fault: `month`, `onset` (from a day to the end), `window` (some days in a row), `scattered`."""
    known = of or world.days()
    if when == "month":
        return known
    if when == "onset":
        return known[dice.between(1, max(1, len(known) // 2)) :]
    if when == "window":
        length = min(len(known), dice.between(4, 8))
        start = dice.below(len(known) - length + 1)
        return known[start : start + length]
    return sorted(dice.some(known, max(3, len(known) // 4)))


def draw(world, dice, when, width="stream", providers=None, wanted=None):
    """A scope drawn from the traffic, or None where nothing fits. `width`: stream, model, key or provider."""
    provider = provider_of(world, dice, providers)
    if provider is None:
        return None
    found = streams(world, provider, wanted)
    if not found:
        return None
    key, model = dice.pick(found)
    if width == "stream":
        return Scope(provider, frozenset([key]), frozenset([model]), days(world, dice, when, found[key, model]))
    if width == "model":
        return Scope(provider, None, frozenset([model]), days(world, dice, when))
    if width == "key":
        return Scope(provider, frozenset([key]), frozenset(m for k, m in found if k == key), days(world, dice, when))
    return Scope(provider, None, None, days(world, dice, when))


def next_day(day):
    return add_days(day, 1)
