"""Prices without a cloud: published on-demand prices, and spot prices estimated from Spot Advisor's savings.

Good enough for a first plan, not for a bill: the plan that uses it must say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from statistics import median

from cloudpits.adapters.catalogue import tables
from cloudpits.adapters.catalogue.packaged import PackagedCatalogue
from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import PricePoint


@cache
def _typical_saving(instance_type: str | None) -> float:
    """Median saving of a type over the published regions; of all types when it was never published."""
    known = [saving for (_, name), saving in tables.spot_savings().items() if instance_type in (None, name)]
    return median(known) if known else _typical_saving(None)


class ListPrices:
    """``Prices`` (see ``domain.ports``) of one region from the packaged files, constant in time."""

    def __init__(self, region: str, catalogue: PackagedCatalogue) -> None:
        self._region = region
        self._catalogue = catalogue

    def history(self, pools: Iterable[Pool], since: float, until: float) -> Sequence[PricePoint]:  # noqa: ARG002  # constant
        priced = ((pool, self._usd_per_hour(pool)) for pool in sorted(set(pools)))
        return tuple(PricePoint(since, pool, usd) for pool, usd in priced if usd is not None)

    def _usd_per_hour(self, pool: Pool) -> float | None:
        on_demand = self._catalogue.on_demand_usd_per_hour(pool.instance_type)
        if on_demand is None or pool.market is Market.ON_DEMAND:
            return on_demand
        saving = tables.spot_savings().get((self._region, pool.instance_type))
        return on_demand * (1.0 - (_typical_saving(pool.instance_type) if saving is None else saving))
