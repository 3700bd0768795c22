"""What the controller of a simulated run gets to see: the same frozen ``Snapshot`` as in the Lambda."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from cloudpits.domain.estimation.pooling import pool_reports
from cloudpits.domain.model import (
    SECONDS_PER_HOUR,
    Interruptions,
    Job,
    JobManager,
    Market,
    Offer,
    Pool,
    RateSample,
    Snapshot,
    Worker,
    WorkerReport,
    WorkerState,
)
from cloudpits.simulation.bag import Bag
from cloudpits.simulation.machines import Machine, Machines, manager_cost
from cloudpits.simulation.realisation import Realisation


class Board:
    """Offers as prices move: only offers whose price changed are made anew."""

    def __init__(self, world: Realisation) -> None:
        self._world = world
        self._position = dict.fromkeys(world.prices, -1)
        self._offers: Mapping[Pool, Offer] = MappingProxyType({})

    def offers(self, now: float) -> Mapping[Pool, Offer]:
        """Offers at ``now``; the same object as before while no price has changed."""
        changed = {pool: offer for pool in self._world.prices if (offer := self._changed(pool, now)) is not None}
        if changed:
            self._offers = MappingProxyType({**self._offers, **changed})
        return self._offers

    def _changed(self, pool: Pool, now: float) -> Offer | None:
        points, position = self._world.prices[pool], self._position[pool]
        start = position
        while position + 1 < len(points) and points[position + 1][0] <= now:
            position += 1
        if position == start:
            return None
        self._position[pool] = position
        usd = points[position][1]
        known = self._world.scenario.types[pool.instance_type].on_demand_usd_per_hour
        spot = pool.market is Market.SPOT
        hazard = self._world.scenario.hazards.get(pool.instance_type, 0.0) if spot else 0.0
        return Offer(pool, usd, usd if known is None else known, interruptions_per_hour=hazard)


class Observer:
    """Turns the state of the world into snapshots."""

    def __init__(self, world: Realisation, machines: Machines, bag: Bag) -> None:
        self.world, self.machines, self.bag = world, machines, bag
        self.capacity_errors: list[tuple[Pool, float]] = []
        self.start_ups: list[float] = []
        self._board = Board(world)

    def snapshot(self, now: float, memory: Mapping[str, object], manager_launched: bool) -> Snapshot:
        """What is known at ``now``."""
        scenario = self.world.scenario
        fleet = tuple(self._worker(machine, now) for machine in self.machines.alive.values())
        hourly = scenario.job_manager_usd_per_hour + scenario.job_manager_volume_usd_per_hour
        spent = self.machines.spent(now) + (manager_cost(self.world, now) if manager_launched else 0.0)
        return Snapshot(
            taken_at=now,
            started_at=self.world.started_at,
            job=Job(scenario.tasks_total, self.bag.committed),
            limits=scenario.limits,
            settings=scenario.settings,
            types=scenario.types,
            offers=self._board.offers(now),
            fleet=fleet,
            job_manager=JobManager(hourly, self.world.started_at, "i-manager")
            if manager_launched
            else JobManager(hourly),
            spent_usd=spent,
            history=self.world.history,
            interruptions=self._interruptions(now),
            start_up_samples=tuple(self.start_ups),
            capacity_errors=tuple(self.capacity_errors),
            measured=self._measured(),
            memory=memory,
        )

    def _worker(self, machine: Machine, now: float) -> Worker:
        self._refresh_report(machine, now)
        ready = machine.report is not None
        state = WorkerState.DRAINING if machine.draining else WorkerState.RUNNING if ready else WorkerState.PENDING
        return Worker(
            instance_id=machine.instance_id,
            pool=machine.pool,
            state=state,
            launched_at=machine.launched_at,
            ceiling_usd_per_hour=machine.ceiling_usd_per_hour,
            ready_at=machine.ready_at,
            report=machine.report,
            replaces=machine.replaces,
            notice_at=machine.notice_at,
        )

    def _refresh_report(self, machine: Machine, now: float) -> None:
        """Workers report every ``metrics_s``, first after one full period of work."""
        period = self.world.scenario.metrics_s
        periods = math.floor((now - machine.boots_at) / period)
        if periods < 1 or machine.draining:
            return
        if machine.ready_at is None:
            machine.ready_at = machine.boots_at + period
            self.start_ups.append(machine.ready_at - machine.launched_at)
        spread = self.world.spread(machine.pool.instance_type)
        rate = machine.rate * self.world.drift(machine.pool.instance_type, now)
        hand = self.bag.hands.get(machine.instance_id)
        machine.report = WorkerReport(
            perf_sec=rate * max(0.1, 1.0 + spread * machine.noise.gauss(0.0, 1.0)),
            perf_sec_stdev=rate * spread,
            tasks_completed=hand.committed if hand is not None else machine.tasks,
            reported_at=machine.boots_at + periods * period,
        )

    def _measured(self) -> tuple[RateSample, ...]:
        everybody = (*self.machines.ended, *self.machines.alive.values())
        return pool_reports((m.pool.instance_type, m.report) for m in everybody if m.report is not None)

    def _interruptions(self, now: float) -> tuple[Interruptions, ...]:
        """Exposure per type in this run, with the advisor's prior."""
        events = dict.fromkeys(self.world.scenario.types, 0)
        hours = dict.fromkeys(self.world.scenario.types, 0.0)
        for machine in (*self.machines.ended, *self.machines.alive.values()):
            if machine.pool.market is Market.SPOT:
                until = now if machine.ended_at is None else machine.ended_at
                hours[machine.pool.instance_type] += (until - machine.launched_at) / SECONDS_PER_HOUR
                events[machine.pool.instance_type] += machine.interrupted
        hazards = self.world.scenario.hazards
        return tuple(Interruptions(name, events[name], hours[name], hazards.get(name)) for name in events)
