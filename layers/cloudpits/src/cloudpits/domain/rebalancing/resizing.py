"""Growing and shrinking the running fleet: the optimiser's changes, if they gain enough to be worth a move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cloudpits.domain.commands import Command, Drain, Launch
from cloudpits.domain.model import Mode, WorkerState
from cloudpits.domain.planning.crew import Crew
from cloudpits.domain.planning.diversify import spread_out
from cloudpits.domain.planning.goal import Goal, Score
from cloudpits.domain.planning.market import Market
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import Fleet, Moves, fleet_of, improve
from cloudpits.domain.rebalancing.replacement import IN_FLIGHT_SHARE
from cloudpits.domain.wording import duration, usd, usd_per_tasks

MARGIN = 0.10  # of the start-up of what is added, and of the price of what is released
FASTER = 0.01  # share of the time that a faster fleet must save
MOST_EFFICIENT = 8  # of the pools are tried for additions: for money alone, others cannot be better
MISSED = 0.002  # share of a limit that is not worth a move


@dataclass(frozen=True, slots=True)
class Resizing:
    """The fleet before and after, over the same options: first the crews', then the fresh ones."""

    options: tuple[Option, ...]
    before: Fleet
    after: Fleet


def resize(crews: Sequence[Crew], fresh: Sequence[Option], goal: Goal, margin: float = MARGIN) -> Resizing:
    """The best fleet that adding and releasing leads to; the same fleet when the gain is below the margin."""
    fresh = fresh if goal.mode is Mode.FASTEST else fresh[:MOST_EFFICIENT]
    options = (*(crew.option for crew in crews), *fresh)
    before = fleet_of(options, [len(crew.workers) for crew in crews] + [0] * len(fresh), goal)
    release = _may_release(crews, before, goal)
    after = improve(options, before, goal, Moves(release=release, exchange=False))
    if not worth_it(options, before, after, goal, margin):
        after = before
    return Resizing(options, before, after)


def _may_release(crews: Sequence[Crew], before: Fleet, goal: Goal) -> bool:
    """Nobody goes while others boot: what they will change is not seen yet.

    For speed every running worker helps; only the budget lets one go, and the ledger sees to that.
    """
    booting = any(worker.state is WorkerState.PENDING for crew in crews for worker in crew.workers)
    return not booting and (goal.mode is Mode.MIN_COST or before.score.violation > MISSED)


def worth_it(options: Sequence[Option], before: Fleet, after: Fleet, goal: Goal, margin: float = MARGIN) -> bool:
    """Whether the change gains more than its margin, in whatever the goal minimises."""
    if after.counts == before.counts:
        return False
    if before.totals.workers == 0:
        return True
    if before.score.violation > MISSED:
        return after.score.violation < before.score.violation - MISSED or after.score.violation <= 0.0
    if after.score.violation > before.score.violation:
        return False
    gain = before.score.objective - after.score.objective
    if goal.mode is Mode.FASTEST:
        return gain >= FASTER * before.score.objective
    return gain >= margin * moved_usd(options, before, after, goal)


def moved_usd(options: Sequence[Option], before: Fleet, after: Fleet, goal: Goal) -> float:
    """What a change moves: the start-ups it pays and the rest of the run of the workers it lets go."""
    seconds = goal.makespan_s(after.totals)
    total = 0.0
    for option, old, new in zip(options, before.counts, after.counts, strict=True):
        added = max(0, new - old) * option.usd_per_s * option.start_up_s
        released = max(0, old - new) * option.usd_per_s * seconds
        total += added + released
    return total


def commands(
    change: Resizing, crews: Sequence[Crew], market: Market, goal: Goal, *, diversify: bool = True
) -> Iterator[Command]:
    """Launches and drains that lead from before to after."""
    if change.after.counts == change.before.counts:
        return
    why = _why(change, goal)
    saved = _saving(change, goal)
    first = len(crews)
    added = [0] * first + list(change.after.counts[first:])
    if any(added):
        wanted = fleet_of(change.options, added, goal)
        whole = Fleet(wanted.counts, change.after.totals, wanted.score)
        split = spread_out(market, goal, change.options, whole, diversify=diversify)
        for option, (pool, count) in zip(split.options, split.pools, strict=True):
            yield Launch(pool, count, f"{pool} costs {usd_per_tasks(option.usd_per_task)}; {why}", saved)
            saved = 0.0
    # Launch before terminate: who is to make room for new workers leaves in small numbers.
    most = max(1, int(IN_FLIGHT_SHARE * change.before.totals.workers)) if any(added) else change.before.totals.workers
    for crew, old, new in zip(crews, change.before.counts, change.after.counts, strict=False):
        leaving = crew.workers[: min(most, max(0, old - new))]
        most -= len(leaving)
        for worker in leaving:
            cost = usd_per_tasks(crew.option.usd_per_task)
            yield Drain(worker.instance_id, f"{worker.pool} costs {cost}; {why}", saved)
            saved = 0.0


def _saving(change: Resizing, goal: Goal) -> float:
    if change.before.totals.workers == 0:
        return 0.0
    return goal.cost_usd(change.before.totals) - goal.cost_usd(change.after.totals)


def _why(change: Resizing, goal: Goal) -> str:
    before, after = change.before.totals, change.after.totals
    new = f"{after.workers} workers finish in {duration(goal.makespan_s(after))} for {usd(goal.cost_usd(after))}"
    if before.workers == 0:
        return new
    old = f"{before.workers} take {duration(goal.makespan_s(before))} and cost {usd(goal.cost_usd(before))}"
    return f"{new}, {old}" + (_missing(change.before.score) if change.before.score.violation > MISSED else "")


def _missing(score: Score) -> str:
    return f" and miss the limits by {min(score.violation, 99.0):.0%}"
