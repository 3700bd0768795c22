"""What a fleet can cost at most: the hard budget's arithmetic.

Prices may rise to each request's maximum at once; nothing else can make an instance dearer. Until the next
decision and its shutdown an instance can therefore cost at most ceiling × (interval + shutdown), and at least
60 s are billed. If spending plus that sum stays within the budget at every decision, it does so for ever:
at the next decision everything can still be ended and paid for.
"""

from __future__ import annotations

from cloudpits.domain.ledger.billing import MINIMUM_S
from cloudpits.domain.model import SECONDS_PER_HOUR, InstanceType, Settings, Snapshot, Worker

ROUNDING_S = 1.0  # seconds are billed rounded up
UNKNOWN_ON_DEMAND_FACTOR = 2.0  # ceiling of a spot request whose on-demand price nobody knows


def ceiling(kind: InstanceType, usd_per_hour: float) -> float:
    """Most that an hour may cost: the on-demand price, which is also EC2's default for a spot request's maximum."""
    return kind.on_demand_usd_per_hour or UNKNOWN_ON_DEMAND_FACTOR * usd_per_hour


def horizon_s(settings: Settings) -> float:
    """Seconds for which an instance kept now must be paid whatever happens: to the next decision and its end."""
    return max(settings.interval_s, settings.drain_grace_s) + settings.shutdown_s + ROUNDING_S


def ending_s(settings: Settings) -> float:
    """Seconds until an instance told to end at once is no longer billed."""
    return settings.shutdown_s + ROUNDING_S


def draining_s(settings: Settings) -> float:
    """Seconds until an instance told to drain is no longer billed."""
    return settings.drain_grace_s + settings.shutdown_s + ROUNDING_S


def bound_usd(usd_per_hour: float, seconds: float, age_s: float) -> float:
    """Most that an instance of ``age_s`` can still be billed if it ends within ``seconds``: 60 s at least."""
    return usd_per_hour * max(seconds, MINIMUM_S + ROUNDING_S - age_s) / SECONDS_PER_HOUR


def worker_bound_usd(worker: Worker, seconds: float, snapshot: Snapshot) -> float:
    """``bound_usd`` of a worker at its maximum price, storage included."""
    hourly = worker.ceiling_usd_per_hour + snapshot.settings.volume_usd_per_hour
    return bound_usd(hourly, seconds, snapshot.taken_at - worker.launched_at)


def manager_bound_usd(snapshot: Snapshot, seconds: float) -> float:
    """Most that the job manager can still be billed if it ends within ``seconds``."""
    manager = snapshot.job_manager
    age = 0.0 if manager.launched_at is None else snapshot.taken_at - manager.launched_at
    return bound_usd(manager.usd_per_hour, seconds, age)
