"""Measured rates of a program: its workers in earlier runs, imported tables, and measurements of 2019 linked to it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql import runs
from cloudpits.adapters.mysql.rows import insert_or_update
from cloudpits.adapters.pooling import pool_samples
from cloudpits.domain.estimation.pooling import pool_reports
from cloudpits.domain.model import RateSample, WorkerReport

# One row per worker, however long it lived: a worker is one sample. Its spread is that within its reports (their own
# standard deviations) and between them. Runs that have not ended are left out: the controller of such a run sees its
# workers directly, and would count them twice.
_WORKERS = """
SELECT i.instance_type, AVG(p.perf_sec) AS mean, AVG(p.perf_sec_stdev * p.perf_sec_stdev) AS within,
  VAR_POP(p.perf_sec) AS between_reports, MAX(p.tasks_completed) AS tasks, MAX(p.reported_at) AS reported_at
FROM run r
JOIN run_instance i ON i.run = r.run
JOIN report p ON p.run = i.run AND p.instance_id = i.instance_id
WHERE r.program = %s AND r.ended_at IS NOT NULL AND p.rejected IS NULL
GROUP BY i.run, i.instance_id, i.instance_type
ORDER BY i.run, i.instance_id
"""
_IMPORTED = """
SELECT instance_type, mean, stdev, samples FROM imported_rate WHERE program = %s
ORDER BY instance_type, label, position
"""
_LINKED = """
SELECT parameters_idparameters, data_iddata FROM program_of_2019 WHERE program = %s
ORDER BY parameters_idparameters, data_iddata
"""
_OF_2019 = """
SELECT e.instance_name AS instance_type, AVG(m.interpsec) AS mean, STDDEV_POP(m.interpsec) AS stdev,
  COUNT(*) AS samples
FROM `experiment` e JOIN `interpsec` m ON m.experiment_idperformance = e.idperformance
WHERE e.parameters_idparameters = %s AND e.data_iddata = %s AND m.interpsec > 0
GROUP BY e.instance_name
ORDER BY e.instance_name
"""
_FORGET = "DELETE FROM imported_rate WHERE program = %s AND label = %s"
_IMPORT = insert_or_update(
    "imported_rate",
    ("program", "label", "instance_type", "position", "mean", "stdev", "samples"),
    key=("program", "label", "instance_type", "position"),
)


def of_program(cursor: DictCursor, program: str) -> Sequence[RateSample]:
    """One sample per instance type from all sources (see ``pool_samples`` for how they are weighed)."""
    imported = _stored(cursor, _IMPORTED, program)
    return pool_samples([*_measured(cursor, program), *imported, *_linked(cursor, program)])


def of_2019(cursor: DictCursor, parameters_id: int, data_id: int) -> Sequence[RateSample]:
    """What was measured in 2019 with these parameters on this data set, per instance type; zeros left out."""
    return pool_samples(_stored(cursor, _OF_2019, parameters_id, data_id))


def add(cursor: DictCursor, program: str, label: str, samples: Sequence[RateSample]) -> None:
    """Store samples under a label, in place of those that it had before."""
    runs.ensure_program(cursor, program, label)
    cursor.execute(_FORGET, (program, label))
    positions: defaultdict[str, int] = defaultdict(int)
    rows = []
    for sample in samples:
        position = positions[sample.instance_type]
        rows.append((program, label, sample.instance_type, position, sample.mean, sample.stdev, sample.samples))
        positions[sample.instance_type] += 1
    cursor.executemany(_IMPORT, rows)


def _measured(cursor: DictCursor, program: str) -> Sequence[RateSample]:
    cursor.execute(_WORKERS, (program,))
    workers = [
        (
            str(row["instance_type"]),
            WorkerReport(
                perf_sec=row["mean"],
                perf_sec_stdev=math.sqrt(row["within"] + row["between_reports"]),
                tasks_completed=row["tasks"],
                reported_at=row["reported_at"],
            ),
        )
        for row in cursor.fetchall()
    ]
    return pool_reports(workers)


def _linked(cursor: DictCursor, program: str) -> Sequence[RateSample]:
    cursor.execute(_LINKED, (program,))
    pairs = [(row["parameters_idparameters"], row["data_iddata"]) for row in cursor.fetchall()]
    return [sample for pair in pairs for sample in _stored(cursor, _OF_2019, *pair)]


def _stored(cursor: DictCursor, query: str, *values: object) -> Sequence[RateSample]:
    cursor.execute(query, values)
    return [
        RateSample(row["instance_type"], float(row["mean"]), float(row["stdev"]), int(row["samples"]))
        for row in cursor.fetchall()
    ]
