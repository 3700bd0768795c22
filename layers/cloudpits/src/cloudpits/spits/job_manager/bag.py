"""One bag of tasks (one ``runner`` call) from generation to its last durable result."""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cloudpits.spits import wire
from cloudpits.spits.errors import JobFailedError
from cloudpits.spits.job_manager.committing import Arrival, CommitThread, commit
from cloudpits.spits.job_manager.generating import Batch, GeneratorThread, Window
from cloudpits.spits.job_manager.table import Task, TaskTable
from cloudpits.spits.journal import GENERATED, QUARANTINED, RESULT, Journal, NoJournal, Record
from cloudpits.spits.programs.interface import ResultSink, TaskSource

T = TypeVar("T")

_REPLICA_AGE_S: float = 0.5
_REPLICA_FACTOR: float = 2.0
_RECALL_AGE_S: float = 10.0
_RECALL_FACTOR: float = 10.0


@dataclass(frozen=True, slots=True)
class BagPolicy:
    """What a job does about failing tasks."""

    max_attempts: int = 3
    skip_poison: bool = False
    window: Window = field(default_factory=Window)


@dataclass(slots=True)
class Counters:
    """Over all bags of a job."""

    generated: int = 0
    sent: int = 0
    committed: int = 0
    errors: int = 0
    discarded: int = 0
    quarantined: list[str] = field(default_factory=list)


