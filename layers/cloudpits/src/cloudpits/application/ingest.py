"""Worker reports on their way in: only finite, plausible ones count; what is rejected is said, never silently lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloudpits.domain.estimation.screening import implausible
from cloudpits.domain.model import WorkerReport


@dataclass(frozen=True, slots=True)
class Ingested:
    """Usable reports per instance id, oldest first, and one line per rejected report."""

    usable: Mapping[str, Sequence[WorkerReport]]
    rejected: Sequence[str] = field(default_factory=tuple)


def problem_of(report: WorkerReport) -> str | None:
    """Why a report cannot be used; None when it can."""
    if (problem := implausible(report.perf_sec)) is not None:
        return problem
    if not (math.isfinite(report.perf_sec_stdev) and report.perf_sec_stdev >= 0):
        return f"the spread {report.perf_sec_stdev} is not a finite number of at least 0"
    if report.tasks_completed < 0:
        return f"the count of tasks {report.tasks_completed} is negative"
    return None


def ingest(reports: Mapping[str, Sequence[WorkerReport]]) -> Ingested:
    """Sort reports into usable and rejected ones."""
    usable = {key: tuple(r for r in found if problem_of(r) is None) for key, found in reports.items()}
    rejected = [
        f"{key}: {problem}" for key, found in reports.items() for r in found if (problem := problem_of(r)) is not None
    ]
    return Ingested({key: found for key, found in usable.items() if found}, tuple(rejected))
