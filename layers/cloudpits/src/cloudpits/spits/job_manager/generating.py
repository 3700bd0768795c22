"""The generator thread of one bag: asks the job manager role for tasks, never far ahead of what is sent.

The window bounds memory: at most ``tasks`` tasks or ``size`` bytes wait to be sent (one task may exceed the bytes), and
at most ``size`` bytes are in hand of task managers beyond one task per worker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cloudpits.spits.programs.interface import RoleError, TaskSource

Batch = list[tuple[int, bytes]]
_BATCH_S: float = 0.005


@dataclass(frozen=True, slots=True)
class Window:
    """How much may wait to be sent."""

    tasks: int = 1024
    size: int = 64 << 20


class GeneratorThread:
    """Delivers batches of tasks through ``deliver``; ``finished`` gets their number, ``failed`` what went wrong.

    All three are called in the thread. ``release`` reports tasks that left the window.
    """

    def __init__(
        self,
        source: TaskSource,
        deliver: Callable[[Batch], None],
        finished: Callable[[int], None],
        failed: Callable[[Exception], None],
        window: Window,
    ) -> None:
        self._source = source
        self._deliver = deliver
        self._finished = finished
        self._failed = failed
        self._window = window
        self._waiting_tasks = 0
        self._waiting_bytes = 0
        self._room = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="generator", daemon=True)

    def start(self) -> None:
        """Start generating."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the end of the bag."""
        self._thread.join()

    def release(self, size: int) -> None:
        """A task of ``size`` bytes left the window."""
        with self._room:
            self._waiting_tasks -= 1
            self._waiting_bytes -= size
            if self._waiting_tasks <= self._window.tasks // 2 and self._waiting_bytes <= self._window.size // 2:
                self._room.notify()

    def _work(self) -> None:
        try:
            count = self._generate()
        except RoleError as error:
            self._failed(error)
        else:
            self._source.close()
            self._finished(count)

    def _generate(self) -> int:
        task_id = 1
        while True:
            batch, ended = self._next_batch(task_id)
            self._deliver(batch)
            task_id += len(batch)
            if ended:
                return task_id - 1

    def _next_batch(self, first: int) -> tuple[Batch, bool]:
        batch: Batch = []
        deadline = time.monotonic() + _BATCH_S
        self._wait_for_room()
        while self._has_room() and (not batch or time.monotonic() < deadline):
            data = self._next(first + len(batch))
            if data is None:
                return batch, True
            batch.append((first + len(batch), data))
            with self._room:
                self._waiting_tasks += 1
                self._waiting_bytes += len(data)
        return batch, False

    def _next(self, task_id: int) -> bytes | None:
        try:
            return self._source.next_task(task_id)
        except RoleError as error:
            raise RoleError(f"task {task_id}: {error}") from error

    def _has_room(self) -> bool:
        return self._waiting_tasks < self._window.tasks and self._waiting_bytes < self._window.size

    def _wait_for_room(self) -> None:
        with self._room:
            self._room.wait_for(self._has_room)
