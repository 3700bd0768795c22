"""What the controller of a simulated run gets to see: the same frozen ``Snapshot`` as in the Lambda."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import inf

from cloudpits.domain.estimation.hazard import by_type
from cloudpits.domain.estimation.pooling import pool_reports
from cloudpits.domain.ledger.bounds import ceiling
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
from cloudpits.domain.planning.offers import OfferTable
from cloudpits.domain.rebalancing.cooldown import cooling
from cloudpits.simulation.bag import Bag
from cloudpits.simulation.machines import Machine, Machines, manager_cost
from cloudpits.simulation.points import Points
from cloudpits.simulation.realisation import Realisation

LEAST_NOISY = 0.1  # of its rate: what a worker reports at least


class Board:
    """Offers as prices move: only offers whose price or interruption rate changed are made anew."""

    def __init__(self, world: Realisation) -> None:
        self._world = world
        self._rates = dict(world.scenario.hazards)
        self._prices: dict[Pool, float] = {}
        self._closed: frozenset[Pool] = frozenset()  # in cool-down after a refusal
        self._offers = OfferTable({})
        self._pools = tuple(world.prices.items())
        # The next price change of every pool, as (instant, number of the pool, position in its points).
        self._next = [self._first(number, points) for number, (_, points) in enumerate(self._pools)]
        heapq.heapify(self._next)

    def _first(self, number: int, points: Points) -> tuple[float, int, int]:
        position = max(0, bisect_right(points, (self._world.started_at, inf)) - 1)
        return points[position][0], number, position

    def offers(self, now: float, refused: Sequence[tuple[Pool, float]]) -> OfferTable:
        """Offers at ``now``; the same object as before while nothing has changed."""
        changed = list(self._changed(now))
        closed = cooling(refused, now) if refused else self._closed
        if closed != self._closed:
            changed.extend(sorted(pool for pool in closed ^ self._closed if pool in self._prices))
            self._closed = closed
        self._renew(changed)
        return self._offers

    def learn(self, exposure: Interruptions) -> None:
        """Take over the interruption rate learnt for a type; asked when one of its instances was taken."""
        name = exposure.instance_type
        self._rates.update(by_type((exposure,)))
        self._renew([pool for pool in self._prices if pool.instance_type == name])

    def _renew(self, pools: Collection[Pool]) -> None:
        if pools:
            self._offers = self._offers.with_offers([self._offer(pool) for pool in pools])

    def _changed(self, now: float) -> Iterator[Pool]:
        while self._next and self._next[0][0] <= now:
            _, number, position = self._next[0]
            pool, points = self._pools[number]
            self._prices[pool] = points[position][1]
            yield pool
            if position + 1 < len(points):
                heapq.heapreplace(self._next, (points[position + 1][0], number, position + 1))
            else:
                heapq.heappop(self._next)

    def _offer(self, pool: Pool) -> Offer:
        usd = self._prices[pool]
        limit = ceiling(self._world.scenario.types[pool.instance_type], usd)
        rate = self._rates.get(pool.instance_type, 0.0) if pool.market is Market.SPOT else 0.0
        return Offer(pool, usd, limit, rate, available=usd <= limit and pool not in self._closed)


class Observer:
    """Turns the state of the world into snapshots."""

    def __init__(self, world: Realisation, machines: Machines, bag: Bag) -> None:
        self.world, self.machines, self.bag = world, machines, bag
        self.capacity_errors: list[tuple[Pool, float]] = []
        self.start_ups: list[float] = []
        self._board = Board(world)
        self._exposure = Exposure(world.scenario.hazards, self._board)

    def snapshot(self, now: float, memory: Mapping[str, object], manager_launched: bool) -> Snapshot:
        """What is known at ``now``."""
        scenario = self.world.scenario
        exposure = self._interruptions(now)
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
            offers=self._board.offers(now, self.capacity_errors),
            fleet=fleet,
            job_manager=JobManager(hourly, self.world.started_at, "i-manager")
            if manager_launched
            else JobManager(hourly),
            spent_usd=spent,
            history=self.world.history,
            interruptions=exposure,
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
            machine.instance_id,
            machine.pool,
            state,
            machine.launched_at,
            machine.ceiling_usd_per_hour,
            machine.ready_at,
            machine.report,
            machine.replaces,
            machine.notice_at,
        )

    def _refresh_report(self, machine: Machine, now: float) -> None:
        """Workers report every ``metrics_s``, first after one full period of work."""
        period = self.world.scenario.metrics_s
        periods = (now - machine.boots_at) // period
        if periods < 1.0 or machine.draining:
            return
        if machine.ready_at is None:
            machine.ready_at = machine.boots_at + period
            self.start_ups.append(machine.ready_at - machine.launched_at)
        rate = machine.rate * self.world.drift(machine.pool.instance_type, now)
        noisy = 1.0 + machine.spread * machine.noise.gauss(0.0, 1.0)
        hand = self.bag.hands.get(machine.instance_id)
        machine.report = WorkerReport(
            rate * max(LEAST_NOISY, noisy),
            rate * machine.spread,
            hand.committed if hand is not None else machine.tasks,
            machine.boots_at + periods * period,
        )

    def _measured(self) -> tuple[RateSample, ...]:
        everybody = (*self.machines.ended, *self.machines.alive.values())
        return pool_reports((m.pool.instance_type, m.report) for m in everybody if m.report is not None)

    def _interruptions(self, now: float) -> tuple[Interruptions, ...]:
        """Exposure per type in this run, with the advisor's prior."""
        self._exposure.add_ended(self.machines.ended)
        return self._exposure.with_more(self.machines.spot_hours(now))


class Exposure:
    """Spot instance hours and interruptions per type; ended machines are counted once."""

    def __init__(self, hazards: Mapping[str, float], board: Board) -> None:
        self._hazards, self._board = hazards, board
        self._hours = dict.fromkeys(hazards, 0.0)
        self._events = dict.fromkeys(hazards, 0)
        self._counted = 0
        self._settled = {name: self._entry(name, 0.0) for name in hazards}  # what ended machines account for

    def add_ended(self, ended: Sequence[Machine]) -> None:
        """Count machines that ended since the last call; what an interruption teaches goes to the board."""
        taken: set[str] = set()
        for machine in ended[self._counted :]:
            name = machine.pool.instance_type
            if machine.pool.market is Market.SPOT and machine.ended_at is not None:
                self._hours[name] += (machine.ended_at - machine.launched_at) / SECONDS_PER_HOUR
                self._events[name] += machine.interrupted
                taken.update({name} if machine.interrupted else ())
                self._settled[name] = self._entry(name, self._hours[name])
        self._counted = len(ended)
        for name in sorted(taken):
            self._board.learn(self._settled[name])

    def with_more(self, hours: Mapping[str, float]) -> tuple[Interruptions, ...]:
        """One entry per type; ``hours`` are those of instances that still live."""
        entries = self._settled.copy()
        for name, more in hours.items():
            entries[name] = self._entry(name, self._hours[name] + more)
        return tuple(entries.values())

    def _entry(self, name: str, hours: float) -> Interruptions:
        return Interruptions(name, self._events[name], hours, self._hazards[name])
