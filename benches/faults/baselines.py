"""What the tool has to beat: five usual ways to explain a bill, on the same worlds and under the same judge.

Each sees what an analyst would see: for every cell of the bill the gateway's cost and counts by meter, and the billed amount
(by meter, and with quantities, where the bill has them). Each answers with claims: a cause and dollars in a cell. They
work in floating point, as spreadsheets and solvers do.
"""

from collections import defaultdict

from . import billing, gateway, prices
from .judge import Claim
from .world import day_of

RATIOS = {
    0.5: "rate.batch",
    1.1: "rate.region_uplift",
    1.6: "rate.cache_ttl",
    2.0: "rate.service_tier",
    100.0: "unit.minor_currency",
    0.0: "cov.other_payer",
}


class Table:
    """Cells (provider, model, day): `logged` and `billed` dollars, `counts` and `bill` by meter: [count, dollars]."""

    def __init__(self, world, grain):
        self.grain = grain
        self.logged, self.billed = defaultdict(float), defaultdict(float)
        self.counts, self.bill = defaultdict(lambda: defaultdict(float)), defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
        for call in world.calls:
            if call.log is not None:
                cell = self.cell(call.provider, call.log.model, day_of(call.at))
                self.logged[cell] += gateway.cost(call)
                for meter, count in call.log.counts.items():
                    self.counts[cell][meter] += count
        for line in billing.lines(world):
            cell = self.cell(line.provider, line.model, line.day)
            self.billed[cell] += line.amount
            entry = self.bill[cell][line.meter]
            entry[0] += line.count
            entry[1] += line.amount
        self.cells = sorted(set(self.logged) | set(self.billed), key=str)

    def cell(self, provider, model, day):
        whole = ("2026-10-01", "2026-10-31")
        if self.grain == "T":
            return (provider, None, *whole)
        return (provider, model or "*", *(whole if self.grain == "MM" else (day, day)))

    def delta(self, cell):
        return self.billed[cell] - self.logged[cell]

    def price(self, cell, meter):
        price = (
            prices.unit(cell[1], meter, cell[2]) if cell[1] in prices.MODELS and prices.MODELS[cell[1]].versions[0][0] <= cell[2] else None
        )
        return float(price or 0)


def claim(cell, cause, amount):
    return Claim(cell, f"{cause} {cell[0]} {cell[1]}", frozenset([cause]), round(amount))


def total_only(table):
    """One difference for the whole bill, explained by nothing: what most tools show."""
    return []


def price_volume(table):
    """The textbook split: what prices moved is a stale price, what quantities moved are lost rows."""
    claims = []
    for cell in table.cells:
        if table.grain != "Q":
            claims.append(claim(cell, "rate.stale", table.delta(cell)))
            continue
        volume = 0.0
        for meter in set(table.counts[cell]) | set(table.bill[cell]):
            volume += (table.bill[cell][meter][0] - table.counts[cell][meter]) * table.price(cell, meter)
        claims.append(claim(cell, "qty.dropped_rows", volume))
        claims.append(claim(cell, "rate.stale", table.delta(cell) - volume))
    return [c for c in claims if abs(c.amount) > 10**11]


def best_ratio(table):
    """The ratio of billed to logged, looked up in the list of known multipliers; any other ratio is a stale price."""
    claims = []
    for cell in table.cells:
        if abs(table.delta(cell)) <= 0.005 * 10**15 and abs(table.delta(cell)) <= 0.005 * abs(table.logged[cell]):
            continue
        if not table.logged[cell]:
            claims.append(claim(cell, "rate.missing_model", table.delta(cell)))
            continue
        ratio = table.billed[cell] / table.logged[cell]
        near = min(RATIOS, key=lambda known: abs(ratio - known))
        claims.append(claim(cell, RATIOS[near] if abs(ratio - near) <= 0.02 * max(near, 0.05) else "rate.stale", table.delta(cell)))
    return claims


