"""The best fleet for a goal from nothing: linear programmes at a sweep of horizons, rounded, then searched."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from cloudpits.domain.planning.goal import EMPTY, Goal, Totals
from cloudpits.domain.planning.horizon import cheapest_mix
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import Fleet, fleet_of, improve, rounded

HORIZONS = 10
STARTS = 2  # of the swept fleets, how many are searched from
CONFIRMATIONS = 12  # times that a limit is raised by the step before it is given up
CONFIRMATION_STEP = 1.01
_LENIENT = 1.0 + 1e-4  # a limit that is written down with four digits must not fail by rounding
BUDGET_HALVINGS = 12  # of the range in which the smallest budget is sought
SLOWEST = 4.0  # times the horizon that is cheapest for one type


def largest_fleet(options: Sequence[Option], goal: Goal) -> Totals:
    """The most throughput that the worker limit and the vCPU quota allow, taken greedily."""
    fleet = EMPTY
    tight = goal.vcpu_quota < goal.max_workers * max((o.vcpus for o in options), default=0)
    for option in sorted(options, key=lambda o: -o.rate / (o.vcpus if tight else 1)):
        slots = min(goal.max_workers - fleet.workers, option.bound)
        room = goal.vcpu_quota - fleet.vcpus
        count = slots if room == math.inf else min(slots, int(room // max(1, option.vcpus)))
        if count > 0:
            fleet = option.added_to(fleet, count)
    return fleet


def cheapest_horizon_s(options: Sequence[Option], goal: Goal) -> float:
    """Horizon of the best size of one type: n* = √(c_J N/(r c s)), so that n*·r = √(c_J N r/(c s))."""
    best = min(options, key=lambda o: o.usd_per_task)
    boot = max(1.0, best.start_up_s + goal.closing_s)
    throughput = math.sqrt(goal.manager_usd_per_s * goal.tasks / (best.usd_per_task * boot))
    return goal.tasks / max(throughput, best.rate) + best.start_up_s


def horizons(options: Sequence[Option], goal: Goal, count: int) -> list[float]:
    """Horizons from the fastest possible to well beyond the cheapest, evenly spaced in proportion."""
    shortest = goal.makespan_s(largest_fleet(options, goal))
    longest = max(SLOWEST * cheapest_horizon_s(options, goal), 2.0 * shortest)
    if math.isfinite(goal.deadline_s) and goal.deadline_s > shortest:
        longest = min(longest, goal.deadline_s)
    step = (longest / shortest) ** (1.0 / (count - 1))
    return [shortest * (1.0 + 1e-9) * step**k for k in range(count)]


def sweep(options: Sequence[Option], goal: Goal, count: int = HORIZONS) -> Iterator[Fleet]:
    """One rounded fleet per horizon that can be met."""
    if not math.isfinite(goal.makespan_s(largest_fleet(options, goal))):
        return
    for horizon in horizons(options, goal, count):
        mix = cheapest_mix(options, goal.tasks, horizon, goal.max_workers)
        if mix is None:
            continue
        fleet = rounded(options, mix.counts, goal)
        if fleet.totals.workers:
            yield fleet


def choose(options: Sequence[Option], goal: Goal) -> Fleet | None:
    """The best whole fleet, or None when nothing can be bought; it may miss the limits (see its score)."""
    if not options or goal.tasks <= 0.0:
        return None
    starts = sorted(sweep(options, goal), key=lambda fleet: fleet.score)[:STARTS]
    if not starts:
        starts = [fleet_of(options, [0] * len(options), goal)]
    found = _best_from(options, starts, goal)
    if goal.full(found.totals):
        found = _best_from(options, [found, *two_sizes(options, goal)], goal)
    return found if found.totals.workers else None


def _best_from(options: Sequence[Option], starts: Iterable[Fleet], goal: Goal) -> Fleet:
    return min((improve(options, fleet, goal) for fleet in starts), key=lambda fleet: fleet.score)


def two_sizes(options: Sequence[Option], goal: Goal) -> list[Fleet]:
    """The best fleet of many small and a few large workers that uses every place.

    Where places are scarce, a rounded linear programme takes one very large worker, and single changes lead from
    there to no fleet of several middling ones: the promising divisions between any two options are tried.
    """
    most = goal.max_workers
    tried = [
        (goal.judge(totals[:]), (i, most - many), (j, many))
        for i, small in enumerate(options)
        for j, large in enumerate(options)
        if small.rate < large.rate
        for many in _divisions(small, large, goal)
        if most - many <= small.bound and many <= large.bound
        if goal.fits(totals := large.added_to(small.added_to(EMPTY, most - many), many))
    ]
    if not tried:
        return []
    _, *parts = min(tried)
    counts = dict(parts)
    return [fleet_of(options, [counts.get(number, 0) for number in range(len(options))], goal)]


def _divisions(small: Option, large: Option, goal: Goal) -> set[int]:
    """Numbers of large workers: as few as meet the deadline at cautious rates; without one, parts of the places.

    N + Σ r·s ≤ D·Σ r_cautious is linear in their number.
    """
    most = goal.max_workers
    if math.isfinite(goal.deadline_s):
        each = _within(small, goal.deadline_s)
        gained = _within(large, goal.deadline_s) - each
        least = (goal.tasks - most * each) / gained if gained > 0.0 else 0.0
        if 0.0 < least <= most:
            return {math.ceil(least), min(most, math.ceil(least) + 1)}
    return {0, most // 4, most // 2, most}


def _within(option: Option, seconds: float) -> float:
    """Tasks that one worker surely computes in that time."""
    return option.cautious * seconds - option.rate * option.start_up_s


def smallest_budget(options: Sequence[Option], goal: Goal, start: Fleet) -> float | None:
    """USD from now that suffice for some fleet within the deadline; None if no money keeps the deadline."""
    low, high = 0.0, 2.0 * goal.cost_usd(start.totals) + goal.hold_s * (start.totals.ceiling + goal.manager_usd_per_s)
    fleet, kept = start, False
    for _ in range(BUDGET_HALVINGS):
        middle = (low + high) / 2.0
        tried = goal._replace(budget_usd=middle)
        fleet = improve(options, fleet_of(options, fleet.counts, tried), tried)
        if fleet.score.violation > 0.0:
            low = middle
        else:
            high, kept = middle, True
    if not kept:
        rich = choose(options, goal._replace(budget_usd=high))
        kept = rich is not None and rich.score.violation <= 0.0
    return _confirmed(options, lambda usd: goal._replace(budget_usd=usd), high) if kept else None


def shortest_deadline(options: Sequence[Option], goal: Goal, start: Fleet) -> float | None:
    """Seconds from now in which some fleet within the budget surely finishes; None if none is found."""
    hasty = goal._replace(deadline_s=1e-3)
    fleet = improve(options, fleet_of(options, start.counts, hasty), hasty)
    seconds = goal.cautious_makespan_s(fleet.totals)
    return _confirmed(options, lambda limit: goal._replace(deadline_s=limit), seconds)


def _confirmed(options: Sequence[Option], within: Callable[[float], Goal], limit: float) -> float | None:
    """The limit, a little larger where the optimiser, starting from nothing, finds no fleet that keeps it."""
    for _ in range(CONFIRMATIONS):
        found = choose(options, within(limit))
        if found is not None and found.score.violation <= 0.0:
            return limit * _LENIENT
        limit *= CONFIRMATION_STEP
    return None
