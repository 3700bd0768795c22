"""Pools that are better left alone for a while: those that refused a launch or have just been interrupted."""

from __future__ import annotations

from collections.abc import Iterable

from cloudpits.domain.model import Pool

PAUSE_S = 180.0  # after a capacity error; doubles with each further one
LONGEST_PAUSE_S = 3600.0
FORGET_S = 2 * LONGEST_PAUSE_S  # older errors say nothing about capacity now


def cooling(errors: Iterable[tuple[Pool, float]], now: float) -> frozenset[Pool]:
    """Pools in cool-down at ``now``: 3 minutes after a refusal, doubling with every further one."""
    counts: dict[Pool, int] = {}
    last: dict[Pool, float] = {}
    for pool, at in errors:
        if now - FORGET_S < at <= now:
            counts[pool] = counts.get(pool, 0) + 1
            last[pool] = max(at, last.get(pool, at))
    return frozenset(pool for pool, at in last.items() if now < at + pause_s(counts[pool]))


def pause_s(errors: int) -> float:
    """Seconds without a launch after that many errors."""
    return min(LONGEST_PAUSE_S, PAUSE_S * 2.0 ** (errors - 1))
