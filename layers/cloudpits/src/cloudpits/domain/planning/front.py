"""The time–cost front of a job: which fleets are worth considering, and which one the limits choose."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloudpits.domain.estimation.knowledge import rates_of
from cloudpits.domain.model import Mode, Pool, Snapshot
from cloudpits.domain.planning.choice import choose, shortest_deadline, smallest_budget, sweep
from cloudpits.domain.planning.diversify import spread_out
from cloudpits.domain.planning.goal import UNBOUNDED, Goal
from cloudpits.domain.planning.goals import goal_of
from cloudpits.domain.planning.market import Market, survey
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import Fleet, fleet_of, improve
from cloudpits.domain.rebalancing.cooldown import cooling
from cloudpits.domain.wording import duration, usd, usd_per_tasks

FRONT_HORIZONS = 24
_LONGER = (1.0, 1.02, 1.1, 1.3, 2.0)  # than the fastest possible: there even plenty of money may just miss


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A fleet with its expected makespan (seconds from now) and total cost (USD from now, job manager included)."""

    makespan_s: float
    cost_usd: float
    pool: tuple[tuple[Pool, int], ...]


@dataclass(frozen=True, slots=True)
class PlannedFront:
    """Undominated fleets in order of makespan, the one chosen by the limits (None if infeasible), and why.

    ``cheapest_budget_usd`` (USD for the whole run) and ``fastest_deadline_s`` (seconds from the run's start)
    are the smallest limits that would be feasible, None if no limit would do. ``budget_suffices`` says whether
    that budget is feasible with the deadline as it is, ``deadline_suffices`` the same of that deadline and the
    budget; where neither is, the two are feasible together.
    """

    points: tuple[FrontPoint, ...]
    chosen: FrontPoint | None
    reasons: tuple[str, ...]
    cheapest_budget_usd: float | None
    fastest_deadline_s: float | None
    budget_suffices: bool = True
    deadline_suffices: bool = True


@dataclass(frozen=True, slots=True)
class SmallestLimits:
    """The smallest budget (USD) and deadline (s) from now that are feasible, and whether each is so by itself."""

    budget_usd: float | None
    deadline_s: float | None
    budget_suffices: bool
    deadline_suffices: bool


@dataclass(frozen=True, slots=True)
class Selection:
    """The optimiser's answer for a snapshot: options, goal and the best fleet (None if nothing can be bought)."""

    market: Market
    goal: Goal
    options: Sequence[Option]
    fleet: Fleet | None

    @property
    def feasible(self) -> bool:
        return self.fleet is not None and self.fleet.score.violation <= 0.0


def select(snapshot: Snapshot) -> Selection:
    """The best fleet for the job from nothing."""
    market = survey(snapshot, rates_of(snapshot), cooling(snapshot.capacity_errors, snapshot.taken_at))
    goal = goal_of(snapshot)
    options = market.options()
    return Selection(market, goal, options, choose(options, goal))


def plan(snapshot: Snapshot) -> PlannedFront:
    """Time–cost front of what is left of the job. Infeasible limits are told by ``chosen`` being None."""
    if snapshot.job.tasks_left == 0:
        return PlannedFront((), FrontPoint(0.0, 0.0, ()), ("every task is committed",), 0.0, 0.0)
    selection = select(snapshot)
    if selection.fleet is None:
        return PlannedFront((), None, (_nothing_to_buy(selection.market),), None, None)
    chosen = _point(selection, selection.fleet) if selection.feasible else None
    points = undominated([*_front(selection), *([chosen] if chosen else [])])
    least = smallest_limits(selection, selection.fleet)
    return PlannedFront(
        points,
        chosen,
        tuple(_reasons(selection)),
        None if least.budget_usd is None else snapshot.spent_usd + least.budget_usd,
        None if least.deadline_s is None else snapshot.elapsed_s + least.deadline_s,
        least.budget_suffices,
        least.deadline_suffices,
    )


def _nothing_to_buy(market: Market) -> str:
    why = "; ".join(market.rejections[:3]) or "no offered pool is available now"
    return f"nothing can be launched: {why}"


