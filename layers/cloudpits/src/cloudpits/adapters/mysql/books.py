"""The port ``Books`` on the database: every method is one transaction, every value a bound parameter."""

from __future__ import annotations

from collections.abc import Sequence

import pymysql
from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql import decisions, instances, locks, rates, runs
from cloudpits.adapters.mysql.connection import Database
from cloudpits.adapters.mysql.failures import is_duplicate
from cloudpits.adapters.pooling import check_samples
from cloudpits.domain.model import Interruptions, Pool, RateSample
from cloudpits.domain.ports import CycleRecord, DecisionRecord, InstanceRecord, RunRecord

_OPEN_CYCLE = "INSERT INTO cycle (run, cycle_id) VALUES (%s, %s)"


class MySqlBooks:
    """Runs, their instances, decisions and measurements, in the migrated database ``experimentos``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load_run(self, run: str) -> RunRecord | None:
        return self._database.transaction(lambda cursor: runs.load(cursor, run))

    def begin_run(self, record: RunRecord) -> RunRecord:
        return self._database.transaction(lambda cursor: runs.begin(cursor, record))

    def runs(self, experiment: str | None = None) -> Sequence[RunRecord]:
        return self._database.transaction(lambda cursor: runs.listing(cursor, experiment))

    def describe_program(self, program: str, label: str, arguments: Sequence[str]) -> None:
        """Store what people know a program by: a label and its arguments. Beyond the port; for the command line."""
        self._database.transaction(lambda cursor: runs.describe_program(cursor, program, label, arguments))

    def instances(self, run: str) -> Sequence[InstanceRecord]:
        return self._database.transaction(lambda cursor: instances.listing(cursor, run))

    def decisions(self, run: str) -> Sequence[DecisionRecord]:
        return self._database.transaction(lambda cursor: decisions.listing(cursor, run))

    def capacity_errors(self, run: str) -> Sequence[tuple[Pool, float]]:
        return self._database.transaction(lambda cursor: decisions.refusals(cursor, run))

    def record_cycle(self, record: CycleRecord) -> bool:
        attempts = 0

        def work(cursor: DictCursor) -> bool:
            nonlocal attempts
            attempts += 1
            runs.store(cursor, record.run)
            try:
                cursor.execute(_OPEN_CYCLE, (record.run.run, record.cycle_id))
            except pymysql.err.IntegrityError as error:
                if not is_duplicate(error):
                    raise
                cursor.connection.rollback()
                # On a second attempt the cycle is our own: the connection was lost after the commit.
                return attempts > 1
            _store_events(cursor, record)
            return True

        return self._database.transaction(work)

    def rates(self, program: str) -> Sequence[RateSample]:
        return self._database.transaction(lambda cursor: rates.of_program(cursor, program))

    def add_rates(self, program: str, label: str, samples: Sequence[RateSample]) -> None:
        check_samples(label, samples)
        self._database.transaction(lambda cursor: rates.add(cursor, program, label, samples))

    def interruptions(self) -> Sequence[Interruptions]:
        return self._database.transaction(instances.interruptions)

    def start_up_samples(self, program: str) -> Sequence[float]:
        return self._database.transaction(lambda cursor: instances.start_ups(cursor, program))

    def lock(self, run: str, owner: str, now: float, ttl_s: float) -> bool:
        return self._database.transaction(lambda cursor: locks.take(cursor, run, owner, now, now + ttl_s))

    def unlock(self, run: str, owner: str) -> None:
        self._database.transaction(lambda cursor: locks.release(cursor, run, owner))


def _store_events(cursor: DictCursor, record: CycleRecord) -> None:
    run = record.run.run
    instances.store(cursor, run, record.instances)
    instances.store_reports(cursor, run, record.reports)
    instances.store_interruptions(cursor, run, record.interruptions)
    decisions.store(cursor, run, record.cycle_id, record.decisions)
    decisions.store_refusals(cursor, run, record.capacity_errors)
