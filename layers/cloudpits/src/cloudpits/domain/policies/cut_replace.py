"""cut-replace: at every check the worst tenth of the fleet gives way to the pool with most tasks per dollar."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cloudpits.domain.commands import Command, Plan, Replace
from cloudpits.domain.estimation.workers import worker_rate
from cloudpits.domain.guard.handover import staying
from cloudpits.domain.model import SECONDS_PER_HOUR, Snapshot, Worker, WorkerState
from cloudpits.domain.policies.ranking import Candidate, candidates, fill, missing

CUT_SHARE = 0.10


@dataclass(frozen=True, slots=True)
class CutReplace:
    """Fill from the best pool; replace the worst k workers whenever another pool does more per dollar."""

    name: str = "cut-replace"
    cut_share: float = CUT_SHARE

    def propose(self, snapshot: Snapshot) -> Plan:
        offered = candidates(snapshot)
        ranked = sorted(offered, key=lambda c: (-c.tasks_per_usd, c.pool))
        if not ranked:
            return Plan((), snapshot.memory)
        count = missing(snapshot)
        commands: list[Command] = list(fill(ranked, count, count, _why))
        commands.extend(self._cut(snapshot, ranked))
        return Plan(tuple(commands), snapshot.memory)

    def _cut(self, snapshot: Snapshot, ranked: list[Candidate]) -> Iterator[Replace]:
        if any(worker.state is WorkerState.PENDING for worker in snapshot.fleet):
            return  # no second cut before the first has shown what it brings
        best, known = ranked[0], {c.pool: c for c in ranked}
        judged = [
            (_tasks_per_usd(worker, known[worker.pool]), worker)
            for worker in staying(snapshot)
            if worker.state is WorkerState.RUNNING and worker.pool in known
        ]
        worst = sorted(judged, key=lambda pair: (pair[0], pair[1].instance_id))
        for value, worker in worst[: max(1, int(self.cut_share * len(judged)))]:
            if worker.pool != best.pool and value < best.tasks_per_usd:
                reason = f"{worker.pool} does {value:.4g} tasks per USD, {best.pool} {best.tasks_per_usd:.4g}"
                yield Replace(worker.instance_id, best.pool, reason)


def _tasks_per_usd(worker: Worker, candidate: Candidate) -> float:
    return worker_rate(candidate.estimate, worker.report) * SECONDS_PER_HOUR / candidate.usd_per_hour


def _why(candidate: Candidate) -> str:
    return f"{candidate.pool} does most per dollar: {candidate.tasks_per_usd:.4g} tasks per USD"
