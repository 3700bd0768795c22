"""The task table under any sequence of events: no task is lost, forgotten or settled twice."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cloudpits.spits.job_manager.ids import IdSet
from cloudpits.spits.job_manager.table import TaskTable

NODES = ["a", "b", "c"]
MAX_ATTEMPTS = 3


class TableUnderAnyEvents(RuleBasedStateMachine):
    """``held`` is what each node believes to have; the table must never know less."""

    @initialize()
    def start(self) -> None:
        self.taken_bytes = 0
        self.table = TaskTable(MAX_ATTEMPTS, self.note_taken)
        self.generated = 0
        self.settled = set()
        self.held = {node: set() for node in NODES}
        self.failures = {}
        self.now = 0.0

    def note_taken(self, size: int) -> None:
        self.taken_bytes += size

    @rule()
    def generate(self) -> None:
        if not self.table.generated_all:
            self.generated += 1
            self.table.add(self.generated, b"x")

    @rule()
    def generate_no_more(self) -> None:
        self.table.generated_all = True

    @rule(node=st.sampled_from(NODES), replica=st.booleans())
    def take(self, node: Any, replica: bool) -> None:
        self.now += 1
        task = self.table.take(node, NODES, self.now)
        if task is None and replica:
            task = self.table.take_waiting(node, dict.fromkeys(NODES, 1), self.now) or self.table.take_replica(
                node, self.now, 0.5
            )
        if task is not None:
            assert task.task_id not in self.settled
            assert task.task_id not in self.held[node], "nobody is sent what they have"
            self.held[node].add(task.task_id)

    @rule(node=st.sampled_from(NODES), data=st.data())
    def answer(self, node: Any, data: Any) -> None:
        if self.held[node]:
            task_id = data.draw(st.sampled_from(sorted(self.held[node])))
            self.held[node].discard(task_id)
            assert self.table.claim(task_id) == (task_id not in self.settled)
            self.settled.add(task_id)

    @rule(node=st.sampled_from(NODES), data=st.data())
    def fail(self, node: Any, data: Any) -> None:
        if self.held[node]:
            task_id = data.draw(st.sampled_from(sorted(self.held[node])))
            self.held[node].discard(task_id)
            verdict = self.table.fail(node, task_id, "why", self.now)
            if task_id in self.settled:
                assert verdict is None
                return
            self.failures[task_id] = self.failures.get(task_id, 0) + 1
            assert (verdict is not None) == (self.failures[task_id] == MAX_ATTEMPTS)
            if verdict:
                assert f"task {task_id} " in verdict
                self.settled.add(task_id)

    @rule(node=st.sampled_from(NODES), data=st.data())
    def hand_back(self, node: Any, data: Any) -> None:
        if self.held[node]:
            task_id = data.draw(st.sampled_from(sorted(self.held[node])))
            self.held[node].discard(task_id)
            self.table.give_back(node, task_id)

    @rule(node=st.sampled_from(NODES))
    def lose(self, node: Any) -> None:
        self.table.lose(node)
        self.held[node].clear()

    @rule(node=st.sampled_from(NODES))
    def recall(self, node: Any) -> None:
        self.table.recall(node, self.now + 1)
        self.held[node].clear()

    @rule(task_id=st.integers(min_value=1, max_value=60))
    def answer_from_before(self, task_id: int) -> None:
        """A result of an earlier job manager's time, maybe for a task not generated yet."""
        assert self.table.claim(task_id) == (task_id not in self.settled)
        self.settled.add(task_id)

    @invariant()
    def every_task_is_pending_held_or_settled(self) -> None:
        held = set().union(*self.held.values()) if hasattr(self, "held") else set()
        if hasattr(self, "table"):
            open_tasks = set(range(1, self.generated + 1)) - self.settled
            assert self.table.pending == len(open_tasks - held)
            assert self.table.drained == (self.table.generated_all and not open_tasks)

    @invariant()
    def the_window_hears_of_each_task_once(self) -> None:
        if hasattr(self, "table"):
            assert self.taken_bytes <= self.generated

    @invariant()
    def the_bytes_in_hand_are_those_of_unsettled_held_tasks(self) -> None:
        if hasattr(self, "table"):
            assert self.table.in_hand_bytes == len(set().union(*self.held.values()) - self.settled)


TestTableUnderAnyEvents = TableUnderAnyEvents.TestCase
TestTableUnderAnyEvents.settings = settings(max_examples=50, stateful_step_count=40)


@given(st.lists(st.integers(min_value=1, max_value=50)))
def test_an_id_set_is_a_set(numbers: list[int]) -> None:
    ids = IdSet()
    for number in numbers:
        ids.add(number)
    assert len(ids) == len(set(numbers))
    assert all((number in ids) == (number in numbers) for number in range(1, 52))
