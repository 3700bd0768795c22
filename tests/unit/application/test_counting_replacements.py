"""What the report of a run counts as a replacement."""

from __future__ import annotations

from cloudpits.adapters.memory.books import MemoryBooks
from cloudpits.application.run_report import run_report
from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import CycleRecord, DecisionRecord, InstanceRecord, Role, RunRecord

POOL = Pool("c5.large", "us-east-1a", Market.SPOT)


def worker(name: str, replaces: str | None = None) -> InstanceRecord:
    return InstanceRecord(name, Role.WORKER_SPOT, POOL, 0.0, replaces=replaces)


def launch(reason: str, *names: str) -> DecisionRecord:
    return DecisionRecord(1.0, "launch", reason, 0.0, POOL, len(names), outcome=f"launched {', '.join(names)}")


def drain(reason: str, name: str) -> DecisionRecord:
    return DecisionRecord(2.0, "drain", reason, 0.1, instance_id=name)


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

    assert replacements(workers, [launch("cheap", "i-1"), drain("i-2 has reported", "i-1")]) == 1


def test_a_launch_and_a_drain_for_one_reason_are_one() -> None:
    workers = [worker("i-1"), worker("i-2")]
    decisions = [launch("cheap", "i-1"), launch("b beats a", "i-2"), drain("b beats a; drained first", "i-1")]

    assert replacements(workers, decisions) == 1


def test_a_drain_for_a_reason_of_its_own_is_none() -> None:
    assert replacements([worker("i-1")], [launch("cheap", "i-1"), drain("the budget runs low", "i-1")]) == 0


def test_a_launch_that_was_refused_is_none() -> None:
    refused = DecisionRecord(2.0, "launch", "b beats a", 0.0, POOL, 1, outcome="refused: no capacity")

    assert replacements([worker("i-1")], [launch("cheap", "i-1"), refused, drain("b beats a", "i-1")]) == 0


def test_a_named_predecessor_is_counted_once() -> None:
    workers = [worker("i-1"), worker("i-2", replaces="i-1"), worker("i-3")]
    decisions = [launch("cheap", "i-1"), launch("b beats a", "i-3"), drain("b beats a", "i-1")]

    assert replacements(workers, decisions) == 1