def smallest_limits(selection: Selection, start: Fleet) -> SmallestLimits:
    """Each limit is sought with the other as it is; where that cannot be, with the other as small as it can be."""
    goal, options = selection.goal, selection.options
    budget = smallest_budget(options, goal, start)
    deadline = _fastest_s(options, goal)
    fastest = _fastest_s(options, goal._replace(budget_usd=UNBOUNDED)) if deadline is None else deadline
    least = SmallestLimits(budget, fastest, budget is not None, deadline is not None)
    if budget is not None or deadline is not None or fastest is None:
        return least
    return _both_smallest(options, goal, start, fastest)


def _both_smallest(options: Sequence[Option], goal: Goal, start: Fleet, fastest_s: float) -> SmallestLimits:
    """A deadline as short as it can be with the budget that it takes."""
    for longer in _LONGER:
        deadline = fastest_s * longer
        budget = smallest_budget(options, goal._replace(deadline_s=deadline), start)
        if budget is not None:
            return SmallestLimits(budget, deadline, budget_suffices=False, deadline_suffices=False)
    return SmallestLimits(None, fastest_s, budget_suffices=False, deadline_suffices=False)


def _fastest_s(options: Sequence[Option], goal: Goal) -> float | None:
    """Seconds in which some fleet within the goal's budget surely finishes; None if the budget pays for none."""
    quick = choose(options, goal._replace(mode=Mode.FASTEST, deadline_s=UNBOUNDED))
    if quick is None or quick.score.violation > 0.0:
        return None
    return shortest_deadline(options, goal, quick)


def _front(selection: Selection) -> list[FrontPoint]:
    free = selection.goal._replace(mode=Mode.MIN_COST, budget_usd=UNBOUNDED, deadline_s=UNBOUNDED)
    fleets = list(sweep(selection.options, free, FRONT_HORIZONS))
    if selection.fleet is not None:
        cheapest = improve(selection.options, fleet_of(selection.options, selection.fleet.counts, free), free)
        fleets.append(cheapest)
    return [_point(selection, fleet) for fleet in fleets]


def _point(selection: Selection, fleet: Fleet) -> FrontPoint:
    split = spread_out(selection.market, selection.goal, selection.options, fleet)
    totals = split.totals
    return FrontPoint(selection.goal.makespan_s(totals), selection.goal.cost_usd(totals), split.pools)


def undominated(points: Iterable[FrontPoint]) -> tuple[FrontPoint, ...]:
    """Points in order of makespan, each cheaper than every faster one."""
    front: list[FrontPoint] = []
    for point in sorted(points, key=lambda point: (point.makespan_s, point.cost_usd, point.pool)):
        if not front or point.cost_usd < front[-1].cost_usd:
            front.append(point)
    return tuple(front)


def _reasons(selection: Selection) -> list[str]:
    goal, fleet = selection.goal, selection.fleet
    if fleet is None:
        return []
    best = selection.options[0]
    reasons = [
        f"{best.pool} does the work for least: {usd_per_tasks(best.usd_per_task)}",
        f"{_size(fleet)} take {duration(goal.makespan_s(fleet.totals))}; cost: {usd(goal.cost_usd(fleet.totals))}",
    ]
    if not selection.market.book.measured_anything:
        reasons.append("nothing was measured yet: rates are guessed from hardware and the limits, then learnt")
    if not selection.feasible:
        reasons.append(shortfall(goal, fleet))
    reasons.extend(f"{item.subject}: {item.reason}" for item in selection.market.book.rejections[:3])
    return reasons + list(selection.market.rejections[:3])


def _size(fleet: Fleet) -> str:
    return f"{fleet.totals.workers} workers and the job manager"


def shortfall(goal: Goal, fleet: Fleet) -> str:
    """By how much the best fleet misses the limits, in words."""
    score = fleet.score
    course = goal.course(fleet.totals, fleet.totals.cautious)
    parts = []
    if course.undone > 0.0:
        paid = "none" if course.undone >= 1.0 else f"all but {course.undone:.1%}"
        parts.append(f"the {usd(goal.budget_usd)} left pay for {paid} of the tasks")
    if course.makespan_s > goal.deadline_s:
        left = duration(max(0.0, goal.deadline_s))
        parts.append(f"{left} are left but {duration(course.makespan_s)} are needed")
    share = "entirely" if math.isinf(score.violation) else f"by {score.violation:.1%}"
    return f"no fleet surely keeps the limits (missed {share}): " + " and ".join(parts or ["at expected rates"])
