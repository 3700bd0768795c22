"""What a task manager has in hand, under any sequence of events."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.strategies import booleans, integers

from cloudpits.spits import wire
from cloudpits.spits.task_manager.hand import Hand, Held

STATUSES = [0, 0, 0, 5, wire.STATUS_FAILED]


class HandUnderAnyEvents(RuleBasedStateMachine):
    """The model counts where each accepted task is: queued, running, waiting to be read, or on its way."""

    @initialize(overfill=integers(0, 3))
    def start(self, overfill: Any) -> None:
        self.hand = Hand(2, overfill, 1000)
        self.limit = 2 + overfill
        self.queued, self.running, self.waiting, self.sent = [], [], 0, []
        self.next_id = 0

    @rule(size=integers(0, 100))
    def accept(self, size: int) -> None:
        if not self.hand.full:
            self.next_id += 1
            task = Held(1, self.next_id, b"x" * size)
            self.hand.accept(task)
            self.queued.append(task)

    @rule()
    def accept_again(self) -> None:
        if self.queued:
            self.hand.accept(self.queued[-1])

    @rule()
    def run(self) -> None:
        task = self.hand.next_task()
        assert task == (self.queued.pop(0) if self.queued else None)
        if task:
            self.running.append(task)

    @rule()
    def requeue(self) -> None:
        if self.running:
            self.hand.requeue(self.running[-1])
            self.queued.insert(0, self.running.pop())

    @rule(which=integers(0, len(STATUSES) - 1))
    def finish(self, which: int) -> None:
        if self.running:
            self.hand.finish(self.running.pop(), STATUSES[which], b"result", 0.01)
            self.waiting += 1

    @rule(ours=booleans())
    def send(self, ours: bool) -> None:
        result = self.hand.take_result(reports_too=ours)
        if result:
            assert ours or not result.is_report
            self.waiting -= 1
            self.sent.append(result)

    @rule(count=integers(0, 3))
    def acknowledge_some(self, count: int) -> None:
        for result in self.sent[:count]:
            self.hand.acknowledged(result)
        self.hand.put_back(self.sent[count:])
        self.waiting += len(self.sent[count:])
        self.sent = []

    @rule()
    def drain(self) -> None:
        self.hand.return_unstarted()
        self.waiting += len(self.queued)
        self.queued = []

    @invariant()
    def nothing_is_lost(self) -> None:
        if hasattr(self, "hand"):
            assert len(self.hand) == len(self.queued) + len(self.running) + self.waiting + len(self.sent)
            assert self.hand.working == bool(self.queued or self.running)
            assert len(self.queued) <= self.limit + 2, "a task per worker may have come back"


TestHandUnderAnyEvents = HandUnderAnyEvents.TestCase
TestHandUnderAnyEvents.settings = settings(max_examples=50, stateful_step_count=40)


def test_tasks_of_a_finished_bag_are_dropped_for_those_of_the_next() -> None:
    hand = Hand(1, 5, 1000)
    hand.accept(Held(1, 1, b"old"))
    hand.accept(Held(2, 1, b"new"))
    assert hand.next_task() == Held(2, 1, b"new")
    assert hand.next_task() is None


def test_a_failed_task_may_come_again_before_its_failure_is_acknowledged() -> None:
    hand = Hand(1, 5, 1000)
    hand.accept(Held(1, 1, b"task"))
    hand.finish(hand.next_task(), wire.STATUS_FAILED, b"why", 0.1)
    failure = hand.take_result(reports_too=True)
    hand.accept(Held(1, 1, b"task"))
    hand.acknowledged(failure)
    assert hand.next_task() == Held(1, 1, b"task")
    assert len(hand) == 1


def test_the_queue_holds_a_quarter_of_a_second_of_work() -> None:
    hand = Hand(2, None, 1 << 30)
    for task_id, elapsed_s in ((1, 0.001), (2, 0.001)):
        hand.accept(Held(1, task_id, b""))
        hand.finish(hand.next_task(), 0, b"", elapsed_s)
    accepted = 0
    while not hand.full:
        accepted += 1
        hand.accept(Held(1, 100 + accepted, b""))
    assert accepted == 2 + 256, "of tiny tasks many, up to a cap"
    slow = Hand(2, None, 1 << 30)
    slow.accept(Held(1, 1, b""))
    slow.finish(slow.next_task(), 0, b"", 60.0)
    slow.accept(Held(1, 2, b""))
    slow.accept(Held(1, 3, b""))
    assert slow.full, "of long tasks one per worker"


def test_workers_are_given_short_tasks_ahead_and_long_ones_singly() -> None:
    ahead = []
    for elapsed_s in (0.0, 0.002, 0.04, 0.06, 60.0):
        hand = Hand(2, None, 1 << 30)
        hand.accept(Held(1, 1, b""))
        hand.finish(hand.next_task(), 0, b"", elapsed_s)
        ahead.append(hand.ahead)
    assert ahead == [32, 12, 2, 1, 1]


def test_a_task_of_a_finished_bag_does_not_come_back_from_a_worker() -> None:
    hand = Hand(1, 5, 1000)
    hand.accept(Held(1, 1, b"old"))
    old = hand.next_task()
    hand.accept(Held(2, 1, b"new"))
    hand.requeue(old)
    assert (hand.queued, hand.computing, len(hand)) == (1, False, 1)


def test_the_bytes_in_hand_are_bounded() -> None:
    hand = Hand(4, 10, 100)
    hand.accept(Held(1, 1, b"x" * 100))
    assert hand.full
