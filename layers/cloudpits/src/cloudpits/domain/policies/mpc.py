"""mpc: plan the rest of the run anew at every decision, and change the fleet only when that pays.

First pool: the optimiser's fleet from nothing. Later: the same optimiser starts from what is running, which
has no start-up left to pay; single workers are replaced by the rule of ``rebalancing.replacement``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cloudpits.domain.commands import Command, Forecast, Keep, Plan, Stop
from cloudpits.domain.estimation.knowledge import rates_of
from cloudpits.domain.guard.handover import staying
from cloudpits.domain.model import Mode, Snapshot, WorkerState
from cloudpits.domain.planning.choice import choose
from cloudpits.domain.planning.crew import Crew, crews_of
from cloudpits.domain.planning.front import shortfall
from cloudpits.domain.planning.goal import Goal
from cloudpits.domain.planning.goals import goal_of
from cloudpits.domain.planning.market import Market, survey
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import fleet_of
from cloudpits.domain.rebalancing import replacement
from cloudpits.domain.rebalancing.cooldown import cooling
from cloudpits.domain.rebalancing.resizing import Resizing, commands, resize
from cloudpits.domain.wording import duration, usd


@dataclass(frozen=True, slots=True)
class Mpc:
    """The default policy."""

    name: str = "mpc"

    def propose(self, snapshot: Snapshot) -> Plan:
        market = survey(snapshot, rates_of(snapshot), cooling(snapshot.capacity_errors, snapshot.taken_at))
        goal = goal_of(snapshot)
        fresh = market.options()
        crews = crews_of(market, staying(snapshot))
        change = resize(crews, fresh, goal) if crews else _from_nothing(fresh, goal)
        if change is None:
            return Plan((Keep(_nothing_now(market)),), snapshot.memory)
        if not crews and change.after.score.violation > 0.0 and snapshot.job_manager.launched_at is None:
            return Plan((Stop(_infeasible(goal, change), completed=False),), snapshot.memory)
        proposed = tuple(_proposed(change, crews, market, goal, fresh))
        return Plan(proposed or (Keep(_all_well(change, goal)),), snapshot.memory, _forecast(snapshot, change, goal))


def _from_nothing(fresh: Sequence[Option], goal: Goal) -> Resizing | None:
    best = choose(fresh, goal)
    if best is None:
        return None
    return Resizing(tuple(fresh), fleet_of(fresh, [0] * len(fresh), goal), best)


def _proposed(
    change: Resizing, crews: Sequence[Crew], market: Market, goal: Goal, fresh: Sequence[Option]
) -> Iterator[Command]:
    resized = tuple(commands(change, crews, market, goal))
    yield from resized
    if resized or not crews or goal.mode is Mode.FASTEST:
        return
    yield from _replacements(change, crews, market, goal, fresh)


def _replacements(
    change: Resizing, crews: Sequence[Crew], market: Market, goal: Goal, fresh: Sequence[Option]
) -> Iterator[Command]:
    snapshot, totals = market.snapshot, change.after.totals
    outlook = replacement.Outlook(
        seconds_left=goal.makespan_s(totals),
        usd_per_task=goal.shadow_price(totals),
        free_place=totals.workers < goal.max_workers,
    )
    busy = {worker.pool for worker in snapshot.fleet if worker.state is WorkerState.PENDING}
    for swap in replacement.swaps(snapshot, crews, fresh, outlook, busy):
        yield replacement.command(swap)


def _forecast(snapshot: Snapshot, change: Resizing, goal: Goal) -> Forecast:
    totals = change.after.totals
    return Forecast(snapshot.taken_at + goal.makespan_s(totals), snapshot.spent_usd + goal.cost_usd(totals))


def _infeasible(goal: Goal, change: Resizing) -> str:
    return shortfall(goal, change.after)


def _nothing_now(market: Market) -> str:
    return "; ".join(market.rejections[:3]) or "no pool can be launched in now; waiting"


def _all_well(change: Resizing, goal: Goal) -> str:
    totals = change.after.totals
    return (
        f"no change pays: {totals.workers} workers finish in {duration(goal.makespan_s(totals))} "
        f"for {usd(goal.cost_usd(totals))} more"
    )
