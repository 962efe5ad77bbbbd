"""The benchmark's own arithmetic against figures worked out by hand, before it judges anybody else's."""

from fractions import Fraction

from . import billing, gateway, money, prices, suites, traffic, truth
from .chance import Dice
from .world import Call, View, World, instant

DAY = "2026-10-12"
# (model, tier, region, long prompt, counts, dollars): a million times page price, or a vector of a public thread.
BILLED = (
    ("gpt-5.5", "standard", "global", False, {"input": 1_000_000}, "5"),
    ("gpt-5.5", "flex", "global", False, {"input": 1_000_000, "output": 100_000}, "4"),
    ("gpt-5.5", "priority", "global", False, {"output": 100_000}, "7.5"),
    ("gpt-5.5", "standard", "global", True, {"input": 300_000, "output": 10_000}, "3.45"),
    ("gpt-5.6-sol", "standard", "geo:us", False, {"cache_read": 1_000_000}, "0.44"),
    ("claude-sonnet-5", "batch", "geo:us", False, {"cache_write": 1_000_000}, "1.375"),
    ("claude-haiku-4-5-20251001", "standard", "geo:us", False, {"cache_write_1h": 500_000}, "1"),
    ("claude-sonnet-4-5-20250929", "standard", "global", False, {"input": 3, "cache_write": 12_304, "output": 550}, "0.054399"),
    ("gpt-5.4", "standard", "global", False, {"input": 2_618, "cache_read": 3_456, "output": 285}, "0.011684"),
    ("mistral-large-4", "standard", "global", False, {"input": 1_000_000, "output": 1_000_000}, "2.77"),
    ("gpt-5.6-sol", "standard", "global", False, {"web_search": 3, "cache_write_12h": 1_000_000}, "8.03"),
)


def one_call(model, tier, region, long, counts):
    call = Call("check", instant(DAY, 9), prices.MODELS[model].provider, "p", "k", "a", 1, View(model, tier, region, long, counts))
    return World("check", DAY, DAY, (call.provider,), {}, [call])


def run():
    """Raises where anything is off."""
    for model, tier, region, long, counts, dollars in BILLED:
        billed = sum(line.amount for line in billing.lines(one_call(model, tier, region, long, counts)))
        assert billed == money.dollars(dollars), f"{model} {tier} {counts}: {money.text(billed)} instead of {dollars}"
    (call,) = one_call("gpt-5.4", "standard", "global", False, {"input": 2_618, "cache_read": 3_456, "output": 285}).calls
    call.mistake = "reads in full"
    assert gateway.cost(call) == money.dollars("0.01946"), money.text(gateway.cost(call))
    assert money.to_cent(money.dollars("0.125")) == money.dollars("0.13") and money.to_cent(money.dollars("-0.125")) == money.dollars("-0.13")
    assert not truth.difference(traffic.month(Dice("check", "clean"), ("openai", "anthropic"))), "a month without faults has a difference"
    case = next(case for number in range(9) if (case := suites.mixture("check", 3, "random", "A", number, False)))
    everything = truth.minus(truth.difference(truth.with_faults(case.world, case.faults)), truth.difference(case.world))
    for cell in everything.keys() | {cell for share in case.shares for cell in share}:
        assert sum((share.get(cell, Fraction(0)) for share in case.shares), Fraction(0)) == everything.get(cell, 0), f"the shares of {cell} do not add up"
    assert Dice("test", "single", 1).below(10**9) != Dice("tune", "single", 1).below(10**9)
