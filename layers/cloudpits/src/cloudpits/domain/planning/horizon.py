"""The cheapest fleet that finishes within a fixed horizon: a linear programme with two coupling constraints.

    min Σ k·x   subject to   Σ g·x ≥ N,   Σ x ≤ n_max,   0 ≤ x ≤ bound,
    k = usd_per_s × T,   g = rate × (T − start_up)

For a price μ of a worker slot the rest is a fractional knapsack, filled by (k + μ)/g. The number of workers
falls with μ, so bisection finds the μ at which n_max is met; mixing the two fillings on either side of it
meets it exactly. O(P log P) per filling. Without bounds the result mixes two neighbours on the convex hull
of (g, k).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cloudpits.domain.planning.option import Option

BISECTIONS = 60
PRECISION = 1e-10


class _Item(NamedTuple):
    key: int
    cost: float
    gain: float
    bound: float


@dataclass(frozen=True, slots=True)
class Mix:
    """Fractional workers per option index, their cost (USD), and the duals.

    ``usd_per_task`` is the shadow price V of a task, ``usd_per_slot`` that of one more worker allowed.
    """

    counts: dict[int, float]
    cost_usd: float
    usd_per_task: float
    usd_per_slot: float


def cheapest_mix(options: Sequence[Option], tasks: float, horizon_s: float, max_workers: float) -> Mix | None:
    """Optimum of the linear programme, or None if no fleet of ``max_workers`` finishes in time."""
    items = [
        _Item(index, option.usd_per_s * horizon_s, option.rate * (horizon_s - option.start_up_s), option.bound)
        for index, option in enumerate(options)
        if horizon_s > option.start_up_s and option.rate > 0.0
    ]
    if tasks <= 0.0:
        return Mix({}, 0.0, 0.0, 0.0)
    if _most_tasks(items, max_workers) < tasks:
        return None
    free = _fill(items, tasks, 0.0)
    if free is not None and sum(free.counts.values()) <= max_workers:
        return free
    return _at_slot_price(items, tasks, max_workers)


def _most_tasks(items: Sequence[_Item], max_workers: float) -> float:
    slots, done = float(max_workers), 0.0
    for item in sorted(items, key=lambda item: -item.gain):
        used = min(slots, item.bound)
        done += used * item.gain
        slots -= used
        if slots <= 0.0:
            break
    return done


def _fill(items: Sequence[_Item], tasks: float, slot_price: float) -> Mix | None:
    """Fractional knapsack at a slot price; None if even all of it is too little."""
    left, cost, counts, value = tasks, 0.0, {}, 0.0
    for item in sorted(items, key=lambda item: ((item.cost + slot_price) / item.gain, item.key)):
        used = min(item.bound, left / item.gain)
        counts[item.key] = used
        cost += used * item.cost
        left -= used * item.gain
        value = (item.cost + slot_price) / item.gain
        if left <= 1e-12 * tasks:
            return Mix(counts, cost, value, slot_price)
    return None


def _at_slot_price(items: Sequence[_Item], tasks: float, max_workers: float) -> Mix | None:
    low, high = 0.0, max(item.cost for item in items)
    crowded, roomy = _fill(items, tasks, low), _fill(items, tasks, high)
    while roomy is not None and sum(roomy.counts.values()) > max_workers * (1 + 1e-12):
        if high > 1e18:  # noqa: PLR2004 - the slot price diverges only when n_max is met by the largest exactly
            return roomy
        low, crowded, high = high, roomy, high * 4.0
        roomy = _fill(items, tasks, high)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2.0
        tried = _fill(items, tasks, middle)
        if tried is None or high - low <= PRECISION * high:
            break
        if sum(tried.counts.values()) > max_workers:
            low, crowded = middle, tried
        else:
            high, roomy = middle, tried
    if crowded is None or roomy is None:
        return None
    return _blend(crowded, roomy, max_workers)


def _blend(crowded: Mix, roomy: Mix, max_workers: float) -> Mix:
    """The convex combination of two fillings that uses exactly ``max_workers``."""
    many, few = sum(crowded.counts.values()), sum(roomy.counts.values())
    share = 0.0 if many <= few else max(0.0, min(1.0, (max_workers - few) / (many - few)))
    indices = crowded.counts.keys() | roomy.counts.keys()
    counts = {
        index: count
        for index in sorted(indices)
        if (count := share * crowded.counts.get(index, 0.0) + (1 - share) * roomy.counts.get(index, 0.0)) > 0.0
    }
    cost = share * crowded.cost_usd + (1 - share) * roomy.cost_usd
    return Mix(counts, cost, roomy.usd_per_task, roomy.usd_per_slot)
