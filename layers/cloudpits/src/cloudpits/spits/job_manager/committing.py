"""The committer thread of one bag: journal, make durable, commit, and only then let the result be acknowledged.

Results that arrive while the disk is busy are made durable together, so the cost of ``fsync`` is shared.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from cloudpits.spits.journal import RESULT, Journal, NoJournal, Record
from cloudpits.spits.programs.interface import ResultSink, RoleError

_BATCH: int = 256


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message to acknowledge: ``record`` is what to journal and commit first, None for duplicates and failures."""

    record: Record | None
    acknowledge: Callable[[], None]


class CommitThread:
    """Commits ``Arrival``s in their order.

    ``on_durable`` gets each batch, ``on_error`` the exception that ended the thread; both are called in the thread.
    """

    def __init__(
        self,
        sink: ResultSink,
        journal: Journal | NoJournal,
        on_durable: Callable[[list[Arrival]], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._sink = sink
        self._journal = journal
        self._on_durable = on_durable
        self._on_error = on_error
        self._queue: queue.SimpleQueue[list[Arrival]] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="committer", daemon=True)

    def start(self) -> None:
        """Start committing."""
        self._thread.start()

    def submit(self, arrivals: list[Arrival]) -> None:
        """Queue arrivals, at least one."""
        self._queue.put(arrivals)

    def stop(self) -> None:
        """Commit what is queued and end."""
        self._queue.put([])
        self._thread.join()

    def _work(self) -> None:
        try:
            while batch := self._next_batch():
                self._commit(batch)
                self._on_durable(batch)
        except (RoleError, OSError) as error:
            self._on_error(error)

    def _next_batch(self) -> list[Arrival]:
        """All that is queued; empty when told to stop."""
        batch = list(self._queue.get())
        while batch and len(batch) < _BATCH:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if not more:
                self._queue.put(more)
                break
            batch += more
        return batch

    def _commit(self, batch: list[Arrival]) -> None:
        records = [arrival.record for arrival in batch if arrival.record]
        for record in records:
            self._journal.append(record)
        if records:
            self._journal.sync()
        for record in records:
            if record.kind == RESULT:
                commit(self._sink, record)


def commit(sink: ResultSink, record: Record) -> None:
    """Commit one result; ``RoleError`` names the task."""
    try:
        sink.commit(record.task_id, record.data)
    except RoleError as error:
        raise RoleError(f"task {record.task_id} of run {record.run_id}: {error}") from error
