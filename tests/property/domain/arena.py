"""A tiny world to torment policies in: prices and interruptions are what the adversary says, bills are the ledger's.

Everything happens at cycles: workers of age 90 s or more have reported, draining workers end after the longest
drain and shutdown, terminated ones after the longest shutdown. That is the worst the contract allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cloudpits.domain.commands import Command, Drain, Launch, Plan, Replace, Stop, Terminate
from cloudpits.domain.decision import decide
from cloudpits.domain.estimation.pooling import pool_reports
from cloudpits.domain.ledger.billing import cost
from cloudpits.domain.model import (
    Job,
    JobManager,
    Market,
    Offer,
    Pool,
    Snapshot,
    Worker,
    WorkerReport,
    WorkerState,
)
from cloudpits.domain.policies.base import Policy
from tests.unit.domain.worlds import RATES

INTERVAL, BOOT = 300.0, 90.0


@dataclass
class Machine:
    name: str
    pool: Pool
    launched_at: float
    ceiling: float
    replaces: str | None
    draining: bool = False
    ended_at: float | None = None
    interrupted: bool = False


@dataclass
class Arena:
    """One run of ``policy`` from ``start``; ``turn`` plays one cycle."""

    start: Snapshot
    policy: Policy
    rates: Mapping[str, float] = field(default_factory=lambda: RATES)
    machines: list[Machine] = field(default_factory=list)
    series: dict[Pool, list[tuple[float, float]]] = field(default_factory=dict)
    memory: Mapping[str, Any] = field(default_factory=dict)
    committed: float = 0.0
    stopped: Stop | None = None
    log: list[Command] = field(default_factory=list)
    now: float = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.start.taken_at
        self._price(dict.fromkeys(self.start.offers, 1.0))

    def play(self, turns: Sequence[tuple[Mapping[Pool, float], int]]) -> None:
        """Each turn: price factors per pool (capped at the ceiling), and how many spot workers AWS takes."""
        for factors, taken in turns:
            if self.stopped is not None:
                return
            self.turn(factors, taken)

    def turn(self, factors: Mapping[Pool, float] | None = None, taken: int = 0) -> Plan:
        plan = decide(self.snapshot(), self.policy, self.now)
        self.memory = plan.memory
        for command in plan.commands:
            self._carry_out(command)
        if self.stopped is None:
            self._interrupt(taken)
            self._price(factors or {})
            self._work()
            self.now += INTERVAL
        return plan

    @property
    def spent(self) -> float:
        """Everything billed until now, and what ending everything at once would still bill."""
        until = self.stopped_bill_at if self.stopped else self.now
        manager = cost(
            [(self.start.taken_at, self.start.job_manager.usd_per_hour)],
            self.start.taken_at,
            until,
            Market.ON_DEMAND,
            False,
            0.0,
        )
        return manager + sum(self._bill(machine, until) for machine in self.machines)

    @property
    def stopped_bill_at(self) -> float:
        return self.now + self.start.settings.shutdown_s

    def snapshot(self) -> Snapshot:
        first = self.now == self.start.taken_at
        fleet = tuple(self._worker(machine) for machine in self._alive())
        reports = [(w.pool.instance_type, w.report) for w in fleet if w.report is not None]
        return Snapshot(
            taken_at=self.now,
            started_at=self.start.started_at,
            job=Job(self.start.job.tasks_total, int(self.committed)),
            limits=self.start.limits,
            settings=self.start.settings,
            types=self.start.types,
            offers={pool: self._offer(pool) for pool in self.start.offers},
            fleet=fleet,
            job_manager=JobManager(self.start.job_manager.usd_per_hour, None if first else self.start.taken_at),
            spent_usd=0.0 if first else self.spent,
            history=self.start.history,
            measured=pool_reports(reports),
            memory=self.memory,
        )

    def _offer(self, pool: Pool) -> Offer:
        return Offer(pool, self.series[pool][-1][1], self.start.offers[pool].ceiling_usd_per_hour)

    def _alive(self) -> list[Machine]:
        return [machine for machine in self.machines if machine.ended_at is None or machine.ended_at > self.now]

    def _worker(self, machine: Machine) -> Worker:
        ready = self.now - machine.launched_at >= BOOT
        rate = self.rates[machine.pool.instance_type]
        state = WorkerState.RUNNING if ready else WorkerState.PENDING
        return Worker(
            machine.name,
            machine.pool,
            WorkerState.DRAINING if machine.draining else state,
            machine.launched_at,
            machine.ceiling,
            machine.launched_at + BOOT if ready else None,
            WorkerReport(rate, 0.01 * rate, 1, self.now) if ready else None,
            machine.replaces,
        )

    def _carry_out(self, command: Command) -> None:
        self.log.append(command)
        by_name = {machine.name: machine for machine in self._alive()}
        settings = self.start.settings
        if isinstance(command, Launch):
            for _ in range(command.count):
                self._start(command.pool, None)
        elif isinstance(command, Replace):
            self._start(command.pool, command.instance_id)
        elif isinstance(command, Drain):
            by_name[command.instance_id].draining = True
            by_name[command.instance_id].ended_at = self.now + settings.drain_grace_s + settings.shutdown_s
        elif isinstance(command, Terminate):
            by_name[command.instance_id].ended_at = self.now + settings.shutdown_s
        elif isinstance(command, Stop):
            self.stopped = command
            for machine in self._alive():
                machine.ended_at = min(machine.ended_at or self.stopped_bill_at, self.stopped_bill_at)

    def _start(self, pool: Pool, replaces: str | None) -> None:
        ceiling = self.start.offers[pool].ceiling_usd_per_hour
        self.machines.append(Machine(f"i-{len(self.machines)}", pool, self.now, ceiling, replaces))

    def _interrupt(self, count: int) -> None:
        spot = [m for m in self._alive() if m.pool.market is Market.SPOT and not m.draining]
        for machine in spot[:count]:
            machine.ended_at, machine.interrupted = self.now + 1.0, True

    def _price(self, factors: Mapping[Pool, float]) -> None:
        for pool, factor in factors.items():
            offer = self.start.offers[pool]
            self.series.setdefault(pool, []).append(
                (self.now, min(offer.ceiling_usd_per_hour, offer.usd_per_hour * factor))
            )

    def _work(self) -> None:
        for machine in self._alive():
            until = min(self.now + INTERVAL, machine.ended_at or self.now + INTERVAL)
            useful = until - max(self.now, machine.launched_at + BOOT)
            self.committed += max(0.0, useful) * self.rates[machine.pool.instance_type]
        self.committed = min(self.committed, float(self.start.job.tasks_total))

    def _bill(self, machine: Machine, until: float) -> float:
        ended = until if machine.ended_at is None else min(until, machine.ended_at)
        return cost(
            self.series[machine.pool],
            machine.launched_at,
            max(ended, machine.launched_at),
            machine.pool.market,
            machine.interrupted and machine.ended_at is not None and machine.ended_at <= until,
            self.start.settings.volume_usd_per_hour,
        )
