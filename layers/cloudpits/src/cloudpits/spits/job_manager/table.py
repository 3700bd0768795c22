"""Who owes which task: the pure bookkeeping of one bag, without clocks, threads or sockets.

A task is *pending*, *in hand* of one or more task managers (owners), or *settled* (its result was claimed, or it was
quarantined). Losing its last owner makes it pending again, ahead of the others. ``now`` is any monotonic time in
seconds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from cloudpits.spits.job_manager.ids import IdSet

_PATIENCE_S: Final = 5.0


@dataclass(slots=True, eq=False)
class Task:
    """One unsettled task."""

    task_id: int
    data: bytes
    owners: dict[str, float] = field(default_factory=dict)  # node → when it was sent there
    failed_on: list[str] = field(default_factory=list)  # one node per failed attempt
    failed_at: float = 0.0
    taken: bool = False  # was in somebody's hand at least once


class TaskTable:
    """The tasks of one bag.

    ``max_attempts`` failures quarantine a task, ``max_owners`` caps its replicas, and ``on_taken`` hears the size of
    each task in bytes once, when it is first taken or settled.
    """

    def __init__(self, max_attempts: int, on_taken: Callable[[int], None], max_owners: int = 3) -> None:
        self._max_attempts = max_attempts
        self._on_taken = on_taken
        self._max_owners = max_owners
        self._tasks: dict[int, Task] = {}
        self._pending: deque[Task] = deque()
        self._in_hand: dict[str, set[int]] = {}
        self.settled = IdSet()
        self.quarantined: dict[int, str] = {}
        self.generated_all = False
        self.in_hand_bytes = 0

    @property
    def pending(self) -> int:
        """Tasks nobody has."""
        return len(self._pending)

    @property
    def drained(self) -> bool:
        """Every task of the bag is settled."""
        return self.generated_all and not self._tasks

    @property
    def tail(self) -> bool:
        """Nothing is left but what is in somebody's hand."""
        return self.generated_all and bool(self._tasks) and not self._pending

    def in_hand(self, node: str) -> int:
        """Tasks in hand of ``node``."""
        return len(self._in_hand.get(node, ()))

    def sent_at(self, node: str, task_id: int) -> float | None:
        """When ``node`` got the task; None if it does not have it."""
        task = self._tasks.get(task_id)
        return task.owners.get(node) if task else None

    def add(self, task_id: int, data: bytes) -> None:
        """A generated task; ignored when its result came earlier."""
        if task_id in self.settled:
            self._on_taken(len(data))
            return
        task = self._tasks[task_id] = Task(task_id, data)
        self._pending.append(task)

    def take(self, node: str, alive: Collection[str], now: float) -> Task | None:
        """The next task for ``node``, now in its hand.

        A node that failed it gets it again only if no other is alive, or none took it for ``_PATIENCE_S``.
        """
        for position, task in enumerate(self._pending):
            if (
                node not in task.failed_on
                or now - task.failed_at > _PATIENCE_S
                or all(other in task.failed_on for other in alive)
            ):
                del self._pending[position]
                self._own(node, task, now)
                return task
        return None

    def take_replica(self, node: str, now: float, min_age_s: float) -> Task | None:
        """A straggler for an idle ``node``: the task longest in the hands of others, once nothing else is left."""
        if not self.tail:
            return None
        for task in sorted(self._tasks.values(), key=lambda task: (len(task.owners), min(task.owners.values()))):
            young = now - max(task.owners.values()) < min_age_s
            if not young and len(task.owners) < self._max_owners and node not in {*task.owners, *task.failed_on}:
                self._own(node, task, now)
                return task
        return None

    def take_waiting(self, node: str, workers: Mapping[str, int], now: float) -> Task | None:
        """For an idle ``node`` a copy of what another has beyond one task per worker, once nothing else is left.

        The youngest task of who has most is the one that would start last there; ``workers`` counts those of each node.
        """
        if not self.tail:
            return None
        excess = {other: self.in_hand(other) - count for other, count in workers.items() if other != node}
        for other in sorted(excess, key=excess.__getitem__, reverse=True):
            if excess[other] < 1:
                break
            held = sorted(self._in_hand[other], key=lambda task_id: self._tasks[task_id].owners[other])
            for task in (self._tasks[task_id] for task_id in reversed(held[workers[other] :])):
                if len(task.owners) == 1 and node not in task.failed_on:
                    self._own(node, task, now)
                    return task
        return None

    def give_back(self, node: str, task_id: int) -> None:
        """``node`` never got the task, or handed it back unstarted."""
        task = self._tasks.get(task_id)
        if task is not None and node in task.owners:
            self._in_hand[node].discard(task_id)
            self._disown(node, task)

    def recall(self, node: str, sent_before: float) -> int:
        """Take back what ``node`` has had since before then, for it may have lost it; how many tasks."""
        held = [self._tasks[task_id] for task_id in self._in_hand.get(node, ())]
        late = [task.task_id for task in held if task.owners[node] < sent_before]
        for task_id in late:
            self.give_back(node, task_id)
        return len(late)

    def lose(self, node: str) -> list[Task]:
        """``node`` is gone; the tasks that are pending again because of it."""
        lost = [self._tasks[task_id] for task_id in sorted(self._in_hand.pop(node, ()), reverse=True)]
        for task in lost:
            self._disown(node, task)
        return [task for task in lost if not task.owners]

    def claim(self, task_id: int) -> bool:
        """A result arrived: whether it is the first one, which settles the task."""
        if task_id in self.settled:
            return False
        self._settle(task_id)
        return True

    def fail(self, node: str, task_id: int, reason: str, now: float) -> str | None:
        """An attempt failed on ``node``; the verdict if that quarantines the task."""
        task = self._tasks.get(task_id)
        if task is None:
            return None
        task.failed_on.append(node)
        task.failed_at = now
        if len(task.failed_on) < self._max_attempts:
            self.give_back(node, task_id)
            return None
        places = ", ".join(dict.fromkeys(task.failed_on))
        verdict = f"task {task_id} failed {len(task.failed_on)} times (on {places}); last: {reason}"
        self.quarantine(task_id, verdict)
        return verdict

    def quarantine(self, task_id: int, verdict: str) -> None:
        """Settle a task without a result."""
        self.quarantined[task_id] = verdict
        self._settle(task_id)

    def _own(self, node: str, task: Task, now: float) -> None:
        self._mark_taken(task)
        if not task.owners:
            self.in_hand_bytes += len(task.data)
        task.owners[node] = now
        self._in_hand.setdefault(node, set()).add(task.task_id)

    def _disown(self, node: str, task: Task) -> None:
        del task.owners[node]
        if not task.owners:
            self.in_hand_bytes -= len(task.data)
            self._pending.appendleft(task)

    def _settle(self, task_id: int) -> None:
        self.settled.add(task_id)
        task = self._tasks.pop(task_id, None)
        if task is None:
            return
        for owner in task.owners:
            self._in_hand[owner].discard(task_id)
        if task.owners:
            self.in_hand_bytes -= len(task.data)
        else:
            self._pending.remove(task)
            self._mark_taken(task)

    def _mark_taken(self, task: Task) -> None:
        if not task.taken:
            task.taken = True
            self._on_taken(len(task.data))
