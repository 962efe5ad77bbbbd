"""The suites: which worlds there are. A world is its name; everything in it is drawn from that name."""

from dataclasses import dataclass, field, replace

from . import billing, decoys, exports, nuisance, traffic, truth
from .chance import Dice
from .faults import FACTORS, ROWS, STRANGE, TWINS, Injected

GRAINS = ("Q", "A", "MD", "MM", "T")
DAILY = ("Q", "A", "MD")
PROVIDERS = ("openai", "anthropic", "google-vertex", "mistral")
LOG_SHAPES = ("usage-table", "usage-table", "usage-requests", "litellm")
ATTEMPTS = 14


@dataclass
class Case:
    """One world to be judged. `asked`: the bill permits naming the fault. `group`: the ids of a pair of twins."""

    name: str
    suite: str
    grain: str
    world: object
    faults: list
    shares: list = field(default_factory=list)
    asked: bool = True
    label: str = ""
    group: frozenset = frozenset()


def shape(world, dice, grain, not_in=()):
    for provider in world.providers:
        shapes = exports.SHAPES[provider][grain]
        world.bill_shape[provider] = dice.pick([name for name in shapes if name not in not_in] or shapes)


def open_to(world, row):
    """The world with only the sellers at which a fault can happen, to draw its place in."""
    return replace(world, providers=tuple(name for name in world.providers if name in row.providers))


def spend(world):
    return sum(line.amount for line in billing.lines(world))


def visible(world, cells, month):
    """A fault counts where it moves a three-hundredth of the month at least, and on a bill in cents ten cents a cell."""
    moved = sum(abs(amount) for amount in cells.values())
    in_cents = any("anthropic-cost-" in shape and "report" not in shape for shape in world.bill_shape.values())
    return moved * 300 >= month and (not in_cents or moved >= len(cells) * 10**14)


def with_truth(case):
    """Fills in the shares, or gives None where a fault cannot be billed, moves too little, or is hidden by another."""
    month = spend(case.world)
    try:
        alone, case.shares = truth.shares(case.world, case.faults)
    except ValueError:
        return None
    return case if all(visible(case.world, cells, month) for cells in alone) else None


def single(split, row, grain, when, number, noise, group=frozenset(), suite="single"):
    """One fault in an otherwise right month."""
    for attempt in range(ATTEMPTS):
        dice = Dice(split, suite, row.cause, row.name, grain, when, number, attempt)
        one_model = row.name.endswith("one model") and suite == "twins"
        world = traffic.month(dice, [dice.pick(row.providers)], models=1 if one_model else None, log_shape=dice.pick(row.logs))
        shape(world, dice, grain, row.not_in)
        if noise:
            nuisance.background_loss(world)
        drawn = row.draw(open_to(world, row), dice.fork("fault"), when)
        if drawn is None:
            continue
        case = with_truth(
            Case(
                dice.name,
                suite,
                grain,
                world,
                [Injected(row, *drawn)],
                asked=grain in row.grains,
                label=f"{row.cause} · {row.name}".strip(" ·"),
                group=group,
            )
        )
        if case:
            return case
    return None


def related(mode, new, others):
    """Whether a fault's cells lie as the adversary wants them to the cells of an earlier one."""
    for other in others:
        shared = new.keys() & other.keys()
        if mode == "same cells" and 2 * len(shared) >= min(len(new), len(other)):
            return True
        if mode == "offsetting" and shared and sum(new.values()) * sum(other.values()) < 0:
            return True
        if mode == "nested" and (shared == other.keys() or shared == new.keys()):
            return True
    return False


