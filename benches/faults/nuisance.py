"""What is always a little wrong in a real log and is no cause: it must neither be named nor keep causes from being named."""

from .chance import share


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
