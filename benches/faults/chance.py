"""Seeded chance: every draw follows from the names of split, suite and number, on any machine and any Python."""

import hashlib


class Dice:
    """A stream of numbers from SHA-256 in counter mode; two different names share nothing."""

    def __init__(self, *names):
        self.name = "/".join(str(name) for name in names)
        self.counter = 0
        self.left = b""

    def bits(self, count):
        while len(self.left) < count:
            self.left += hashlib.sha256(f"{self.name}#{self.counter}".encode()).digest()
            self.counter += 1
        taken, self.left = self.left[:count], self.left[count:]
        return int.from_bytes(taken, "big")

    def below(self, bound):
        """A whole number from 0 to bound - 1; the bias of 48 bits is far below what any count here could show."""
        return self.bits(6) % bound

    def between(self, low, high):
        return low + self.below(high - low + 1)

    def chance(self, percent):
        return self.below(100) < percent

    def pick(self, things):
        things = list(things)
        return things[self.below(len(things))]

    def some(self, things, count):
        """`count` different things, in drawn order."""
        left, drawn = list(things), []
        while left and len(drawn) < count:
            drawn.append(left.pop(self.below(len(left))))
        return drawn

    def fork(self, *names):
        return Dice(self.name, *names)


def share(*names):
    """A number from 0 to 9999 that hangs on names alone: for choices that must not move when something else is drawn."""
    digest = hashlib.sha256("/".join(str(name) for name in names).encode()).digest()
    return int.from_bytes(digest[:4], "big") % 10_000
