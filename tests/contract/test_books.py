"""What the use cases rely on from the books: the same for the database and for its stand-in in memory."""

from __future__ import annotations

import math
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudpits.adapters.memory.books import MemoryBooks
from cloudpits.adapters.mysql.books import MySqlBooks
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import Interruptions, Market, Pool, RateSample, WorkerReport
from cloudpits.domain.ports import Books, CycleRecord, DecisionRecord, InstanceRecord, Role, RunRecord

SPOT = Pool("c5.large", "us-east-1a", Market.SPOT)
ON_DEMAND = Pool("m5.xlarge", "us-east-1b", Market.ON_DEMAND)
HOSTILE = "'; DROP TABLE run; -- \" \\ ` %s %(run)s {0} \x00 \n \u202e é 🚀"


@pytest.fixture(params=["memory", "mysql"])
def books(request: pytest.FixtureRequest) -> Books:
    if request.param == "memory":
        return MemoryBooks()
    return MySqlBooks(request.getfixturevalue("database"))


def a_run(run: str = "pi-1", **fields: object) -> RunRecord:
    basics = RunRecord(run=run, experiment="pi", program="digest", status="running", started_at=1000.25)
    return replace(basics, **fields)  # type: ignore[arg-type]  # a test's shorthand


def a_worker(instance_id: str = "i-1", **fields: object) -> InstanceRecord:
    basics = InstanceRecord(instance_id=instance_id, role=Role.WORKER_SPOT, pool=SPOT, launched_at=1010.5)
    return replace(basics, **fields)  # type: ignore[arg-type]  # a test's shorthand


def a_cycle(cycle_id: str = "cycle-1", run: RunRecord | None = None, **fields: object) -> CycleRecord:
    basics = CycleRecord(cycle_id=cycle_id, run=run or a_run(), instances=(), decisions=(), reports={})
    return replace(basics, **fields)  # type: ignore[arg-type]  # a test's shorthand


def a_report(rate: float = 2.0, spread: float = 0.5, tasks: int = 10, at: float = 1100.0) -> WorkerReport:
    return WorkerReport(perf_sec=rate, perf_sec_stdev=spread, tasks_completed=tasks, reported_at=at)


def an_ended_run_with(books: Books, run: str, *workers: InstanceRecord, program: str = "digest") -> None:
    reports = {worker.instance_id: worker.last_report for worker in workers if worker.last_report}
    record = a_run(run, program=program, status="completed", ended_at=9000.0)
    books.record_cycle(a_cycle(f"{run}-cycle", record, instances=workers, reports=reports))


class TestRuns:
    def test_an_unknown_run_is_none_and_has_no_rows(self, books: Books) -> None:
        assert books.load_run("nowhere") is None
        assert tuple(books.instances("nowhere")) == ()
        assert tuple(books.decisions("nowhere")) == ()
        assert tuple(books.capacity_errors("nowhere")) == ()

    def test_a_run_comes_back_as_it_was_stored(self, books: Books) -> None:
        record = a_run(
            ended_at=2000.125,
            tasks_total=10**12,
            tasks_committed=17,
            budget_usd=0.1 + 0.2,  # must not be rounded: the controller compares it
            deadline_s=3600.0,
            spent_usd=1 / 3,
            policy="mpc",
            message=HOSTILE,
            policy_memory={"below": {"i-1": 2}, "nothing": None, "list": [1, 2.5, "é"]},
        )
        assert books.begin_run(record) == record
        assert books.load_run(record.run) == record

    def test_beginning_a_run_again_returns_the_stored_one(self, books: Books) -> None:
        first = books.begin_run(a_run(policy="mpc"))
        assert books.begin_run(a_run(policy="lowest-price", started_at=5.0)) == first
        assert books.load_run("pi-1") == first

    def test_runs_are_listed_oldest_first_and_by_experiment(self, books: Books) -> None:
        for run, experiment, started in (("a", "pi", 1.0), ("b", "seismic", 2.0), ("c", "pi", 3.0)):
            books.begin_run(a_run(run, experiment=experiment, started_at=started))
        assert [record.run for record in books.runs()] == ["a", "b", "c"]
        assert [record.run for record in books.runs("pi")] == ["a", "c"]
        assert tuple(books.runs("unknown")) == ()

    def test_names_that_differ_in_case_are_different_runs(self, books: Books) -> None:
        books.begin_run(a_run("pi-1", policy="small"))
        books.begin_run(a_run("PI-1", policy="large"))
        assert [record.policy for record in books.runs()] != ["small", "small"]
        assert len(books.runs()) == 2


