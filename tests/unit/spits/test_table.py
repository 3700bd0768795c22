"""Who gets which task, rule by rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloudpits.spits.job_manager.table import TaskTable


@pytest.fixture
def table_with() -> Callable[[int], TaskTable]:
    def table_with(tasks: int, **options: Any) -> TaskTable:
        table = TaskTable(3, lambda _: None, **options)
        for task_id in range(1, tasks + 1):
            table.add(task_id, b"x")
        table.generated_all = True
        return table

    return table_with


def taken(table: TaskTable, node: str, now: float = 0.0, alive: tuple[str, ...] = ("a", "b")) -> int | None:
    task = table.take(node, alive, now)
    return task.task_id if task else None


def replica(table: TaskTable, node: str, now: float) -> int | None:
    task = table.take_replica(node, now, min_age_s=1.0)
    return task.task_id if task else None


def test_tasks_of_a_lost_node_come_first_and_in_order(table_with: Any) -> None:
    table = table_with(4)
    assert [taken(table, "a"), taken(table, "a"), taken(table, "b")] == [1, 2, 3]
    assert [task.task_id for task in table.lose("a")] == [2, 1]
    assert [taken(table, "b") for _ in range(4)] == [1, 2, 4, None]


def test_a_failed_task_goes_to_another_node(table_with: Any) -> None:
    table = table_with(1)
    taken(table, "a")
    assert table.fail("a", 1, "why", now=0.0) is None
    assert taken(table, "a") is None
    assert taken(table, "b") == 1


def test_a_failed_task_stays_if_no_other_node_is_alive(table_with: Any) -> None:
    table = table_with(1)
    taken(table, "a")
    table.fail("a", 1, "why", now=0.0)
    assert taken(table, "a", alive=("a",)) == 1


def test_a_failed_task_comes_back_if_no_other_node_takes_it(table_with: Any) -> None:
    table = table_with(1)
    taken(table, "a")
    table.fail("a", 1, "why", now=0.0)
    assert taken(table, "a", now=4.0) is None
    assert taken(table, "a", now=6.0) == 1


def test_the_verdict_names_task_nodes_and_reason(table_with: Any) -> None:
    table = table_with(1)
    verdicts = []
    for node, reason in (("a", "one"), ("b", "two"), ("a", "three")):
        taken(table, node, alive=(node,))
        verdicts.append(table.fail(node, 1, reason, now=0.0))
    assert verdicts == [None, None, "task 1 failed 3 times (on a, b); last: three"]
    assert table.drained


def test_no_replica_while_tasks_are_pending_or_generated(table_with: Any) -> None:
    table = table_with(2)
    taken(table, "a")
    assert replica(table, "b", now=9.0) is None
    taken(table, "a")
    table.generated_all = False
    assert replica(table, "b", now=9.0) is None


def test_the_oldest_straggler_with_fewest_owners_is_replicated_first(table_with: Any) -> None:
    table = table_with(2)
    taken(table, "a", now=0.0)
    taken(table, "a", now=0.5)
    assert [replica(table, "b", now=9.0) for _ in range(3)] == [1, 2, None]


def test_young_tasks_are_not_replicated(table_with: Any) -> None:
    table = table_with(1)
    taken(table, "a", now=0.0)
    assert replica(table, "b", now=0.5) is None


def test_replicas_are_capped(table_with: Any) -> None:
    table = table_with(1, max_owners=2)
    taken(table, "a", now=0.0)
    assert [replica(table, node, now=9.0) for node in ("b", "c")] == [1, None]


def test_the_first_answer_ends_all_replicas(table_with: Any) -> None:
    table = table_with(1)
    taken(table, "a", now=0.0)
    replica(table, "b", now=9.0)
    assert [table.claim(1), table.claim(1)] == [True, False]
    assert (table.in_hand("a"), table.in_hand("b"), table.drained) == (0, 0, True)


def test_what_a_forgetful_node_has_had_too_long_is_sent_again(table_with: Any) -> None:
    table = table_with(2)
    taken(table, "a", now=0.0)
    taken(table, "a", now=5.0)
    assert table.recall("a", sent_before=3.0) == 1
    assert taken(table, "a", now=6.0) == 1


def test_a_result_that_came_before_its_task_was_generated_settles_it(table_with: Any) -> None:
    table = table_with(0)
    assert table.claim(1)
    table.add(1, b"x")
    assert (taken(table, "a"), table.drained) == (None, True)


def test_an_idle_node_gets_at_once_what_would_start_last_elsewhere() -> None:
    table = TaskTable(3, lambda _: None)
    for task_id in range(1, 6):
        table.add(task_id, b"")
        table.take("busy", ["busy"], now=float(task_id))
    workers = {"busy": 2, "idle": 2}
    assert table.take_waiting("idle", workers, 6.0) is None, "more may be generated"
    table.generated_all = True
    taken = [table.take_waiting("idle", workers, 6.0) for _ in range(4)]
    assert [task and task.task_id for task in taken] == [5, 4, 3, None], "what the two workers run stays"
