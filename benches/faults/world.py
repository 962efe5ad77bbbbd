"""A month as two parties saw it: what the provider served and bills, and what the gateway logged and believes."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from . import prices

MONTH = "2026-10"
HOUR = 3600


class View:
    """One party's account of some calls. Never changed in place: `but` makes another."""

    __slots__ = ("model", "tier", "region", "long", "counts", "prices")

    def __init__(self, model, tier, region, long, counts):
        self.model, self.tier, self.region, self.long, self.counts = model, tier, region, long, counts
        self.prices = {}  # page prices by day, worked out once: every subset of faults bills the same views again

    def but(self, **changes):
        new = View(self.model, self.tier, self.region, self.long, self.counts)
        for name, value in changes.items():
            setattr(new, name, value)
        return new

    def priced(self, day):
        """(meter, count, page price of one) for every meter; the price is None where the page has none."""
        if day not in self.prices:
            unit = prices.unit
            self.prices[day] = [(m, count, unit(self.model, m, day, self.tier, self.region, self.long)) for m, count in self.counts.items()]
        return self.prices[day]

    def counting(self, **changes):
        """The same with other counts; a count of zero is left out."""
        counts = {**self.counts, **changes}
        return self.but(counts={meter: count for meter, count in counts.items() if count})


class Call:
    """Calls of one key to one model within an hour. `bill` or `log` is None where that party knows nothing of them."""

    __slots__ = (
        "id",
        "at",
        "provider",
        "project",
        "key",
        "alias",
        "requests",
        "bill",
        "log",
        "outcome",
        "kind",
        "request_id",
        "cost",
        "cost_as",
        "mistake",
        "bill_at",
        "reasoning",
        "of",
        "extra",
    )

    def __init__(self, id, at, provider, project, key, alias, requests, view, reasoning=0):
        self.id, self.at, self.provider, self.project, self.key, self.alias, self.requests = id, at, provider, project, key, alias, requests
        self.bill = self.log = view
        self.outcome, self.kind, self.request_id = "success", "generation", None
        self.cost = None  # what the gateway wrote where that is not its list price: (numerator, denominator)
        self.bill_at = None  # the instant the provider dates it by, where that is not `at`
        self.reasoning = reasoning  # the part of output that was thought and not shown
        self.cost_as = None  # the model whose price the gateway took, where it is not the logged one
        self.mistake = None  # how the gateway's own cost of it went wrong; see `gateway.py`
        self.of = view.model  # the model as it was before any fault: what scopes select by
        self.extra = {}

    def copy(self):
        new = Call.__new__(Call)
        for name in Call.__slots__:
            setattr(new, name, getattr(self, name))
        return new

    @property
    def day(self):
        return day_of(self.at)


@dataclass
class Rate:
    """The provider charges its price times `ratio`, or the price of another version, within this scope."""

    provider: str
    ratio: tuple = (1, 1)
    models: frozenset = None
    meters: frozenset = None
    keys: frozenset = None
    tiers: frozenset = None
    first: str = "2026-10-01"
    last: str = "2026-10-31"
    version: int = None
    hours: frozenset = None
    calls: frozenset = None

    def covers(self, call, meter, day):
        view = call.bill
        return (
            call.provider == self.provider
            and self.first <= day <= self.last
            and (self.models is None or view.model in self.models)
            and (self.meters is None or meter in self.meters)
            and (self.keys is None or call.key in self.keys)
            and (self.tiers is None or view.tier in self.tiers)
            and (self.calls is None or call.id in self.calls)
            and (self.hours is None or (call.at // HOUR) % 24 in self.hours)
        )


@dataclass
class Line:
    """One line of a bill before a format prints it. Without a model it is a charge beside the usage."""

    provider: str
    day: str
    project: str
    key: str
    model: str
    meter: str
    tier: str
    region: str
    long: bool
    count: int
    amount: int
    text: str = ""
    category: str = "Usage"


@dataclass
class World:
    name: str
    first: str
    last: str
    providers: tuple
    models: dict
    calls: list
    rates: list = field(default_factory=list)
    charges: list = field(default_factory=list)
    offset: dict = field(default_factory=dict)  # hours by which a provider's day begins late
    line_edits: list = field(default_factory=list)  # functions over the finished lines
    # How it is written down; faults may ask for a shape but never change the truth with it.
    bill_shape: dict = field(default_factory=dict)
    log_shape: str = "usage-table"  # or "usage-requests", "litellm": one row a request
    hide: dict = field(default_factory=dict)  # columns a provider's export leaves out
    contract: str = ""  # terms that the tool is given
    printing: tuple = ()  # functions over the finished lines that only what is printed goes through
    repeated: tuple = ()  # texts of which a bill's file prints every row with them twice

    def copy(self):
        return World(
            self.name,
            self.first,
            self.last,
            self.providers,
            self.models,
            [call.copy() for call in self.calls],
            list(self.rates),
            list(self.charges),
            dict(self.offset),
            list(self.line_edits),
            dict(self.bill_shape),
            self.log_shape,
            dict(self.hide),
            self.contract,
            self.printing,
            self.repeated,
        )

    def days(self):
        return days_between(self.first, self.last)


def day_of(at):
    return _day_text(at // 86_400)


_DAYS = {}


def _day_text(number):
    if number not in _DAYS:
        _DAYS[number] = (date(1970, 1, 1) + timedelta(days=number)).isoformat()
    return _DAYS[number]


def instant(day, hour=0, second=0):
    return int(datetime.fromisoformat(day).replace(tzinfo=timezone.utc).timestamp()) + hour * HOUR + second


def days_between(first, last):
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(start + timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]


def add_days(day, count):
    return (date.fromisoformat(day) + timedelta(days=count)).isoformat()
