"""The bag of tasks: no task is lost, none is done twice, and the closed form agrees with playing every batch."""

from __future__ import annotations

import heapq

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudpits.simulation.bag import Bag


def incommensurable(crew: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Two batches that end at one instant may be played in either order: keep ends apart."""
    return [(slots, rate * (1.0 + 0.01 * (number + 2) ** 0.5)) for number, (slots, rate) in enumerate(crew)]


workers = st.lists(st.tuples(st.integers(1, 8), st.floats(0.05, 20.0)), min_size=1, max_size=5).map(incommensurable)


def accounted(bag: Bag) -> int:
    return bag.open + bag.committed + sum(hand.tasks for hand in bag.hands.values())


def played_batch_by_batch(total: int, crew: list[tuple[int, float]]) -> float:
    """When the last task is committed if every worker takes a batch, computes it, commits it, takes the next."""
    queue: list[tuple[float, int, int]] = []
    left = total
    for number, (slots, rate) in enumerate(crew):
        taken = min(slots, left)
        left -= taken
        if taken:
            heapq.heappush(queue, (slots / rate, number, taken))
    now = 0.0
    while queue:
        now, number, _ = heapq.heappop(queue)
        slots, rate = crew[number]
        taken = min(slots, left)
        left -= taken
        if taken:
            heapq.heappush(queue, (now + slots / rate, number, taken))
    return now


@given(st.integers(1, 400), workers)
def test_the_closed_form_agrees_with_playing_every_batch(total: int, crew: list[tuple[int, float]]) -> None:
    bag = Bag(total)
    for number, (slots, rate) in enumerate(crew):
        bag.join(str(number), slots, rate, 0.0)
    bag.advance(1e9)
    assert bag.committed == total
    assert bag.completed_at == pytest.approx(played_batch_by_batch(total, crew), rel=1e-6)


@given(st.integers(1, 400), workers, st.lists(st.floats(0.1, 50.0), min_size=1, max_size=6))
def test_looking_in_between_changes_nothing(total: int, crew: list[tuple[int, float]], steps: list[float]) -> None:
    once, often = Bag(total), Bag(total)
    for bag in (once, often):
        for number, (slots, rate) in enumerate(crew):
            bag.join(str(number), slots, rate, 0.0)
    now = 0.0
    for step in steps:
        now += step
        often.advance(now)
        assert accounted(often) == total
    once.advance(now)
    assert abs(once.committed - often.committed) <= sum(slots for slots, _ in crew)  # a batch on the very instant
    once.advance(1e9)
    often.advance(1e9)
    assert often.completed_at == pytest.approx(once.completed_at, rel=1e-6)


@given(
    st.integers(1, 300),
    workers,
    st.lists(st.tuples(st.floats(0.0, 30.0), st.sampled_from(["leave", "drain", "join", "slow"])), max_size=8),
)
def test_tasks_are_conserved_whatever_workers_do(
    total: int, crew: list[tuple[int, float]], events: list[tuple[float, str]]
) -> None:
    bag = Bag(total)
    for number, (slots, rate) in enumerate(crew):
        bag.join(str(number), slots, rate, 0.0)
    now = 0.0
    for number, (wait, what) in enumerate(events):
        now += wait
        bag.advance(now)
        worker = str(number % len(crew))
        if what == "leave":
            bag.leave(worker)
            bag.feed_idle(now)
        elif what == "drain":
            bag.drain(worker, now)
        elif what == "slow":
            bag.change_rate(worker, 0.5, now)
        else:
            bag.join(f"new{number}", 2, 1.0, now)
        assert accounted(bag) == total
    bag.join("last", 4, 2.0, now)
    bag.feed_idle(now)
    bag.advance(1e9)
    assert bag.committed == total
    assert bag.open == 0


def test_work_in_hand_is_lost_with_its_worker() -> None:
    bag = Bag(10)
    bag.join("a", slots=2, rate=1.0, now=0.0)
    bag.advance(5.0)
    assert (bag.committed, bag.open) == (4, 4)
    bag.leave("a")
    assert (bag.committed, bag.open) == (4, 6)


def test_a_draining_worker_finishes_what_it_holds_and_takes_no_more() -> None:
    bag = Bag(10)
    bag.join("a", slots=2, rate=1.0, now=0.0)
    bag.advance(3.0)
    assert bag.drain("a", 3.0) == 4.0
    bag.advance(100.0)
    assert (bag.committed, bag.open) == (4, 6)


def test_an_idle_worker_takes_what_another_gave_back() -> None:
    bag = Bag(4)
    bag.join("quick", slots=2, rate=2.0, now=0.0)
    bag.join("slow", slots=2, rate=0.01, now=0.0)
    bag.advance(10.0)
    bag.leave("slow")
    bag.feed_idle(10.0)
    bag.advance(20.0)
    assert bag.completed_at == 11.0


def test_a_new_rate_keeps_the_progress_of_the_batch() -> None:
    bag = Bag(2)
    bag.join("a", slots=2, rate=1.0, now=0.0)
    bag.change_rate("a", 0.5, now=1.0)
    bag.advance(10.0)
    assert bag.completed_at == 3.0


def test_a_billion_tiny_tasks_need_no_event_each() -> None:
    bag = Bag(10**9)
    bag.join("a", slots=2, rate=1e5, now=0.0)
    bag.join("b", slots=96, rate=3e5, now=0.0)
    bag.advance(1e6)
    assert bag.completed_at == pytest.approx(10**9 / 4e5, rel=1e-6)
