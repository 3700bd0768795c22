"""The worker processes of a task manager: fed, watched, and forked anew when a task takes one down."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from cloudpits.spits import wire
from cloudpits.spits.errors import InputError, WorkersLostError
from cloudpits.spits.processes import describe_exit, fork_child
from cloudpits.spits.programs.interface import Program
from cloudpits.spits.task_manager import worker_process
from cloudpits.spits.task_manager.hand import Hand, Held

_log = logging.getLogger(__name__)
_STREAM_LIMIT: int = 1 << 20


class _CrashedError(Exception):
    """The worker process ended in the middle of something."""


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """``max_restarts`` counts worker processes lost in a row; ``task_timeout_s`` of None lets tasks run for ever."""

    workers: int
    max_restarts: int = 10
    task_timeout_s: float | None = None


class Pool:
    """Runs what is in the hand. ``on_result`` is called whenever a result was added to it."""

    def __init__(
        self, load: Callable[[], Program], hand: Hand, settings: PoolSettings, on_result: Callable[[], None]
    ) -> None:
        self._load = load
        self._hand = hand
        self._settings = settings
        self._on_result = on_result
        self._work = asyncio.Event()
        self._ready = asyncio.Event()
        self._lost_in_a_row = 0
        self._children: set[int] = set()
        self.metrics: dict[int, dict[str, object]] = {}  # worker number → what its program keeps
        self.task_times: Callable[[float], None] = lambda _: None

    async def run(self) -> None:
        """Run for ever; ``InputError`` if the program cannot start, ``WorkersLostError`` at the cap on restarts."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._settings.workers):
                group.create_task(self._keep_one(number))

    async def ready(self) -> None:
        """Until the first worker has loaded the program."""
        await self._ready.wait()

    def wake(self) -> None:
        """There are tasks in the hand."""
        self._work.set()

    def kill(self) -> None:
        """End every worker process at once."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    async def _keep_one(self, number: int) -> None:
        while True:
            worker = await _Worker.start(self._load)
            self._children.add(worker.pid)
            try:
                await self._feed(worker, number)
            except _CrashedError:
                self._lost_in_a_row += 1
                if self._lost_in_a_row > self._settings.max_restarts:
                    raise WorkersLostError(
                        f"{self._lost_in_a_row} worker processes in a row died; the last {worker.fate}"
                    ) from None
            finally:
                self._children.discard(worker.pid)
                worker.kill()

    async def _feed(self, worker: _Worker, number: int) -> None:
        await worker.become_ready()
        self._ready.set()
        while True:
            while (task := self._hand.next_task()) is None:
                self._work.clear()
                await self._work.wait()
            await self._run(worker, number, task)

    async def _run(self, worker: _Worker, number: int, task: Held) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._settings.task_timeout_s):
                status, data, metrics = await worker.run(task)
        except TimeoutError:
            worker.fate = f"ran longer than {self._settings.task_timeout_s:g} s"
            self._finish(task, wire.STATUS_FAILED, worker.fate.encode(), began)
            raise _CrashedError from None
        except _CrashedError:
            self._finish(task, wire.STATUS_FAILED, f"the worker process was {worker.fate}".encode(), began)
            raise
        if metrics:
            self.metrics[number] = json.loads(metrics)
        self._lost_in_a_row = 0
        self._finish(task, status, data, began)

    def _finish(self, task: Held, status: int, data: bytes, began: float) -> None:
        elapsed = time.monotonic() - began
        if status:
            reason = data.decode(errors="replace") if status == wire.STATUS_FAILED else f"it returned {status}"
            _log.warning("task %d of run %d failed: %s", task.task_id, task.run_id, reason)
        else:
            self.task_times(elapsed)
        self._hand.finish(task, status, data, elapsed)
        self._on_result()


class _Worker:
    """One worker process and the socket to it."""

    def __init__(self, pid: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.pid = pid
        self.fate = "killed"
        self._reader = reader
        self._writer = writer

    @classmethod
    async def start(cls, load: Callable[[], Program]) -> _Worker:
        ours, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        pid = fork_child(descriptor, lambda: worker_process.serve(descriptor, load))
        theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours, limit=_STREAM_LIMIT)
        return cls(pid, reader, writer)

    async def become_ready(self) -> None:
        kind, _, data, _ = await self._answer()
        if kind == worker_process.REFUSED:
            raise InputError(data.decode(errors="replace"))

    async def run(self, task: Held) -> tuple[int, bytes, bytes]:
        """Status, data and metrics."""
        self._writer.write(worker_process.TASK.pack(task.task_id, len(task.data)))
        self._writer.write(task.data)
        kind, status, data, metrics = await self._answer()
        return (wire.STATUS_FAILED if kind == worker_process.MISBEHAVED else status), data, metrics

    def kill(self) -> None:
        self._writer.transport.abort()
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)

    async def _answer(self) -> tuple[int, int, bytes, bytes]:
        try:
            header = await self._reader.readexactly(worker_process.ANSWER.size)
            kind, status, metrics_size, size = worker_process.ANSWER.unpack(header)
            metrics = await self._reader.readexactly(metrics_size)
            return kind, status, await self._reader.readexactly(size), metrics
        except (asyncio.IncompleteReadError, OSError):
            await self._learn_fate()
            raise _CrashedError from None

    async def _learn_fate(self) -> None:
        for _ in range(100):
            pid, status = _poll_exit(self.pid)
            if pid:
                self.pid = 0
                self.fate = describe_exit(status)
                return
            await asyncio.sleep(0.01)


def _poll_exit(pid: int) -> tuple[int, int]:
    return os.waitpid(pid, os.WNOHANG)
