"""Plays one run: a queue of events between which nothing changes but prices and tasks done.

The engine is the world, not the controller: every decision is ``domain.decide``'s, every bill the ledger's.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from cloudpits.domain.commands import Command, Drain, Forecast, Launch, Plan, Replace, Stop, Terminate
from cloudpits.domain.decision import CAPACITY_ROUNDS, decide
from cloudpits.domain.errors import InfeasibleError
from cloudpits.domain.ledger.billing import FREE_WHEN_INTERRUPTED_S
from cloudpits.domain.ledger.summary import INTERRUPTED, LEFT_ON_NOTICE
from cloudpits.domain.model import SECONDS_PER_HOUR, Pool
from cloudpits.domain.policies.base import Policy
from cloudpits.simulation.bag import Bag
from cloudpits.simulation.machines import Machine, Machines, manager_cost
from cloudpits.simulation.observation import Observer
from cloudpits.simulation.realisation import NOTICE_S, SHUTDOWN_S, Realisation
from cloudpits.simulation.results import DecisionLine, FleetPoint, RunResult, run_result

EVENT_LATENCY_S = 5.0  # from an interruption notice to the controller's extra cycle
MOST_RUN_S = 30 * 24 * SECONDS_PER_HOUR


class Kind(IntEnum):
    """What happens; the value orders events of one instant."""

    TAKEN = 0
    DRAINED = 1
    BOOTED = 2
    NOTICE = 3
    DRIFT = 4
    CYCLE = 5
    EXTRA_CYCLE = 6


@dataclass(slots=True)
class Run:
    """The state of one simulated run."""

    world: Realisation
    policy: Policy
    trace: bool = False
    ledger: bool = True
    machines: Machines = field(init=False)
    bag: Bag = field(init=False)
    observer: Observer = field(init=False)
    memory: Mapping[str, Any] = field(default_factory=dict)
    queue: list[tuple[float, int, int, str]] = field(default_factory=list)
    counter: int = 0
    stopped_at: float | None = None
    manager_launched: bool = False
    replacements: int = 0
    extra_cycle_due: bool = False
    cycles: int = 0
    first_forecast: Forecast | None = None
    refused: str = ""
    decisions: list[DecisionLine] = field(default_factory=list)
    fleet_over_time: list[FleetPoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.machines = Machines(self.world)
        self.bag = Bag(self.world.scenario.tasks_total)
        self.observer = Observer(self.world, self.machines, self.bag)

    def play(self) -> RunResult:
        """From the first cycle to the end of billing."""
        start = self.world.started_at
        self._push(start, Kind.CYCLE)
        for name in self.world.scenario.types:
            if self.world.drift_onset(name) < start + MOST_RUN_S:
                self._push(self.world.drift_onset(name), Kind.DRIFT, name)
        while self.queue and self.stopped_at is None:
            now, kind, _, who = heapq.heappop(self.queue)
            self.bag.advance(now)
            if self.bag.completed_at is not None:
                break
            if now > start + MOST_RUN_S:
                self._stop(now, f"not done after {MOST_RUN_S / SECONDS_PER_HOUR:g} h: given up")
                break
            self._happen(Kind(kind), who, now)
        return self._close()

    def _push(self, instant: float, kind: Kind, who: str = "") -> None:
        self.counter += 1
        heapq.heappush(self.queue, (instant, int(kind), self.counter, who))

    def _happen(self, kind: Kind, who: str, now: float) -> None:
        if kind in (Kind.CYCLE, Kind.EXTRA_CYCLE):
            self._cycle(now)
            if kind is Kind.CYCLE:
                self._push(now + self.world.scenario.settings.interval_s, Kind.CYCLE)
            return
        if kind is Kind.DRIFT:
            self._slow_down(who, now)
            return
        machine = self.machines.alive.get(who)
        if machine is None:
            return
        if kind is Kind.BOOTED:
            self._booted(machine, now)
        elif kind is Kind.NOTICE:
            self._noticed(machine, now)
        else:
            self._end(machine, now, _why_gone(kind, machine))

    def _booted(self, machine: Machine, now: float) -> None:
        if machine.draining:
            return
        rate = machine.rate * self.world.drift(machine.pool.instance_type, now)
        self.bag.join(machine.instance_id, self.world.scenario.slots_of(machine.pool.instance_type), rate, now)

    def _noticed(self, machine: Machine, now: float) -> None:
        """The worker takes no new task, finishes what it holds, and leaves; or idles, if what AWS takes is free."""
        machine.notice_at = machine.taken_at
        machine.draining = True
        leaves_at = self.bag.drain(machine.instance_id, now) + SHUTDOWN_S
        billed = machine.taken_at - machine.launched_at >= FREE_WHEN_INTERRUPTED_S
        if billed and leaves_at < machine.taken_at:
            self._push(leaves_at, Kind.DRAINED, machine.instance_id)
        if not self.extra_cycle_due:
            self.extra_cycle_due = True
            self._push(now + EVENT_LATENCY_S, Kind.EXTRA_CYCLE)

    def _end(self, machine: Machine, now: float, because: str) -> None:
        hand = self.bag.leave(machine.instance_id)
        if hand is not None:
            machine.tasks = hand.committed
        self.machines.end(machine, now, because)
        self.bag.feed_idle(now)

    def _cycle(self, now: float) -> None:
        self.cycles += 1
        self.extra_cycle_due = False
        try:
            plan = self._launch_planned(now)
        except InfeasibleError as error:
            self._stop(now, str(error))
            return
        self.memory = plan.memory
        for command in plan.commands:
            self._end_something(command, now)
        if self.trace:
            self._note(now, plan.commands)

    def _launch_planned(self, now: float) -> Plan:
        """Decide and launch; after refusals ask the policy again, as the controller does."""
        plan = self._decide(now)
        for _ in range(CAPACITY_ROUNDS):
            refusals = len(self.observer.capacity_errors)
            for command in plan.commands:
                self._start_something(command, now)
            if len(self.observer.capacity_errors) == refusals:
                break
            plan = self._decide(now)
        return plan

    def _decide(self, now: float) -> Plan:
        snapshot = self.observer.snapshot(now, self.memory, self.manager_launched)
        plan = decide(snapshot, self.policy, now, ledger=self.ledger)
        self.manager_launched |= not any(isinstance(command, Stop) for command in plan.commands)
        if self.first_forecast is None:
            self.first_forecast = plan.forecast
        return plan

    def _slow_down(self, instance_type: str, now: float) -> None:
        for machine in self.machines.alive.values():
            if machine.pool.instance_type == instance_type:
                rate = machine.rate * self.world.drift(instance_type, now)
                self.bag.change_rate(machine.instance_id, rate, now)

    def _start_something(self, command: Command, now: float) -> None:
        if isinstance(command, Launch):
            self._launch(command.pool, command.count, now, None)
        elif isinstance(command, Replace):
            self.replacements += self._launch(command.pool, 1, now, command.instance_id)

    def _end_something(self, command: Command, now: float) -> None:
        if isinstance(command, Drain):
            self._drain(command.instance_id, now)
        elif isinstance(command, Terminate) and command.instance_id in self.machines.alive:
            self._end(self.machines.alive[command.instance_id], now, "terminated")
        elif isinstance(command, Stop):
            self._stop(now, "" if command.completed else command.reason)

    def _launch(self, pool: Pool, count: int, now: float, replaces: str | None) -> bool:
        if self.machines.refuses(pool, now):
            self.observer.capacity_errors.append((pool, now))
            return False
        for _ in range(count):
            machine = self.machines.launch(pool, now, replaces)
            self._push(machine.boots_at, Kind.BOOTED, machine.instance_id)
            if machine.taken_at < now + MOST_RUN_S:
                self._push(max(now, machine.taken_at - NOTICE_S), Kind.NOTICE, machine.instance_id)
                self._push(machine.taken_at, Kind.TAKEN, machine.instance_id)
        return True

    def _drain(self, instance_id: str, now: float) -> None:
        machine = self.machines.alive.get(instance_id)
        if machine is None or machine.draining:
            return
        machine.draining = True
        empty_at = self.bag.drain(instance_id, now)
        grace = now + self.world.scenario.settings.drain_grace_s
        self._push(min(empty_at, grace) + SHUTDOWN_S, Kind.DRAINED, instance_id)

    def _stop(self, now: float, because: str) -> None:
        self.stopped_at, self.refused = now, because
        for machine in tuple(self.machines.alive.values()):
            self._end(machine, now, "stopped")

    def _close(self) -> RunResult:
        """The end of billing: at a stop at once, at completion when every process has shut down."""
        completed_at = self.bag.completed_at
        ended_at = self.stopped_at if completed_at is None else completed_at + SHUTDOWN_S
        if ended_at is None:
            ended_at = self.world.started_at
        for machine in tuple(self.machines.alive.values()):
            self._end(machine, min(ended_at, machine.taken_at), "completed")
        manager = manager_cost(self.world, ended_at) if self.manager_launched else 0.0
        return run_result(self, ended_at, self.machines.ended_cost_usd + manager)

    def _note(self, now: float, commands: tuple[Command, ...]) -> None:
        spent = self.machines.spent(now) + (manager_cost(self.world, now) if self.manager_launched else 0.0)
        from_start = now - self.world.started_at
        self.decisions.extend(DecisionLine.of(from_start, command) for command in commands)
        counts: dict[str, int] = {}
        for machine in self.machines.alive.values():
            counts[str(machine.pool)] = counts.get(str(machine.pool), 0) + 1
        self.fleet_over_time.append(FleetPoint(from_start, spent, self.bag.committed, counts))


def _why_gone(kind: Kind, machine: Machine) -> str:
    if kind is Kind.TAKEN:
        return INTERRUPTED
    return "drained" if machine.notice_at is None else LEFT_ON_NOTICE


def play(world: Realisation, policy: Policy, trace: bool = False, *, ledger: bool = True) -> RunResult:
    """One run of ``policy`` in ``world``; ``trace`` keeps decisions and the fleet over time.

    Without ``ledger`` nothing enforces the budget: an ablation, to see what it is good for.
    """
    return Run(world, policy, trace, ledger).play()
