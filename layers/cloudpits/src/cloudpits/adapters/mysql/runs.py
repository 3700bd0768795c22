"""Programs and runs: the tables ``program`` and ``run``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql.rows import Row, insert_or_update, to_json
from cloudpits.domain.ports import RunRecord

_COLUMNS = tuple(field.name for field in fields(RunRecord))  # the table has the record's names
_STORE = insert_or_update("run", _COLUMNS, key=("run",))
_FIND = "SELECT * FROM run WHERE run = %s"
_FIND_FOR_UPDATE = _FIND + " FOR UPDATE"
_LIST = "SELECT * FROM run ORDER BY started_at, run"
_LIST_OF_EXPERIMENT = "SELECT * FROM run WHERE experiment = %s ORDER BY started_at, run"
_ENSURE_PROGRAM = "INSERT INTO program (digest, label) VALUES (%s, %s) ON DUPLICATE KEY UPDATE digest = digest"
_DESCRIBE_PROGRAM = insert_or_update("program", ("digest", "label", "arguments"), key=("digest",))


def load(cursor: DictCursor, run: str) -> RunRecord | None:
    """The run as last stored."""
    cursor.execute(_FIND, (run,))
    row = cursor.fetchone()
    return _record(row) if row else None


def begin(cursor: DictCursor, record: RunRecord) -> RunRecord:
    """Store the run unless it exists; return what is stored."""
    cursor.execute(_FIND_FOR_UPDATE, (record.run,))
    if row := cursor.fetchone():
        return _record(row)
    store(cursor, record)
    return record


def store(cursor: DictCursor, record: RunRecord) -> None:
    """Store the run as it is now, and its program if it is new."""
    ensure_program(cursor, record.program, record.experiment)
    cursor.execute(_STORE, tuple(_value(record, column) for column in _COLUMNS))


def listing(cursor: DictCursor, experiment: str | None) -> Sequence[RunRecord]:
    """All runs, or those of one experiment, oldest first."""
    if experiment is None:
        cursor.execute(_LIST)
    else:
        cursor.execute(_LIST_OF_EXPERIMENT, (experiment,))
    return tuple(_record(row) for row in cursor.fetchall())


def ensure_program(cursor: DictCursor, digest: str, label: str) -> None:
    """Make sure that rows may refer to the program; a known one keeps its label."""
    cursor.execute(_ENSURE_PROGRAM, (digest, label))


def describe_program(cursor: DictCursor, digest: str, label: str, arguments: Sequence[str]) -> None:
    """Store what people know a program by."""
    cursor.execute(_DESCRIBE_PROGRAM, (digest, label, to_json(list(arguments))))


def _value(record: RunRecord, column: str) -> Any:
    value = getattr(record, column)
    return to_json(value) if column == "policy_memory" else value


def _record(row: Row) -> RunRecord:
    values = {column: row[column] for column in _COLUMNS}
    return RunRecord(**(values | {"policy_memory": json.loads(row["policy_memory"])}))