class TestCycles:
    def test_all_that_a_cycle_changes_is_stored(self, books: Books) -> None:
        run = a_run(tasks_committed=5, spent_usd=0.25, policy_memory={"count": 1})
        worker = a_worker(ready_at=1100.0, cost_usd=0.01, tasks=3, replaces="i-0", last_report=a_report())
        manager = InstanceRecord("i-jm", Role.JOB_MANAGER, ON_DEMAND, launched_at=1000.0)
        decision = DecisionRecord(1200.0, "launch", "cheapest per task", 0.5, SPOT, 2, None, "i-1, i-2")
        note = DecisionRecord(1200.0, "keep", "nothing better", 0.0)
        assert books.record_cycle(
            a_cycle(
                run=run,
                instances=(manager, worker),
                decisions=(decision, note),
                reports={"i-1": a_report()},
                capacity_errors=((SPOT, 1200.0), (ON_DEMAND, 1201.0)),
                interruptions=((SPOT, "i-1", 1300.0),),
            )
        )
        assert books.load_run("pi-1") == run
        assert tuple(books.instances("pi-1")) == (manager, worker)
        assert tuple(books.decisions("pi-1")) == (decision, note)
        assert tuple(books.capacity_errors("pi-1")) == ((SPOT, 1200.0), (ON_DEMAND, 1201.0))

    def test_a_cycle_is_recorded_once(self, books: Books) -> None:
        books.begin_run(a_run())
        decision = DecisionRecord(1.0, "keep", "once", 0.0)
        first = a_cycle(run=a_run(spent_usd=1.0), decisions=(decision,), capacity_errors=((SPOT, 1.0),))
        assert books.record_cycle(first) is True
        assert books.record_cycle(replace(first, run=a_run(spent_usd=9.0), instances=(a_worker(),))) is False
        assert books.load_run("pi-1") == a_run(spent_usd=1.0)
        assert tuple(books.decisions("pi-1")) == (decision,)
        assert tuple(books.instances("pi-1")) == ()
        assert len(books.capacity_errors("pi-1")) == 1

    def test_an_instance_is_updated_and_decisions_are_appended(self, books: Books) -> None:
        ended = a_worker(ended_at=1500.0, ended_because="Server.SpotInstanceTermination", cost_usd=0.2, tasks=9)
        books.record_cycle(a_cycle("1", instances=(a_worker(),), decisions=(DecisionRecord(1.0, "keep", "a", 0.0),)))
        books.record_cycle(a_cycle("2", instances=(ended,), decisions=(DecisionRecord(2.0, "stop", "b", 0.0),)))
        assert tuple(books.instances("pi-1")) == (ended,)
        assert [decision.reason for decision in books.decisions("pi-1")] == ["a", "b"]

    def test_hostile_text_is_only_text(self, books: Books) -> None:
        name = HOSTILE[:60]
        pool = Pool(name, name, Market.SPOT)
        worker = a_worker(name, pool=pool, ended_because=HOSTILE, replaces=name, last_report=a_report())
        decision = DecisionRecord(1.0, name[:16], HOSTILE, 0.0, pool, 1, name, HOSTILE)
        run = a_run(name, experiment=name, program=name, policy=name, message=HOSTILE, policy_memory={name: name})
        books.record_cycle(
            a_cycle(
                name,
                run,
                instances=(worker,),
                decisions=(decision,),
                reports={name: a_report()},
                capacity_errors=((pool, 1.0),),
                interruptions=((pool, name, 1.0),),
            )
        )
        assert books.lock(name, name, now=1.0, ttl_s=10.0)
        books.unlock(name, name)
        assert tuple(books.runs(name)) == (run,)
        assert tuple(books.instances(name)) == (worker,)
        assert tuple(books.decisions(name)) == (decision,)
        assert tuple(books.capacity_errors(name)) == ((pool, 1.0),)
        assert [found.instance_type for found in books.interruptions()] == [name]


