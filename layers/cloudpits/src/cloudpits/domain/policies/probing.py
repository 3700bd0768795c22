"""When mpc tries out types that were never measured, and who makes place for them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from cloudpits.domain.commands import Command
from cloudpits.domain.model import Mode, Snapshot, Worker, WorkerState
from cloudpits.domain.planning.goal import EMPTY, Goal
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import Fleet
from cloudpits.domain.policies.memory import Memory
from cloudpits.domain.policies.outlook import Outlook
from cloudpits.domain.rebalancing import exploration, replacement
from cloudpits.domain.rebalancing.resizing import MISSED, Resizing

LEAST_INTERVALS = 3.0  # that must be left for a probe to pay


def explored(outlook: Outlook, change: Resizing) -> tuple[tuple[Command, ...], Memory]:
    """Commands that try types never measured, within their share of the budget; and the memory of them."""
    snapshot, totals, memory = outlook.snapshot, change.after.totals, outlook.memory
    if memory.on_demand or not _time_to_explore(outlook, change.after):
        return (), memory
    known = {sample.instance_type for sample in snapshot.measured} | set(memory.probed)
    candidates = _candidates(outlook, change.after, known)
    if not candidates:
        return (), memory
    places = replacement.allowed_now(snapshot, totals.workers)
    displaced = _to_make_place(outlook, places) if outlook.goal.full(totals) else [None] * min(places, _free(outlook))
    case = exploration.Case(
        usd_per_task=_usd_per_task(change),
        tasks_left=outlook.goal.tasks,
        trial_s=snapshot.settings.interval_s + outlook.market.start_up_s,
        usd_per_s_displaced=totals.usd_per_s / totals.workers if any(displaced) else 0.0,
        probed=len(memory.probed),
    )
    budget = snapshot.limits.budget_usd
    allowed = math.inf if budget is None else snapshot.settings.exploration_share * budget
    # A probe that could not be launched would count as tried: who leaves for it holds vCPUs until it is gone.
    vcpus = outlook.goal.vcpu_quota - _vcpus(snapshot)
    proposed: list[Command] = []
    for probe in exploration.probes(candidates, case):
        payable = memory.explored_usd + probe.price_usd <= allowed and probe.option.vcpus <= vcpus
        if len(proposed) < len(displaced) and payable:
            proposed.append(probe.command(case.usd_per_task, displaced[len(proposed)]))
            memory = memory.after(probe)
            vcpus -= probe.option.vcpus
    return tuple(proposed), memory


def _candidates(outlook: Outlook, fleet: Fleet, known: Collection[str]) -> list[Option]:
    """Types to try; where only places are scarce, those who may well make better use of them and could be paid.

    There a place costs what it costs the fleet, whoever takes it.
    """
    market, goal, totals = outlook.market, outlook.goal, fleet.totals
    if goal.mode is Mode.MIN_COST or fleet.score.violation > MISSED:
        return exploration.representatives(market, known)
    place = totals.usd_per_s / totals.workers
    return [
        option._replace(usd_per_s=place)
        for option in exploration.representatives(market, known, lambda option: 1.0 / option.rate)
        if exploration.as_fast(option, totals.rate / totals.workers) and _payable(option, totals.workers, goal)
    ]


def _payable(option: Option, workers: int, goal: Goal) -> bool:
    """Whether the rest could be left to as many of these."""
    everybody = option.added_to(EMPTY, workers)
    return goal.fits(everybody) and goal.course(everybody, everybody.rate).undone <= 0.0


def _free(outlook: Outlook) -> int:
    """Places that nobody has, those who will be replaced included."""
    there = sum(worker.state is not WorkerState.DRAINING for worker in outlook.snapshot.fleet)
    return max(0, outlook.goal.max_workers - there)


def _vcpus(snapshot: Snapshot) -> int:
    """Of everybody who is still there."""
    types = (snapshot.types.get(worker.pool.instance_type) for worker in snapshot.fleet)
    return sum(kind.vcpus for kind in types if kind is not None)


def _to_make_place(outlook: Outlook, count: int) -> Sequence[Worker | None]:
    """Workers of the crew that costs most per task, which may go for probes."""
    dearest = max(outlook.crews, key=lambda crew: crew.option.usd_per_task)
    return dearest.workers[:count]


def _time_to_explore(outlook: Outlook, fleet: Fleet) -> bool:
    """Something is known, nobody comes or was sent away, enough is left; for speed, where places or limits bind."""
    goal, snapshot, totals = outlook.goal, outlook.snapshot, fleet.totals
    waiting = any(worker.state is not WorkerState.RUNNING and worker.notice_at is None for worker in snapshot.fleet)
    late = goal.makespan_s(totals) < LEAST_INTERVALS * (goal.interval_s + outlook.market.start_up_s)
    wanted = goal.mode is Mode.MIN_COST or fleet.score.violation > MISSED or goal.full(totals)
    return wanted and totals.workers > 0 and not waiting and not late and bool(snapshot.measured)


def _usd_per_task(change: Resizing) -> float:
    return change.after.totals.usd_per_s / change.after.totals.rate
