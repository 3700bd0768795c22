"""What only the database can show of the books: concurrent cycles, lost commits, unusable figures, pooled history."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import pymysql
import pytest

from cloudpits.adapters.mysql.books import MySqlBooks
from cloudpits.adapters.mysql.connection import Database
from cloudpits.adapters.mysql.history import history
from cloudpits.domain.errors import StorageError
from cloudpits.domain.model import Market, Pool, RateSample, WorkerReport
from cloudpits.domain.ports import CycleRecord, DecisionRecord, InstanceRecord, Role, RunRecord

SPOT = Pool("c5.large", "us-east-1a", Market.SPOT)
RUN = RunRecord(run="pi-1", experiment="pi", program="digest", status="running", started_at=1000.0)
WORKER = InstanceRecord("i-1", Role.WORKER_SPOT, SPOT, launched_at=1010.0)


Result = TypeVar("Result")


@pytest.fixture
def books(database: Database) -> MySqlBooks:
    return MySqlBooks(database)


def cycle(cycle_id: str, run: RunRecord = RUN, **fields: Any) -> CycleRecord:
    return replace(CycleRecord(cycle_id, run, instances=(), decisions=(), reports={}), **fields)


def report(rate: float, at: float, spread: float = 0.0, tasks: int = 1) -> WorkerReport:
    return WorkerReport(perf_sec=rate, perf_sec_stdev=spread, tasks_completed=tasks, reported_at=at)


def measure(books: MySqlBooks, run: str, worker: InstanceRecord, reports: Sequence[WorkerReport]) -> None:
    """A whole run of one worker, a cycle for each of its reports, then its end."""
    record = replace(RUN, run=run)
    for number, each in enumerate(reports):
        books.record_cycle(cycle(f"{number}", record, instances=(worker,), reports={worker.instance_id: each}))
    books.record_cycle(cycle("last", replace(record, status="completed", ended_at=9999.0)))


def at_once(database: Database, works: Sequence[Callable[[MySqlBooks], Result]]) -> list[Result]:
    """Run each work on a connection of its own, all starting together; what they returned."""
    barrier = threading.Barrier(len(works))

    def one(work: Callable[[MySqlBooks], Result]) -> Result:
        with Database(database.address) as mine:
            barrier.wait()
            return work(MySqlBooks(mine))

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


def rows(database: Database, query: str) -> list[dict[str, Any]]:
    def work(cursor: Any) -> list[dict[str, Any]]:
        cursor.execute(query)
        return list(cursor.fetchall())

    return database.transaction(work)


class TestCycles:
    def test_of_two_at_the_same_time_one_is_recorded(self, database: Database) -> None:
        once = cycle("same", decisions=(DecisionRecord(1.0, "keep", "once", 0.0),))
        outcomes = at_once(database, [lambda books: books.record_cycle(once)] * 4)
        assert sorted(outcomes) == [False, False, False, True]
        assert len(MySqlBooks(database).decisions("pi-1")) == 1

    def test_one_that_fails_leaves_nothing(self, books: MySqlBooks, database: Database) -> None:
        too_long = replace(WORKER, instance_id="i" * 65)
        with pytest.raises(StorageError, match="no room for a value"):
            books.record_cycle(cycle("1", instances=(WORKER, too_long)))
        assert books.load_run("pi-1") is None
        assert rows(database, "SELECT * FROM cycle") == []
        assert books.record_cycle(cycle("1", instances=(WORKER,))) is True

    def test_one_whose_commit_was_answered_by_a_broken_line_counts_as_recorded(
        self, books: MySqlBooks, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        commit = pymysql.Connection.commit
        lost = []

        def commit_and_lose(connection: Any) -> None:
            commit(connection)
            if not lost:
                lost.append(True)
                raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

        monkeypatch.setattr(pymysql.Connection, "commit", commit_and_lose)
        assert books.record_cycle(cycle("1", decisions=(DecisionRecord(1.0, "keep", "once", 0.0),))) is True
        assert len(books.decisions("pi-1")) == 1

    def test_a_figure_that_is_no_number_is_an_error(self, books: MySqlBooks) -> None:
        with pytest.raises(StorageError, match="nan can not be used"):
            books.record_cycle(cycle("1", replace(RUN, spent_usd=math.nan)))
        with pytest.raises(StorageError, match="not storable as JSON"):
            books.record_cycle(cycle("1", replace(RUN, policy_memory={"x": math.inf})))

    @pytest.mark.parametrize("rate", [math.nan, math.inf, -1.0, 0.0, 1e300])
    def test_an_unusable_measurement_is_kept_as_a_reason_only(
        self, books: MySqlBooks, database: Database, rate: float
    ) -> None:
        measure(books, "r1", WORKER, [report(rate, at=1100.0, tasks=7)])
        (kept,) = rows(database, "SELECT perf_sec, tasks_completed, rejected FROM report")
        assert kept["perf_sec"] is None
        assert kept["tasks_completed"] == 7
        assert kept["rejected"].startswith("the rate ")
        assert tuple(books.rates("digest")) == ()

    def test_an_instance_that_stands_still_keeps_its_zero(self, books: MySqlBooks) -> None:
        still = replace(WORKER, last_report=report(0.0, at=1100.0))
        absurd = replace(WORKER, instance_id="i-2", last_report=report(math.nan, at=1100.0))
        books.record_cycle(cycle("1", instances=(still, absurd)))
        assert tuple(books.instances("pi-1")) == (still, replace(absurd, last_report=None))

    def test_two_that_begin_a_run_get_the_same_one(self, database: Database) -> None:
        def begin(policy: str) -> Callable[[MySqlBooks], RunRecord]:
            return lambda books: books.begin_run(replace(RUN, policy=policy))

        begun = at_once(database, [begin("a"), begin("b"), begin("c")])
        assert begun[0] == begun[1] == begun[2]

    def test_the_lock_has_one_winner(self, database: Database) -> None:
        def take(owner: str) -> Callable[[MySqlBooks], bool]:
            return lambda books: books.lock("pi-1", owner, now=100.0, ttl_s=60.0)

        won = at_once(database, [take(owner) for owner in "abcd"])
        assert sorted(won) == [False, False, False, True]


class TestPooledHistory:
    def test_a_workers_spread_is_within_and_between_its_reports(self, books: MySqlBooks) -> None:
        measure(books, "r1", WORKER, [report(2.0, 1100.0, spread=0.3), report(4.0, 1200.0, spread=0.5)])
        (pooled,) = books.rates("digest")
        assert (pooled.instance_type, pooled.mean, pooled.samples) == ("c5.large", 3.0, 1)
        assert pooled.stdev == pytest.approx(math.sqrt((0.3**2 + 0.5**2) / 2 + 1.0))

    def test_a_long_lived_worker_counts_no_more_than_a_short_lived_one(self, books: MySqlBooks) -> None:
        measure(books, "r1", WORKER, [report(10.0, 1100.0 + n) for n in range(50)])
        measure(books, "r2", WORKER, [report(2.0, 1100.0)])
        (pooled,) = books.rates("digest")
        assert (pooled.mean, pooled.samples) == (6.0, 2)

    def test_a_run_under_way_shows_in_history_without_rates(self, books: MySqlBooks, database: Database) -> None:
        books.describe_program("digest", "pi by throwing darts", ["1000", "'; DROP TABLE run; --"])
        books.record_cycle(cycle("1", replace(RUN, tasks_committed=5, spent_usd=0.25), instances=(WORKER,)))
        measure(books, "r1", WORKER, [report(2.0, 1100.0)])
        (program,) = history(database).programs
        assert (program.program, program.label, program.runs) == ("digest", "pi by throwing darts", 2)
        assert program.arguments == ["1000", "'; DROP TABLE run; --"]
        assert (program.tasks_committed, program.spent_usd, program.last_started_at) == (5, 0.25, 1000.0)
        assert program.rates == (RateSample("c5.large", 2.0, 0.0, 1),)


def test_the_job_manager_is_no_worker(books: MySqlBooks) -> None:
    manager = replace(WORKER, instance_id="i-jm", role=Role.JOB_MANAGER, ready_at=1020.0, ended_at=4610.0)
    worker = replace(WORKER, ready_at=1040.0, last_report=report(1.0, at=2810.0))
    books.record_cycle(cycle("1", instances=(manager, worker)))
    assert tuple(books.start_up_samples("digest")) == (30.0,)
    (exposure,) = books.interruptions()
    assert exposure.hours == pytest.approx(0.5)  # to its last sign of life: it still runs


def test_a_thousand_workers_are_recorded_in_seconds(books: MySqlBooks) -> None:
    workers = tuple(replace(WORKER, instance_id=f"i-{n:04}", last_report=report(1.0, 1100.0)) for n in range(1000))
    reports = {worker.instance_id: report(1.0, 1100.0) for worker in workers}
    decisions = tuple(DecisionRecord(1.0, "keep", "why not", 0.0) for _ in range(1000))
    assert books.record_cycle(cycle("1", instances=workers, reports=reports, decisions=decisions))
    assert len(books.instances("pi-1")) == 1000
