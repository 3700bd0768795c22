"""The offline optimum: what a run would have cost at least, had everything been known beforehand.

A linear programme over time buckets of Δ seconds (see ``lp``). It knows prices, true rates and outages, and
may use fractions of instances, which boot in the mean time. Luck that no one can plan on (instances faster than
their type, or sooner there; work that AWS gave away by interrupting within the first hour) shrinks the job of
the run that had it, within the pools which that run used: to ``RunResult.ordinary_tasks``, which the seconds it
paid allow the programme to do. The bound is the least of the programme without luck and of one such programme per
lucky run, hence at most the cost of each. Left out, all to the optimum's favour: whole instances, the 60 s
minimum, refused launches, tasks that cannot be divided, the job manager's own start, reaction times.

Workers are in the programme until the last ``SHUTDOWN_S`` of their lives, which it pays at their type's least price.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cloudpits.domain.model import Market, Mode, Pool
from cloudpits.simulation.lp import Programme, costs_by_end
from cloudpits.simulation.realisation import MEAN_BOOT, SHUTDOWN_S, Realisation
from cloudpits.simulation.results import RunResult

BUCKETS = 48
_SLACK = 1.0 - 1e-6  # the solver's tolerance must not lift the bound above a run
_LONGER = 2.0  # without a deadline the optimum may take this many times the slowest run
_HALVINGS = 7
_ZOOMS = 3  # times that the horizon is cut down
_ZOOM_TO = 2  # times the end of the optimum
_ZOOM_FROM = 36  # buckets: a horizon cut down to as many is fine enough as it is

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bound:
    """Least cost (USD) and, in mode ``fastest``, least makespan (seconds) of any run in the world.

    ``own_usd`` holds, per run, the least cost given that run's own luck alone (None for runs that did not complete).
    """

    cost_usd: float
    makespan_s: float | None = None
    own_usd: tuple[float | None, ...] = ()


def _bucket_prices(world: Realisation, pool: Pool, edges: Array) -> Array:
    """Least price of the pool in each bucket; infinite while it has none or has no capacity."""
    points = world.prices[pool]
    windows = world.windows.get(pool, ())
    prices = np.full(len(edges) - 1, np.inf)
    for bucket, (start, end) in enumerate(pairwise(edges.tolist())):
        if any(begin <= start and end <= until for begin, until in windows):
            continue
        first = max(0, bisect_right(points, (start, np.inf)) - 1)
        last = bisect_right(points, (end, np.inf))
        if last > first:
            prices[bucket] = min(usd for _, usd in points[first:last])
    return prices


def _prices_by_type(world: Realisation, edges: Array, pools: Iterable[Pool]) -> dict[str, Array]:
    """Least price over zones and markets: changing zone costs the optimum nothing."""
    best: dict[str, Array] = {}
    on_demand_done: set[str] = set()
    for pool in pools:
        if pool.market is Market.ON_DEMAND:
            if pool.instance_type in on_demand_done:
                continue
            on_demand_done.add(pool.instance_type)
        prices = _bucket_prices(world, pool, edges)
        known = best.get(pool.instance_type)
        best[pool.instance_type] = prices if known is None else np.minimum(known, prices)
    return best


def _dominated(cost: Array, rate: Array, by_cost: Array, by_rate: Array) -> bool:
    """Whether a share λ ≤ 1 of one instance of the other type does the same at every moment for no more money."""
    share = rate / by_rate
    if share.max() > 1.0 or share.max() - share.min() > 1e-12:  # noqa: PLR2004  # rounding
        return False
    usable = np.isfinite(cost)
    return bool(np.all(share[usable] * by_cost[usable] <= cost[usable]))


def _undominated(costs: Mapping[str, Array], rates: Mapping[str, Array]) -> list[str]:
    kept: list[str] = []
    for name in sorted(costs, key=lambda name: (-rates[name][0], name)):
        if not any(_dominated(costs[name], rates[name], costs[other], rates[other]) for other in kept):
            kept.append(name)
    return kept


def programme(world: Realisation, tasks: float, horizon_s: float, pools: Iterable[Pool] | None = None) -> Programme:
    """The linear programme for ``tasks`` tasks within ``horizon_s`` seconds of the start, in all pools or some."""
    scenario = world.scenario
    edges = world.started_at + np.linspace(0.0, horizon_s, BUCKETS + 1)
    volume = scenario.settings.volume_usd_per_hour
    offered = _prices_by_type(world, edges, world.prices if pools is None else pools)
    costs = {name: prices + volume for name, prices in offered.items()}
    rates = {
        name: np.array([world.true_rates[name] * world.drift(name, float(edge)) for edge in edges[:-1]])
        for name in costs
    }
    names = _undominated(costs, rates)
    return Programme(
        tasks=tasks,
        bucket_s=horizon_s / BUCKETS,
        usd_per_hour=np.array([costs[name] for name in names]),
        rates=np.array([rates[name] for name in names]),
        start_up_s=scenario.settings.start_up_s * MEAN_BOOT,
        max_workers=scenario.limits.max_workers,
        manager_usd_per_hour=scenario.job_manager_usd_per_hour + scenario.job_manager_volume_usd_per_hour,
        shutdown_s=SHUTDOWN_S,
    )


def least_cost(world: Realisation, tasks: float, horizon_s: float, pools: Iterable[Pool] | None = None) -> float | None:
    """Optimum in USD within the horizon, None if it is too short; looks closer at where the optimum ends."""
    if tasks <= 0.0:
        return 0.0  # luck left nothing to be paid: the whole job took no longer than a lucky start-up saves
    beyond = math.inf
    for _ in range(_ZOOMS):
        by_end = costs_by_end(programme(world, tasks, horizon_s, pools))
        if not by_end:
            break
        kept = _ZOOM_TO * (min(by_end, key=by_end.__getitem__) + 1)
        if kept >= _ZOOM_FROM:
            beyond = min(beyond, *by_end.values())
            break
        # Ends that the closer look leaves out keep the bound that they have.
        beyond = min(beyond, *(cost for end, cost in by_end.items() if end >= kept))
        horizon_s *= kept / BUCKETS
    return beyond if math.isfinite(beyond) else None


def _least_makespan(world: Realisation, tasks: float, longest_s: float, budget_usd: float) -> float | None:
    """Shortest horizon within which the budget suffices, by halving; a lower bound of every makespan."""
    low, high = 0.0, longest_s
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        cost = least_cost(world, tasks, middle) if middle > 0.0 else None
        low, high = (low, middle) if cost is not None and cost * _SLACK <= budget_usd else (middle, high)
    return low


def _horizon(world: Realisation, completed: list[RunResult]) -> float:
    slowest = max(run.makespan_s for run in completed)
    deadline = world.scenario.limits.deadline_s
    return slowest * _LONGER if deadline is None else max(deadline, slowest)


def _least_costs(world: Realisation, completed: list[RunResult]) -> Iterator[float | None]:
    """Per run: without luck, or for the job that its luck left to be paid. Every run costs at least that."""
    total, horizon = world.scenario.tasks_total, _horizon(world, completed)
    plain = least_cost(world, total, horizon)
    for run in completed:
        lucky = least_cost(world, run.ordinary_tasks, horizon, run.pools) if run.ordinary_tasks < total else None
        found = [cost for cost in (plain, lucky) if cost is not None]
        yield min(found) * _SLACK if found else None


def offline_optimum(world: Realisation, runs: Iterable[RunResult]) -> Bound | None:
    """Bound below every completed run of ``runs`` in ``world``; None when none completed."""
    runs = list(runs)
    completed = [run for run in runs if run.completed]
    if not completed:
        return None
    costs = iter(list(_least_costs(world, completed)))
    own = tuple(next(costs) if run.completed else None for run in runs)
    limits = world.scenario.limits
    makespan = None
    if limits.mode is Mode.FASTEST and limits.budget_usd is not None:
        tasks = min(run.ordinary_tasks for run in completed)
        fastest = min(run.makespan_s for run in completed)
        makespan = _least_makespan(world, tasks, fastest, limits.budget_usd)
    least = min((cost for cost in own if cost is not None), default=None)
    return None if least is None else Bound(least, makespan, own)
