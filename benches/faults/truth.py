"""What each fault moves: dollars by cell, alone and as its Shapley share in the mixture, from billing every subset anew.

A cell is (provider, model, day); the difference of a cell is what was billed less what the gateway believed. Money that
belongs to no model lies in the cells of model "*".
"""

from collections import defaultdict
from fractions import Fraction
from math import factorial

from . import billing, gateway
from .world import day_of


def difference(world):
    """billed - logged by cell."""
    cells = defaultdict(int)
    for line in billing.lines(world):
        model = "*" if line.model is None else line.model
        cells[line.provider, model, line.day] += line.amount
    for call in world.calls:
        if call.log is not None:
            cells[call.provider, call.log.model, day_of(call.at)] -= gateway.cost(call)
    return {cell: amount for cell, amount in cells.items() if amount}


def with_faults(world, faults):
    changed = world.copy()
    for fault in faults:
        fault.apply(changed)
    return changed


def alone(world, fault, before):
    """The cells of one fault, where `before` is the difference without it."""
    return minus(difference(with_faults(world, [fault])), before)


def shares(world, faults):
    """(cells of each fault alone, cells of each fault in the mixture as exact fractions)."""
    count = len(faults)
    value = {}
    for mask in range(1 << count):
        value[mask] = difference(with_faults(world, [fault for n, fault in enumerate(faults) if mask >> n & 1]))
    alone = [minus(value[1 << n], value[0]) for n in range(count)]
    mixed = []
    for n in range(count):
        cells = defaultdict(Fraction)
        for mask in range(1 << count):
            if mask >> n & 1:
                continue
            size = bin(mask).count("1")
            weight = Fraction(factorial(size) * factorial(count - size - 1), factorial(count))
            for cell, amount in minus(value[mask | 1 << n], value[mask]).items():
                cells[cell] += weight * amount
        mixed.append({cell: amount for cell, amount in cells.items() if amount})
    return alone, mixed


def minus(left, right):
    return {cell: left.get(cell, 0) - right.get(cell, 0) for cell in left.keys() | right.keys() if left.get(cell, 0) != right.get(cell, 0)}
