"""Instances of runs, what they reported, and what is learnt from how they started and ended."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql.rows import Row, insert_or_update, pool_of, pool_values
from cloudpits.domain.estimation.screening import LARGEST_RATE, implausible
from cloudpits.domain.model import Interruptions, Pool, WorkerReport
from cloudpits.domain.ports import InstanceRecord, Role

_LARGEST_COUNT = 2**63 - 1  # of a BIGINT
_STORE = insert_or_update(
    "run_instance",
    (
        *("run", "instance_id", "role", "instance_type", "availability_zone", "market"),
        *("launched_at", "ready_at", "ended_at", "ended_because", "cost_usd", "tasks", "replaces"),
        *("last_reported_at", "last_perf_sec", "last_perf_sec_stdev", "last_tasks_completed"),
    ),
    key=("run", "instance_id"),
)
_STORE_REPORT = insert_or_update(
    "report",
    ("run", "instance_id", "reported_at", "perf_sec", "perf_sec_stdev", "tasks_completed", "rejected"),
    key=("run", "instance_id", "reported_at"),
)
_STORE_INTERRUPTION = insert_or_update(
    "interruption",
    ("run", "instance_id", "instance_type", "availability_zone", "market", "interrupted_at"),
    key=("run", "instance_id"),
)
_LIST = "SELECT * FROM run_instance WHERE run = %s ORDER BY launched_at, instance_id"
# Hours of instances that still run, or whose end was never seen, count up to the last sign of life.
_EXPOSURE = """
SELECT instance_type, SUM(GREATEST(COALESCE(ended_at, last_reported_at, launched_at) - launched_at, 0)) / 3600 AS hours
FROM run_instance WHERE role <> %s GROUP BY instance_type
"""
_EVENTS = "SELECT instance_type, COUNT(*) AS events FROM interruption GROUP BY instance_type"
_START_UPS = """
SELECT i.ready_at - i.launched_at AS seconds FROM run_instance i JOIN run r ON r.run = i.run
WHERE r.program = %s AND i.role <> %s AND i.ready_at >= i.launched_at ORDER BY i.launched_at, i.instance_id
"""


def store(cursor: DictCursor, run: str, records: Iterable[InstanceRecord]) -> None:
    """Store each instance as it is now."""
    cursor.executemany(_STORE, [_values(run, record) for record in records])


def store_reports(cursor: DictCursor, run: str, reports: Mapping[str, WorkerReport]) -> None:
    """Store what workers said; an unusable measurement without its value but with the reason."""
    cursor.executemany(_STORE_REPORT, [_report_values(run, name, report) for name, report in reports.items()])


def store_interruptions(cursor: DictCursor, run: str, events: Iterable[tuple[Pool, str, float]]) -> None:
    """Store interruptions; one instance is interrupted once, however often it is told."""
    rows = [(run, instance_id, *pool_values(pool), at) for pool, instance_id, at in events]
    cursor.executemany(_STORE_INTERRUPTION, rows)


def listing(cursor: DictCursor, run: str) -> Sequence[InstanceRecord]:
    """The run's instances in the order of their launch."""
    cursor.execute(_LIST, (run,))
    return tuple(_record(row) for row in cursor.fetchall())


def interruptions(cursor: DictCursor) -> Sequence[Interruptions]:
    """Interruptions and hours of workers per instance type, over all runs."""
    cursor.execute(_EXPOSURE, (Role.JOB_MANAGER.value,))
    hours = {row["instance_type"]: float(row["hours"]) for row in cursor.fetchall()}
    cursor.execute(_EVENTS)
    events = {row["instance_type"]: int(row["events"]) for row in cursor.fetchall()}
    names = sorted({*hours, *events})
    return tuple(Interruptions(name, events.get(name, 0), hours.get(name, 0.0)) for name in names)


def start_ups(cursor: DictCursor, program: str) -> Sequence[float]:
    """Seconds from launch to first usable report, of every worker of the program that came so far."""
    cursor.execute(_START_UPS, (program, Role.JOB_MANAGER.value))
    return tuple(float(row["seconds"]) for row in cursor.fetchall())


def _report_values(run: str, instance_id: str, report: WorkerReport) -> tuple[object, ...]:
    rejected = implausible(report.perf_sec)
    measured = (None, None) if rejected else (report.perf_sec, _spread(report))
    return (run, instance_id, report.reported_at, *measured, _count(report.tasks_completed), rejected)


def _last_report_values(report: WorkerReport | None) -> tuple[object, ...]:
    """A rate of zero is kept, for it tells that a worker stands still; what is no number cannot be."""
    if report is None or not math.isfinite(report.perf_sec):
        return (None, None, None, None)
    return (report.reported_at, report.perf_sec, _spread(report), _count(report.tasks_completed))


def _spread(report: WorkerReport) -> float:
    """The standard deviation; 0 ("unknown") where it is none, or so large that the server could not square it."""
    return report.perf_sec_stdev if 0 <= report.perf_sec_stdev <= LARGEST_RATE else 0.0


def _count(tasks: int) -> int:
    return min(max(tasks, 0), _LARGEST_COUNT)


def _values(run: str, record: InstanceRecord) -> tuple[object, ...]:
    return (
        *(run, record.instance_id, record.role.value, *pool_values(record.pool), record.launched_at, record.ready_at),
        *(record.ended_at, record.ended_because, record.cost_usd, record.tasks, record.replaces),
        *_last_report_values(record.last_report),
    )


def _record(row: Row) -> InstanceRecord:
    return InstanceRecord(
        instance_id=row["instance_id"],
        role=Role(row["role"]),
        pool=pool_of(row),
        launched_at=row["launched_at"],
        ended_at=row["ended_at"],
        ended_because=row["ended_because"],
        cost_usd=row["cost_usd"],
        tasks=row["tasks"],
        ready_at=row["ready_at"],
        last_report=_last_report(row),
        replaces=row["replaces"],
    )


def _last_report(row: Row) -> WorkerReport | None:
    if row["last_reported_at"] is None:
        return None
    return WorkerReport(
        perf_sec=row["last_perf_sec"],
        perf_sec_stdev=row["last_perf_sec_stdev"],
        tasks_completed=row["last_tasks_completed"],
        reported_at=row["last_reported_at"],
    )