def signatures(table):
    """(cause, {cell: dollars if the cause were at work in full}) for each model from each day on, and for all of a provider."""
    found = []
    by_model = defaultdict(list)
    for cell in table.cells:
        by_model[cell[0], cell[1]].append(cell)
    for (provider, model), cells in sorted(by_model.items(), key=str):
        whole = {cell: table.logged[cell] for cell in cells if table.logged[cell]}
        reads = (
            {cell: -table.counts[cell]["input"] * (table.price(cell, "input") - table.price(cell, "cache_read")) for cell in cells}
            if model in prices.MODELS
            else {}
        )
        writes = (
            {cell: table.counts[cell]["cache_write"] * 0.6 * table.price(cell, "cache_write") for cell in cells}
            if model in prices.MODELS
            else {}
        )
        firsts = sorted({cell[2] for cell in cells})
        for first in firsts[::3]:
            later = {cell: amount for cell, amount in whole.items() if cell[2] >= first}
            found += [
                (cause, {cell: factor * amount for cell, amount in later.items()})
                for cause, factor in (
                    ("rate.batch", -0.5),
                    ("rate.region_uplift", 0.1),
                    ("rate.service_tier", 1.0),
                    ("rate.stale", 0.25),
                    ("rate.stale", -0.25),
                )
            ]
            found.append(("cls.cache_read_as_input", {cell: amount for cell, amount in reads.items() if amount and cell[2] >= first}))
            found.append(("rate.cache_ttl", {cell: amount for cell, amount in writes.items() if amount and cell[2] >= first}))
    for provider in sorted({cell[0] for cell in table.cells}):
        found.append(
            ("terms.discount", {cell: -0.1 * table.logged[cell] for cell in table.cells if cell[0] == provider and table.logged[cell]})
        )
    return [(cause, vector) for cause, vector in found if vector]


def least_squares(table):
    """Non-negative least squares over all signatures, by coordinate descent."""
    columns = signatures(table)
    rest = {cell: table.delta(cell) / 1e15 for cell in table.cells}
    scaled = [(cause, {cell: amount / 1e15 for cell, amount in vector.items()}) for cause, vector in columns]
    norms = [sum(amount * amount for amount in vector.values()) for _, vector in scaled]
    weights = [0.0] * len(scaled)
    for _ in range(60):
        for n, (_, vector) in enumerate(scaled):
            if not norms[n]:
                continue
            step = sum(amount * rest[cell] for cell, amount in vector.items()) / norms[n]
            new = max(0.0, weights[n] + step)
            change, weights[n] = new - weights[n], new
            if change:
                for cell, amount in vector.items():
                    rest[cell] -= change * amount
    claims = defaultdict(float)
    for n, (cause, vector) in enumerate(scaled):
        if weights[n] > 1e-6:
            for cell, amount in vector.items():
                claims[cell, cause] += weights[n] * amount * 1e15
    return [claim(cell, cause, amount) for (cell, cause), amount in claims.items() if abs(amount) > 10**12]


def least_residual(table):
    """The hypotheses that leave the smallest residual, one after the other, with no rule that could refuse one."""
    columns = signatures(table)
    rest = {cell: float(table.delta(cell)) for cell in table.cells}
    claims = []
    for _ in range(5):
        best, gain, fit = None, 0.0, 0.0
        for cause, vector in columns:
            weight = sum(amount * rest[cell] for cell, amount in vector.items()) / sum(amount * amount for amount in vector.values())
            if weight <= 0:
                continue
            weight = 1.0 if cause not in ("rate.stale", "terms.discount", "cls.cache_read_as_input") else weight
            won = sum(abs(rest[cell]) - abs(rest[cell] - weight * amount) for cell, amount in vector.items())
            if won > gain:
                best, gain, fit = (cause, vector), won, weight
        if best is None:
            break
        for cell, amount in best[1].items():
            rest[cell] -= fit * amount
            claims.append(claim(cell, best[0], fit * amount))
    return claims


ALL = {
    "total only": total_only,
    "price/volume split": price_volume,
    "best ratio per cell": best_ratio,
    "non-negative least squares": least_squares,
    "least residual, no gate": least_residual,
}