class TestRates:
    def test_a_program_without_history_has_no_rates(self, books: Books) -> None:
        assert tuple(books.rates("unheard of")) == ()

    def test_imported_samples_are_history_of_their_program_alone(self, books: Books) -> None:
        samples = (RateSample("c5.large", 2.0, 0.25, 5), RateSample("m5.xlarge", 4.0, 0.5, 3))
        books.add_rates("digest", HOSTILE, samples)
        assert set(books.rates("digest")) == set(samples)
        assert tuple(books.rates("other")) == ()

    def test_a_worker_of_an_ended_run_is_one_sample_of_its_type(self, books: Books) -> None:
        an_ended_run_with(books, "r1", a_worker(last_report=a_report(rate=3.0, spread=0.5)))
        assert tuple(books.rates("digest")) == (RateSample("c5.large", 3.0, 0.5, 1),)
        assert tuple(books.rates("other")) == ()

    def test_a_run_under_way_is_no_history_yet(self, books: Books) -> None:
        worker = a_worker(last_report=a_report())
        books.record_cycle(a_cycle(instances=(worker,), reports={"i-1": a_report()}))
        assert tuple(books.rates("digest")) == ()

    def test_samples_of_one_type_are_pooled(self, books: Books) -> None:
        books.add_rates("digest", "table", [RateSample("c5.large", 4.0, 1.0, 3)])
        an_ended_run_with(books, "r1", a_worker(last_report=a_report(rate=8.0, spread=0.0)))
        (pooled,) = books.rates("digest")
        assert (pooled.instance_type, pooled.samples) == ("c5.large", 4)
        assert pooled.mean == pytest.approx(5.0)
        assert pooled.stdev == pytest.approx((((1.0 + 1.0) * 3 + 9.0) / 4) ** 0.5)

    def test_importing_under_the_same_label_replaces(self, books: Books) -> None:
        books.add_rates("digest", "table", [RateSample("c5.large", 4.0, 1.0, 3), RateSample("m5.large", 1.0, 0.1, 2)])
        books.add_rates("digest", "table", [RateSample("c5.large", 5.0, 1.0, 3)])
        books.add_rates("digest", "another", [RateSample("r5.large", 2.0, 0.0, 1)])
        means = [(sample.instance_type, sample.mean) for sample in books.rates("digest")]
        assert means == [("c5.large", 5.0), ("r5.large", 2.0)]

    @pytest.mark.parametrize(
        ("mean", "stdev", "samples"),
        [(math.nan, 0.0, 1), (math.inf, 0.0, 1), (-1.0, 0.0, 1), (0.0, 0.0, 1), (1.0, -1.0, 1), (1.0, math.nan, 1),
         (1.0, 0.0, 0)],
    )  # fmt: skip
    def test_imports_that_are_no_measurements_are_refused_by_name(
        self, books: Books, mean: float, stdev: float, samples: int
    ) -> None:
        good = RateSample("c5.large", 1.0, 0.1, 1)
        bad = RateSample("m5.large", mean, stdev, samples)
        with pytest.raises(InvalidInputError, match=r"^table\.csv: m5\.large: .*; expected positive finite tasks/s"):
            books.add_rates("digest", "table.csv", [good, bad])
        assert tuple(books.rates("digest")) == ()


class TestExperience:
    def test_interruptions_and_hours_are_counted_per_type(self, books: Books) -> None:
        workers = (
            a_worker("i-1", launched_at=0.0, ended_at=3600.0),
            a_worker("i-2", launched_at=0.0, ended_at=7200.0),
            a_worker("i-3", pool=ON_DEMAND, role=Role.WORKER_ON_DEMAND, launched_at=0.0, ended_at=1800.0),
        )
        lost = ((SPOT, "i-1", 3600.0),)
        books.record_cycle(a_cycle("1", instances=workers, interruptions=lost))
        books.record_cycle(a_cycle("2", interruptions=lost))  # notice and end tell of the same interruption
        assert tuple(books.interruptions()) == (
            Interruptions("c5.large", events=1, hours=3.0),
            Interruptions("m5.xlarge", events=0, hours=0.5),
        )

    def test_start_up_times_are_those_of_the_program(self, books: Books) -> None:
        ready = a_worker("i-1", launched_at=100.0, ready_at=175.5)
        books.record_cycle(a_cycle("1", instances=(ready, a_worker("i-2"))))
        assert tuple(books.start_up_samples("digest")) == (75.5,)
        assert tuple(books.start_up_samples("other")) == ()


class TestLock:
    def test_one_owner_at_a_time(self, books: Books) -> None:
        assert books.lock("pi-1", "first", now=100.0, ttl_s=60.0)
        assert not books.lock("pi-1", "second", now=159.9, ttl_s=60.0)
        assert books.lock("pi-2", "second", now=159.9, ttl_s=60.0)

    def test_it_expires_by_itself(self, books: Books) -> None:
        books.lock("pi-1", "first", now=100.0, ttl_s=60.0)
        assert books.lock("pi-1", "second", now=160.0, ttl_s=60.0)
        assert not books.lock("pi-1", "first", now=161.0, ttl_s=60.0)

    def test_its_owner_renews_it(self, books: Books) -> None:
        books.lock("pi-1", "first", now=100.0, ttl_s=60.0)
        assert books.lock("pi-1", "first", now=150.0, ttl_s=60.0)
        assert not books.lock("pi-1", "second", now=200.0, ttl_s=60.0)

    def test_only_its_owner_gives_it_back(self, books: Books) -> None:
        books.lock("pi-1", "first", now=100.0, ttl_s=60.0)
        books.unlock("pi-1", "second")
        assert not books.lock("pi-1", "second", now=101.0, ttl_s=60.0)
        books.unlock("pi-1", "first")
        assert books.lock("pi-1", "second", now=102.0, ttl_s=60.0)


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(spent=finite, started=finite, text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_figures_and_text_come_back_bit_by_bit(books: Books, spent: float, started: float, text: str) -> None:
    record = a_run(started_at=started, spent_usd=spent, message=text, policy_memory={text: spent})
    books.record_cycle(a_cycle(uuid4().hex, record))
    assert books.load_run("pi-1") == record
