"""Failures at every call to the world outside: nothing is left behind, launched twice or paid beyond the budget."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest

from cloudpits.adapters.memory.fleet import ENDED_ITSELF
from cloudpits.domain.commands import Keep, Replace
from cloudpits.domain.errors import CapacityError, QuotaError, StorageError, ThrottledError
from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import Control, Role

VCPUS = {"c5.large": 2, "c5.xlarge": 4, "m5.large": 2}

M5_B = Pool("m5.large", "us-east-1b", Market.SPOT)


class PowerCut(BaseException):
    """The process dies: no handler runs any more, except those that Python cannot skip."""


class Faults:
    """Counts calls to all ports and fails the chosen one, before or after it took effect."""

    def __init__(self, fail_at: int, error: BaseException, *, after: bool) -> None:
        self.calls = 0
        self.struck = ""
        self._fail_at = fail_at
        self._error = error
        self._after = after
        self._dead = False

    def __call__(self, name: str, adapter: Any) -> Any:
        return _Port(name, adapter, self)

    def call(self, name: str, method: Any, *args: Any) -> Any:
        if self._dead:  # whatever a dying process would still try, the world does not see it
            raise self._error
        number = self.calls
        self.calls += 1
        if number == self._fail_at and not self._after:
            self._strike(name)
        result = method(*args)
        if number == self._fail_at:
            self._strike(name)
        return result

    def _strike(self, name: str) -> None:
        self.struck = name
        self._dead = isinstance(self._error, PowerCut)
        raise self._error


class _Port:
    def __init__(self, name: str, adapter: Any, faults: Faults) -> None:
        self._name, self._adapter, self._faults = name, adapter, faults

    def __getattr__(self, method: str) -> Any:
        def call(*args: Any) -> Any:
            return self._faults.call(f"{self._name}.{method}", getattr(self._adapter, method), *args)

        return call


def first_cycle(run: Any) -> None:
    run.at("10:00")


def replacement(run: Any) -> None:
    first_cycle(run)
    run.cycle(at="10:00")
    run.policy.wishes = [Replace(run.workers[0], M5_B, "cheaper")]
    run.at("10:05")


def handover(run: Any) -> None:
    replacement(run)
    run.cycle(at="10:05")
    run.policy.wishes = [Keep("all is well")]
    run.report(run.workers[-1], rate=1.0, at="10:08")
    run.at("10:10")


def interruption(run: Any) -> None:
    first_cycle(run)
    run.cycle(at="10:00")
    run.interrupt(run.workers[0], at="10:04")
    run.at("10:05")


def end(run: Any) -> None:
    first_cycle(run)
    run.cycle(at="10:00")
    run.at("10:10")
    run.progress(1000, state="completed")


CHAPTERS = {
    first_cycle: {"workers": 2, "launched": 2, "drained": 0},
    replacement: {"workers": 3, "launched": 3, "drained": 0},
    handover: {"workers": 2, "launched": 3, "drained": 1},
    interruption: {"workers": 2, "launched": 3, "drained": 0},
    end: {"workers": 0, "launched": 2, "drained": 0},
}
ERRORS = {
    "the process dies": PowerCut(),
    "the service throttles": ThrottledError("slow down", "RequestLimitExceeded"),
    "the database is down": StorageError("gone away"),
}


def recover(run: Any) -> None:
    """Two more cycles, the first after the lock of the dead one has expired. Drained workers go by themselves."""
    run.ports = run.memory
    for seconds in (700.0, 300.0):
        run.clock.at += seconds
        if any(instance.replaces for instance in run.memory.fleet.describe()):
            run.policy.wishes = [Keep("the replacement is on its way")]
        run.cycle()
        for worker in run.control.drain:
            run.memory.fleet.end(worker, ENDED_ITSELF)
    run.clock.at += 300.0
    run.cycle()


def shipwreck(run: Any, chapter: Any, number: Any, error: Any, *, after: Any) -> Faults:
    """Play up to ``chapter``, then let call ``number`` of its cycle fail."""
    chapter(run)
    faults = Faults(number, error, after=after)
    run.put_in_front(faults)
    with contextlib.suppress(PowerCut, ThrottledError, StorageError):
        run.cycle(cycle_id="unlucky")
    if run.control is not None:
        for worker in run.control.drain:
            run.memory.fleet.end(worker, ENDED_ITSELF)
    return faults


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
def test_the_next_cycles_put_right_whatever_step_failed(experiment: Any, chapter: Any, error: Any, after: Any) -> None:
    expected = CHAPTERS[chapter]
    for number in itertools.count():
        with experiment(size=2) as run:
            faults = shipwreck(run, chapter, number, error, after=after)
            if not faults.struck:
                break
            recover(run)
            everyone = run.memory.fleet.describe()
            workers = [i for i in everyone if i.role is not Role.JOB_MANAGER]
            where = f"{faults.struck} (call {number})"
            assert len(run.workers) == expected["workers"], where
            assert len(workers) == expected["launched"], where
            assert len(everyone) == len(workers) + 1, where
            booked = {i.instance_id: i.ended_at for i in run.books.instances("pi-1")}
            assert booked.keys() == {i.instance_id for i in everyone}, where
            assert all((booked[i.instance_id] is None) == i.alive for i in everyone), where
            assert sum(i.ended_because == "drained" for i in run.books.instances("pi-1")) == expected["drained"], where
    assert number > 10


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_repeated_event_after_a_crash_launches_nothing_twice(experiment: Any, after: Any) -> None:
    for number in itertools.count():
        with experiment(size=2) as run:
            faults = shipwreck(run, first_cycle, number, PowerCut(), after=after)
            if not faults.struck:
                break
            run.ports = run.memory
            run.clock.at += 700.0
            run.cycle(cycle_id="unlucky")
            assert (len(run.workers), len(run.job_managers)) == (2, 1), faults.struck


def test_an_event_delivered_twice_is_handled_once(experiment: Any) -> None:
    with experiment() as run:
        run.cycle(at="10:00", cycle_id="event-1")
        assert run.cycle(cycle_id="event-1")["skipped"] == "this event was handled before"


def test_two_cycles_never_run_at_once(experiment: Any) -> None:
    with experiment() as run:
        run.books.lock("pi-1", "another", run.clock.now(), 300.0)
        assert run.cycle(at="10:00")["skipped"] == "another cycle is running"
        assert run.launched == []


def test_a_person_and_a_warning_wait_for_the_cycle_under_way(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        run.books.lock("pi-1", "another", run.clock.now(), 30.0)
        run.handle({"action": "stop"})
        assert run.report_document["status"] == "stopped"


def test_a_stop_ends_the_fleet_even_while_a_dead_cycle_holds_the_lock(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        run.books.lock("pi-1", "dead", run.clock.now(), 600.0)
        answer = run.handle({"action": "stop"}, at="10:01")
        assert "every instance was ended" in answer["skipped"]
        assert run.workers == run.job_managers == []
        run.cycle(at="10:15")
        report = run.report_document
        assert (report["status"], report["message"]) == ("stopped", "stopped by hand")
        assert run.workers == run.job_managers == []


def test_a_cycle_under_way_does_not_overrule_a_stop_that_could_not_wait(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        run.policy.size = 4
        look = run.memory.prices.history

        def stopped_meanwhile(*args: Any) -> Any:
            run.memory.channel.publish_control(Control(run.clock.now(), 0.0, stop=True, reason="stopped by hand"))
            return look(*args)

        run.memory.prices.history = stopped_meanwhile
        answer = run.cycle(at="10:05")
        assert (answer["status"], answer["reason"]) == ("stopped", "stopped by hand")
        assert run.control.stop
        assert run.workers == run.job_managers == []


def test_a_stop_ends_the_fleet_even_without_the_database(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        run.put_in_front(_without_books)
        with pytest.raises(StorageError):
            run.handle({"action": "stop"}, at="10:05")
        assert run.workers == run.job_managers == []
        assert run.control.stop


def test_without_the_database_a_job_that_is_over_costs_no_more(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        run.progress(1000, state="completed")
        run.put_in_front(_without_books)
        with pytest.raises(StorageError):
            run.cycle(at="10:05")
        assert run.workers == run.job_managers == []
        run.ports = run.memory
        run.cycle(at="10:10")
        assert run.report_document["status"] == "completed"


def test_without_the_database_the_fleet_is_kept_alive_and_nothing_is_launched(experiment: Any) -> None:
    with experiment(size=1) as run:
        run.cycle(at="10:00")
        run.policy.size = 5
        run.put_in_front(_without_books)
        with pytest.raises(StorageError):
            run.cycle(at="10:05")
        assert len(run.workers) == 1
        assert run.control.heartbeat_at == run.clock.now()
        assert run.control.heartbeat_at + run.control.lease_s <= run.control.funded_until
        assert not run.control.stop


def test_without_the_database_the_fleet_ends_before_the_budget_may_be_used_up(experiment: Any) -> None:
    with experiment(budget=0.50, size=1) as run:
        run.cycle(at="10:00")
        run.put_in_front(_without_books)
        with pytest.raises(StorageError):
            run.cycle(at="14:00")
        assert run.control.stop
        assert run.workers == run.job_managers == []
        run.ports = run.memory
        run.cycle(at="14:05")
        report = run.report_document
        assert report["status"] == "stopped"
        assert "budget" in report["message"]


def test_the_lease_never_outlasts_the_money(experiment: Any) -> None:
    with experiment(budget=0.20, size=1) as run:
        run.cycle(at="10:00")
        hourly = 0.085 + 0.085 + 2 * 20 * 0.08 / 730  # job manager, worker at its ceiling, two volumes
        paid_s = run.control.funded_until - run.clock.now()
        assert paid_s == pytest.approx((0.20 - run.report_document["spent_usd"]) / hourly * 3600 - 60, rel=0.01)
        assert run.control.lease_s <= max(paid_s, 300.0)


def test_a_pool_without_capacity_leads_to_another_up_to_three_times_in_a_cycle(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.put_in_front(_refusing(run, lambda _: CapacityError("full", "InsufficientInstanceCapacity")))
        answer = run.cycle(at="10:00")
        refused = [d for d in answer["decisions"] if d["outcome"].startswith("refused")]
        assert len(refused) == 3
        assert len({d["pool"] for d in refused}) == 3


def test_what_the_quota_has_room_for_is_launched(experiment: Any) -> None:
    """Six workers of two vCPUs are wished for where four vCPUs are allowed: half as many are asked for, and so on."""
    with experiment(size=6) as run:
        run.put_in_front(_refusing(run, lambda request: _over(run, request, quota=4)))
        answer = run.cycle(at="10:00")
        assert [d["count"] for d in answer["decisions"] if "refused" in d["outcome"]] == [6, 3]
        assert len(run.workers) == 1
        run.cycle(at="10:05")
        assert len(run.workers) == 2
        refused = [d["pool"] for d in run.cycle(at="10:10")["decisions"]]
        assert len(run.workers) == 2
        # Nothing is smaller. The other market, whose quota is another, is asked before it is given up.
        assert [pool.rpartition(" ")[2] for pool in refused] == ["spot"] * 3 + ["on-demand"] * 3


def test_a_type_that_the_quota_has_no_room_for_gives_way_to_a_smaller_one_at_once(experiment: Any) -> None:
    with experiment(size=2) as run:
        run.policy.pool = Pool("c5.xlarge", "us-east-1a", Market.SPOT)
        run.put_in_front(_refusing(run, lambda request: _over(run, request, quota=3)))
        answer = run.cycle(at="10:00")
        refused = [d for d in answer["decisions"] if "refused" in d["outcome"]]
        assert [(d["pool"].split()[0], d["count"]) for d in refused] == [
            ("c5.xlarge", 2),
            ("c5.xlarge", 1),
            ("c5.large", 2),
        ]
        workers = [request for request in run.memory.fleet.launches if request.role is not Role.JOB_MANAGER]
        assert [(request.pool.instance_type, request.count) for request in workers] == [("c5.large", 1)]
        assert run.report_document["launch_failures"] == 1


def _refusing(run: Any, objection: Any) -> Any:
    """A fleet that refuses worker launches with what ``objection`` says of them, if anything."""

    class Refusing:
        def launch(self, request: Any) -> Any:
            problem = objection(request) if request.role.value.startswith("worker") else None
            if problem is not None:
                raise problem
            return run.memory.fleet.launch(request)

        def __getattr__(self, name: str) -> Any:
            return getattr(run.memory.fleet, name)

    return lambda name, adapter: Refusing() if name == "fleet" else adapter


def _over(run: Any, request: Any, quota: int) -> QuotaError | None:
    workers = (r for r in run.memory.fleet.launches if r.role is not Role.JOB_MANAGER)
    wanted = sum(r.count * VCPUS[r.pool.instance_type] for r in (*workers, request))
    return QuotaError("MaxSpotInstanceCountExceeded", "MaxSpotInstanceCountExceeded") if wanted > quota else None


def _without_books(name: str, adapter: Any) -> Any:
    class Down:
        def __getattr__(self, method: str) -> Any:
            def fail(*_: Any) -> Any:
                raise StorageError("the database does not answer")

            return fail

    return Down() if name == "books" else adapter


def test_a_job_manager_that_has_hung_is_replaced(experiment: Any) -> None:
    """It is up and billed, but publishes nothing any more: its successor resumes, and the workers stay."""
    with experiment(size=2) as run:
        run.cycle(at="10:00")
        (first,) = run.job_managers
        run.at("10:05")
        run.progress(10)
        run.cycle(at="10:35")
        assert run.job_managers == [first]
        result = run.cycle(at="10:40")
        assert run.job_managers == []
        run.cycle(at="10:45")
        assert len(run.job_managers) == 1
        assert first not in run.job_managers
        assert len(run.workers) == 2
        assert "has said nothing for 35 min" in str(result)


def test_a_job_manager_that_never_spoke_is_given_time_to_boot(experiment: Any) -> None:
    with experiment(size=0) as run:
        run.cycle(at="10:00")
        (first,) = run.job_managers
        run.cycle(at="10:30")
        assert run.job_managers == [first]
        run.cycle(at="10:35")
        assert run.job_managers == []
