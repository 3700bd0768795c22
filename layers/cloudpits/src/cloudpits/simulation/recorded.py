"""A recorded price log behind the ports ``Prices`` and ``Catalogue``, so that planning runs on it as on live prices."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from math import inf

from cloudpits.adapters.catalogue import PackagedCatalogue
from cloudpits.domain.model import InstanceType, Market, Pool
from cloudpits.domain.ports import PricePoint
from cloudpits.simulation.prices import PriceLog


class RecordedCatalogue:
    """The packaged catalogue as of the log's start, with the zones that the log knows."""

    def __init__(self, region: str, log: PriceLog) -> None:
        self._facts = PackagedCatalogue(region, as_of=log.start)
        self._zones = tuple(sorted(zone for zone, of in log.region_of_zone.items() if of == region))

    def types(self, patterns: Iterable[str], architectures: Iterable[str]) -> Mapping[str, InstanceType]:
        return self._facts.types(patterns, architectures)

    def zones(self, instance_types: Iterable[str]) -> Mapping[str, Sequence[str]]:
        return dict.fromkeys(instance_types, self._zones)

    def interruptions_per_hour(self, instance_type: str) -> float | None:
        return self._facts.interruptions_per_hour(instance_type)

    def on_demand_usd_per_hour(self, instance_type: str) -> float | None:
        """The published price nearest in time to the log's start."""
        return self._facts.on_demand_usd_per_hour(instance_type)


class RecordedPrices:
    """Spot prices of the log, on-demand prices of the catalogue; pools that the log does not price are absent."""

    def __init__(self, log: PriceLog, catalogue: RecordedCatalogue) -> None:
        self._log = log
        self._catalogue = catalogue

    def history(self, pools: Iterable[Pool], since: float, until: float) -> Sequence[PricePoint]:
        points = [point for pool in set(pools) for point in self._of(pool, since, until)]
        return sorted(points, key=lambda point: (point.at, point.pool))

    def _of(self, pool: Pool, since: float, until: float) -> Iterable[PricePoint]:
        if pool.market is Market.ON_DEMAND:
            usd = self._catalogue.on_demand_usd_per_hour(pool.instance_type)
            return () if usd is None else (PricePoint(since, pool, usd),)
        series = self._log.series.get((pool.instance_type, pool.availability_zone), ())
        first = max(0, bisect_right(series, (since, inf)) - 1)
        return (PricePoint(at, pool, usd) for at, usd in series[first:] if at <= until)
