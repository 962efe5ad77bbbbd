"""The suites: which worlds there are. A world is its name; everything in it is drawn from that name."""

from dataclasses import dataclass

from . import billing, exports, nuisance, traffic, truth
from .chance import Dice
from .faults import ROWS, Injected

GRAINS = ("Q", "A", "MD", "MM", "T")


@dataclass
class Case:
    """One world to be judged. `asked`: the bill permits naming the fault."""

    name: str
    suite: str
    grain: str
    world: object
    faults: list
    asked: bool = True
    label: str = ""


def shape(world, dice, grain):
    for provider in world.providers:
        world.bill_shape[provider] = dice.pick(exports.SHAPES[provider][grain])


def single(split, row, grain, when, number, noise):
    """One fault in an otherwise right month."""
    for attempt in range(12):
        dice = Dice(split, "single", row.cause, row.name, grain, when, number, noise, attempt)
        world = traffic.month(dice, [dice.pick(row.providers)], log_shape=dice.pick(row.logs))
        shape(world, dice, grain)
        if noise:
            nuisance.background_loss(world)
        drawn = row.draw(world, dice.fork("fault"), when)
        if drawn is None:
            continue
        fault = Injected(row, *drawn)
        alone, _ = truth.shares(world, [fault])
        if visible(alone[0], truth_size(world)):
            return Case(dice.name, "single", grain, world, [fault], grain in row.grains, f"{row.cause} · {row.name}")
    return None


def truth_size(world):
    return sum(line.amount for line in billing.lines(world))


def visible(cells, spend):
    """A fault counts where it moves a five-hundredth of the month at least and is seen on three cells."""
    return sum(abs(amount) for amount in cells.values()) * 500 >= spend


def clean(split, grain, number, noise, providers=None):
    dice = Dice(split, "clean", grain, number, noise)
    world = traffic.month(dice, providers or dice.some(("openai", "anthropic", "google-vertex", "mistral"), dice.between(1, 2)), log_shape=dice.pick(("usage-table", "usage-table", "usage-requests", "litellm")))
    shape(world, dice, grain)
    if noise:
        nuisance.background_loss(world)
    if dice.chance(30):
        nuisance.missing_fields(world)
    return Case(dice.name, "clean", grain, world, [], label="clean with loss" if noise else "clean")


def cases(split, suite, worlds):
    """Names of worlds lazily, as (function, arguments), so that they can be made in parallel."""
    if suite == "single":
        for row in ROWS:
            for grain in GRAINS:
                for when in row.whens:
                    for number in range(worlds):
                        yield single, (split, row, grain, when, number, number % 2 == 1)
    elif suite == "clean":
        for number in range(worlds):
            yield clean, (split, GRAINS[number % 5], number, number % 2 == 1)
