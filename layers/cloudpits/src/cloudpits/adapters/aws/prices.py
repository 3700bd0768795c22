"""Prices: spot history as EC2 tells it, on-demand prices from the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cloudpits.adapters.aws.clients import client
from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import Catalogue, PricePoint

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import SpotPriceTypeDef

PRODUCT = "Linux/UNIX"
_ARCHITECTURES = ("x86_64", "arm64")
_TYPES_PER_REQUEST = 100


class AwsPrices:
    """Spot prices of the last 90 days, which is as far as EC2 remembers; on-demand prices as of the catalogue."""

    def __init__(self, region: str, catalogue: Catalogue) -> None:
        self._ec2 = client("ec2", region)
        self._catalogue = catalogue

    def history(self, pools: Iterable[Pool], since: float, until: float) -> Sequence[PricePoint]:
        wanted = set(pools)
        spot = sorted(pool for pool in wanted if pool.market is Market.SPOT)
        points = [point for point in self._spot(spot, since, until) if point.pool in wanted and point.at <= until]
        return tuple(sorted([*points, *self._on_demand(wanted, since)], key=lambda point: (point.at, point.pool)))

    def _spot(self, pools: Sequence[Pool], since: float, until: float) -> list[PricePoint]:
        zones = sorted({pool.availability_zone for pool in pools})
        names = sorted({pool.instance_type for pool in pools})
        starts = range(0, len(names), _TYPES_PER_REQUEST)
        batches = (names[start : start + _TYPES_PER_REQUEST] for start in starts)
        return [_point(item) for batch in batches for item in self._items(batch, zones, since, until)]

    def _items(self, names: list[str], zones: list[str], since: float, until: float) -> list[SpotPriceTypeDef]:
        with cloud_errors("reading the spot price history"):
            pages = self._ec2.get_paginator("describe_spot_price_history").paginate(
                InstanceTypes=names,  # type: ignore[arg-type]  # the stub lists today's types
                ProductDescriptions=[PRODUCT],
                Filters=[{"Name": "availability-zone", "Values": zones}],
                StartTime=datetime.fromtimestamp(since, UTC),
                EndTime=datetime.fromtimestamp(until, UTC),
            )
            return [item for page in pages for item in page["SpotPriceHistory"]]

    def _on_demand(self, pools: Iterable[Pool], since: float) -> list[PricePoint]:
        chosen = [pool for pool in pools if pool.market is Market.ON_DEMAND]
        types = self._catalogue.types({pool.instance_type for pool in chosen}, _ARCHITECTURES)
        prices = {name: kind.on_demand_usd_per_hour for name, kind in types.items()}
        return [
            PricePoint(since, pool, price) for pool in chosen if (price := prices.get(pool.instance_type)) is not None
        ]


def _point(item: SpotPriceTypeDef) -> PricePoint:
    pool = Pool(item["InstanceType"], item["AvailabilityZone"], Market.SPOT)
    return PricePoint(item["Timestamp"].timestamp(), pool, float(item["SpotPrice"]))
