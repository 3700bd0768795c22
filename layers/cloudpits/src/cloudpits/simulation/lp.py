"""The time-indexed linear programme behind the offline optimum, solved with HiGHS.

Variables per type p and bucket t: x (average instances), y (launches); per bucket z (share of it that the job
manager runs). With Δ the bucket in seconds and s the start-up time:

    min  Σ c[p,t]·x[p,t]·Δ + c_J·Σ z[t]·Δ
    s.t. Σ r[p,t]·x[p,t]·Δ − Σ r_min[p]·s·y[p,t] ≥ N      all tasks are done
         y[p,t] ≥ x[p,t] − x[p,t−1],  x[p,−1] = 0          growth needs launches
         Σ_p x[p,t] ≤ n_max·z[t]                           workers need the job manager
         1 ≥ z[0] ≥ z[1] ≥ …  ≥ 0

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


class _Rows:
    """Constraint rows collected in compressed form."""

    def __init__(self) -> None:
        self.starts: list[int] = [0]
        self.indices: list[int] = []
        self.values: list[float] = []
        self.lower: list[float] = []

    def at_least(self, lower: float, terms: list[tuple[int, float]]) -> None:
        """Σ value·variable ≥ ``lower``."""
        self.indices.extend(index for index, _ in terms)
        self.values.extend(value for _, value in terms)
        self.starts.append(len(self.indices))
        self.lower.append(lower)


def _constraints(p: Programme) -> _Rows:
    types, buckets = p.rates.shape
    x = np.arange(types * buckets).reshape(types, buckets)
    y = x + types * buckets
    z = 2 * types * buckets + np.arange(buckets)
    rows = _Rows()
    # Shares of the job instead of tasks: keeps the coefficients near 1 whatever the size of the bag.
    work = p.rates * p.bucket_s / p.tasks
    boot = p.rates.min(axis=1) * p.start_up_s / p.tasks
    terms = [(int(x[k, t]), float(work[k, t])) for k in range(types) for t in range(buckets)]
    terms += [(int(y[k, t]), -float(boot[k])) for k in range(types) for t in range(buckets)]
    rows.at_least(1.0, terms)
    for k in range(types):
        rows.at_least(0.0, [(int(y[k, 0]), 1.0), (int(x[k, 0]), -1.0)])
        for t in range(1, buckets):
            rows.at_least(0.0, [(int(y[k, t]), 1.0), (int(x[k, t]), -1.0), (int(x[k, t - 1]), 1.0)])
    for t in range(buckets):
        rows.at_least(0.0, [(int(z[t]), float(p.max_workers)), *((int(x[k, t]), -1.0) for k in range(types))])
    for t in range(1, buckets):
        rows.at_least(0.0, [(int(z[t - 1]), 1.0), (int(z[t]), -1.0)])
    return rows


def _model(p: Programme) -> highspy.HighsLp:
    types, buckets = p.rates.shape
    size = types * buckets
    hours = p.bucket_s / SECONDS_PER_HOUR
    for_sale = np.isfinite(p.usd_per_hour).ravel()
    rows = _constraints(p)
    lp = highspy.HighsLp()
    lp.num_col_ = 2 * size + buckets
    lp.num_row_ = len(rows.lower)
    prices = np.where(for_sale, p.usd_per_hour.ravel(), 0.0) * hours
    lp.col_cost_ = np.concatenate([prices, np.zeros(size), np.full(buckets, p.manager_usd_per_hour * hours)])
    lp.col_lower_ = np.zeros(lp.num_col_)
    most = np.where(for_sale, _INFINITY, 0.0)
    lp.col_upper_ = np.concatenate([most, np.full(size, _INFINITY), np.ones(buckets)])
    lp.row_lower_ = np.array(rows.lower)
    lp.row_upper_ = np.full(lp.num_row_, _INFINITY)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.array(rows.starts, dtype=np.int32)
    lp.a_matrix_.index_ = np.array(rows.indices, dtype=np.int32)
    lp.a_matrix_.value_ = np.array(rows.values)
    return lp


def solve(programme: Programme) -> float | None:
    """Least cost in USD; None when the tasks cannot be done in time at any price."""
    if programme.tasks <= 0.0:
        return 0.0
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # its constructor carries no annotations
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.passModel(_model(programme))
    highs.run()
    if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return float(highs.getObjectiveValue())
