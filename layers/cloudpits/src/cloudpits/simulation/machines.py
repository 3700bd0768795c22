"""The simulated instances: launch, boot, work, notice, end; and what each has cost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

from cloudpits.domain.ledger import billing, bounds
from cloudpits.domain.ledger.summary import INTERRUPTED, INTERRUPTIONS
from cloudpits.domain.model import SECONDS_PER_HOUR, Market, Pool, WorkerReport
from cloudpits.simulation.points import Points
from cloudpits.simulation.randomness import stream
from cloudpits.simulation.realisation import NEVER, NOTICE_S, Realisation


@dataclass(slots=True)
class Machine:
    """A worker instance of the simulated world. Instants in epoch seconds."""

    instance_id: str
    pool: Pool
    index: int  # how many were launched in this pool before it
    launched_at: float
    boots_at: float
    taken_at: float  # when AWS takes it, if it lives that long
    ceiling_usd_per_hour: float
    rate: float  # true tasks/s without drift
    noise: Random
    spread: float  # relative stdev of its rate over time
    replaces: str | None = None
    ended_at: float | None = None
    ended_because: str = ""
    draining: bool = False
    notice_at: float | None = None
    tasks: int = 0
    report: WorkerReport | None = None
    ready_at: float | None = None
    cost_usd: float | None = None  # final bill, once ended

    @property
    def taken_back(self) -> bool:
        """Whether AWS itself ended the instance: the first hour is free then."""
        return self.ended_because == INTERRUPTED

    @property
    def interrupted(self) -> bool:
        """Whether it was lost to AWS, even if it left by itself under the notice (and is billed)."""
        return self.ended_because in INTERRUPTIONS


@dataclass(slots=True)
class Machines:
    """All instances of one run, by launch order."""

    world: Realisation
    alive: dict[str, Machine] = field(default_factory=dict)
    ended: list[Machine] = field(default_factory=list)
    launches: dict[Pool, int] = field(default_factory=dict)
    ended_cost_usd: float = 0.0
    _together: Counter[tuple[Pool, float]] = field(default_factory=Counter)  # alive, by pool and launch
    _crossings: dict[Pool, Points] = field(default_factory=dict)

    def launch(self, pool: Pool, now: float, replaces: str | None) -> Machine:
        """Start the pool's next instance; whether there is capacity was asked before."""
        world, index = self.world, self.launches.get(pool, 0)
        self.launches[pool] = index + 1
        number = len(self.alive) + len(self.ended) + 1
        ceiling = self.ceiling(pool, world.price(pool, now) or 0.0)
        machine = Machine(
            instance_id=f"i-{number:017x}",
            pool=pool,
            index=index,
            launched_at=now,
            boots_at=max(now + world.boot_s(pool, index), world.manager_ready_at),
            taken_at=self._taken_at(pool, index, now, ceiling),
            ceiling_usd_per_hour=ceiling,
            rate=world.true_rates[pool.instance_type] * world.multiplier(pool, index),
            noise=stream(world.seed, "noise", pool, index),
            spread=world.spread(pool.instance_type),
            replaces=replaces,
        )
        self.alive[machine.instance_id] = machine
        self._together[pool, now] += 1
        return machine

    def ceiling(self, pool: Pool, usd_per_hour: float) -> float:
        """Maximum price of a request made in the pool at the given price."""
        return bounds.ceiling(self.world.scenario.types[pool.instance_type], usd_per_hour)

    def _taken_at(self, pool: Pool, index: int, now: float, ceiling: float) -> float:
        """Its own fate, its pool running dry, or a price above its maximum: whichever comes first."""
        if pool.market is not Market.SPOT:
            return NEVER
        fate = now + self.world.lifetime_s(pool, index)
        return min(fate, self.world.next_outage(pool, now), self._next_crossing(pool, now, ceiling))

    def _next_crossing(self, pool: Pool, now: float, ceiling: float) -> float:
        """When the price next exceeds the maximum of a request made now."""
        if pool not in self._crossings:
            self._crossings[pool] = [point for point in self.world.prices[pool] if point[1] > ceiling]
        return next((at for at, _ in self._crossings[pool] if at > now), NEVER)

    def refuses(self, pool: Pool, now: float) -> bool:
        """Whether a launch fails: no price, one above the maximum (or about to be), or no capacity."""
        price = self.world.price(pool, now) if pool in self.world.prices else None
        if price is None:
            return True
        limit = self.ceiling(pool, price)
        spot = pool.market is Market.SPOT
        reclaimed = spot and self._next_crossing(pool, now, limit) <= now + NOTICE_S
        return price > limit or reclaimed or self.world.refuses(pool, now)

    def end(self, machine: Machine, now: float, because: str) -> None:
        """It is billed until ``now`` and gone."""
        machine.ended_at = max(now, machine.launched_at)
        machine.ended_because = because
        machine.cost_usd = self._bill(machine.pool, machine.launched_at, machine.ended_at, taken=machine.taken_back)
        self.ended_cost_usd += machine.cost_usd
        del self.alive[machine.instance_id]
        self._leave(machine.pool, machine.launched_at)
        self.ended.append(machine)

    def _leave(self, pool: Pool, launched_at: float) -> None:
        self._together[pool, launched_at] -= 1
        if not self._together[pool, launched_at]:
            del self._together[pool, launched_at]

    def _bill(self, pool: Pool, launched_at: float, until: float, *, taken: bool = False) -> float:
        world = self.world
        storage = world.scenario.settings.volume_usd_per_hour
        return billing.cost(world.prices[pool], launched_at, max(until, launched_at), pool.market, taken, storage)

    def spot_hours(self, now: float) -> dict[str, float]:
        """Instance hours so far of the living spot instances, by type."""
        hours: dict[str, float] = {}
        for (pool, since), count in self._together.items():
            if pool.market is Market.SPOT:
                hours[pool.instance_type] = hours.get(pool.instance_type, 0.0) + count * (now - since)
        return {name: seconds / SECONDS_PER_HOUR for name, seconds in hours.items()}

    def spent(self, now: float) -> float:
        """USD billed for all workers so far; what was launched together in a pool has cost the same."""
        costs = (count * self._bill(pool, since, now) for (pool, since), count in self._together.items())
        return self.ended_cost_usd + sum(costs)


def manager_cost(world: Realisation, until: float) -> float:
    """USD billed for the job manager from the run's start."""
    scenario = world.scenario
    points = [(world.started_at, scenario.job_manager_usd_per_hour)]
    volume = scenario.job_manager_volume_usd_per_hour
    return billing.cost(points, world.started_at, until, Market.ON_DEMAND, False, volume)
