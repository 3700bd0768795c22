"""The time-indexed linear programme behind the offline optimum, solved with HiGHS.

Variables per type p and bucket t: x (average instances) and y (launches). With Δ the bucket in seconds, s the
start-up time, u the time an instance is billed after its work, c_min the least price and k the bucket in which
the last task is committed:

    min  c_J·(k·Δ + u) + Σ c[p,t]·x[p,t]·Δ + Σ c_min[p]·u·y[p,t]    over k and, for each k, over x, y ≥ 0
    s.t. Σ r[p,t]·x[p,t]·Δ − Σ r_min[p]·s·y[p,t] ≥ N       all tasks are done
         y[p,t] ≥ x[p,t] − x[p,t−1],  x[p,−1] = 0          growth needs launches
         Σ_p x[p,t] ≤ n_max for t ≤ k,  x[p,t] = 0 for t > k

The job manager runs whole (not by share, as in a plain relaxation), from the start to at least the beginning
of bucket k; this is what keeps the bound close for small jobs.

Why it bounds: averaging a real schedule over buckets keeps its instance seconds, and the rises of an
instance's averages add up to at most one launch. An instance too short-lived to work may be dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from cloudpits.domain.model import SECONDS_PER_HOUR

Array = NDArray[np.float64]
Terms = list[tuple[int, float]]
_INFINITY = highspy.kHighsInf


@dataclass(frozen=True, slots=True)
class Programme:
    """Data of one programme; ``usd_per_hour`` (infinite: not for sale) and ``rates`` are of shape (types, buckets)."""

    tasks: float
    bucket_s: float
    usd_per_hour: Array
    rates: Array
    start_up_s: float
    max_workers: int
    manager_usd_per_hour: float
    shutdown_s: float = 0.0


class _Rows:
    """Constraint rows Σ value·variable ≥ lower, collected in compressed form."""

    def __init__(self) -> None:
        self.starts: list[int] = [0]
        self.indices: list[int] = []
        self.values: list[float] = []
        self.lower: list[float] = []

    def at_least(self, lower: float, terms: Terms) -> None:
        self.indices.extend(index for index, _ in terms)
        self.values.extend(value for _, value in terms)
        self.starts.append(len(self.indices))
        self.lower.append(lower)


def _constraints(p: Programme) -> _Rows:
    """Variable number of x[k, t] is k·buckets + t; y follows x in the same order."""
    types, buckets = p.rates.shape
    size = types * buckets
    # Shares of the job instead of tasks: keeps the coefficients near 1 whatever the size of the bag.
    work = (p.rates * p.bucket_s / p.tasks).ravel().tolist()
    boot = np.repeat(p.rates.min(axis=1) * p.start_up_s / p.tasks, buckets).tolist()
    rows = _Rows()
    rows.at_least(1.0, [*enumerate(work), *((size + i, -share) for i, share in enumerate(boot))])
    for i in range(size):
        before: Terms = [(i - 1, 1.0)] if i % buckets else []
        rows.at_least(0.0, [(size + i, 1.0), (i, -1.0), *before])
    for t in range(buckets):
        rows.at_least(-float(p.max_workers), [(k * buckets + t, -1.0) for k in range(types)])
    return rows


def _model(p: Programme) -> highspy.HighsLp:
    size = p.rates.size
    for_sale = np.isfinite(p.usd_per_hour).ravel()
    rows = _constraints(p)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = 2 * size, len(rows.lower)
    prices = np.where(for_sale, p.usd_per_hour.ravel(), 0.0) * p.bucket_s / SECONDS_PER_HOUR
    lp.col_cost_ = np.concatenate([prices, _shutdowns(p)])
    lp.col_lower_ = np.zeros(2 * size)
    lp.col_upper_ = np.concatenate([np.where(for_sale, float(p.max_workers), 0.0), np.full(size, _INFINITY)])
    lp.row_lower_ = np.array(rows.lower)
    lp.row_upper_ = np.full(lp.num_row_, _INFINITY)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array(rows.starts, dtype=np.int32)
    lp.a_matrix_.index_ = np.array(rows.indices, dtype=np.int32)
    lp.a_matrix_.value_ = np.array(rows.values)
    return lp


def _shutdowns(p: Programme) -> Array:
    """USD for the shutdown of every launch, at the least price of its type; none for types never for sale."""
    least = p.usd_per_hour.min(axis=1)
    usd = np.where(np.isfinite(least), least, 0.0) * p.shutdown_s / SECONDS_PER_HOUR
    return np.repeat(usd, p.rates.shape[1])


def _solved(highs: highspy.Highs) -> float | None:
    highs.run()
    optimal = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getObjectiveValue()) if optimal else None


def _close_bucket(highs: highspy.Highs, p: Programme, bucket: int) -> None:
    """No instance runs in ``bucket`` any more; the solver goes on from its last basis."""
    types, buckets = p.rates.shape
    for k in range(types):
        highs.changeColBounds(k * buckets + bucket, 0.0, 0.0)


def solve(programme: Programme) -> float | None:
    """Least cost in USD; None when the tasks cannot be done in time at any price."""
    return min(costs_by_end(programme).values(), default=None)


def costs_by_end(programme: Programme) -> dict[int, float]:
    """Least cost in USD by last bucket, for those not dearer than the latest end by their workers alone."""
    p = programme
    if p.tasks <= 0.0:
        return {0: 0.0}
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # its constructor carries no annotations
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.passModel(_model(p))
    hour = p.manager_usd_per_hour / SECONDS_PER_HOUR
    costs: dict[int, float] = {}
    # From the latest end to the earliest: each step only takes a bucket away, so workers only get dearer, and
    # no earlier end can be cheaper once they alone cost more than the best.
    for last in reversed(range(p.rates.shape[1])):
        workers = _solved(highs)
        if workers is None or workers >= min(costs.values(), default=np.inf):
            break
        costs[last] = workers + hour * (p.bucket_s * last + p.shutdown_s)
        _close_bucket(highs, p, last)
    return costs
