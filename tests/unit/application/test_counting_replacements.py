"""What the report of a run counts as a replacement."""

from __future__ import annotations

from cloudpits.adapters.memory.books import MemoryBooks
from cloudpits.application.run_report import run_report
from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import CycleRecord, DecisionRecord, InstanceRecord, Role, RunRecord

POOL = Pool("c5.large", "us-east-1a", Market.SPOT)


def worker(name: str, replaces: str | None = None) -> InstanceRecord:
    return InstanceRecord(name, Role.WORKER_SPOT, POOL, 0.0, replaces=replaces)


def launch(at: float, *names: str) -> DecisionRecord:
    return DecisionRecord(at, "launch", "cheap", 0.0, POOL, len(names), outcome=f"launched {', '.join(names)}")


def drain(at: float, name: str) -> DecisionRecord:
    return DecisionRecord(at, "drain", "dear", 0.1, instance_id=name)


def replacements(workers: list[InstanceRecord], decisions: list[DecisionRecord]) -> int:
    books = MemoryBooks()
    run = RunRecord("r", "e", "p", "completed", 0.0)
    books.begin_run(run)
    books.record_cycle(CycleRecord("c", run, workers, decisions, {}))
    count = run_report(books, "r")["replacements"]
    assert isinstance(count, int)
    return count


def test_a_worker_that_names_its_predecessor_is_one() -> None:
    workers = [worker("i-1"), worker("i-2", replaces="i-1")]

    assert replacements(workers, [launch(1, "i-1"), drain(2, "i-1")]) == 1


def test_a_drain_and_a_launch_of_one_cycle_are_one() -> None:
    workers = [worker("i-1"), worker("i-2")]

    assert replacements(workers, [launch(1, "i-1"), launch(2, "i-2"), drain(2, "i-1")]) == 1


def test_drains_without_a_launch_are_none() -> None:
    assert replacements([worker("i-1")], [launch(1, "i-1"), drain(2, "i-1")]) == 0


def test_a_launch_that_was_refused_is_none() -> None:
    refused = DecisionRecord(2, "launch", "cheap", 0.0, POOL, 1, outcome="refused: no capacity")

    assert replacements([worker("i-1")], [launch(1, "i-1"), refused, drain(2, "i-1")]) == 0


def test_the_late_drain_of_a_named_predecessor_is_not_counted_again() -> None:
    workers = [worker("i-1"), worker("i-2", replaces="i-1"), worker("i-3")]

    assert replacements(workers, [launch(1, "i-1"), launch(5, "i-3"), drain(5, "i-1")]) == 1
