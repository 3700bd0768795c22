"""threshold-2019: the rebalancing rule of the first CloudPITS (Okita et al.), with its defects repaired.

The threshold is tasks left per dollar left. A worker whose cautious tasks per dollar stay below it for
``valid_count`` checks is replaced; pools above it are filled fastest first, at most max(1, N/5) workers each.
Repaired: no raise of the budget, no division by zero, workers without a report are not judged, small fleets
work, and the old worker leaves after the new one has started.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cloudpits.domain.commands import Command, Plan, Replace
from cloudpits.domain.estimation.workers import worker_rate
from cloudpits.domain.guard.handover import staying
from cloudpits.domain.model import SECONDS_PER_HOUR, Snapshot, Worker, WorkerState
from cloudpits.domain.policies.ranking import Candidate, candidates, fill, missing

POOL_SHARE = 5
COUNTS = "below"  # key of the memory: instance id → checks in a row below the threshold


@dataclass(frozen=True, slots=True)
class Threshold2019:
    """The original rule behind the hard ledger."""

    name: str = "threshold-2019"

    def propose(self, snapshot: Snapshot) -> Plan:
        threshold = tasks_per_usd_needed(snapshot)
        offered = candidates(snapshot)
        ranked = sorted(offered, key=lambda c: (-c.estimate.rate, c.usd_per_hour, c.pool))
        good = [c for c in ranked if c.cautious_tasks_per_usd >= threshold]
        if not good:
            good = sorted(offered, key=lambda c: (-c.cautious_tasks_per_usd, c.pool))
        counts = checks_below(snapshot, threshold, {c.pool: c for c in offered})
        per_pool = max(1, snapshot.limits.max_workers // POOL_SHARE)
        commands: list[Command] = list(fill(good, missing(snapshot), per_pool, lambda c: _why(c, threshold)))
        commands.extend(_replacements(snapshot, counts, good, threshold))
        return Plan(tuple(commands), {COUNTS: counts})


def tasks_per_usd_needed(snapshot: Snapshot) -> float:
    """Tasks left over dollars left; 0 without a budget, infinite when nothing is left."""
    limit = snapshot.limits.budget_usd
    if limit is None:
        return 0.0
    left = limit - snapshot.spent_usd
    return snapshot.job.tasks_left / left if left > 0.0 else float("inf")


def checks_below(snapshot: Snapshot, threshold: float, known: Mapping[Any, Candidate]) -> dict[str, int]:
    """Checks in a row below the threshold, of the workers that are below now."""
    before = snapshot.memory.get(COUNTS, {})
    return {
        worker.instance_id: before.get(worker.instance_id, 0) + 1
        for worker in staying(snapshot)
        if (candidate := known.get(worker.pool)) is not None and _poor(worker, candidate, threshold)
    }


def _poor(worker: Worker, candidate: Candidate, threshold: float) -> bool:
    if worker.state is not WorkerState.RUNNING or worker.report is None:
        return False
    rate = worker_rate(candidate.estimate, worker.report)
    cautious = max(0.0, rate - worker.report.perf_sec_stdev)
    return cautious * SECONDS_PER_HOUR / candidate.usd_per_hour < threshold


def _replacements(
    snapshot: Snapshot, counts: Mapping[str, int], good: list[Candidate], threshold: float
) -> Iterator[Replace]:
    due = [name for name, count in counts.items() if count >= snapshot.settings.valid_count]
    pools = {worker.instance_id: worker.pool for worker in snapshot.fleet}
    target = next((c for c in good if c.cautious_tasks_per_usd >= threshold), None)
    if target is None:
        return
    for name in due:
        if pools[name] != target.pool:
            reason = (
                f"{pools[name]} stayed below {threshold:.4g} tasks per USD for {counts[name]} checks; "
                f"{target.pool} does {target.cautious_tasks_per_usd:.4g}"
            )
            yield Replace(name, target.pool, reason)


def _why(candidate: Candidate, threshold: float) -> str:
    return (
        f"{candidate.pool} is the fastest left with {candidate.cautious_tasks_per_usd:.4g} tasks per USD "
        f"({threshold:.4g} are needed)"
    )
