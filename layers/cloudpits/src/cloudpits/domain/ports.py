"""What the use cases need from the world outside. Adapters implement these; nothing here does I/O.

Every method may raise the errors of ``cloudpits.domain.errors`` and no other expected ones. Instants are
seconds since the Unix epoch (UTC).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from cloudpits.domain.model import InstanceType, Interruptions, Market, Pool, RateSample, WorkerReport


class Role(StrEnum):
    """Value of the instance tag ``Type``."""

    WORKER_SPOT = "worker-spot"
    WORKER_ON_DEMAND = "worker-ondemand"
    JOB_MANAGER = "jobmanager-ondemand"

    @classmethod
    def of_worker(cls, market: Market) -> Role:
        """The role of a worker bought on ``market``."""
        return cls.WORKER_SPOT if market is Market.SPOT else cls.WORKER_ON_DEMAND


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of this run as the cloud describes it, ended ones included while the cloud remembers them."""

    instance_id: str
    role: Role
    pool: Pool
    state: str  # EC2's names: pending, running, shutting-down, terminated, stopping, stopped
    launched_at: float
    ended_at: float | None = None
    end_reason: str = ""  # EC2's state reason code, for example Server.SpotInstanceTermination
    replaces: str | None = None
    ceiling_usd_per_hour: float | None = None  # maximum price of its spot request
    private_ip: str | None = None

    @property
    def alive(self) -> bool:
        """Whether it is, or is about to be, billed."""
        return self.state in ("pending", "running", "stopping", "shutting-down") and self.ended_at is None


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """One idempotent launch of ``count`` equal instances: the same ``token`` never starts a second set."""

    token: str
    role: Role
    pool: Pool
    count: int
    ceiling_usd_per_hour: float | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class PricePoint:
    """From ``at`` on, an hour in the pool costs ``usd_per_hour``, until the pool's next point."""

    at: float
    pool: Pool
    usd_per_hour: float


@dataclass(frozen=True, slots=True)
class Progress:
    """What the job manager last published about the job."""

    tasks_total: int | None
    tasks_committed: int
    state: str  # starting, running, completed, failed
    updated_at: float
    message: str = ""
    workers: Mapping[str, int] = field(default_factory=dict)  # instance id → tasks committed from it


@dataclass(frozen=True, slots=True)
class Control:
    """What the controller tells the instances: that it lives (the lease), whom to drain, whether to stop."""

    heartbeat_at: float
    lease_s: float  # an instance ends itself when the heartbeat is older than this
    drain: tuple[str, ...] = ()
    stop: bool = False
    reason: str = ""  # why it stops
    funded_until: float | None = None  # until then the budget pays this fleet even at its ceiling prices


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning from the cloud about an instance: interruption (``takes_effect_at`` set) or rebalance advice."""

    instance_id: str
    kind: str  # "interruption" or "rebalance"
    received_at: float
    takes_effect_at: float | None = None


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A command as recorded and reported: when, what, why, and what it was expected to save (USD)."""

    at: float
    command: str  # launch, replace, drain, terminate, keep, stop
    reason: str
    expected_saving_usd: float
    pool: Pool | None = None
    count: int = 1
    instance_id: str | None = None
    outcome: str = ""  # what happened: instance ids launched, or the error


