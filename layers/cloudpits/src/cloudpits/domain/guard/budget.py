"""The hard budget: at every decision, everything that stays could still be ended and paid for at the next one.

First everything is taken to end at once. What the budget then leaves keeps the job manager, lets leaving
workers drain, keeps the workers that compute most for their price, and at last pays for launches.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from cloudpits.domain.commands import Command, Drain, Launch, Replace, Stop, Terminate
from cloudpits.domain.ledger.bounds import (
    bound_usd,
    draining_s,
    ending_s,
    horizon_s,
    manager_bound_usd,
    worker_bound_usd,
)
from cloudpits.domain.model import Pool, Snapshot, Worker, WorkerState
from cloudpits.domain.wording import usd

TOLERANCE_USD = 1e-9


@dataclass(slots=True)
class Purse:
    """What is committed so far and what may be."""

    limit_usd: float
    committed_usd: float

    def afford(self, amount_usd: float) -> bool:
        """Commit ``amount_usd`` if the limit allows."""
        if self.committed_usd + amount_usd > self.limit_usd + TOLERANCE_USD:
            return False
        self.committed_usd += amount_usd
        return True


@dataclass(slots=True)
class BudgetGuard:
    """Cuts commands down to what the budget pays, and ends workers that it pays no longer."""

    snapshot: Snapshot
    purse: Purse = field(init=False)
    least: dict[str, float] = field(init=False)  # instance id → USD it costs at least, ended at once

    def __post_init__(self) -> None:
        snapshot = self.snapshot
        limit = snapshot.limits.budget_usd
        ending = ending_s(snapshot.settings)
        self.least = {worker.instance_id: worker_bound_usd(worker, ending, snapshot) for worker in snapshot.fleet}
        committed = snapshot.spent_usd + sum(self.least.values()) + manager_bound_usd(snapshot, ending)
        self.purse = Purse(math.inf if limit is None else limit, committed)

    def enforce(self, commands: Sequence[Command]) -> list[Command]:
        """``commands`` as far as the budget pays them, with what it enforces; a single Stop when it is used up."""
        if math.isinf(self.purse.limit_usd):
            return list(commands)
        horizon, ending = horizon_s(self.snapshot.settings), ending_s(self.snapshot.settings)
        more = manager_bound_usd(self.snapshot, horizon) - manager_bound_usd(self.snapshot, ending)
        if not self.purse.afford(more):
            return [self._used_up("it does not pay the job manager until the next decision")]
        kept = self._fleet(commands)
        launches = [command for command in commands if isinstance(command, Launch | Replace)]
        paid = [affordable for command in launches for affordable in self._launch(command)]
        others = [command for command in commands if not isinstance(command, Launch | Replace | Drain | Terminate)]
        if not paid and not self._anyone(kept) and not self._could_launch():
            return [self._used_up("it does not pay one more worker")]
        return paid + kept + others

    def _used_up(self, why: str) -> Stop:
        spent, limit = usd(self.snapshot.spent_usd), usd(self.purse.limit_usd)
        return Stop(f"the budget is used up: {spent} of {limit} are spent and {why}", completed=False)

    def _fleet(self, commands: Iterable[Command]) -> list[Command]:
        """Drains and terminations: those asked for, and those that the budget enforces."""
        drains = {command.instance_id: command for command in commands if isinstance(command, Drain)}
        ends = {command.instance_id: command for command in commands if isinstance(command, Terminate)}
        result: list[Command] = list(ends.values())
        staying = [worker for worker in self.snapshot.fleet if worker.instance_id not in ends]
        leaving = [w for w in staying if w.instance_id in drains or w.state is WorkerState.DRAINING]
        for worker in leaving:
            result.extend(self._leave(worker, drains.get(worker.instance_id)))
        left = {worker.instance_id for worker in leaving}
        return result + self._keep([worker for worker in staying if worker.instance_id not in left])

    def _keep(self, workers: Sequence[Worker]) -> list[Command]:
        """What ends the dearest of ``workers`` if the budget does not pay all of them until the next decision."""
        horizon = horizon_s(self.snapshot.settings)
        more = {worker.instance_id: self._more(worker, horizon) for worker in workers}
        if self.purse.afford(sum(more.values())):
            return []
        result: list[Command] = []
        for worker in sorted(workers, key=_dearness):
            if not self.purse.afford(more[worker.instance_id]):
                result.extend(self._leave(worker, Drain(worker.instance_id, self._too_dear(worker))))
        return result

    def _leave(self, worker: Worker, command: Drain | None) -> list[Command]:
        if self.purse.afford(self._more(worker, draining_s(self.snapshot.settings))):
            return [command] if command else []
        return [Terminate(worker.instance_id, f"{self._too_dear(worker)}, not even while it drains")]

    def _more(self, worker: Worker, seconds: float) -> float:
        """What ``seconds`` cost beyond ending at once."""
        return worker_bound_usd(worker, seconds, self.snapshot) - self.least[worker.instance_id]

    def _too_dear(self, worker: Worker) -> str:
        return (
            f"the budget of {usd(self.purse.limit_usd)} pays {worker.pool} no longer at up to "
            f"{usd(worker.ceiling_usd_per_hour)} per hour: {usd(self.snapshot.spent_usd)} are spent"
        )

    def _bound(self, pool: Pool) -> float:
        offer = self.snapshot.offers[pool]
        hourly = max(offer.ceiling_usd_per_hour, offer.usd_per_hour) + self.snapshot.settings.volume_usd_per_hour
        return bound_usd(hourly, horizon_s(self.snapshot.settings), 0.0)

    def _launch(self, command: Launch | Replace) -> list[Command]:
        price = self._bound(command.pool)
        count = command.count if isinstance(command, Launch) else 1
        left = self.purse.limit_usd + TOLERANCE_USD - self.purse.committed_usd
        count = min(count, int(left // price)) if price > 0.0 else count
        if count <= 0 or not self.purse.afford(count * price):
            return []
        if isinstance(command, Replace) or count == command.count:
            return [command]
        return [replace(command, count=count, reason=f"{command.reason}; the budget pays {count} of {command.count}")]

    def _anyone(self, enforced: Iterable[Command]) -> bool:
        ended = {command.instance_id for command in enforced if isinstance(command, Terminate)}
        return any(worker.instance_id not in ended for worker in self.snapshot.fleet)

    def _could_launch(self) -> bool:
        left = self.purse.limit_usd + TOLERANCE_USD - self.purse.committed_usd
        prices = [self._bound(pool) for pool, offer in self.snapshot.offers.items() if offer.usd_per_hour > 0.0]
        return not prices or min(prices) <= left


def _dearness(worker: Worker) -> tuple[float, str]:
    """Ceiling price per rate, workers without a report last."""
    rate = worker.report.perf_sec if worker.report else 0.0
    usable = math.isfinite(rate) and rate > 0.0
    return (worker.ceiling_usd_per_hour / rate if usable else math.inf, worker.instance_id)
