"""What the emulated cloud is like: instance types, recorded prices, quota, faults. Read from one JSON file."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PoolKey = tuple[str, str]  # (availability zone, instance type)


@dataclass(frozen=True, slots=True)
class TypeFacts:
    """An instance type as DescribeInstanceTypes tells it; ``on_demand_usd_per_hour`` feeds the spot price's cap."""

    name: str
    vcpus: int
    cores: int
    architecture: str
    clock_ghz: float
    memory_mib: int
    on_demand_usd_per_hour: float | None = None
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class PriceChange:
    """From ``at`` (market time) on, an hour of a spot instance costs ``usd_per_hour``."""

    at: float
    usd_per_hour: float


@dataclass(slots=True)
class Faults:
    """Refusals that the emulator deals out: a share of the (pool, 15 market minutes) windows has no capacity."""

    capacity_share: float = 0.0
    seed: int = 0


@dataclass(slots=True)
class World:
    """The emulated cloud's facts. ``prices`` hold each pool's changes in time order."""

    region: str
    account: str
    network: str  # first two octets of the loopback addresses that instances get, such as "127.42"
    types: dict[str, TypeFacts]
    prices: dict[PoolKey, list[PriceChange]]
    boot_s: float = 5.0  # pending → running, market seconds
    vcpu_quota: int | None = None
    pool_capacity: int | None = None  # most spot instances that a (zone, type) holds at a time
    database_url: str | None = None
    faults: Faults = field(default_factory=Faults)

    def zones(self, instance_type: str) -> list[str]:
        """Zones in which the type is offered: those it has a price in."""
        return sorted(zone for zone, name in self.prices if name == instance_type)

    def price(self, pool: PoolKey, at: float) -> float | None:
        """Spot price (USD/hour) valid at ``at``; the first known one for instants before the log."""
        changes = self.prices.get(pool)
        if not changes:
            return None
        index = bisect_right(changes, at, key=lambda change: change.at)
        return changes[max(0, index - 1)].usd_per_hour


def load_world(path: Path) -> World:
    """Read what ``dump_world`` wrote."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    prices: dict[PoolKey, list[PriceChange]] = defaultdict(list)
    for at, zone, instance_type, usd_per_hour in sorted(document.pop("prices")):
        prices[zone, instance_type].append(PriceChange(at, usd_per_hour))
    types = {facts["name"]: TypeFacts(**facts) for facts in document.pop("types")}
    faults = Faults(**document.pop("faults", {}))
    return World(**document, types=types, prices=dict(prices), faults=faults)