@dataclass(frozen=True, slots=True)
class InstanceRecord:
    """An instance in the run's books: what it did and what it cost so far (USD, volume included)."""

    instance_id: str
    role: Role
    pool: Pool
    launched_at: float
    ended_at: float | None = None
    ended_because: str = ""
    cost_usd: float = 0.0
    tasks: int = 0
    ready_at: float | None = None
    last_report: WorkerReport | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run in the books. ``status`` is one of running, completed, failed, stopped."""

    run: str
    experiment: str
    program: str  # digest of module + arguments + data: what makes measurements comparable
    status: str
    started_at: float
    ended_at: float | None = None
    tasks_total: int | None = None
    tasks_committed: int = 0
    budget_usd: float | None = None
    deadline_s: float | None = None
    spent_usd: float = 0.0
    policy: str = ""
    message: str = ""
    policy_memory: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """All that one cycle changes in the books; stored in one transaction, once per ``cycle_id``."""

    cycle_id: str
    run: RunRecord
    instances: Sequence[InstanceRecord]
    decisions: Sequence[DecisionRecord]
    reports: Mapping[str, WorkerReport]  # instance id → what it reported since the last cycle
    capacity_errors: Sequence[tuple[Pool, float]] = ()
    interruptions: Sequence[tuple[Pool, str, float]] = ()  # (pool, instance id, instant)


class Clock(Protocol):
    """The one clock of a run: prices, billing and schedules all follow it."""

    def now(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


class Fleet(Protocol):
    """The instances of one run."""

    def describe(self) -> Sequence[Instance]: ...

    def launch(self, request: LaunchRequest) -> Sequence[str]:
        """Start instances and return their ids; CapacityError, QuotaError, ThrottledError, AccessError."""
        ...

    def terminate(self, instance_ids: Iterable[str]) -> None:
        """End instances; ids that are gone already are not an error."""
        ...


class Prices(Protocol):
    """Spot and on-demand prices of one region."""

    def history(self, pools: Iterable[Pool], since: float, until: float) -> Sequence[PricePoint]:
        """Points in time order. Each pool's first point may lie before ``since``: the price valid then."""
        ...


class Catalogue(Protocol):
    """Instance types, their on-demand prices and interruption priors."""

    def types(self, patterns: Iterable[str], architectures: Iterable[str]) -> Mapping[str, InstanceType]: ...

    def zones(self, instance_types: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """Availability zones in which each type is offered."""
        ...

    def interruptions_per_hour(self, instance_type: str) -> float | None: ...


class Metrics(Protocol):
    """Worker reports, as published to the namespace ``Performance``."""

    def reports(
        self, instances: Sequence[Instance], since: float, until: float
    ) -> Mapping[str, Sequence[WorkerReport]]:
        """Reports per instance id, oldest first; instances without a data point are absent."""
        ...


class Channel(Protocol):
    """The mailbox between the controller and the instances of a run (objects under ``runs/<run>/``)."""

    def progress(self) -> Progress | None: ...

    def publish_progress(self, progress: Progress) -> None: ...

    def control(self) -> Control | None: ...

    def publish_control(self, control: Control) -> None: ...

    def notices(self) -> Sequence[Notice]: ...

    def publish_notice(self, notice: Notice) -> None: ...


class Books(Protocol):
    """The database ``experimentos`` as the use cases see it."""

    def load_run(self, run: str) -> RunRecord | None: ...

    def begin_run(self, record: RunRecord) -> RunRecord:
        """Create the run, or return the stored one if it exists already."""
        ...

    def runs(self, experiment: str | None = None) -> Sequence[RunRecord]: ...

    def instances(self, run: str) -> Sequence[InstanceRecord]: ...

    def decisions(self, run: str) -> Sequence[DecisionRecord]: ...

    def capacity_errors(self, run: str) -> Sequence[tuple[Pool, float]]: ...

    def record_cycle(self, record: CycleRecord) -> bool:
        """Store one cycle in one transaction; False (and nothing changed) if it was recorded before."""
        ...

    def rates(self, program: str) -> Sequence[RateSample]:
        """Measured rates of this program in earlier runs, pooled per instance type."""
        ...

    def add_rates(self, program: str, label: str, samples: Sequence[RateSample]) -> None:
        """Import measurements made outside CloudPITS, as history of ``program``."""
        ...

    def interruptions(self) -> Sequence[Interruptions]: ...

    def start_up_samples(self, program: str) -> Sequence[float]: ...

    def lock(self, run: str, owner: str, now: float, ttl_s: float) -> bool:
        """Take the run's cycle lock; False while another owner holds it. Expires by itself after ``ttl_s``."""
        ...

    def unlock(self, run: str, owner: str) -> None: ...


class Notifier(Protocol):
    """Tells the user about what should not wait for the next look at the dashboard."""

    def notify(self, subject: str, message: str) -> None: ...


class Schedule(Protocol):
    """The timer that starts a cycle every interval."""

    def disable(self) -> None:
        """Switch it off; that it is off or gone already is not an error."""
        ...
