"""What ``cloudpits history`` shows: programs with their runs and rates, and the measurements of 2019."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql import rates, runs
from cloudpits.adapters.mysql.connection import Database
from cloudpits.adapters.mysql.rows import Row
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import RateSample

_PROGRAMS = """
SELECT p.digest, p.label, p.arguments, COUNT(r.run) AS runs, MAX(r.started_at) AS last_started_at,
  COALESCE(SUM(r.tasks_committed), 0) AS tasks_committed, COALESCE(SUM(r.spent_usd), 0) AS spent_usd
FROM program p LEFT JOIN run r ON r.program = p.digest
GROUP BY p.digest
ORDER BY last_started_at DESC, p.digest
"""
_SETS_OF_2019 = """
SELECT p.idparameters, p.aph, p.apm, p.`window`, p.np, p.gens, d.iddata, d.name, d.hash,
  (SELECT AVG(t.interpols) FROM `interpols` t
   WHERE t.parameters_idparameters = p.idparameters AND t.data_iddata = d.iddata) AS tasks
FROM (SELECT DISTINCT parameters_idparameters, data_iddata FROM `experiment`) s
JOIN `parameters` p ON p.idparameters = s.parameters_idparameters
JOIN `data` d ON d.iddata = s.data_iddata
ORDER BY d.iddata, p.idparameters
"""
_LINKS = "SELECT program, parameters_idparameters, data_iddata FROM program_of_2019 ORDER BY program"
_LINK = """
INSERT INTO program_of_2019 (program, parameters_idparameters, data_iddata) VALUES (%s, %s, %s)
ON DUPLICATE KEY UPDATE program = program
"""
_PARAMETERS = ("aph", "apm", "window", "np", "gens")


@dataclass(frozen=True, slots=True)
class ProgramHistory:
    """A program: what it is known by, what its runs came to (tasks, USD), and its rates per instance type."""

    program: str
    label: str
    arguments: Sequence[str] | None
    runs: int
    last_started_at: float | None
    tasks_committed: int
    spent_usd: float
    rates: Sequence[RateSample]


@dataclass(frozen=True, slots=True)
class MeasurementsOf2019:
    """A data set with parameters, as measured in 2019: tasks it has, rates per instance type, who uses it now."""

    parameters_id: int
    data_id: int
    data_name: str | None
    data_md5: str | None
    parameters: Mapping[str, float | None]
    tasks: float | None
    rates: Sequence[RateSample]
    used_by: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class History:
    """All that was measured."""

    programs: Sequence[ProgramHistory] = field(default=())
    of_2019: Sequence[MeasurementsOf2019] = field(default=())


def history(database: Database) -> History:
    """Programs, the latest run first, and the measurements of 2019."""
    return database.transaction(lambda cursor: History(_programs(cursor), _of_2019(cursor)))


def use_measurements_of_2019(
    database: Database, program: str, label: str, *, parameters_id: int, data_id: int
) -> Sequence[RateSample]:
    """Make measurements of 2019 history of ``program`` and return its rates.

    The ids are those that ``history`` shows; InvalidInputError lists them if there is no such pair.
    """

    def work(cursor: DictCursor) -> Sequence[RateSample]:
        known = [(row["idparameters"], row["iddata"]) for row in _rows(cursor, _SETS_OF_2019)]
        if (parameters_id, data_id) not in known:
            listed = ", ".join(f"{parameters}/{data}" for parameters, data in known) or "none; import a dump first"
            raise InvalidInputError(f"no measurements of 2019 for {parameters_id}/{data_id}; there are: {listed}")
        runs.ensure_program(cursor, program, label)
        cursor.execute(_LINK, (program, parameters_id, data_id))
        return rates.of_program(cursor, program)

    return database.transaction(work)


def _programs(cursor: DictCursor) -> Sequence[ProgramHistory]:
    return tuple(_program(cursor, row) for row in _rows(cursor, _PROGRAMS))


def _program(cursor: DictCursor, row: Row) -> ProgramHistory:
    return ProgramHistory(
        program=row["digest"],
        label=row["label"],
        arguments=None if row["arguments"] is None else json.loads(row["arguments"]),
        runs=int(row["runs"]),
        last_started_at=row["last_started_at"],
        tasks_committed=int(row["tasks_committed"]),
        spent_usd=float(row["spent_usd"]),
        rates=rates.of_program(cursor, row["digest"]),
    )


def _of_2019(cursor: DictCursor) -> Sequence[MeasurementsOf2019]:
    used_by = defaultdict(list)
    for row in _rows(cursor, _LINKS):
        used_by[row["parameters_idparameters"], row["data_iddata"]].append(str(row["program"]))
    return tuple(
        MeasurementsOf2019(
            parameters_id=row["idparameters"],
            data_id=row["iddata"],
            data_name=row["name"],
            data_md5=row["hash"],
            parameters={name: row[name] for name in _PARAMETERS},
            tasks=row["tasks"],
            rates=rates.of_2019(cursor, row["idparameters"], row["iddata"]),
            used_by=tuple(used_by[row["idparameters"], row["iddata"]]),
        )
        for row in _rows(cursor, _SETS_OF_2019)
    )


def _rows(cursor: DictCursor, query: str) -> Sequence[dict[str, Any]]:
    cursor.execute(query)
    return cursor.fetchall()
