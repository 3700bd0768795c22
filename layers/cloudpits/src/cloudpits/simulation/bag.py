"""The bag of tasks while workers empty it: which tasks are open, in hand, committed; in closed form between events.

A worker has ``slots`` equal threads that start a batch of up to ``slots`` tasks together and finish it
``batch_s`` seconds later, so tasks are indivisible: what is in hand when a worker vanishes is open again and
the time spent on it is lost. No event per task is needed while there is open work for everyone: the number of
batches finished by any instant is a floor. Only the end of the bag is played batch by batch.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

_BISECTIONS = 60  # halvings of an interval of hours down to well below a microsecond


@dataclass(slots=True)
class Hand:
    """What one worker holds: ``tasks`` in hand since ``since`` (epoch seconds)."""

    slots: int
    batch_s: float
    since: float
    tasks: int = 0
    committed: int = 0
    accepting: bool = True

    @property
    def finish_at(self) -> float:
        """When the batch in hand will be committed."""
        return self.since + self.batch_s

    def batches_by(self, instant: float) -> int:
        """Batches that an accepting worker with enough open work will have finished by ``instant``."""
        return int((instant - self.since) / self.batch_s) if instant > self.since else 0


class Bag:
    """``total`` tasks; every task is open, in a hand, or committed exactly once."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.open = total
        self.committed = 0
        self.completed_at: float | None = None
        self.hands: dict[str, Hand] = {}

    def join(self, worker: str, slots: int, rate: float, now: float) -> None:
        """A worker of ``rate`` tasks/s with ``slots`` threads starts taking tasks."""
        hand = Hand(slots, slots / rate, now)
        self.hands[worker] = hand
        self._take(hand, now)

    def leave(self, worker: str) -> Hand | None:
        """The worker is gone: what it holds is open again. None if it never joined or has left before."""
        hand = self.hands.pop(worker, None)
        if hand is not None and hand.tasks:
            self._put_back(hand)
        return hand

    def drain(self, worker: str, now: float) -> float:
        """The worker takes no more tasks; returns when its hands will be empty."""
        hand = self.hands.get(worker)
        if hand is None or not hand.tasks:
            return now
        hand.accepting = False
        return hand.finish_at

    def change_rate(self, worker: str, rate: float, now: float) -> None:
        """The worker computes at ``rate`` tasks/s from now on; progress within its batch is kept."""
        hand = self.hands.get(worker)
        if hand is None:
            return
        done = (now - hand.since) / hand.batch_s
        hand.batch_s = hand.slots / rate
        hand.since = now - done * hand.batch_s

    def advance(self, now: float) -> None:
        """Commit everything that is finished by ``now``."""
        busy = [hand for hand in self.hands.values() if hand.tasks]
        if not any(hand.since + hand.batch_s <= now for hand in busy):
            return
        accepting = [hand for hand in busy if hand.accepting]
        if accepting:
            self._advance_plentiful(accepting, now)
        self._advance_by_batch(busy, now)

    def _advance_plentiful(self, busy: list[Hand], now: float) -> None:
        """Up to the last instant by which everybody still found a full batch of open tasks."""
        batches = [hand.batches_by(now) for hand in busy]
        if self._demand(busy, batches) <= self.open:
            self._finish(busy, batches)
            return
        low, high = min(hand.since for hand in busy), now
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2.0
            enough = self._demand(busy, [hand.batches_by(middle) for hand in busy]) <= self.open
            low, high = (middle, high) if enough else (low, middle)
        self._finish(busy, [hand.batches_by(low) for hand in busy])

    @staticmethod
    def _demand(busy: list[Hand], batches: list[int]) -> int:
        return sum(hand.slots * count for hand, count in zip(busy, batches, strict=True))

    def _finish(self, busy: list[Hand], counts: list[int]) -> None:
        for hand, batches in zip(busy, counts, strict=True):
            if batches:
                self._commit(hand, hand.tasks + hand.slots * (batches - 1))
                self.open -= hand.slots * batches
                hand.tasks = hand.slots
                hand.since += batches * hand.batch_s

    def _advance_by_batch(self, busy: list[Hand], now: float) -> None:
        queue = [(hand.finish_at, order) for order, hand in enumerate(busy) if hand.finish_at <= now]
        heapq.heapify(queue)
        while queue:
            instant, order = heapq.heappop(queue)
            hand = busy[order]
            self._commit(hand, hand.tasks)
            hand.tasks = 0
            if self.committed == self.total:
                self.completed_at = instant
            self._take(hand, instant)
            if hand.tasks and hand.finish_at <= now:
                heapq.heappush(queue, (hand.finish_at, order))

    def _commit(self, hand: Hand, tasks: int) -> None:
        self.committed += tasks
        hand.committed += tasks

    def _take(self, hand: Hand, now: float) -> None:
        if hand.accepting and self.open:
            hand.tasks = min(hand.slots, self.open)
            hand.since = now
            self.open -= hand.tasks

    def _put_back(self, hand: Hand) -> None:
        self.open += hand.tasks
        hand.tasks = 0

    def feed_idle(self, now: float) -> None:
        """Give open tasks to workers with empty hands."""
        for hand in self.hands.values():
            if not self.open:
                return
            if not hand.tasks:
                self._take(hand, now)