def mixture(split, count, kind, grain, number, noise):
    """Several faults at once; `adversarial` ones lie in each other's cells."""
    suite = f"mix{count}"
    for attempt in range(ATTEMPTS):
        dice = Dice(split, suite, kind, grain, number, attempt)
        log_shape = dice.pick(LOG_SHAPES)
        providers = dice.some(PROVIDERS, 2 if kind == "random" else 1)
        world = traffic.month(dice, providers, log_shape=log_shape)
        shape(world, dice, grain)
        if noise:
            nuisance.background_loss(world)
        rows = [
            row
            for row in ROWS
            if row.mixes
            and grain in row.grains
            and log_shape in row.logs
            and set(row.providers) & set(providers)
            and not set(row.not_in) & set(world.bill_shape.values())
        ]
        faults, cells, month, before = [], [], spend(world), truth.difference(world)
        for tries in range(60):
            if len(faults) == count:
                break
            row, draw = dice.pick(rows), dice.fork("fault", tries)
            drawn = row.draw(open_to(world, row), draw, draw.pick(row.whens))
            if drawn is None or any(fault.row.cause == row.cause or {fault.row.cause, row.cause} <= FACTORS for fault in faults):
                continue
            fault = Injected(row, *drawn)
            try:
                alone = truth.alone(world, fault, before)
            except ValueError:
                continue
            mode = draw.pick(("same cells", "offsetting", "nested"))
            if not visible(world, alone, month) or (kind == "adversarial" and faults and not related(mode, alone, cells)):
                continue
            faults.append(fault)
            cells.append(alone)
        if len(faults) < count:
            continue
        case = with_truth(Case(dice.name, suite, grain, world, faults, label=f"{count} faults, {kind}{', with loss' if noise else ''}"))
        if case:
            return case
    return None


def clean(split, grain, number, noise):
    dice = Dice(split, "clean", grain, number, noise)
    world = traffic.month(dice, dice.some(PROVIDERS, dice.between(1, 2)), log_shape=dice.pick(LOG_SHAPES))
    shape(world, dice, grain)
    if dice.chance(30):
        nuisance.missing_fields(world)
    if dice.chance(10) and grain in ("Q", "A") and not any("mapped" in name for name in world.bill_shape.values()):
        nuisance.unknown_line(world)
    if noise:
        nuisance.background_loss(world)
        if dice.chance(30):
            nuisance.stragglers(world)
    return Case(dice.name, "clean", grain, world, [], label="nothing wrong, with loss" if noise else "nothing wrong")


def decoy(split, change, grain, number, noise):
    dice = Dice(split, "decoy", change.__name__, grain, number, noise)
    providers = decoys.NEEDS.get(change.__name__, (dice.pick(PROVIDERS),))
    log_shape = "usage-table" if change.__name__ == "billed_failures" else dice.pick(LOG_SHAPES)
    world = traffic.month(dice, providers, first="2026-10-08", days=24, log_shape=log_shape)
    shape(world, dice, grain)
    change(world, dice.fork("decoy"))
    if noise:
        nuisance.background_loss(world)
    return Case(dice.name, "clean", grain, world, [], label=f"decoy: {change.__name__.replace('_', ' ')}{', with loss' if noise else ''}")


def cases(split, suite, worlds):
    """(function, arguments) of every world of a suite, so that they can be made in parallel."""
    if suite == "single":
        for row in ROWS:
            for grain in GRAINS:
                for when in row.whens:
                    for number in range(worlds):
                        yield single, (split, row, grain, when, number, number % 2 == 1)
    elif suite.startswith("mix"):
        for number in range(worlds):
            for kind in ("random", "adversarial"):
                yield mixture, (split, int(suite[3:]), kind, DAILY[number % 3], number, number % 2 == 0 or kind == "adversarial")
    elif suite == "open":
        for row in STRANGE:
            for grain in GRAINS:
                for number in range(worlds):
                    yield single, (split, row, grain, ("onset", "window")[number % 2], number, number % 2 == 1, frozenset(), "open")
    elif suite == "twins":
        for row, partners in TWINS:
            for grain in row.grains:
                for number in range(worlds):
                    yield single, (split, row, grain, "onset", number, number % 2 == 1, frozenset({row.cause, *partners}), "twins")
    elif suite == "clean":
        for number in range(worlds):
            if number % 2:
                yield clean, (split, GRAINS[number // 2 % 5], number, number // 2 % 2 == 1)
            else:
                yield decoy, (split, decoys.DECOYS[number // 2 % len(decoys.DECOYS)], GRAINS[number // 2 % 5], number, number // 4 % 2 == 1)
