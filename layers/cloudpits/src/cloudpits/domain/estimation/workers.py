"""The rate of one particular worker: its type's estimate, corrected by what it reports itself."""

from __future__ import annotations

import math

from cloudpits.domain.estimation.screening import plausible
from cloudpits.domain.estimation.table import RateEstimate
from cloudpits.domain.model import WorkerReport

BETWEEN_WORKERS = 0.05  # sd of ln(rate) between instances of a type
LEAST_NOISE = 0.02  # sd of ln(rate) that any single report has
MOST_DEVIATION = math.log(3.0)  # beyond a factor of 3 the report, not the worker, is odd


def deviation(estimate: RateEstimate, report: WorkerReport | None) -> float:
    """ln(worker's rate / its type's): log-normal prior of its type, log-normal report; 0 without a usable report."""
    if report is None or not plausible(report.perf_sec):
        return 0.0
    rate = report.perf_sec
    gap = math.log(rate / estimate.rate)
    if not -MOST_DEVIATION <= gap <= MOST_DEVIATION:
        gap = math.copysign(MOST_DEVIATION, gap)
    relative = report.perf_sec_stdev / rate
    noise = max(LEAST_NOISE, relative if math.isfinite(relative) else 1.0) ** 2
    prior = max(BETWEEN_WORKERS, estimate.spread) ** 2
    return gap * prior / (prior + noise)


def worker_rate(estimate: RateEstimate, report: WorkerReport | None) -> float:
    """Posterior of the worker's rate (tasks/s)."""
    return estimate.rate * math.exp(deviation(estimate, report))
