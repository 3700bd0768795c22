"""Prices given as points in a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloudpits.domain.model import Pool
from cloudpits.domain.ports import PricePoint


class MemoryPrices:
    """Answers from ``points``; pools without any are not offered."""

    def __init__(self, points: Iterable[PricePoint] = ()) -> None:
        self.points = list(points)

    def history(self, pools: Iterable[Pool], since: float, until: float) -> Sequence[PricePoint]:
        wanted = set(pools)
        known = sorted((p for p in self.points if p.pool in wanted and p.at <= until), key=lambda p: p.at)
        carried = {point.pool: point for point in known if point.at <= since}
        return tuple(point for point in known if point.at > since or carried[point.pool] == point)
