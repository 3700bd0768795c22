"""A run of an experiment on in-memory ports, told as a story: what happens at which time of day."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from cloudpits.adapters.memory.books import MemoryBooks
from cloudpits.adapters.memory.catalogue import MemoryCatalogue
from cloudpits.adapters.memory.channel import MemoryChannel
from cloudpits.adapters.memory.clock import MemoryClock
from cloudpits.adapters.memory.fleet import INTERRUPTED, MemoryFleet
from cloudpits.adapters.memory.metrics import MemoryMetrics
from cloudpits.adapters.memory.prices import MemoryPrices
from cloudpits.adapters.memory.signals import MemoryNotifier, MemorySchedule
from cloudpits.application.context import Assignment, Ports
from cloudpits.application.controller import Controller
from cloudpits.application.run_report import run_report
from cloudpits.application.spot_events import SpotEvent
from cloudpits.config.events import parse_rebalancer_event
from cloudpits.config.experiment import parse_experiment
from cloudpits.domain.commands import Command, Launch, Plan
from cloudpits.domain.model import InstanceType, Market, Pool, Snapshot, WorkerReport
from cloudpits.domain.ports import PricePoint, Progress, Role

ON_DEMAND = {"c5.large": 0.085, "c5.xlarge": 0.17, "m5.large": 0.096}
SPOT = {"c5.large": 0.035, "c5.xlarge": 0.07, "m5.large": 0.04}
ZONES = ("us-east-1a", "us-east-1b")


def clock_time(text: str) -> float:
    """``"10:05"`` or ``"10:05:30"`` on the day of the story."""
    return datetime.fromisoformat(f"2021-03-10T{text}").replace(tzinfo=UTC).timestamp()


def spot(instance_type: str, zone: str = "us-east-1a") -> Pool:
    return Pool(instance_type, zone, Market.SPOT)


@dataclass
class Script:
    """A policy that wishes for what the story says: ``wishes`` for the next cycle, else a fleet of ``size``."""

    pool: Pool
    size: int
    wishes: list[Command] | None = None
    name: str = "script"
    seen: list[Snapshot] = field(default_factory=list)

    def propose(self, snapshot: Snapshot) -> Plan:
        self.seen.append(snapshot)
        memory = {"cycles": snapshot.memory.get("cycles", 0) + 1}
        if self.wishes is not None:
            return Plan(tuple(self.wishes), memory)
        missing = self.size - sum(worker.state != "draining" for worker in snapshot.fleet)
        pool = self._open_pool(snapshot)
        wishes = (Launch(pool, missing, "the fleet is too small"),) if missing > 0 and pool is not None else ()
        return Plan(wishes, memory)

    def _open_pool(self, snapshot: Snapshot) -> Pool | None:
        available = sorted(pool for pool, offer in snapshot.offers.items() if offer.available)
        return self.pool if self.pool in available else next(iter(available), None)


class Story:
    """One run; times are times of day, instances are called by their order of launch."""

    def __init__(self, budget: float, tasks: int | None, size: int, **limits: Any) -> None:
        self.clock = MemoryClock(clock_time("10:00"))
        ids = itertools.count(1)
        self.policy = Script(spot("c5.large"), size)
        self.ports = Ports(
            clock=self.clock,
            fleet=MemoryFleet(self.clock),
            prices=MemoryPrices(_prices()),
            catalogue=MemoryCatalogue(_types(), ZONES),
            metrics=MemoryMetrics(),
            channel=MemoryChannel(),
            books=MemoryBooks(),
            notifier=MemoryNotifier(),
            schedule=MemorySchedule(),
            new_id=lambda: f"id-{next(ids)}",
        )
        self.memory = self.ports  # the plain adapters, even when a test puts others in front of them
        program = {"module": "libpi.so"} | ({} if tasks is None else {"tasks_total": tasks})
        document = {
            "name": "pi",
            "region": "us-east-1",
            "program": program,
            "limits": {"budget_usd": budget, **limits},
            "workers": {"instance_types": ["c5.*", "m5.large"]},
        }
        self.assignment = Assignment(
            experiment=parse_experiment(document, "story"),
            run="pi-1",
            program="digest",
            architectures=("x86_64",),
            policy=self.policy,
        )
        self._tasks = tasks

    # what happens -------------------------------------------------------------------------------------------

    def at(self, time: str) -> None:
        self.clock.at = clock_time(time)

    def handle(self, event: dict[str, Any], at: str | None = None) -> dict[str, Any]:
        if at is not None:
            self.at(at)
        return Controller(self.ports, self.assignment).handle(parse_rebalancer_event(event))

    def cycle(self, at: str | None = None, cycle_id: str | None = None) -> dict[str, Any]:
        event = {"action": "rebalance"} | ({} if cycle_id is None else {"cycle_id": cycle_id})
        return self.handle(event, at)

    def spot_event(self, kind: str, worker: str, at: str) -> dict[str, Any]:
        self.at(at)
        return Controller(self.ports, self.assignment).handle_spot(SpotEvent(worker, kind))

    def progress(self, committed: int, state: str = "running", **more: Any) -> None:
        progress = Progress(self._tasks, committed, state, self.clock.now(), **more)
        self.memory.channel.publish_progress(progress)

    def report(self, worker: str, rate: float, at: str, stdev: float = 0.01, tasks: int = 10) -> None:
        self.memory.metrics.put(worker, WorkerReport(rate, stdev, tasks, clock_time(at)))

    def interrupt(self, worker: str, at: str) -> None:
        self.at(at)
        self.memory.fleet.end(worker, INTERRUPTED)

    # what is then so ----------------------------------------------------------------------------------------

    @property
    def launched(self) -> list[str]:
        """Worker launches so far: pool and count."""
        requests = (r for r in self.memory.fleet.launches if r.role is not Role.JOB_MANAGER)
        return [f"{request.count} × {request.pool}" for request in requests]

    @property
    def workers(self) -> list[str]:
        """Ids of workers that are up, oldest first."""
        return [i.instance_id for i in self.memory.fleet.describe() if i.alive and i.role is not Role.JOB_MANAGER]

    @property
    def job_managers(self) -> list[str]:
        return [i.instance_id for i in self.memory.fleet.describe() if i.alive and i.role is Role.JOB_MANAGER]

    @property
    def control(self) -> Any:
        return self.memory.channel.control()

    @property
    def books(self) -> Any:
        return self.memory.books

    @property
    def snapshot(self) -> Snapshot:
        """What the policy saw last."""
        return self.policy.seen[-1]

    @property
    def report_document(self) -> dict[str, Any]:
        return run_report(self.memory.books, self.assignment.run)

    def put_in_front(self, wrap: Callable[[str, Any], Any]) -> None:
        """Let ``wrap(port name, adapter)`` stand between the use cases and each adapter."""
        names = [name for name in Ports.__slots__ if name not in ("clock", "new_id")]
        self.ports = replace(self.memory, **{name: wrap(name, getattr(self.memory, name)) for name in names})


def _types() -> Sequence[InstanceType]:
    vcpus = {"c5.large": 2, "c5.xlarge": 4, "m5.large": 2}
    return [
        InstanceType(name, vcpus[name], "x86_64", on_demand_usd_per_hour=price) for name, price in ON_DEMAND.items()
    ]


def _prices() -> Iterator[PricePoint]:
    start = clock_time("00:00")
    for zone in ZONES:
        for name, price in ON_DEMAND.items():
            yield PricePoint(start, Pool(name, zone, Market.ON_DEMAND), price)
        for name, price in SPOT.items():
            yield PricePoint(start, Pool(name, zone, Market.SPOT), price)


@contextmanager
def _experiment(budget: float = 100.0, tasks: int | None = 1000, size: int = 2, **limits: Any) -> Iterator[Story]:
    yield Story(budget, tasks, size, **limits)


@pytest.fixture
def experiment() -> Callable[..., Any]:
    """Opens a story about a run that was not started yet: its budget (USD), tasks, wished fleet size and limits."""
    return _experiment
