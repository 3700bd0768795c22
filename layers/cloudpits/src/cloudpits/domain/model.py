"""What is known about a run at one moment: plain frozen values, no behaviour beyond derived facts.

What is made or hashed at every decision is a named tuple (several times as fast as a frozen dataclass there),
what is only read, and by the hundred, is not.

Units everywhere: money in USD, prices in USD per hour, times in seconds, instants in seconds since the
Unix epoch (UTC), rates in tasks per second. Suffixes (``_usd``, ``_usd_per_hour``, ``_s``) repeat the unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

SECONDS_PER_HOUR = 3600.0


class Market(StrEnum):
    """How an instance is bought."""

    SPOT = "spot"
    ON_DEMAND = "on-demand"

    # Pools are keys of every mapping of offers: the enumeration's own hash is a Python call, this one is not.
    __hash__ = str.__hash__


class Mode(StrEnum):
    """What is minimised: money (within the deadline) or time (within the budget)."""

    MIN_COST = "min-cost"
    FASTEST = "fastest"


class WorkerState(StrEnum):
    """Life of a worker as the controller sees it. Ended workers leave the fleet and live on in the ledger."""

    PENDING = "pending"  # launched, no rate reported yet
    RUNNING = "running"  # has reported at least one usable rate
    DRAINING = "draining"  # told to take no new task, or under an interruption notice


class Pool(NamedTuple):
    """Capacity that is priced, runs out and is interrupted together: an instance type in a zone on a market."""

    instance_type: str
    availability_zone: str
    market: Market

    def __str__(self) -> str:
        return f"{self.instance_type} {self.availability_zone} {self.market}"


class InstanceType(NamedTuple):
    """Facts of an instance type that help to guess its rate before it was ever measured."""

    name: str
    vcpus: int
    architecture: str  # "x86_64" or "arm64"
    clock_ghz: float | None = None
    cores: int | None = None  # physical; vcpus / threads per core
    memory_gib: float | None = None
    gpus: int = 0
    on_demand_usd_per_hour: float | None = None

    @property
    def family(self) -> str:
        """The part before the dot: ``c5`` of ``c5.large``."""
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a pool costs and promises now.

    ``usd_per_hour`` is the instance price now; ``ceiling_usd_per_hour`` the most that an hour can cost (the
    request's maximum price, else the on-demand price). ``interruptions_per_hour`` is the rate λ learnt so
    far. ``capacity`` bounds how many more may be asked for. ``available`` is False during a cool-down.
    """

    pool: Pool
    usd_per_hour: float
    ceiling_usd_per_hour: float
    interruptions_per_hour: float = 0.0
    capacity: int | None = None
    available: bool = True


class RateSample(NamedTuple):
    """Tasks/s of one worker of a type, from earlier runs of the same program: mean, stdev, sample count."""

    instance_type: str
    mean: float
    stdev: float
    samples: int


class WorkerReport(NamedTuple):
    """The latest a worker said about itself: rate over its recent past and tasks completed since it started."""

    perf_sec: float
    perf_sec_stdev: float
    tasks_completed: int
    reported_at: float


class Worker(NamedTuple):
    """A live worker instance."""

    instance_id: str
    pool: Pool
    state: WorkerState
    launched_at: float
    ceiling_usd_per_hour: float
    ready_at: float | None = None  # instant of its first usable report
    report: WorkerReport | None = None
    replaces: str | None = None  # the worker that is drained once this one has reported
    notice_at: float | None = None  # instant at which AWS will take it, when a notice was given


@dataclass(frozen=True, slots=True)
class JobManager:
    """The on-demand instance that hands out tasks; billed until the run's end."""

    usd_per_hour: float
    launched_at: float | None = None  # None before it was launched
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """The bag of tasks: how many there are and how many are committed."""

    tasks_total: int
    tasks_committed: int = 0

    @property
    def tasks_left(self) -> int:
        return max(0, self.tasks_total - self.tasks_committed)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the user gave. ``budget_usd`` is hard; None means no such limit."""

    mode: Mode
    budget_usd: float | None
    deadline_s: float | None  # seconds from the run's start
    max_workers: int
    vcpu_quota: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How the controller behaves. Every figure may be set in the experiment file."""

    interval_s: float = 300.0  # between two cycles
    start_up_s: float = 90.0  # prior of boot + data load; learnt afterwards
    volume_usd_per_hour: float = 0.0  # EBS (and public IPv4) of one worker
    shutdown_s: float = 60.0  # from the command to the end of billing
    drain_grace_s: float = 120.0  # most that a drain may take
    valid_count: int = 3  # threshold-2019: checks below the ratio before a worker goes
    completion_risk: float = 0.05  # δ: accepted probability of missing the deadline
    exploration_share: float = 0.03  # φ: share of the budget that probing untried types may cost
    seed: int = 0


class Interruptions(NamedTuple):
    """Exposure of a type to interruptions so far, in this and earlier runs: events and instance hours."""

    instance_type: str
    events: int
    hours: float
    prior_per_hour: float | None = None  # from the advisor's bucket


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a decision may depend on. Two equal snapshots lead to equal plans.

    ``memory`` is what the policy returned in its last plan (counters, cool-downs), JSON-able;
    ``spent_usd`` is the ledger's figure at ``taken_at``: everything billed so far, job manager included.
    ``start_up_samples`` are the boot times (seconds, launch to first report) seen so far in this run.
    """

    taken_at: float
    started_at: float  # the run's start: what the deadline counts from
    job: Job
    limits: Limits
    settings: Settings
    types: Mapping[str, InstanceType]
    offers: Mapping[Pool, Offer]
    fleet: tuple[Worker, ...]
    job_manager: JobManager
    spent_usd: float
    history: tuple[RateSample, ...] = ()
    interruptions: tuple[Interruptions, ...] = ()
    start_up_samples: tuple[float, ...] = ()
    capacity_errors: tuple[tuple[Pool, float], ...] = ()  # (pool, instant) of launches refused, newest last
    measured: tuple[RateSample, ...] = ()  # of this run, ended workers included, one per type
    memory: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def elapsed_s(self) -> float:
        return self.taken_at - self.started_at
