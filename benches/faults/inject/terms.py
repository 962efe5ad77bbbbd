"""Commercial terms and charges: what a contract, a tax office or a fee adds to or takes from the usage."""

from .. import money, prices
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
        return scope, lambda w: w.charges.append(
            Line(provider, day, "", "", None, "", "standard", "global", False, 0, amount, text, category)
        )

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


def platform_fee(world, dice, when):
    """A percentage of the usage as a line of its own."""
    provider = scopes.provider_of(world, dice)
    day = world.days()[-1]
    scope = scopes.Scope(provider, None, None, [day])
    permille = dice.pick((15, 50, 55))

    def edit(lines):
        usage = sum(line.amount for line in lines if line.provider == provider and line.model)
        amount = money.to_cent(usage * permille // 1_000)
        return [
            *lines,
            Line(
                provider,
                day,
                "",
                "",
                None,
                "",
                "standard",
                "global",
                False,
                0,
                amount,
                f"Platform fee {permille / 10:g} % of usage",
                "Purchase",
            ),
        ]

    return scope, lambda w: w.line_edits.append(edit)


def volume_band(world, dice, when):
    """Everything after the first so many tokens of the month costs less."""
    provider = scopes.provider_of(world, dice)
    scope = scopes.Scope(provider, None, None, world.days())
    percent, part = dice.pick((75, 80, 90)), dice.between(30, 60)

    def apply(w):
        calls = [call for call in w.calls if call.provider == provider and call.bill]
        total, seen, later = sum(sum(call.bill.counts.values()) for call in calls), 0, set()
        for call in sorted(calls, key=lambda call: (call.at, call.id)):
            seen += sum(call.bill.counts.values())
            if seen * 100 > total * part:
                later.add(call.id)
        w.rates.append(Rate(provider, (percent, 100), calls=frozenset(later)))

    return scope, apply


def free_allowance(world, dice, when):
    """The first calls of every day to one model are free."""
    scope = scopes.draw(world, dice, "month", "model")
    if scope is None:
        return None

    def apply(w):
        free, used = set(), {}
        for call in sorted((call for call in w.calls if scope.has(call) and call.bill), key=lambda call: (call.at, call.id)):
            used[call.day] = used.get(call.day, 0) + 1
            if used[call.day] <= 2:
                free.add(call.id)
        w.rates.append(Rate(scope.provider, (0, 1), calls=frozenset(free)))

    return scope, apply


def repeated_lines(world, dice, when):
    """Some rows of the bill are printed twice."""
    scope = scopes.draw(world, dice, "window", "model")
    if scope is None:
        return None
    (model,) = scope.models
    day = sorted(scope.days)[dice.below(len(scope.days))]
    scope = scopes.Scope(scope.provider, None, scope.models, [day])
    entry = prices.MODELS[model]
    # What only these rows have in them, as each shape prints it; no other shape is a table of days.
    needles = {
        "openai-cost-csv": (f"{day}T00:00:00+00:00,{scopes.next_day(day)}", f"{entry.snapshot}, "),
        "mapped-md": (f"{day},{model},",),
        "anthropic-cost-csv": (f"{day},{entry.display},",),
        "anthropic-cost-and-tokens": (f"{day},{entry.display},",),
    }
    for focus in ("focus-q", "focus-a", "focus-md", "openai-focus"):
        needles[focus] = (f"{day}T00:00:00Z,{scopes.next_day(day)}T", f",{model}\n")
    needles = needles.get(world.bill_shape[scope.provider])
    if needles is None:
        return None

    def edit(lines):
        return [
            Line(**{**vars(line), "amount": 2 * line.amount, "count": 2 * line.count})
            if line.provider == scope.provider and line.model == model and line.day == day
            else line
            for line in lines
        ]

    def halve(lines):
        """The exports print each row twice, so each has the amount of one."""
        return [
            Line(**{**vars(line), "amount": line.amount // 2, "count": line.count // 2})
            if line.provider == scope.provider and line.model == model and line.day == day
            else line
            for line in lines
        ]

    def apply(w):
        w.line_edits.append(edit)
        w.printing = w.printing + (halve,)
        w.repeated = needles

    return scope, apply


def provider_error(world, dice, when):
    """Odd amounts on the bill of one model, while the log and the provider's own usage report agree on every count."""
    scope = scopes.draw(world, dice, "window", "model")
    if scope is None:
        return None

    def apply(w):
        for number, day in enumerate(sorted(scope.days)):
            w.rates.append(Rate(scope.provider, (100 + 7 + dice.fork(day).below(40), 100), models=scope.models, first=day, last=day))

    return scope, apply
