"""The run's account: every instance's cost from its life and the recorded prices, computed anew each time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.ledger.billing import PriceSeries, cost
from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import InstanceRecord, PricePoint, Role

INTERRUPTED = "interrupted"  # what ``InstanceRecord.ended_because`` says of an instance that AWS took back
LEFT_ON_NOTICE = "ended itself under an interruption notice"
INTERRUPTIONS = (INTERRUPTED, LEFT_ON_NOTICE)
_AWS_TOOK_IT = ("Server.SpotInstanceTermination", "Server.SpotInstanceShutdown")


@dataclass(frozen=True, slots=True)
class Account:
    """Spend of a run at ``at``: the sum, and USD per instance id (storage included)."""

    at: float
    spent_usd: float
    costs: Mapping[str, float]


def was_interrupted(record: InstanceRecord) -> bool:
    """Whether AWS ended the instance: our word for it, or EC2's state reason code."""
    return record.ended_because == INTERRUPTED or record.ended_because.startswith(_AWS_TOOK_IT)


def series_by_pool(points: Iterable[PricePoint]) -> dict[Pool, list[tuple[float, float]]]:
    """Price points sorted into one series (instant, USD per hour) per pool, in time order."""
    series: defaultdict[Pool, list[tuple[float, float]]] = defaultdict(list)
    for point in points:
        series[point.pool].append((point.at, point.usd_per_hour))
    for values in series.values():
        values.sort()
    return dict(series)


def account(
    records: Iterable[InstanceRecord],
    points: Iterable[PricePoint],
    now: float,
    volume_usd_per_hour: float,
    job_manager_volume_usd_per_hour: float | None = None,
) -> Account:
    """Spend of all ``records`` at ``now`` (ended ones in full, live ones so far).

    ``points`` must cover every pool of the records, from at or before its first launch; an instance without
    any price raises InvalidInputError naming it. The job manager's volume defaults to the workers'.
    """
    series = series_by_pool(points)
    manager_volume = volume_usd_per_hour if job_manager_volume_usd_per_hour is None else job_manager_volume_usd_per_hour
    costs = {
        record.instance_id: instance_cost(
            record,
            series.get(record.pool, ()),
            now,
            manager_volume if record.role is Role.JOB_MANAGER else volume_usd_per_hour,
        )
        for record in records
    }
    return Account(at=now, spent_usd=sum(costs.values()), costs=MappingProxyType(costs))


def instance_cost(record: InstanceRecord, points: PriceSeries, now: float, volume_usd_per_hour: float) -> float:
    """USD one instance cost until its end, or until ``now`` while it lives."""
    if not points:
        raise InvalidInputError(f"account: {record.instance_id} runs in {record.pool}, which has no recorded price")
    ended_at = now if record.ended_at is None else record.ended_at
    interrupted = record.ended_at is not None and was_interrupted(record)
    market = Market.ON_DEMAND if record.role is Role.JOB_MANAGER else record.pool.market
    return cost(points, record.launched_at, max(ended_at, record.launched_at), market, interrupted, volume_usd_per_hour)