class Bag:
    """Lives in the conversations' event loop, but the main thread calls ``replay``, ``start`` and ``wait``."""

    def __init__(
        self,
        run_id: int,
        sink: ResultSink,
        journal: Journal | NoJournal,
        policy: BagPolicy,
        counters: Counters,
        on_work: Callable[[], None],
    ) -> None:
        self.run_id = run_id
        self._sink = sink
        self._journal = journal
        self._policy = policy
        self._counters = counters
        self._on_work = on_work
        self._done: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._mean_s = 0.0
        self._outstanding = 0
        self._arrivals: list[Arrival] = []
        self._generated_before = False
        self._loop: asyncio.AbstractEventLoop
        self._generator: GeneratorThread | None = None
        self.table = TaskTable(policy.max_attempts, self._left_window)

    def replay(self) -> None:
        """Commit again, into this process's committer, what an earlier job manager had made durable."""
        for record in self._journal.replay(self.run_id):
            if record.kind == GENERATED:
                self._generated_before = True
                self._counters.generated += record.task_id
            elif record.kind == QUARANTINED and self._policy.skip_poison:
                self._note_quarantine(record.task_id, record.data.decode())
            elif record.kind == RESULT and self.table.claim(record.task_id):
                commit(self._sink, record)
                self._counters.committed += 1

    def start(self, loop: asyncio.AbstractEventLoop, source: Callable[[], TaskSource]) -> None:
        """Start generating and committing."""
        self._loop = loop
        self._committer = CommitThread(self._sink, self._journal, self._post(self._durable), self._fail_threadsafe)
        self._committer.start()
        self._generator = GeneratorThread(
            source(),
            self._post(self._add),
            self._post(self._all_generated),
            self._fail_threadsafe,
            self._policy.window,
        )
        self._generator.start()

    def wait(self) -> None:
        """Until every task is settled and durable; raises what made the bag fail."""
        try:
            self._done.result()
        except JobFailedError:
            raise
        except Exception as error:
            raise JobFailedError(str(error)) from error
        self._committer.stop()

    def take(self, node: str, alive: Mapping[str, int | None], idle: bool) -> Task | None:
        """A task for ``node``; ``alive`` are all nodes with their workers, where known.

        Only an idle node gets a straggler's replica, or more than the window's bytes allow to be in hand.
        """
        now = time.monotonic()
        if not idle and self.table.in_hand_bytes > self._policy.window.size:
            return None
        task = self.table.take(node, alive, now)
        if task is None and idle:
            workers = {name: count for name, count in alive.items() if count}
            task = self.table.take_waiting(node, workers, now) or self.table.take_replica(
                node, now, max(_REPLICA_AGE_S, _REPLICA_FACTOR * self._mean_s)
            )
        if task is not None:
            self._counters.sent += 1
        return task

    def receive(self, node: str, task_id: int, status: int, data: bytes, acknowledge: Callable[[], None]) -> bool:
        """A message of a task manager about a task; whether it is the task's first result."""
        record = None
        if wire.STATUS_RETURNED <= status <= wire.OWN_STATUS:
            self._report(node, task_id, status, data)
        elif status:
            self._failed(node, task_id, f"the worker returned {status}")
        else:
            self._time(node, task_id)
            if self.table.claim(task_id):
                record = Record(RESULT, self.run_id, task_id, data)
            else:
                self._counters.discarded += 1
        self._submit(Arrival(record, acknowledge))
        return record is not None

    def give_back(self, node: str, task_id: int) -> None:
        """``node`` did not take the task after all."""
        self.table.give_back(node, task_id)
        self._counters.sent -= 1
        self._on_work()

    def recall(self, node: str) -> int:
        """Take back what a task manager that cannot tell what it has may have lost; how many tasks."""
        patience = max(_RECALL_AGE_S, _RECALL_FACTOR * self._mean_s)
        return self.table.recall(node, time.monotonic() - patience)

    def lose(self, node: str) -> int:
        """``node`` is gone; how many tasks are pending again."""
        orphans = len(self.table.lose(node))
        if orphans:
            self._on_work()
        return orphans

    def _report(self, node: str, task_id: int, status: int, data: bytes) -> None:
        if status == wire.STATUS_RETURNED:
            self.table.give_back(node, task_id)
            self._on_work()
        else:
            self._failed(node, task_id, data.decode(errors="replace"))

    def _failed(self, node: str, task_id: int, reason: str) -> None:
        self._counters.errors += 1
        verdict = self.table.fail(node, task_id, reason, time.monotonic())
        self._on_work()
        if verdict is None:
            return
        if not self._policy.skip_poison:
            self._fail(JobFailedError(verdict))
            return
        self._note_quarantine(task_id, verdict)
        self._submit(Arrival(Record(QUARANTINED, self.run_id, task_id, verdict.encode()), lambda: None))

    def _note_quarantine(self, task_id: int, verdict: str) -> None:
        self.table.quarantine(task_id, verdict)
        self._counters.quarantined.append(f"{self.run_id}/{task_id}")

    def _submit(self, arrival: Arrival) -> None:
        """Queue an arrival; all that arrive in one turn of the event loop go to the committer together."""
        if not self._arrivals:
            self._loop.call_soon(self._submit_arrivals)
        self._arrivals.append(arrival)
        self._outstanding += 1

    def _submit_arrivals(self) -> None:
        arrivals, self._arrivals = self._arrivals, []
        self._committer.submit(arrivals)

    def _durable(self, batch: list[Arrival]) -> None:
        self._outstanding -= len(batch)
        for arrival in batch:
            if arrival.record and arrival.record.kind == RESULT:
                self._counters.committed += 1
            arrival.acknowledge()
        self._finish_if_drained()

    def _add(self, batch: Batch) -> None:
        for task_id, data in batch:
            self.table.add(task_id, data)
        if not self._generated_before:
            self._counters.generated += len(batch)
        self._on_work()

    def _all_generated(self, count: int) -> None:
        self.table.generated_all = True
        if not self._generated_before:
            self._submit(Arrival(Record(GENERATED, self.run_id, count, b""), lambda: None))
        self._on_work()
        self._finish_if_drained()

    def _finish_if_drained(self) -> None:
        if self.table.drained and not self._outstanding and not self._done.done():
            self._done.set_result(None)

    def _time(self, node: str, task_id: int) -> None:
        sent = self.table.sent_at(node, task_id)
        if sent is not None:
            self._mean_s += 0.1 * (time.monotonic() - sent - self._mean_s)

    def _left_window(self, size: int) -> None:
        if self._generator:
            self._generator.release(size)

    def _post(self, call: Callable[[T], None]) -> Callable[[T], None]:
        """``call``, to be called from another thread."""

        def post(argument: T) -> None:
            self._loop.call_soon_threadsafe(call, argument)

        return post

    def _fail(self, error: Exception) -> None:
        if not self._done.done():
            self._done.set_exception(error)

    def _fail_threadsafe(self, error: Exception) -> None:
        self._loop.call_soon_threadsafe(self._fail, error)
