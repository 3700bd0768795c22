"""What one instance costs: per-second billing at a price that changes, as AWS bills Linux instances.

Rules (Amazon EC2 user guide, "Billing for Spot Instances" and "On-Demand Instances"): seconds are rounded
up, at least 60 are billed; a spot instance that AWS itself interrupts in its first hour is free; block
storage is charged in every case.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import SECONDS_PER_HOUR, Market

MINIMUM_S = 60.0
FREE_WHEN_INTERRUPTED_S = 3600.0

PriceSeries = Sequence[tuple[float, float]]


def billed_seconds(launched_at: float, ended_at: float) -> float:
    """Seconds charged for a life from ``launched_at`` to ``ended_at``: whole seconds, at least 60."""
    return max(MINIMUM_S, float(math.ceil(ended_at - launched_at)))


def price_at(points: PriceSeries, instant: float) -> float:
    """Price in force at ``instant``; before the first point, the first price."""
    position = bisect_right(points, (instant, math.inf)) - 1
    return points[max(0, position)][1]


def integrate(points: PriceSeries, since: float, until: float) -> float:
    """∫ price dt from ``since`` to ``until``, in price units × hours; ``points`` in time order, at least one."""
    if until <= since:
        return 0.0
    first = max(0, bisect_right(points, (since, math.inf)) - 1)
    last = max(first, bisect_right(points, (until, math.inf), first) - 1)
    total, at = 0.0, since
    for position in range(first, last):
        change = points[position + 1][0]
        total += points[position][1] * (change - at)
        at = change
    return (total + points[last][1] * (until - at)) / SECONDS_PER_HOUR


def cost(
    points: PriceSeries,
    launched_at: float,
    ended_at: float,
    market: Market,
    interrupted: bool,
    volume_usd_per_hour: float,
) -> float:
    """USD billed for an instance from ``launched_at`` to ``ended_at`` (or so far, when that is now).

    ``points`` are (instant, USD per hour) in time order, the first at or before the launch where known.
    ``interrupted`` is whether AWS took it. Seconds added by rounding are charged at the last price.
    Raises InvalidInputError when there is no price or when it ends before it starts.
    """
    if not points:
        raise InvalidInputError("billing: the pool has no price; load a price log that covers it")
    if ended_at < launched_at:
        raise InvalidInputError(f"billing: ended_at {ended_at} lies before launched_at {launched_at}")
    seconds = billed_seconds(launched_at, ended_at)
    storage = volume_usd_per_hour * seconds / SECONDS_PER_HOUR
    if interrupted and market is Market.SPOT and ended_at - launched_at < FREE_WHEN_INTERRUPTED_S:
        return storage
    rounding = seconds - (ended_at - launched_at)
    extra = price_at(points, ended_at) * rounding / SECONDS_PER_HOUR if rounding else 0.0
    return integrate(points, launched_at, ended_at) + extra + storage
