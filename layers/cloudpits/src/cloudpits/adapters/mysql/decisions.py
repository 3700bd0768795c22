"""What was decided in a run, and which pools refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql.rows import Row, pool_of, pool_values
from cloudpits.domain.model import Pool
from cloudpits.domain.ports import DecisionRecord

_STORE = """
INSERT INTO decision (run, cycle_id, decided_at, command, reason, expected_saving_usd,
  instance_type, availability_zone, market, instance_count, instance_id, outcome)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_LIST = "SELECT * FROM decision WHERE run = %s ORDER BY id"
_STORE_REFUSAL = """
INSERT INTO capacity_error (run, instance_type, availability_zone, market, refused_at) VALUES (%s, %s, %s, %s, %s)
"""
_LIST_REFUSALS = "SELECT * FROM capacity_error WHERE run = %s ORDER BY refused_at, id"


def store(cursor: DictCursor, run: str, cycle_id: str, records: Iterable[DecisionRecord]) -> None:
    """Append the decisions of a cycle."""
    cursor.executemany(_STORE, [_values(run, cycle_id, record) for record in records])


def listing(cursor: DictCursor, run: str) -> Sequence[DecisionRecord]:
    """The run's decisions in the order they were recorded."""
    cursor.execute(_LIST, (run,))
    return tuple(_record(row) for row in cursor.fetchall())


def store_refusals(cursor: DictCursor, run: str, refusals: Iterable[tuple[Pool, float]]) -> None:
    """Append launches that were refused."""
    cursor.executemany(_STORE_REFUSAL, [(run, *pool_values(pool), at) for pool, at in refusals])


def refusals(cursor: DictCursor, run: str) -> Sequence[tuple[Pool, float]]:
    """Launches that were refused, newest last."""
    cursor.execute(_LIST_REFUSALS, (run,))
    return tuple((pool_of(row), row["refused_at"]) for row in cursor.fetchall())


def _values(run: str, cycle_id: str, record: DecisionRecord) -> tuple[object, ...]:
    return (
        *(run, cycle_id, record.at, record.command, record.reason, record.expected_saving_usd),
        *(*pool_values(record.pool), record.count, record.instance_id, record.outcome),
    )


def _record(row: Row) -> DecisionRecord:
    return DecisionRecord(
        at=row["decided_at"],
        command=row["command"],
        reason=row["reason"],
        expected_saving_usd=row["expected_saving_usd"],
        pool=None if row["instance_type"] is None else pool_of(row),
        count=row["instance_count"],
        instance_id=row["instance_id"],
        outcome=row["outcome"],
    )
