"""Small hand-made worlds for tests of the domain: prices and rates are invented round figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from cloudpits.domain.model import (
    InstanceType,
    Job,
    JobManager,
    Limits,
    Market,
    Mode,
    Offer,
    Pool,
    RateSample,
    Settings,
    Snapshot,
    Worker,
    WorkerReport,
    WorkerState,
)

NOW = 1_600_000_000.0
HOUR = 3600.0

TYPES = {
    kind.name: kind
    for kind in (
        InstanceType("c5.large", 2, "x86_64", 3.4, 1, 4.0, 0, 0.085),
        InstanceType("c5.xlarge", 4, "x86_64", 3.4, 2, 8.0, 0, 0.17),
        InstanceType("m5.large", 2, "x86_64", 3.1, 1, 8.0, 0, 0.096),
        InstanceType("m5.xlarge", 4, "x86_64", 3.1, 2, 16.0, 0, 0.192),
        InstanceType("r5.large", 2, "x86_64", 3.1, 1, 16.0, 0, 0.126),
    )
}
RATES = {"c5.large": 1.0, "c5.xlarge": 2.0, "m5.large": 0.9, "m5.xlarge": 1.8, "r5.large": 0.9}


def spot(name: str, zone: str = "us-east-1a") -> Pool:
    return Pool(name, zone, Market.SPOT)


def on_demand(name: str, zone: str = "us-east-1a") -> Pool:
    return Pool(name, zone, Market.ON_DEMAND)


def offer(pool: Pool, usd: float | None = None, **more: Any) -> Offer:
    """At ``usd`` per hour; by default the on-demand price, or 40 % of it on the spot market."""
    full = TYPES[pool.instance_type].on_demand_usd_per_hour if pool.instance_type in TYPES else None
    ceiling = full or 1.0
    price = usd if usd is not None else ceiling * (0.4 if pool.market is Market.SPOT else 1.0)
    return Offer(pool, price, more.pop("ceiling", max(ceiling, price)), **more)


def offers(*given: Offer) -> Mapping[Pool, Offer]:
    return {item.pool: item for item in given}


ALL_OFFERS = offers(
    *(offer(spot(name, zone)) for name in TYPES for zone in ("us-east-1a", "us-east-1b")),
    *(offer(on_demand(name)) for name in TYPES),
)


def history(rates: Mapping[str, float] = RATES, spread: float = 0.02, samples: int = 5) -> tuple[RateSample, ...]:
    return tuple(RateSample(name, rate, rate * spread, samples) for name, rate in rates.items())


def limits(**changes: Any) -> Limits:
    return replace(Limits(Mode.MIN_COST, 10.0, None, 20), **changes)


def snapshot(**changes: Any) -> Snapshot:
    """A run of 36,000 tasks that is about to start; keyword arguments replace fields of the snapshot.

    ``tasks``, ``committed``, ``mode``, ``budget``, ``deadline_s`` and ``workers`` are shorthands.
    """
    job = Job(changes.pop("tasks", 36_000), changes.pop("committed", 0))
    given = limits(
        mode=changes.pop("mode", Mode.MIN_COST),
        budget_usd=changes.pop("budget", 10.0),
        deadline_s=changes.pop("deadline_s", None),
        max_workers=changes.pop("workers", 20),
        vcpu_quota=changes.pop("quota", None),
    )
    base = Snapshot(
        taken_at=NOW,
        started_at=NOW,
        job=job,
        limits=given,
        settings=Settings(volume_usd_per_hour=0.002),
        types=TYPES,
        offers=ALL_OFFERS,
        fleet=(),
        job_manager=JobManager(0.085),
        spent_usd=0.0,
        history=history(),
    )
    return replace(base, **changes)


def worker(name: str, pool: Pool, age_s: float = 1800.0, rate: float | None = None, **changes: Any) -> Worker:
    """A worker that has long been running, or one still booting when ``age_s`` is below 90 s."""
    booting = age_s < 90.0
    speed = RATES.get(pool.instance_type, 1.0) if rate is None else rate
    base = Worker(
        instance_id=name,
        pool=pool,
        state=WorkerState.PENDING if booting else WorkerState.RUNNING,
        launched_at=NOW - age_s,
        ceiling_usd_per_hour=offer(pool).ceiling_usd_per_hour,
        ready_at=None if booting else NOW - age_s + 90.0,
        report=None if booting else WorkerReport(speed, 0.01 * speed, 100, NOW - 10.0),
    )
    return base._replace(**changes)


def fleet(pool: Pool, count: int, prefix: str = "i", **more: Any) -> tuple[Worker, ...]:
    return tuple(worker(f"{prefix}-{number}", pool, **more) for number in range(count))


def under_way(crew: Iterable[Worker], **changes: Any) -> Snapshot:
    """A run half an hour old with ``crew`` and a job manager; 0.05 USD spent."""
    defaults: dict[str, Any] = {
        "started_at": NOW - 1800.0,
        "job_manager": JobManager(0.085, NOW - 1800.0, "i-jm"),
        "spent_usd": 0.05,
        "fleet": tuple(crew),
    }
    return snapshot(**{**defaults, **changes})
