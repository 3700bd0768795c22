"""The rate of one particular worker: its type's estimate, corrected by what it reports itself."""

from __future__ import annotations

import math

from cloudpits.domain.estimation.rates import RateEstimate
from cloudpits.domain.estimation.screening import implausible
from cloudpits.domain.model import WorkerReport

BETWEEN_WORKERS = 0.05  # sd of ln(rate) between instances of a type
LEAST_NOISE = 0.02  # sd of ln(rate) that any single report has
LARGEST_DEVIATION = 3.0  # factor; beyond it the report, not the worker, is odd


def worker_rate(estimate: RateEstimate, report: WorkerReport | None) -> float:
    """Posterior of the worker's rate (tasks/s): log-normal prior of its type, log-normal report."""
    if report is None or implausible(report.perf_sec) is not None:
        return estimate.rate
    gap = math.log(report.perf_sec / estimate.rate)
    if abs(gap) > math.log(LARGEST_DEVIATION):
        gap = math.copysign(math.log(LARGEST_DEVIATION), gap)
    relative = report.perf_sec_stdev / report.perf_sec
    noise = max(LEAST_NOISE, relative if math.isfinite(relative) else 1.0)
    prior = max(BETWEEN_WORKERS, estimate.spread)
    return estimate.rate * math.exp(gap * prior**2 / (prior**2 + noise**2))
