"""What is always a little wrong in a real log and is no cause: it must neither be named nor keep causes from being named."""

from . import money
from .chance import share
from .world import HOUR, Line, instant


def background_loss(world):
    """Two percent of the rows lose ten percent of their tokens: 0.2 percent of the volume."""
    for call in world.calls:
        if share(world.name, "loss", call.id) < 200 and call.log:
            call.log = call.log.but(counts={meter: max(1, count * 9 // 10) for meter, count in call.log.counts.items()})


def missing_fields(world):
    """Some rows of the log do not say their region, requested model or call type."""
    for call in world.calls:
        if share(world.name, "fields", call.id) < 500 and call.log and call.log.region == "global":
            call.extra = {**call.extra, "requested_model": "", "region": ""}


def stragglers(world):
    """Calls of the last minutes of a day end after midnight, and the provider dates one in twenty of them by their end."""
    for call in world.calls:
        if call.bill and call.at % 86_400 > 23 * HOUR and share(world.name, "straggler", call.id) < 500:
            call.bill_at = instant(call.day, 24)


def unknown_line(world):
    """A line that no reader knows, on one bill."""
    provider, day = world.providers[0], world.days()[len(world.days()) // 2]
    amount = (1 + share(world.name, "line")) * money.CENT
    world.charges.append(
        Line(provider, day, "", "", None, "", "standard", "global", False, 0, amount, "Adaptive throughput surplus", "Usage")
    )
