"""What a task manager has in hand: tasks queued, tasks running, results waiting to be read. Pure bookkeeping."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cloudpits.spits import wire

_QUEUED_WORK_S: Final = 0.25
_DEEPEST: Final = 256
_BRISK_S: Final = 0.05
_AHEAD_S: Final = 0.02
_MOST_AHEAD: Final = 32


@dataclass(frozen=True, slots=True)
class Held:
    """A task, or the result of one (then ``status`` is set)."""

    run_id: int
    task_id: int
    data: bytes
    status: int = 0

    @property
    def key(self) -> tuple[int, int]:
        """What names the task."""
        return self.run_id, self.task_id

    @property
    def is_report(self) -> bool:
        """Whether it is meant for CloudPITS's own job manager only."""
        return wire.STATUS_RETURNED <= self.status <= wire.OWN_STATUS


class Hand:
    """``overfill`` is the queue's length beyond one task per worker.

    None lets it follow the measured task time, so that the queue holds about a quarter of a second of work: deep enough
    to hide the network from tiny tasks, shallow enough not to hoard long ones. ``max_bytes`` bounds all data held, but
    a task per worker may run whatever its size.
    """

    def __init__(self, workers: int, overfill: int | None, max_bytes: int) -> None:
        self._workers = workers
        self._overfill = overfill
        self._max_bytes = max_bytes
        self._queue: deque[Held] = deque()
        self._running: dict[tuple[int, int], Held] = {}
        self._results: deque[Held] = deque()
        self._keys: set[tuple[int, int]] = set()  # of tasks, and of results that are none of a failed attempt
        self._count = 0
        self._bytes = 0
        self._mean_s: float | None = None
        self._run_id = 0
        self.completed = 0
        self.failed = 0

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        """Whether another task would be one too many."""
        return self.room == 0

    @property
    def room(self) -> int:
        """How many more tasks the queue takes, as far as their sizes allow."""
        if self._bytes >= self._max_bytes and (self._queue or self._results):
            return 0
        return max(0, self._workers + self._depth() - len(self._queue))

    @property
    def queued(self) -> int:
        """Tasks that wait for a worker."""
        return len(self._queue)

    @property
    def computing(self) -> bool:
        """Whether a worker has a task."""
        return bool(self._running)

    @property
    def working(self) -> bool:
        """Whether tasks are queued or running."""
        return bool(self._queue or self._running)

    @property
    def brisk(self) -> bool:
        """Whether tasks are so short that more results come at once."""
        return self.working and self._mean_s is not None and self._mean_s < _BRISK_S

    @property
    def ahead(self) -> int:
        """How many tasks one worker may have, the running one included: of short tasks ``_AHEAD_S`` of work.

        Longer ones gain nothing by it and could start earlier elsewhere.
        """
        if self._mean_s is None or self._mean_s >= _BRISK_S:
            return 1
        return min(_MOST_AHEAD, 2 + int(_AHEAD_S / max(self._mean_s, 1e-6)))

    def accept(self, task: Held) -> None:
        """Queue a task, unless it is in hand already; what is queued of another bag is of no use any more.

        A task whose failure still waits to be acknowledged is another attempt, not a duplicate.
        """
        if task.key in self._keys:
            return
        for stale in [held for held in self._queue if held.run_id != task.run_id]:
            self._queue.remove(stale)
            self._forget(stale)
        self._run_id = task.run_id
        self._queue.append(task)
        self._keep(task)

    def next_task(self) -> Held | None:
        """The next task to run."""
        if not self._queue:
            return None
        task = self._queue.popleft()
        self._running[task.key] = task
        return task

    def finish(self, task: Held, status: int, data: bytes, elapsed_s: float) -> None:
        """A running task ended with ``status``."""
        del self._running[task.key]
        self._forget(task)
        if status == 0:
            self.completed += 1
        else:
            self.failed += 1
        self._mean_s = elapsed_s if self._mean_s is None else 0.9 * self._mean_s + 0.1 * elapsed_s
        self._add_result(Held(task.run_id, task.task_id, data, status))

    def requeue(self, task: Held) -> None:
        """A task given to a worker that did not start it, ahead of the others, if its bag still goes on."""
        del self._running[task.key]
        if task.run_id == self._run_id:
            self._queue.appendleft(task)
        else:
            self._forget(task)

    def drop(self, task: Held) -> None:
        """A running task of a bag that is over: nobody waits for it."""
        del self._running[task.key]
        self._forget(task)

    def return_unstarted(self) -> None:
        """Hand queued tasks back to the job manager as never started."""
        while self._queue:
            task = self._queue.popleft()
            self._forget(task)
            self._add_result(Held(task.run_id, task.task_id, b"", wire.STATUS_RETURNED))

    def take_result(self, reports_too: bool) -> Held | None:
        """The oldest result, on its way until ``acknowledged`` or ``put_back``. Reports are kept for who knows them."""
        for position, result in enumerate(self._results):
            if reports_too or not result.is_report:
                del self._results[position]
                return result
        return None

    def acknowledged(self, result: Held) -> None:
        """The result is durable elsewhere."""
        self._forget(result)

    def put_back(self, results: Iterable[Held]) -> None:
        """Results that were not acknowledged, oldest first."""
        self._results.extendleft(reversed(list(results)))

    def has_results(self, reports_too: bool) -> bool:
        """Whether there is something to read."""
        return any(reports_too or not result.is_report for result in self._results)

    def _depth(self) -> int:
        if self._overfill is not None:
            return self._overfill
        if self._mean_s is None:
            return self._workers
        return min(_DEEPEST, int(self._workers * _QUEUED_WORK_S / max(self._mean_s, 1e-6)))

    def _add_result(self, result: Held) -> None:
        self._results.append(result)
        self._keep(result)

    def _keep(self, held: Held) -> None:
        if held.status == 0:
            self._keys.add(held.key)
        self._count += 1
        self._bytes += len(held.data)

    def _forget(self, held: Held) -> None:
        if held.status == 0:
            self._keys.discard(held.key)
        self._count -= 1
        self._bytes -= len(held.data)
