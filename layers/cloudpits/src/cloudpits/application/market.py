"""The pools that an experiment may use, and what each costs and promises now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cloudpits.application.context import Assignment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.estimation.hazard import by_type
from cloudpits.domain.ledger.billing import price_at
from cloudpits.domain.ledger.bounds import ceiling
from cloudpits.domain.ledger.summary import series_by_pool
from cloudpits.domain.model import InstanceType, Interruptions, Market, Offer, Pool
from cloudpits.domain.ports import Catalogue, PricePoint
from cloudpits.domain.rebalancing.cooldown import cooling


@dataclass(frozen=True, slots=True)
class PoolSpace:
    """Candidate types (job manager's type aside) and the pools they form."""

    types: Mapping[str, InstanceType]
    pools: tuple[Pool, ...]
    job_manager: InstanceType
    job_manager_pools: tuple[Pool, ...]  # in order of preference


def pool_space(assignment: Assignment, catalogue: Catalogue) -> PoolSpace:
    """Pools of the experiment; InvalidInputError when no type matches or the job manager's is unknown."""
    workers = assignment.experiment.workers
    types = catalogue.types(workers.instance_types, assignment.architectures)
    if not types:
        raise InvalidInputError(
            f"experiment {assignment.experiment.name}: workers.instance_types: no instance type in "
            f"{assignment.experiment.region} matches {', '.join(workers.instance_types)} "
            f"on {', '.join(assignment.architectures)}; widen the patterns"
        )
    zones = catalogue.zones(types)
    pools = [
        Pool(name, zone, market)
        for name in sorted(types)
        for zone in _allowed(zones.get(name, ()), assignment)
        for market in workers.markets
    ]
    job_manager = _job_manager_type(assignment, catalogue)
    return PoolSpace(types, tuple(pools), job_manager, _job_manager_pools(job_manager.name, assignment, catalogue))


def _allowed(zones: Iterable[str], assignment: Assignment) -> list[str]:
    limits = (assignment.experiment.workers.availability_zones, assignment.zones)
    return [zone for zone in zones if all(not allowed or zone in allowed for allowed in limits)]


def _job_manager_type(assignment: Assignment, catalogue: Catalogue) -> InstanceType:
    name = assignment.experiment.job_manager.instance_type
    found = catalogue.types([name], ["x86_64", "arm64"]).get(name)
    if found is None or found.on_demand_usd_per_hour is None:
        region = assignment.experiment.region
        raise InvalidInputError(
            f"experiment {assignment.experiment.name}: job_manager.instance_type: {name!r} has no on-demand price "
            f"in {region}; name a type that is sold there"
        )
    return found


def _job_manager_pools(name: str, assignment: Assignment, catalogue: Catalogue) -> tuple[Pool, ...]:
    zones = _allowed(catalogue.zones([name]).get(name, ()), assignment)
    return tuple(Pool(name, zone, Market.ON_DEMAND) for zone in zones)


def hazards(space: PoolSpace, catalogue: Catalogue, seen: Sequence[Interruptions]) -> tuple[Interruptions, ...]:
    """Exposure of every candidate type, with the catalogue's prior rate."""
    known = {item.instance_type: item for item in seen}
    nothing = Interruptions("", 0, 0.0)
    return tuple(
        Interruptions(name, item.events, item.hours, catalogue.interruptions_per_hour(name))
        for name in sorted(space.types)
        if (item := known.get(name, nothing))
    )


def offers(
    space: PoolSpace,
    points: Sequence[PricePoint],
    exposure: Sequence[Interruptions],
    refused: Sequence[tuple[Pool, float]],
    now: float,
) -> dict[Pool, Offer]:
    """Offers of all pools that have a price at ``now``; those in cool-down or above their ceiling are unavailable."""
    series = series_by_pool(points)
    rates = by_type(exposure)
    closed = cooling(refused, now)
    priced = {pool: price_at(series[pool], now) for pool in space.pools if pool in series}
    return {
        pool: Offer(
            pool=pool,
            usd_per_hour=price,
            ceiling_usd_per_hour=(limit := ceiling(space.types[pool.instance_type], price)),
            interruptions_per_hour=rates.get(pool.instance_type, 0.0) if pool.market is Market.SPOT else 0.0,
            available=price <= limit and pool not in closed,
        )
        for pool, price in priced.items()
    }
