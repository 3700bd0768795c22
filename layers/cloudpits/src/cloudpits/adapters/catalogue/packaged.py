"""``Catalogue`` (see ``domain.ports``) over the packaged files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from cloudpits.adapters.catalogue import tables
from cloudpits.domain.estimation.hazard import from_monthly_share
from cloudpits.domain.model import InstanceType

# Middle of each Spot Advisor bucket: share of instances interrupted within a month. The last bucket is open
# (> 20 %); 25 % is where its published neighbours would put it.
BUCKET_SHARES = (0.025, 0.075, 0.125, 0.175, 0.25)


class PackagedCatalogue:
    """Facts of one region as of an instant (seconds since the epoch); the newest known prices when None."""

    def __init__(self, region: str, as_of: float | None = None) -> None:
        self._region = region
        self._as_of = math.inf if as_of is None else as_of

    def types(self, patterns: Iterable[str], architectures: Iterable[str]) -> Mapping[str, InstanceType]:
        """Types matching any glob and any architecture, priced; types without a price in the region are absent."""
        globs, wanted = tuple(patterns), frozenset(architectures)
        return {
            name: known._replace(on_demand_usd_per_hour=price)
            for name, known in tables.instance_types().items()
            if known.architecture in wanted
            and any(fnmatchcase(name, glob) for glob in globs)
            and (price := self.on_demand_usd_per_hour(name)) is not None
        }

    def on_demand_usd_per_hour(self, instance_type: str) -> float | None:
        """The published price nearest in time to ``as_of``; None when the type is not sold in the region."""
        prices = tables.on_demand_prices(self._region).get(instance_type)
        if not prices:
            return None
        if math.isinf(self._as_of):
            return prices[-1].usd_per_hour
        return min(prices, key=lambda price: abs(price.at - self._as_of)).usd_per_hour

    def zones(self, instance_types: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """All zones of the region for each type: the packaged files do not know exceptions."""
        zones = tuple(f"{self._region}{letter}" for letter in tables.zone_letters(self._region))
        return dict.fromkeys(instance_types, zones)

    def interruptions_per_hour(self, instance_type: str) -> float | None:
        """Prior λ from the Spot Advisor's bucket; None when the advisor does not list the type in the region."""
        bucket = tables.advisor_buckets(self._region).get(instance_type)
        return None if bucket is None else from_monthly_share(BUCKET_SHARES[bucket])
