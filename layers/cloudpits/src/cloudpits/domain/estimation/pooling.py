"""From what workers reported in this run to one rate sample per instance type."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

from cloudpits.domain.estimation.screening import plausible, without_outliers
from cloudpits.domain.model import RateSample, WorkerReport


def pool_reports(reports: Iterable[tuple[str, WorkerReport]]) -> tuple[RateSample, ...]:
    """Pool (instance type, latest report) of every worker of this run, ended ones included.

    Returns one sample per type, in order of type: the mean over workers, the spread of one worker's rate
    (between workers and over time together), and the number of workers. Reports that are no rates, and
    workers ten times off the median of their type, are left out; a type with nothing left is absent.
    """
    by_type: defaultdict[str, list[WorkerReport]] = defaultdict(list)
    for instance_type, report in reports:
        if plausible(report.perf_sec):
            by_type[instance_type].append(report)
    return tuple(_pool(name, by_type[name]) for name in sorted(by_type))


def _pool(instance_type: str, reports: list[WorkerReport]) -> RateSample:
    rates = without_outliers([report.perf_sec for report in reports])
    mean = sum(rates) / len(rates)
    between = sum([(rate - mean) ** 2 for rate in rates]) / max(1, len(rates) - 1)
    spreads = [s for report in reports if 0.0 < (s := report.perf_sec_stdev) < math.inf]
    within = sum([s * s for s in spreads]) / len(spreads) if spreads else 0.0
    return RateSample(instance_type, mean, math.sqrt(max(between, within)), len(rates))
